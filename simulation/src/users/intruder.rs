//! What other accounts try with somebody's session, and what an operator does with it.

use std::sync::Arc;

use shared::domain::{DocumentId, MessageId, MessageText, SessionId};
use shared::ports::Queue as _;
use shared::ports::{Durability, OutgoingMessage};
use shared::queue_messages::{RequestMessage, Submit};

use super::Conversation;
use super::user::principal;
use crate::faults::Subject;
use crate::platform::AccountEdge;
use client::account::{Account, CallError};
use client::transport::Transport;

/// The number of an account that owns nothing.
const INTRUDER: u32 = 9_999;

impl Conversation {
    /// Lets another account try everything that the session's ID allows: every answer must look as
    /// if the session did not exist.
    pub(super) async fn meet_an_intruder(&mut self) {
        let edge: Arc<dyn Transport> =
            AccountEdge::new(Arc::clone(&self.platform), INTRUDER, "198.51.100.1");
        let intruder = Account::anonymous(edge);
        if intruder.create_session(Some("elsewhere")).await.is_err() {
            return;
        }
        self.platform.cloud.faults.tally().event("strangers");
        let tried = match self.rng.u8(0..5) {
            0 => intruder.history(&self.session, 0, 10).await.map(drop),
            1 => intruder.stop(&self.session, "m1").await,
            2 => intruder.ticket(&self.session).await.map(drop),
            3 => intruder.rate(&self.session, 1, shared::domain::Rating::Up, None).await,
            _ => intruder.delete(&self.session).await,
        };
        let told = matches!(tried, Ok(()) | Err(CallError::Conflict | CallError::Refused { .. }));
        if told {
            let subject = Subject::Session(self.key.clone());
            self.platform
                .cloud
                .checker
                .violation("7", &subject, || format!("another account got an answer: {tried:?}"));
        }
    }

    /// Puts a message of the session's owner on the queue, as a batch does.
    pub(super) async fn submit(&mut self) {
        let message = self.message();
        let Some(principal) = principal(self.account.token().as_deref()) else { return };
        let (Ok(session_id), Ok(message_id), Ok(text)) = (
            SessionId::parse(self.session.as_str()),
            MessageId::parse(message.message_id.as_str()),
            MessageText::parse(message.text.clone()),
        ) else {
            return;
        };
        let cloud = &self.platform.cloud;
        cloud.checker.sending(&self.key, &message_id, &message.text, true);
        let body = RequestMessage::Submit(Submit {
            principal,
            session_id,
            message_id,
            accepted_at: cloud.now(),
            message: text,
            document_id: message.document_id.and_then(|id| DocumentId::parse(id).ok()),
            provider: None,
            trace: None,
            replay: None,
        });
        let outgoing = OutgoingMessage {
            group: self.key.to_string(),
            deduplication_id: format!("{}.{}", self.key, message.message_id),
            body: body.to_body(),
            durability: Durability::Synced,
        };
        if cloud.requests.send(outgoing).await.is_ok() {
            cloud.faults.tally().event("submits");
        }
    }
}
