//! Errors of calls to AWS and Redis that are safe to log.
//!
//! The SDK's own errors contain whole requests and responses: items, secrets, rows of a database. A
//! Redis server's error about an unknown command quotes the command's arguments. Such errors are
//! converted here, so that no logged error can contain what a user wrote.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The longest error code that is kept from a response.
const MAX_CODE: usize = 64;
/// The longest request id that is kept from a response.
const MAX_REQUEST_ID: usize = 128;

/// A failed call: its operation, the kind of failure, and the service's error code and request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    call: &'static str,
    kind: CallErrorKind,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    detail: Option<String>,
}

/// The kind of failure of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The request could not be built from its input.
    Construction,
    /// No connection could be made, or it was lost.
    Connection,
    /// No response arrived in time.
    Timeout,
    /// The response could not be read.
    Response,
    /// The service responded with an error.
    Service,
}

impl CallError {
    /// Keeps the parts of an SDK error that may be logged.
    pub(crate) fn from_sdk<E: ProvideErrorMetadata>(
        call: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let kind = match error {
            SdkError::ConstructionFailure(_) => CallErrorKind::Construction,
            SdkError::TimeoutError(_) => CallErrorKind::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => CallErrorKind::Timeout,
            SdkError::DispatchFailure(_) => CallErrorKind::Connection,
            SdkError::ServiceError(_) => CallErrorKind::Service,
            _ => CallErrorKind::Response,
        };
        let response = error.raw_response();
        let code =
            error.as_service_error().and_then(ProvideErrorMetadata::code).and_then(clean_code);
        let request_id = response
            .and_then(|response| response.headers().get("x-amzn-requestid"))
            .and_then(clean_id);
        Self {
            call,
            kind,
            code,
            status: response.map(|response| response.status().as_u16()),
            request_id,
            detail: None,
        }
    }

    /// Creates the error of a call that was not made through an SDK.
    pub(crate) fn new(call: &'static str, kind: CallErrorKind) -> Self {
        Self { call, kind, code: None, status: None, request_id: None, detail: None }
    }

    /// Adds the server's error code, if it looks like one.
    pub(crate) fn with_code(mut self, code: Option<&str>) -> Self {
        self.code = code.and_then(clean_code);
        self
    }

    /// Adds a detail that is known to contain no user data.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> CallErrorKind {
        self.kind
    }

    /// Returns the service's error code, such as `ThrottlingException`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the missing permission as IAM policies name it, if the call was denied.
    pub fn missing_permission(&self) -> Option<String> {
        const DENIED: [&str; 4] = [
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "ForbiddenException",
        ];
        let (service, operation) = self.call.split_once(' ')?;
        let is_denied = self.code().is_some_and(|code| DENIED.contains(&code));
        is_denied.then(|| match (service, operation) {
            ("dynamodb", "TransactWriteItems") => {
                "dynamodb:PutItem, UpdateItem, DeleteItem or ConditionCheckItem".to_owned()
            }
            _ => format!("{service}:{operation}"),
        })
    }

    /// Returns whether AWS rejected the credentials as unknown or expired.
    pub fn has_invalid_credentials(&self) -> bool {
        const UNKNOWN: [&str; 6] = [
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
        ];
        self.code().is_some_and(|code| UNKNOWN.contains(&code))
    }

    /// Returns the HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }
}

impl std::error::Error for CallError {}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let outcome = match self.kind {
            CallErrorKind::Construction => "could not be built",
            CallErrorKind::Connection => "had a connection error",
            CallErrorKind::Timeout => "timed out",
            CallErrorKind::Response => "returned an unreadable response",
            CallErrorKind::Service => "failed",
        };
        write!(f, "{} {outcome}", self.call)?;
        let status = self.status.map(|status| status.to_string());
        let request = self.request_id.as_ref().map(|id| format!("request {id}"));
        let facts: Vec<_> = [self.code.clone(), status, request, self.detail.clone()]
            .into_iter()
            .flatten()
            .collect();
        if facts.is_empty() { Ok(()) } else { write!(f, " ({})", facts.join(", ")) }
    }
}

/// Returns the code if it is a single word. Some services add a namespace before it or a link after
/// it; both are cut off.
fn clean_code(code: &str) -> Option<String> {
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let is_word =
        code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_');
    (is_word && (1..=MAX_CODE).contains(&code.len())).then(|| code.to_owned())
}

fn clean_id(id: &str) -> Option<String> {
    let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte));
    (is_id && (1..=MAX_REQUEST_ID).contains(&id.len())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{CallError, CallErrorKind, clean_code, clean_id};

    #[test]
    fn a_missing_permission_is_named_as_in_iam_policies() {
        let call_error = |call, code: &str| CallError {
            call,
            kind: CallErrorKind::Service,
            code: Some(code.to_owned()),
            status: Some(400),
            request_id: None,
            detail: None,
        };
        let denied = call_error("sqs SendMessage", "AccessDeniedException");
        assert_eq!(denied.missing_permission().as_deref(), Some("sqs:SendMessage"));
        assert_eq!(call_error("sqs SendMessage", "QueueDoesNotExist").missing_permission(), None);
        assert!(call_error("ssm GetParameter", "ExpiredTokenException").has_invalid_credentials());
    }

    #[test]
    fn a_code_is_a_word() {
        assert_eq!(
            clean_code("com.amazonaws#ThrottlingException:http://a").as_deref(),
            Some("ThrottlingException")
        );
        assert_eq!(
            clean_code("AWS.SimpleQueueService.NonExistentQueue").as_deref().map(str::len),
            Some(39)
        );
        assert_eq!(clean_code("what somebody wrote"), None);
        assert_eq!(clean_code(""), None);
    }

    #[test]
    fn a_request_id_is_an_id() {
        assert!(clean_id("5a7c-AB_c=").is_some());
        assert_eq!(clean_id("two words"), None);
    }
}
