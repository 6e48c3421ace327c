//! An event bus that may take only some entries, watched by the checker.

use async_trait::async_trait;
use shared::ports::{EventEntry, Events, EventsError};

use super::ProcessPorts;
use crate::faults::ExternalFault;

pub(super) struct WatchedEvents {
    pub(super) process_ports: ProcessPorts,
}

#[async_trait]
impl Events for WatchedEvents {
    async fn put(&self, entries: &[EventEntry]) -> Result<Vec<usize>, EventsError> {
        let ProcessPorts { process, cloud, .. } = &self.process_ports;
        let refused =
            |_: &usize| cloud.faults.occurs(ExternalFault::EventsPartial, &process.subject());
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
    }
}
