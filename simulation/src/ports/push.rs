//! The way to the browsers, watched by the checker.

use async_trait::async_trait;
use shared::domain::ConnectionId;
use shared::ports::{Push, PushError};

use super::ProcessPorts;

pub(super) struct WatchedPush {
    pub(super) process_ports: ProcessPorts,
}

#[async_trait]
impl Push for WatchedPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let ProcessPorts { process, cloud, .. } = &self.process_ports;
        let to = cloud.network.find(connection).map(|incoming| incoming.session().clone());
        let result = cloud.network.push(connection, frame);
        if let (Some(session), Ok(())) = (to, &result) {
            cloud.checker.pushed(&session, frame);
        }
        if let Err(PushError::Failed(error)) = &result {
            cloud.checker.violation("8", &process.subject(), || error.to_string());
        }
        result
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        self.process_ports.cloud.network.close(connection);
        Ok(())
    }
}
