//! The variables that say where the suites run.

use shared::environment::Environment;

/// Reads the process's environment.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of these tests that reads the environment"
)]
pub(crate) fn environment() -> Environment {
    Environment::new(std::env::vars())
}
