//! `resume`: what the client missed, in order.

use std::time::Duration;

use shared::ag_ui::{
    ChatError, ChatResumed, custom_citations, custom_error, custom_resumed, final_frame,
    opening_frames, text_frames,
};
use shared::domain::{ConnectionId, ErrorCode, SessionId};
use shared::ports::store::Item;
use shared::ports::{Durability, PushError, StoreError};
use shared::protocol::{ConnectionRow, SessionRow, Turn, connection, keys};
use tokio::time::{Instant, sleep};

use super::SocketSession;
use crate::error::ApiError;
use crate::handler::Ingress;

/// The largest number of finals in one answer; the client asks again for the rest.
const MAX_FINALS: usize = 20;
/// No further final is begun after this time: below API Gateway's integration timeout of 29 s.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long, and how often, a client that does not read is waited for.
const SLOW_PAUSE: Duration = Duration::from_millis(200);
const SLOW_TRIES: usize = 5;

/// Why a resume ended before its end.
enum ResumeEnd {
    /// The session is absent, deleted or somebody else's.
    NotFound,
    /// The connection is gone.
    Gone,
    /// Something is away or too slow: the client asks again.
    Interrupted,
}

impl Ingress {
    /// Answers a `resume`.
    ///
    /// On a connection's first one `chat.resumed` goes out before its row is written, so that
    /// nothing can precede it; on later ones the row comes first, so that the worker learns of them
    /// at once. In both cases the row is written before the turns are read: a turn that ends in
    /// between reaches the client one way or the other.
    pub(super) async fn resume(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        after: u64,
    ) {
        let error = match self.follow(connection, session, after).await {
            Ok(()) | Err(ResumeEnd::Interrupted) => return,
            Err(ResumeEnd::Gone) => return self.forget(connection, session).await,
            Err(ResumeEnd::NotFound) => ErrorCode::NotFound,
        };
        let message = "The session is not there any more.".to_owned();
        let frame = custom_error(&ChatError { code: error, message, field: None });
        let _ = self.ports.push.push(connection, &frame).await;
        let _ = self.ports.push.close(connection).await;
        self.forget(connection, session).await;
    }

    async fn follow(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        after: u64,
    ) -> Result<(), ResumeEnd> {
        let deadline = Instant::now() + DEADLINE;
        let key = &session.session_key;
        let mut items =
            self.ports.store.get(&[keys::session(key), keys::connection(key, connection)]).await?;
        let registered = items.pop().flatten().is_some();
        let (row, id) = owned(session, items.pop().flatten())?;
        if registered {
            self.register(connection, session, &row).await?;
            self.announce(connection, session, &row).await?;
        } else {
            self.announce(connection, session, &row).await?;
            self.register(connection, session, &row).await?;
        }
        self.catch_up(connection, session, &id, after, deadline).await
    }

    /// Pushes `chat.resumed`; `before` was read before the turns, so that one that is claimed
    /// meanwhile is not passed over by a `first` behind it.
    async fn announce(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        before: &SessionRow,
    ) -> Result<(), ResumeEnd> {
        let oldest = self.ports.store.query(&keys::turns_after(&session.session_key, 0, 1)).await?;
        let oldest = oldest.items.into_iter().next().map(Item::into_row::<Turn>).transpose()?;
        // Read again at last: a `next` that others have passed meanwhile would look like another
        // session.
        let item =
            self.ports.store.get(&[keys::session(&session.session_key)]).await?.pop().flatten();
        let (row, _) = owned(session, item)?;
        let first = oldest.map_or(before.next_turn, |turn| turn.turn);
        let resumed = ChatResumed { first, next: row.next_turn, born: row.created_at };
        self.send(connection, &custom_resumed(&resumed)).await
    }

    async fn register(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        row: &SessionRow,
    ) -> Result<(), ResumeEnd> {
        let row = ConnectionRow {
            connection_id: connection.clone(),
            principal_hash: session.principal_hash.clone(),
            stamp: self.ports.ids.id(),
            expires_at: row.expires_at,
        };
        let writes = connection::register(&session.session_key, &row)?;
        match self.ports.store.transact(writes, Durability::Ordered).await {
            Err(StoreError::ConditionFailed(_)) => Err(ResumeEnd::NotFound),
            other => Ok(other?),
        }
    }

    async fn catch_up(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        id: &SessionId,
        after: u64,
        deadline: Instant,
    ) -> Result<(), ResumeEnd> {
        let mut cursor = after;
        let mut sent = 0;
        loop {
            let page = self
                .ports
                .store
                .query(&keys::turns_after(&session.session_key, cursor, MAX_FINALS + 1))
                .await?;
            let more = page.more && !page.items.is_empty();
            for item in page.items {
                let turn: Turn = item.into_row()?;
                let Some(end) = turn.as_final() else {
                    return self.send_running(connection, id, &turn).await;
                };
                if sent == MAX_FINALS || Instant::now() >= deadline {
                    return Ok(());
                }
                self.send(connection, &final_frame(id, &turn, end)).await?;
                (cursor, sent) = (turn.turn.get(), sent + 1);
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn send_running(
        &self,
        connection: &ConnectionId,
        id: &SessionId,
        turn: &Turn,
    ) -> Result<(), ResumeEnd> {
        let passages = turn.passages();
        let passages = (!passages.is_empty()).then(|| custom_citations(turn, passages));
        let text = text_frames(turn, turn.partial());
        let frames = opening_frames(id, turn).into_iter().chain(passages).chain(text);
        for frame in frames {
            self.send(connection, &frame).await?;
        }
        Ok(())
    }

    async fn send(&self, connection: &ConnectionId, frame: &str) -> Result<(), ResumeEnd> {
        for _ in 0..SLOW_TRIES {
            match self.ports.push.push(connection, frame).await {
                Ok(()) => return Ok(()),
                Err(PushError::Gone) => return Err(ResumeEnd::Gone),
                Err(PushError::Slow) => sleep(SLOW_PAUSE).await,
                Err(error @ PushError::Failed(_)) => {
                    tracing::warn!(%error, "a resume was interrupted");
                    return Err(ResumeEnd::Interrupted);
                }
            }
        }
        tracing::info!("a client reads too slowly; its resume was interrupted");
        Err(ResumeEnd::Interrupted)
    }
}

/// Returns the session, if it lives and is the connection's.
fn owned(
    session: &SocketSession,
    item: Option<Item>,
) -> Result<(SessionRow, SessionId), ResumeEnd> {
    let row = item.map(Item::into_row::<SessionRow>).transpose()?.ok_or(ResumeEnd::NotFound)?;
    match row.owner() {
        Some(owner) if owner.principal.hash() == session.principal_hash => {
            Ok((row, owner.session_id))
        }
        _ => Err(ResumeEnd::NotFound),
    }
}

impl From<StoreError> for ResumeEnd {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a resume was interrupted");
        Self::Interrupted
    }
}

impl From<ApiError> for ResumeEnd {
    fn from(failure: ApiError) -> Self {
        if let ApiError::Unavailable(error) = failure {
            tracing::error!(%error, "a resume was interrupted");
        }
        Self::Interrupted
    }
}
