//! Rust files as tokens, with their lines and whether they are test code.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use crate::source_tree::File;

/// One token. Brackets are tokens of their own; comments and doc comments are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The token's text; `::` is one token.
    pub(crate) text: String,
    /// The line that it starts on, from 1.
    pub(crate) line: usize,
    /// Whether it belongs to code that only tests compile.
    pub(crate) in_test: bool,
}

impl Token {
    /// Returns whether this is a string, byte string or raw string.
    pub(crate) fn is_string(&self) -> bool {
        self.text.ends_with(['"', '#']) && self.text.contains('"')
    }
}

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path from the root.
    pub(crate) path: String,
    /// The file's tokens in order.
    pub(crate) tokens: Vec<Token>,
    /// The number of lines outside test code.
    pub(crate) code_lines: usize,
    /// Whether the whole file is test code.
    pub(crate) is_test: bool,
    /// Modules behind `#[cfg(test)]` that are files of their own.
    test_modules: Vec<String>,
}

impl Source {
    /// Parses a file; the error is the line that cannot be parsed.
    pub(crate) fn read(file: &File) -> Result<Self, usize> {
        let stream = TokenStream::from_str(&file.text).map_err(|e| e.span().start().line)?;
        let mut reader = Reader::default();
        reader.stream(stream, false);
        Ok(Self {
            is_test: is_test_path(&file.path),
            path: file.path.clone(),
            code_lines: file.text.lines().count() - reader.test_lines,
            tokens: reader.tokens,
            test_modules: reader.test_modules,
        })
    }

    /// Returns the first token of each occurrence of a sequence such as `["env", "::", "var"]`.
    pub(crate) fn find<'a>(
        &'a self,
        words: &'a [&'a str],
    ) -> impl Iterator<Item = &'a Token> + use<'a> {
        let rows = self.tokens.windows(words.len());
        rows.filter(move |row| row.iter().zip(words).all(|(t, w)| t.text == *w)).map(|row| &row[0])
    }

    /// Returns whether a token is test code, by itself or because of its file.
    pub(crate) fn tests(&self, token: &Token) -> bool {
        self.is_test || token.in_test
    }

    /// Returns whether the file contains this name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.tokens.iter().any(|token| token.text == name)
    }

    /// Returns the possible files of its `#[cfg(test)] mod name;` lines.
    pub(crate) fn test_files(&self) -> impl Iterator<Item = String> + '_ {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let stem = name.trim_end_matches(".rs");
        let folder = match stem {
            "mod" | "lib" | "main" => folder.to_owned(),
            _ => format!("{folder}/{stem}"),
        };
        self.test_modules.iter().flat_map(move |module| {
            [format!("{folder}/{module}.rs"), format!("{folder}/{module}/mod.rs")]
        })
    }
}

/// Parses every Rust file, and marks those that only tests compile.
pub(crate) fn read_all(files: &[File]) -> (Vec<Source>, Vec<(String, usize)>) {
    let mut sources = Vec::new();
    let mut unreadable = Vec::new();
    for file in files.iter().filter(|file| file.extension() == "rs") {
        match Source::read(file) {
            Ok(source) => sources.push(source),
            Err(line) => unreadable.push((file.path.clone(), line)),
        }
    }
    let only_tests: Vec<_> = sources.iter().flat_map(Source::test_files).collect();
    for source in &mut sources {
        source.is_test |= only_tests.contains(&source.path);
    }
    (sources, unreadable)
}

fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

#[derive(Default)]
struct Reader {
    tokens: Vec<Token>,
    test_lines: usize,
    test_modules: Vec<String>,
}

impl Reader {
    fn stream(&mut self, stream: TokenStream, in_test: bool) {
        let trees: Vec<_> = stream.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            let rest = &trees[at..];
            if let Some(length) = doc_attribute(rest) {
                at += length;
            } else if !in_test && opens_test(rest) {
                at += self.test_item(rest);
            } else {
                at += self.one(rest, in_test);
            }
        }
    }

    /// Reads an item behind `#[cfg(test)]` or `#[test]`, up to its body or its semicolon.
    fn test_item(&mut self, trees: &[TokenTree]) -> usize {
        let ends = |tree: &TokenTree| match tree {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        let length = trees.iter().position(ends).map_or(trees.len(), |n| n + 1);
        let item = &trees[..length];
        if let [.., TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(_)] = item
            && keyword == "mod"
        {
            self.test_modules.push(name.to_string());
        }
        let first = &trees[0];
        let last = &trees[length - 1];
        self.test_lines += last.span().end().line + 1 - first.span().start().line;
        self.stream(item.iter().cloned().collect(), true);
        length
    }

    /// Reads one token or group; returns how many trees it took.
    fn one(&mut self, trees: &[TokenTree], in_test: bool) -> usize {
        let tree = &trees[0];
        match (tree, trees.get(1)) {
            (TokenTree::Group(group), _) => self.group(group, in_test),
            (TokenTree::Punct(a), Some(TokenTree::Punct(b)))
                if a.as_char() == ':' && b.as_char() == ':' && a.spacing() == Spacing::Joint =>
            {
                self.push("::", tree.span().start().line, in_test);
                return 2;
            }
            _ => self.push(&tree.to_string(), tree.span().start().line, in_test),
        }
        1
    }

    fn group(&mut self, group: &Group, in_test: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.push(open, group.span_open().start().line, in_test);
        self.stream(group.stream(), in_test);
        self.push(close, group.span_close().start().line, in_test);
    }

    fn push(&mut self, text: &str, line: usize, in_test: bool) {
        let text = text.to_owned();
        self.tokens.push(Token { text, line, in_test });
    }
}

