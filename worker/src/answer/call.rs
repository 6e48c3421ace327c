//! One model call, from the request to the end of its stream.

use std::sync::Arc;

use futures::StreamExt as _;
use shared::domain::FinishReason;
use shared::ports::{Finish, Model, ModelError, ModelEvent, ModelStream, Prompt};
use shared::visible::is_blank;
use tokio::time::{Instant, timeout};

use super::spending::CallProgress;
use super::turn_answer::{Abort, TurnAnswer};
use crate::citations::{CitedText, Piece};
use crate::streaming::Interrupt;

/// The longest reply, in bytes: a turn must fit into one item of the store.
const MAX_REPLY_BYTES: usize = 200 * 1024;

/// How a call ended.
pub(super) enum CallResult {
    Complete(Finish),
    /// The model used up its limit without a word of the reply. The same call would end the same
    /// way.
    LimitReached,
    Failed(ModelError),
}

impl TurnAnswer<'_> {
    /// Calls the model, and settles the cost of the call whatever happens to the turn.
    pub(super) async fn call(
        &mut self,
        model: &dyn Model,
        prompt: &Prompt,
    ) -> Result<CallResult, Abort> {
        let mut progress = CallProgress::default();
        self.answered_by = Some((model.provider(), prompt.model_or(model.model()).to_owned()));
        let result = self.stream(model, prompt, &mut progress).await;
        self.spending.settle(model, prompt, &progress).await;
        Ok(result?)
    }

    async fn stream(
        &mut self,
        model: &dyn Model,
        prompt: &Prompt,
        progress: &mut CallProgress,
    ) -> Result<CallResult, Interrupt> {
        let broken = |problem: &str| CallResult::Failed(ModelError::Broken(problem.to_owned()));
        let timeouts = self.resources.config.timeouts;
        let began = Instant::now();
        // A provider that only ever keeps the connection alive must leave time for another one.
        let patience = timeouts.deadline / 2;
        let open = timeout(timeouts.first_byte, async {
            let mut stream = model.stream(prompt).await?;
            let first = stream.next().await;
            Ok((stream, first))
        });
        let (mut stream, mut event): (ModelStream, _) = match self.streamer.run_while(open).await? {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Ok(CallResult::Failed(error)),
            Err(_) => return Ok(broken("no first byte in time")),
        };
        progress.began = true;
        let sources = Arc::clone(&self.sources);
        let mut text = CitedText::new(&sources, model.cites_by_itself());
        loop {
            match event {
                Some(Ok(ModelEvent::Delta(delta))) => {
                    if !self.add_delta(&delta, &mut text, progress) {
                        self.show(text.finish());
                        let reason = FinishReason::Length;
                        return Ok(CallResult::Complete(Finish { reason, model: None }));
                    }
                }
                Some(Ok(ModelEvent::Citation(citation))) => self.show(text.cite(&citation)),
                Some(Ok(ModelEvent::Usage(usage))) => progress.usage = usage,
                Some(Ok(ModelEvent::Alive))
                    if began.elapsed() > patience && is_blank(self.streamer.text()) =>
                {
                    return Ok(broken("no word of the reply in half of the worker's time"));
                }
                Some(Ok(ModelEvent::Alive | ModelEvent::Thinking(_) | ModelEvent::ToolCall(_))) => {
                }
                Some(Ok(ModelEvent::Finished(finish))) => {
                    self.show(text.finish());
                    return Ok(self.finished(finish));
                }
                Some(Err(error)) => return Ok(CallResult::Failed(error)),
                None => return Ok(broken("the stream ended early")),
            }
            let next = timeout(timeouts.idle, stream.next());
            event = match self.streamer.run_while(next).await? {
                Ok(event) => event,
                Err(_) => return Ok(broken("the stream was idle for too long")),
            };
        }
    }

    /// Adds a piece to the reply; `false` if only a part of it fitted.
    fn add_delta(
        &mut self,
        delta: &str,
        text: &mut CitedText<'_>,
        progress: &mut CallProgress,
    ) -> bool {
        if delta.is_empty() {
            return true;
        }
        progress.delta_bytes += delta.len() as u64;
        self.note_first_token();
        let room = MAX_REPLY_BYTES.saturating_sub(self.streamer.text().len() + text.held());
        let fitting = &delta[..delta.floor_char_boundary(room)];
        self.show(text.push(fitting));
        fitting.len() == delta.len()
    }

    fn show(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.streamer.add_text(&text),
                Piece::Mark(citation, mark) => self.streamer.add_citation(citation, &mark),
            }
        }
    }

    /// Takes the time to the reply's first token.
    pub(super) fn note_first_token(&mut self) {
        if self.timings.first_token_ms.is_none() {
            let age = self.resources.ports.clock.now().since(self.streamer.turn.accepted_at);
            self.timings.first_token_ms = u64::try_from(age.as_millis()).ok();
        }
    }

    /// Takes the end of the stream. An empty reply is a failure, unless the model refused.
    fn finished(&self, finish: Finish) -> CallResult {
        let refused = matches!(finish.reason, FinishReason::Refusal | FinishReason::ContentFilter);
        let blank = is_blank(self.streamer.text());
        if blank && finish.reason == FinishReason::Length {
            return CallResult::LimitReached;
        }
        if blank && !refused {
            return CallResult::Failed(ModelError::Broken("the reply was empty".into()));
        }
        CallResult::Complete(finish)
    }
}
