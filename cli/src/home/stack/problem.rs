//! What AWS refuses, for people: a missing right is named as policies name it.

use std::error::Error;

use aws::call_error::CallError;
use shared::ports::{QueueError, SecretsError, StoreError};

use crate::home::HomeError;

/// Makes the error of a call that failed.
pub(super) fn of(place: &str, error: &CallError) -> HomeError {
    if let Some(right) = error.missing_permission() {
        return HomeError::NotAllowed(format!(
            "{place}: you lack the right {right}; the policy that the stack makes for operators \
            has it (docs/OPERATIONS.md)"
        ));
    }
    if error.has_invalid_credentials() {
        return HomeError::NotAllowed(format!(
            "{place}: AWS does not know these credentials, or no longer ({error})"
        ));
    }
    HomeError::Unreachable(format!("{place}: {error}"))
}

/// Makes the error of a port that failed; what it comes from tells most.
fn of_port(place: &str, error: &(dyn Error + 'static)) -> HomeError {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<CallError>() {
            return of(place, error);
        }
        cause = found.source();
    }
    HomeError::Failed(format!("{place}: {error}"))
}

pub(super) fn of_store(place: &str, error: &StoreError) -> HomeError {
    of_port(place, error)
}

pub(super) fn of_queue(place: &str, error: &QueueError) -> HomeError {
    of_port(place, error)
}

pub(super) fn of_secrets(place: &str, error: &SecretsError) -> HomeError {
    of_port(place, error)
}
