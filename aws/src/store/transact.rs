//! Transactions.
//!
//! The SDK gives every call an idempotency token and repeats the call with it. A lost
//! acknowledgement then turns into success, and not into a race lost against oneself. The token is
//! random and not derived from the content: two workers that claim the same turn send the same
//! writes, and with the same token both would be told that they succeeded.
//!
//! A cancelled transaction returns one reason for each write, in order. It is tried again only if
//! every failed write was one that met an expired item (see `prepare`); any other reason ends it.
//! The port promises to report the first write whose condition failed, so the reasons are judged in
//! order.

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use shared::domain::Timestamp;
use shared::limits::check_transaction;
use shared::ports::store::{Effect, StoreError, Write};

use super::DynamoStore;
use super::error::{WriteVerdict, refusal, store_error, write_verdict};
use super::prepare::{MAX_ATTEMPTS, WriteAttempt, WriteRequest};
use crate::call_error::CallError;
use crate::sdk::retry_once;

impl DynamoStore {
    /// Makes all writes or none.
    pub(super) async fn transact_all(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        check_transaction(&writes)?;
        let now = self.clock.now();
        let needed = writes.into_iter().enumerate().filter(|(_, write)| !has_no_effect(write));
        let mut attempts: Vec<_> =
            needed.map(|(index, write)| (index, WriteAttempt::new(write))).collect();
        if attempts.is_empty() {
            return Ok(());
        }
        for _ in 0..MAX_ATTEMPTS {
            let Some(reasons) = self.try_all(&attempts, now).await? else { return Ok(()) };
            resolve_refusals(&mut attempts, &reasons, now)?;
        }
        Err(StoreError::Unavailable("the items kept expiring and being created again".into()))
    }

    /// Makes one call; returns the reasons if the transaction was cancelled.
    async fn try_all(
        &self,
        attempts: &[(usize, WriteAttempt)],
        now: Timestamp,
    ) -> Result<Option<Vec<CancellationReason>>, StoreError> {
        let items = attempts.iter().map(|(_, attempt)| self.action(attempt.request(now)?));
        let items = items.collect::<Result<Vec<_>, StoreError>>()?;
        let call = self.client.transact_write_items().set_transact_items(Some(items)).customize();
        let repeated = call.config_override(Builder::new().retry_config(retry_once()));
        match repeated.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                    Ok(Some(canceled.cancellation_reasons().to_vec()))
                }
                _ => Err(store_error(CallError::from_sdk("dynamodb TransactWriteItems", &error))),
            },
        }
    }

    fn action(&self, request: WriteRequest) -> Result<TransactWriteItem, StoreError> {
        let action = TransactWriteItem::builder();
        Ok(match request {
            WriteRequest::Check(key, clause) => action.condition_check(
                ConditionCheck::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(incomplete_write)?,
            ),
            WriteRequest::Put(item, _, clause) => action.put(
                Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(item))
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(incomplete_write)?,
            ),
            WriteRequest::Delete(key, clause) => action.delete(
                Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(incomplete_write)?,
            ),
            WriteRequest::Update(key, changes, clause) => action.update(
                Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .update_expression(changes)
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(incomplete_write)?,
            ),
        }
        .build())
    }
}

/// Finds the first write that cancelled the transaction; `Ok` if it can be tried again with adapted
/// requests.
///
/// A conflict ahead of a failed condition counts as the reason: DynamoDB does not tell whether the
/// conflicting write's own condition held, so the transaction must be tried again as a whole.
fn resolve_refusals(
    attempts: &mut [(usize, WriteAttempt)],
    reasons: &[CancellationReason],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut is_adapted = false;
    for ((index, attempt), reason) in attempts.iter_mut().zip(reasons) {
        match write_verdict(reason) {
            WriteVerdict::Ok => {}
            WriteVerdict::Failed(error) => return Err(error),
            WriteVerdict::Refused(stored) if attempt.adapt_to_refusal(stored.as_ref(), now) => {
                is_adapted = true;
            }
            WriteVerdict::Refused(stored) => return Err(refusal(*index, stored, now)),
        }
    }
    if is_adapted {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the transaction was cancelled without a reason".into()))
    }
}

/// Returns whether a write neither changes nor checks anything. DynamoDB rejects such a check.
fn has_no_effect(write: &Write) -> bool {
    write.effect == Effect::Check && write.conditions.is_empty()
}

/// Creates the error of a request that could not be built. Required fields are always set, so this
/// does not happen; the error quotes no content.
fn incomplete_write(_: BuildError) -> StoreError {
    StoreError::Corrupt("a write of the transaction is incomplete".into())
}
