//! The contract files themselves. The crates' own tests check that the code follows them.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::print;
use crate::source_tree::{File, Tree};

const REQUIRED: [&str; 3] =
    ["contracts/openapi.yaml", "contracts/asyncapi.yaml", "contracts/operator.yaml"];

/// Checks that the contracts exist, can be parsed, and refer to existing files.
pub(super) fn check(tree: &Tree) -> Result<()> {
    let violations = violations(tree);
    for violation in &violations {
        print::line(violation);
    }
    if !violations.is_empty() {
        bail!("the contracts have {} violations", violations.len());
    }
    Ok(())
}

fn violations(tree: &Tree) -> Vec<String> {
    let missing = REQUIRED.iter().filter(|path| tree.file(path).is_none());
    let mut found: Vec<_> = missing.map(|path| format!("{path}: is missing")).collect();
    let contracts: Vec<_> = tree.files.iter().filter(|f| is_contract(f)).collect();
    if !contracts.iter().any(|file| is_json(file)) {
        found.push("contracts/: no JSON Schema of the queue messages".to_owned());
    }
    for file in contracts {
        found.extend(unreadable(file));
        found.extend(dead_references(tree, file));
    }
    found
}

fn is_contract(file: &File) -> bool {
    file.path.starts_with("contracts/")
}

fn is_json(file: &File) -> bool {
    file.extension() == "json"
}

fn unreadable(file: &File) -> Option<String> {
    let read = is_json(file).then(|| serde_json::from_str::<Value>(&file.text));
    let error = read?.err()?;
    Some(format!("{}: is not JSON: {error}", file.path))
}

/// Finds references to missing files. References inside a file are checked by the crates' tests.
fn dead_references(tree: &Tree, file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (line, text) in file.lines() {
        let target = reference(text).filter(|path| !path.is_empty() && !path.contains("://"));
        let dead = target.filter(|target| {
            let path = format!("{}/{}", file.folder(), target.trim_start_matches("./"));
            !tree.holds(&path)
        });
        found.extend(dead.map(|path| format!("{}:{line}: `{path}` does not exist", file.path)));
    }
    found
}

/// Returns the file that a `$ref` names; empty for one inside the same file.
fn reference(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("$ref")?;
    let target = rest.trim_start_matches(|c: char| "'\": ".contains(c));
    target.split(['#', '\'', '"', ' ', '}', ',']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let whole = REQUIRED.map(|path| (path, ""));
        let files = [&whole[..], files].concat();
        assert_eq!(violations(&Tree::of(&files)), expected);
    }

    const SCHEMA: (&str, &str) = ("contracts/request.json", "{}");

    #[test]
    fn whole_contracts_are_fine() {
        let text = "a:\n  $ref: './request.json#/a'\n  $ref: '#/own'\n";
        check(&[SCHEMA, ("contracts/a.yaml", text)], &[]);
    }

    #[test]
    fn a_reference_to_a_missing_file_is_reported() {
        let text = "a:\n  $ref: \"reply.json\"\n";
        let expected = "contracts/a.yaml:2: `reply.json` does not exist";
        check(&[SCHEMA, ("contracts/a.yaml", text)], &[expected]);
    }

    #[test]
    fn a_schema_that_is_not_json_is_reported() {
        let expected =
            "contracts/a.json: is not JSON: EOF while parsing an object at line 1 column 1";
        check(&[("contracts/a.json", "{")], &[expected]);
    }

    #[test]
    fn missing_schemas_are_reported() {
        check(&[], &["contracts/: no JSON Schema of the queue messages"]);
    }
}
