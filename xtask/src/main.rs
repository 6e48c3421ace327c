//! The project's automation. CI calls it, and nothing else.

mod bench_functions;
mod cargo_targets;
mod cpu_time;
mod dist;
mod print;
mod process;
mod programs;
mod soak;
mod source_tree;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::builder::FalseyValueParser;
use clap::{Parser, Subcommand};

use crate::source_tree::Tree;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's automation")]
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
    /// Checks the project's own rules: layering, sizes, documents, links
    Tidy,
    /// Builds the files of a release into target/dist
    Dist,
    /// Runs the benchmarks of the server, or with `functions` those of the Lambda functions
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments for the benchmark; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Runs the simulation: the whole pipeline under faults, from seeds
    #[command(disable_help_flag = true)]
    Simulate {
        /// Arguments for the simulation; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Simulates many turns, kills the real server under load, disconnects browsers, and checks the
    /// replies; builds the functions for arm64, and chats with them under an emulator
    Soak {
        /// The number of simulated turns; 0 for none
        #[arg(long, default_value_t = 1_000_000)]
        turns: u64,
        /// How often to kill the server; 0 for never
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// How often to cut the network of a chat window in a browser; 0 for never
        #[arg(long, default_value_t = 500)]
        cuts: u32,
        /// Leaves out the build of the functions for arm64, and the chat under an emulator
        #[arg(long)]
        no_arm64: bool,
        /// Writes the results to docs/SOAK.md
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    let result = run(Arguments::parse().command);
    // A backtrace would only hide the violations above it.
    result.map_or_else(
        |error| {
            print::line(format!("error: {error:#}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn run(command: Command) -> Result<()> {
    let root = source_tree::root();
    match command {
        Command::Test { only, ci } => test::run(&root, only, ci),
        Command::Dist => dist::build(&root),
        Command::Tidy => tidy::run(Tree::read(&root)?),
        Command::Bench { arguments } => programs::bench(&root, arguments),
        Command::Simulate { arguments } => programs::simulate(&root, arguments),
        Command::Soak { turns, kills, cuts, no_arm64, write } => {
            soak::run(&root, &soak::Amounts { turns, kills, cuts, arm64: !no_arm64 }, write)
        }
    }
}
