//! API Gateway: HTTP and WebSocket, as one account sees them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use ingress::{ClientInfo, SocketSession};
use shared::domain::ConnectionId;
use tokio::time::sleep;

use super::Platform;
use super::functions::Ended;
use crate::cloud::Incoming;
use crate::faults::{ExternalFault, Subject};
use client::transport::{Closed, ConnectError, NoResponse, Socket, Transport};

/// The way of one account to the platform.
pub struct AccountEdge {
    platform: Arc<Platform>,
    /// The number of the account, by which what belongs to others is recognised.
    owner: u32,
    address: String,
}

impl AccountEdge {
    /// Makes the way of an account; all of an address share its rate.
    pub fn new(platform: Arc<Platform>, owner: u32, address: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { platform, owner, address: address.into() })
    }
}

#[async_trait]
impl Transport for AccountEdge {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        let cloud = &self.platform.cloud;
        let subject = cloud.checker.subject_of(self.owner, &request);
        sleep(cloud.faults.span(Duration::ZERO, Duration::from_millis(5))).await;
        if cloud.faults.occurs(ExternalFault::RequestLost, &subject) {
            return Err(NoResponse);
        }
        let caller = ClientInfo { address: Some(self.address.clone()), iam: None };
        // The call goes on when its caller gives up.
        let platform = Arc::clone(&self.platform);
        let about = subject.clone();
        let work = async move { platform.invoke_ingress(about, request, caller).await };
        let Ok(Ended::Returned(response)) = tokio::spawn(work).await else {
            return Err(NoResponse);
        };
        cloud.checker.answered(self.owner, &subject, &response);
        if cloud.faults.occurs(ExternalFault::AnswerLost, &subject) {
            return Err(NoResponse);
        }
        Ok(response)
    }

    async fn connect(&self, _url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError> {
        let cloud = &self.platform.cloud;
        if cloud.faults.occurs(ExternalFault::RequestLost, &Subject::Nobody) {
            return Err(ConnectError::NoResponse);
        }
        let platform = Arc::clone(&self.platform);
        let session = match self.platform.authorize(ticket, None).await {
            Ended::Returned(Ok(session)) => session,
            Ended::Returned(Err(refusal)) => return Err(ConnectError::Refused(refusal.status())),
            Ended::Died => return Err(ConnectError::Refused(StatusCode::SERVICE_UNAVAILABLE)),
        };
        let id =
            ConnectionId::new(format!("c{}", cloud.faults.tally().event("connections opened")));
        let incoming = cloud.network.open(&id, &session.session_key);
        let socket = GatewaySocket { platform, id, session, incoming };
        if cloud.faults.occurs(ExternalFault::AnswerLost, &Subject::Nobody) {
            return Err(ConnectError::NoResponse);
        }
        Ok(Box::new(socket))
    }
}

/// One WebSocket.
struct GatewaySocket {
    platform: Arc<Platform>,
    id: ConnectionId,
    session: SocketSession,
    incoming: Arc<Incoming>,
}

#[async_trait]
impl Socket for GatewaySocket {
    async fn send(&mut self, frame: &str) -> Result<(), Closed> {
        let faults = &self.platform.cloud.faults;
        let subject = Subject::Session(self.session.session_key.clone());
        if faults.occurs(ExternalFault::ConnectionCut, &subject) {
            self.incoming.close();
            return Err(Closed);
        }
        if self.incoming.is_closed() {
            return Err(Closed);
        }
        self.incoming.used();
        if faults.occurs(ExternalFault::FrameLost, &subject) {
            return Ok(());
        }
        // The gateway hands frames to ingress as they come, without waiting for the one before.
        let platform = Arc::clone(&self.platform);
        let id = self.id.clone();
        let session = self.session.clone();
        let frame = frame.to_owned();
        tokio::spawn(async move { platform.socket_frame(&id, &session, &frame).await });
        Ok(())
    }

    async fn receive(&mut self) -> Option<String> {
        let faults = &self.platform.cloud.faults;
        let frame = self.incoming.next().await?;
        if faults.occurs(
            ExternalFault::ConnectionCut,
            &Subject::Session(self.session.session_key.clone()),
        ) {
            self.incoming.close();
            return None;
        }
        Some(frame)
    }
}

impl Drop for GatewaySocket {
    fn drop(&mut self) {
        let platform = Arc::clone(&self.platform);
        let id = self.id.clone();
        let session = self.session.clone();
        let lost = platform.cloud.faults.occurs(ExternalFault::DisconnectLost, &Subject::Nobody);
        // The gateway learns of it at once or, where `$disconnect` was lost, at its next push.
        platform.cloud.network.close(&id);
        if !lost {
            tokio::spawn(async move { platform.socket_closed(&id, &session).await });
        }
    }
}
