//! The catalogue in docs/FAULTS.md and the tests know each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const SCENARIOS: u32 = 64;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the groups of the page, each with the numbers of its scenarios.
fn groups(page: &str) -> Vec<(String, BTreeSet<u32>)> {
    let (_, scenarios) = page.split_once("## Scenarios").unwrap();
    let (scenarios, _) = scenarios.split_once("## Mutants").unwrap();
    let mut groups: Vec<(String, BTreeSet<u32>)> = Vec::new();
    for line in scenarios.lines() {
        if let Some(name) = line.strip_prefix("**").and_then(|line| line.strip_suffix("**")) {
            groups.push((name.to_owned(), BTreeSet::new()));
        } else if let Some((number, _)) = line.split_once(". ") {
            groups.last_mut().unwrap().1.extend(number.parse::<u32>());
        }
    }
    groups
}

/// Returns the numbers of the scenarios that have a test in a file or folder.
fn tested(path: &Path) -> BTreeSet<u32> {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|entry| tested(&entry)).collect();
    }
    let source = fs::read_to_string(path).unwrap();
    let names = source
        .lines()
        .filter_map(|line| line.trim_start().split_once("fn s"))
        .map(|(_, name)| name);
    let number =
        |name: &str| name.split_once('_').and_then(|(number, _)| number.parse::<u32>().ok());
    names.filter_map(number).collect()
}

#[test]
fn every_scenario_of_the_catalogue_is_a_test_in_its_group() {
    let page = fs::read_to_string(root().join("docs/FAULTS.md")).unwrap();
    let kill = tested(&root().join("local/tests/it/kill.rs"));
    let mut all = BTreeSet::new();
    for (group, expected) in groups(&page) {
        let folder = root().join("simulation/tests/it/scenarios").join(&group);
        let file = folder.with_extension("rs");
        let mut found = tested(if folder.is_dir() { &folder } else { &file });
        if group == "platform" {
            found.extend(&kill);
        }
        assert_eq!(found, expected, "group {group}");
        all.extend(expected);
    }
    assert_eq!(all, (1..=SCENARIOS).collect());
}

/// Returns the names of all functions under a folder's tests.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            functions(&entry, names);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&entry).unwrap();
            let after = source
                .lines()
                .filter_map(|line| line.trim_start().split_once("fn "))
                .map(|(_, rest)| rest);
            names.extend(after.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let page = fs::read_to_string(root().join("docs/RELIABILITY.md")).unwrap();
    let mut known = BTreeSet::new();
    for folder in ["ingress", "worker", "notifier", "local", "shared", "simulation"] {
        functions(&root().join(folder).join("tests"), &mut known);
    }
    let quoted = page.split('`').skip(1).step_by(2);
    let named: Vec<&str> = quoted.filter(|name| name.matches('_').count() >= 3).collect();
    let unknown: Vec<&&str> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert_eq!(unknown, Vec::<&&str>::new());
    assert!(named.len() > 30, "a promise without a test is none");
}
