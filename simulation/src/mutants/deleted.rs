//! What goes wrong with a deleted session.

use async_trait::async_trait;
use shared::ports::store::Write;

use super::mutation::{StoreMutation, forget_condition};
use crate::faults::PortCall;

/// 14: what creates a row does not ask in the same transaction whether its session lives.
pub(super) struct RowsForDeletedSession;

#[async_trait]
impl StoreMutation for RowsForDeletedSession {
    fn transaction(&self, op: PortCall, mut writes: Vec<Write>) -> Vec<Write> {
        if matches!(op, PortCall::Claim | PortCall::Record | PortCall::Register) {
            for write in writes.iter_mut().filter(|write| write.key.sort == "META") {
                forget_condition(write, "deleted");
                // A tombstone counts from 1 again, so this would save the protocol.
                forget_condition(write, "next_turn");
            }
        }
        writes
    }
}
