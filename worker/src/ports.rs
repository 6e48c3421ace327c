//! The ports that the worker uses.

use std::sync::Arc;

use shared::ports::{Clock, Documents, Ids, Metrics, Push, Queue, Secrets, Store};

use crate::reply_cache::ReplyCacheClient;

/// The ports that the worker uses.
#[derive(Clone)]
pub struct Ports {
    /// The table.
    pub store: Arc<dyn Store>,
    /// The queue that messages come from.
    pub requests: Arc<dyn Queue>,
    /// The queue that finals go to.
    pub replies: Arc<dyn Queue>,
    /// The connections to clients.
    pub push: Arc<dyn Push>,
    /// The source of documents.
    pub documents: Arc<dyn Documents>,
    /// The source of API keys.
    pub secrets: Arc<dyn Secrets>,
    /// The reply cache, if there is one.
    pub reply_cache: Option<ReplyCacheClient>,
    /// The metrics of turns.
    pub metrics: Arc<dyn Metrics>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
}
