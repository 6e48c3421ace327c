//! One account, and its sessions one after the other.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::sleep;

use super::edge::{Address, ServerEdge};
use super::ledger::{Ledger, Seat};
use super::talk::Talk;
use client::account::{Account, CallError};
use client::tab::TabHandle;

/// What everybody in a run shares.
#[derive(Clone)]
pub(super) struct World {
    pub(super) ledger: Arc<Ledger>,
    pub(super) address: Address,
    /// Turns true when nobody is to begin anything new.
    pub(super) finish: watch::Receiver<bool>,
}

/// A session that was used, as its owner leaves it.
pub(super) struct Used {
    pub(super) seat: Seat,
    pub(super) account: Arc<Account>,
    /// The tabs that are still open.
    pub(super) tabs: Vec<TabHandle>,
}

/// Somebody with an account.
pub(super) struct Person {
    pub(super) world: World,
    pub(super) owner: u32,
    pub(super) account: Arc<Account>,
    pub(super) rng: Rng,
}

impl Person {
    pub(super) fn new(world: World, owner: u32, mut rng: Rng) -> anyhow::Result<Self> {
        let edge =
            ServerEdge::new(owner, world.address.clone(), Arc::clone(&world.ledger), rng.fork())?;
        Ok(Self { world, owner, account: Arc::new(Account::anonymous(Arc::new(edge))), rng })
    }

    /// Talks until told to finish; a new session follows one that was deleted.
    pub(super) async fn live(mut self) -> Vec<Used> {
        self.introduce().await;
        let mut used = Vec::new();
        let mut number = 0;
        while !*self.world.finish.borrow() {
            number += 1;
            // Everybody uses the same ids: a client's choice never leads to somebody else's
            // session.
            let talk = Talk::new(&mut self, format!("lesson-{number}"));
            used.push(talk.hold().await);
        }
        used
    }

    /// Gets a token; without one every call would be a new principal's.
    async fn introduce(&mut self) {
        while self.account.create_session(Some("hello")).await.is_err()
            || self.account.token().is_none()
        {
            sleep(short_pause(&mut self.rng)).await;
        }
    }
}

/// Returns the pause before a call is tried again: users are impatient, and the server comes back
/// soon.
pub(super) fn short_pause(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.u64(5..50))
}

/// Returns the pause before the next attempt, if another one makes sense.
pub(super) fn pause_after(error: &CallError, rng: &mut Rng) -> Option<Duration> {
    error.retry_after().map(|at_least| at_least.max(short_pause(rng)))
}
