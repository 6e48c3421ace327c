//! The project's own rules that no other tool checks.
//!
//! Each check is a function over the whole [`Workspace`] that returns every violation it finds.

mod crates;
mod dependencies;
mod layering;
mod links;
mod paths;
mod ports;
mod rust;
mod secrets;
mod server;
mod sizes;
mod sleeps;
mod test_support;
mod unfinished;
mod variables;
mod workspace;

use anyhow::{Result, bail};

use self::workspace::Workspace;
use crate::print;
use crate::source_tree::Tree;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    problem: String,
    fix: &'static str,
}

impl Violation {
    fn new(path: &str, line: usize, problem: impl Into<String>, fix: &'static str) -> Self {
        Self { path: path.to_owned(), line, problem: problem.into(), fix }
    }
}

type Check = fn(&Workspace) -> Vec<Violation>;

const CHECKS: [(&str, Check); 16] = [
    ("every Rust file can be read", workspace::check),
    ("crates depend on each other only in the allowed directions", layering::check),
    ("the one-machine server does not compile an AWS SDK", server::check),
    ("no shipped program links test support", test_support::check),
    ("only config.rs reads the environment", ports::check_environment),
    ("clippy's disallowed methods are allowed only where they belong", ports::check_silence),
    ("handlers take time and randomness from their ports", ports::check_clocks),
    ("files and lines are not too long", sizes::check),
    ("every variable is documented", variables::check),
    ("every dependency has a documented reason", dependencies::check),
    ("every crate is in the code map", crates::check),
    ("no unfinished code or disabled test", unfinished::check),
    ("no path or registry of one machine", paths::check),
    ("no secrets", secrets::check),
    ("tests do not sleep on the wall clock", sleeps::check),
    ("relative links have a target", links::check),
];

/// Runs every check, prints every violation, and fails if there was one.
pub(crate) fn run(tree: Tree) -> Result<()> {
    let workspace = Workspace::load(tree)?;
    let mut violations = 0;
    for (rule, check) in CHECKS {
        let found = check(&workspace);
        print::line(format!("{} {rule}", if found.is_empty() { "ok  " } else { "FAIL" }));
        found.iter().for_each(print_violation);
        violations += found.len();
    }
    if violations > 0 {
        bail!("found {violations} violations");
    }
    Ok(())
}

fn print_violation(violation: &Violation) {
    let Violation { path, line, problem, fix } = violation;
    print::line(format!("     {path}:{line}: {problem}; {fix}"));
}
