//! Single writes.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use shared::domain::Timestamp;
use shared::ports::store::{Item, StoreError, Write, holds};

use super::DynamoStore;
use super::error::{Failure, refusal, refused, store_error};
use super::item::{Stored, decode};
use super::prepare::{Attempt, Clause, MAX_TRIES, Request};
use crate::fault::Fault;

impl DynamoStore {
    /// Does one write, and returns the item as it stands.
    pub(super) async fn write_one(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let now = self.clock.now();
        let mut attempt = Attempt::new(write);
        for _ in 0..MAX_TRIES {
            match self.send(&attempt, now).await {
                Ok(item) => return Ok(item.filter(|item| !item.is_expired(now))),
                Err(Failure::Store(error)) => return Err(error),
                Err(Failure::Refused(stored)) if attempt.goes_on(stored.as_ref(), now) => {}
                Err(Failure::Refused(stored)) => return Err(refusal(0, stored, now)),
            }
        }
        Err(StoreError::Unavailable("the item expired and came back again and again".into()))
    }

    async fn send(&self, attempt: &Attempt, now: Timestamp) -> Result<Option<Item>, Failure> {
        match attempt.request(now)? {
            Request::Check(..) => self.check(&attempt.write, now).await,
            Request::Put(stored, item, clause) => {
                self.put(stored, clause).await.map(|()| Some(item))
            }
            Request::Delete(key, clause) => self.delete(key, clause).await.map(|()| None),
            Request::Update(key, changes, clause) => {
                self.update(key, changes, clause).await.map(Some)
            }
        }
    }

    /// Judges here, because the service checks without writing in transactions only, at four times
    /// the price.
    async fn check(&self, write: &Write, now: Timestamp) -> Result<Option<Item>, Failure> {
        let item = self.get_one(&write.key).await?.filter(|item| !item.is_expired(now));
        if write.conditions.iter().all(|condition| holds(condition, item.as_ref())) {
            return Ok(item);
        }
        Err(Failure::Refused(item))
    }

    async fn put(&self, item: Stored, clause: Clause) -> Result<(), Failure> {
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
            _ => Failure::Store(store_error(Fault::of("dynamodb PutItem", &error))),
        })
    }

    async fn delete(&self, key: Stored, clause: Clause) -> Result<(), Failure> {
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
            _ => Failure::Store(store_error(Fault::of("dynamodb DeleteItem", &error))),
        })
    }

    async fn update(&self, key: Stored, changes: String, clause: Clause) -> Result<Item, Failure> {
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
            _ => Failure::Store(store_error(Fault::of("dynamodb UpdateItem", &error))),
        })?;
        Ok(decode(updated.attributes.unwrap_or_default())?)
    }
}
