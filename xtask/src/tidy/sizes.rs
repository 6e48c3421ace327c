//! Alarms for files and lines that are too long. `clippy.toml` limits the length of functions.

use super::Violation;
use super::rust::Source;
use super::workspace::Workspace;
use crate::source_tree::File;

const FILE_LINES: usize = 400;
const LINE_WIDTH: usize = 100;
/// How many wider lines are left, mostly messages in tests. Lower it with each one removed.
const WIDE_LINES: usize = 110;
/// How many tuple bindings (`let (a, b) = (x, y)`) the code may contain outside tests.
const TUPLE_BINDINGS: usize = 10;
const DOCUMENTS: [(&str, usize); 2] = [("README.md", 100), ("ARCHITECTURE.md", 150)];

/// Limits Rust files to 400 lines without their tests, the number of lines over 100 columns and of
/// tuple bindings, and README and ARCHITECTURE to a length that people read.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in workspace.sources.iter().filter(|s| s.code_lines > FILE_LINES) {
        let problem =
            format!("{} lines without tests; the limit is {FILE_LINES}", source.code_lines);
        let fix = "split it by what changes together";
        found.push(Violation::new(&source.path, FILE_LINES, problem, fix));
    }
    for (path, limit) in DOCUMENTS {
        found.extend(document(workspace, path, limit));
    }
    let code = workspace.tree.files.iter().filter(|file| ["rs", "ts"].contains(&file.extension()));
    found.extend(beyond(WIDE_LINES, code.flat_map(wide_lines)));
    found.extend(beyond(TUPLE_BINDINGS, workspace.sources.iter().flat_map(tuple_bindings)));
    found
}

fn document(workspace: &Workspace, path: &str, limit: usize) -> Option<Violation> {
    let Some(file) = workspace.tree.file(path) else {
        return Some(Violation::new(path, 1, "is missing", "write it"));
    };
    let lines = file.lines().count();
    let problem = format!("{lines} lines; the limit is {limit}");
    let fix = "move detail to docs/ and link to it";
    (lines > limit).then(|| Violation::new(path, limit, problem, fix))
}

/// Finds lines that the formatters leave too long: strings, comments and macros.
fn wide_lines(file: &File) -> impl Iterator<Item = Violation> + '_ {
    let wide = file.lines().filter(|(_, text)| text.chars().count() > LINE_WIDTH);
    wide.map(|(line, text)| {
        let problem = format!("{} columns; the limit is {LINE_WIDTH}", text.chars().count());
        Violation::new(&file.path, line, problem, "break the string, comment or macro")
    })
}

/// Returns all violations if there are more than `limit` of them.
fn beyond(limit: usize, found: impl Iterator<Item = Violation>) -> Vec<Violation> {
    let found: Vec<_> = found.collect();
    if found.len() > limit { found } else { Vec::new() }
}

fn tuple_bindings(source: &Source) -> Vec<Violation> {
    let violation = |line| {
        let problem = "a `let` binds a tuple to a tuple";
        Violation::new(&source.path, line, problem, "bind one name per `let`")
    };
    tuple_binding_lines(source).into_iter().map(violation).collect()
}

/// Returns the lines of `let (…) = (…`, where the right side is a tuple and not a call in brackets.
fn tuple_binding_lines(source: &Source) -> Vec<usize> {
    let tokens = &source.tokens;
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut lines = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.text != "let" || text(at + 1) != "(" || source.tests(token) {
            continue;
        }
        let Some(end) = closing(source, at + 1) else { continue };
        if text(end + 1) != "=" || text(end + 2) != "(" {
            continue;
        }
        let ends_there = closing(source, end + 2).is_some_and(|end| text(end + 1) == ";");
        if ends_there {
            lines.push(token.line);
        }
    }
    lines
}

/// Returns the index of the bracket that closes the one at `open`.
fn closing(source: &Source, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in source.tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    const DOCUMENTS: [(&str, &str); 2] = [("README.md", ""), ("ARCHITECTURE.md", "")];

    #[test]
    fn a_file_of_four_hundred_lines_is_the_largest() {
        let tests = "#[cfg(test)]\nmod tests {\n\n}\n";
        let most = "\n".repeat(FILE_LINES) + tests;
        let more = "\n".repeat(FILE_LINES + 1) + tests;
        let files = [("a.rs", most.as_str()), ("b.rs", more.as_str())];
        let found = check(&workspace(&[&files[..], &DOCUMENTS[..]].concat()));
        check_finds(&found, &[("b.rs", FILE_LINES)]);
    }

    #[test]
    fn a_long_readme_and_a_missing_one_are_reported() {
        let long = "line\n".repeat(101);
        let found = check(&workspace(&[("README.md", &long)]));
        check_finds(&found, &[("README.md", 100), ("ARCHITECTURE.md", 1)]);
    }

    #[test]
    fn a_line_of_more_than_a_hundred_columns_is_found() {
        let text = format!("// {}\n// {}\n", "é".repeat(97), "é".repeat(98));
        let file = File { path: "a.rs".to_owned(), text };
        check_finds(&wide_lines(&file).collect::<Vec<_>>(), &[("a.rs", 2)]);
        let most = format!("// {}\n", "x".repeat(98)).repeat(WIDE_LINES);
        let more = format!("// {}\n", "x".repeat(98));
        let files = [("a.ts", most.as_str()), ("c.md", more.as_str())];
        check_finds(&check(&workspace(&[&files[..], &DOCUMENTS[..]].concat())), &[]);
        let files = [("a.ts", most.as_str()), ("b.rs", more.as_str())];
        let found = check(&workspace(&[&files[..], &DOCUMENTS[..]].concat()));
        assert_eq!(found.len(), WIDE_LINES + 1);
    }

    #[test]
    fn more_than_ten_tuple_bindings_outside_tests_are_reported() {
        let binding = "let (a, b) = (1, f(2));\n";
        let others = "let (c, d) = pair();\nlet (e, f) = (g)(1);\n";
        let body = |count: usize| format!("fn a() {{\n{}{others}}}\n", binding.repeat(count));
        let tests = format!("#[cfg(test)]\nmod tests {{ {} }}\n", body(20));
        let fine = body(TUPLE_BINDINGS) + &tests;
        let files = [("a.rs", fine.as_str())];
        check_finds(&check(&workspace(&[&files[..], &DOCUMENTS[..]].concat())), &[]);
        let more = body(TUPLE_BINDINGS + 1);
        let files = [("a.rs", more.as_str())];
        let found = check(&workspace(&[&files[..], &DOCUMENTS[..]].concat()));
        assert_eq!(found.len(), TUPLE_BINDINGS + 1, "{found:?}");
    }
}
