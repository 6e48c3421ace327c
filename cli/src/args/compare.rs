//! `yogi replay` and `yogi eval`.

use std::path::PathBuf;

use clap::Args;

/// `yogi replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
--from selects the messages:
  24h, 90m, 7d, 2026-11-26..2026-11-27   messages of live sessions accepted in that period
  a session key, or PRINCIPAL/SESSION-ID
  a file: IDs (one SESSION-KEY MESSAGE-ID per line), an export (`yogi session export`), the answers
  of a batch, or events with texts (`yogi tail --json --after 0`, with CHATBOT_ANALYTICS_TEXT=true)

Each message is sent again in a session of its own, with its original history. --out gets
replay.jsonl and report.html, a page that shows the old and new answers side by side. Sessions
expire after a day unless configured otherwise (CHATBOT_SESSION_TTL_HOURS); messages whose texts
are no longer stored are listed, and the exit code is 3.")]
pub(crate) struct ReplayArgs {
    /// The messages to replay
    #[arg(long, value_name = "WHAT")]
    pub(crate) from: String,
    /// The directory for the report
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The provider to use [default: the one that answered before]
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// The provider's model [default: the configured one]
    #[arg(long, value_name = "NAME", requires = "provider")]
    pub(crate) model: Option<String>,
    /// A file with instructions that replace the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
    /// A prompt that judges each pair; {question}, {old} and {new} are filled in, and it must ask
    /// for old, new or same
    #[arg(long, value_name = "FILE")]
    pub(crate) judge: Option<PathBuf>,
    /// Maximum number of messages
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(crate) limit: usize,
    /// Maximum number of messages in flight
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: u16,
    /// Also replay messages that operators sent
    #[arg(long = "include-operators", alias = "with-operators")]
    pub(crate) include_operators: bool,
    /// List what would be sent, without sending anything
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `yogi eval`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE is a JSON object:
  answered   questions with a known answer:
             {\"question\": …, \"document\": ID, \"answer\": [[\"part\", …], …], \"facts\": […]}
             for each entry of answer, one line of the reply must contain all parts; each of facts
             must appear somewhere in the reply
  declined   questions {\"question\": …, \"document\": ID} whose answer is not in the document: the
             reply must say so
  declines   phrases that mark a reply as declined [default: a list in English]
  judge      a prompt that decides instead; {question}, {answer} and {reply} are filled in, and it
             must ask for yes or no

For example, the golden questions of the sample school:
  yogi eval providers/tests/golden/school.json --with claude --with openai:gpt-6-luna \\
    --out scores.jsonl")]
pub(crate) struct EvalArgs {
    /// The questions
    pub(crate) file: PathBuf,
    /// What to compare: PROVIDER or PROVIDER:MODEL; can be repeated
    /// [default: the preferred provider]
    #[arg(long = "with", value_name = "PROVIDER[:MODEL]")]
    pub(crate) with: Vec<String>,
    /// Write each question with its replies and scores to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// A file with instructions that replace the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
    /// Fail (exit code 1) if a model scores less than this percentage
    #[arg(long = "min-score", alias = "at-least", value_name = "PERCENT")]
    pub(crate) min_score: Option<f64>,
    /// Maximum number of messages in flight
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: u16,
}
