//! `yogi batch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const FORMAT: &str = "\
Each line of FILE is a JSON object:
  message      required: what to ask
  session_id   the session; lines of one session are sent in order, each when the one before it \
  is answered
               [a session for each line]
  message_id   the message's id in its session [made from the batch and the line's number]
  document_id  the document that the question is about
  provider     who shall answer: claude, openai, …
  metadata     anything: it comes back with the answer
Any other column is an error of its line. What is wrong with a line is written to --rejects with \
its number, and the
rest goes on.

Each line of OUT is an answer: line, session_id, message_id, kind (reply, error, cancelled), \
text, usage,
cost_micro_usd, timings, metadata and more. Answers come in the order in which they finish.

The same command again goes on after any interruption: nothing is lost, and nothing is answered \
twice. What was sent is
kept in OUT.jsonl.journal; keep it until the batch is done. Sessions live for a day unless \
configured longer: go on
before that.

Live users come first: a batch has at most --concurrency messages on their way, one while people \
chat, and fewer while
anybody waits.

With --provider-batch the lines go to the provider's own batches instead, at half the price and \
within 24 hours (Claude's
Message Batches, OpenAI's Batch API), with the key in ANTHROPIC_API_KEY or OPENAI_API_KEY. What \
is asked is what the
server would ask for a first message, document included; on AWS lines with documents are \
rejected. Lines that share a
session are rejected: each would need the answers before it. Answers have the same fields and \
\"provider_batch\": true.
They are no turns of the chatbot: they are in no session, no event and no figure. It was written \
from the providers'
documentation, and has never been run against the real services: begin with a few lines.";

/// `yogi batch …`.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Send each line of a file, and write each answer to another
    Run(BatchRun),
    /// How far a batch is
    Status(BatchWhich),
    /// Stop a batch: what is being answered is stopped, what was answered is kept
    Cancel(BatchWhich),
}

/// `yogi batch run`.
#[derive(Debug, Args)]
#[command(after_help = FORMAT)]
pub(crate) struct BatchRun {
    /// The messages, one JSON object a line
    pub(crate) file: PathBuf,
    /// Where the answers go; with its journal beside it, a batch is known by this file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Where the lines go that are wrong [OUT.rejects]
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// At most so many messages in a second (5/s), minute (100/m) or hour (1000/h)
    #[arg(long, value_parser = rate, value_name = "N/s")]
    pub(crate) rate: Option<f64>,
    /// At most so many messages on their way [50; 5 on AWS, where nobody tells who waits]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: Option<u16>,
    /// Send nothing more once the answers cost so much, in dollars; with --provider-batch nothing
    /// that might cost more
    #[arg(long, value_parser = dollars, value_name = "USD")]
    pub(crate) budget: Option<f64>,
    /// Send the lines to the provider's own batches: half the price, within 24 hours, no turns of
    /// the chatbot
    #[arg(long, conflicts_with_all = ["rate", "concurrency"])]
    pub(crate) provider_batch: bool,
    /// Whose batches: claude or openai [the first in the order of providers that has a key]
    #[arg(long, requires = "provider_batch", value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// At most so many lines in one of the provider's batches [as many as it takes]
    #[arg(long, requires = "provider_batch", value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) part: Option<u32>,
    /// Where a run was killed while it created a batch: send its lines again, even if they are paid
    /// twice
    #[arg(long, requires = "provider_batch")]
    pub(crate) again: bool,
    /// How long to wait for a server or a provider that is away, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub(crate) patience: u64,
}

/// `yogi batch status`, `yogi batch cancel`.
#[derive(Debug, Args)]
pub(crate) struct BatchWhich {
    /// The file of answers (--out) of the batch
    pub(crate) out: PathBuf,
}

/// Reads an amount of money.
fn dollars(text: &str) -> Result<f64, String> {
    let amount: f64 =
        text.trim_start_matches('$').parse().map_err(|_| "write it as 5 or 0.50".to_owned())?;
    if amount.is_finite() && amount > 0.0 {
        Ok(amount)
    } else {
        Err("must be more than nothing".to_owned())
    }
}

/// Reads messages per second.
fn rate(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match unit {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err("write it as 5/s, 100/m or 1000/h".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "write it as 5/s, 100/m or 1000/h".to_owned())?;
    let rate = number / seconds;
    if rate.is_finite() && rate > 0.0 {
        Ok(rate)
    } else {
        Err("must be more than nothing".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn a_rate_is_so_many_in_a_second_a_minute_or_an_hour() {
        assert_eq!(rate("5/s"), Ok(5.0));
        assert_eq!(rate("60/m"), Ok(1.0));
        assert_eq!(rate("7200/h"), Ok(2.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["", "x/s", "5/day", "0/s", "-1/s", "inf/s", "NaN"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
