//! Settings that change without a deployment, from Parameter Store.

use aws_sdk_ssm::Client;

use crate::fault::Fault;
use crate::sdk::{Sdk, Service};

/// What a parameter is called when there is none.
const ABSENT: &str = "ParameterNotFound";

/// Reads one parameter's text; `None` if there is no such parameter, or it is blank.
pub async fn parameter(sdk: &Sdk, name: &str) -> Result<Option<String>, Fault> {
    let client = Client::new(&sdk.config(Service::Ssm));
    match client.get_parameter().name(name).send().await {
        Ok(found) => Ok(found
            .parameter
            .and_then(|parameter| parameter.value)
            .filter(|value| !value.trim().is_empty())),
        Err(error) => {
            let fault = Fault::of("ssm GetParameter", &error);
            if fault.code() == Some(ABSENT) { Ok(None) } else { Err(fault) }
        }
    }
}
