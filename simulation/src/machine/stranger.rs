//! What somebody else tries with a session.

use std::sync::Arc;

use fastrand::Rng;
use shared::domain::Rating;

use super::edge::ServerEdge;
use super::ledger::Seat;
use super::person::World;
use client::account::{Account, CallError};

/// The number of an account that owns nothing.
const STRANGER: u32 = 9_999;

/// Lets a stranger try whatever an id allows: all of it must look as if the session were not there.
pub(super) async fn tries(world: &World, seat: &Seat, mut rng: Rng) {
    let edge =
        ServerEdge::new(STRANGER, world.address.clone(), Arc::clone(&world.ledger), rng.fork());
    let Ok(edge) = edge else { return };
    let stranger = Account::anonymous(Arc::new(edge));
    if stranger.create_session(Some("elsewhere")).await.is_err() {
        return;
    }
    let tried = match rng.u8(0..5) {
        0 => stranger.history(&seat.session, 0, 10).await.map(drop),
        1 => stranger.stop(&seat.session, "m1").await,
        2 => stranger.ticket(&seat.session).await.map(drop),
        3 => stranger.rate(&seat.session, 1, Rating::Up, None).await,
        _ => stranger.delete(&seat.session).await,
    };
    if let Ok(()) | Err(CallError::Conflict | CallError::Refused { .. }) = tried {
        world.ledger.violation("7", format!("a stranger who tried {seat} was answered {tried:?}"));
    }
    world.ledger.tally.event("strangers");
}
