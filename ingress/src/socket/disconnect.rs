//! The end of a connection.

use shared::domain::ConnectionId;
use shared::protocol;

use super::SocketSession;
use crate::handler::Ingress;

impl Ingress {
    /// Removes the row of a connection that was closed; best effort, since its next push finds it
    /// gone too.
    #[tracing::instrument(name = "disconnect", skip_all, fields(session.id = %session.session_key))]
    pub async fn socket_closed(&self, connection: &ConnectionId, session: &SocketSession) {
        self.forget(connection, session).await;
    }

    pub(super) async fn forget(&self, connection: &ConnectionId, session: &SocketSession) {
        let store = &*self.ports.store;
        if let Err(error) =
            protocol::connection::forget(store, &session.session_key, connection).await
        {
            tracing::warn!(%error, "the row of a closed connection was not removed");
        }
    }
}
