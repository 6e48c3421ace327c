//! The reply cache, for the first question of a session.

use shared::domain::{FinishReason, ProviderName};
use shared::ports::{CacheKey, CachedReply, Prompt};
use shared::protocol::{TurnOutcome, TurnResult};

use super::turn_answer::{Abort, TurnAnswer};
use crate::reply_cache::CacheQuery;

impl TurnAnswer<'_> {
    /// Returns the cached reply of the provider that would be called first, if there is one.
    pub(super) async fn cached_reply(
        &mut self,
        prompt: &Prompt,
        order: &[ProviderName],
    ) -> Result<Option<TurnOutcome>, Abort> {
        let Some(cache) = &self.resources.ports.reply_cache else { return Ok(None) };
        let first = order.first().and_then(|name| self.resources.providers.get(*name));
        let key =
            first.and_then(|it| self.cache_key(prompt, it.model.provider(), it.model.model()));
        let Some(key) = key else { return Ok(None) };
        let Some(reply) = self.streamer.run_while(cache.get(&key)).await? else { return Ok(None) };
        self.note_first_token();
        Ok(Some(self.replied_from_cache(reply)))
    }

    /// Remembers a reply for the cache, if the model ended it by itself.
    pub(super) fn remember_reply(&mut self, prompt: &Prompt, outcome: &TurnOutcome) {
        let TurnResult::Reply { text, finish_reason: FinishReason::Stop } = &outcome.result else {
            return;
        };
        if self.resources.ports.reply_cache.is_none() {
            return;
        }
        let key = self
            .last_call
            .as_ref()
            .and_then(|(provider, model)| self.cache_key(prompt, *provider, model));
        let answered_by = outcome.provider.zip(outcome.model.clone());
        self.cacheable_reply = key.zip(answered_by).map(|(key, (provider, model))| {
            let text = text.clone();
            let (citations, grounding) = (outcome.citations.clone(), outcome.grounding);
            (key, CachedReply { provider, model, text, citations, grounding })
        });
    }

    /// Puts the reply into the cache. Only final replies go there: a stop or another worker's
    /// generation may still have replaced it before.
    pub(super) async fn cache_reply(&mut self) {
        let cache = self.resources.ports.reply_cache.as_ref();
        if let (Some(cache), Some((key, reply))) = (cache, self.cacheable_reply.take()) {
            cache.put(&key, &reply).await;
        }
    }

    /// Returns the key of a reply; `None` for replays, which are made to call the model again.
    fn cache_key(&self, prompt: &Prompt, provider: ProviderName, model: &str) -> Option<CacheKey> {
        if self.replay.is_some() {
            return None;
        }
        let principal = &self.owner.principal;
        CacheQuery { prompt, context: self.context, sources: &self.sources, principal }
            .key(provider, model)
    }
}
