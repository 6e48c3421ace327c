//! Environment variables: the code and the documents name the same ones.

use std::collections::BTreeMap;

use super::Offence;
use super::house::House;
use super::rust::Source;
use crate::tree::File;

const DOCUMENT: &str = "docs/CONFIGURATION.md";
const FAMILIES: [&str; 4] = ["CHATBOT_", "ANTHROPIC_", "OPENAI_", "AURORA_"];

/// Holds the variables in code and in the document equal, both ways.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let Some(document) = house.tree.file(DOCUMENT) else {
        return vec![Offence::new(DOCUMENT, 1, "is missing", "write it")];
    };
    let code = in_code(&house.sources);
    let written = in_document(document);
    let missing = only_in(&code, &written, |name| format!("`{name}` is not in {DOCUMENT}"));
    let stale = only_in(&written, &code, |name| format!("`{name}` is in no crate's code"));
    let mut found = with_mend(missing, "describe it there, with its default");
    found.extend(with_mend(stale, "remove it, or read it in `config.rs`"));
    found
}

type Places = BTreeMap<String, (String, usize)>;

fn only_in(
    these: &Places,
    others: &Places,
    what: impl Fn(&str) -> String,
) -> Vec<(String, usize, String)> {
    let alone = these.iter().filter(|(name, _)| !others.contains_key(*name));
    alone.map(|(name, (path, line))| (path.clone(), *line, what(name))).collect()
}

fn with_mend(found: Vec<(String, usize, String)>, mend: &'static str) -> Vec<Offence> {
    let offence =
        |(path, line, what): (String, usize, String)| Offence::new(&path, line, what, mend);
    found.into_iter().map(offence).collect()
}

/// Collects the names from string literals outside tests; this crate reads none of its own.
fn in_code(sources: &[Source]) -> Places {
    let mut places = Places::new();
    let ours = |source: &&Source| !source.path.starts_with("xtask/");
    for source in sources.iter().filter(ours) {
        let strings = source.tokens.iter().filter(|token| token.is_string());
        for token in strings.filter(|token| !source.tests(token)) {
            for name in names(&token.text) {
                let place = (source.path.clone(), token.line);
                places.entry(name.to_owned()).or_insert(place);
            }
        }
    }
    places
}

fn in_document(document: &File) -> Places {
    let mut places = Places::new();
    for (line, text) in document.lines() {
        for name in names(text) {
            let place = (document.path.clone(), line);
            places.entry(name.to_owned()).or_insert(place);
        }
    }
    places
}

/// Returns the words of a text that are variables of ours.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| {
        let rest = FAMILIES.iter().find_map(|family| word.strip_prefix(family));
        rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(is_capital))
    })
}

fn is_capital(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house};
    use super::*;

    #[test]
    fn code_and_document_name_the_same_variables() {
        let code = "const A: &str = \"CHATBOT_PORT\";\n#[arg(env = \"OPENAI_API_KEY\")]\nstruct B;";
        let found = check(&house(&[
            ("docs/CONFIGURATION.md", "`CHATBOT_PORT`\n`OPENAI_API_KEY`"),
            ("local/src/config.rs", code),
        ]));
        check_finds(&found, &[]);
    }

    #[test]
    fn an_undocumented_variable_and_a_stale_one_are_reported() {
        let found = check(&house(&[
            ("docs/CONFIGURATION.md", "`CHATBOT_OLD`"),
            ("local/src/config.rs", "\n\nconst A: &str = \"CHATBOT_NEW\";"),
        ]));
        check_finds(&found, &[("local/src/config.rs", 3), ("docs/CONFIGURATION.md", 1)]);
    }

    #[test]
    fn names_in_tests_comments_and_prefixes_do_not_count() {
        let code = "// CHATBOT_A\nconst A: &str = \"CHATBOT_{}\";\n\
                    #[test]\nfn a() { b(\"CHATBOT_B\"); }";
        let files = [("docs/CONFIGURATION.md", ""), ("local/src/a.rs", code)];
        check_finds(&check(&house(&files)), &[]);
    }

    #[test]
    fn a_missing_document_is_an_offence() {
        check_finds(&check(&house(&[])), &[("docs/CONFIGURATION.md", 1)]);
    }
}
