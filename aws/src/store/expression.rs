//! Conditions and changes as DynamoDB expressions.
//!
//! Every attribute is referred to by a placeholder, because hundreds of names are reserved words,
//! `state` and `text` among them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use shared::domain::Timestamp;
use shared::ports::store::{Change, Condition, StoreError};

use super::item::{
    DUE, DUE_SHARD, EXPIRES_AT, PARTITION, SHARD, UNSET, check_name, encode_value, number, text,
};

/// How a condition treats an item that is stored but past its `expires_at`.
///
/// DynamoDB deletes expired items hours later, so conditions must handle them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpiredItem {
    /// Like an absent item: what may be done to an absent item may be done to it.
    CountsAsAbsent,
    /// The condition fails, whatever else holds: an update would modify the expired item instead of
    /// creating a new one.
    FailsCondition,
}

/// The placeholders of one request.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

impl Placeholders {
    /// Returns the placeholder of an attribute's name.
    pub(super) fn name(&mut self, attribute: &str) -> String {
        let known = self.names.iter().position(|name| name == attribute);
        let place = known.unwrap_or_else(|| {
            self.names.push(attribute.to_owned());
            self.names.len() - 1
        });
        format!("#n{place}")
    }

    /// Returns the placeholder of a value.
    pub(super) fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":v{}", self.values.len() - 1)
    }

    /// Returns the names for a request; `None` without any, because DynamoDB rejects an empty map.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let named = |(place, name): (usize, &String)| (format!("#n{place}"), name.clone());
        (!self.names.is_empty()).then(|| self.names.iter().enumerate().map(named).collect())
    }

    /// Returns the values for a request; `None` without any.
    pub(super) fn into_values(self) -> Option<HashMap<String, AttributeValue>> {
        let valued = |(place, value): (usize, AttributeValue)| (format!(":v{place}"), value);
        (!self.values.is_empty()).then(|| self.values.into_iter().enumerate().map(valued).collect())
    }

    /// Writes the condition that an item has not expired. It holds for an absent item too.
    pub(super) fn unexpired(&mut self, now: Timestamp) -> String {
        let end = self.name(EXPIRES_AT);
        let now = self.now(now);
        format!("(attribute_not_exists({end}) OR {end} > {now})")
    }

    /// Writes all conditions as one expression; `None` if there is nothing to check.
    pub(super) fn conditions(
        &mut self,
        all: &[Condition],
        expired: ExpiredItem,
        now: Timestamp,
    ) -> Option<String> {
        let needs_live_item =
            all.iter().any(|one| matches!(one, Condition::Present | Condition::Equals(..)));
        let mut terms: Vec<String> = all.iter().map(|one| self.condition(one)).collect();
        if needs_live_item || expired == ExpiredItem::FailsCondition {
            terms.push(self.unexpired(now));
            return Some(terms.join(" AND "));
        }
        if terms.is_empty() {
            return None;
        }
        let end = self.name(EXPIRES_AT);
        let now = self.now(now);
        Some(format!("{end} <= {now} OR ({})", terms.join(" AND ")))
    }

    /// Writes one condition on an item that has not expired.
    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Present => format!("attribute_exists({})", self.name(PARTITION)),
            Condition::Absent => format!("attribute_not_exists({})", self.name(PARTITION)),
            Condition::Equals(name, value) => {
                format!("{} = {}", self.name(name), self.value(encode_value(value)))
            }
            Condition::Differs(name, value) => {
                let name = self.name(name);
                format!(
                    "(attribute_not_exists({name}) OR {name} <> {})",
                    self.value(encode_value(value))
                )
            }
            Condition::Missing(name) => format!("attribute_not_exists({})", self.name(name)),
            Condition::AtMost(name, most) => {
                let name = self.name(name);
                format!("(attribute_not_exists({name}) OR {name} <= {})", self.value(number(*most)))
            }
        }
    }

    /// Writes all changes as an update expression.
    ///
    /// An update without changes, which only checks its conditions, removes an attribute that never
    /// exists: a transaction accepts no update without an expression, and the documentation does
    /// not promise that a single call does.
    ///
    /// Setting or removing `due` also sets or removes the index's partition key, so that an item
    /// enters and leaves the index with the same write.
    pub(super) fn changes(&mut self, changes: &[Change]) -> Result<String, StoreError> {
        let mut sets = Vec::new();
        let mut removals = Vec::new();
        let mut additions = Vec::new();
        for change in changes {
            match change {
                Change::Set(name, value) => {
                    check_name(name)?;
                    sets.push(format!("{} = {}", self.name(name), self.value(encode_value(value))));
                    if *name == DUE {
                        sets.push(format!(
                            "{} = {}",
                            self.name(DUE_SHARD),
                            self.value(text(SHARD))
                        ));
                    }
                }
                Change::Remove(name) => {
                    check_name(name)?;
                    removals.push(self.name(name));
                    if *name == DUE {
                        removals.push(self.name(DUE_SHARD));
                    }
                }
                Change::Add(name, amount) => {
                    check_name(name)?;
                    additions.push(format!("{} {}", self.name(name), self.value(number(*amount))));
                }
            }
        }
        if changes.is_empty() {
            removals.push(self.name(UNSET));
        }
        let clauses = [("SET", sets), ("REMOVE", removals), ("ADD", additions)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses: Vec<String> =
            clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        Ok(clauses.join(" "))
    }

    fn now(&mut self, now: Timestamp) -> String {
        self.value(number(now.0.div_euclid(1000)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_999);

    #[track_caller]
    fn check(conditions: &[Condition], expired: ExpiredItem, expected: Option<&str>) {
        let mut placeholders = Placeholders::default();
        let expression = placeholders.conditions(conditions, expired, NOW);
        let names = placeholders.names().unwrap_or_default();
        let mut expression = expression.map(|expression| expression.replace("attribute_", ""));
        for (place, name) in names {
            expression = expression.map(|expression| expression.replace(&place, &name));
        }
        assert_eq!(expression.as_deref(), expected);
    }

    #[test]
    fn an_expired_item_is_absent_for_conditions_that_an_absent_item_meets() {
        let absent = "expires_at <= :v0 OR (not_exists(session_id))";
        check(&[Condition::Absent], ExpiredItem::CountsAsAbsent, Some(absent));
        let missing =
            "expires_at <= :v1 OR (not_exists(turn) AND (not_exists(cancel) OR cancel <> :v0))";
        let conditions = [Condition::Missing("turn"), Condition::Differs("cancel", json!(true))];
        check(&conditions, ExpiredItem::CountsAsAbsent, Some(missing));
    }

    #[test]
    fn a_condition_that_needs_an_item_needs_a_live_one() {
        let live = "exists(session_id) AND (not_exists(expires_at) OR expires_at > :v0)";
        check(&[Condition::Present], ExpiredItem::CountsAsAbsent, Some(live));
        let equal = "epoch = :v0 AND (not_exists(expires_at) OR expires_at > :v1)";
        check(&[Condition::Equals("epoch", json!(2))], ExpiredItem::CountsAsAbsent, Some(equal));
    }

    #[test]
    fn an_update_is_refused_by_an_expired_item() {
        check(&[], ExpiredItem::CountsAsAbsent, None);
        check(
            &[],
            ExpiredItem::FailsCondition,
            Some("(not_exists(expires_at) OR expires_at > :v0)"),
        );
        let most = "(not_exists(n) OR n <= :v0) AND (not_exists(expires_at) OR expires_at > :v1)";
        check(&[Condition::AtMost("n", 5)], ExpiredItem::FailsCondition, Some(most));
    }

    #[test]
    fn now_is_the_last_second_that_is_over() {
        let mut placeholders = Placeholders::default();
        placeholders.unexpired(NOW);
        assert_eq!(placeholders.into_values().unwrap()[":v0"], number(1));
    }

    #[test]
    fn changes_keep_the_index_in_step() {
        let mut placeholders = Placeholders::default();
        let changes =
            [Change::Set("due", json!(7)), Change::Add("n", -1), Change::Remove("partial")];
        let expression = placeholders.changes(&changes).unwrap();
        assert_eq!(expression, "SET #n0 = :v0, #n1 = :v1 REMOVE #n3 ADD #n2 :v2");
        assert_eq!(placeholders.names().unwrap()["#n1"], DUE_SHARD);
        let expression = Placeholders::default().changes(&[Change::Remove("due")]).unwrap();
        assert_eq!(expression, "REMOVE #n0, #n1");
    }

    #[test]
    fn an_update_without_changes_has_an_expression_all_the_same() {
        let mut placeholders = Placeholders::default();
        assert_eq!(placeholders.changes(&[]).unwrap(), "REMOVE #n0");
        assert_eq!(placeholders.names().unwrap()["#n0"], UNSET);
    }
}
