//! From a write of the port to a request of the service.
//!
//! An update has no way to say "unless it is expired, then begin anew". So it is tried on a live or
//! absent item first; an expired one refuses, shows itself, and is then replaced as a whole, as
//! long as it is still expired.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use shared::domain::Timestamp;
use shared::memory::limits::check_item;
use shared::ports::store::{Condition, Effect, Item, StoreError, Write, apply, holds};

use super::expression::{Expired, Placeholders};
use super::item::{Stored, encode, encode_key};

/// How often an item may expire and come back while one write is done.
pub(super) const MAX_TRIES: usize = 4;

/// A write, and whether it replaces an expired item in the place of changing a live one.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) write: Write,
    anew: bool,
}

/// What is sent.
#[derive(Debug)]
pub(super) enum Request {
    /// Only the conditions.
    Check(Stored, Clause),
    /// The whole item, as it is stored and as it is.
    Put(Stored, Item, Clause),
    /// The key alone.
    Delete(Stored, Clause),
    /// The key and the changes.
    Update(Stored, String, Clause),
}

/// The conditions, and every placeholder of the request.
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) condition: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Attempt {
    pub(super) fn new(write: Write) -> Self {
        Self { write, anew: false }
    }

    /// Makes the request; an item that is too large is refused before it travels.
    pub(super) fn request(&self, now: Timestamp) -> Result<Request, StoreError> {
        let Write { key, conditions, effect } = &self.write;
        let absent = [Condition::Absent];
        match effect {
            Effect::Check => {
                Ok(Request::Check(encode_key(key), clause(conditions, Expired::IsAbsent, now)))
            }
            Effect::Delete => {
                Ok(Request::Delete(encode_key(key), clause(conditions, Expired::IsAbsent, now)))
            }
            Effect::Update(changes) if !self.anew => {
                let mut placeholders = Placeholders::default();
                let changes = placeholders.changes(changes)?;
                let condition = placeholders.conditions(conditions, Expired::Refuses, now);
                Ok(Request::Update(encode_key(key), changes, finish(condition, placeholders)))
            }
            Effect::Put(_) => self.put(conditions, now),
            Effect::Update(_) => self.put(&absent, now),
        }
    }

    /// Tells whether a refusal only says how the write must be tried instead, and prepares for
    /// that.
    pub(super) fn goes_on(&mut self, stored: Option<&Item>, now: Timestamp) -> bool {
        let expired = stored.is_some_and(|item| item.is_expired(now));
        let updates = matches!(self.write.effect, Effect::Update(_));
        let begins = expired
            && updates
            && self.write.conditions.iter().all(|condition| holds(condition, None));
        if self.anew || begins {
            // What was to be replaced may live again: then it is changed as it stands.
            self.anew = !self.anew;
            return true;
        }
        false
    }

    fn put(&self, conditions: &[Condition], now: Timestamp) -> Result<Request, StoreError> {
        let key = &self.write.key;
        let item = apply(key, self.write.effect.clone(), None)
            .ok_or_else(|| StoreError::Corrupt("nothing is left to be put".into()))?;
        check_item(key, &item.attributes)?;
        Ok(Request::Put(
            encode(key, &item.attributes)?,
            item,
            clause(conditions, Expired::IsAbsent, now),
        ))
    }
}

fn clause(conditions: &[Condition], expired: Expired, now: Timestamp) -> Clause {
    let mut placeholders = Placeholders::default();
    let condition = placeholders.conditions(conditions, expired, now);
    finish(condition, placeholders)
}

fn finish(condition: Option<String>, placeholders: Placeholders) -> Clause {
    Clause { condition, names: placeholders.names(), values: placeholders.into_values() }
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

    fn update(conditions: Vec<Condition>) -> Attempt {
        Attempt::new(Write::update(Key::new("p", "s"), conditions, vec![Change::Add("n", 5)]))
    }

    #[test]
    fn an_update_of_an_expired_item_becomes_a_put() {
        let mut attempt = update(Vec::new());
        assert!(matches!(attempt.request(NOW), Ok(Request::Update(..))));
        assert!(attempt.goes_on(Some(&item(50)), NOW));
        let Ok(Request::Put(_, item, _)) = attempt.request(NOW) else { panic!() };
        assert_eq!(item.attributes["n"], 5);
    }

    #[test]
    fn a_put_that_finds_the_item_alive_again_becomes_an_update() {
        let mut attempt = update(Vec::new());
        assert!(attempt.goes_on(Some(&item(50)), NOW));
        assert!(attempt.goes_on(Some(&item(500)), NOW));
        assert!(matches!(attempt.request(NOW), Ok(Request::Update(..))));
    }

    #[test]
    fn a_refusal_that_would_hold_for_an_absent_item_too_is_final() {
        assert!(!update(vec![Condition::Present]).goes_on(Some(&item(50)), NOW));
        assert!(!update(Vec::new()).goes_on(Some(&item(500)), NOW));
        assert!(!update(Vec::new()).goes_on(None, NOW));
        let put = Write::put(item(500), vec![Condition::Absent]);
        assert!(!Attempt::new(put).goes_on(Some(&item(50)), NOW));
    }
}
