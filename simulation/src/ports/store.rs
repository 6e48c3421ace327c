//! The table with faults.

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key, Page, Query, Write};
use shared::ports::{Durability, Store, StoreError};

use super::{Rig, purpose};
use crate::checks::Note;
use crate::faults::Op;

pub(super) struct FaultyStore {
    pub(super) rig: Rig,
}

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("simulated".into()))
}

impl FaultyStore {
    /// Tells the checker what a write did.
    fn watch<T>(&self, result: &Result<T, StoreError>, notes: &[Note]) {
        let Rig { process, cloud, .. } = &self.rig;
        match result {
            Ok(_) => {
                for note in notes {
                    cloud.checker.wrote(process, note);
                }
            }
            Err(StoreError::Corrupt(error)) => {
                cloud.checker.violation("8", &process.subject(), || {
                    format!("the store refused a write: {error}")
                });
            }
            Err(_) => (),
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.rig.process.around(Op::Get, self.rig.cloud.store.get(keys), away).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let op = if query.from.starts_with("C#") { Op::Connections } else { Op::Turns };
        self.rig.process.around(op, self.rig.cloud.store.query(query), away).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let op = purpose::of(&write);
        let call = async {
            let notes: Vec<Note> = Note::of(&write).into_iter().collect();
            let result = self.rig.cloud.store.write(write, durability).await;
            self.watch(&result, &notes);
            result
        };
        self.rig.process.around(op, call, away).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let op = purpose::of_all(&writes);
        let call = async {
            let notes: Vec<Note> = writes.iter().filter_map(Note::of).collect();
            let result = self.rig.cloud.store.transact(writes, durability).await;
            self.watch(&result, &notes);
            result
        };
        self.rig.process.around(op, call, away).await
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.rig.process.around(Op::Synced, self.rig.cloud.store.synced(), away).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.rig.process.around(Op::Due, self.rig.cloud.store.due(until, limit), away).await
    }
}
