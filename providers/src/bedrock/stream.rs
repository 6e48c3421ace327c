//! Reads a body of frames as a stream of model events.

use std::collections::VecDeque;
use std::error::Error;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use serde::Deserialize;
use shared::ports::{ModelError, ModelEvent, ModelStream};

use super::frames::{Frame, Frames};
use crate::claude::Events;
use crate::sse::{Decoder as _, chain};

/// The payload of a frame: one event of the Messages API.
#[derive(Deserialize)]
struct Chunk {
    bytes: String,
}

type Item = Result<ModelEvent, ModelError>;

struct EventReader<S> {
    body: Pin<Box<S>>,
    frames: Frames,
    events: Events,
    ready: VecDeque<Item>,
}

/// Decodes a body. The stream ends after the first `Finished` or the first error.
pub(super) fn events<E: Error + Send + Sync + 'static>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    events: Events,
) -> ModelStream {
    let frames = Frames::default();
    let ready = VecDeque::new();
    stream::unfold(Some(EventReader { body: Box::pin(body), frames, events, ready }), next).boxed()
}

async fn next<E, S>(reading: Option<EventReader<S>>) -> Option<(Item, Option<EventReader<S>>)>
where
    E: Error + Send + Sync + 'static,
    S: Stream<Item = Result<Bytes, E>>,
{
    let mut reading = reading?;
    loop {
        match reading.ready.pop_front() {
            Some(Ok(ModelEvent::Finished(finish))) => {
                return Some((Ok(ModelEvent::Finished(finish)), None));
            }
            Some(Err(error)) => return Some((Err(error), None)),
            Some(event) => return Some((event, Some(reading))),
            None => {
                if let Err(error) = reading.read().await {
                    reading.ready.push_back(Err(error));
                }
            }
        }
    }
}

impl<E, S> EventReader<S>
where
    E: Error + Send + Sync + 'static,
    S: Stream<Item = Result<Bytes, E>>,
{
    /// Reads some bytes and queues the model events that they complete, if any.
    async fn read(&mut self) -> Result<(), ModelError> {
        let part = match self.body.next().await {
            Some(part) => part.map_err(|error| ModelError::Broken(chain(&error)))?,
            None if self.frames.is_broken_off() => {
                return Err(broken("the stream ended in the middle of a frame"));
            }
            None => return Err(broken("the stream ended without its end mark")),
        };
        self.frames.push(&part);
        let before = self.ready.len();
        while let Some(frame) =
            self.frames.next().map_err(|error| ModelError::Broken(error.to_string()))?
        {
            let mut decoded = Vec::new();
            let outcome = decode(&frame, &mut self.events, &mut decoded);
            self.ready.extend(decoded.into_iter().map(Ok));
            outcome?;
        }
        if self.ready.len() == before {
            self.ready.push_back(Ok(ModelEvent::Alive));
        }
        Ok(())
    }
}

fn decode(
    frame: &Frame,
    events: &mut Events,
    decoded: &mut Vec<ModelEvent>,
) -> Result<(), ModelError> {
    if frame.message_type.as_deref() != Some("event") {
        return Err(problem(frame.problem.as_deref().unwrap_or_default()));
    }
    // Kinds of events that are not known yet have no such bytes, and are ignored.
    let Ok(chunk) = serde_json::from_slice::<Chunk>(&frame.payload) else { return Ok(()) };
    let bytes = STANDARD.decode(chunk.bytes).map_err(|_| broken("an event that cannot be read"))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| broken("bytes that are not UTF-8"))?;
    events.decode(text, decoded)
}

/// Converts an exception inside a stream: retrying helps against load, but not against an invalid
/// request.
fn problem(name: &str) -> ModelError {
    let code = name.chars().filter(char::is_ascii_alphabetic).take(64).collect();
    let retry_after = None;
    match name {
        "throttlingException"
        | "serviceUnavailableException"
        | "internalServerException"
        | "modelTimeoutException" => ModelError::Busy { code, retry_after },
        "validationException" => ModelError::Permanent(code),
        _ => ModelError::Broken(format!("an exception in the stream: {code}")),
    }
}

