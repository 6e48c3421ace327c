//! What can be asked for: the commands, their flags, and the help that teaches them.

mod batch;
mod compare;
mod look;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::batch::{BatchCommand, BatchRun, BatchWhich};
pub(crate) use self::compare::{Eval, Replay};
pub(crate) use self::look::{
    Chat, Cost, DlqCommand, Doctor, Drop, Export, List, One, Queue, Redrive, SessionCommand, Stats,
    Tail, Turns, Which,
};

const EXAMPLES: &str = "\
Examples:
  yogi doctor                               is everything well? one test message, with its time \
  in each stage
  yogi batch run questions.jsonl --out answers.jsonl
  yogi tail --failed                        what fails, as it happens
  yogi dlq list                             what nobody could handle, and why
  yogi dlq redrive --all --dry-run          what would be tried again
  yogi replay --from 24h --provider openai --out compare

Where the chatbot is: --local names its data directory (.chatbot unless CHATBOT_DATA_DIR says \
otherwise) or the
address of a running server. Where no server runs, one is started on the data for as long as the \
command lasts.
--stack names a stage on AWS; credentials and region are those of AWS_ACCESS_KEY_ID, \
AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN and AWS_REGION.

Exit codes: 0 done; 1 failed; 2 the command or its input is wrong; 3 done in part (some messages \
failed or were
rejected, or texts are gone); 4 nothing answers, or it does not let you in; 130 interrupted, and \
said how to go on.";

/// The operator's tool of the Learning Yogi chatbot: look inside, send many messages, try past ones
/// again, mend.
#[derive(Debug, Parser)]
#[command(name = "yogi", version, about, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "it is what people read in the terminal")]
pub(crate) struct Global {
    /// The server: its data directory, or its address, whose token CHATBOT_OPERATOR_TOKEN holds
    /// [CHATBOT_DATA_DIR, .chatbot]
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub(crate) local: Option<String>,
    /// The chatbot on AWS: the name of its stage, such as prod, or a .json file that says where its
    /// parts are
    #[arg(long, global = true, value_name = "STAGE|FILE", conflicts_with = "local")]
    pub(crate) stack: Option<String>,
    /// Who you are: messages are sent as op:NAME [the user of this machine]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) operator: Option<String>,
    /// Print JSON, one object a line, for scripts
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check everything: settings, keys, queues, disk, clock, and one test message
    Doctor(Doctor),
    /// Chat in this terminal
    Chat(Chat),
    /// Send a file of messages through the queue, and collect the answers
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Answer past messages again, under other conditions, and compare
    Replay(Replay),
    /// Ask questions with known answers, score the replies, compare models
    Eval(Eval),
    /// Dead letters: what nobody could handle
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Sessions: list, show, export, delete
    #[command(subcommand)]
    Session(SessionCommand),
    /// The turns of one session, with their times, tokens and costs
    Turns(Turns),
    /// Watch what happens, live
    Tail(Tail),
    /// Figures of a span of time: messages, failures, latency, tokens, cost
    Stats(Stats),
    /// What so many chats a day cost on AWS, with this server's models
    Cost(Cost),
    /// Print the completions of a shell: yogi completions bash
    #[command(hide = true)]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: yogi man | man -l -
    #[command(hide = true)]
    Man,
}
