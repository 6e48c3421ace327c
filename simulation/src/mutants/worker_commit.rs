//! What goes wrong around a worker's commit.

use async_trait::async_trait;
use shared::domain::{SessionKey, TurnNumber};
use shared::ports::store::{Item, Key, Write};
use shared::ports::{Durability, Store, StoreError};
use shared::queue_messages::{FinalPointer, ReplyMessage};

use super::twist::{Twist, forget_condition};
use crate::faults::Op;
use crate::ports::{Rig, Which};

/// 1: the final's pointer is sent, and then the final is committed.
pub(super) struct QueueBeforeCommit(pub(super) Rig);

#[async_trait]
impl Twist for QueueBeforeCommit {
    async fn write(
        &self,
        store: &dyn Store,
        op: Op,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if let Some(pointer) = pointer(&write.key).filter(|_| op == Op::Commit) {
            let sent = self.0.queue(Which::Replies).send(pointer.outgoing()).await;
            sent.map_err(|error| StoreError::Unavailable(error.into()))?;
        }
        store.write(write, durability).await
    }
}

/// 4: the commit asks for a running turn, of whatever generation.
pub(super) struct CommitWithoutEpoch;

#[async_trait]
impl Twist for CommitWithoutEpoch {
    async fn write(
        &self,
        store: &dyn Store,
        op: Op,
        mut write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if op == Op::Commit {
            forget_condition(&mut write, "epoch");
        }
        store.write(write, durability).await
    }
}

/// 8, the worker's half: the commit is kept aside as if it were done.
pub(super) struct CommitLeftToNotifier(pub(super) Rig);

#[async_trait]
impl Twist for CommitLeftToNotifier {
    async fn write(
        &self,
        store: &dyn Store,
        op: Op,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if op == Op::Commit {
            self.0.cloud.kept.keep(write);
            return Ok(None);
        }
        store.write(write, durability).await
    }
}

/// Returns the pointer to a turn's final.
fn pointer(key: &Key) -> Option<ReplyMessage> {
    let turn = TurnNumber::parse(key.sort.strip_prefix("T#")?.parse().ok()?).ok()?;
    let session_key = SessionKey::parse(key.partition.as_str()).ok()?;
    Some(ReplyMessage::Final(FinalPointer { session_key, turn }))
}
