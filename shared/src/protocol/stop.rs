//! Stopping an answer.

use serde_json::json;

use super::{MessageRow, TurnState, keys};
use crate::domain::{MessageId, SessionKey};
use crate::ports::Durability;
use crate::ports::store::{Change, Condition, Item, Store, StoreError, Write};

/// Asks for the turn of a message to end as cancelled.
///
/// No effect on an unknown message or a final. The flag on the message is what a later claim
/// copies; the flag on the turn is what a running worker reads.
pub async fn stop(store: &dyn Store, key: &SessionKey, id: &MessageId) -> Result<(), StoreError> {
    let flag = || vec![Change::Set("cancel", json!(true))];
    let message = Write::update(keys::message(key, id), vec![Condition::Present], flag());
    let Some(row) = effective(store.write(message, Durability::Synced).await)? else {
        return Ok(());
    };
    let Some(turn) = row.into_row::<MessageRow>()?.turn else { return Ok(()) };
    let running = Condition::Equals("state", json!(TurnState::Running));
    effective(
        store
            .write(Write::update(keys::turn(key, turn), vec![running], flag()), Durability::Synced)
            .await,
    )?;
    Ok(())
}

fn effective(result: Result<Option<Item>, StoreError>) -> Result<Option<Item>, StoreError> {
    match result {
        Err(StoreError::ConditionFailed(_)) => Ok(None),
        other => other,
    }
}
