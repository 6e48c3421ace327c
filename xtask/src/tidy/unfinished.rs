//! No unfinished code is committed, and no test is disabled.

use super::Violation;
use super::rust::Source;
use super::workspace::Workspace;
use crate::source_tree::File;

// In pieces, so that this file does not report itself.
const MARKS: [&str; 4] =
    [concat!("FIX", "ME"), concat!("HA", "CK"), concat!("TO", "DO"), concat!("XX", "X")];

const MACROS: [&[&str]; 2] = [&["todo", "!"], &["unimplemented", "!"]];
const SCRIPTS: [&str; 5] = ["js", "mjs", "cjs", "ts", "tsx"];
const RUNNERS: [&str; 3] = ["test", "it", "describe"];
const SWITCHES: [&str; 3] = [".only(", ".skip(", ".todo("];

/// Finds markers of unfinished work in all files, and unfinished macros and disabled tests in code.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let files = workspace.tree.files.iter().filter(|file| !is_generated(file));
    let mut found: Vec<_> = files.flat_map(in_text).collect();
    found.extend(workspace.sources.iter().flat_map(in_rust));
    found
}

/// Lock files are skipped, because checksums may contain any letters.
fn is_generated(file: &File) -> bool {
    ["Cargo.lock", "package-lock.json"].contains(&file.name())
}

fn in_text(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    let script = SCRIPTS.contains(&file.extension());
    for (line, text) in file.lines() {
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if MARKS.contains(&word) {
                let what = format!("`{word}` marks unfinished work");
                found.push(Violation::new(&file.path, line, what, "finish it, or open an issue"));
            }
        }
        if script && is_switched_off(text) {
            let what = "this disables a test, or all others";
            found.push(Violation::new(&file.path, line, what, "fix it or remove it"));
        }
    }
    found
}

/// Returns whether a line disables tests, such as `test.only(`.
fn is_switched_off(text: &str) -> bool {
    let before = |switch: &str| text.split_once(switch).map(|(before, _)| before);
    let word = |before: &&str| {
        let last = before.rsplit(|c: char| !c.is_alphanumeric()).next();
        last.is_some_and(|word| RUNNERS.contains(&word))
    };
    SWITCHES.iter().filter_map(|s| before(s)).any(|b| word(&b))
}

fn in_rust(source: &Source) -> Vec<Violation> {
    let unfinished = MACROS.iter().flat_map(|words| source.find(words));
    let mut found: Vec<_> = unfinished
        .map(|token| {
            let what = format!("`{}!` panics when it runs", token.text);
            Violation::new(&source.path, token.line, what, "implement it")
        })
        .collect();
    found.extend(source.find(&["#", "[", "ignore"]).map(|token| {
        let what = "this test is disabled";
        Violation::new(&source.path, token.line, what, "fix it or remove it")
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, violations: usize) {
        let found = super::check(&workspace(&[(path, text)]));
        assert_eq!(found.len(), violations, "{text}: {found:?}");
    }

    #[test]
    fn a_mark_in_any_file_is_reported_with_its_line() {
        let text = format!("fine\nthis is a {}: soon", MARKS[0]);
        let found = super::check(&workspace(&[("docs/a.md", &text)]));
        check_finds(&found, &[("docs/a.md", 2)]);
    }

    #[test]
    fn words_that_contain_a_mark_are_fine() {
        check("a.sh", &format!("mktemp {0}{0}", MARKS[3]), 0);
        check("a.md", "a todo list", 0);
    }

    #[test]
    fn unfinished_code_is_reported() {
        check("a.rs", "fn a() { todo!() }", 1);
        check("a.rs", "fn a() { unimplemented!(\"x\") }", 1);
        check("a.rs", "fn a() { \"todo!()\"; }", 0);
    }

    #[test]
    fn a_switched_off_rust_test_is_reported() {
        check("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}", 1);
        check("a.rs", "fn ignore() {}", 0);
    }

    #[test]
    fn a_switched_off_script_test_is_reported() {
        check("a.test.mjs", "test.only('a', () => {})", 1);
        check("a.test.ts", "  describe.skip('a', () => {})", 1);
        check("a.js", "stream.skip(3)", 0);
        check("a.rs", "fn a() { it.skip(1); }", 0);
    }
}
