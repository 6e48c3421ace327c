//! What DynamoDB's errors mean for a caller.

use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use std::collections::HashMap;

use shared::domain::Timestamp;
use shared::ports::store::{FailedCondition, Item, StoreError};

use super::item::decode;
use crate::fault::{Fault, Kind};

/// What the service says about requests that no repetition makes right.
const WRONG: [&str; 3] =
    ["ValidationException", "ItemCollectionSizeLimitExceededException", "SerializationException"];
/// The status of a request that is larger than the service reads.
const TOO_LARGE: u16 = 413;

/// The reason why one write was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// A condition did not hold for the item as it is stored, expired or not.
    Refused(Option<Item>),
    /// Anything else.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Sorts a failure of a call: wrong for good, or worth another try.
///
/// A missing table or right counts as unavailable: an operator mends it, and nothing is lost
/// meanwhile.
pub(super) fn store_error(fault: Fault) -> StoreError {
    let wrong = fault.kind() == Kind::Unbuilt
        || fault.status() == Some(TOO_LARGE)
        || fault.code().is_some_and(|code| WRONG.contains(&code));
    if wrong { StoreError::Corrupt(fault.into()) } else { StoreError::Unavailable(fault.into()) }
}

/// Reads the item that a refusal came with.
pub(super) fn refused(stored: Option<HashMap<String, AttributeValue>>) -> Failure {
    match stored.filter(|stored| !stored.is_empty()).map(decode).transpose() {
        Ok(item) => Failure::Refused(item),
        Err(error) => Failure::Store(error),
    }
}

/// Tells a caller of a refusal; what is expired is absent.
pub(super) fn refusal(index: usize, stored: Option<Item>, now: Timestamp) -> StoreError {
    let current = stored.filter(|item| !item.is_expired(now));
    StoreError::ConditionFailed(Box::new(FailedCondition { index, current }))
}

/// What one write did to its transaction.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing: it would have been done.
    Fine,
    /// Its condition did not hold.
    Refused(Option<Item>),
    /// It ended the transaction in another way.
    Failed(StoreError),
}

/// Reads why a write ended its transaction.
pub(super) fn verdict(reason: &CancellationReason) -> Verdict {
    match reason.code() {
        None | Some("None") => Verdict::Fine,
        Some("ConditionalCheckFailed") => match refused(reason.item().cloned()) {
            Failure::Refused(item) => Verdict::Refused(item),
            Failure::Store(error) => Verdict::Failed(error),
        },
        Some("ValidationError" | "ItemCollectionSizeLimitExceeded") => {
            Verdict::Failed(StoreError::Corrupt("a write of the transaction is not valid".into()))
        }
        // A conflict with another transaction, throttling, and what is yet to come.
        Some(_) => Verdict::Failed(StoreError::Unavailable(
            "the transaction was in conflict or throttled".into(),
        )),
    }
}
