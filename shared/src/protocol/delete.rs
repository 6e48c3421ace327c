//! Deleting a session.

use std::time::Duration;

use serde_json::json;

use super::accept::live;
use super::keys;
use crate::domain::{ConnectionId, ExpiresAt, SessionKey, Timestamp, TurnNumber};
use crate::ports::Durability;
use crate::ports::store::{Attributes, Change, Condition, Item, Store, StoreError, Write};

/// How long a deleted session's id is not used again.
pub const TOMBSTONE_LIFE: Duration = Duration::from_hours(24);
const PAGE: usize = 100;

/// Turns a live session's row into a tombstone without content; it is due at once until the rest is
/// removed.
///
/// From here on no write can create a row of the session.
pub fn tombstone(key: &SessionKey, now: Timestamp) -> Write {
    let attributes = Attributes::from_iter([
        ("deleted".to_owned(), json!(true)),
        ("next_turn".to_owned(), json!(TurnNumber::FIRST)),
        ("created_at".to_owned(), json!(now)),
        ("expires_at".to_owned(), json!(ExpiresAt::at(now.plus(TOMBSTONE_LIFE)))),
        ("due".to_owned(), json!(now)),
    ]);
    Write::put(Item { key: keys::session(key), attributes }, live())
}

/// Removes every row of a session but its own, and returns the connections that were among them.
///
/// Safe to repeat. Once it returns, the caller marks the tombstone as done with [`finished`].
pub async fn remove_rows(
    store: &dyn Store,
    key: &SessionKey,
) -> Result<Vec<ConnectionId>, StoreError> {
    let mut connections = Vec::new();
    loop {
        let mut query = keys::everything(key, PAGE);
        let mut removed = 0;
        loop {
            let page = store.query(&query).await?;
            if let Some(last) = page.items.last() {
                query.from = format!("{}\u{0}", last.key.sort);
            }
            for item in page.items.into_iter().filter(|item| item.key.sort != keys::META) {
                connections.extend(item.key.sort.strip_prefix("C#").map(ConnectionId::new));
                store.write(Write::delete(item.key, Vec::new()), Durability::Ordered).await?;
                removed += 1;
            }
            if !page.more {
                break;
            }
        }
        if removed == 0 {
            return Ok(connections);
        }
    }
}

/// Takes a tombstone off the cleanup's list; it then ends by its own expiry.
pub fn finished(key: &SessionKey) -> Write {
    let still = Condition::Equals("deleted", json!(true));
    let later = Change::Remove("due");
    Write::update(keys::session(key), vec![still], vec![later])
}
