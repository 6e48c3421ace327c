//! The frames of a turn.

use super::event::{Event, FinalText, Metadata, TokenUsage, message_id};
use crate::domain::{SessionId, citations_sha256, utf16_len};
use crate::ports::push::MAX_FRAME_BYTES;
use crate::protocol::{FinalTurn, Turn, TurnError, TurnOutcome, TurnResult};

/// The largest piece in one frame, in bytes of UTF-8: escaping can make a byte six.
const MAX_PIECE_BYTES: usize = 4 * 1024;
/// The longest model name or trace in a frame, in bytes of UTF-8: both come from outside, and may
/// be of any length.
const MAX_NAME_BYTES: usize = 256;

/// Returns the frames that open a generation.
pub fn opening_frames(session: &SessionId, turn: &Turn) -> [String; 2] {
    let metadata = || Metadata::of(turn.turn, turn.epoch);
    let run =
        Event::RunStarted { thread_id: session, run_id: &turn.message_id, metadata: metadata() };
    let id = message_id(&turn.message_id, turn.epoch);
    let text = Event::TextMessageStart { message_id: id, role: "assistant", metadata: metadata() };
    [run.to_frame(), text.to_frame()]
}

/// Returns the frame of the first piece of `text[from..]`, and where in bytes it ends.
///
/// `offset` is the place of `from` in UTF-16 code units.
pub fn text_frame(turn: &Turn, text: &str, from: usize, offset: u64) -> (String, usize) {
    let end = text.floor_char_boundary(from.saturating_add(MAX_PIECE_BYTES).min(text.len()));
    let metadata = Metadata { offset: Some(offset), ..Metadata::of(turn.turn, turn.epoch) };
    let message_id = message_id(&turn.message_id, turn.epoch);
    (Event::TextMessageContent { message_id, delta: &text[from..end], metadata }.to_frame(), end)
}

/// Returns the frames of a whole provisional text, from offset 0.
pub fn text_frames(turn: &Turn, text: &str) -> Vec<String> {
    let mut frames = Vec::new();
    let mut from = 0;
    let mut offset = 0;
    while from < text.len() {
        let (frame, end) = text_frame(turn, text, from, offset);
        offset += utf16_len(&text[from..end]);
        from = end;
        frames.push(frame);
    }
    frames
}

/// Returns the frame of a final; one whose text does not fit is sent without it, to be fetched.
pub fn final_frame(session: &SessionId, turn: &Turn, end: &FinalTurn) -> String {
    if let TurnResult::Error(error) = &end.outcome.result {
        return error_frame(turn, end, error);
    }
    let frame = finished(session, turn, end, true).to_frame();
    if frame.len() <= MAX_FRAME_BYTES {
        frame
    } else {
        finished(session, turn, end, false).to_frame()
    }
}

fn finished<'a>(
    session: &'a SessionId,
    turn: &'a Turn,
    end: &'a FinalTurn,
    with_text: bool,
) -> Event<'a> {
    let text = end.outcome.result.text();
    let message_id = message_id(&turn.message_id, turn.epoch);
    Event::RunFinished {
        thread_id: session,
        run_id: &turn.message_id,
        result: with_text.then_some(FinalText {
            message_id,
            text,
            citations: &end.outcome.citations,
            grounding: end.outcome.grounding,
        }),
        usage: usage(&end.outcome),
        metadata: final_metadata(turn, end),
    }
}

fn error_frame(turn: &Turn, end: &FinalTurn, error: &TurnError) -> String {
    let metadata = Metadata { message_id: Some(&turn.message_id), ..final_metadata(turn, end) };
    let message = beginning(&error.message);
    Event::RunError { message, code: error.code, metadata }.to_frame()
}

fn final_metadata<'a>(turn: &'a Turn, end: &'a FinalTurn) -> Metadata<'a> {
    Metadata {
        finish_reason: Some(end.outcome.result.finish_reason()),
        cost_micro_usd: end.outcome.cost_micro_usd,
        cached: end.outcome.cached,
        sha256: Some(&end.sha256),
        citations_sha256: citations_sha256(&end.outcome.citations),
        trace_id: turn.trace.as_deref().filter(fits),
        ..Metadata::of(turn.turn, turn.epoch)
    }
}

fn usage(outcome: &TurnOutcome) -> Vec<TokenUsage<'_>> {
    let Some((provider, usage)) = outcome.provider.zip(outcome.usage) else { return Vec::new() };
    let model = outcome.model.as_deref().filter(fits);
    vec![TokenUsage {
        provider,
        model,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
    }]
}

/// Tells whether a name is short enough for a frame; one that is not is left out, since its
/// beginning is no name.
fn fits(name: &&str) -> bool {
    name.len() <= MAX_NAME_BYTES
}

fn beginning(message: &str) -> &str {
    &message[..message.floor_char_boundary(MAX_PIECE_BYTES)]
}
