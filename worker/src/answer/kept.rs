//! Replies that were kept for the same first question.

use shared::domain::{FinishReason, ProviderName};
use shared::ports::{CacheKey, CachedReply, Prompt};
use shared::protocol::{TurnOutcome, TurnResult};

use super::{Answer, Halt};
use crate::kept::Asked;

impl Answer<'_> {
    /// Returns the reply that whoever would be asked first gave to the same prompt, if it was kept.
    pub(super) async fn find(
        &mut self,
        prompt: &Prompt,
        order: &[ProviderName],
    ) -> Result<Option<TurnOutcome>, Halt> {
        let Some(kept) = &self.worker.ports.kept else { return Ok(None) };
        let first = order.first().and_then(|name| self.worker.providers.get(*name));
        let key =
            first.and_then(|it| self.cache_key(prompt, it.model.provider(), it.model.model()));
        let Some(key) = key else { return Ok(None) };
        let Some(reply) = self.attendant.during(kept.find(&key)).await? else { return Ok(None) };
        self.note_first_piece();
        Ok(Some(self.repeated(reply)))
    }

    /// Remembers a reply to be kept, if it ended by itself.
    pub(super) fn note_reply(&mut self, prompt: &Prompt, outcome: &TurnOutcome) {
        let TurnResult::Reply { text, finish_reason: FinishReason::Stop } = &outcome.result else {
            return;
        };
        if self.worker.ports.kept.is_none() {
            return;
        }
        let key = self
            .asked
            .as_ref()
            .and_then(|(provider, model)| self.cache_key(prompt, *provider, model));
        self.to_keep =
            key.zip(outcome.provider.zip(outcome.model.clone())).map(|(key, (provider, model))| {
                (key, CachedReply { provider, model, text: text.clone() })
            });
    }

    /// Keeps the reply, now that it is final.
    pub(super) async fn keep(&mut self) {
        if let (Some(kept), Some((key, reply))) = (&self.worker.ports.kept, self.to_keep.take()) {
            kept.keep(&key, &reply).await;
        }
    }

    /// A replay is asked to hear the model once more.
    fn cache_key(&self, prompt: &Prompt, provider: ProviderName, model: &str) -> Option<CacheKey> {
        if self.replay.is_some() {
            return None;
        }
        Asked { prompt, context: self.context, principal: &self.owner.principal }
            .key(provider, model)
    }
}
