//! Reads. All but the index's are consistent.

use aws_sdk_dynamodb::client::customize::CustomizableOperation;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use futures::future::try_join_all;
use shared::domain::Timestamp;
use shared::memory::limits::item_bytes;
use shared::ports::store::{Item, Key, MAX_PAGE_BYTES, Page, Query, StoreError};

use super::DynamoStore;
use super::error::store_error;
use super::expression::Placeholders;
use super::item::{DUE, DUE_SHARD, PARTITION, SHARD, SORT, decode, encode_key, number, text};
use crate::fault::Fault;
use crate::sdk::repeated_once;

/// The fewest items to look at when expired ones were passed over.
const STEP: usize = 25;
/// How many due items are read at once.
const READS_AT_ONCE: usize = 8;

impl DynamoStore {
    /// Reads one item, expired or not.
    pub(super) async fn get_one(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(encode_key(key)));
        let get = get.consistent_read(true).customize();
        let found = get.config_override(Builder::new().retry_config(repeated_once())).send().await;
        let found = found.map_err(|error| store_error(Fault::of("dynamodb GetItem", &error)))?;
        found.item.map(decode).transpose()
    }

    /// Reads one page of the port, which may be several of the service when expired items lie
    /// between.
    pub(super) async fn query_page(&self, query: &Query) -> Result<Page, StoreError> {
        let now = self.clock.now();
        let limit = query.limit.max(1);
        let mut collected = Collected::new(limit);
        if query.from > query.to || query.to.is_empty() {
            return Ok(collected.page(false));
        }
        let mut from = None;
        let mut step = limit;
        loop {
            let answer = self.range(query, now, step).set_exclusive_start_key(from);
            let answer = repeated(answer).send().await;
            let answer =
                answer.map_err(|error| store_error(Fault::of("dynamodb Query", &error)))?;
            for stored in answer.items.unwrap_or_default() {
                if !collected.takes(decode(stored)?) {
                    return Ok(collected.page(true));
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() || collected.items.len() == limit {
                return Ok(collected.page(from.is_some()));
            }
            step = STEP.max(limit - collected.items.len());
        }
    }

    /// Reads what is due, earliest first.
    ///
    /// The index holds keys only, so that nothing but a change of `due` is written to it; the items
    /// are read by them.
    pub(super) async fn due_items(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut keys = Vec::new();
        let mut from = None;
        while keys.len() < limit {
            let answer =
                repeated(self.due_range(until, limit - keys.len()).set_exclusive_start_key(from))
                    .send()
                    .await;
            let answer =
                answer.map_err(|error| store_error(Fault::of("dynamodb Query", &error)))?;
            for stored in answer.items.unwrap_or_default() {
                keys.push(decode(stored)?.key);
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        keys.truncate(limit);
        let mut items = Vec::new();
        for keys in keys.chunks(READS_AT_ONCE) {
            items.extend(try_join_all(keys.iter().map(|key| self.get_one(key))).await?);
        }
        // The index may lag behind: what is not due any more, or gone, is left out.
        let due = |item: &Item| item.number(DUE).is_some_and(|due| due <= until.0);
        Ok(items.into_iter().flatten().filter(due).collect())
    }

    fn range(&self, query: &Query, now: Timestamp, step: usize) -> QueryFluentBuilder {
        let mut placeholders = Placeholders::default();
        let partition = placeholders.name(PARTITION);
        let sort = placeholders.name(SORT);
        let key = placeholders.value(text(&query.partition));
        let to = placeholders.value(text(&query.to));
        // The service takes no empty text for a key, and nothing sorts before it.
        let range = if query.from.is_empty() {
            format!("{partition} = {key} AND {sort} <= {to}")
        } else {
            let from = placeholders.value(text(&query.from));
            format!("{partition} = {key} AND {sort} BETWEEN {from} AND {to}")
        };
        let filter = (!query.expired).then(|| placeholders.unexpired(now));
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(!query.descending)
            .limit(most(step))
            .key_condition_expression(range)
            .set_filter_expression(filter)
            .set_expression_attribute_names(placeholders.names())
            .set_expression_attribute_values(placeholders.into_values())
    }

    fn due_range(&self, until: Timestamp, limit: usize) -> QueryFluentBuilder {
        let mut placeholders = Placeholders::default();
        let shard = placeholders.name(DUE_SHARD);
        let due = placeholders.name(DUE);
        let only = placeholders.value(text(SHARD));
        let until = placeholders.value(number(until.0));
        self.client
            .query()
            .table_name(&self.table)
            .index_name(DUE)
            .limit(most(limit))
            .key_condition_expression(format!("{shard} = {only} AND {due} <= {until}"))
            .set_expression_attribute_names(placeholders.names())
            .set_expression_attribute_values(placeholders.into_values())
    }
}

/// Lets the SDK repeat a read.
fn repeated(
    query: QueryFluentBuilder,
) -> CustomizableOperation<QueryOutput, QueryError, QueryFluentBuilder> {
    query.customize().config_override(Builder::new().retry_config(repeated_once()))
}

/// What goes into one page.
struct Collected {
    items: Vec<Item>,
    bytes: usize,
    limit: usize,
}

impl Collected {
    fn new(limit: usize) -> Self {
        Self { items: Vec::new(), bytes: 0, limit }
    }

    /// Adds an item, unless the page is full without it; the first one always fits.
    fn takes(&mut self, item: Item) -> bool {
        self.bytes += item_bytes(&item.key, &item.attributes);
        let full = self.items.len() == self.limit
            || (self.bytes > MAX_PAGE_BYTES && !self.items.is_empty());
        if !full {
            self.items.push(item);
        }
        !full
    }

    fn page(self, more: bool) -> Page {
        Page { items: self.items, more }
    }
}

fn most(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
