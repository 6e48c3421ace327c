//! The state of one turn above the client's cursor.

use std::cmp::Ordering;
use std::time::Duration;

use shared::domain::{
    Citation, ErrorCode, FinishReason, NumberedPassage, TurnKind, citations_sha256, sha256_hex,
    utf16_len,
};

use super::frame::{EndFrame, FinalDetails, TurnEvent, TurnFrame};
use super::variant::Variant;
use crate::account::StoredTurn;

/// A final as it is shown to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalTurn {
    /// The turn.
    pub number: u64,
    /// The generation that became the final; 0 if it is known from the history alone.
    pub generation: u64,
    /// The user's message.
    pub message_id: String,
    /// Whether it is a reply, was cancelled, or failed.
    pub kind: TurnKind,
    /// Its text; empty for an error.
    pub text: String,
    /// The error code of a failed turn.
    pub error: Option<ErrorCode>,
    /// Why the reply ended.
    pub finish_reason: Option<FinishReason>,
    /// The checksum that the frame gave; `None` if the turn is known from the history alone.
    pub sha256: Option<String>,
    /// What else is known of the turn.
    pub details: Box<FinalDetails>,
}

/// The provisional text of the highest generation, and the final once it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PendingTurn {
    pub(super) generation: u64,
    pub(super) text: String,
    /// The text's length in UTF-16 code units.
    length: u64,
    /// What the numbers in its marks mean.
    passages: Vec<NumberedPassage>,
    end: FinalState,
}

/// What a frame says of a final's content, so that damage shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Checksums {
    text: Option<String>,
    citations: Option<String>,
}

/// What is known of a turn's final.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum FinalState {
    #[default]
    Unknown,
    /// The final exists, but its frame did not bring the text: it was too large, or did not match
    /// its checksums. It has to be fetched.
    Withheld {
        generation: u64,
        checksums: Checksums,
        fetch_at: Duration,
    },
    Final(FinalTurn),
}

/// The effect of a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// The provisional text changed.
    pub(super) text_changed: bool,
    /// Text before the frame's is missing.
    pub(super) gap: bool,
    /// The final's text or citations do not match their checksums.
    pub(super) checksum_mismatch: bool,
    /// The phase that a status frame reported.
    pub(super) phase: Option<String>,
}

/// The history's text or citations do not match the checksums that the frame gave.
pub(super) struct ChecksumMismatch;

impl PendingTurn {
    pub(super) fn is_final(&self) -> bool {
        matches!(self.end, FinalState::Final(_))
    }

    /// Returns the final, if it is known.
    pub(super) fn into_final(self) -> Option<FinalTurn> {
        match self.end {
            FinalState::Final(shown) => Some(shown),
            _ => None,
        }
    }

    /// Returns when to fetch the final, if it has to be fetched.
    pub(super) fn fetch_at(&self) -> Option<Duration> {
        match self.end {
            FinalState::Withheld { fetch_at, .. } => Some(fetch_at),
            _ => None,
        }
    }

    /// Returns whether the final has to be fetched now, and schedules the next attempt `pause` later.
    pub(super) fn fetch_if_due(&mut self, now: Duration, pause: Duration) -> bool {
        match &mut self.end {
            FinalState::Withheld { fetch_at, .. } if *fetch_at <= now => {
                *fetch_at = now + pause;
                true
            }
            _ => false,
        }
    }

    /// Applies a frame; frames of a turn that is already final change nothing.
    pub(super) fn apply(&mut self, frame: TurnFrame<'_>, variant: Variant) -> Effect {
        if self.is_final() {
            return Effect::default();
        }
        if let TurnEvent::End(EndFrame { text: Some(_), .. }) = &frame.event {
            // Regardless of the generation: a final replaces everything, and never changes.
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
            TurnEvent::Status { phase } => {
                Effect { phase: Some(phase.into_owned()), ..Effect::default() }
            }
            TurnEvent::Passages(passages) => {
                self.passages = passages;
                Effect::default()
            }
        };
        Effect { text_changed: text_changed || effect.text_changed, ..effect }
    }

