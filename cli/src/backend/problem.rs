//! Converts error responses.

use serde::Deserialize;

use super::BackendError;

/// The fields of an RFC 9457 problem that are printed.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    detail: Option<String>,
    title: Option<String>,
    field: Option<String>,
}

/// Creates the error of a response's status and body.
pub(super) fn error(place: &str, path: &str, status: u16, body: &str) -> BackendError {
    let problem: Problem = serde_json::from_str(body).unwrap_or_default();
    let said = problem.detail.or(problem.title).unwrap_or_else(|| format!("status {status}"));
    match status {
        401 => BackendError::NotAllowed(format!(
            "{place} rejected the operator token: set CHATBOT_OPERATOR_TOKEN to the content of \
            operator.token in its data directory"
        )),
        403 => BackendError::NotAllowed(format!("{place} denied access: {said}")),
        // A path that the server does not have is not a missing session.
        404 if !body.contains("urn:") => BackendError::Failed(format!(
            "{place} does not know {path}: it is not a chatbot, or older than this program"
        )),
        404 => BackendError::Missing(said),
        408 | 425 | 429 | 500..=599 => {
            BackendError::Unreachable(format!("{place} is unavailable: {said}"))
        }
        400..=499 => BackendError::Refused { field: problem.field, detail: said },
        _ => BackendError::Failed(format!("{place} returned status {status} for {path}")),
    }
}