/// Returns the length of a doc comment at the start of the trees.
fn doc_attribute(trees: &[TokenTree]) -> Option<usize> {
    let (attribute, length) = attribute(trees)?;
    let first = attribute.stream().into_iter().next()?;
    (first.to_string() == "doc").then_some(length)
}

/// Tells whether an attribute at the start of the trees leaves the item to tests.
fn opens_test(trees: &[TokenTree]) -> bool {
    let Some((attribute, 2)) = attribute(trees) else {
        return false;
    };
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    let whole = ["test", "cfg(test)", "tokio::test"].contains(&text.as_str());
    whole || text.starts_with("cfg(all(test,") || text.starts_with("tokio::test(")
}

/// Returns `[…]` of `#[…]` or `#![…]` at the start of the trees, and how many trees it is.
fn attribute(trees: &[TokenTree]) -> Option<(&Group, usize)> {
    let mark = |tree: &TokenTree, c| matches!(tree, TokenTree::Punct(p) if p.as_char() == c);
    match trees {
        [hash, TokenTree::Group(group), ..] if mark(hash, '#') => Some((group, 2)),
        [hash, bang, TokenTree::Group(group), ..] if mark(hash, '#') && mark(bang, '!') => {
            Some((group, 3))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_tree::Tree;

    fn source(path: &str, text: &str) -> Source {
        let tree = Tree::of(&[(path, text)]);
        Source::read(&tree.files[0]).unwrap()
    }

    #[test]
    fn comments_and_docs_are_no_tokens() {
        let source = source("a.rs", "//! x()\n/// y()\nfn z() {} // y()\n");
        assert!(source.names("z") && !source.names("x") && !source.names("y"));
    }

    #[test]
    fn a_row_of_words_is_found_with_its_line() {
        let source = source("a.rs", "fn a() {\n  std::env::var(\"X\");\n}");
        let lines: Vec<_> = source.find(&["env", "::", "var"]).map(|t| t.line).collect();
        assert_eq!(lines, [2]);
    }

    #[test]
    fn lines_of_test_code_are_not_counted() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\n";
        let source = source("a.rs", text);
        assert_eq!(source.code_lines, 2);
        assert!(source.find(&["fn", "b"]).all(|t| t.in_test));
        assert!(source.find(&["fn", "a"]).all(|t| !t.in_test));
    }

    #[test]
    fn a_test_in_the_middle_of_a_file_ends_with_its_body() {
        let source = source("a.rs", "#[test]\nfn a() {}\nfn b() {}\n");
        assert_eq!(source.code_lines, 1);
        assert!(source.find(&["fn", "b"]).all(|t| !t.in_test));
    }

    #[test]
    fn a_module_behind_cfg_test_makes_its_file_a_test() {
        let tree = Tree::of(&[
            ("a/src/lib.rs", "#[cfg(test)]\nmod fixture;\nmod plain;\n"),
            ("a/src/fixture.rs", ""),
            ("a/src/plain.rs", "#[cfg(test)] mod deep;"),
            ("a/src/plain/deep.rs", ""),
        ]);
        let (sources, unreadable) = read_all(&tree.files);
        assert!(unreadable.is_empty());
        let tests: Vec<_> = sources.iter().map(|s| s.is_test).collect();
        assert_eq!(tests, [false, true, false, true]);
    }

    #[test]
    fn a_file_that_is_not_rust_names_its_line() {
        let tree = Tree::of(&[("a.rs", "fn a() {\n")]);
        assert!(Source::read(&tree.files[0]).is_err());
        assert_eq!(read_all(&tree.files).1.len(), 1);
    }

    #[test]
    fn strings_are_told_from_other_tokens() {
        let source = source("a.rs", "(\"a\", r#\"b\"#, b\"c\", 'd', 1, x)");
        let strings: Vec<_> = source.tokens.iter().filter(|t| t.is_string()).collect();
        assert_eq!(strings.len(), 3);
    }
}
