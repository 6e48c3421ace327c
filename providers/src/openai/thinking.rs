//! Thinking inside the text of a reply.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Removes `<think>…</think>` from the beginning of a reply.
///
/// Compatible servers without a field for it put a model's thinking there. Only the beginning is
/// looked at: later on the words may be what the reply is about.
#[derive(Debug, Default)]
pub(super) struct ThinkingFilter {
    place: Place,
    /// What may be the beginning of a mark.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Inside,
    /// White space between the thinking and the reply is removed.
    Behind,
    Reply,
}

impl ThinkingFilter {
    /// Takes a piece and returns what of the reply is certain by now.
    pub(super) fn pass(&mut self, piece: String) -> String {
        if self.place == Place::Reply {
            return piece;
        }
        self.held.push_str(&piece);
        loop {
            match self.place {
                Place::Before => {
                    let start = self.held.trim_start();
                    if let Some(thinking) = start.strip_prefix(OPEN) {
                        self.held = thinking.to_owned();
                        self.place = Place::Inside;
                    } else if OPEN.starts_with(start) {
                        return String::new();
                    } else {
                        self.place = Place::Reply;
                    }
                }
                Place::Inside => {
                    if let Some((_, behind)) = self.held.split_once(CLOSE) {
                        self.held = behind.to_owned();
                        self.place = Place::Behind;
                    } else {
                        let kept = self.held.len().saturating_sub(CLOSE.len() - 1);
                        self.held.drain(..self.held.floor_char_boundary(kept));
                        return String::new();
                    }
                }
                Place::Behind => {
                    let reply = self.held.trim_start();
                    if reply.is_empty() {
                        self.held.clear();
                        return String::new();
                    }
                    self.held = reply.to_owned();
                    self.place = Place::Reply;
                }
                Place::Reply => return std::mem::take(&mut self.held),
            }
        }
    }

    /// Returns what was held back, at the end of the reply.
    pub(super) fn end(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.place == Place::Before { held } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Filters a text in pieces of this many characters.
    fn filtered(text: &str, many: usize) -> String {
        let mut filter = ThinkingFilter::default();
        let letters: Vec<char> = text.chars().collect();
        let pieces = letters.chunks(many).map(|piece| filter.pass(piece.iter().collect()));
        let mut reply: String = pieces.collect();
        reply.push_str(&filter.end());
        reply
    }

    #[test]
    fn thinking_at_the_beginning_is_removed_in_pieces_of_any_size() {
        let cases = [
            ("<think>Hm.</think>\n\nFour.", "Four."),
            (" \n<think>a </thin b</think> Four <think>", "Four <think>"),
            ("<think></think>Four.", "Four."),
            ("<think>Never ends", ""),
            ("<thin air>", "<thin air>"),
            ("<thi", "<thi"),
            ("Say <think>no</think>.", "Say <think>no</think>."),
            ("", ""),
        ];
        for (text, reply) in cases {
            for many in 1..=text.chars().count().max(1) {
                assert_eq!(filtered(text, many), reply, "{text:?} in pieces of {many}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_reply_without_the_mark_is_passed_on_whole(
            text in "[<>/think é\n]{0,30}",
            many in 1_usize..5,
        ) {
            prop_assume!(!text.trim_start().starts_with(OPEN));
            prop_assert_eq!(filtered(&text, many), text);
        }
    }
}
