//! What a store is supposed to do, written as plainly as possible.

use serde_json::Value;
use shared::domain::Timestamp;
use shared::ports::store::{
    Attributes, Change, Condition, Effect, FailedCondition, Item, Key, Page, Query, Write,
};

use super::START;
use super::operation::Operation;

/// What an operation shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Observation {
    Done,
    Items(Vec<Option<Item>>),
    Page(Page),
    Written(Option<Item>),
    Refused(FailedCondition),
    Invalid,
}

/// A store as a list of items.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) items: Vec<Item>,
    pub(super) now: Timestamp,
    /// Tells which expired items a purge removes.
    purges: fn(&Key) -> bool,
}

impl Model {
    /// Makes an empty store.
    pub(super) fn new(purges: fn(&Key) -> bool) -> Self {
        Self { items: Vec::new(), now: START, purges }
    }

    /// Does one operation.
    pub(super) fn act(&mut self, operation: &Operation) -> Observation {
        match operation {
            Operation::Write(write, _) => self.write(write),
            Operation::Transact(writes, _) => self.transact(writes),
            Operation::Get(keys) => {
                Observation::Items(keys.iter().map(|key| self.get(key)).collect())
            }
            Operation::Query(query) => Observation::Page(self.query(query)),
            Operation::Due(until, limit) => {
                Observation::Items(self.due(*until, *limit).into_iter().map(Some).collect())
            }
            Operation::Pass(span) => self.pass(self.now.plus(*span)),
            Operation::Purge => self.purge(),
            Operation::Sync | Operation::Restart => Observation::Done,
        }
    }

    /// Returns an item unless it is expired.
    pub(super) fn get(&self, key: &Key) -> Option<Item> {
        self.items.iter().find(|item| item.key == *key && !self.is_expired(item)).cloned()
    }

    /// Reads one page.
    pub(super) fn query(&self, query: &Query) -> Page {
        let is_wanted = |item: &&Item| {
            let Key { partition, sort } = &item.key;
            *partition == query.partition
                && *sort >= query.from
                && *sort <= query.to
                && (query.expired || !self.is_expired(item))
        };
        let mut items: Vec<Item> = self.items.iter().filter(is_wanted).cloned().collect();
        items.sort_by(|one, other| one.key.sort.cmp(&other.key.sort));
        if query.descending {
            items.reverse();
        }
        let limit = if query.limit == 0 { 1 } else { query.limit };
        let more = items.len() > limit;
        items.truncate(limit);
        Page { items, more }
    }

    /// Lists what is due; of what is due at one time, by key.
    pub(super) fn due(&self, until: Timestamp, limit: usize) -> Vec<Item> {
        let due = |item: &Item| number(item, "due");
        let mut items: Vec<Item> = self
            .items
            .iter()
            .filter(|item| due(item).is_some_and(|at| at <= until.0))
            .cloned()
            .collect();
        items.sort_by(|one, other| (due(one), &one.key).cmp(&(due(other), &other.key)));
        items.truncate(limit);
        items
    }

    fn write(&mut self, write: &Write) -> Observation {
        let current = self.get(&write.key);
        if !all_hold(&write.conditions, current.as_ref()) {
            return Observation::Refused(FailedCondition { index: 0, current });
        }
        self.apply(write);
        Observation::Written(self.get(&write.key))
    }

    fn transact(&mut self, writes: &[Write]) -> Observation {
        for (index, write) in writes.iter().enumerate() {
            if writes[..index].iter().any(|earlier| earlier.key == write.key) {
                return Observation::Invalid;
            }
        }
        for (index, write) in writes.iter().enumerate() {
            let current = self.get(&write.key);
            if !all_hold(&write.conditions, current.as_ref()) {
                return Observation::Refused(FailedCondition { index, current });
            }
        }
        for write in writes {
            self.apply(write);
        }
        Observation::Done
    }

    fn apply(&mut self, write: &Write) {
        let key = write.key.clone();
        let attributes = match &write.effect {
            Effect::Check => return,
            Effect::Delete => return self.items.retain(|item| item.key != key),
            Effect::Put(attributes) => attributes.clone(),
            Effect::Update(changes) => {
                let attributes =
                    self.get(&key).map_or_else(Attributes::new, |item| item.attributes);
                changes.iter().fold(attributes, change_one)
            }
        };
        self.items.retain(|item| item.key != key);
        self.items.push(Item { key, attributes });
    }

    fn is_expired(&self, item: &Item) -> bool {
        number(item, "expires_at").is_some_and(|seconds| Timestamp(seconds * 1_000) <= self.now)
    }

    fn pass(&mut self, now: Timestamp) -> Observation {
        self.now = now;
        Observation::Done
    }

    fn purge(&mut self) -> Observation {
        let all = std::mem::take(&mut self.items);
        self.items = all
            .into_iter()
            .filter(|item| !(self.is_expired(item) && (self.purges)(&item.key)))
            .collect();
        Observation::Done
    }
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.attributes.get(name)?.as_i64()
}

fn change_one(mut attributes: Attributes, change: &Change) -> Attributes {
    match change {
        Change::Set(name, value) => drop(attributes.insert((*name).to_owned(), value.clone())),
        Change::Remove(name) => drop(attributes.remove(*name)),
        Change::Add(name, amount) => {
            let before = attributes.get(*name).and_then(Value::as_i64).unwrap_or(0);
            attributes.insert((*name).to_owned(), (before + amount).into());
        }
    }
    attributes
}

fn all_hold(conditions: &[Condition], item: Option<&Item>) -> bool {
    let value = |name: &str| item.and_then(|item| item.attributes.get(name));
    conditions.iter().all(|condition| match condition {
        Condition::Present => item.is_some(),
        Condition::Absent => item.is_none(),
        Condition::Equals(name, wanted) => value(name) == Some(wanted),
        Condition::Differs(name, unwanted) => value(name) != Some(unwanted),
        Condition::Missing(name) => value(name).is_none(),
        Condition::AtMost(name, most) => match value(name) {
            None => true,
            Some(value) => value.as_i64().unwrap() <= *most,
        },
    })
}
