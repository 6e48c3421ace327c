//! Exit codes, which scripts rely on.

use std::process::ExitCode;

/// The result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything was done.
    Success,
    /// It failed.
    Failed,
    /// The command or its input is wrong.
    Usage,
    /// Only a part was done: some messages failed or were rejected, or texts are no longer stored.
    Partial,
    /// The chatbot is unreachable, or access was denied.
    Unreachable,
    /// It was interrupted, and printed how to continue.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(match exit {
            ExitStatus::Success => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Partial => 3,
            ExitStatus::Unreachable => 4,
            ExitStatus::Interrupted => 130,
        })
    }
}

/// An error that decides the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    exit: ExitStatus,
    text: String,
}

/// Creates the error of a wrong command or input.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    Failure { exit: ExitStatus::Usage, text: text.into() }.into()
}

/// Creates the error of an unreachable chatbot.
pub(crate) fn unreachable(text: impl Into<String>) -> anyhow::Error {
    Failure { exit: ExitStatus::Unreachable, text: text.into() }.into()
}

impl Failure {
    /// Returns the exit status that this failure ends the program with.
    pub(crate) fn status(&self) -> ExitStatus {
        self.exit
    }
}
