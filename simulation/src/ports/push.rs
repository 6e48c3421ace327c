//! The way to the browsers, with faults.

use async_trait::async_trait;
use shared::domain::ConnectionId;
use shared::ports::{Push, PushError};

use super::Rig;
use crate::faults::Op;

pub(super) struct FaultyPush {
    pub(super) rig: Rig,
}

fn failed() -> Result<(), PushError> {
    Err(PushError::Failed("simulated".into()))
}

#[async_trait]
impl Push for FaultyPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        let Rig { process, cloud, .. } = &self.rig;
        let call = async {
            let to = cloud.network.find(connection).map(|incoming| incoming.session().clone());
            let result = cloud.network.push(connection, frame);
            if let (Some(session), Ok(())) = (to, &result) {
                cloud.checker.pushed(&session, frame);
            }
            if let Err(PushError::Failed(error)) = &result {
                cloud.checker.violation("8", &process.subject(), || error.to_string());
            }
            result
        };
        process.around(Op::Push, call, failed).await
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        let Rig { process, cloud, .. } = &self.rig;
        let call = async {
            cloud.network.close(connection);
            Ok(())
        };
        process.around(Op::Close, call, failed).await
    }
}
