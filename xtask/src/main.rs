//! The project's own automation: CI and people call it, and nothing else.

mod forward;
mod functions;
mod process;
mod say;
mod soak;
mod targets;
mod test;
mod tidy;
mod tools;
mod tree;

use std::process::ExitCode;

use anyhow::Result;
use clap::builder::FalseyValueParser;
use clap::{Parser, Subcommand};

use crate::tree::Tree;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own automation")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks everything that CI checks, and stops at the first failure
    Test {
        /// Runs this step alone
        #[arg(long, value_name = "STEP")]
        only: Option<test::Step>,
        /// Makes a missing tool an error instead of a skipped step
        #[arg(long, env = "CI", value_parser = FalseyValueParser::new())]
        ci: bool,
    },
    /// Checks the rules of the house: layering, sizes, documents, links
    Tidy,
    /// Measures the server against the floor, or with `functions` the Lambda functions; arguments
    /// go to the bench
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments for the bench; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs seeds of the simulation: the whole pipeline under faults; arguments go to it
    #[command(disable_help_flag = true)]
    Simulate {
        /// Arguments for the simulation; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Simulates very many turns, kills the real server under load, cuts browsers off, and counts
    /// the answers
    Soak {
        /// How many turns are simulated; 0 for none
        #[arg(long, default_value_t = 1_000_000)]
        turns: u64,
        /// How often the server is killed; 0 for never
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// How often the network is cut under the chat window in a browser; 0 for never
        #[arg(long, default_value_t = 500)]
        cuts: u32,
        /// Writes what was found to docs/SOAK.md
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    let done = run(Arguments::parse().command);
    // A back trace would only hide the offences above it.
    done.map_or_else(
        |error| {
            say::line(format!("error: {error:#}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn run(command: Command) -> Result<()> {
    let root = tree::root();
    match command {
        Command::Test { only, ci } => test::run(&root, only, ci),
        Command::Tidy => tidy::run(Tree::read(&root)?),
        Command::Bench { arguments } => forward::bench(&root, arguments),
        Command::Simulate { arguments } => forward::simulate(&root, arguments),
        Command::Soak { turns, kills, cuts, write } => {
            soak::run(&root, &soak::Amounts { turns, kills, cuts }, write)
        }
    }
}
