//! What AWS refuses, for people: a missing right is named as policies name it.

use std::error::Error;

use aws::fault::Fault;
use shared::ports::{QueueError, SecretsError, StoreError};

use crate::home::HomeError;

/// Makes the error of a call that failed.
pub(super) fn of(place: &str, fault: &Fault) -> HomeError {
    if let Some(right) = fault.missing_right() {
        return HomeError::NotAllowed(format!(
            "{place}: you lack the right {right}; the policy that the stack makes for operators \
            has it (docs/OPERATIONS.md)"
        ));
    }
    if fault.is_unknown_caller() {
        return HomeError::NotAllowed(format!(
            "{place}: AWS does not know these credentials, or no longer ({fault})"
        ));
    }
    HomeError::Unreachable(format!("{place}: {fault}"))
}

/// Makes the error of a port that failed; what it comes from tells most.
fn of_port(place: &str, error: &(dyn Error + 'static)) -> HomeError {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if let Some(fault) = found.downcast_ref::<Fault>() {
            return of(place, fault);
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
