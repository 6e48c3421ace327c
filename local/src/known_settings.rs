//! Which variables are settings.
//!
//! A mistyped name would otherwise be ignored: whoever sets `CHATBOT_DAILY_BUDGET` in place of
//! `CHATBOT_DAILY_BUDGET_USD` has no budget, and finds out from the bill.

use shared::environment::{ConfigError, Environment};

/// The page that lists all of them, which `cargo xtask tidy` keeps equal to the code.
const DOCUMENTATION: &str = include_str!("../../docs/CONFIGURATION.md");
const PREFIX: &str = "CHATBOT_";
/// Names that are less similar are no hint.
const SIMILAR: f64 = 0.85;

/// Refuses a variable of this program that is no setting, and names the nearest one.
pub(crate) fn check(environment: &Environment) -> Result<(), ConfigError> {
    let unknown = environment
        .all()
        .map(|(variable, _)| variable)
        .find(|variable| variable.starts_with(PREFIX) && names().all(|name| name != *variable));
    match unknown {
        None => Ok(()),
        Some(variable) => {
            let nearest = nearest(variable).map(str::to_owned);
            Err(ConfigError::Unknown { variable: variable.to_owned(), nearest })
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    let rows = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name)
}

fn nearest(variable: &str) -> Option<&'static str> {
    // Without the prefix, which would make all names alike.
    let rest = |name: &str| name.strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let wanted = rest(variable);
    let likeness = |name: &str| strsim::jaro_winkler(&rest(name), &wanted);
    names()
        .filter(|name| name.starts_with(PREFIX))
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|name| likeness(name) >= SIMILAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_of(variable: &str) -> Option<String> {
        check(&Environment::default().with(variable, "1")).err().map(|error| error.to_string())
    }

    #[test]
    fn a_mistyped_name_is_refused_with_the_nearest_one() {
        assert_eq!(
            check_of("CHATBOT_DAILY_BUDGET").as_deref(),
            Some("CHATBOT_DAILY_BUDGET is not a setting; did you mean CHATBOT_DAILY_BUDGET_USD?")
        );
        assert_eq!(check_of("CHATBOT_XYZZY").as_deref(), Some("CHATBOT_XYZZY is not a setting"));
        for known in ["CHATBOT_PORT", "CHATBOT_DAILY_BUDGET_USD", "CHATBOT_STAGE", "PATH"] {
            assert_eq!(check_of(known), None, "{known}");
        }
    }
}
