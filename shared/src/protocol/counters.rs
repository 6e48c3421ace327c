//! Rows apart from any session: used tickets, rates, budgets.

use std::time::Duration;

use serde_json::json;

use crate::domain::{ExpiresAt, MicroUsd, Timestamp};
use crate::ports::Durability;
use crate::ports::store::{Attributes, Change, Condition, Item, Key, Store, StoreError, Write};

/// The prefix of the partitions that hold rates: they matter for minutes and need not outlive a
/// process.
pub const RATE_PREFIX: &str = "rate#";
const SORT: &str = "N";

/// Records a ticket's nonce as used; `false` if it was used before.
pub async fn use_nonce(
    store: &dyn Store,
    nonce: &str,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let attributes =
        Attributes::from_iter([("expires_at".to_owned(), json!(ExpiresAt::at(until)))]);
    let item = Item { key: Key::new(format!("nonce#{nonce}"), SORT), attributes };
    let write = Write::put(item, vec![Condition::Absent]);
    taken(store.write(write, Durability::Ordered).await)
}

/// Counts one request of `who` in the present window; the wait until the next window if the limit
/// is reached.
pub async fn count(
    store: &dyn Store,
    who: &str,
    limit: u32,
    window: Duration,
    now: Timestamp,
) -> Result<Option<Duration>, StoreError> {
    let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
    let number = now.0.div_euclid(length);
    let end = Timestamp((number + 1).saturating_mul(length));
    let key = Key::new(format!("{RATE_PREFIX}{who}#{number}"), SORT);
    let changes = vec![
        Change::Add("count", 1),
        Change::Set("expires_at", json!(ExpiresAt::at(end.plus(window)))),
    ];
    let write = Write::update(key, vec![Condition::AtMost("count", i64::from(limit) - 1)], changes);
    Ok((!taken(store.write(write, Durability::Ordered).await)?).then(|| end.since(now)))
}

/// One day's budget of the stack or of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    key: Key,
    limit: MicroUsd,
    expires_at: ExpiresAt,
}

impl Budget {
    /// Names the budget of `who` on the UTC day of `now`.
    pub fn of_day(who: &str, limit: MicroUsd, now: Timestamp) -> Self {
        let key = Key::new(format!("budget#{}#{who}", now.utc_day()), SORT);
        Self { key, limit, expires_at: ExpiresAt::at(now.plus(Duration::from_hours(48))) }
    }

    /// Reserves an amount; `false` if it would exceed the budget.
    pub async fn reserve(&self, store: &dyn Store, amount: MicroUsd) -> Result<bool, StoreError> {
        if amount > self.limit {
            return Ok(false);
        }
        let fits = Condition::AtMost("spent", self.limit.0 - amount.0);
        taken(store.write(self.add(vec![fits], amount.0), Durability::Ordered).await)
    }

    /// Replaces a reservation by what was really spent. Never retried: a lost one stays reserved
    /// for the day.
    pub async fn settle(
        &self,
        store: &dyn Store,
        reserved: MicroUsd,
        spent: MicroUsd,
    ) -> Result<(), StoreError> {
        store.write(self.add(Vec::new(), spent.0 - reserved.0), Durability::Ordered).await.map(drop)
    }

    fn add(&self, conditions: Vec<Condition>, amount: i64) -> Write {
        let changes =
            vec![Change::Add("spent", amount), Change::Set("expires_at", json!(self.expires_at))];
        Write::update(self.key.clone(), conditions, changes)
    }
}

fn taken(result: Result<Option<Item>, StoreError>) -> Result<bool, StoreError> {
    match result {
        Ok(_) => Ok(true),
        Err(StoreError::ConditionFailed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
