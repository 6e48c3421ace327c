//! One reply, received by the client rule; whatever a client would have to repair is an error.

use std::time::Duration;

use anyhow::{bail, ensure};
use client::rule::{Action, ClientRule, EndFrame, FinalTurn, Frame, Input, TurnEvent, TurnFrame};
use tokio::time::Instant;

/// The state of one session's client.
///
/// It drives the same rule as every other client, and adds what only a load generator demands: no
/// gap, no repeated text and no second generation, which the rule would repair silently.
#[derive(Debug)]
pub(super) struct Receiver {
    rule: ClientRule,
    opened_at: Instant,
    /// Kept between frames, so that a frame allocates nothing for its actions.
    actions: Vec<Action>,
}

/// What was measured of a reply so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) frames: u32,
    /// Finals of earlier turns that came again, as they may after a `resume`.
    pub(super) repeats: u32,
    pub(super) first: Option<Instant>,
}

impl Receiver {
    /// Starts on a socket that was just opened.
    pub(super) fn new() -> Self {
        let mut receiver = Self {
            rule: ClientRule::new(client::rule::Variant::default()),
            opened_at: Instant::now(),
            actions: Vec::new(),
        };
        // Its only action is the first `resume`, which the session sends itself.
        receiver.rule.apply(Input::Opened, Duration::ZERO, &mut receiver.actions);
        receiver.actions.clear();
        receiver
    }

    /// Applies the answer to `resume`.
    pub(super) fn resumed(&mut self, raw: &str) -> anyhow::Result<()> {
        let frame = Frame::parse(raw);
        ensure!(matches!(frame, Frame::Resumed(_)), "resume was answered with something else");
        self.apply(frame)?;
        Ok(())
    }

