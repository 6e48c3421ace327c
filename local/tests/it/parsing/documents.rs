//! The file of documents.

use std::collections::BTreeSet;
use std::path::Path;

use local::documents_file;
use proptest::prelude::*;
use shared::domain::{DocumentId, Principal};
use shared::ports::NewDocument;
use tempfile::TempDir;

use super::corpus::{Seed, corpus, short, table};
use super::mutations::{json, mutants, reshaped};

const CORPUS: &str = "tests/corpus/documents";

/// Loads a file with this content, checks what holds for every file, and says what it holds, or
/// what is wrong.
fn load(directory: &Path, content: &[u8]) -> String {
    let file = directory.join("lessons.json");
    std::fs::write(&file, content).unwrap();
    match documents_file::load(Some(&file)) {
        Ok(documents) => {
            let ids: BTreeSet<&str> = documents.iter().map(|(id, _)| id.as_str()).collect();
            assert_eq!(ids.len(), documents.len(), "no id is there twice");
            for (id, document) in &documents {
                assert!(DocumentId::parse(id.as_str()).is_ok());
                assert!(
                    document
                        .owner
                        .as_ref()
                        .is_none_or(|owner| Principal::parse(owner.as_str()).is_ok())
                );
                assert!(!document.title.trim().is_empty() && !document.content.trim().is_empty());
            }
            let one = |(id, document): &(DocumentId, NewDocument)| {
                let owner = document.owner.as_ref().map_or("everybody", Principal::as_str);
                format!("{id} of {owner}: {:?} {:?}", document.title, document.content)
            };
            short(&documents.iter().map(one).collect::<Vec<_>>().join(", "))
        }
        Err(error) => refused(&format!("{error:#}"), &file),
    }
}

/// Checks that an error names the file, then the document and the field if it is in one.
fn refused(error: &str, file: &Path) -> String {
    let told = error.strip_prefix(&file.display().to_string()).unwrap_or_else(|| panic!("{error}"));
    let whole = told.starts_with(" cannot be read: ")
        || told.starts_with(": must be a JSON array of documents: ");
    let document = told
        .strip_prefix(": document ")
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let one = document
        .is_some_and(|rest| rest.starts_with(": the field ") || rest.starts_with(": the id "));
    assert!(whole || one, "{error}");
    short(&format!("refused{told}"))
}

fn check(contents: impl IntoIterator<Item = Vec<u8>>) {
    let directory = TempDir::new().unwrap();
    for content in contents {
        load(directory.path(), &content);
    }
}

#[test]
fn files_of_the_corpus_hold_this() {
    let directory = TempDir::new().unwrap();
    let outcome = |seed: &Seed| (seed.name.clone(), load(directory.path(), &seed.bytes));
    insta::assert_snapshot!(table(corpus(CORPUS).iter().map(outcome)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_damaged_file_is_a_file_or_says_what_is_wrong(damaged in mutants(&corpus(CORPUS))) {
        check([damaged]);
    }

    #[test]
    fn a_file_of_another_shape_is_a_file_or_says_what_is_wrong(
        file in reshaped(&corpus(CORPUS)),
        value in json(),
    ) {
        let list = format!("[{value}]");
        check([file.into_bytes(), value.to_string().into_bytes(), list.into_bytes()]);
    }
}
