//! No API keys or private keys, not even revoked ones.
//!
//! Scanners for secrets are separate programs that no package registry of this project offers, so
//! the check is our own. It knows the few kinds of keys that this project uses.

use super::Violation;
use super::workspace::Workspace;

/// Prefixes of keys, with the number of further characters that tells a key from a placeholder.
// In pieces, so that this file does not report itself.
const KEYS: [(&str, usize); 7] = [
    (concat!("sk-", "ant-"), 20),
    (concat!("sk-", "proj-"), 20),
    (concat!("sk", "-"), 32),
    (concat!("AK", "IA"), 16),
    (concat!("AS", "IA"), 16),
    (concat!("gh", "p_"), 30),
    (concat!("xo", "xb-"), 20),
];

const PRIVATE: &str = concat!("PRIVATE", " KEY-----");

/// Finds API keys and private keys in all files.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &workspace.tree.files {
        for (line, _) in file.lines().filter(|(_, text)| is_secret(text)) {
            let fix = "remove and revoke it; tests create their own keys";
            found.push(Violation::new(&file.path, line, "this looks like a secret key", fix));
        }
    }
    found
}

fn is_secret(text: &str) -> bool {
    let key = |(start, rest): &(&str, usize)| {
        text.match_indices(start).any(|(at, _)| {
            let begins = !text[..at].ends_with(|c: char| c.is_alphanumeric());
            begins && key_length(&text[at + start.len()..]) >= *rest
        })
    };
    text.contains(PRIVATE) || KEYS.iter().any(key)
}

/// Counts the characters that can belong to a key; text without a digit is a phrase with hyphens.
fn key_length(text: &str) -> usize {
    let own = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let key: String = text.chars().take_while(own).collect();
    if key.contains(|c: char| c.is_ascii_digit()) { key.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    #[track_caller]
    fn check(text: &str, is_one: bool) {
        let expected = [("a.md", 1)];
        let expected = if is_one { &expected[..] } else { &[] };
        check_finds(&super::check(&workspace(&[("a.md", text)])), expected);
    }

    #[test]
    fn keys_are_found() {
        check(&format!("{}api03-{}", KEYS[0].0, "a1".repeat(20)), true);
        check(&format!("key={}{}", KEYS[3].0, "A2".repeat(8)), true);
        check(&format!("-----BEGIN {PRIVATE}"), true);
    }

    #[test]
    fn placeholders_and_phrases_are_not_keys() {
        check(&format!("{}...", KEYS[0].0), false);
        check(&format!("{}your-key-of-the-console-goes-here", KEYS[0].0), false);
        check(
            &format!("a ta{}that-is-done-in-2-minutes-and-no-longer-than-that", KEYS[2].0),
            false,
        );
    }
}
