//! What went wrong in a call, without a word of what it carried.
//!
//! The SDK's own errors hold requests and answers whole: items, secrets, the texts of a database;
//! what a Redis server says of a command that it does not know begins with the command's arguments.
//! They end here, so that no error that is logged can hold a user's words.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The longest code that is taken over from an answer.
const MAX_CODE: usize = 64;
/// The longest request id.
const MAX_REQUEST_ID: usize = 128;

/// The reason why a call failed: which call, how, and the service's own code and request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    call: &'static str,
    kind: Kind,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    detail: Option<String>,
}

/// How a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It could not be made from its input.
    Unbuilt,
    /// No connection was made, or it broke.
    Broken,
    /// No answer came in time.
    Late,
    /// The answer could not be read.
    Unreadable,
    /// The service answered with an error.
    Answered,
}

impl Fault {
    /// Takes from an SDK's error what may be logged.
    pub(crate) fn of<E: ProvideErrorMetadata>(
        call: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let kind = match error {
            SdkError::ConstructionFailure(_) => Kind::Unbuilt,
            SdkError::TimeoutError(_) => Kind::Late,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Kind::Late,
            SdkError::DispatchFailure(_) => Kind::Broken,
            SdkError::ServiceError(_) => Kind::Answered,
            _ => Kind::Unreadable,
        };
        let answer = error.raw_response();
        let code =
            error.as_service_error().and_then(ProvideErrorMetadata::code).and_then(clean_code);
        let request_id =
            answer.and_then(|answer| answer.headers().get("x-amzn-requestid")).and_then(clean_id);
        Self {
            call,
            kind,
            code,
            status: answer.map(|answer| answer.status().as_u16()),
            request_id,
            detail: None,
        }
    }

    /// Says how a call failed that no SDK made.
    pub(crate) fn new(call: &'static str, kind: Kind) -> Self {
        Self { call, kind, code: None, status: None, request_id: None, detail: None }
    }

    /// Adds the code that the server answered with, if it is one.
    pub(crate) fn with_code(mut self, code: Option<&str>) -> Self {
        self.code = code.and_then(clean_code);
        self
    }

    /// Adds what is known to hold nobody's words.
    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns how the call failed.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the service's code, such as `ThrottlingException`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the right that was missing, as policies name it, if that is why the call failed.
    pub fn missing_right(&self) -> Option<String> {
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

    /// Tells whether nobody is known by the credentials, or no longer.
    pub fn is_unknown_caller(&self) -> bool {
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

    /// Returns the status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }
}

impl std::error::Error for Fault {}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.kind {
            Kind::Unbuilt => "could not be made from its input",
            Kind::Broken => "had no connection",
            Kind::Late => "had no answer in time",
            Kind::Unreadable => "had an answer that cannot be read",
            Kind::Answered => "failed",
        };
        write!(f, "{} {how}", self.call)?;
        let status = self.status.map(|status| status.to_string());
        let request = self.request_id.as_ref().map(|id| format!("request {id}"));
        let facts: Vec<_> = [self.code.clone(), status, request, self.detail.clone()]
            .into_iter()
            .flatten()
            .collect();
        if facts.is_empty() { Ok(()) } else { write!(f, " ({})", facts.join(", ")) }
    }
}

/// Returns the code if it is a word and nothing else; some services put a namespace before it or a
/// link behind.
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
    use super::{Fault, Kind, clean_code, clean_id};

    #[test]
    fn a_missing_right_is_named_as_policies_name_it() {
        let fault = |call, code: &str| Fault {
            call,
            kind: Kind::Answered,
            code: Some(code.to_owned()),
            status: Some(400),
            request_id: None,
            detail: None,
        };
        let denied = fault("sqs SendMessage", "AccessDeniedException");
        assert_eq!(denied.missing_right().as_deref(), Some("sqs:SendMessage"));
        assert_eq!(fault("sqs SendMessage", "QueueDoesNotExist").missing_right(), None);
        assert!(fault("ssm GetParameter", "ExpiredTokenException").is_unknown_caller());
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
