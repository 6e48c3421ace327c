//! Single writes.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use shared::domain::Timestamp;
use shared::ports::store::{Item, StoreError, Write, holds};

use super::DynamoStore;
use super::error::{WriteFailure, refusal, refused, store_error};
use super::item::{Stored, decode};
use super::prepare::{ConditionClause, MAX_ATTEMPTS, WriteAttempt, WriteRequest};
use crate::call_error::CallError;

impl DynamoStore {
    /// Makes one write and returns the item afterwards.
    pub(super) async fn write_one(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let now = self.clock.now();
        let mut attempt = WriteAttempt::new(write);
        for _ in 0..MAX_ATTEMPTS {
            match self.send(&attempt, now).await {
                Ok(item) => return Ok(item.filter(|item| !item.is_expired(now))),
                Err(WriteFailure::Store(error)) => return Err(error),
                Err(WriteFailure::Refused(stored))
                    if attempt.adapt_to_refusal(stored.as_ref(), now) => {}
                Err(WriteFailure::Refused(stored)) => return Err(refusal(0, stored, now)),
            }
        }
        Err(StoreError::Unavailable("the item kept expiring and being created again".into()))
    }

    async fn send(
        &self,
        attempt: &WriteAttempt,
        now: Timestamp,
    ) -> Result<Option<Item>, WriteFailure> {
        match attempt.request(now)? {
            WriteRequest::Check(..) => self.check(&attempt.write, now).await,
            WriteRequest::Put(stored, item, clause) => {
                self.put(stored, clause).await.map(|()| Some(item))
            }
            WriteRequest::Delete(key, clause) => self.delete(key, clause).await.map(|()| None),
            WriteRequest::Update(key, changes, clause) => {
                self.update(key, changes, clause).await.map(Some)
            }
        }
    }

    /// Checks the conditions here: DynamoDB can check without writing only in a transaction, at
    /// four times the price.
    async fn check(&self, write: &Write, now: Timestamp) -> Result<Option<Item>, WriteFailure> {
        let item = self.get_one(&write.key).await?.filter(|item| !item.is_expired(now));
        if write.conditions.iter().all(|condition| holds(condition, item.as_ref())) {
            return Ok(item);
        }
        Err(WriteFailure::Refused(item))
    }

    async fn put(&self, item: Stored, clause: ConditionClause) -> Result<(), WriteFailure> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put
            .set_return_values_on_condition_check_failure(
                clause.condition.as_ref().map(|_| OnFailure::AllOld),
            )
            .set_condition_expression(clause.condition)
            .set_expression_attribute_names(clause.names)
            .set_expression_attribute_values(clause.values);
        put.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(check)) => {
                refused(check.item().cloned())
            }
            _ => WriteFailure::Store(store_error(CallError::from_sdk("dynamodb PutItem", &error))),
        })
    }

    async fn delete(&self, key: Stored, clause: ConditionClause) -> Result<(), WriteFailure> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let delete = delete
            .set_return_values_on_condition_check_failure(
                clause.condition.as_ref().map(|_| OnFailure::AllOld),
            )
            .set_condition_expression(clause.condition)
            .set_expression_attribute_names(clause.names)
            .set_expression_attribute_values(clause.values);
        delete.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(check)) => {
                refused(check.item().cloned())
            }
            _ => {
                WriteFailure::Store(store_error(CallError::from_sdk("dynamodb DeleteItem", &error)))
            }
        })
    }

    async fn update(
        &self,
        key: Stored,
        changes: String,
        clause: ConditionClause,
    ) -> Result<Item, WriteFailure> {
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key));
        let update = update
            .update_expression(changes)
            .set_condition_expression(clause.condition)
            .set_expression_attribute_names(clause.names)
            .set_expression_attribute_values(clause.values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let updated = update.send().await.map_err(|error| match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(check)) => {
                refused(check.item().cloned())
            }
            _ => {
                WriteFailure::Store(store_error(CallError::from_sdk("dynamodb UpdateItem", &error)))
            }
        })?;
        Ok(decode(updated.attributes.unwrap_or_default())?)
    }
}
