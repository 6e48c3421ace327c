//! What AWS refuses, for people: a missing right is named as policies name it.

use std::error::Error;

use aws::call_error::CallError;
use shared::ports::{QueueError, SecretsError, StoreError};

use crate::backend::BackendError;

/// Makes the error of a call that failed.
pub(super) fn of(place: &str, error: &CallError) -> BackendError {
    if let Some(right) = error.missing_permission() {
        return BackendError::NotAllowed(format!(
            "{place}: you lack the right {right}; the policy that the stack makes for operators \
            has it (docs/OPERATIONS.md)"
        ));
    }
    if error.has_invalid_credentials() {
        return BackendError::NotAllowed(format!(
            "{place}: AWS does not know these credentials, or no longer ({error})"
        ));
    }
    BackendError::Unreachable(format!("{place}: {error}"))
}

/// Makes the error of a port that failed; what it comes from tells most.
fn of_port(place: &str, error: &(dyn Error + 'static)) -> BackendError {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<CallError>() {
            return of(place, error);
        }
        cause = found.source();
    }
    BackendError::Failed(format!("{place}: {error}"))
}

pub(super) fn of_store(place: &str, error: &StoreError) -> BackendError {
    of_port(place, error)
}

pub(super) fn of_queue(place: &str, error: &QueueError) -> BackendError {
    of_port(place, error)
}

pub(super) fn of_secrets(place: &str, error: &SecretsError) -> BackendError {
    of_port(place, error)
}
