//! Settings that change without a deployment, from Parameter Store.

use aws_sdk_ssm::Client;

use crate::call_error::CallError;
use crate::sdk::{Sdk, Service};

/// The error code for a missing parameter.
const NOT_FOUND: &str = "ParameterNotFound";

/// Reads the value of a parameter; `None` if it does not exist or is blank.
pub async fn get_parameter(sdk: &Sdk, name: &str) -> Result<Option<String>, CallError> {
    let client = Client::new(&sdk.config(Service::Ssm));
    match client.get_parameter().name(name).send().await {
        Ok(found) => Ok(found
            .parameter
            .and_then(|parameter| parameter.value)
            .filter(|value| !value.trim().is_empty())),
        Err(error) => {
            let error = CallError::from_sdk("ssm GetParameter", &error);
            if error.code() == Some(NOT_FOUND) { Ok(None) } else { Err(error) }
        }
    }
}
