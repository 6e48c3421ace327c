//! What goes wrong around a worker's commit.

use async_trait::async_trait;
use shared::domain::{SessionKey, TurnNumber};
use shared::ports::store::{Item, Key, Write};
use shared::ports::{Durability, Store, StoreError};
use shared::queue_messages::{FinalPointer, ReplyMessage};

use super::mutation::{StoreMutation, forget_condition};
use crate::faults::PortCall;
use crate::ports::{ProcessPorts, QueueName};

/// 1: the final's pointer is sent, and then the final is committed.
pub(super) struct QueueBeforeCommit(pub(super) ProcessPorts);

#[async_trait]
impl StoreMutation for QueueBeforeCommit {
    async fn write(
        &self,
        store: &dyn Store,
        op: PortCall,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if let Some(pointer) = pointer(&write.key).filter(|_| op == PortCall::Commit) {
            let sent = self.0.queue(QueueName::Replies).send(pointer.outgoing()).await;
            sent.map_err(|error| StoreError::Unavailable(error.into()))?;
        }
        store.write(write, durability).await
    }
}

/// 4: the commit asks for a running turn, of whatever generation.
pub(super) struct CommitWithoutEpoch;

impl StoreMutation for CommitWithoutEpoch {
    fn change_write(&self, call: PortCall, mut write: Write) -> Write {
        if call == PortCall::Commit {
            forget_condition(&mut write, "epoch");
        }
        write
    }
}

/// 8, the worker's half: the commit is kept aside as if it were done.
pub(super) struct CommitLeftToNotifier(pub(super) ProcessPorts);

#[async_trait]
impl StoreMutation for CommitLeftToNotifier {
    async fn write(
        &self,
        store: &dyn Store,
        op: PortCall,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if op == PortCall::Commit {
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
