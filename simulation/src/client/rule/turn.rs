//! What a client holds of one turn above its cursor.

use std::cmp::Ordering;
use std::mem;
use std::time::Duration;

use shared::domain::{ErrorCode, FinishReason, TurnKind, utf16_len};
use shared::protocol::commit::sha256;

use super::frame::{EndFrame, TurnEvent, TurnFrame};
use super::variant::Variant;
use crate::client::account::StoredTurn;

/// A final, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownTurn {
    /// The turn.
    pub number: u64,
    /// The generation that became the final; 0 where no frame, but only the history told of it.
    pub generation: u64,
    /// The user's message.
    pub message_id: String,
    /// What the final is.
    pub kind: TurnKind,
    /// Its text; empty for an error.
    pub text: String,
    /// Why it failed.
    pub error: Option<ErrorCode>,
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
    /// The text's checksum as the frame gave it; `None` where no frame did.
    pub sha256: Option<String>,
}

/// The text of the highest generation, and the final once it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) generation: u64,
    pub(super) text: String,
    /// The text's length in UTF-16 code units.
    length: u64,
    end: End,
}

/// How far a turn's end is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum End {
    #[default]
    Unknown,
    /// The final exists, but was too large for its frame.
    Withheld {
        generation: u64,
        sha256: Option<String>,
        fetch_at: Duration,
    },
    Final(ShownTurn),
}

/// What a frame did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// The provisional text is another one now.
    pub(super) text_changed: bool,
    /// Text before the frame's is missing.
    pub(super) gap: bool,
}

/// The history's text is not the one that the frame announced.
pub(super) struct Damaged;

impl Held {
    pub(super) fn is_final(&self) -> bool {
        matches!(self.end, End::Final(_))
    }

    /// Returns the final, if it is known.
    pub(super) fn into_final(self) -> Option<ShownTurn> {
        match self.end {
            End::Final(shown) => Some(shown),
            _ => None,
        }
    }

    /// Returns when to fetch the final, if it was too large for its frame.
    pub(super) fn fetch_at(&self) -> Option<Duration> {
        match self.end {
            End::Withheld { fetch_at, .. } => Some(fetch_at),
            _ => None,
        }
    }

    /// Tells whether the final is to be fetched now; the next time is `pause` later.
    pub(super) fn fetch_if_due(&mut self, now: Duration, pause: Duration) -> bool {
        match &mut self.end {
            End::Withheld { fetch_at, .. } if *fetch_at <= now => {
                *fetch_at = now + pause;
                true
            }
            _ => false,
        }
    }

    /// Takes in a frame; those of a final turn change nothing.
    pub(super) fn apply(&mut self, frame: TurnFrame<'_>, variant: Variant) -> Effect {
        if self.is_final() {
            return Effect::default();
        }
        if let TurnEvent::End(EndFrame { text: Some(_), .. }) = &frame.event {
            // Whatever the generation: what is final replaces everything.
            return self.finish(frame);
        }
        let text_changed = match variant.compare_generations(frame.generation, self.generation) {
            Ordering::Less => return Effect::default(),
            Ordering::Equal => false,
            Ordering::Greater => self.restart(frame.generation),
        };
        let effect = match frame.event {
            TurnEvent::Content { offset, delta } => self.append(offset, &delta),
            TurnEvent::End(_) => self.finish(frame),
            TurnEvent::Progress => Effect::default(),
        };
        Effect { text_changed: text_changed || effect.text_changed, ..effect }
    }

    /// Takes over what the history says of the turn.
    pub(super) fn learn(&mut self, stored: StoredTurn) -> Result<(), Damaged> {
        let Some(kind) = stored.kind else { return Ok(()) };
        let (generation, announced) = match &self.end {
            End::Final(_) => return Ok(()),
            End::Withheld { generation, sha256, .. } => (*generation, sha256.clone()),
            End::Unknown => (0, None),
        };
        let text = stored.text.unwrap_or_default();
        if announced.as_ref().is_some_and(|announced| *announced != sha256(&text)) {
            return Err(Damaged);
        }
        self.end = End::Final(ShownTurn {
            number: stored.turn,
            generation,
            message_id: stored.message_id,
            kind,
            text,
            error: stored.error.map(|error| error.code),
            finish_reason: stored.finish_reason,
            sha256: announced,
        });
        Ok(())
    }

    fn restart(&mut self, generation: u64) -> bool {
        self.generation = generation;
        self.length = 0;
        let changed = !self.text.is_empty();
        self.text.clear();
        changed
    }

    fn append(&mut self, offset: u64, delta: &str) -> Effect {
        let known = self.length.checked_sub(offset).and_then(|units| after_units(delta, units));
        let Some(news) = known else { return Effect { gap: true, ..Effect::default() } };
        self.text.push_str(news);
        self.length += utf16_len(news);
        Effect { text_changed: !news.is_empty(), gap: false }
    }

    fn finish(&mut self, frame: TurnFrame<'_>) -> Effect {
        let TurnEvent::End(end) = frame.event else { return Effect::default() };
        let generation = frame.generation;
        let sha256 = end.sha256;
        let kind = match (end.error, end.finish_reason) {
            (Some(_), _) => TurnKind::Error,
            (None, Some(FinishReason::Cancelled)) => TurnKind::Cancelled,
            (None, _) => TurnKind::Reply,
        };
        self.end = match (end.text, mem::take(&mut self.end)) {
            (Some(text), _) => End::Final(ShownTurn {
                number: frame.turn,
                generation,
                message_id: end.message_id,
                kind,
                text,
                error: end.error,
                finish_reason: end.finish_reason,
                sha256,
            }),
            (None, End::Withheld { fetch_at, .. }) => {
                End::Withheld { generation, sha256, fetch_at }
            }
            (None, _) => End::Withheld { generation, sha256, fetch_at: Duration::ZERO },
        };
        Effect::default()
    }
}

/// Returns what follows the first `units` UTF-16 code units, nothing if there are fewer, `None`
/// inside a character.
fn after_units(text: &str, units: u64) -> Option<&str> {
    let mut passed = 0;
    for (at, character) in text.char_indices() {
        if passed >= units {
            return (passed == units).then(|| &text[at..]);
        }
        passed += if character.len_utf16() == 2 { 2 } else { 1 };
    }
    (passed <= units).then_some("")
}
