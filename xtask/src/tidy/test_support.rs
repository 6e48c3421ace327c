//! What is only for tests stays out of the programs that are shipped.

use super::Offence;
use super::house::House;

const TEST_SUPPORT: [&str; 3] = ["testkit", "simulation", "bench"];
const MEND: &str = "make it a dev-dependency; `cargo tree -e normal -i NAME` shows who links it";

/// Holds that no shipped program links a crate that serves tests or measurements.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut found = Vec::new();
    for (package, linked) in &house.shipped {
        for name in linked.iter().filter(|name| TEST_SUPPORT.contains(&name.as_str())) {
            let what = format!("the programs of `{package}` link `{name}`");
            found.push(Offence::new(&format!("{package}/Cargo.toml"), 1, what, MEND));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house};

    #[test]
    fn a_shipped_program_links_no_test_support() {
        let mut house = house(&[]);
        house.shipped = vec![("local", vec!["axum".into(), "shared".into()])];
        check_finds(&super::check(&house), &[]);
        house.shipped.push(("worker", vec!["shared".into(), "testkit".into()]));
        check_finds(&super::check(&house), &[("worker/Cargo.toml", 1)]);
    }
}
