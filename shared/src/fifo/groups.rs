//! Message groups and their locks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Seq;

/// One message that is in the queue, in flight or not.
#[derive(Debug)]
struct Message {
    group: Arc<str>,
    receive_count: u32,
}

/// The messages of one group in order, and how many of them are in flight.
#[derive(Debug, Default)]
struct Group {
    members: BTreeSet<Seq>,
    in_flight: usize,
}

/// All groups; those without a lock are found by the place of their first message.
#[derive(Debug, Default)]
pub(super) struct Groups {
    messages: HashMap<Seq, Message>,
    by_name: HashMap<Arc<str>, Group>,
    available: BTreeSet<Seq>,
    /// The next message of the group that the present receive has begun.
    current: Option<Seq>,
}

impl Groups {
    pub(super) fn append(&mut self, seq: Seq, name: &str, receive_count: u32) {
        let name = self
            .by_name
            .get_key_value(name)
            .map_or_else(|| Arc::from(name), |(name, _)| Arc::clone(name));
        let group = self.by_name.entry(Arc::clone(&name)).or_default();
        if group.members.is_empty() {
            self.available.insert(seq);
        }
        group.members.insert(seq);
        self.messages.insert(seq, Message { group: name, receive_count });
    }

    /// Returns all messages, in flight or not, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = Seq> + '_ {
        self.messages.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn holds(&self, seq: Seq) -> bool {
        self.messages.contains_key(&seq)
    }

    pub(super) fn receive_count(&self, seq: Seq) -> u32 {
        self.messages.get(&seq).map_or(0, |message| message.receive_count)
    }

    /// Returns the message to hand out next: of the group that this receive has begun, else of the
    /// group whose first message has waited longest.
    pub(super) fn next(&self) -> Option<Seq> {
        self.current.or_else(|| self.available.first().copied())
    }

    pub(super) fn next_is_some(&self) -> bool {
        !self.available.is_empty()
    }

    /// Locks the message's group for it, and counts the receive.
    pub(super) fn take(&mut self, seq: Seq) -> Option<(Arc<str>, u32)> {
        let message = self.messages.get_mut(&seq)?;
        message.receive_count += 1;
        let taken = (Arc::clone(&message.group), message.receive_count);
        self.lock(seq);
        self.current = self.after(seq);
        Some(taken)
    }

    pub(super) fn end_receive(&mut self) {
        self.current = None;
    }

    pub(super) fn lock(&mut self, seq: Seq) {
        let Some(group) = group_of(&self.messages, &mut self.by_name, seq) else { return };
        if group.in_flight == 0
            && let Some(first) = group.members.first()
        {
            self.available.remove(first);
        }
        group.in_flight += 1;
    }

    /// Takes back one message's lock.
    pub(super) fn unlock(&mut self, seq: Seq) {
        let Some(group) = group_of(&self.messages, &mut self.by_name, seq) else { return };
        group.in_flight = group.in_flight.saturating_sub(1);
        if group.in_flight == 0 {
            self.available.extend(group.members.first());
        }
    }

    /// Removes a message that holds no lock.
    pub(super) fn remove(&mut self, seq: Seq) {
        if self.current == Some(seq) {
            self.current = self.after(seq);
        }
        let Some(message) = self.messages.remove(&seq) else { return };
        let Some(group) = self.by_name.get_mut(&message.group) else { return };
        group.members.remove(&seq);
        if group.in_flight == 0 {
            self.available.remove(&seq);
            self.available.extend(group.members.first());
        }
        if group.members.is_empty() {
            self.by_name.remove(&message.group);
        }
    }

    fn after(&self, seq: Seq) -> Option<Seq> {
        let group = self.by_name.get(&self.messages.get(&seq)?.group)?;
        group.members.range(seq + 1..).next().copied()
    }
}

fn group_of<'g>(
    messages: &HashMap<Seq, Message>,
    groups: &'g mut HashMap<Arc<str>, Group>,
    seq: Seq,
) -> Option<&'g mut Group> {
    groups.get_mut(&messages.get(&seq)?.group)
}
