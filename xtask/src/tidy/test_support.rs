//! What is only for tests stays out of the programs that are shipped.

use super::Violation;
use super::workspace::Workspace;

const TEST_SUPPORT: [&str; 3] = ["testkit", "simulation", "bench"];
const FIX: &str = "make it a dev-dependency; `cargo tree -e normal -i NAME` shows who links it";

/// Holds that no shipped program links a crate that serves tests or measurements.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for (package, linked) in &workspace.shipped {
        for name in linked.iter().filter(|name| TEST_SUPPORT.contains(&name.as_str())) {
            let what = format!("the programs of `{package}` link `{name}`");
            found.push(Violation::new(&format!("{package}/Cargo.toml"), 1, what, FIX));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::workspace::tests::{check_finds, workspace};

    #[test]
    fn a_shipped_program_links_no_test_support() {
        let mut workspace = workspace(&[]);
        workspace.shipped = vec![("local", vec!["axum".into(), "shared".into()])];
        check_finds(&super::check(&workspace), &[]);
        workspace.shipped.push(("worker", vec!["shared".into(), "testkit".into()]));
        check_finds(&super::check(&workspace), &[("worker/Cargo.toml", 1)]);
    }
}
