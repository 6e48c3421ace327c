//! One call of one provider, from the request to the end of its stream.

use futures::StreamExt as _;
use shared::domain::{FinishReason, Usage};
use shared::ports::{Finish, Model, ModelError, ModelEvent, ModelStream, Prompt};
use tokio::time::timeout;

use super::{Answer, Halt};
use crate::streaming::Interrupt;

/// The longest reply that is kept, in bytes: a turn must fit an item of the store.
const MAX_REPLY_BYTES: usize = 200 * 1024;

/// How a call ended.
pub(super) enum Ended {
    Complete(Finish),
    Failed(ModelError),
}

/// What a call showed of itself before it ended.
#[derive(Default)]
pub(super) struct Progress {
    /// Whether the provider began to answer: before that it bills nothing.
    pub(super) began: bool,
    pub(super) usage: Usage,
    pub(super) delta_bytes: u64,
}

impl Answer<'_> {
    /// Calls the model, and settles what it cost whatever becomes of the turn.
    pub(super) async fn call(&mut self, model: &dyn Model, prompt: &Prompt) -> Result<Ended, Halt> {
        let mut progress = Progress::default();
        self.answered_by = Some((model.provider(), prompt.model_or(model.model()).to_owned()));
        let ended = self.stream(model, prompt, &mut progress).await;
        self.spending.settle(self.worker, model, prompt, &progress).await;
        Ok(ended?)
    }

    async fn stream(
        &mut self,
        model: &dyn Model,
        prompt: &Prompt,
        progress: &mut Progress,
    ) -> Result<Ended, Interrupt> {
        let patience = self.worker.config.timeouts;
        let open = timeout(patience.first_byte, async {
            let mut stream = model.stream(prompt).await?;
            let first = stream.next().await;
            Ok((stream, first))
        });
        let (mut stream, mut event): (ModelStream, _) = match self.attendant.during(open).await? {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Ok(Ended::Failed(error)),
            Err(_) => return Ok(Ended::Failed(ModelError::Broken("no first byte in time".into()))),
        };
        progress.began = true;
        loop {
            match event {
                Some(Ok(ModelEvent::Delta(delta))) => {
                    if !self.add(&delta, progress) {
                        return Ok(Ended::Complete(Finish {
                            reason: FinishReason::Length,
                            model: None,
                        }));
                    }
                }
                Some(Ok(ModelEvent::Usage(usage))) => progress.usage = usage,
                Some(Ok(ModelEvent::Finished(finish))) => return Ok(self.judge(finish)),
                Some(Err(error)) => return Ok(Ended::Failed(error)),
                None => {
                    return Ok(Ended::Failed(ModelError::Broken("the stream ended early".into())));
                }
            }
            event = match self.attendant.during(timeout(patience.idle, stream.next())).await? {
                Ok(event) => event,
                Err(_) => {
                    return Ok(Ended::Failed(ModelError::Broken(
                        "silence in the middle of the reply".into(),
                    )));
                }
            };
        }
    }

    /// Adds a piece to the reply; `false` if there was no room for the whole of it, however large
    /// it is.
    fn add(&mut self, delta: &str, progress: &mut Progress) -> bool {
        if delta.is_empty() {
            return true;
        }
        progress.delta_bytes += delta.len() as u64;
        self.note_first_piece();
        let room = MAX_REPLY_BYTES.saturating_sub(self.attendant.text().len());
        let kept = &delta[..delta.floor_char_boundary(room)];
        self.attendant.add(kept);
        kept.len() == delta.len()
    }

    /// Takes the time of the reply's first piece.
    pub(super) fn note_first_piece(&mut self) {
        if self.timings.first_token_ms.is_none() {
            let age = self.worker.ports.clock.now().since(self.attendant.turn.accepted_at);
            self.timings.first_token_ms = u64::try_from(age.as_millis()).ok();
        }
    }

    /// An empty reply is a failure, unless the model refused.
    fn judge(&self, finish: Finish) -> Ended {
        let refused = matches!(finish.reason, FinishReason::Refusal | FinishReason::ContentFilter);
        if self.attendant.text().is_empty() && !refused {
            return Ended::Failed(ModelError::Broken("the reply was empty".into()));
        }
        Ended::Complete(finish)
    }
}
