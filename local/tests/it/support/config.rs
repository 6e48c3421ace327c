//! The variable that says where the stories take place.

use shared::environment::Environment;

/// Returns the address of the home that deploys the system for each story; none: the server on one
/// machine.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of these tests that reads the environment"
)]
pub(super) fn home() -> Option<String> {
    Environment::new(std::env::vars()).text("CHATBOT_STORIES_HOME").map(str::to_owned)
}
