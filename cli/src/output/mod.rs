//! Output for people and scripts: results on standard output, notes and progress on standard error.

mod progress;
mod table;
mod text;
pub(crate) mod turns;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

pub(crate) use self::progress::Progress;
pub(crate) use self::table::Table;
pub(crate) use self::text::{ago, bytes, clean, count, cut, hex, millis, money, share, short};

/// Prints the results of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Whether to print JSON for scripts, one object per line.
    pub(crate) json: bool,
    /// Whether to use colours.
    pub(crate) colour: bool,
}

/// The meaning of a text, shown as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Everything is fine.
    Good,
    /// Needs attention at some point.
    Warning,
    /// Needs attention now.
    Bad,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
}

impl Output {
    /// Creates the output; colours are only used on a terminal.
    pub(crate) fn new(json: bool, no_colour: bool) -> Self {
        Self { json, colour: !json && !no_colour && io::stdout().is_terminal() }
    }

    /// Writes a line for people.
    pub(crate) fn line(self, text: &str) {
        if !self.json {
            write_line(text);
        }
    }

    /// Writes an object for scripts.
    pub(crate) fn object(self, value: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string(value)
        {
            write_line(&text);
        }
    }

    /// Writes a table for people.
    pub(crate) fn table(self, table: &Table) {
        if !self.json {
            for line in table.lines(self) {
                write_line(&line);
            }
        }
    }

    /// Colours a text, where there are colours.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Dim => "2",
            Tone::Bold => "1",
        };
        format!("\u{1B}[{code}m{text}\u{1B}[0m")
    }
}

/// Prints a note to standard error, so that pipes only carry results.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Writes text to standard output as it is.
pub(crate) fn raw(text: &[u8]) {
    finish_if_nobody_reads(io::stdout().write_all(text).and_then(|()| io::stdout().flush()));
}

/// Asks for confirmation; without a terminal the answer is no.
pub(crate) fn confirmed(question: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    drop(write!(io::stderr(), "{question} [y/N] "));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

fn write_line(text: &str) {
    finish_if_nobody_reads(writeln!(io::stdout(), "{text}"));
}

/// Exits successfully when the reader of a pipe is gone: `yogi … | head` is not a failure.
fn finish_if_nobody_reads(written: io::Result<()>) {
    if written.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        std::process::exit(0);
    }
}
