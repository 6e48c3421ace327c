//! Every direct dependency has a reason, and is used.

use std::collections::{BTreeMap, BTreeSet};

use super::Offence;
use super::house::{Crate, House};
use crate::tree::File;

const DOCUMENT: &str = "docs/DEPENDENCIES.md";

/// Holds the list of reasons equal to the crates' `Cargo.toml` files, and these to their code.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let Some(document) = house.tree.file(DOCUMENT) else {
        return vec![Offence::new(DOCUMENT, 1, "is missing", "write it")];
    };
    let reasons = reasons(document);
    let mut found = unexplained(house, &reasons);
    found.extend(stale(house, &reasons));
    found.extend(house.crates.iter().flat_map(|krate| unused(house, krate)));
    found
}

/// Returns the names that the document gives a reason for, with their lines.
fn reasons(document: &File) -> BTreeMap<&str, usize> {
    let entry = |(line, text)| reason_of(text).map(|name| (name, line));
    document.lines().filter_map(entry).collect()
}

/// Reads a line like "- `name`: why"; without a why it is none.
fn reason_of(line: &str) -> Option<&str> {
    let (name, why) = line.strip_prefix("- `")?.split_once('`')?;
    let words = why.trim_start_matches([':', ' ']).split_whitespace();
    (words.count() >= 3).then_some(name)
}

fn unexplained(house: &House, reasons: &BTreeMap<&str, usize>) -> Vec<Offence> {
    let direct = external(house);
    let missing = direct.filter(|(_, name)| !reasons.contains_key(name.as_str()));
    let offence = |(krate, name): (&Crate, &String)| {
        let what = format!("`{name}` has no reason in {DOCUMENT}");
        let (path, line) = house.place(krate, name);
        Offence::new(&path, line, what, "add a line like: - `name`: why it is here")
    };
    missing.map(offence).collect()
}

fn stale(house: &House, reasons: &BTreeMap<&str, usize>) -> Vec<Offence> {
    let gone = |name: &str| !external(house).any(|(_, one)| one == name);
    let lines = reasons.iter().filter(|(name, _)| gone(name));
    lines
        .map(|(name, line)| {
            let what = format!("`{name}` is no dependency of any crate");
            Offence::new(DOCUMENT, *line, what, "remove the line")
        })
        .collect()
}

/// Reports what a crate names in `Cargo.toml` and nowhere in its code.
fn unused(house: &House, krate: &Crate) -> Vec<Offence> {
    let folder = format!("{}/", krate.folder);
    let own = house.sources.iter();
    let sources: Vec<_> = own.filter(|s| s.path.starts_with(&folder)).collect();
    let used = |name: &str| sources.iter().any(|s| s.names(&name.replace('-', "_")));
    let all: BTreeSet<_> = krate.dependencies.iter().map(|d| d.name.as_str()).collect();
    let idle = all.into_iter().filter(|name| !used(name));
    idle.map(|name| {
        let what = format!("`{name}` is nowhere in the code of `{}`", krate.name);
        let (path, line) = house.place(krate, name);
        Offence::new(&path, line, what, "remove it: it only costs build time")
    })
    .collect()
}

fn external(house: &House) -> impl Iterator<Item = (&Crate, &String)> {
    house.crates.iter().flat_map(|krate| {
        let foreign = krate.dependencies.iter().filter(|d| !d.ours);
        foreign.map(move |d| (krate, &d.name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house, krate};
    use super::*;

    fn house_with(document: &str, dependencies: &[&str], code: &str) -> House {
        let mut house = house(&[
            (DOCUMENT, document),
            ("local/Cargo.toml", "[dependencies]\naxum.workspace = true\n"),
            ("local/src/main.rs", code),
        ]);
        house.crates = vec![krate("local", dependencies)];
        house
    }

    #[test]
    fn a_dependency_with_a_reason_and_a_use_is_fine() {
        let house = house_with("- `axum`: HTTP and WebSocket", &["axum"], "use axum::A;");
        check_finds(&check(&house), &[]);
    }

    #[test]
    fn a_dependency_without_a_reason_is_reported_where_it_is_named() {
        let house = house_with("- `axum`:\n", &["axum"], "use axum::A;");
        check_finds(&check(&house), &[("local/Cargo.toml", 2)]);
    }

    #[test]
    fn a_reason_without_a_dependency_is_reported() {
        let house = house_with("\n- `backoff`: retries and pauses", &[], "");
        check_finds(&check(&house), &[(DOCUMENT, 2)]);
    }

    #[test]
    fn a_dependency_that_no_code_names_is_reported() {
        let house = house_with("- `axum`: HTTP and WebSocket", &["axum"], "// axum");
        check_finds(&check(&house), &[("local/Cargo.toml", 2)]);
    }

    #[test]
    fn crates_of_the_workspace_need_no_reason() {
        let house = house_with("", &["shared"], "use shared::A;");
        check_finds(&check(&house), &[]);
    }
}
