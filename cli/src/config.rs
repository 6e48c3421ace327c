//! Settings from flags and environment; nothing else reads the environment.

use std::path::PathBuf;

use secrecy::SecretString;
use shared::environment::Environment;

use crate::args::GlobalArgs;
use crate::exit::usage;

/// The maximum length of an operator's name.
const LONGEST_NAME: usize = 64;

/// The settings.
pub(crate) struct Config {
    /// Which chatbot to work on.
    pub(crate) target: Target,
    /// The operator token. It comes from a variable only, because other users of the machine can
    /// list arguments.
    pub(crate) token: Option<SecretString>,
    /// The operator's name: the `<name>` of `op:<name>`.
    pub(crate) operator: String,
    /// Whether colours are switched off.
    pub(crate) no_colour: bool,
    /// The settings of a server that is started in this process.
    pub(crate) environment: Environment,
}

/// The chatbot to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The one-machine server with this data directory, running or not.
    Directory(PathBuf),
    /// The one-machine server at this address.
    Url(String),
    /// A stage on AWS, by its name, or by a file that lists its resources.
    Stack(String),
}

impl Config {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the environment")]
    pub(crate) fn load(flags: &GlobalArgs) -> anyhow::Result<Self> {
        Self::from(flags, Environment::new(std::env::vars()))
    }

    /// Returns a provider's key, for calls that go to the provider directly.
    pub(crate) fn provider_key(&self, variable: &str) -> Option<SecretString> {
        self.environment.text(variable).map(SecretString::from)
    }

    fn from(flags: &GlobalArgs, environment: Environment) -> anyhow::Result<Self> {
        let place = flags
            .local
            .clone()
            .unwrap_or_else(|| environment.text_or("CHATBOT_DATA_DIR", ".chatbot"));
        Ok(Self {
            target: flags.stack.clone().map_or_else(|| target(&place), Target::Stack),
            token: environment.text("CHATBOT_OPERATOR_TOKEN").map(SecretString::from),
            operator: operator(flags.operator.as_deref(), &environment)?,
            no_colour: environment.text("NO_COLOR").is_some()
                || environment.text("TERM") == Some("dumb"),
            environment,
        })
    }
}

fn target(place: &str) -> Target {
    if place.starts_with("http://") || place.starts_with("https://") {
        return Target::Url(place.trim_end_matches('/').to_owned());
    }
    Target::Directory(PathBuf::from(place))
}

/// Returns the given name, or the user's without the characters that a name cannot have.
fn operator(given: Option<&str>, environment: &Environment) -> anyhow::Result<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if let Some(name) = given {
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(legal) {
            return Err(usage(format!(
                "--operator {name:?}: a name consists of 1 to {LONGEST_NAME} letters, digits, \
                dots, underscores and hyphens"
            )));
        }
        return Ok(name.to_owned());
    }
    let user =
        ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|variable| environment.text(variable));
    let name: String =
        user.unwrap_or_default().chars().filter(|c| legal(*c)).take(LONGEST_NAME).collect();
    Ok(if name.is_empty() { "operator".to_owned() } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn name(given: Option<&str>, user: &str) -> Option<String> {
        operator(given, &Environment::default().with("USER", user)).ok()
    }

    #[test]
    fn an_operator_is_who_they_say_or_the_user_of_this_machine() {
        assert_eq!(name(Some("anna"), "root").as_deref(), Some("anna"));
        assert_eq!(name(None, "Änna Müller").as_deref(), Some("nnaMller"));
        assert_eq!(name(None, "").as_deref(), Some("operator"));
        assert_eq!(name(Some("a b"), "root"), None);
        assert_eq!(name(Some(""), "root"), None);
    }

    #[test]
    fn an_address_is_told_from_a_directory() {
        assert_eq!(
            target("http://127.0.0.1:8080/"),
            Target::Url("http://127.0.0.1:8080".to_owned())
        );
        assert_eq!(target(".chatbot"), Target::Directory(PathBuf::from(".chatbot")));
    }
}
