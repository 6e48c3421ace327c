//! Writes to few items, so that they meet.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use shared::ports::store::{Attributes, Change, Condition, Effect, Key, Write};

use super::operation::second;

/// Partitions: one that is never purged, and one that every adapter purges.
pub(super) fn partition() -> impl Strategy<Value = String> {
    select(vec!["session", "nonce#1"]).prop_map(str::to_owned)
}

/// Sort keys of which some are prefixes of others, and one is not ASCII.
pub(super) fn sort() -> impl Strategy<Value = String> {
    select(vec!["a", "a#1", "b", "é"]).prop_map(str::to_owned)
}

pub(super) fn key() -> impl Strategy<Value = Key> {
    (partition(), sort()).prop_map(|(partition, sort)| Key { partition, sort })
}

pub(super) fn write() -> impl Strategy<Value = Write> {
    (key(), vec(condition(), 0..3), effect()).prop_map(|(key, conditions, effect)| Write {
        key,
        conditions,
        effect,
    })
}

fn attribute() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        1 => (0..3_i64).prop_map(|number| ("number", number.into())),
        1 => select(vec!["x", "y"]).prop_map(|text| ("text", text.into())),
        1 => any::<bool>().prop_map(|flag| ("flag", flag.into())),
        2 => (0..6_i64).prop_map(|seconds| ("expires_at", (second(seconds).0 / 1_000).into())),
        1 => (0..6_i64).prop_map(|seconds| ("due", second(seconds).0.into())),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    attribute().prop_map(|(name, _)| name)
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Present),
        Just(Condition::Absent),
        attribute().prop_map(|(name, value)| Condition::Equals(name, value)),
        attribute().prop_map(|(name, value)| Condition::Differs(name, value)),
        name().prop_map(Condition::Missing),
        (0..3_i64).prop_map(|most| Condition::AtMost("number", most)),
    ]
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        4 => vec(attribute(), 0..4).prop_map(|attributes| Effect::Put(object(attributes))),
        3 => vec(change(), 1..4).prop_map(|changes| Effect::Update(one_each(changes))),
        2 => Just(Effect::Delete),
        1 => Just(Effect::Check),
    ]
}

fn object(attributes: Vec<(&'static str, Value)>) -> Attributes {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => attribute().prop_map(|(name, value)| Change::Set(name, value)),
        1 => name().prop_map(Change::Remove),
        1 => (select(vec!["number", "due"]), -2..3_i64)
            .prop_map(|(name, amount)| Change::Add(name, amount)),
    ]
}

/// Leaves one change of each attribute: a service refuses an update that changes one twice.
fn one_each(mut changes: Vec<Change>) -> Vec<Change> {
    let mut names = Vec::new();
    changes.retain(|change| {
        let (Change::Set(name, _) | Change::Remove(name) | Change::Add(name, _)) = change;
        let is_first = !names.contains(name);
        names.push(*name);
        is_first
    });
    changes
}
