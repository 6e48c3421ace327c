//! Prints the conversation.

use std::io::{self, Write as _};

use client::rule::FinalTurn;
use shared::domain::{FinishReason, MicroUsd};

use super::sources::source_lines;
use crate::output::{Output, Tone, clean, count, money, note};

/// Prints a conversation to standard output, and remarks to standard error.
pub(super) struct Screen {
    output: Output,
    /// Whether the user is prompted for messages.
    prompts: bool,
    /// Whether the cursor is behind a text instead of at the start of a line.
    inside: bool,
}

impl Screen {
    /// Creates the screen.
    pub(super) fn new(output: Output, prompts: bool) -> Self {
        Self { output, prompts, inside: false }
    }

    /// Prompts for a message.
    pub(super) fn prompt(&self) {
        if self.prompts && !self.output.json {
            drop(write!(io::stderr(), "{}", self.output.paint(Tone::Bold, "> ")));
            drop(io::stderr().flush());
        }
    }

    /// Prints more of the answer.
    pub(super) fn text(&mut self, text: &str) {
        if self.output.json {
            return;
        }
        let clean: Vec<_> = text.split('\n').map(clean).collect();
        crate::output::raw(clean.join("\n").as_bytes());
        self.inside = !text.ends_with('\n');
    }

    /// Says that the text printed so far is not the answer.
    pub(super) fn restart(&mut self) {
        self.phase("the answer was interrupted and restarts");
    }

    /// Prints a remark.
    pub(super) fn phase(&mut self, phase: &str) {
        self.line_end();
        if !self.output.json {
            note(&self.output.paint(Tone::Dim, &format!("[{}]", clean(phase))));
        }
    }

    /// Ends an answer.
    pub(super) fn end(&mut self, turn: &FinalTurn) {
        self.line_end();
        if self.output.json {
            return;
        }
        let details = &turn.details;
        if turn.error.is_some() {
            let error = details.error_message.as_deref().unwrap_or("no reason given");
            note(&self.output.paint(Tone::Bad, &format!("[failed: {}]", clean(error))));
            return;
        }
        for line in source_lines(details) {
            self.output.line(&line);
        }
        let cost = details
            .cost_micro_usd
            .map_or_else(|| "no price".to_owned(), |cost| money(MicroUsd(cost)));
        let end = match turn.finish_reason {
            Some(FinishReason::Stop) | None => String::new(),
            Some(other) => format!(", {}", clean(other.as_str())),
        };
        let model = details.model.as_deref().or(details.provider.as_deref()).unwrap_or_default();
        let tokens =
            format!("{} in, {} out", count(details.input_tokens), count(details.output_tokens));
        let line = format!("[{}, {tokens}, {cost}{end}]", clean(model));
        note(&self.output.paint(Tone::Dim, &line));
    }

    /// Prints what the conversation has cost so far.
    pub(super) fn cost(&self, micro: i64) {
        note(&self.output.paint(Tone::Dim, &format!("[{} so far]", money(MicroUsd(micro)))));
    }

    fn line_end(&mut self) {
        if std::mem::take(&mut self.inside) {
            crate::output::raw(b"\n");
        }
    }
}
