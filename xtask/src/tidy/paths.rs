//! The project runs anywhere: no path of one machine, no host of one registry.

use super::Offence;
use super::house::House;
use crate::tree::File;

/// Folders that hold people's own files; in pieces, so that this file does not report itself.
const PERSONAL: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// Finds absolute paths of a machine, and lock files that point at one registry's mirror.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let root = house.tree.root.to_string_lossy();
    let files = house.tree.files.iter();
    files
        .flat_map(|file| match file.name() {
            "Cargo.lock" => sources(file),
            "package-lock.json" => addresses(file),
            _ => in_text(file, &root),
        })
        .collect()
}

/// Reports lines of cargo's lock file whose source is not the registry of the first one.
fn sources(file: &File) -> Vec<Offence> {
    let mut sources = file.lines().filter(|(_, text)| text.starts_with("source = ")).peekable();
    let Some(first) = sources.peek().map(|(_, text)| (*text).to_owned()) else { return Vec::new() };
    let foreign = sources.filter(|(_, text)| *text != first || !text.contains("registry+"));
    let what = "this is another source than that of the other packages";
    foreign
        .map(|(line, _)| Offence::new(&file.path, line, what, "lock it again without a mirror"))
        .collect()
}

/// Reports lines of npm's lock file that hold an address: one that was locked behind a mirror works
/// there only.
fn addresses(file: &File) -> Vec<Offence> {
    let held = file.lines().filter(|(_, text)| text.trim_start().starts_with("\"resolved\":"));
    let mend = "lock it again with `omit-lockfile-registry-resolved=true`";
    held.map(|(line, _)| {
        Offence::new(&file.path, line, "this is the address of one registry", mend)
    })
    .collect()
}

fn in_text(file: &File, root: &str) -> Vec<Offence> {
    let places = [root].into_iter().chain(PERSONAL);
    let mut found = Vec::new();
    for place in places {
        for (line, _) in file.lines().filter(|(_, text)| holds(text, place)) {
            let what = format!("`{place}` is a path of one machine");
            found.push(Offence::new(&file.path, line, what, "make it relative"));
        }
    }
    found
}

/// Tells whether an absolute path stands in the text, not as the tail of a longer one.
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
    use super::super::house::tests::{check_finds, house};
    use super::*;

    #[test]
    fn a_path_of_this_or_another_machine_is_reported() {
        let own = format!("see {}someone/checkout.", PERSONAL[0]);
        let other = format!("\nlog = \"{}x/log\"", PERSONAL[2]);
        let found = check(&house(&[("a.md", &own), ("b.toml", &other)]));
        // The first names the checkout, and somebody's folder.
        check_finds(&found, &[("a.md", 1), ("a.md", 1), ("b.toml", 2)]);
    }

    #[test]
    fn a_relative_path_and_a_route_are_fine() {
        let text = format!("docs{}page and {} alone", PERSONAL[0], PERSONAL[1]);
        check_finds(&check(&house(&[("a.md", &text)])), &[]);
    }

    #[test]
    fn a_lock_file_points_at_one_registry_and_names_no_address() {
        let good = "source = \"registry+https://registry.example/index\"\n".to_owned();
        let bad = "source = \"registry+https://mirror.example/index\"\n";
        let found = check(&house(&[("Cargo.lock", &(good + bad))]));
        check_finds(&found, &[("Cargo.lock", 2)]);
        let bad = "{\n  \"resolved\": \"https://mirror.example/a.tgz\"\n}";
        check_finds(&check(&house(&[("w/package-lock.json", bad)])), &[("w/package-lock.json", 2)]);
    }
}
