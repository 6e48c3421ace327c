//! Builds the requests for a write, and adapts them to expired items.
//!
//! An expired item must behave like an absent one, but DynamoDB keeps it for hours. A put or a
//! delete can say so in its condition. An update cannot: no expression means "change the item, but
//! if it has expired, start from an empty one".
//!
//! An update is therefore tried in turns. It first expects a live or an absent item. If the stored
//! item turns out to have expired, DynamoDB returns it with the failed condition, and the write
//! becomes a put of the whole item, on condition that the stored one is still expired or gone. If
//! that fails in turn, somebody has created the item meanwhile, and the write becomes an update
//! again. Every request is a single conditional write, so no step can overwrite a live item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use shared::domain::Timestamp;
use shared::limits::check_item;
use shared::ports::store::{Condition, Effect, Item, StoreError, Write, apply, holds};

use super::expression::{ExpiredItem, Placeholders};
use super::item::{Stored, encode, encode_key};

/// How often a write may change between update and put before it gives up.
pub(super) const MAX_ATTEMPTS: usize = 4;

/// A write, and whether it replaces an expired item instead of updating a live one.
#[derive(Debug)]
pub(super) struct WriteAttempt {
    pub(super) write: Write,
    replaces_expired: bool,
}

/// A request.
#[derive(Debug)]
pub(super) enum WriteRequest {
    /// Only checks the conditions.
    Check(Stored, ConditionClause),
    /// Puts the whole item, encoded and as it is.
    Put(Stored, Item, ConditionClause),
    /// Deletes the key.
    Delete(Stored, ConditionClause),
    /// Updates the key with the changes.
    Update(Stored, String, ConditionClause),
}

/// The condition of a request, and the placeholders of all its expressions.
#[derive(Debug)]
pub(super) struct ConditionClause {
    pub(super) condition: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl WriteAttempt {
    pub(super) fn new(write: Write) -> Self {
        Self { write, replaces_expired: false }
    }

    /// Builds the request. An item that is too large is rejected without a call.
    pub(super) fn request(&self, now: Timestamp) -> Result<WriteRequest, StoreError> {
        let Write { key, conditions, effect } = &self.write;
        let absent = [Condition::Absent];
        match effect {
            Effect::Check => Ok(WriteRequest::Check(
                encode_key(key),
                condition_clause(conditions, ExpiredItem::CountsAsAbsent, now),
            )),
            Effect::Delete => Ok(WriteRequest::Delete(
                encode_key(key),
                condition_clause(conditions, ExpiredItem::CountsAsAbsent, now),
            )),
            Effect::Update(changes) if !self.replaces_expired => {
                let mut placeholders = Placeholders::default();
                let changes = placeholders.changes(changes)?;
                let condition =
                    placeholders.conditions(conditions, ExpiredItem::FailsCondition, now);
                Ok(WriteRequest::Update(encode_key(key), changes, finish(condition, placeholders)))
            }
            Effect::Put(_) => self.put(conditions, now),
            Effect::Update(_) => self.put(&absent, now),
        }
    }

    /// Adapts the write after a failed condition; returns whether it should be tried again.
    pub(super) fn adapt_to_refusal(&mut self, stored: Option<&Item>, now: Timestamp) -> bool {
        let expired = stored.is_some_and(|item| item.is_expired(now));
        let updates = matches!(self.write.effect, Effect::Update(_));
        let starts_new = expired
            && updates
            && self.write.conditions.iter().all(|condition| holds(condition, None));
        if self.replaces_expired || starts_new {
            // A put becomes an update again if the item is live by now.
            self.replaces_expired = !self.replaces_expired;
            return true;
        }
        false
    }

    fn put(&self, conditions: &[Condition], now: Timestamp) -> Result<WriteRequest, StoreError> {
        let key = &self.write.key;
        let item = apply(key, self.write.effect.clone(), None)
            .ok_or_else(|| StoreError::Corrupt("nothing is left to be put".into()))?;
        check_item(key, &item.attributes)?;
        Ok(WriteRequest::Put(
            encode(key, &item.attributes)?,
            item,
            condition_clause(conditions, ExpiredItem::CountsAsAbsent, now),
        ))
    }
}

fn condition_clause(
    conditions: &[Condition],
    expired: ExpiredItem,
    now: Timestamp,
) -> ConditionClause {
    let mut placeholders = Placeholders::default();
    let condition = placeholders.conditions(conditions, expired, now);
    finish(condition, placeholders)
}

fn finish(condition: Option<String>, placeholders: Placeholders) -> ConditionClause {
    ConditionClause { condition, names: placeholders.names(), values: placeholders.into_values() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::ports::store::{Change, Key};

    use super::*;

    const NOW: Timestamp = Timestamp(100_000);

    fn item(expires_at: i64) -> Item {
        let attributes = json!({"n": 1, "expires_at": expires_at}).as_object().unwrap().clone();
        Item { key: Key::new("p", "s"), attributes }
    }

    fn update(conditions: Vec<Condition>) -> WriteAttempt {
        WriteAttempt::new(Write::update(Key::new("p", "s"), conditions, vec![Change::Add("n", 5)]))
    }

    #[test]
    fn an_update_of_an_expired_item_becomes_a_put() {
        let mut attempt = update(Vec::new());
        assert!(matches!(attempt.request(NOW), Ok(WriteRequest::Update(..))));
        assert!(attempt.adapt_to_refusal(Some(&item(50)), NOW));
        let Ok(WriteRequest::Put(_, item, _)) = attempt.request(NOW) else { panic!() };
        assert_eq!(item.attributes["n"], 5);
    }

    #[test]
    fn a_put_that_finds_the_item_alive_again_becomes_an_update() {
        let mut attempt = update(Vec::new());
        assert!(attempt.adapt_to_refusal(Some(&item(50)), NOW));
        assert!(attempt.adapt_to_refusal(Some(&item(500)), NOW));
        assert!(matches!(attempt.request(NOW), Ok(WriteRequest::Update(..))));
    }

    #[test]
    fn a_refusal_that_would_hold_for_an_absent_item_too_is_final() {
        assert!(!update(vec![Condition::Present]).adapt_to_refusal(Some(&item(50)), NOW));
        assert!(!update(Vec::new()).adapt_to_refusal(Some(&item(500)), NOW));
        assert!(!update(Vec::new()).adapt_to_refusal(None, NOW));
        let put = Write::put(item(500), vec![Condition::Absent]);
        assert!(!WriteAttempt::new(put).adapt_to_refusal(Some(&item(50)), NOW));
    }
}
