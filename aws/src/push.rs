//! Frames to WebSocket connections, through API Gateway's `@connections` API.

use async_trait::async_trait;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use shared::domain::ConnectionId;
use shared::ports::push::MAX_FRAME_BYTES;
use shared::ports::{Push, PushError};

use crate::call_error::{CallError, CallErrorKind};
use crate::sdk::{Sdk, Service};

/// Sends frames through the management API of a WebSocket API's stage.
#[derive(Debug, Clone)]
pub struct ApiGatewayPush {
    client: Client,
}

impl ApiGatewayPush {
    /// Creates the adapter for a stage's URL:
    /// `https://<api>.execute-api.<region>.amazonaws.com/<stage>`.
    pub fn new(sdk: &Sdk, connections_url: &str) -> Self {
        let config =
            Builder::from(&sdk.config(Service::Connections)).endpoint_url(connections_url).build();
        Self { client: Client::from_conf(config) }
    }

    async fn post(&self, connection: &ConnectionId, frame: &str) -> Result<(), CallError> {
        let post = self
            .client
            .post_to_connection()
            .connection_id(connection.as_str())
            .data(Blob::new(frame));
        post.send()
            .await
            .map(drop)
            .map_err(|error| CallError::from_sdk("execute-api PostToConnection", &error))
    }
}

#[async_trait]
impl Push for ApiGatewayPush {
    async fn push(&self, connection: &ConnectionId, frame: &str) -> Result<(), PushError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(PushError::Failed("the frame is larger than 28 KB".into()));
        }
        let posted = match self.post(connection, frame).await {
            // The HTTP connection to AWS has probably died while the function was frozen. Sending
            // again is safe: clients ignore a frame that they already have.
            Err(error) if error.kind() == CallErrorKind::Connection => {
                self.post(connection, frame).await
            }
            posted => posted,
        };
        posted.map_err(push_error)
    }

    async fn close(&self, connection: &ConnectionId) -> Result<(), PushError> {
        let close = self.client.delete_connection().connection_id(connection.as_str());
        let closed = close.send().await.map_err(|error| {
            push_error(CallError::from_sdk("execute-api DeleteConnection", &error))
        });
        match closed {
            Ok(_) | Err(PushError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Maps the status: it tells a connection that is gone or too slow from every other failure, and
/// survives proxies, which error codes do not.
fn push_error(error: CallError) -> PushError {
    match error.status() {
        Some(410) => PushError::Gone,
        Some(429) => PushError::Slow,
        _ => PushError::Failed(error.into()),
    }
}
