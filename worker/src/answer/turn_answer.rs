//! The state of one worker's work on one turn.

use std::sync::Arc;

use providers::Prices;
use shared::domain::{ContextUse, ProviderName, SessionKey};
use shared::ports::{Attempts, CacheKey, CachedReply};
use shared::protocol::{Owner, Timings};
use shared::queue_messages::Replay;
use tokio::time::Instant;

use super::spending::Spending;
use crate::calls::Providers;
use crate::config::WorkerConfig;
use crate::context::{DocumentReader, NumberedSource};
use crate::error::WorkerError;
use crate::ports::Ports;
use crate::prompt::Template;
use crate::streaming::{Interrupt, TurnStreamer};
use crate::turn::{Claim, TurnProtocol};

/// What an answer needs from its process.
#[derive(Clone, Copy)]
pub(crate) struct AnswerResources<'w> {
    pub(crate) ports: &'w Ports,
    pub(crate) config: &'w WorkerConfig,
    pub(crate) providers: &'w Providers,
    pub(crate) prices: &'w Prices,
    pub(crate) template: &'w Template,
    pub(crate) documents: &'w DocumentReader,
}

/// One worker's work on one turn, from the claim to the commit.
pub(crate) struct TurnAnswer<'w> {
    pub(super) resources: AnswerResources<'w>,
    pub(super) protocol: TurnProtocol<'w>,
    pub(super) key: &'w SessionKey,
    pub(super) owner: Owner,
    pub(super) streamer: TurnStreamer,
    /// The order in which providers are preferred.
    pub(super) preference: Vec<ProviderName>,
    /// What the turn is answered with instead of history and settings.
    pub(super) replay: Option<Box<Replay>>,
    pub(super) deadline: Instant,
    pub(super) context: ContextUse,
    /// The passages that the model was given.
    pub(super) sources: Arc<[NumberedSource]>,
    /// Whether the documents were searched.
    pub(super) searched: bool,
    pub(super) timings: Timings,
    pub(super) spending: Spending<'w>,
    pub(super) attempts: Attempts,
    /// The provider that was called last, and the model that was requested.
    pub(super) last_call: Option<(ProviderName, String)>,
    /// The provider that is answering, and its model.
    pub(super) answered_by: Option<(ProviderName, String)>,
    /// The reply that goes into the cache once it is final.
    pub(super) cacheable_reply: Option<(CacheKey, CachedReply)>,
}

/// Why the work ends without an outcome of its own.
pub(super) enum Abort {
    Interrupted(Interrupt),
    Failed(WorkerError),
}

impl From<Interrupt> for Abort {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupted(interrupt)
    }
}

impl From<WorkerError> for Abort {
    fn from(error: WorkerError) -> Self {
        Self::Failed(error)
    }
}

impl<'w> TurnAnswer<'w> {
    pub(crate) fn new(
        resources: AnswerResources<'w>,
        preference: Vec<ProviderName>,
        key: &'w SessionKey,
        claim: Claim,
        deadline: Instant,
    ) -> Self {
        let AnswerResources { ports, config, prices, .. } = resources;
        let Claim { owner, turn, replay } = claim;
        let timings = turn.timings();
        let spending = Spending::new(ports, prices, config.budgets, &owner.principal);
        let streamer = TurnStreamer::new(
            ports.store.clone(),
            ports.push.clone(),
            key.clone(),
            &owner,
            *turn,
            config.pace,
            deadline,
        );
        Self {
            resources,
            protocol: TurnProtocol::new(ports, config),
            key,
            owner,
            streamer,
            preference,
            replay,
            deadline,
            context: ContextUse::None,
            sources: Arc::default(),
            searched: false,
            timings,
            spending,
            attempts: Attempts::default(),
            last_call: None,
            answered_by: None,
            cacheable_reply: None,
        }
    }
}
