//! What the model is asked, and which providers may be asked.

use shared::domain::ProviderName;
use shared::ports::{Document, FoundPassage, Prompt, Role};
use shared::protocol::Turn;
use tokio::time::Instant;

use super::turn_answer::{Abort, AnswerResources, TurnAnswer};
use crate::context::{DocumentLookup, History, Question, history, replayed_history};
use crate::error::WorkerError;
use crate::prompt::PromptParts;

/// How many of the user's messages before the question are searched for too. A question such as
/// "And on Wednesday?" says what it asks only together with them.
const MAX_PREVIOUS: usize = 3;

impl TurnAnswer<'_> {
    /// Gathers history, document and passages, and renders the prompt; finds out at the same time which
    /// providers are configured.
    pub(super) async fn prepare(&mut self) -> Result<(Prompt, Vec<ProviderName>), Abort> {
        let started = Instant::now();
        let AnswerResources { ports, config, providers, documents, .. } = self.resources;
        let turn = self.streamer.turn.clone();
        let document = documents.look_up(turn.document_id.as_ref(), &self.owner.principal);
        let configured = providers.configured(self.preferred_order());
        let replay = self.replay.as_deref();
        let key = self.key;
        let history = async {
            if let Some(replay) = replay {
                return Ok(replayed_history(&replay.history, config.history_tokens));
            }
            let store = ports.store.as_ref();
            let ids = ports.ids.as_ref();
            history(store, ids, key, turn.turn, config.history_tokens).await
        };
        let gathered = async { futures::join!(history, document, configured) };
        let (history, mut lookup, order) = self.streamer.run_while(gathered).await?;
        let history = history?;
        let found = self.search(&mut lookup, &history).await?;
        self.context = lookup.context;
        self.timings.context_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok((self.prompt(history, lookup.document, found, &turn)?, self.allowed(order)))
    }

    /// Finds the passages that the question needs.
    async fn search(
        &mut self,
        lookup: &mut DocumentLookup,
        history: &History,
    ) -> Result<Option<Vec<FoundPassage>>, Abort> {
        let AnswerResources { config, documents, .. } = self.resources;
        let said = history.messages.iter().rev().filter(|message| message.role == Role::User);
        let previous: Vec<_> =
            said.take(MAX_PREVIOUS).map(|message| message.text.as_str()).collect();
        let message = self.streamer.turn.message.clone();
        let question = Question { text: message.as_str(), previous: &previous };
        let search =
            documents.find(lookup, question, &self.owner.principal, config.document_tokens);
        let Some(sources) = self.streamer.run_while(search).await? else { return Ok(None) };
        let passages = sources.iter().map(|source| source.passage.clone());
        self.streamer.set_passages(passages.collect());
        let found = sources.iter().map(|source| source.found.clone()).collect();
        self.sources = sources.into();
        self.searched = true;
        Ok(Some(found))
    }

    /// Returns the providers in the order of preference; one that the message asks for comes first,
    /// and `offline` last.
    fn preferred_order(&self) -> Vec<ProviderName> {
        let requested = self.streamer.turn.requested_provider;
        let mut order = self.preference.clone();
        order.push(ProviderName::Offline);
        if let Some(requested) = requested {
            order.retain(|provider| *provider != requested);
            order.insert(0, requested);
        }
        order
    }

    /// Returns which of the configured providers may be called. A replay with a model of its own
    /// has no fallback: its answer should come from that model or not at all.
    fn allowed(&self, configured: Vec<ProviderName>) -> Vec<ProviderName> {
        if self.replay.as_ref().is_none_or(|replay| replay.model.is_none()) {
            return configured;
        }
        let requested = self.streamer.turn.requested_provider;
        let has_model = |name: &ProviderName| match requested {
            Some(requested) => *name == requested,
            None => *name != ProviderName::Offline,
        };
        configured.into_iter().find(has_model).into_iter().collect()
    }

    fn prompt(
        &self,
        history: History,
        document: Option<Document>,
        found: Option<Vec<FoundPassage>>,
        turn: &Turn,
    ) -> Result<Prompt, WorkerError> {
        let AnswerResources { config, template, .. } = self.resources;
        let replay = self.replay.as_deref();
        let parts = PromptParts {
            reader: &self.owner.principal,
            message: turn.message.as_str(),
            history: history.messages,
            // Each message of a replay brings its own history.
            continues: !history.cut && replay.is_none(),
            document,
            found,
            context: self.context,
            instructions: replay.and_then(|replay| replay.instructions.as_deref()),
            model: replay.and_then(|replay| replay.model.clone()),
        };
        Ok(parts.prompt(template, config)?)
    }
}
