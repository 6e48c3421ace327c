//! Transactions.
//!
//! The SDK gives every call a token of its own, and repeats the call with it: a lost
//! acknowledgement is then a success, not a race lost against oneself. The token is random, never
//! made from the content: two workers that claim the same turn send the same writes, and only one
//! of them may win.

use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use shared::domain::Timestamp;
use shared::memory::limits::check_transaction;
use shared::ports::store::{Effect, StoreError, Write};

use super::DynamoStore;
use super::error::{Verdict, refusal, store_error, verdict};
use super::prepare::{Attempt, MAX_TRIES, Request};
use crate::fault::Fault;
use crate::sdk::repeated_once;

impl DynamoStore {
    /// Does all writes or none.
    pub(super) async fn transact_all(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        check_transaction(&writes)?;
        let now = self.clock.now();
        let needed = writes.into_iter().enumerate().filter(|(_, write)| !is_idle(write));
        let mut attempts: Vec<_> =
            needed.map(|(index, write)| (index, Attempt::new(write))).collect();
        if attempts.is_empty() {
            return Ok(());
        }
        for _ in 0..MAX_TRIES {
            let Some(reasons) = self.try_all(&attempts, now).await? else { return Ok(()) };
            judge(&mut attempts, &reasons, now)?;
        }
        Err(StoreError::Unavailable("the items expired and came back again and again".into()))
    }

    /// Makes one call; what it returns are the reasons why it did nothing.
    async fn try_all(
        &self,
        attempts: &[(usize, Attempt)],
        now: Timestamp,
    ) -> Result<Option<Vec<CancellationReason>>, StoreError> {
        let items = attempts.iter().map(|(_, attempt)| self.action(attempt.request(now)?));
        let items = items.collect::<Result<Vec<_>, StoreError>>()?;
        let call = self.client.transact_write_items().set_transact_items(Some(items)).customize();
        let repeated = call.config_override(Builder::new().retry_config(repeated_once()));
        match repeated.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                    Ok(Some(canceled.cancellation_reasons().to_vec()))
                }
                _ => Err(store_error(Fault::of("dynamodb TransactWriteItems", &error))),
            },
        }
    }

    fn action(&self, request: Request) -> Result<TransactWriteItem, StoreError> {
        let action = TransactWriteItem::builder();
        Ok(match request {
            Request::Check(key, clause) => action.condition_check(
                ConditionCheck::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(unbuilt)?,
            ),
            Request::Put(item, _, clause) => action.put(
                Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(item))
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(unbuilt)?,
            ),
            Request::Delete(key, clause) => action.delete(
                Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(unbuilt)?,
            ),
            Request::Update(key, changes, clause) => action.update(
                Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .update_expression(changes)
                    .set_condition_expression(clause.condition)
                    .set_expression_attribute_names(clause.names)
                    .set_expression_attribute_values(clause.values)
                    .return_values_on_condition_check_failure(OnFailure::AllOld)
                    .build()
                    .map_err(unbuilt)?,
            ),
        }
        .build())
    }
}

/// Finds the first write that ended the transaction; Ok if it may be tried again with other
/// requests.
///
/// Where a conflict comes before a refusal, the earlier write may have been refused too: that is
/// the conflict's.
fn judge(
    attempts: &mut [(usize, Attempt)],
    reasons: &[CancellationReason],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut goes_on = false;
    for ((index, attempt), reason) in attempts.iter_mut().zip(reasons) {
        match verdict(reason) {
            Verdict::Fine => {}
            Verdict::Failed(error) => return Err(error),
            Verdict::Refused(stored) if attempt.goes_on(stored.as_ref(), now) => goes_on = true,
            Verdict::Refused(stored) => return Err(refusal(*index, stored, now)),
        }
    }
    if goes_on {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the transaction was cancelled without a reason".into()))
    }
}

/// Tells whether a write asks for nothing at all.
fn is_idle(write: &Write) -> bool {
    write.effect == Effect::Check && write.conditions.is_empty()
}

/// The service's own requirements are met by construction; what is left is said without its
/// content.
fn unbuilt(_: BuildError) -> StoreError {
    StoreError::Corrupt("a write of the transaction is not complete".into())
}
