//! The rules of the house that no other tool holds.
//!
//! Each check is a function over the whole [`House`] that returns every offence it finds.

mod crates;
mod dependencies;
mod house;
mod layering;
mod links;
mod marks;
mod paths;
mod ports;
mod rust;
mod secrets;
mod server;
mod sizes;
mod sleeps;
mod test_support;
mod variables;

use anyhow::{Result, bail};

use self::house::House;
use crate::say;
use crate::tree::Tree;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Offence {
    path: String,
    line: usize,
    what: String,
    mend: &'static str,
}

impl Offence {
    fn new(path: &str, line: usize, what: impl Into<String>, mend: &'static str) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), mend }
    }
}

type Check = fn(&House) -> Vec<Offence>;

const CHECKS: [(&str, Check); 16] = [
    ("every Rust file can be read", house::check),
    ("the functions know each other only by messages", layering::check),
    ("the one-machine server has no AWS in it", server::check),
    ("no shipped program links test support", test_support::check),
    ("only config.rs reads the environment", ports::check_environment),
    ("clippy's bans are lifted in their homes only", ports::check_silence),
    ("handlers take time and chance from their ports", ports::check_clocks),
    ("rooms are small", sizes::check),
    ("every variable is documented", variables::check),
    ("every dependency has its reason", dependencies::check),
    ("every crate is on the map", crates::check),
    ("nothing is unfinished or switched off", marks::check),
    ("no path or host of one machine", paths::check),
    ("no secrets", secrets::check),
    ("tests do not wait for the wall clock", sleeps::check),
    ("links lead somewhere", links::check),
];

/// Runs every check, prints every offence, and fails if there was one.
pub(crate) fn run(tree: Tree) -> Result<()> {
    let house = House::of(tree)?;
    let mut offences = 0;
    for (rule, check) in CHECKS {
        let found = check(&house);
        say::line(format!("{} {rule}", if found.is_empty() { "ok  " } else { "FAIL" }));
        found.iter().for_each(tell);
        offences += found.len();
    }
    if offences > 0 {
        bail!("the house is not tidy: {offences} offences");
    }
    Ok(())
}

fn tell(offence: &Offence) {
    let Offence { path, line, what, mend } = offence;
    say::line(format!("     {path}:{line}: {what}; {mend}"));
}
