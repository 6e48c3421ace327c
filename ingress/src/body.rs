//! Reading a JSON body: unknown fields are ignored, missing and wrong ones named.

use std::fmt::Display;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// The largest body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 65_536;

/// The fields of a body. A field that is `null` is absent.
#[derive(Debug, Default)]
pub(crate) struct JsonBody(Map<String, Value>);

impl JsonBody {
    /// Reads a body that must be there.
    ///
    /// The content type matters: it keeps pages of foreign origins from calling without a
    /// preflight.
    pub(crate) fn read(request: &Request<Bytes>) -> Result<Self, ApiError> {
        if !is_json(request) {
            return Err(ApiError::MediaType);
        }
        let invalid = |detail: String| ApiError::Invalid { field: None, detail };
        match serde_json::from_slice(request.body()) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(invalid("The body must be a JSON object.".to_owned())),
            Err(error) => {
                let line = error.line();
                let column = error.column();
                Err(invalid(format!(
                    "The body is not JSON: the error is in line {line}, column {column}."
                )))
            }
        }
    }

    /// Reads a body that may be left out.
    pub(crate) fn read_optional(request: &Request<Bytes>) -> Result<Self, ApiError> {
        if request.body().is_empty() { Ok(Self::default()) } else { Self::read(request) }
    }

    /// Returns a text.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        text(self.0.get(name), name)
    }

    /// Returns a text inside an object; `path` is what an error names.
    pub(crate) fn text_in(
        &self,
        object: &'static str,
        name: &str,
        path: &'static str,
    ) -> Result<Option<&str>, ApiError> {
        match self.0.get(object) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => text(fields.get(name), path),
            Some(_) => Err(ApiError::field(object, "must be an object")),
        }
    }

    /// Returns a text that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.text(name)?.ok_or_else(|| ApiError::field(name, "is missing"))
    }
}

/// Parses a value; an error names the field.
pub(crate) fn parse<T: TryFrom<String, Error: Display>>(
    name: &'static str,
    value: &str,
) -> Result<T, ApiError> {
    T::try_from(value.to_owned()).map_err(|problem| ApiError::field(name, problem))
}

fn text<'a>(value: Option<&'a Value>, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ApiError::field(name, "must be a string")),
    }
}

fn is_json(request: &Request<Bytes>) -> bool {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
