//! Logs.

pub mod gen_ai;

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Standard error, on which a line that cannot be written is lost.
///
/// The log may be a full disk, a closed pipe or a terminal that is gone. `tracing_subscriber` would
/// report the failure on standard error as well, which panics, and so end the handler or the thread
/// that only wanted to log.
#[derive(Debug, Clone, Copy)]
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // A line that is written in part is not tried again: the reader has seen its beginning.
        drop(io::stderr().write_all(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(io::stderr().flush());
        Ok(())
    }
}

/// Checks a log filter; the error says what is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| error.to_string())
}

/// Starts logging to standard error. `filter` has the syntax of `tracing_subscriber`'s `EnvFilter`.
///
/// A second call has no effect. Lines never hold message texts, prompts, replies, tokens or keys.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Stderr);
    let colours = std::io::stderr().is_terminal();
    let started = match format {
        LogFormat::Text => builder.with_target(false).with_ansi(colours).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    };
    drop(started);
}
