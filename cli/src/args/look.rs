//! The commands that look, and those that mend.

use clap::{Args, Subcommand, ValueEnum};

const SESSION: &str = "\
A session is named by its key, as logs, events and `yogi session list` show it, or as \
PRINCIPAL/SESSION-ID, such as
op:anna/questions.17";

/// `yogi doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Send no test message
    #[arg(long)]
    pub(crate) no_message: bool,
    /// Send one test message to every configured provider, not only to the preferred one
    #[arg(long)]
    pub(crate) every_provider: bool,
}

/// `yogi chat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Type a message and press Enter. /stop ends the answer that is being written, /quit (or Ctrl-D) \
leaves, /help tells more.
The session is kept: `yogi chat --session ID` goes on where you were.")]
pub(crate) struct Chat {
    /// Say this, print the answer and leave
    pub(crate) message: Option<String>,
    /// The session to go on with [a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// The document that questions are about
    #[arg(long, value_name = "ID")]
    pub(crate) document: Option<String>,
    /// Who shall answer: claude, openai, …
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
}

/// `yogi dlq …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// List dead letters of both queues, oldest first, with the reason
    List(List),
    /// Show one dead letter whole
    Show(One),
    /// Put dead letters back on their queue, in their order; what was answered already is not
    /// answered twice
    Redrive(Redrive),
    /// Remove dead letters for good: their messages are never answered
    Drop(Drop),
}

/// Which of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Queue {
    /// To the worker.
    Requests,
    /// To the notifier.
    Replies,
}

/// `yogi dlq list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only of this queue
    #[arg(long)]
    pub(crate) queue: Option<Queue>,
    /// At most so many of each queue
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
}

/// `yogi dlq show`.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id, as `yogi dlq list` shows it
    pub(crate) id: String,
    /// Its queue, where both have this id
    #[arg(long)]
    pub(crate) queue: Option<Queue>,
}

/// `yogi dlq redrive`.
#[derive(Debug, Args)]
#[command(
    after_help = "Mend the reason first: what fails again comes back here after its attempts."
)]
pub(crate) struct Redrive {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// `yogi dlq drop`.
#[derive(Debug, Args)]
pub(crate) struct Drop {
    #[command(flatten)]
    pub(crate) which: Which,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Their ids, as `yogi dlq list` shows them
    #[arg(conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// Only of this queue
    #[arg(long)]
    pub(crate) queue: Option<Queue>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `yogi session …`.
#[derive(Debug, Subcommand)]
#[command(after_help = SESSION)]
pub(crate) enum SessionCommand {
    /// List live sessions
    List {
        /// Only those of this principal, such as op:anna; an ending * stands for any rest
        #[arg(long)]
        principal: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one session and its turns
    #[command(after_help = SESSION)]
    Show {
        /// The session
        session: String,
    },
    /// Write a session's turns as JSON lines, for `yogi replay` or for its user
    #[command(after_help = SESSION)]
    Export(Export),
    /// Delete a session and all that is stored of it, as its user can
    #[command(after_help = SESSION)]
    Delete {
        /// The session
        session: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Say what would be deleted, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// `yogi session export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The session
    pub(crate) session: String,
    /// Where to write it [standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<std::path::PathBuf>,
}

/// `yogi turns`.
#[derive(Debug, Args)]
#[command(after_help = SESSION)]
pub(crate) struct Turns {
    /// The session
    pub(crate) session: String,
    /// Only turns after this one
    #[arg(long, default_value_t = 0)]
    pub(crate) after: u64,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
    /// Show messages and replies whole
    #[arg(long)]
    pub(crate) full: bool,
}

/// `yogi tail`.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Only failures
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only answers of this provider
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Only events of this session (its key, or how it begins)
    #[arg(long, value_name = "KEY")]
    pub(crate) session: Option<String>,
    /// Only events of this type, such as "Chat Feedback"
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Leave out what operators sent: batches, replays, doctors
    #[arg(long)]
    pub(crate) no_operators: bool,
    /// Begin behind this place in the order of publishing; 0 is the first event kept [default: now]
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<i64>,
    /// Print what is there and leave, instead of waiting for more
    #[arg(long)]
    pub(crate) no_follow: bool,
}

/// `yogi stats`.
#[derive(Debug, Args)]
#[command(
    after_help = "Spans of more than a day, and of more than three days ago, begin at a whole hour."
)]
pub(crate) struct Stats {
    /// From when: a span back from now (90m, 24h, 7d), or a time (2026-11-27, 2026-11-27T08:00:00Z)
    #[arg(long, default_value = "24h", value_name = "TIME")]
    pub(crate) from: String,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

/// `yogi cost`.
#[derive(Debug, Args)]
#[command(after_help = "\
AWS's part is the formula of docs/DEPLOY.md: counted calls times list prices in us-east-1. The \
model's part is this
server's model at its listed price, for the tokens that you name, or that its own chats took in \
the last week.")]
pub(crate) struct Cost {
    /// How many chats a day
    #[arg(long, value_name = "N")]
    pub(crate) chats_per_day: u64,
    /// Input tokens of a chat [as measured, else 1000]
    #[arg(long, value_name = "N")]
    pub(crate) input_tokens: Option<u64>,
    /// Output tokens of a chat [as measured, else 200]
    #[arg(long, value_name = "N")]
    pub(crate) output_tokens: Option<u64>,
    /// The model [the preferred provider's]
    #[arg(long)]
    pub(crate) model: Option<String>,
}
