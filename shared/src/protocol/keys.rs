//! Where each row is.

use crate::domain::{ConnectionId, MessageId, SessionKey, TurnNumber};
use crate::ports::store::{Key, Query};

/// The sort key of a session's own row.
pub const META: &str = "META";

/// Returns the key of the session's row.
pub fn session(key: &SessionKey) -> Key {
    Key::new(key.as_str(), META)
}

/// Returns the key of a message.
pub fn message(key: &SessionKey, id: &MessageId) -> Key {
    Key::new(key.as_str(), format!("M#{id}"))
}

/// Returns the key of a turn.
pub fn turn(key: &SessionKey, turn: TurnNumber) -> Key {
    Key::new(key.as_str(), turn_sort(turn.get()))
}

/// Returns the key of a connection.
pub fn connection(key: &SessionKey, id: &ConnectionId) -> Key {
    Key::new(key.as_str(), format!("C#{id}"))
}

/// Tells whether a key is a connection's.
pub fn is_connection(key: &Key) -> bool {
    key.sort.starts_with("C#")
}

/// Asks for the turns after `after`, in order.
pub fn turns_after(key: &SessionKey, after: u64, limit: usize) -> Query {
    turns_between(key, after.saturating_add(1), LAST_TURN, limit)
}

/// Asks for the turns before `before`, newest first.
pub fn turns_before(key: &SessionKey, before: u64, limit: usize) -> Query {
    Query { descending: true, ..turns_between(key, 1, before.saturating_sub(1), limit) }
}

/// Asks for the turns of a closed range, in order.
pub fn turns_between(key: &SessionKey, first: u64, last: u64, limit: usize) -> Query {
    Query {
        partition: key.as_str().to_owned(),
        from: turn_sort(first.min(LAST_TURN)),
        to: turn_sort(last.min(LAST_TURN)),
        descending: false,
        limit,
        expired: false,
    }
}

/// Asks for the session's connections.
pub fn connections(key: &SessionKey, limit: usize) -> Query {
    Query::prefix(key.as_str(), "C#", limit)
}

/// Asks for every row of the session, expired ones included.
pub fn everything(key: &SessionKey, limit: usize) -> Query {
    Query { expired: true, ..Query::prefix(key.as_str(), "", limit) }
}

const LAST_TURN: u64 = 9_999_999_999;

fn turn_sort(number: u64) -> String {
    format!("T#{number:010}")
}
