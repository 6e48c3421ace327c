//! What somebody else tries with a session.

use std::sync::Arc;

use fastrand::Rng;
use shared::domain::Rating;

use super::edge::ServerEdge;
use super::ledger::SessionRef;
use super::user::RunContext;
use client::account::{Account, CallError};

/// The number of an account that owns nothing.
const INTRUDER: u32 = 9_999;

/// Lets another account try everything that the session's ID allows: every answer must look as if
/// the session did not exist.
pub(super) async fn tries(run_context: &RunContext, session_ref: &SessionRef, mut rng: Rng) {
    let edge = ServerEdge::new(
        INTRUDER,
        run_context.address.clone(),
        Arc::clone(&run_context.ledger),
        rng.fork(),
    );
    let Ok(edge) = edge else { return };
    let intruder = Account::anonymous(Arc::new(edge));
    if intruder.create_session(Some("elsewhere")).await.is_err() {
        return;
    }
    let tried = match rng.u8(0..5) {
        0 => intruder.history(&session_ref.session, 0, 10).await.map(drop),
        1 => intruder.stop(&session_ref.session, "m1").await,
        2 => intruder.ticket(&session_ref.session).await.map(drop),
        3 => intruder.rate(&session_ref.session, 1, Rating::Up, None).await,
        _ => intruder.delete(&session_ref.session).await,
    };
    if let Ok(()) | Err(CallError::Conflict | CallError::Refused { .. }) = tried {
        run_context.ledger.violation(
            "7",
            format!("another account that tried {session_ref} got an answer: {tried:?}"),
        );
    }
    run_context.ledger.tally.event("strangers");
}
