//! Reads. All of them are strongly consistent, except those of the index.

use aws_sdk_dynamodb::client::customize::CustomizableOperation;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use futures::future::try_join_all;
use shared::domain::Timestamp;
use shared::limits::item_bytes;
use shared::ports::store::{Item, Key, MAX_PAGE_BYTES, Page, Query, StoreError};

use super::DynamoStore;
use super::error::store_error;
use super::expression::Placeholders;
use super::item::{DUE, DUE_SHARD, PARTITION, SHARD, SORT, decode, encode_key, number, text};
use crate::call_error::CallError;
use crate::sdk::retry_once;

/// The smallest page that is requested after expired items were skipped, so that many of them do
/// not cost one call each.
const MIN_STEP: usize = 25;
/// How many due items are read concurrently.
const CONCURRENT_READS: usize = 8;

impl DynamoStore {
    /// Reads one item, which may have expired.
    pub(super) async fn get_one(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(encode_key(key)));
        let get = get.consistent_read(true).customize();
        let found = get.config_override(Builder::new().retry_config(retry_once())).send().await;
        let found =
            found.map_err(|error| store_error(CallError::from_sdk("dynamodb GetItem", &error)))?;
        found.item.map(decode).transpose()
    }

    /// Reads one page. If DynamoDB filtered out expired items, this takes several of its pages.
    pub(super) async fn query_page(&self, query: &Query) -> Result<Page, StoreError> {
        let now = self.clock.now();
        let limit = query.limit.max(1);
        let mut page = PageBuilder::new(limit);
        if query.from > query.to || query.to.is_empty() {
            return Ok(page.finish(false));
        }
        let mut from = None;
        let mut step = limit;
        loop {
            let answer = self.range(query, now, step).set_exclusive_start_key(from);
            let answer = with_retry(answer).send().await;
            let answer = answer
                .map_err(|error| store_error(CallError::from_sdk("dynamodb Query", &error)))?;
            for stored in answer.items.unwrap_or_default() {
                if !page.try_push(decode(stored)?) {
                    return Ok(page.finish(true));
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() || page.items.len() == limit {
                return Ok(page.finish(from.is_some()));
            }
            step = MIN_STEP.max(limit - page.items.len());
        }
    }

    /// Reads the items that are due, earliest first.
    ///
    /// The index contains only keys, so that it is written only when `due` changes; the items are
    /// then read by their keys.
    pub(super) async fn due_items(
        &self,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut keys = Vec::new();
        let mut from = None;
        while keys.len() < limit {
            let answer =
                with_retry(self.due_range(until, limit - keys.len()).set_exclusive_start_key(from))
                    .send()
                    .await;
            let answer = answer
                .map_err(|error| store_error(CallError::from_sdk("dynamodb Query", &error)))?;
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
        for keys in keys.chunks(CONCURRENT_READS) {
            items.extend(try_join_all(keys.iter().map(|key| self.get_one(key))).await?);
        }
        // The index is eventually consistent: skip items that are gone or no longer due.
        let due = |item: &Item| item.number(DUE).is_some_and(|due| due <= until.0);
        Ok(items.into_iter().flatten().filter(due).collect())
    }

    fn range(&self, query: &Query, now: Timestamp, step: usize) -> QueryFluentBuilder {
        let mut placeholders = Placeholders::default();
        let partition = placeholders.name(PARTITION);
        let sort = placeholders.name(SORT);
        let key = placeholders.value(text(&query.partition));
        let to = placeholders.value(text(&query.to));
        // DynamoDB rejects an empty key. Every key sorts after it, so no lower bound is needed.
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
            .limit(row_limit(step))
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
            .limit(row_limit(limit))
            .key_condition_expression(format!("{shard} = {only} AND {due} <= {until}"))
            .set_expression_attribute_names(placeholders.names())
            .set_expression_attribute_values(placeholders.into_values())
    }
}

/// Allows the SDK to repeat a read.
fn with_retry(
    query: QueryFluentBuilder,
) -> CustomizableOperation<QueryOutput, QueryError, QueryFluentBuilder> {
    query.customize().config_override(Builder::new().retry_config(retry_once()))
}

/// Collects the items of one page.
struct PageBuilder {
    items: Vec<Item>,
    bytes: usize,
    limit: usize,
}

impl PageBuilder {
    fn new(limit: usize) -> Self {
        Self { items: Vec::new(), bytes: 0, limit }
    }

    /// Adds an item unless the page is full; returns whether it was added. The first item always
    /// fits.
    fn try_push(&mut self, item: Item) -> bool {
        self.bytes += item_bytes(&item.key, &item.attributes);
        let full = self.items.len() == self.limit
            || (self.bytes > MAX_PAGE_BYTES && !self.items.is_empty());
        if !full {
            self.items.push(item);
        }
        !full
    }

    fn finish(self, more: bool) -> Page {
        Page { items: self.items, more }
    }
}

fn row_limit(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
