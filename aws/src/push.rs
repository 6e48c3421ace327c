//! WebSocket connections, through API Gateway's `@connections`.

use async_trait::async_trait;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use shared::domain::ConnectionId;
use shared::ports::push::MAX_FRAME_BYTES;
use shared::ports::{Push, PushError};

use crate::fault::{Fault, Kind};
use crate::sdk::{Sdk, Service};

/// Sends frames through the management API of one WebSocket API's stage.
#[derive(Debug, Clone)]
pub struct GatewayPush {
    client: Client,
}

impl GatewayPush {
    /// Takes the stage's URL: `https://<api>.execute-api.<region>.amazonaws.com/<stage>`.
    pub fn new(sdk: &Sdk, connections_url: &str) -> Self {
        let config =
            Builder::from(&sdk.config(Service::Connections)).endpoint_url(connections_url).build();
        Self { client: Client::from_conf(config) }
    }

    async fn post(&self, connection: &ConnectionId, frame: &str) -> Result<(), Fault> {
        let post = self
            .client
            .post_to_connection()
            .connection_id(connection.as_str())
            .data(Blob::new(frame));
        post.send()
            .await
            .map(drop)
            .map_err(|error| Fault::of("execute-api PostToConnection", &error))
    }
}

#[async_trait]
impl Push for GatewayPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(PushError::Failed("the frame is larger than 28 KB".into()));
        }
        let posted = match self.post(connection, frame).await {
            // A connection of ours that died while the function was frozen; a frame that arrives
            // twice is ignored.
            Err(fault) if fault.kind() == Kind::Broken => self.post(connection, frame).await,
            posted => posted,
        };
        posted.map_err(push_error)
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        let close = self.client.delete_connection().connection_id(connection.as_str());
        let closed = close
            .send()
            .await
            .map_err(|error| push_error(Fault::of("execute-api DeleteConnection", &error)));
        match closed {
            Ok(_) | Err(PushError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Tells gone for good and too slow from everything else: by the status, which a proxy in between
/// keeps too.
fn push_error(fault: Fault) -> PushError {
    match fault.status() {
        Some(410) => PushError::Gone,
        Some(429) => PushError::Slow,
        _ => PushError::Failed(fault.into()),
    }
}
