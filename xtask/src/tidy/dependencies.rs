//! Every direct dependency has a documented reason, and is used.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::workspace::{Crate, Workspace};
use crate::source_tree::File;

const DOCUMENT: &str = "docs/DEPENDENCIES.md";

/// Compares the documented reasons with the crates' `Cargo.toml` files, and these with the code.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(document) = workspace.tree.file(DOCUMENT) else {
        return vec![Violation::new(DOCUMENT, 1, "is missing", "write it")];
    };
    let reasons = reasons(document);
    let mut found = unexplained(workspace, &reasons);
    found.extend(stale(workspace, &reasons));
    found.extend(workspace.crates.iter().flat_map(|krate| unused(workspace, krate)));
    found
}

/// Returns the dependencies that the document explains, with their lines.
fn reasons(document: &File) -> BTreeMap<&str, usize> {
    let entry = |(line, text)| reason_of(text).map(|name| (name, line));
    document.lines().filter_map(entry).collect()
}

/// Parses a line like "- `name`: reason"; the reason is required.
fn reason_of(line: &str) -> Option<&str> {
    let (name, why) = line.strip_prefix("- `")?.split_once('`')?;
    let words = why.trim_start_matches([':', ' ']).split_whitespace();
    (words.count() >= 3).then_some(name)
}

fn unexplained(workspace: &Workspace, reasons: &BTreeMap<&str, usize>) -> Vec<Violation> {
    let direct = external(workspace);
    let missing = direct.filter(|(_, name)| !reasons.contains_key(name.as_str()));
    let violation = |(krate, name): (&Crate, &String)| {
        let what = format!("`{name}` is not explained in {DOCUMENT}");
        let (path, line) = workspace.place(krate, name);
        Violation::new(&path, line, what, "add a line like: - `name`: reason")
    };
    missing.map(violation).collect()
}

fn stale(workspace: &Workspace, reasons: &BTreeMap<&str, usize>) -> Vec<Violation> {
    let gone = |name: &str| !external(workspace).any(|(_, one)| one == name);
    let lines = reasons.iter().filter(|(name, _)| gone(name));
    lines
        .map(|(name, line)| {
            let what = format!("no crate depends on `{name}`");
            Violation::new(DOCUMENT, *line, what, "remove the line")
        })
        .collect()
}

/// Reports dependencies in `Cargo.toml` that the crate's code does not use.
fn unused(workspace: &Workspace, krate: &Crate) -> Vec<Violation> {
    let folder = format!("{}/", krate.folder);
    let own = workspace.sources.iter();
    let sources: Vec<_> = own.filter(|s| s.path.starts_with(&folder)).collect();
    let used = |name: &str| sources.iter().any(|s| s.names(&name.replace('-', "_")));
    let all: BTreeSet<_> = krate.dependencies.iter().map(|d| d.name.as_str()).collect();
    let idle = all.into_iter().filter(|name| !used(name));
    idle.map(|name| {
        let what = format!("the code of `{}` does not use `{name}`", krate.name);
        let (path, line) = workspace.place(krate, name);
        Violation::new(&path, line, what, "remove it")
    })
    .collect()
}

fn external(workspace: &Workspace) -> impl Iterator<Item = (&Crate, &String)> {
    workspace.crates.iter().flat_map(|krate| {
        let foreign = krate.dependencies.iter().filter(|d| !d.ours);
        foreign.map(move |d| (krate, &d.name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, krate, workspace};
    use super::*;

    fn workspace_with(document: &str, dependencies: &[&str], code: &str) -> Workspace {
        let mut workspace = workspace(&[
            (DOCUMENT, document),
            ("local/Cargo.toml", "[dependencies]\naxum.workspace = true\n"),
            ("local/src/main.rs", code),
        ]);
        workspace.crates = vec![krate("local", dependencies)];
        workspace
    }

    #[test]
    fn a_dependency_with_a_reason_and_a_use_is_fine() {
        let workspace = workspace_with("- `axum`: HTTP and WebSocket", &["axum"], "use axum::A;");
        check_finds(&check(&workspace), &[]);
    }

    #[test]
    fn a_dependency_without_a_reason_is_reported_where_it_is_named() {
        let workspace = workspace_with("- `axum`:\n", &["axum"], "use axum::A;");
        check_finds(&check(&workspace), &[("local/Cargo.toml", 2)]);
    }

    #[test]
    fn a_reason_without_a_dependency_is_reported() {
        let workspace = workspace_with("\n- `backoff`: retries and pauses", &[], "");
        check_finds(&check(&workspace), &[(DOCUMENT, 2)]);
    }

    #[test]
    fn a_dependency_that_no_code_names_is_reported() {
        let workspace = workspace_with("- `axum`: HTTP and WebSocket", &["axum"], "// axum");
        check_finds(&check(&workspace), &[("local/Cargo.toml", 2)]);
    }

    #[test]
    fn crates_of_the_workspace_need_no_reason() {
        let workspace = workspace_with("", &["shared"], "use shared::A;");
        check_finds(&check(&workspace), &[]);
    }
}
