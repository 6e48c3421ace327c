//! What conditions and effects mean, for the adapters that do not leave it to a service.

use serde_json::Value;

use super::{Change, Condition, Effect, Item, Key};

/// Tells whether a condition holds for an item; give `None` for one that is absent or expired.
pub fn holds(condition: &Condition, item: Option<&Item>) -> bool {
    let attribute = |name: &str| item.and_then(|item| item.attributes.get(name));
    match condition {
        Condition::Present => item.is_some(),
        Condition::Absent => item.is_none(),
        Condition::Equals(name, value) => attribute(name) == Some(value),
        Condition::Differs(name, value) => attribute(name) != Some(value),
        Condition::Missing(name) => attribute(name).is_none(),
        Condition::AtMost(name, most) => {
            attribute(name).is_none_or(|value| value.as_i64().is_some_and(|n| n <= *most))
        }
    }
}

/// Returns the item as it stands after the effect; give `None` for one that is absent or expired.
pub fn apply(key: &Key, effect: Effect, item: Option<Item>) -> Option<Item> {
    match effect {
        Effect::Check => item,
        Effect::Put(attributes) => Some(Item { key: key.clone(), attributes }),
        Effect::Delete => None,
        Effect::Update(changes) => {
            let mut item = item
                .unwrap_or_else(|| Item { key: key.clone(), attributes: super::Attributes::new() });
            for change in changes {
                change_attribute(&mut item, change);
            }
            Some(item)
        }
    }
}

fn change_attribute(item: &mut Item, change: Change) {
    match change {
        Change::Set(name, value) => drop(item.attributes.insert(name.to_owned(), value)),
        Change::Remove(name) => drop(item.attributes.remove(name)),
        Change::Add(name, amount) => {
            let sum = item.number(name).unwrap_or(0).saturating_add(amount);
            item.attributes.insert(name.to_owned(), Value::from(sum));
        }
    }
}
