//! Answers one message: streams the text as it arrives, commits, and sends the final.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Floor;
use super::frame::{Frame, Metadata, Whole};
use super::writer::Row;

/// The interval of frames on one machine.
const PACE: Duration = Duration::from_millis(30);

/// A message to answer.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) session: String,
    pub(super) message_id: String,
    pub(super) message: String,
    /// Completed once the message is durable.
    pub(super) row: oneshot::Receiver<i64>,
    pub(super) number: u64,
    pub(super) frames: Option<UnboundedSender<String>>,
}

/// Answers the message. A failure is reported to the client, which ends the benchmark.
pub(super) async fn answer(floor: Arc<Floor>, mut turn: Turn) {
    if let Err(error) = reply(&floor, &mut turn).await {
        turn.push(&Frame::RunError { message: &error.to_string() });
    }
}

async fn reply(floor: &Floor, turn: &mut Turn) -> anyhow::Result<()> {
    // The model need not wait for the disk; the client sees nothing before the message is durable.
    let (row, pieces) = tokio::join!(&mut turn.row, floor.provider.ask(&turn.message));
    let row = row?;
    let mut pieces = pin!(pieces?);
    let thread_id = &*turn.session;
    let run_id = &*turn.message_id;
    let metadata = Metadata::of(turn.number);
    turn.push(&Frame::RunStarted { thread_id, run_id, metadata });
    let message_id = &*format!("{run_id}.1");
    let mut text = String::new();
    let mut sent = 0;
    let mut due = None;
    loop {
        let waiting = due.filter(|_| sent < text.len());
        tokio::select! {
            biased;
            piece = pieces.next() => match piece {
                Some(piece) => text.push_str(&piece?),
                None => break,
            },
            () = sleep_until(waiting.unwrap_or_else(Instant::now)), if waiting.is_some() => {
                due = None;
            }
        }
        if due.is_none() && sent < text.len() {
            if sent == 0 {
                turn.push(&Frame::TextMessageStart { message_id, role: "assistant", metadata });
            }
            turn.push(&Frame::TextMessageContent {
                message_id,
                delta: &text[sent..],
                metadata: metadata.at(sent),
            });
            sent = text.len();
            due = Some(Instant::now() + PACE);
        }
    }
    floor.writer.store(Row::Reply { id: row, text: text.clone() }).await?;
    if sent == text.len() {
        turn.push(&Frame::TextMessageEnd { message_id, metadata });
    }
    // The final brings what was not sent yet.
    turn.push(&Frame::RunFinished {
        thread_id,
        run_id,
        result: Whole { message_id, text: &text },
        metadata,
    });
    Ok(())
}

impl Turn {
    /// Hands a frame to the session's socket, if one is open.
    fn push(&self, frame: &Frame<'_>) {
        if let (Some(frames), Ok(frame)) = (&self.frames, serde_json::to_string(frame)) {
            drop(frames.send(frame));
        }
    }
}
