//! The code map in ARCHITECTURE.md lists every crate.

use super::Violation;
use super::workspace::Workspace;

const DOCUMENT: &str = "ARCHITECTURE.md";

/// Requires a line of description for each crate, in a list or a table.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(map) = workspace.tree.file(DOCUMENT) else {
        return vec![Violation::new(DOCUMENT, 1, "is missing", "write it")];
    };
    let unknown = workspace.crates.iter().filter(|krate| {
        let name = format!("{}/", krate.folder);
        !map.lines().any(|(_, line)| describes(line, &name))
    });
    unknown
        .map(|krate| {
            let what = format!("`{}/` is not in the code map", krate.folder);
            Violation::new(DOCUMENT, 1, what, "add a line that describes it")
        })
        .collect()
}

/// Tells whether a line is an entry for the folder, with at least three words about it.
fn describes(line: &str, folder: &str) -> bool {
    let entry = line.trim_start().starts_with(['-', '|', '*']);
    let Some((before, after)) = line.split_once(folder) else {
        return false;
    };
    let whole = before.ends_with(['`', '[', ' ', '|']);
    entry && whole && after.split_whitespace().filter(|word| *word != "|").count() >= 3
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, krate, workspace};
    use super::*;

    #[track_caller]
    fn check(map: &str, expected: &[(&str, usize)]) {
        let mut workspace = workspace(&[(DOCUMENT, map)]);
        workspace.crates = vec![krate("worker", &[])];
        check_finds(&super::check(&workspace), expected);
    }

    #[test]
    fn a_described_crate_is_on_the_map() {
        check("| `worker/` | writes one turn's reply |", &[]);
        check("- [`worker/`](worker/) writes one turn's reply", &[]);
    }

    #[test]
    fn a_name_without_a_description_is_not_enough() {
        check("- `worker/`", &[(DOCUMENT, 1)]);
        check("The `worker/` folder in a sentence of the text.", &[(DOCUMENT, 1)]);
        check("- `coworker/` is somebody else altogether", &[(DOCUMENT, 1)]);
    }
}