fn broken(reason: &str) -> ModelError {
    ModelError::Broken(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use serde_json::{Value, json};
    use shared::domain::{FinishReason, Usage};

    use super::super::testing::frame;
    use super::*;

    fn chunk(event: &Value) -> Vec<u8> {
        let payload = json!({ "bytes": STANDARD.encode(event.to_string()), "p": "abcdefghij" });
        frame("event", "chunk", payload.to_string().as_bytes())
    }

    fn reply() -> Vec<Vec<u8>> {
        let usage = json!({ "input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1 });
        let delta = |text: &str| json!({ "type": "text_delta", "text": text });
        let metrics = json!({ "inputTokenCount": 10, "outputTokenCount": 7 });
        [
            json!({
                "type": "message_start", "message": { "model": "claude-haiku-5-5", "usage": usage }
            }),
            json!({
                "type": "content_block_start", "index": 0,
                "content_block": { "type": "text", "text": "" }
            }),
            json!({ "type": "content_block_delta", "index": 0, "delta": delta("Período 3 ") }),
            json!({ "type": "content_block_delta", "index": 0, "delta": delta("is „Mathe“ 📐.") }),
            json!({ "type": "content_block_stop", "index": 0 }),
            json!({
                "type": "message_delta", "delta": { "stop_reason": "end_turn" },
                "usage": { "output_tokens": 7 }
            }),
            json!({ "type": "message_stop", "amazon-bedrock-invocationMetrics": metrics }),
        ]
        .iter()
        .map(chunk)
        .collect()
    }

    async fn hear(
        bytes: Vec<u8>,
        pieces: usize,
    ) -> (String, Option<Usage>, Result<FinishReason, String>) {
        let parts: Vec<_> = bytes
            .chunks(pieces)
            .map(|part| Ok::<_, Infallible>(Bytes::copy_from_slice(part)))
            .collect();
        let mut stream = events(stream::iter(parts), Events::default());
        let mut text = String::new();
        let mut usage = None;
        let mut end = Err("no end".to_owned());
        while let Some(item) = stream.next().await {
            assert_eq!(end, Err("no end".to_owned()), "nothing follows the end");
            match item {
                Ok(ModelEvent::Delta(delta)) => text.push_str(&delta),
                Ok(ModelEvent::Usage(latest)) => usage = Some(latest),
                Ok(ModelEvent::Alive) => (),
                Ok(ModelEvent::Finished(finish)) => end = Ok(finish.reason),
                Ok(other) => panic!("{other:?}"),
                Err(error) => end = Err(error.to_string()),
            }
        }
        (text, usage, end)
    }

    #[tokio::test]
    async fn a_reply_is_read_whole_in_any_pieces() {
        let bytes = reply().concat();
        let used = Usage {
            input_tokens: 15,
            cached_input_tokens: 5,
            cache_write_tokens: 0,
            output_tokens: 7,
        };
        for pieces in [1, 7, 64, 1_000, bytes.len()] {
            let heard = hear(bytes.clone(), pieces).await;
            assert_eq!(
                heard,
                ("Período 3 is „Mathe“ 📐.".to_owned(), Some(used), Ok(FinishReason::Stop)),
                "{pieces}"
            );
        }
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_is_a_failure() {
        let bytes = reply().concat();
        for length in [0, 5, reply()[0].len(), bytes.len() - 1, bytes.len() - reply()[6].len()] {
            let (_, _, end) = hear(bytes[..length].to_vec(), 50).await;
            assert!(
                end.as_ref().unwrap_err().starts_with("the provider's answer broke off"),
                "{length}: {end:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_exception_ends_the_stream_and_says_what_it_is() {
        for (name, expected) in [
            ("throttlingException", "the provider is busy (throttlingException)"),
            ("validationException", "the provider refused the request (validationException)"),
            (
                "newException",
                "the provider's answer broke off: an exception in the stream: newException",
            ),
        ] {
            let exception = frame("exception", name, br#"{"message":"Do not quote me"}"#);
            let bytes = [reply()[..3].concat(), exception, reply()[3..].concat()].concat();
            let (text, _, end) = hear(bytes, 33).await;
            assert_eq!((text.as_str(), end), ("Período 3 ", Err(expected.to_owned())));
        }
    }

    #[tokio::test]
    async fn a_damaged_frame_is_a_failure_and_new_kinds_of_events_are_not() {
        let mut bytes = reply().concat();
        bytes[reply()[0].len() + 40] ^= 1;
        let (text, _, end) = hear(bytes, 100).await;
        assert_eq!(text, "");
        assert_eq!(
            end.unwrap_err(),
            "the provider's answer broke off: a frame with a wrong checksum"
        );
        let bytes = [frame("event", "future", b"{}"), reply().concat()].concat();
        assert_eq!(hear(bytes, 100).await.2, Ok(FinishReason::Stop));
    }
}
