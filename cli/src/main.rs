//! `yogi`: the operator's tool.

mod args;
mod backend;
mod batch;
mod chat;
mod completions;
mod config;
mod context;
mod cost;
mod dlq;
mod doctor;
mod eval;
mod exit;
mod output;
mod question_runner;
mod reference;
mod replay;
mod sessions;
mod stats;
mod tail;
mod time_span;
mod times;

use std::process::ExitCode;

use clap::Parser as _;

use self::args::{Arguments, BatchCommand, Command};
use self::backend::BackendError;
use self::config::Config;
use self::context::Context;
use self::exit::{ExitStatus, Failure};
use self::output::note;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Success };
            drop(error.print());
            return exit.into();
        }
    };
    match run(arguments).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            note(&format!("yogi: {error:#}"));
            exit_status(&error).into()
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitStatus> {
    let context = match arguments.command {
        Command::Completions { shell } => return Ok(completions::completions(shell)),
        Command::Man => return completions::manual(),
        _ => Context::new(Config::load(&arguments.global)?, arguments.global.json),
    };
    match arguments.command {
        Command::Doctor(what) => doctor::run(&context, &what).await,
        Command::Batch(BatchCommand::Run(what)) => batch::run(&context, &what).await,
        Command::Batch(BatchCommand::Status(which)) => batch::status(&context, &which),
        Command::Batch(BatchCommand::Cancel(which)) => batch::cancel(&context, &which).await,
        Command::Dlq(command) => dlq::run(&context, command).await,
        Command::Session(command) => sessions::run(&context, command).await,
        Command::Turns(which) => sessions::turns(&context, &which).await,
        Command::Tail(filter) => tail::run(&context, &filter).await,
        Command::Stats(span) => stats::run(&context, &span).await,
        Command::Cost(what) => cost::run(&context, &what).await,
        Command::Completions { .. } | Command::Man => Ok(ExitStatus::Success),
        Command::Replay(what) => replay::run(&context, &what).await,
        Command::Eval(what) => eval::run(&context, &what).await,
        Command::Chat(what) => chat::run(&context, &what).await,
    }
}

/// Returns the exit status of a command that failed.
fn exit_status(error: &anyhow::Error) -> ExitStatus {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.status();
    }
    match error.downcast_ref::<BackendError>() {
        Some(BackendError::Unreachable(_) | BackendError::NotAllowed(_)) => ExitStatus::Unreachable,
        Some(BackendError::Refused { .. } | BackendError::Missing(_)) => ExitStatus::Usage,
        _ => ExitStatus::Failed,
    }
}
