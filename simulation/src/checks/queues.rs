//! What is sent, and what is acknowledged.

use shared::domain::{MessageId, SessionKey};
use shared::ports::{Delivery, EventEntry, OutgoingMessage, Store as _};
use shared::protocol::keys;
use shared::queue_messages::{ReplyMessage, RequestMessage};

use super::Checker;
use super::expected::Phase;
use crate::faults::Subject;
use crate::ports::QueueName;

impl Checker {
    /// Checks a message that is about to be sent: a final's pointer only once the final is durable.
    pub(crate) fn sent(&self, which: QueueName, message: &OutgoingMessage) {
        let Ok(ReplyMessage::Final(pointer)) = ReplyMessage::parse(&message.body) else { return };
        if which == QueueName::Requests {
            return;
        }
        let turn = pointer.turn.get();
        let phase = self.with(|expected| {
            expected.life(&pointer.session_key)?.turns.get(&turn).map(|turn| turn.phase)
        });
        if phase == Some(Phase::Running) {
            let subject = Subject::Turn(pointer.session_key, pointer.turn);
            self.violation("5", &subject, || {
                format!("the final of turn {turn} was queued before its commit")
            });
        }
    }

    /// Checks a request that was just acknowledged: its work must be durable, or there must be
    /// none.
    pub async fn acknowledged(&self, body: &str) {
        let Some((key, id)) = request(body) else { return };
        let unfinished = self.with(|expected| {
            let life =
                expected.life(&key).filter(|life| !life.deleted && life.messages.contains(&id))?;
            let phase = life.turn_of(&id).map(|(_, turn)| turn.phase);
            (phase.is_none() || phase == Some(Phase::Running)).then_some(())
        });
        if unfinished.is_none() {
            return;
        }
        // Rows past their end are absent: nothing is owed to a session that is over.
        let rows = self
            .store
            .get(&[keys::session(&key), keys::message(&key, &id)])
            .await
            .unwrap_or_default();
        if rows.len() == 2 && rows.iter().all(Option::is_some) {
            let what = || "the message was acknowledged, and its turn is not final".to_owned();
            self.violation("5", &Subject::Message(key, id), what);
        }
    }

    /// Notes that a delivery deleted its message although the message was received again since.
    pub(crate) fn deleted_by_stale(&self, delivery: &Delivery) {
        let what = || {
            format!("a stale handle deleted message {} of {}", delivery.message_id, delivery.group)
        };
        self.violation("5", &Subject::Nobody, what);
    }

    /// Notes that a request is among the dead letters.
    pub fn dead_lettered(&self, body: &str) {
        let Some((key, id)) = request(body) else { return };
        self.with(|expected| {
            if let Some(promise) = expected.session(&key).messages_sent.get_mut(&id) {
                promise.dead_lettered = true;
            }
        });
    }

    /// Checks an event that the bus took: one id, one content.
    pub(crate) fn published(&self, entry: &EventEntry) {
        let before =
            self.with(|expected| expected.events.insert(entry.id.clone(), entry.detail.clone()));
        if before.is_none()
            && let Some((key, turn)) = answered_turn(entry)
        {
            self.followed_up(&key, turn, "event");
        }
        if before.is_some_and(|before| before != entry.detail) {
            self.violation("9", &Subject::Nobody, || {
                format!("event {} was published with two contents", entry.id)
            });
        }
    }
}

/// Reads from an event which turn ended; `None` for events of other kinds.
fn answered_turn(entry: &EventEntry) -> Option<(SessionKey, u64)> {
    if entry.detail_type == "Chat Feedback" {
        return None;
    }
    let mut parts = entry.id.split('.');
    let key = SessionKey::parse(parts.next()?).ok()?;
    Some((key, parts.next()?.parse().ok()?))
}

fn request(body: &str) -> Option<(SessionKey, MessageId)> {
    match RequestMessage::parse(body).ok()? {
        RequestMessage::Message(pointer) => Some((pointer.session_key, pointer.message_id)),
        RequestMessage::Submit(submit) => {
            Some((submit.submission().session_key(), submit.message_id))
        }
    }
}
