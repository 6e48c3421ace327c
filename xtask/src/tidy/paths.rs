//! No absolute path of one machine, and no registry mirror in lock files.

use super::Violation;
use super::workspace::Workspace;
use crate::source_tree::File;

/// Home directories; in pieces, so that this file does not report itself.
const PERSONAL: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// Finds absolute paths of one machine, and lock files that refer to a registry mirror.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let root = workspace.tree.root.to_string_lossy();
    let files = workspace.tree.files.iter();
    files
        .flat_map(|file| match file.name() {
            "Cargo.lock" => sources(file),
            "package-lock.json" => addresses(file),
            _ => in_text(file, &root),
        })
        .collect()
}

/// Reports lines of cargo's lock file whose source is not the registry of the first one.
fn sources(file: &File) -> Vec<Violation> {
    let mut sources = file.lines().filter(|(_, text)| text.starts_with("source = ")).peekable();
    let Some(first) = sources.peek().map(|(_, text)| (*text).to_owned()) else { return Vec::new() };
    let foreign = sources.filter(|(_, text)| *text != first || !text.contains("registry+"));
    let what = "this source differs from that of the other packages";
    foreign
        .map(|(line, _)| {
            Violation::new(&file.path, line, what, "update the lock file without a mirror")
        })
        .collect()
}

/// Reports URLs in npm's lock files: one that was written behind a mirror works only there.
fn addresses(file: &File) -> Vec<Violation> {
    let held = file.lines().filter(|(_, text)| text.trim_start().starts_with("\"resolved\":"));
    let fix = "update the lock file with `omit-lockfile-registry-resolved=true`";
    held.map(|(line, _)| Violation::new(&file.path, line, "this is the URL of a registry", fix))
        .collect()
}

fn in_text(file: &File, root: &str) -> Vec<Violation> {
    let places = [root].into_iter().chain(PERSONAL);
    let mut found = Vec::new();
    for place in places {
        for (line, _) in file.lines().filter(|(_, text)| holds(text, place)) {
            let what = format!("`{place}` is an absolute path of one machine");
            found.push(Violation::new(&file.path, line, what, "make it relative"));
        }
    }
    found
}

/// Returns whether a text contains an absolute path, and not just as the end of a longer one.
fn holds(text: &str, place: &str) -> bool {
    let starts = text.match_indices(place).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + place.len()..].chars().next();
        let longer = |c: char| c.is_alphanumeric() || "._-}".contains(c);
        let named = !place.ends_with('/') || after.is_some_and(char::is_alphanumeric);
        let whole = place.ends_with('/') || !after.is_some_and(char::is_alphanumeric);
        !before.is_some_and(longer) && named && whole
    });
    place.matches('/').count() > 1 && starts
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    #[test]
    fn a_path_of_this_or_another_machine_is_reported() {
        let own = format!("see {}someone/checkout.", PERSONAL[0]);
        let other = format!("\nlog = \"{}x/log\"", PERSONAL[2]);
        let found = check(&workspace(&[("a.md", &own), ("b.toml", &other)]));
        // The first names the checkout, and somebody's folder.
        check_finds(&found, &[("a.md", 1), ("a.md", 1), ("b.toml", 2)]);
    }

    #[test]
    fn a_relative_path_and_a_route_are_fine() {
        let text = format!("docs{}page and {} alone", PERSONAL[0], PERSONAL[1]);
        check_finds(&check(&workspace(&[("a.md", &text)])), &[]);
    }

    #[test]
    fn a_lock_file_points_at_one_registry_and_names_no_address() {
        let good = "source = \"registry+https://registry.example/index\"\n".to_owned();
        let bad = "source = \"registry+https://mirror.example/index\"\n";
        let found = check(&workspace(&[("Cargo.lock", &(good + bad))]));
        check_finds(&found, &[("Cargo.lock", 2)]);
        let bad = "{\n  \"resolved\": \"https://mirror.example/a.tgz\"\n}";
        check_finds(
            &check(&workspace(&[("w/package-lock.json", bad)])),
            &[("w/package-lock.json", 2)],
        );
    }
}
