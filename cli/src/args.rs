//! The command line: commands, flags and help texts.

mod batch;
mod compare;
mod inspect;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::batch::{BatchCommand, BatchFileArgs, BatchRunArgs};
pub(crate) use self::compare::{EvalArgs, ReplayArgs};
pub(crate) use self::inspect::{
    ChatArgs, CostArgs, DlqCommand, DlqDropArgs, DlqListArgs, DlqRedriveArgs, DlqSelection,
    DlqShowArgs, DoctorArgs, ExportArgs, QueueArg, SessionCommand, StatsArgs, TailArgs, TurnsArgs,
};

const EXAMPLES: &str = "\
Examples:
  yogi doctor                               check the system and time a test message
  yogi batch run questions.jsonl --out answers.jsonl
  yogi tail --failed                        watch failures as they happen
  yogi dlq list                             list dead letters with their reasons
  yogi dlq redrive --all --dry-run          show what would be retried
  yogi replay --from 24h --provider openai --out compare

Which chatbot: --local names its data directory (by default CHATBOT_DATA_DIR, or .chatbot) or the
address of a running server. If no server is running on the directory, one is started for the
duration of the command. --stack names a stage on AWS; credentials and region come from
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION.

Exit codes: 0 success; 1 failure; 2 wrong command or input; 3 partial success (some messages failed
or were rejected, or texts are no longer stored); 4 unreachable or access denied; 130 interrupted
(the output says how to continue).";

/// Operator's tool for the Learning Yogi chatbot: inspect it, send batches, replay past messages,
/// handle dead letters.
#[derive(Debug, Parser)]
#[command(name = "yogi", version, about, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags of every command.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the help text is printed as it is written here")]
pub(crate) struct GlobalArgs {
    /// The server: its data directory, or its address (then set CHATBOT_OPERATOR_TOKEN)
    /// [default: CHATBOT_DATA_DIR or .chatbot]
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub(crate) local: Option<String>,
    /// The chatbot on AWS: a stage such as prod, or a .json file that lists its resources
    #[arg(long, global = true, value_name = "STAGE|FILE", conflicts_with = "local")]
    pub(crate) stack: Option<String>,
    /// Your name: messages are sent as op:NAME [default: the user of this machine]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// Print JSON for scripts, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check settings, keys, queues, disk and clock, and send a test message
    Doctor(DoctorArgs),
    /// Chat in this terminal
    Chat(ChatArgs),
    /// Send a file of messages through the queue and collect the answers
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Answer past messages again with other settings, and compare the answers
    Replay(ReplayArgs),
    /// Ask questions with known answers, score the replies, compare models
    Eval(EvalArgs),
    /// Dead letters: messages that could not be processed
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Sessions: list, show, export, delete
    #[command(subcommand)]
    Session(SessionCommand),
    /// List the turns of a session with their times, tokens and costs
    Turns(TurnsArgs),
    /// Watch events as they happen
    Tail(TailArgs),
    /// Show messages, errors, latency, tokens and cost over a period
    Stats(StatsArgs),
    /// Estimate the monthly cost on AWS for a number of chats per day
    Cost(CostArgs),
    /// Print shell completions: yogi completions bash
    #[command(hide = true)]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: yogi man | man -l -
    #[command(hide = true)]
    Man,
}
