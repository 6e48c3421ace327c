//! The handle of one receive.

use super::Seq;
use crate::ports::{QueueError, Receipt};

/// Which receive of which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptHandle {
    /// The message's place.
    pub seq: Seq,
    /// The number of the receive, never used twice by one process; no handle outlives its process.
    pub receive: u64,
}

impl ReceiptHandle {
    /// Reads a handle; one that no queue gave out is stale.
    pub fn parse(receipt: &Receipt) -> Result<Self, QueueError> {
        let parse = |text: &str| {
            let (seq, receive) = text.split_once('.')?;
            Some(Self { seq: seq.parse().ok()?, receive: receive.parse().ok()? })
        };
        parse(&receipt.0).ok_or(QueueError::StaleReceipt)
    }

    /// Writes the handle.
    pub fn receipt(self) -> Receipt {
        Receipt(format!("{}.{}", self.seq, self.receive))
    }
}
