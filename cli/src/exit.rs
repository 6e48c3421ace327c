//! How a command ends, in numbers that scripts can trust.

use std::process::ExitCode;

use crate::home::HomeError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All of it was done.
    Done,
    /// It failed.
    Failed,
    /// What was asked for, or what was handed in, is wrong.
    Usage,
    /// A part was done: some messages failed, were rejected, or their texts are gone.
    Partly,
    /// Nothing answers, or it does not let us in.
    Unreachable,
    /// It was interrupted, and has said how to go on.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partly => 3,
            Exit::Unreachable => 4,
            Exit::Interrupted => 130,
        })
    }
}

/// A reason to stop that decides the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    exit: Exit,
    text: String,
}

/// Says that what was asked for, or handed in, is wrong.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    Failure { exit: Exit::Usage, text: text.into() }.into()
}

/// Says that nothing answers.
pub(crate) fn unreachable(text: impl Into<String>) -> anyhow::Error {
    Failure { exit: Exit::Unreachable, text: text.into() }.into()
}

/// Returns the code that an error ends with.
pub(crate) fn code(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    match error.downcast_ref::<HomeError>() {
        Some(HomeError::Unreachable(_) | HomeError::NotAllowed(_)) => Exit::Unreachable,
        Some(HomeError::Refused { .. } | HomeError::Missing(_)) => Exit::Usage,
        _ => Exit::Failed,
    }
}
