//! The meaning of DynamoDB's errors for callers of the store.

use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};
use std::collections::HashMap;

use shared::domain::Timestamp;
use shared::ports::store::{FailedCondition, Item, StoreError};

use super::item::decode;
use crate::call_error::{CallError, CallErrorKind};

/// Error codes of requests that never succeed, however often they are repeated.
const PERMANENT_CODES: [&str; 3] =
    ["ValidationException", "ItemCollectionSizeLimitExceededException", "SerializationException"];
/// The status for a request that is too large.
const PAYLOAD_TOO_LARGE: u16 = 413;

/// The reason why a single write was not made.
#[derive(Debug)]
pub(super) enum WriteFailure {
    /// A condition did not hold for the stored item, which may have expired.
    Refused(Option<Item>),
    /// Anything else.
    Store(StoreError),
}

impl From<StoreError> for WriteFailure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Classifies the error of a call as permanent or worth another try.
///
/// A missing table or permission counts as unavailable: an operator can fix it, and until then
/// messages are retried rather than lost.
pub(super) fn store_error(error: CallError) -> StoreError {
    let is_permanent = error.kind() == CallErrorKind::Construction
        || error.status() == Some(PAYLOAD_TOO_LARGE)
        || error.code().is_some_and(|code| PERMANENT_CODES.contains(&code));
    if is_permanent {
        StoreError::Corrupt(error.into())
    } else {
        StoreError::Unavailable(error.into())
    }
}

/// Reads the stored item that DynamoDB returns when a condition fails.
pub(super) fn refused(stored: Option<HashMap<String, AttributeValue>>) -> WriteFailure {
    match stored.filter(|stored| !stored.is_empty()).map(decode).transpose() {
        Ok(item) => WriteFailure::Refused(item),
        Err(error) => WriteFailure::Store(error),
    }
}

/// Creates the error of a write whose condition failed. An expired item counts as absent.
pub(super) fn refusal(index: usize, stored: Option<Item>, now: Timestamp) -> StoreError {
    let current = stored.filter(|item| !item.is_expired(now));
    StoreError::ConditionFailed(Box::new(FailedCondition { index, current }))
}

/// The result of one write in a cancelled transaction.
#[derive(Debug)]
pub(super) enum WriteVerdict {
    /// It would have succeeded.
    Ok,
    /// A condition did not hold for the stored item.
    Refused(Option<Item>),
    /// It cancelled the transaction for another reason.
    Failed(StoreError),
}

/// Interprets a write's reason for cancelling the transaction.
pub(super) fn write_verdict(reason: &CancellationReason) -> WriteVerdict {
    match reason.code() {
        None | Some("None") => WriteVerdict::Ok,
        Some("ConditionalCheckFailed") => match refused(reason.item().cloned()) {
            WriteFailure::Refused(item) => WriteVerdict::Refused(item),
            WriteFailure::Store(error) => WriteVerdict::Failed(error),
        },
        Some("ValidationError" | "ItemCollectionSizeLimitExceeded") => WriteVerdict::Failed(
            StoreError::Corrupt("a write of the transaction is not valid".into()),
        ),
        // A conflict with another transaction, throttling, and codes that are added in future.
        Some(_) => WriteVerdict::Failed(StoreError::Unavailable(
            "the transaction had a conflict or was throttled".into(),
        )),
    }
}
