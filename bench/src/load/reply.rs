//! One reply put together from its frames by the client rule; whatever a client would have to mend
//! is an error.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tokio::time::Instant;

/// A reply as far as it came.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    turn: u64,
    message_id: &'a str,
    text: String,
    /// The text's length in UTF-16 code units, as offsets count.
    length: usize,
    pub(super) frames: u32,
    /// Finals of earlier turns that came again, as after a `resume` they may.
    pub(super) repeats: u32,
    pub(super) first: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    r#type: &'a str,
    #[serde(default)]
    delta: String,
    #[serde(default)]
    run_id: &'a str,
    result: Option<Whole>,
    message: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Whole {
    text: String,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    turn: u64,
    #[serde(default, rename = "gen")]
    generation: u64,
    #[serde(default)]
    offset: usize,
}

impl<'a> Reply<'a> {
    pub(super) fn new(turn: u64, message_id: &'a str) -> Self {
        Self {
            turn,
            message_id,
            text: String::new(),
            length: 0,
            frames: 0,
            repeats: 0,
            first: None,
        }
    }

    /// Takes a frame; true when the reply is whole, and then it is the expected one.
    pub(super) fn take(&mut self, frame: &str, expected: &str) -> anyhow::Result<bool> {
        let frame: Frame<'_> = serde_json::from_str(frame).context("a frame is not an event")?;
        self.frames += 1;
        match frame.r#type {
            "RUN_ERROR" => bail!("a run failed: {}", frame.message.unwrap_or_default()),
            "CUSTOM" => Ok(false),
            "RUN_FINISHED" if (1..self.turn).contains(&frame.metadata.turn) => {
                ensure!(frame.text() == Some(expected), "a final came again, and differs");
                self.repeats += 1;
                Ok(false)
            }
            // The end mark of the last turn's text may come after its final.
            "TEXT_MESSAGE_END" if frame.metadata.turn + 1 == self.turn => Ok(false),
            kind => {
                let found = (frame.metadata.turn, frame.metadata.generation);
                ensure!(
                    found == (self.turn, 1),
                    "{kind} of turn and generation {found:?} in turn {}",
                    self.turn
                );
                self.event(&frame, expected)
            }
        }
    }

    fn event(&mut self, frame: &Frame<'_>, expected: &str) -> anyhow::Result<bool> {
        match frame.r#type {
            "TEXT_MESSAGE_CONTENT" => {
                let offset = frame.metadata.offset;
                let length = self.length;
                ensure!(offset == length, "text at {offset} where {length} was due");
                self.first.get_or_insert_with(Instant::now);
                self.text.push_str(&frame.delta);
                self.length += frame.delta.encode_utf16().count();
                Ok(false)
            }
            "RUN_FINISHED" => {
                ensure!(frame.run_id == self.message_id, "the final of another message");
                ensure!(frame.text() == Some(expected), "the final is not the provider's reply");
                // The final carries the whole text, so the server may leave the rest of it
                // unstreamed.
                ensure!(
                    expected.starts_with(&self.text),
                    "the streamed text is not of the provider's reply"
                );
                self.first.get_or_insert_with(Instant::now);
                Ok(true)
            }
            "RUN_STARTED" | "TEXT_MESSAGE_START" | "TEXT_MESSAGE_END" => Ok(false),
            other => bail!("an unknown event: {other}"),
        }
    }
}

impl Frame<'_> {
    fn text(&self) -> Option<&str> {
        self.result.as_ref().map(|whole| &*whole.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[track_caller]
    fn check(frames: &[String], expected: Option<bool>) {
        let mut reply = Reply::new(2, "m");
        let taken: anyhow::Result<Vec<bool>> =
            frames.iter().map(|frame| reply.take(frame, "a😀b")).collect();
        assert_eq!(taken.ok().and_then(|taken| taken.last().copied()), expected, "{frames:?}");
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
    fn a_final_that_comes_again_must_be_the_same() {
        check(&[finished(1, "l", "a😀b")], Some(false));
        check(&[finished(1, "l", "a")], None);
        check(&[finished(3, "n", "a😀b")], None);
    }
}
