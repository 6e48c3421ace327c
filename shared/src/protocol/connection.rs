//! The connections of a session.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::accept::live;
use super::{ConnectionRow, keys};
use crate::domain::{ConnectionId, ExpiresAt, PrincipalHash, SessionKey};
use crate::ports::Durability;
use crate::ports::store::{Change, Condition, Item, Store, StoreError, Write};

/// The largest number of connections of one session that are pushed to.
pub const MAX_CONNECTIONS: usize = 50;

/// How much earlier than its session a connection's row may end before it is extended: it bounds
/// the writes of a session that goes on.
const SLACK: Duration = Duration::from_mins(15);

/// Writes a connection's row anew; refused where the session does not live.
pub fn register(key: &SessionKey, row: &ConnectionRow) -> Result<Vec<Write>, StoreError> {
    let item = Item::from_row(keys::connection(key, &row.connection_id), row)?;
    Ok(vec![Write::check(keys::session(key), live()), Write::put(item, Vec::new())])
}

/// Reads the session's connections, only those of its owner.
pub async fn list(
    store: &dyn Store,
    key: &SessionKey,
    owner: &PrincipalHash,
) -> Result<Vec<ConnectionRow>, StoreError> {
    let page = store.query(&keys::connections(key, MAX_CONNECTIONS)).await?;
    let rows = page
        .items
        .into_iter()
        .map(Item::into_row::<ConnectionRow>)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().filter(|row| row.principal_hash == *owner).collect())
}

/// Extends the rows that end before their session, which ends at `session_ends`.
///
/// Every message moves the end of the session, and none touches its connections: without this, a
/// tab that is open for longer than a session lives would be forgotten. A row that ends at most
/// fifteen minutes too early is left alone. What cannot be written is tried again at the next
/// listing.
pub async fn extend(
    store: &dyn Store,
    key: &SessionKey,
    rows: &[ConnectionRow],
    session_ends: ExpiresAt,
) {
    let early = session_ends.timestamp().minus(SLACK);
    let short = rows.iter().filter(|row| row.expires_at.timestamp() < early);
    let writes = short.map(|row| {
        let unchanged = vec![Condition::Equals("stamp", json!(row.stamp))];
        let change = vec![Change::Set("expires_at", json!(session_ends))];
        let write = Write::update(keys::connection(key, &row.connection_id), unchanged, change);
        store.write(write, Durability::Ordered)
    });
    join_all(writes).await;
}

/// Removes the row of a connection that is gone; one that is gone already is Ok.
pub async fn forget(
    store: &dyn Store,
    key: &SessionKey,
    id: &ConnectionId,
) -> Result<(), StoreError> {
    store
        .write(Write::delete(keys::connection(key, id), Vec::new()), Durability::Ordered)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{Principal, SessionId, Timestamp};
    use crate::memory::{MemoryStore, TokioClock};

    #[tokio::test(start_paused = true)]
    async fn a_row_that_ends_well_before_its_session_is_extended_unless_it_was_written_anew() {
        let now = Timestamp(1_800_000_000_000);
        let store = MemoryStore::new(Arc::new(TokioClock::starting_at(now)));
        let owner = Principal::parse("anon:anna").unwrap();
        let key = SessionKey::derive(&owner, &SessionId::parse("lesson").unwrap());
        let hours = |hours| ExpiresAt::at(now.plus(Duration::from_hours(hours)));
        let row = |id: &str, expires_at| ConnectionRow {
            connection_id: ConnectionId::new(id),
            principal_hash: owner.hash(),
            stamp: format!("stamp of {id}"),
            expires_at,
        };
        let nearly = ExpiresAt::at(hours(3).timestamp().minus(SLACK));
        let rows = vec![row("early", hours(1)), row("nearly", nearly), row("anew", hours(1))];
        for row in &rows {
            let row = Item::from_row(keys::connection(&key, &row.connection_id), row).unwrap();
            store.write(Write::put(row, Vec::new()), Durability::Ordered).await.unwrap();
        }
        let mut seen = rows;
        seen[2].stamp = "an older stamp".to_owned();
        extend(&store, &key, &seen, hours(3)).await;
        let rows = list(&store, &key, &owner.hash()).await.unwrap();
        let ends: Vec<_> =
            rows.iter().map(|row| (row.connection_id.as_str(), row.expires_at)).collect();
        assert_eq!(ends, [("anew", hours(1)), ("early", hours(3)), ("nearly", nearly)]);
    }
}
