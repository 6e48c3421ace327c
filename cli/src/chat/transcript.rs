//! Turns changing provisional texts into what a terminal can print: text is only ever appended.

use client::rule::FinalTurn;

/// Something to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Show {
    /// More of the text.
    Text(String),
    /// The text printed so far is not the answer: a new one follows.
    Restart,
    /// What the service is doing.
    Phase(String),
    /// The turn is final.
    Final(FinalTurn),
}

/// What was printed of the turn that comes next.
#[derive(Debug)]
pub(super) struct Transcript {
    next_turn: u64,
    printed: String,
}

impl Transcript {
    /// Starts after the turns that are already known.
    pub(super) fn new(cursor: u64) -> Self {
        Self { next_turn: cursor.saturating_add(1), printed: String::new() }
    }

    /// Returns what to print now that a turn's provisional text is `text`.
    ///
    /// Text of later turns is left out: it appears with its final, once it is that turn's place in
    /// the order.
    pub(super) fn text(&mut self, turn: u64, text: &str) -> Vec<Show> {
        let mut shown = Vec::new();
        if turn != self.next_turn {
            return shown;
        }
        if !text.starts_with(&self.printed) {
            shown.push(Show::Restart);
            self.printed.clear();
        }
        let new_text = &text[self.printed.len()..];
        if !new_text.is_empty() {
            shown.push(Show::Text(new_text.to_owned()));
            self.printed.push_str(new_text);
        }
        shown
    }

    /// Returns what to print of a phase.
    pub(super) fn phase(&self, turn: u64, phase: &str) -> Vec<Show> {
        let is_next = turn == self.next_turn;
        is_next.then(|| Show::Phase(phase.to_owned())).into_iter().collect()
    }

    /// Returns what to print of a final: the rest of its text, and its end.
    pub(super) fn final_turn(&mut self, turn: FinalTurn) -> Vec<Show> {
        let mut shown = self.text(turn.number, &turn.text);
        self.skip_to(turn.number);
        shown.push(Show::Final(turn));
        shown
    }

    /// Continues after this turn.
    pub(super) fn skip_to(&mut self, cursor: u64) {
        *self = Self::new(cursor);
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{FinishReason, TurnKind};

    use super::*;

    fn final_turn(text: &str) -> FinalTurn {
        FinalTurn {
            number: 1,
            generation: 2,
            message_id: "m".to_owned(),
            kind: TurnKind::Reply,
            text: text.to_owned(),
            error: None,
            finish_reason: Some(FinishReason::Stop),
            sha256: None,
            details: Box::default(),
        }
    }

    fn text(text: &str) -> Show {
        Show::Text(text.to_owned())
    }

    #[test]
    fn text_is_appended_and_a_new_generation_restarts_it() {
        let mut transcript = Transcript::new(0);
        assert_eq!(transcript.text(1, "ab"), [text("ab")]);
        assert_eq!(transcript.text(1, "ab"), []);
        assert_eq!(transcript.text(1, "abc"), [text("c")]);
        assert_eq!(transcript.text(1, ""), [Show::Restart]);
        assert_eq!(transcript.text(1, "x"), [text("x")]);
    }

    #[test]
    fn a_final_prints_the_rest_of_its_text_and_the_next_turn_begins() {
        let mut transcript = Transcript::new(0);
        transcript.text(1, "ab");
        let last = final_turn("abc");
        assert_eq!(transcript.final_turn(last.clone()), [text("c"), Show::Final(last)]);
        assert_eq!(transcript.text(2, "d"), [text("d")]);
    }

    #[test]
    fn a_final_that_is_not_what_was_printed_is_printed_whole() {
        let mut transcript = Transcript::new(0);
        transcript.text(1, "half of");
        let last = final_turn("something else");
        let expected = [Show::Restart, text("something else"), Show::Final(last.clone())];
        assert_eq!(transcript.final_turn(last), expected);
    }

    #[test]
    fn only_the_turn_in_line_is_printed_while_it_runs() {
        let mut transcript = Transcript::new(3);
        assert_eq!(transcript.text(5, "later"), []);
        assert_eq!(transcript.text(4, "now"), [text("now")]);
        transcript.skip_to(0);
        assert_eq!(transcript.text(1, "again"), [text("again")]);
    }
}
