//! Typed reading of configuration variables.
//!
//! The values are handed in, so that only the `config.rs` of a binary touches the process's
//! environment.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// The reason why a configuration is not usable; always names the variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable that must be set is not.
    #[error("{0} is not set, and has no default here")]
    Missing(String),
    /// A variable's value is not usable.
    #[error("{variable} is {value:?}, but {problem}")]
    Invalid {
        /// The variable.
        variable: String,
        /// Its value; never given for a secret.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A variable looks like a setting, but is none.
    #[error("{variable} is not a setting{}", hint(.nearest.as_deref()))]
    Unknown {
        /// The variable.
        variable: String,
        /// The setting with the most similar name.
        nearest: Option<String>,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// The variables of a process, by name. An empty value counts as unset.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes the variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// Sets a variable, as a flag does that takes precedence.
    #[must_use]
    pub fn with(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.0.insert(variable.to_owned(), value.into());
        self
    }

    /// Returns all variables and their texts, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(variable, value)| (variable.as_str(), value.trim()))
    }

    /// Returns the variable's text.
    pub fn text(&self, variable: &str) -> Option<&str> {
        self.0.get(variable).map(|value| value.trim())
    }

    /// Returns the variable's text, or the default.
    pub fn text_or(&self, variable: &str, default: &str) -> String {
        self.text(variable).unwrap_or(default).to_owned()
    }

    /// Returns the variable parsed, or the default.
    pub fn parsed_or<T: FromStr<Err: Display>>(
        &self,
        variable: &str,
        default: T,
    ) -> Result<T, ConfigError> {
        Ok(self.parsed(variable)?.unwrap_or(default))
    }

    /// Returns the variable parsed, if it is set.
    pub fn parsed<T: FromStr<Err: Display>>(
        &self,
        variable: &str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(variable) else { return Ok(None) };
        text.parse().map(Some).map_err(|error: T::Err| invalid(variable, text, error))
    }

    /// Returns a whole number within a range, or the default.
    pub fn number_or(
        &self,
        variable: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let Some(text) = self.text(variable) else { return Ok(default) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(invalid(
                variable,
                text,
                format!("must be a whole number from {} to {}", range.start(), range.end()),
            )),
        }
    }

    /// Returns a span given in milliseconds, or the default.
    pub fn millis_or(&self, variable: &str, default: u64) -> Result<Duration, ConfigError> {
        self.number_or(variable, default, 1..=86_400_000).map(Duration::from_millis)
    }

    /// Returns a switch: `true` or `false`.
    pub fn bool_or(&self, variable: &str, default: bool) -> Result<bool, ConfigError> {
        match self.text(variable) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(invalid(variable, other, "must be true or false")),
        }
    }

    /// Returns the parts of a comma-separated list, without empty ones.
    pub fn list(&self, variable: &str) -> Option<Vec<String>> {
        let parts = |text: &str| {
            text.split(',').map(|part| part.trim().to_owned()).filter(|p| !p.is_empty()).collect()
        };
        self.text(variable).map(parts)
    }
}

/// Says that a variable's value is not usable.
pub fn invalid(variable: &str, value: &str, problem: impl Display) -> ConfigError {
    ConfigError::Invalid {
        variable: variable.to_owned(),
        value: value.to_owned(),
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(value: &str) -> Environment {
        Environment::default().with("CHATBOT_X", value)
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        let error = environment("ten").number_or("CHATBOT_X", 1, 1..=9).unwrap_err();
        let wanted = "must be a whole number from 1 to 9";
        assert_eq!(error.to_string(), format!("CHATBOT_X is \"ten\", but {wanted}"));
        let error = environment("10").number_or("CHATBOT_X", 1, 1..=9).unwrap_err();
        assert_eq!(error.to_string(), format!("CHATBOT_X is \"10\", but {wanted}"));
        let error = environment("yes").bool_or("CHATBOT_X", true).unwrap_err();
        assert_eq!(error.to_string(), "CHATBOT_X is \"yes\", but must be true or false");
    }

    #[test]
    fn an_empty_value_is_no_value() {
        let environment = Environment::new([("CHATBOT_X".to_owned(), " ".to_owned())]);
        assert_eq!(environment.number_or("CHATBOT_X", 5, 1..=9), Ok(5));
    }
}
