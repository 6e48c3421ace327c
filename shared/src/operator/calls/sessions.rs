//! Sessions and their turns.

use super::row;
use crate::domain::SessionKey;
use crate::operator::{TurnPage, TurnView};
use crate::ports::store::{Store, StoreError};
use crate::protocol::{SessionRow, Turn, keys};

/// Returns a session's row, deleted or not; none where nothing is known of it.
pub async fn session(
    store: &dyn Store,
    key: &SessionKey,
) -> Result<Option<SessionRow>, StoreError> {
    row(store, keys::session(key)).await
}

/// Returns the turns after one, at most `limit` of them and 1 MB.
pub async fn turns(
    store: &dyn Store,
    key: &SessionKey,
    after: u64,
    limit: usize,
) -> Result<TurnPage, StoreError> {
    let page = store.query(&keys::turns_after(key, after, limit)).await?;
    let turns = page.items.into_iter().map(|item| item.into_row::<Turn>().map(TurnView::from));
    Ok(TurnPage { turns: turns.collect::<Result<_, _>>()? })
}
