//! An event bus that may be away, or take only some entries.

use async_trait::async_trait;
use shared::ports::{EventEntry, Events, EventsError};

use super::Rig;
use crate::faults::{Mishap, Op};

pub(super) struct FaultyEvents {
    pub(super) rig: Rig,
}

#[async_trait]
impl Events for FaultyEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        let Rig { process, cloud, .. } = &self.rig;
        let call = async {
            let refused = |_: &usize| cloud.faults.toss(Mishap::EventsPartial, &process.subject());
            let mut failed: Vec<usize> = (0..entries.len()).filter(refused).collect();
            let taken: Vec<usize> =
                (0..entries.len()).filter(|index| !failed.contains(index)).collect();
            let kept: Vec<EventEntry> = taken.iter().map(|index| entries[*index].clone()).collect();
            let too_large = cloud.events.put(&kept).await?;
            if !too_large.is_empty() {
                cloud.checker.violation("8", &process.subject(), || {
                    "an event is too large for the bus".to_owned()
                });
            }
            for entry in &kept {
                cloud.checker.published(entry);
            }
            failed.extend(too_large.into_iter().map(|index| taken[index]));
            Ok(failed)
        };
        process.around(Op::PutEvents, call, || Err(EventsError("simulated".into()))).await
    }
}
