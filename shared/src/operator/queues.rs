//! Dead letters: what nobody could handle, and the ways out.

use serde::{Deserialize, Serialize};

use crate::domain::{MessageId, SessionKey, Timestamp};

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueName {
    /// To the worker.
    Requests,
    /// To the notifier.
    Replies,
}

impl QueueName {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Replies];

    /// Returns the name as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Replies => "replies",
        }
    }
}

/// `GET /admin/api/dead-letters?limit=100`: oldest first, of both queues.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeadLetters {
    /// At most 1,000 of each queue.
    pub dead_letters: Vec<DeadLetterView>,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterView {
    /// The queue that it was for.
    pub queue: QueueName,
    /// The queue's own id of it: what redrive and drop are told.
    pub id: String,
    /// Its message group.
    pub group: String,
    /// Its body's type, such as `message`; none for a body that cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Its body's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<u64>,
    /// The session that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The message that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Why it is here, as far as its body and the session's rows tell.
    pub reason: String,
    /// Its body; it may hold somebody's words.
    pub body: String,
}

/// `POST /admin/api/dead-letters/redrive` and `…/drop`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RedriveRequest {
    /// Of which queue.
    pub queue: QueueName,
    /// Which; all where there is no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveResponse {
    /// The dead letters that were moved or removed, by the ids that they had.
    pub ids: Vec<String>,
    /// Asked for, and not there.
    pub missing: Vec<String>,
}
