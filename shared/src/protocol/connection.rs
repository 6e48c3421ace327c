//! The connections of a session.

use super::accept::live;
use super::{ConnectionRow, keys};
use crate::domain::{ConnectionId, PrincipalHash, SessionKey};
use crate::ports::Durability;
use crate::ports::store::{Item, Store, StoreError, Write};

/// The largest number of connections of one session that are pushed to.
pub const MAX_CONNECTIONS: usize = 50;

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
