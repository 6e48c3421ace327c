//! One session, as its owner uses it.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures::FutureExt as _;
use shared::domain::Rating;
use tokio::time::{Instant, sleep};

use super::intruder;
use super::ledger::{Ledger, ObservedFinal, SessionRef};
use super::message;
use super::user::{RunContext, UsedSession, User, pause_after, short_pause};
use super::watch::TabWatch;
use client::account::{Account, CallError};
use client::tab::{self, TabHandle, TabId, TabSettings};

/// How long a person waits for an answer before the next message.
const TIMEOUT: Duration = Duration::from_secs(4);
const LOOK_AGAIN: Duration = Duration::from_millis(15);
const MOST_TABS: usize = 4;
const LONGEST_SUSPENSION_MS: u64 = 3_000;

/// One session under way.
pub(super) struct Conversation {
    pub(super) run_context: RunContext,
    pub(super) account: Arc<Account>,
    pub(super) session_ref: SessionRef,
    pub(super) rng: Rng,
    pub(super) tabs: Vec<TabHandle>,
    pub(super) sent: u32,
}

impl Conversation {
    pub(super) fn new(user: &mut User, session: String) -> Self {
        let session_ref = SessionRef { owner: user.owner, session };
        let run_context = user.run_context.clone();
        let account = Arc::clone(&user.account);
        Self { run_context, account, session_ref, rng: user.rng.fork(), tabs: Vec::new(), sent: 0 }
    }

    /// Sends messages until the session is deleted or the run ends.
    pub(super) async fn hold(mut self) -> UsedSession {
        self.begin().await;
        while !*self.run_context.finish.borrow() && !self.is_deleted() {
            sleep(Duration::from_millis(self.rng.u64(0..60))).await;
            if self.rng.u8(0..3) == 0 {
                self.do_something_else().await;
            } else {
                self.say().await;
            }
        }
        UsedSession { session_ref: self.session_ref, account: self.account, tabs: self.tabs }
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.run_context.ledger
    }

    fn is_deleted(&self) -> bool {
        self.ledger().with(&self.session_ref, |session| session.deleted)
    }

    async fn begin(&mut self) {
        while self.account.create_session(Some(&self.session_ref.session)).await.is_err() {
            sleep(short_pause(&mut self.rng)).await;
        }
        self.ledger().tally.event("sessions");
        for _ in 0..self.rng.u8(1..3) {
            self.open_tab();
        }
    }

    /// Does something other than sending a message.
    async fn do_something_else(&mut self) {
        match self.rng.u8(0..30) {
            0..4 => self.open_tab(),
            4..7 => self.close_a_tab(),
            7..13 => self.cut(),
            13..15 => self.suspend_a_tab(),
            15..20 => self.look_back().await,
            20..23 => self.rate().await,
            23..28 => {
                let rng = self.rng.fork();
                intruder::tries(&self.run_context, &self.session_ref, rng).await;
            }
            28 if self.rng.u8(0..4) == 0 => self.delete().await,
            _ => {}
        }
    }

    /// Sends a message; sometimes twice at once, sometimes with a stop behind it, and often waits
    /// for the answer.
    async fn say(&mut self) {
        self.sent += 1;
        let message =
            message::new(&self.run_context.ledger, &self.session_ref, self.sent, &mut self.rng);
        self.tabs.iter().for_each(|tab| tab.sending(message.message_id.clone()));
        let post = message::post(self, &message);
        let twin = self.rng.u8(0..8) == 0;
        let twin =
            if twin { message::post_again(self, &message).boxed() } else { async {}.boxed() };
        let stop = self.rng.u8(0..5) == 0;
        let stop = if stop { message::stop(self, &message).boxed() } else { async {}.boxed() };
        futures::join!(post, twin, stop);
        if self.rng.u8(0..3) > 0 {
            self.wait_for(&message.message_id).await;
        }
    }

    async fn wait_for(&self, message_id: &str) {
        let until = Instant::now() + TIMEOUT;
        // Only a tab tells that the answer is there.
        let somebody_looks = self.tabs.iter().any(|tab| tab.view().ended.is_none());
        while somebody_looks
            && Instant::now() < until
            && !self.ledger().is_settled(&self.session_ref, message_id)
        {
            sleep(LOOK_AGAIN).await;
        }
    }

    fn open_tab(&mut self) {
        if self.tabs.len() >= MOST_TABS {
            return;
        }
        let number = u32::try_from(self.ledger().tally.event("tabs opened")).unwrap_or(u32::MAX);
        let settings =
            TabSettings::new(TabId(number), self.session_ref.session.clone(), self.rng.fork());
        let watch = TabWatch::new(Arc::clone(self.ledger()), self.session_ref.clone());
        let (tab, handle) = tab::open(Arc::clone(&self.account), settings, watch);
        tokio::spawn(tab.run());
        self.tabs.push(handle);
    }

    fn close_a_tab(&mut self) {
        if let Some(tab) = self.tabs.pop() {
            tab.close();
            self.ledger().tally.event("tabs closed");
        }
    }

    fn cut(&self) {
        for tab in self.tabs.iter().filter(|tab| tab.view().connected) {
            tab.cut();
            self.ledger().tally.event("connections cut");
        }
    }

    fn suspend_a_tab(&mut self) {
        let Some(tab) = self.tabs.last().cloned() else { return };
        let time = Duration::from_millis(self.rng.u64(0..LONGEST_SUSPENSION_MS));
        self.ledger().tally.event("tabs that did not read");
        tab.suspend();
        tokio::spawn(async move {
            sleep(time).await;
            tab.wake();
        });
    }

    async fn look_back(&mut self) {
        let after = u64::from(self.rng.u32(0..=self.sent));
        match self.account.history(&self.session_ref.session, after, 100).await {
            Ok(history) => {
                self.ledger().tally.event("histories read");
                for turn in &history.turns {
                    if let Some(found) = ObservedFinal::stored(turn) {
                        self.ledger().final_seen(&self.session_ref, turn.turn, &found);
                    }
                }
            }
            Err(error) => self.must_pass(&error, "a history"),
        }
    }

    async fn rate(&mut self) {
        let last =
            self.ledger().with(&self.session_ref, |session| session.finals.keys().last().copied());
        let Some(turn) = last else { return };
        match self.account.rate(&self.session_ref.session, turn, Rating::Up, None).await {
            Ok(()) => _ = self.ledger().tally.event("ratings"),
            Err(error) => self.must_pass(&error, "a rating"),
        }
    }

    /// Deletes the session, as often as it takes; from the first 204 on it must be gone.
    async fn delete(&mut self) {
        self.ledger().with(&self.session_ref, |session| session.deletion_begun = true);
        while let Err(error) = self.account.delete(&self.session_ref.session).await {
            let Some(pause) = pause_after(&error, &mut self.rng) else {
                return self.must_pass(&error, "a deletion");
            };
            sleep(pause).await;
        }
        self.ledger().with(&self.session_ref, |session| session.deleted = true);
        self.ledger().tally.event("deletions");
    }

    /// Reports an error that no injected fault explains.
    fn must_pass(&self, error: &CallError, what: &str) {
        if error.retry_after().is_none() {
            self.ledger()
                .violation("1", format!("{what} on {} was answered: {error}", self.session_ref));
        }
    }
}
