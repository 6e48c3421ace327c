//! The documentation lists the same environment variables as the code.

use std::collections::BTreeMap;

use super::Violation;
use super::rust::Source;
use super::workspace::Workspace;
use crate::source_tree::File;

const DOCUMENT: &str = "docs/CONFIGURATION.md";
const FAMILIES: [&str; 4] = ["CHATBOT_", "ANTHROPIC_", "OPENAI_", "AURORA_"];

/// Compares the variables in the code with those in the document, in both directions.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(document) = workspace.tree.file(DOCUMENT) else {
        return vec![Violation::new(DOCUMENT, 1, "is missing", "write it")];
    };
    let code = in_code(&workspace.sources);
    let written = in_document(document);
    let missing = only_in(&code, &written, |name| format!("`{name}` is not in {DOCUMENT}"));
    let stale = only_in(&written, &code, |name| format!("no code uses `{name}`"));
    let mut found = with_fix(missing, "describe it there, with its default");
    found.extend(with_fix(stale, "remove it, or read it in `config.rs`"));
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

fn with_fix(found: Vec<(String, usize, String)>, fix: &'static str) -> Vec<Violation> {
    let violation =
        |(path, line, what): (String, usize, String)| Violation::new(&path, line, what, fix);
    found.into_iter().map(violation).collect()
}

/// Collects variable names from string literals outside tests. This crate has no variables.
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

/// Returns the names of this project's variables in a text.
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
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    #[test]
    fn code_and_document_name_the_same_variables() {
        let code = "const A: &str = \"CHATBOT_PORT\";\n#[arg(env = \"OPENAI_API_KEY\")]\nstruct B;";
        let found = check(&workspace(&[
            ("docs/CONFIGURATION.md", "`CHATBOT_PORT`\n`OPENAI_API_KEY`"),
            ("local/src/config.rs", code),
        ]));
        check_finds(&found, &[]);
    }

    #[test]
    fn an_undocumented_variable_and_a_stale_one_are_reported() {
        let found = check(&workspace(&[
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
        check_finds(&check(&workspace(&files)), &[]);
    }

    #[test]
    fn a_missing_document_is_an_offence() {
        check_finds(&check(&workspace(&[])), &[("docs/CONFIGURATION.md", 1)]);
    }
}