    /// Applies a frame of `turn`; true when the reply is complete and is the expected one.
    pub(super) fn receive(
        &mut self,
        raw: &str,
        turn: u64,
        message_id: &str,
        expected: &str,
        progress: &mut Progress,
    ) -> anyhow::Result<bool> {
        progress.frames += 1;
        let frame = match Frame::parse(raw) {
            Frame::Turn(frame) => frame,
            Frame::Resumed(_) => return Ok(false),
            // Our other custom events, such as an error of the socket, concern no turn.
            Frame::Other => {
                ensure!(raw.contains(r#""type":"CUSTOM""#), "an unknown frame");
                return Ok(false);
            }
        };
        if let TurnEvent::Status { .. } = frame.event {
            return Ok(false);
        }
        if frame.turn < turn {
            progress.repeats += u32::from(check_earlier(&frame, turn, expected)?);
            return Ok(false);
        }
        let found = (frame.turn, frame.generation);
        ensure!(found == (turn, 1), "turn and generation {found:?} in turn {turn}");
        if let TurnEvent::Content { offset, .. } = &frame.event {
            let due = self.rule.text_length(turn);
            ensure!(*offset == due, "text at {offset} where {due} was due");
            progress.first.get_or_insert_with(Instant::now);
        }
        if matches!(frame.event, TurnEvent::End(_)) {
            // The final carries the whole text, so the server may leave the rest unstreamed.
            let streamed = self.rule.text(turn);
            ensure!(expected.starts_with(streamed), "the streamed text is not the provider's");
        }
        let Some(turn) = self.apply(Frame::Turn(frame))? else { return Ok(false) };
        ensure!(turn.error.is_none(), "a run failed: {:?}", turn.details.error_message);
        ensure!(turn.message_id == message_id, "the final of another message");
        ensure!(turn.text == expected, "the final is not the provider's reply");
        progress.first.get_or_insert_with(Instant::now);
        Ok(true)
    }

    /// Applies a frame; any action but showing text or a final means that something went wrong.
    fn apply(&mut self, frame: Frame<'_>) -> anyhow::Result<Option<FinalTurn>> {
        self.rule.apply(Input::Frame(frame), self.opened_at.elapsed(), &mut self.actions);
        let mut last = None;
        for action in self.actions.drain(..) {
            match action {
                Action::Final(turn) => last = Some(turn),
                // Every five minutes a client asks to resume, whether or not anything is missing.
                Action::Text { .. } | Action::Status { .. } | Action::Resume { .. } => {}
                other => bail!("the client has to repair its view: {other:?}"),
            }
        }
        Ok(last)
    }
}

/// Checks a frame of an earlier turn; true if it is a final that came again.
fn check_earlier(frame: &TurnFrame<'_>, turn: u64, expected: &str) -> anyhow::Result<bool> {
    match &frame.event {
        TurnEvent::End(EndFrame { text, error: None, .. }) => {
            ensure!(text.as_deref() == Some(expected), "a final came again, and differs");
            Ok(true)
        }
        // The end mark of the last turn's text may come after its final.
        TurnEvent::Progress if frame.turn + 1 == turn => Ok(false),
        other => bail!("{other:?} of turn {} in turn {turn}", frame.turn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESUMED: &str =
        r#"{"type":"CUSTOM","name":"chat.resumed","value":{"first":1,"next":1,"born":1}}"#;

    fn content(offset: usize, delta: &str) -> String {
        format!(
            r#"{{"type":"TEXT_MESSAGE_CONTENT","delta":"{delta}","metadata":{{"turn":2,"gen":1,"offset":{offset}}}}}"#
        )
    }

    fn finished(turn: u64, id: &str, text: &str) -> String {
        format!(
            r#"{{"type":"RUN_FINISHED","runId":"{id}","result":{{"text":"{text}"}},"metadata":{{"turn":{turn},"gen":1}}}}"#
        )
    }

    /// A receiver that has received the final of turn 1.
    fn receiver() -> Receiver {
        let mut receiver = Receiver::new();
        receiver.resumed(RESUMED).unwrap();
        let first = finished(1, "l", "a😀b");
        assert!(receiver.receive(&first, 1, "l", "a😀b", &mut Progress::default()).unwrap());
        receiver
    }

    #[track_caller]
    fn check(frames: &[String], expected: Option<bool>) {
        let mut receiver = receiver();
        let mut progress = Progress::default();
        let results: anyhow::Result<Vec<bool>> = frames
            .iter()
            .map(|frame| receiver.receive(frame, 2, "m", "a😀b", &mut progress))
            .collect();
        assert_eq!(results.ok().and_then(|all| all.last().copied()), expected, "{frames:?}");
    }

    #[test]
    fn a_reply_in_order_is_whole() {
        check(&[content(0, "a😀"), content(3, "b"), finished(2, "m", "a😀b")], Some(true));
        check(&[content(0, "a😀")], Some(false));
        check(&[content(0, "a"), finished(2, "m", "a😀b")], Some(true));
    }

    #[test]
    fn a_gap_and_a_repeat_are_errors() {
        check(&[content(0, "a"), content(3, "b")], None);
        check(&[content(0, "a"), content(0, "a")], None);
    }

    #[test]
    fn a_garbled_or_foreign_final_is_an_error() {
        check(&[content(0, "a😀b"), finished(2, "m", "a")], None);
        check(&[content(0, "b"), finished(2, "m", "a😀b")], None);
        check(&[content(0, "a😀b"), finished(2, "n", "a😀b")], None);
    }

    #[test]
    fn a_final_that_does_not_match_its_checksum_is_an_error() {
        let checksum = r#""gen":1,"sha256":"00""#;
        check(&[finished(2, "m", "a😀b").replace(r#""gen":1"#, checksum)], None);
    }

    #[test]
    fn a_final_that_comes_again_must_be_the_same() {
        check(&[finished(1, "l", "a😀b")], Some(false));
        check(&[finished(1, "l", "a")], None);
        check(&[finished(3, "n", "a😀b")], None);
    }
}
