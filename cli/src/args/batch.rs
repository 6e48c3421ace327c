//! `yogi batch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const FORMAT: &str = "\
Each line of FILE is a JSON object:
  message      required: the question
  session_id   the session; lines of one session are sent in order, each after the answer to the
               one before it [default: a new session per line]
  message_id   the message's ID within its session [default: made from the batch and the line]
  document_id  the document that the question is about
  provider     the provider to use: claude, openai, …
  metadata     any JSON value; it is returned with the answer
Any other column is an error. Lines with errors are written to --rejects with their line numbers;
the other lines are sent.

Each line of OUT is an answer: line, session_id, message_id, kind (reply, error, cancelled), text,
usage, cost_micro_usd, timings, metadata and more. Answers appear in the order in which they finish.

After an interruption, the same command continues: nothing is lost, and nothing is answered twice.
OUT.journal records what was sent; keep it until the batch is done. Sessions expire after a day
unless configured otherwise, so continue within that time.

Live users have priority: a batch has at most --concurrency messages in flight, one while people
are chatting, and fewer while live requests wait.

With --provider-batch the lines go to the provider's own batch API instead (Claude's Message
Batches, OpenAI's Batch API), at half the price and within 24 hours, with the key in
ANTHROPIC_API_KEY or OPENAI_API_KEY. The requests are those that the server would send for a first
message, document included; on AWS, lines with documents are rejected. Lines that share a session
are rejected, because each would need the answers before it. Answers have the same fields and
\"provider_batch\": true. They are not turns of the chatbot: no session, event or statistic includes
them. This was written from the providers' documentation and has
never been run against the real services: start with a few lines.";

/// `yogi batch …`.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Send each line of a file, and write the answers to another file
    Run(BatchRunArgs),
    /// Show the progress of a batch
    Status(BatchFileArgs),
    /// Cancel a batch: running messages are stopped, existing answers are kept
    Cancel(BatchFileArgs),
}

/// `yogi batch run`.
#[derive(Debug, Args)]
#[command(after_help = FORMAT)]
pub(crate) struct BatchRunArgs {
    /// The messages, one JSON object per line
    pub(crate) file: PathBuf,
    /// The file to write the answers to; it also identifies the batch
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The file to write rejected lines to [default: OUT.rejects]
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Maximum rate, in messages per second (5/s), minute (100/m) or hour (1000/h)
    #[arg(long, value_parser = rate, value_name = "N/s")]
    pub(crate) rate: Option<f64>,
    /// Maximum number of messages in flight [default: 50; 5 on AWS, where waiting users are unknown]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: Option<u16>,
    /// Stop sending once the answers have cost this much, in US dollars; with --provider-batch,
    /// send nothing that could exceed it
    #[arg(long, value_parser = dollars, value_name = "USD")]
    pub(crate) budget: Option<f64>,
    /// Use the provider's batch API: half the price, within 24 hours, no turns of the chatbot
    #[arg(long, conflicts_with_all = ["rate", "concurrency"])]
    pub(crate) provider_batch: bool,
    /// The provider of --provider-batch: claude or openai
    /// [default: the first in the provider order that has a key]
    #[arg(long, requires = "provider_batch", value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Maximum number of lines in one provider batch [default: the provider's limit]
    #[arg(
        long = "batch-size",
        alias = "part",
        requires = "provider_batch",
        value_name = "LINES",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) batch_size: Option<u32>,
    /// If a run was killed while it created a provider batch, send those lines again, even at the
    /// risk of paying twice
    #[arg(long = "resend-uncertain", alias = "again", requires = "provider_batch")]
    pub(crate) resend_uncertain: bool,
    /// How long to keep retrying when the server or the provider is unavailable, in seconds
    #[arg(
        long = "retry-timeout",
        alias = "patience",
        default_value_t = 300,
        value_name = "SECONDS"
    )]
    pub(crate) retry_timeout: u64,
}

/// `yogi batch status`, `yogi batch cancel`.
#[derive(Debug, Args)]
pub(crate) struct BatchFileArgs {
    /// The batch's file of answers (--out)
    pub(crate) out: PathBuf,
}

/// Parses an amount of money.
fn dollars(text: &str) -> Result<f64, String> {
    let amount: f64 =
        text.trim_start_matches('$').parse().map_err(|_| "write it as 5 or 0.50".to_owned())?;
    if amount.is_finite() && amount > 0.0 {
        Ok(amount)
    } else {
        Err("must be greater than zero".to_owned())
    }
}

/// Parses a rate into messages per second.
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
        Err("must be greater than zero".to_owned())
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
