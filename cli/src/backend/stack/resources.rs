//! Where a stage's parts are: the entry that its deployment leaves for operators in Parameter
//! Store, or a file like it.

use std::path::Path;

use anyhow::Context as _;
use aws::parameters::get_parameter;
use aws::sdk::{Sdk, SdkSettings};
use serde::{Deserialize, Serialize};
use shared::environment::Environment;

use super::problem;
use crate::exit::usage;

/// The stage whose names carry no stage.
const UNNAMED: &str = "prod";
/// How people get credentials of a profile, of single sign-on or of a role into their shell.
const HOW_TO_SIGN_IN: &str =
    "`eval \"$(aws configure export-credentials --format env)\"` sets the credentials of a profile";

/// The parts of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resources {
    /// The REST API's address.
    pub(super) api_url: String,
    /// The table.
    pub(super) table: String,
    /// The queue to the worker.
    pub(super) requests_queue_url: String,
    /// Its dead letters.
    pub(super) requests_dead_letters_url: String,
    /// The queue to the notifier.
    pub(super) replies_queue_url: String,
    /// Its dead letters.
    pub(super) replies_dead_letters_url: String,
    /// What session tokens are signed with.
    pub(super) signing_secret_arn: String,
    /// Who may speak: `NONE`, `AWS_IAM` or `JWT`.
    pub(super) auth_mode: String,
    /// Where WebSocket connections are pushed to.
    pub(super) connections_url: String,
    /// Where the events are logged; empty where they are not.
    #[serde(default)]
    pub(super) event_log_group: String,
}

/// Prepares the clients, as who the environment says.
pub(super) fn sdk(environment: &Environment) -> anyhow::Result<Sdk> {
    let settings = match (environment.text("AWS_REGION"), environment.text("AWS_DEFAULT_REGION")) {
        (None, Some(region)) => {
            SdkSettings::from_env(&environment.clone().with("AWS_REGION", region))
        }
        _ => SdkSettings::from_env(environment),
    };
    Ok(Sdk::new(settings.map_err(|error| usage(format!("{error}; {HOW_TO_SIGN_IN}")))?))
}

/// Finds the parts of a stage: by its name, or in a file whose name ends in `.json`.
pub(super) async fn find(sdk: &Sdk, stack: &str) -> anyhow::Result<Resources> {
    if Path::new(stack).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    {
        let text = std::fs::read_to_string(stack)
            .map_err(|error| usage(format!("--stack {stack}: {error}")))?;
        return read(&text).map_err(|error| usage(format!("--stack {stack}: {error}")));
    }
    let name = entry(stack);
    let found = get_parameter(sdk, &name).await.map_err(|error| problem::of(&name, &error))?;
    let text = found.ok_or_else(|| {
        usage(format!(
            "--stack {stack}: there is no parameter {name} in this region; name a stage, such as \
            {UNNAMED}, or a .json file with what the parameter would hold"
        ))
    })?;
    read(&text).with_context(|| format!("the parameter {name} cannot be read"))
}

fn entry(stage: &str) -> String {
    match stage {
        UNNAMED => "/learning-yogi/chatbot/operator".to_owned(),
        stage => format!("/learning-yogi/chatbot/{stage}/operator"),
    }
}

fn read(text: &str) -> serde_json::Result<Resources> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_prod_has_no_stage_in_its_names() {
        assert_eq!(entry("prod"), "/learning-yogi/chatbot/operator");
        assert_eq!(entry("dev"), "/learning-yogi/chatbot/dev/operator");
    }

    #[test]
    fn a_missing_part_is_named() {
        let error = read(r#"{"api_url": "https://api.example.com/prod"}"#).unwrap_err();
        assert!(error.to_string().starts_with("missing field `table`"), "{error}");
    }

    #[test]
    fn missing_credentials_are_named_with_the_way_to_them() {
        let error = sdk(&Environment::default()).unwrap_err().to_string();
        assert!(
            error.starts_with("AWS_ACCESS_KEY_ID") && error.contains("export-credentials"),
            "{error}"
        );
    }
}
