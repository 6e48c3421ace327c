//! What an answer that is none says.

use serde::Deserialize;

use super::HomeError;

/// RFC 9457, as far as people are told.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    detail: Option<String>,
    title: Option<String>,
    field: Option<String>,
}

/// Makes the error of an answer's status and body.
pub(super) fn error(place: &str, path: &str, status: u16, body: &str) -> HomeError {
    let problem: Problem = serde_json::from_str(body).unwrap_or_default();
    let said = problem.detail.or(problem.title).unwrap_or_else(|| format!("it answered {status}"));
    match status {
        401 => HomeError::NotAllowed(format!(
            "{place} does not know this operator token; its own is in operator.token in its data \
            directory: set CHATBOT_OPERATOR_TOKEN"
        )),
        403 => HomeError::NotAllowed(format!("{place} refuses: {said}")),
        // A path that the server does not have is no missing session.
        404 if !body.contains("urn:") => HomeError::Failed(format!(
            "{place} does not know {path}: it is no chatbot, or older than this program"
        )),
        404 => HomeError::Missing(said),
        408 | 425 | 429 | 500..=599 => {
            HomeError::Unreachable(format!("{place} cannot now: {said}"))
        }
        400..=499 => HomeError::Refused { field: problem.field, detail: said },
        _ => HomeError::Failed(format!("{place} answered {status} to {path}")),
    }
}
