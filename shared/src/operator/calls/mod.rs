//! The operator calls that need nothing but the ports: the same on one machine and on AWS.

mod letters;
mod messages;
mod sessions;

use serde::de::DeserializeOwned;

use crate::ports::store::{Item, Key, Store, StoreError};

pub use letters::dead_letter;
pub use messages::{MOST_MESSAGES, outcomes, submit};
pub use sessions::{session, turns};

async fn rows<T: DeserializeOwned>(
    store: &dyn Store,
    keys: &[Key],
) -> Result<Vec<Option<T>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let items = store.get(keys).await?;
    items.into_iter().map(|item| item.map(Item::into_row).transpose()).collect()
}

async fn row<T: DeserializeOwned>(store: &dyn Store, key: Key) -> Result<Option<T>, StoreError> {
    Ok(rows(store, &[key]).await?.pop().flatten())
}
