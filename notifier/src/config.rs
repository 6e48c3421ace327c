//! The notifier's settings.

use shared::analytics::Texts;
use shared::environment::{ConfigError, Environment};

/// The settings of the notifier, read once at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotifierConfig {
    /// What its events may carry (`CHATBOT_ANALYTICS_TEXT`).
    pub texts: Texts,
}

impl NotifierConfig {
    /// Reads the settings; an error names the variable.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let included = environment.bool_or("CHATBOT_ANALYTICS_TEXT", false)?;
        Ok(Self { texts: if included { Texts::Included } else { Texts::Omitted } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_no_texts_unless_asked_for() {
        let texts = |value| {
            NotifierConfig::from_env(&Environment::default().with("CHATBOT_ANALYTICS_TEXT", value))
        };
        assert_eq!(
            NotifierConfig::from_env(&Environment::default()).unwrap().texts,
            Texts::Omitted
        );
        assert_eq!(texts("true").unwrap().texts, Texts::Included);
        assert!(
            texts("yes").unwrap_err().to_string().starts_with("CHATBOT_ANALYTICS_TEXT is \"yes\"")
        );
    }
}
