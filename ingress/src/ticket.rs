//! Tickets: who may open one WebSocket, once, soon.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::domain::{PrincipalHash, SessionKey, Timestamp};
use shared::ports::SigningKeys;

use crate::signing;

const PREFIX: &str = "ticket1";

/// How long a ticket is good for.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);
/// How long a used nonce is remembered beyond its ticket's end: clocks differ by minutes.
pub(crate) const NONCE_RETENTION: Duration = Duration::from_mins(10);

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    #[serde(rename = "s")]
    pub(crate) session_key: SessionKey,
    #[serde(rename = "h")]
    pub(crate) principal_hash: PrincipalHash,
    #[serde(rename = "n")]
    pub(crate) nonce: String,
    #[serde(rename = "e")]
    pub(crate) expires_at: Timestamp,
}

impl Ticket {
    /// Writes the ticket.
    pub(crate) fn seal(&self, keys: &SigningKeys) -> Option<String> {
        signing::seal(PREFIX, keys, self)
    }

    /// Reads a ticket that is genuine and good at `now`.
    pub(crate) fn open(text: &str, keys: &SigningKeys, now: Timestamp) -> Option<Self> {
        let (ticket, _) = signing::open::<Self>(PREFIX, keys, text)?;
        (now < ticket.expires_at).then_some(ticket)
    }
}
