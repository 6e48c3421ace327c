//! The conversation as it is drawn.

use std::io::{self, Write as _};

use shared::domain::MicroUsd;

use super::view::Final;
use crate::output::{Output, Tone, clean, count, money, note};

/// Where the conversation is drawn.
pub(super) struct Screen {
    output: Output,
    /// Whether somebody types here.
    prompts: bool,
    /// Whether the cursor stands behind a text.
    inside: bool,
}

impl Screen {
    /// Draws on standard output.
    pub(super) fn new(output: Output, prompts: bool) -> Self {
        Self { output, prompts, inside: false }
    }

    /// Asks for a message.
    pub(super) fn prompt(&self) {
        if self.prompts && !self.output.json {
            drop(write!(io::stderr(), "{}", self.output.paint(Tone::Bold, "> ")));
            drop(io::stderr().flush());
        }
    }

    /// Adds text.
    pub(super) fn text(&mut self, text: &str) {
        if self.output.json {
            return;
        }
        let clean: Vec<_> = text.split('\n').map(clean).collect();
        crate::output::raw(clean.join("\n").as_bytes());
        self.inside = !text.ends_with('\n');
    }

    /// Says that the text so far is not the answer.
    pub(super) fn again(&mut self) {
        self.phase("that was broken off; the answer begins again");
    }

    /// Says what is going on.
    pub(super) fn phase(&mut self, phase: &str) {
        self.line_end();
        if !self.output.json {
            note(&self.output.paint(Tone::Dim, &format!("[{}]", clean(phase))));
        }
    }

    /// Ends an answer.
    pub(super) fn end(&mut self, last: &Final) {
        self.line_end();
        if self.output.json {
            return;
        }
        if let Some(error) = &last.error {
            note(&self.output.paint(Tone::Bad, &format!("[failed: {}]", clean(error))));
            return;
        }
        let cost =
            last.cost_micro_usd.map_or_else(|| "no price".to_owned(), |cost| money(MicroUsd(cost)));
        let end = match last.finish_reason.as_str() {
            "stop" => String::new(),
            other => format!(", {}", clean(other)),
        };
        let tokens = format!("{} in, {} out", count(last.input_tokens), count(last.output_tokens));
        note(
            &self
                .output
                .paint(Tone::Dim, &format!("[{}, {tokens}, {cost}{end}]", clean(&last.model))),
        );
    }

    /// Says what all of it cost.
    pub(super) fn cost(&self, micro: i64) {
        note(&self.output.paint(Tone::Dim, &format!("[{} so far]", money(MicroUsd(micro)))));
    }

    fn line_end(&mut self) {
        if std::mem::take(&mut self.inside) {
            crate::output::raw(b"\n");
        }
    }
}
