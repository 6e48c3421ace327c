//! One delivery from the queue of replies.

use std::sync::Arc;

use shared::analytics::{self, Texts};
use shared::domain::SessionKey;
use shared::ports::{Clock, Delivery, Events, Push, Queue, Store};
use shared::queue_messages::ReplyMessage;
use tracing::instrument;

use crate::error::NotifierError;

/// The ports that the notifier uses.
#[derive(Clone)]
pub struct Ports {
    /// The table.
    pub store: Arc<dyn Store>,
    /// The queue that deliveries come from; the cleanup sends to it.
    pub replies: Arc<dyn Queue>,
    /// The way to browsers.
    pub push: Arc<dyn Push>,
    /// The event bus.
    pub events: Arc<dyn Events>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// Delivers finals. Made once per process, keeps nothing between deliveries.
pub struct Notifier {
    pub(crate) ports: Ports,
    pub(crate) texts: Texts,
}

impl Notifier {
    /// Makes a notifier; `texts` says what its events may carry.
    pub fn new(ports: Ports, texts: Texts) -> Self {
        Self { ports, texts }
    }

    /// Delivers one message. `Ok` means: acknowledge. An error means: report the failure, never
    /// acknowledge.
    #[instrument(skip_all, fields(session.id = %delivery.group))]
    pub async fn handle(&self, delivery: &Delivery) -> Result<(), NotifierError> {
        let result = match ReplyMessage::parse(&delivery.body) {
            Ok(ReplyMessage::Final(pointer)) => self.deliver(&pointer).await,
            Ok(ReplyMessage::Feedback(feedback)) => self.report_feedback(&feedback).await,
            Ok(ReplyMessage::Deleted(notice)) => {
                let event = analytics::session_deleted(
                    &notice.session_key,
                    &notice.session_id,
                    notice.deleted_at,
                );
                self.emit_or_fail(event).await
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = &result {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the reply will be tried again"
            );
        }
        result
    }
}

/// Returns a session's place between 0 and 1: sessions that failed together do not come back
/// together.
///
/// A key is a hash, so this is jitter enough, and a delivery stays a function of its message and
/// the store.
pub(crate) fn jitter_of(key: &SessionKey) -> f64 {
    key.as_str().bytes().next().map_or(0.0, |byte| f64::from(byte % 64) / 64.0)
}
