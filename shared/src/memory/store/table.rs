//! The items, and the index of those that are due.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Timestamp;
use crate::limits::{check_item, check_transaction, item_bytes};
use crate::ports::store::{
    Effect, FailedCondition, Item, Key, MAX_PAGE_BYTES, Page, Query, StoreError, Write, apply,
    holds,
};

/// What happens to the stored item.
enum Step {
    Keep,
    Store(Item),
    Remove(Key),
}

#[derive(Debug, Default)]
pub(super) struct Table {
    items: BTreeMap<Key, Item>,
    due: BTreeSet<(i64, Key)>,
}

impl Table {
    pub(super) fn live(&self, key: &Key, now: Timestamp) -> Option<&Item> {
        self.items.get(key).filter(|item| !item.is_expired(now))
    }

    pub(super) fn query(&self, query: &Query, now: Timestamp) -> Page {
        let from = Key::new(&query.partition, &query.from);
        let to = Key::new(&query.partition, &query.to);
        if from > to {
            return Page { items: Vec::new(), more: false };
        }
        let wanted = |item: &&Item| query.expired || !item.is_expired(now);
        let range = self.items.range(from..=to).map(|(_, item)| item);
        if query.descending {
            page(range.rev().filter(wanted), query)
        } else {
            page(range.filter(wanted), query)
        }
    }

    pub(super) fn write(
        &mut self,
        write: Write,
        now: Timestamp,
    ) -> Result<Option<Item>, StoreError> {
        self.check(&write, 0, now)?;
        let key = write.key.clone();
        let step = self.plan(write, now)?;
        self.carry_out(step);
        Ok(self.live(&key, now).cloned())
    }

    pub(super) fn transact(
        &mut self,
        writes: Vec<Write>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        check_transaction(&writes)?;
        for (index, write) in writes.iter().enumerate() {
            self.check(write, index, now)?;
        }
        let steps =
            writes.into_iter().map(|write| self.plan(write, now)).collect::<Result<Vec<_>, _>>()?;
        for step in steps {
            self.carry_out(step);
        }
        Ok(())
    }

    pub(super) fn due(&self, until: Timestamp, limit: usize) -> Vec<Item> {
        let due = self.due.iter().take_while(|(due, _)| *due <= until.0).take(limit);
        due.filter_map(|(_, key)| self.items.get(key).cloned()).collect()
    }

    pub(super) fn purge(&mut self, now: Timestamp, limit: usize) -> usize {
        let expired = self.items.values().filter(|item| item.is_expired(now)).take(limit);
        let keys: Vec<Key> = expired.map(|item| item.key.clone()).collect();
        for key in &keys {
            self.remove(key);
        }
        keys.len()
    }

    pub(super) fn dump(&self) -> Vec<Item> {
        self.items.values().cloned().collect()
    }

    fn check(&self, write: &Write, index: usize, now: Timestamp) -> Result<(), StoreError> {
        let current = self.live(&write.key, now);
        if write.conditions.iter().all(|condition| holds(condition, current)) {
            return Ok(());
        }
        Err(StoreError::ConditionFailed(Box::new(FailedCondition {
            index,
            current: current.cloned(),
        })))
    }

    fn plan(&self, write: Write, now: Timestamp) -> Result<Step, StoreError> {
        if write.effect == Effect::Check {
            return Ok(Step::Keep);
        }
        let current = self.live(&write.key, now).cloned();
        match apply(&write.key, write.effect, current) {
            Some(item) => check_item(&item.key, &item.attributes).map(|_| Step::Store(item)),
            None => Ok(Step::Remove(write.key)),
        }
    }

    fn carry_out(&mut self, step: Step) {
        match step {
            Step::Keep => {}
            Step::Remove(key) => self.remove(&key),
            Step::Store(item) => {
                self.remove(&item.key);
                if let Some(due) = item.number("due") {
                    self.due.insert((due, item.key.clone()));
                }
                self.items.insert(item.key.clone(), item);
            }
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(due) = self.items.remove(key).as_ref().and_then(|item| item.number("due")) {
            self.due.remove(&(due, key.clone()));
        }
    }
}

fn page<'t>(items: impl Iterator<Item = &'t Item>, query: &Query) -> Page {
    let mut page = Page { items: Vec::new(), more: false };
    let mut bytes = 0;
    for item in items {
        bytes += item_bytes(&item.key, &item.attributes);
        if page.items.len() == query.limit.max(1)
            || (bytes > MAX_PAGE_BYTES && !page.items.is_empty())
        {
            page.more = true;
            break;
        }
        page.items.push(item.clone());
    }
    page
}
