//! What a call came to.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::transport::NoResponse;

/// Why a call did not bring what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// 409: the call contradicts what is stored.
    #[error("it contradicts what is stored")]
    Conflict,
    /// 404: absent, deleted, at its end, or somebody else's.
    #[error("it is not there")]
    NotFound,
    /// 429.
    #[error("too many calls")]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// 502, 503 or 504; the call may have been applied.
    #[error("a part of the service is away")]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
    },
    /// No answer came in time; the call may have been applied.
    #[error("no answer came")]
    NoResponse,
    /// Any other answer, one that does not follow the contract included.
    #[error("refused with {status}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// The end of the problem's type, such as `invalid_request`.
        code: Option<String>,
        /// The field that is wrong.
        field: Option<String>,
        /// The reason, for people.
        detail: Option<String>,
    },
}

impl CallError {
    /// Tells whether the same call may succeed later, and how long to wait at least.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unavailable { retry_after } => {
                Some(*retry_after)
            }
            Self::NoResponse => Some(Duration::ZERO),
            Self::Conflict | Self::NotFound | Self::Refused { .. } => None,
        }
    }

    /// Reads an answer that is not the one asked for.
    pub(super) fn of<T>(response: &Response<T>) -> Self
    where
        T: AsRef<[u8]>,
    {
        match response.status() {
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::TOO_MANY_REQUESTS => {
                Self::RateLimited { retry_after: retry_after(response) }
            }
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => {
                Self::Unavailable { retry_after: retry_after(response) }
            }
            status => {
                let problem: Problem =
                    serde_json::from_slice(response.body().as_ref()).unwrap_or_default();
                let code = problem
                    .r#type
                    .as_deref()
                    .and_then(|name| name.rsplit(':').next())
                    .map(str::to_owned);
                let detail = problem.detail.or(problem.title);
                Self::Refused { status, code, field: problem.field, detail }
            }
        }
    }
}

impl From<NoResponse> for CallError {
    fn from(_: NoResponse) -> Self {
        Self::NoResponse
    }
}

/// The least wait where the answer names none.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

#[derive(Default, Deserialize)]
struct Problem {
    r#type: Option<String>,
    field: Option<String>,
    detail: Option<String>,
    title: Option<String>,
}

fn retry_after<T>(response: &Response<T>) -> Duration {
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    header.and_then(|text| text.parse().ok()).map_or(RETRY_AFTER_DEFAULT, Duration::from_secs)
}
