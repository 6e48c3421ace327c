//! One account, and its sessions one after the other.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::sleep;

use super::conversation::Conversation;
use super::edge::{Address, ServerEdge};
use super::ledger::{Ledger, SessionRef};
use client::account::{Account, CallError};
use client::tab::TabHandle;

/// What all users of a run share.
#[derive(Clone)]
pub(super) struct RunContext {
    pub(super) ledger: Arc<Ledger>,
    pub(super) address: Address,
    /// Becomes true when no user may begin anything new.
    pub(super) finish: watch::Receiver<bool>,
}

/// A session that was used, as its owner leaves it.
pub(super) struct UsedSession {
    pub(super) session_ref: SessionRef,
    pub(super) account: Arc<Account>,
    /// The tabs that are still open.
    pub(super) tabs: Vec<TabHandle>,
}

/// A user with an account.
pub(super) struct User {
    pub(super) run_context: RunContext,
    pub(super) owner: u32,
    pub(super) account: Arc<Account>,
    pub(super) rng: Rng,
}

impl User {
    pub(super) fn new(run_context: RunContext, owner: u32, mut rng: Rng) -> anyhow::Result<Self> {
        let edge = ServerEdge::new(
            owner,
            run_context.address.clone(),
            Arc::clone(&run_context.ledger),
            rng.fork(),
        )?;
        Ok(Self { run_context, owner, account: Arc::new(Account::anonymous(Arc::new(edge))), rng })
    }

    /// Chats until the run ends; a new session follows each one that was deleted.
    pub(super) async fn live(mut self) -> Vec<UsedSession> {
        self.introduce().await;
        let mut used = Vec::new();
        let mut number = 0;
        while !*self.run_context.finish.borrow() {
            number += 1;
            // All users choose the same session IDs: they must never reach each other's sessions.
            let conversation = Conversation::new(&mut self, format!("lesson-{number}"));
            used.push(conversation.hold().await);
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
