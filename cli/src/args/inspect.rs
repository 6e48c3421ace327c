//! The commands that inspect the chatbot, and those that repair it.

use clap::{Args, Subcommand, ValueEnum};

const SESSION: &str = "\
A session is named by its key, as shown in logs, events and `yogi session list`, or as
PRINCIPAL/SESSION-ID, such as op:anna/questions.17";

/// `yogi doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Do not send a test message
    #[arg(long)]
    pub(crate) no_message: bool,
    /// Send a test message to every configured provider instead of only the preferred one
    #[arg(long = "all-providers", alias = "every-provider")]
    pub(crate) all_providers: bool,
}

/// `yogi chat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Type a message and press Enter. /stop stops the answer that is being written, /quit (or Ctrl-D)
leaves, /help lists the commands. The session is kept: `yogi chat --session ID` continues it.")]
pub(crate) struct ChatArgs {
    /// Send this message, print the answer and exit
    pub(crate) message: Option<String>,
    /// The session to continue [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// The document that the questions are about
    #[arg(long, value_name = "ID")]
    pub(crate) document: Option<String>,
    /// The provider to use: claude, openai, …
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
}

/// `yogi dlq …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// List the dead letters of both queues, oldest first, with their reasons
    List(DlqListArgs),
    /// Show one dead letter in full
    Show(DlqShowArgs),
    /// Put dead letters back on their queue in order; answered messages are not answered again
    Redrive(DlqRedriveArgs),
    /// Delete dead letters permanently: their messages will never be answered
    Drop(DlqDropArgs),
}

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueueArg {
    /// Requests to the worker.
    Requests,
    /// Replies to the notifier.
    Replies,
}

/// `yogi dlq list`.
#[derive(Debug, Args)]
pub(crate) struct DlqListArgs {
    /// Only this queue
    #[arg(long)]
    pub(crate) queue: Option<QueueArg>,
    /// Maximum number per queue
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
}

/// `yogi dlq show`.
#[derive(Debug, Args)]
pub(crate) struct DlqShowArgs {
    /// The dead letter's ID, from `yogi dlq list`
    #[arg(allow_hyphen_values = true)]
    pub(crate) id: String,
    /// Its queue, if both queues have this ID
    #[arg(long)]
    pub(crate) queue: Option<QueueArg>,
}

/// `yogi dlq redrive`.
#[derive(Debug, Args)]
#[command(
    after_help = "Fix the cause first: a message that fails again becomes a dead letter again."
)]
pub(crate) struct DlqRedriveArgs {
    #[command(flatten)]
    pub(crate) selection: DlqSelection,
}

/// `yogi dlq drop`.
#[derive(Debug, Args)]
pub(crate) struct DlqDropArgs {
    #[command(flatten)]
    pub(crate) selection: DlqSelection,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

/// A selection of dead letters.
#[derive(Debug, Args)]
pub(crate) struct DlqSelection {
    /// Their IDs, from `yogi dlq list`
    #[arg(conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// Only this queue
    #[arg(long)]
    pub(crate) queue: Option<QueueArg>,
    /// Show what would be done, without doing it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `yogi session …`.
#[derive(Debug, Subcommand)]
#[command(after_help = SESSION)]
pub(crate) enum SessionCommand {
    /// List live sessions
    List {
        /// Only sessions of this principal, such as op:anna; a trailing * matches any suffix
        #[arg(long)]
        principal: Option<String>,
        /// Maximum number of sessions
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show a session and its turns
    #[command(after_help = SESSION)]
    Show {
        /// The session
        #[arg(allow_hyphen_values = true)]
        session: String,
    },
    /// Write a session's turns as JSON lines, for `yogi replay` or for its user
    #[command(after_help = SESSION)]
    Export(ExportArgs),
    /// Delete a session and all its data, as its user can
    #[command(after_help = SESSION)]
    Delete {
        /// The session
        #[arg(allow_hyphen_values = true)]
        session: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// Show what would be deleted, without deleting it
        #[arg(long)]
        dry_run: bool,
    },
}

/// `yogi session export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The session
    #[arg(allow_hyphen_values = true)]
    pub(crate) session: String,
    /// The file to write to [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<std::path::PathBuf>,
}

/// `yogi turns`.
#[derive(Debug, Args)]
#[command(after_help = SESSION)]
pub(crate) struct TurnsArgs {
    /// The session
    #[arg(allow_hyphen_values = true)]
    pub(crate) session: String,
    /// Only turns after this one
    #[arg(long, default_value_t = 0)]
    pub(crate) after: u64,
    /// Maximum number of turns
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
    /// Show messages and replies in full
    #[arg(long)]
    pub(crate) full: bool,
}

/// `yogi tail`.
#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Only failures
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only answers of this provider
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Only events of the session whose key starts with this
    #[arg(long, value_name = "KEY")]
    pub(crate) session: Option<String>,
    /// Only events of this type, such as "Chat Feedback"
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Leave out what operators sent: batches, replays, test messages
    #[arg(long = "exclude-operators", alias = "no-operators")]
    pub(crate) exclude_operators: bool,
    /// Start after this position in the order of publication; 0 is the oldest stored event
    /// [default: now]
    #[arg(long, value_name = "POSITION")]
    pub(crate) after: Option<i64>,
    /// Print the stored events and exit instead of waiting for more
    #[arg(long)]
    pub(crate) no_follow: bool,
}

/// `yogi stats`.
#[derive(Debug, Args)]
#[command(
    after_help = "Periods longer than a day, or more than three days ago, start at a full hour."
)]
pub(crate) struct StatsArgs {
    /// Start: a duration before now (90m, 24h, 7d), or a time (2026-11-27, 2026-11-27T08:00:00Z)
    #[arg(long, default_value = "24h", value_name = "TIME")]
    pub(crate) from: String,
    /// End [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

/// `yogi cost`.
#[derive(Debug, Args)]
#[command(after_help = "\
The AWS part follows the formula in docs/DEPLOY.md: counted calls times list prices in us-east-1.
The model part is this server's model at its list price, for the given token counts or for the
average of the server's own chats in the last week.")]
pub(crate) struct CostArgs {
    /// Number of chats per day
    #[arg(long, value_name = "N")]
    pub(crate) chats_per_day: u64,
    /// Input tokens per chat [default: as measured, or 1000]
    #[arg(long, value_name = "N")]
    pub(crate) input_tokens: Option<u64>,
    /// Output tokens per chat [default: as measured, or 200]
    #[arg(long, value_name = "N")]
    pub(crate) output_tokens: Option<u64>,
    /// The model [default: the preferred provider's]
    #[arg(long)]
    pub(crate) model: Option<String>,
}