    /// Applies what the history says about the turn.
    pub(super) fn apply_stored(&mut self, stored: StoredTurn) -> Result<(), ChecksumMismatch> {
        let Some(kind) = stored.kind else { return Ok(()) };
        let (generation, announced) = match &self.end {
            FinalState::Final(_) => return Ok(()),
            FinalState::Withheld { generation, checksums, .. } => (*generation, checksums.clone()),
            FinalState::Unknown => (0, Checksums::default()),
        };
        let text = stored.text.unwrap_or_default();
        if !announced.match_content(&text, &stored.citations) {
            return Err(ChecksumMismatch);
        }
        self.end = FinalState::Final(FinalTurn {
            number: stored.turn,
            generation,
            message_id: stored.message_id,
            kind,
            text,
            error: stored.error.as_ref().map(|error| error.code),
            finish_reason: stored.finish_reason,
            sha256: announced.text,
            details: Box::new(FinalDetails {
                error_message: stored.error.map(|error| error.message),
                provider: stored.provider,
                model: stored.model,
                input_tokens: stored.usage.as_ref().map_or(0, |usage| usage.input_tokens),
                output_tokens: stored.usage.as_ref().map_or(0, |usage| usage.output_tokens),
                cost_micro_usd: stored.cost_micro_usd,
                citations: stored.citations,
                passages: std::mem::take(&mut self.passages),
            }),
        });
        Ok(())
    }

    /// Returns the length of the provisional text in UTF-16 code units.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    fn restart(&mut self, generation: u64) -> bool {
        self.generation = generation;
        self.length = 0;
        self.passages.clear();
        let changed = !self.text.is_empty();
        self.text.clear();
        changed
    }

    fn append(&mut self, offset: u64, delta: &str) -> Effect {
        let known = self.length.checked_sub(offset).and_then(|units| after_units(delta, units));
        let Some(new_text) = known else { return Effect { gap: true, ..Effect::default() } };
        self.text.push_str(new_text);
        self.length += utf16_len(new_text);
        Effect { text_changed: !new_text.is_empty(), ..Effect::default() }
    }

    fn finish(&mut self, frame: TurnFrame<'_>) -> Effect {
        let TurnEvent::End(end) = frame.event else { return Effect::default() };
        let generation = frame.generation;
        let checksum_mismatch = end.has_wrong_checksum();
        match end.text {
            Some(text) if !checksum_mismatch => {
                self.end = FinalState::Final(FinalTurn {
                    number: frame.turn,
                    generation,
                    message_id: end.message_id,
                    kind: match (end.error, end.finish_reason) {
                        (Some(_), _) => TurnKind::Error,
                        (None, Some(FinishReason::Cancelled)) => TurnKind::Cancelled,
                        (None, _) => TurnKind::Reply,
                    },
                    text,
                    error: end.error,
                    finish_reason: end.finish_reason,
                    sha256: end.sha256,
                    details: Box::new(FinalDetails {
                        passages: std::mem::take(&mut self.passages),
                        ..*end.details
                    }),
                });
            }
            // A fetch that is already under way keeps its time, so that repeated frames of the
            // same final do not cause a request each.
            _ => {
                let fetch_at = self.fetch_at().unwrap_or_default();
                let checksums = Checksums { text: end.sha256, citations: end.citations_sha256 };
                self.end = FinalState::Withheld { generation, checksums, fetch_at };
            }
        }
        Effect { checksum_mismatch, ..Effect::default() }
    }
}

impl EndFrame {
    /// Returns whether a reply contradicts the checksums beside it. Errors have no text.
    fn has_wrong_checksum(&self) -> bool {
        let checksums =
            Checksums { text: self.sha256.clone(), citations: self.citations_sha256.clone() };
        match (&self.text, self.error) {
            (Some(text), None) => !checksums.match_content(text, &self.details.citations),
            _ => false,
        }
    }
}

impl Checksums {
    /// Tells whether a final has the checksums that are known of it.
    fn match_content(&self, text: &str, citations: &[Citation]) -> bool {
        let matches_text = self.text.as_ref().is_none_or(|known| *known == sha256_hex(text));
        matches_text
            && self
                .citations
                .as_ref()
                .is_none_or(|known| citations_sha256(citations).as_ref() == Some(known))
    }
}

/// Returns the text after the first `units` UTF-16 code units: empty if there are fewer, `None` if
/// the cut would fall inside a character.
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
