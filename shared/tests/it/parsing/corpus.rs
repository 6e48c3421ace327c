//! The seed corpus: small files, one input each, whose names say what they are.
//!
//! A file that is added is tried by every test of its folder, and shows up in the folder's
//! snapshot.

use std::fs;

/// One input.
#[derive(Debug, Clone)]
pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Reads a folder's inputs, in the order of their names. The line end that closes a file is not
/// part of its input.
#[track_caller]
pub(crate) fn corpus(folder: &str) -> Vec<Seed> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut seeds: Vec<Seed> = entries.map(|entry| seed(&entry.unwrap())).collect();
    assert!(!seeds.is_empty(), "{folder} is empty");
    seeds.sort_by(|one, other| one.name.cmp(&other.name));
    seeds
}

fn seed(entry: &fs::DirEntry) -> Seed {
    let mut bytes = fs::read(entry.path()).unwrap();
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Seed { name: entry.file_name().into_string().unwrap(), bytes }
}

impl Seed {
    /// The input as text, for what takes nothing else.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_else(|_| panic!("{} is not UTF-8", self.name))
    }
}

/// Writes one line for each input: what it is, and what came of it.
pub(crate) fn table(outcomes: impl IntoIterator<Item = (String, String)>) -> String {
    outcomes
        .into_iter()
        .map(|(name, outcome)| format!("{name}: {outcome}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Keeps a line of a table short.
pub(crate) fn short(text: &str) -> String {
    let mut beginning: String = text.chars().take(160).collect();
    if beginning.len() < text.len() {
        beginning.push('…');
    }
    beginning
}
