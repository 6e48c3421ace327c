//! `yogi`: the operator's tool.

mod args;
mod ask;
mod batch;
mod chat;
mod completions;
mod config;
mod cost;
mod desk;
mod dlq;
mod doctor;
mod eval;
mod exit;
mod home;
mod output;
mod reference;
mod replay;
mod sessions;
mod stats;
mod tail;
mod time_span;
mod times;
mod turn_table;

use std::process::ExitCode;

use clap::Parser as _;

use self::args::{Arguments, BatchCommand, Command};
use self::config::Config;
use self::desk::Desk;
use self::exit::Exit;
use self::output::note;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            drop(error.print());
            return exit.into();
        }
    };
    match run(arguments).await {
        Ok(exit) => exit.into(),
        Err(error) => {
            note(&format!("yogi: {error:#}"));
            exit::code(&error).into()
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let desk = match arguments.command {
        Command::Completions { shell } => return Ok(completions::completions(shell)),
        Command::Man => return completions::manual(),
        _ => Desk::new(Config::load(&arguments.global)?, arguments.global.json),
    };
    match arguments.command {
        Command::Doctor(what) => doctor::run(&desk, &what).await,
        Command::Batch(BatchCommand::Run(what)) => batch::run(&desk, &what).await,
        Command::Batch(BatchCommand::Status(which)) => batch::status(&desk, &which),
        Command::Batch(BatchCommand::Cancel(which)) => batch::cancel(&desk, &which).await,
        Command::Dlq(command) => dlq::run(&desk, command).await,
        Command::Session(command) => sessions::run(&desk, command).await,
        Command::Turns(which) => sessions::turns(&desk, &which).await,
        Command::Tail(filter) => tail::run(&desk, &filter).await,
        Command::Stats(span) => stats::run(&desk, &span).await,
        Command::Cost(what) => cost::run(&desk, &what).await,
        Command::Completions { .. } | Command::Man => Ok(Exit::Done),
        Command::Replay(what) => replay::run(&desk, &what).await,
        Command::Eval(what) => eval::run(&desk, &what).await,
        Command::Chat(what) => chat::run(&desk, &what).await,
    }
}
