//! `yogi replay` and `yogi eval`.

use std::path::PathBuf;

use clap::Args;

/// `yogi replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
--from says which messages:
  24h, 90m, 7d, 2026-11-26..2026-11-27   those of live sessions that were accepted in that time
  a session's key, or PRINCIPAL/SESSION-ID
  a file: ids (a line each: SESSION-KEY MESSAGE-ID), an export (`yogi session export`), the \
  answers of a batch, or
  events that carry texts (`yogi tail --json --after 0`, with CHATBOT_ANALYTICS_TEXT=true)

Each message is sent again in a session of its own, with the history that it had. --out gets \
replay.jsonl and report.html,
one page that shows old and new side by side. Sessions live for a day unless configured longer \
(CHATBOT_SESSION_TTL_HOURS):
messages whose texts are gone are listed, and the exit code is 3.")]
pub(crate) struct Replay {
    /// Which messages
    #[arg(long, value_name = "WHAT")]
    pub(crate) from: String,
    /// The folder for the report
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Who shall answer [who answered before]
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// The provider's model [the configured one]
    #[arg(long, value_name = "NAME", requires = "provider")]
    pub(crate) model: Option<String>,
    /// Instructions in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
    /// A prompt that judges each pair: {question}, {old} and {new} are filled in; it must ask for
    /// old, new or same
    #[arg(long, value_name = "FILE")]
    pub(crate) judge: Option<PathBuf>,
    /// At most so many messages
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub(crate) limit: usize,
    /// At most so many messages on their way
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: u16,
    /// Replay what operators sent, too
    #[arg(long)]
    pub(crate) with_operators: bool,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `yogi eval`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE is a JSON object:
  answered   questions whose answer is known: {\"question\": …, \"document\": ID, \"answer\": \
  [[\"part\", …], …], \"facts\": […]}
             for each entry of answer, one line of the reply must hold all parts; each of facts \
             must be in it somewhere
  declined   questions {\"question\": …, \"document\": ID} whose answer is not in the document: \
  the reply must say so
  declines   words of which one makes a reply such a one [a list in English]
  judge      a prompt that decides in their place; {question}, {answer} and {reply} are filled \
  in; it asks for yes or no

The golden questions of the sample school are such files:
  yogi eval providers/tests/golden/school.json --with claude --with openai:gpt-6-luna --out \
  scores.jsonl")]
pub(crate) struct Eval {
    /// The questions
    pub(crate) file: PathBuf,
    /// What to compare, each PROVIDER or PROVIDER:MODEL; may be given more than once [the preferred
    /// provider]
    #[arg(long = "with", value_name = "PROVIDER[:MODEL]")]
    pub(crate) with: Vec<String>,
    /// Write each question with its replies and scores as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Instructions in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt: Option<PathBuf>,
    /// Fail (exit code 1) where a model has fewer than so many percent right
    #[arg(long, value_name = "PERCENT")]
    pub(crate) at_least: Option<f64>,
    /// At most so many messages on their way
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: u16,
}
