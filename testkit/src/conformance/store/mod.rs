//! The suite of [`Store`].

mod conditions;
mod due;
mod effects;
mod expiry;
mod limits;
mod pages;
mod transactions;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use shared::domain::Timestamp;
use shared::memory::ManualClock;
use shared::ports::store::{
    Attributes, Change, Condition, Effect, FailedCondition, Item, Key, Page, Query, Store,
    StoreError, Write,
};
use shared::ports::{Clock, Durability};

/// Checks a store; `make` returns an empty one that goes by the clock it is given.
pub async fn store(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Store>) {
    store_except(make, &[]).await;
}

/// Checks a store, without some checks: for a stand-in that is known to differ from its service
/// there.
pub async fn store_except(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn Store>, except: &[&str]) {
    let case = async || {
        let clock = Arc::new(ManualClock::new(Timestamp(1_800_000_000_000)));
        Case { store: make(Arc::<ManualClock>::clone(&clock)).await, clock }
    };
    super::checks! { case, except;
        effects::reads_keep_the_order_of_their_keys,
        effects::a_write_is_read_by_the_next_read,
        effects::a_put_replaces_the_item_as_a_whole,
        effects::an_update_changes_only_what_it_names,
        effects::an_update_creates_an_absent_item,
        effects::adding_counts_from_zero,
        effects::a_delete_of_an_absent_item_is_ok,
        effects::a_write_returns_the_item_as_it_stands,
        effects::any_text_and_number_comes_back_as_it_was,
        conditions::conditions_see_the_item_as_it_stands,
        conditions::conditions_on_an_absent_item,
        conditions::a_refusal_tells_the_current_item,
        conditions::all_conditions_must_hold,
        conditions::an_update_without_changes_proves_its_conditions,
        conditions::concurrent_conditional_writes_have_one_winner,
        conditions::concurrent_additions_are_all_counted,
        expiry::an_expired_item_is_absent_for_reads,
        expiry::an_expired_item_is_absent_for_conditions,
        expiry::a_put_over_an_expired_item_replaces_it,
        expiry::an_update_of_an_expired_item_begins_anew,
        expiry::an_expired_item_can_be_removed,
        expiry::a_check_leaves_an_expired_item_where_it_is,
        expiry::an_item_can_be_kept_alive,
        pages::a_query_stays_in_its_partition_and_range,
        pages::a_prefix_is_a_range,
        pages::a_query_descends,
        pages::a_limit_leaves_more,
        pages::a_page_ends_at_its_size,
        pages::going_on_behind_the_last_item_reads_everything_once,
        pages::an_empty_range_is_an_empty_page,
        pages::expired_items_fill_no_page,
        transactions::a_transaction_writes_everything,
        transactions::a_refused_transaction_writes_nothing,
        transactions::the_first_refusal_is_told,
        transactions::a_transaction_checks_without_writing,
        transactions::concurrent_transactions_have_one_winner,
        transactions::an_empty_transaction_is_ok,
        due::due_items_come_earliest_first,
        due::due_items_may_be_expired,
        due::due_follows_every_change,
        limits::an_item_over_400_kb_is_refused,
        limits::a_large_item_in_a_transaction_refuses_all_of_it,
        limits::a_transaction_has_at_most_100_different_items,
    }
}

/// An empty store and its clock.
struct Case {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

impl Case {
    async fn get(&self, sort: &str) -> Option<Value> {
        self.store
            .get(&[key(sort)])
            .await
            .unwrap()
            .pop()
            .flatten()
            .map(|item| Value::Object(item.attributes))
    }

    async fn put(&self, sort: &str, attributes: Value) {
        self.write(Write::put(item(sort, attributes), Vec::new())).await.unwrap();
    }

    async fn write(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.store.write(write, Durability::Synced).await
    }

    async fn update(&self, sort: &str, changes: Vec<Change>) -> Item {
        self.write(Write::update(key(sort), Vec::new(), changes)).await.unwrap().unwrap()
    }

    async fn delete(&self, sort: &str) {
        assert_eq!(self.write(Write::delete(key(sort), Vec::new())).await.unwrap(), None);
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.store.transact(writes, Durability::Synced).await
    }

    async fn query(&self, from: &str, to: &str, change: impl FnOnce(&mut Query)) -> Page {
        let from = from.to_owned();
        let to = to.to_owned();
        let partition = "p".to_owned();
        let mut query =
            Query { partition, from, to, descending: false, limit: 1000, expired: false };
        change(&mut query);
        self.store.query(&query).await.unwrap()
    }

    async fn due(&self, limit: usize) -> Vec<String> {
        let items = self.store.due(self.clock.now(), limit).await.unwrap();
        items.into_iter().map(|item| item.key.sort).collect()
    }

    /// Returns the second that lies `seconds` ahead.
    fn second(&self, seconds: i64) -> i64 {
        self.clock.now().0 / 1000 + seconds
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn key(sort: &str) -> Key {
    Key::new("p", sort)
}

fn item(sort: &str, attributes: Value) -> Item {
    Item { key: key(sort), attributes: object(attributes) }
}

fn object(value: Value) -> Attributes {
    match value {
        Value::Object(attributes) => attributes,
        other => Attributes::from_iter([("value".to_owned(), other)]),
    }
}

fn equals(name: &'static str, value: impl Into<Value>) -> Condition {
    Condition::Equals(name, value.into())
}

fn set(name: &'static str, value: impl Into<Value>) -> Change {
    Change::Set(name, value.into())
}

fn sorts(page: &Page) -> Vec<&str> {
    page.items.iter().map(|item| item.key.sort.as_str()).collect()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, StoreError>) -> FailedCondition {
    result.unwrap_err().failed_condition().unwrap()
}

fn put_if(sort: &str, attributes: Value, conditions: Vec<Condition>) -> Write {
    Write { key: key(sort), conditions, effect: Effect::Put(object(attributes)) }
}

/// Returns a text of this many bytes.
fn text(bytes: usize) -> Value {
    json!("x".repeat(bytes))
}
