//! The environment, time and randomness are only accessed in their own modules.
//!
//! Clippy's `disallowed-methods` finds the calls. These checks limit where that lint may be
//! suppressed, and find what it does not know.

use super::Violation;
use super::rust::{Source, Token};
use super::workspace::Workspace;

/// The crates whose code also runs in the simulation.
const HANDLERS: [&str; 5] = ["shared/", "providers/", "ingress/", "worker/", "notifier/"];

/// Tools that people start by hand, and what tests share.
const TOOLS: [&str; 3] = ["bench/", "testkit/", "xtask/"];

const READS: [&[&str]; 6] = [
    &["env", "::", "var"],
    &["env", "::", "var_os"],
    &["env", "::", "vars"],
    &["env", "::", "vars_os"],
    &["env", "::", "set_var"],
    &["env", "::", "remove_var"],
];

const CLOCKS: [&[&str]; 12] = [
    &["SystemTime", "::", "now"],
    &["Utc", "::", "now"],
    &["Local", "::", "now"],
    &["Timestamp", "::", "now"],
    &["OffsetDateTime", "::", "now_utc"],
    &["getrandom", "::"],
    &["fastrand", "::"],
    &["rand", "::"],
    &["Uuid", "::", "new_v4"],
    &["Uuid", "::", "now_v7"],
    &["RandomState", "::", "new"],
    &["with_jitter", "("],
];

/// Finds reads of the environment outside `config.rs`, including clap's `env`.
pub(super) fn check_environment(workspace: &Workspace) -> Vec<Violation> {
    let fix = "read it in the crate's `config.rs`, into the typed `Config`";
    let outside = |s: &&Source| !is_config(&s.path) && !is_tool(&s.path);
    let mut found = Vec::new();
    for source in workspace.sources.iter().filter(outside) {
        let reads = READS.iter().flat_map(|words| source.find(words));
        let all = reads.chain(clap_variables(source));
        for token in all.filter(|token| !source.tests(token)) {
            let what = "this reads the environment";
            found.push(Violation::new(&source.path, token.line, what, fix));
        }
    }
    found
}

/// Finds suppressions of clippy's `disallowed-methods` where they are not allowed.
pub(super) fn check_silence(workspace: &Workspace) -> Vec<Violation> {
    let fix = "use `Config`, `Clock` or `Ids`";
    let home = |path| is_config(path) || is_tool(path) || is_system(path);
    let mut found = Vec::new();
    for source in workspace.sources.iter().filter(|s| !home(&s.path)) {
        let silenced = source.find(&["disallowed_methods"]);
        for token in silenced.filter(|token| !source.tests(token)) {
            let what = "this suppresses clippy's check of clocks and environment";
            found.push(Violation::new(&source.path, token.line, what, fix));
        }
    }
    found
}

/// Finds uses of the wall clock and of global randomness in handlers.
pub(super) fn check_clocks(workspace: &Workspace) -> Vec<Violation> {
    let fix = "use `Clock` or `Ids`; their implementations are in shared/src/system/";
    let is_handler = |s: &&Source| {
        HANDLERS.iter().any(|folder| s.path.starts_with(folder)) && !is_system(&s.path)
    };
    let mut found = Vec::new();
    for source in workspace.sources.iter().filter(is_handler) {
        let reads = CLOCKS.iter().flat_map(|words| source.find(words));
        for token in reads.filter(|token| !source.tests(token)) {
            let what = format!("`{}` bypasses the port", token.text);
            found.push(Violation::new(&source.path, token.line, what, fix));
        }
    }
    found
}

/// Returns `env` inside `#[arg(…)]` and `#[clap(…)]`.
fn clap_variables(source: &Source) -> impl Iterator<Item = &Token> {
    let starts = |row: &[Token]| {
        row[0].text == "[" && ["arg", "clap"].contains(&row[1].text.as_str()) && row[2].text == "("
    };
    let rows = source.tokens.windows(3).enumerate();
    let attributes = rows.filter(move |(_, row)| starts(row)).map(|(n, _)| n);
    attributes.flat_map(|start| {
        let inside = source.tokens[start..].iter();
        inside.take_while(|token| token.text != "]").filter(|token| token.text == "env")
    })
}

fn is_config(path: &str) -> bool {
    path.ends_with("/config.rs") || path.contains("/config/") || path.ends_with("build.rs")
}

fn is_tool(path: &str) -> bool {
    TOOLS.iter().any(|folder| path.starts_with(folder))
}

fn is_system(path: &str) -> bool {
    path.starts_with("shared/src/system/") || path == "shared/src/system.rs"
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};
    use super::*;

    #[test]
    fn the_environment_is_read_in_config_rs_only() {
        let read = "fn a() {\n std::env::var(\"A\");\n}";
        let found = check_environment(&workspace(&[
            ("worker/src/config.rs", read),
            ("worker/src/handler.rs", read),
            ("worker/tests/it/main.rs", read),
            ("bench/src/main.rs", read),
        ]));
        check_finds(&found, &[("worker/src/handler.rs", 2)]);
    }

    #[test]
    fn an_imported_read_is_one_too() {
        let found = check_environment(&workspace(&[("cli/src/a.rs", "use std::env::var_os;")]));
        check_finds(&found, &[("cli/src/a.rs", 1)]);
    }

    #[test]
    fn a_flag_with_a_variable_belongs_into_config_rs() {
        let flag = "struct A {\n #[arg(long, env = \"A\")]\n a: u8,\n}";
        let found = check_environment(&workspace(&[
            ("local/src/config.rs", flag),
            ("local/src/a.rs", flag),
        ]));
        check_finds(&found, &[("local/src/a.rs", 2)]);
    }

    #[test]
    fn clippy_may_be_silenced_in_the_homes_only() {
        let silent = "#[expect(clippy::disallowed_methods, reason = \"x\")]\nfn a() {}";
        let found = check_silence(&workspace(&[
            ("shared/src/system/clock.rs", silent),
            ("worker/src/a.rs", silent),
        ]));
        check_finds(&found, &[("worker/src/a.rs", 1)]);
    }

    #[test]
    fn handlers_read_no_clock_and_draw_no_lots() {
        let reads = "fn a() {\n SystemTime::now();\n getrandom::fill(&mut b);\n}";
        let found = check_clocks(&workspace(&[
            ("worker/src/a.rs", reads),
            ("shared/src/system/clock.rs", reads),
            ("local/src/a.rs", reads),
        ]));
        check_finds(&found, &[("worker/src/a.rs", 2), ("worker/src/a.rs", 3)]);
    }

    #[test]
    fn jitter_that_no_seed_governs_is_global_randomness() {
        let text = "fn a() { b.with_jitter(); c.with_jitter_seed(1); }";
        let found = check_clocks(&workspace(&[("worker/src/a.rs", text)]));
        check_finds(&found, &[("worker/src/a.rs", 1)]);
    }
}
