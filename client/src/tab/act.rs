//! What a tab does about orders, answers, frames and time.

use std::time::Duration;
use std::{iter, mem};

use futures::FutureExt as _;
use tokio::time::timeout;

use super::Ended;
use super::handle::Outgoing;
use super::link::{Link, LinkEvent, NotOpened, pause};
use super::run::Tab;
use crate::account::{CallError, History};
use crate::rule::{Action, FinalTurn, Frame, Input};
use crate::transport::Socket;

/// A dead network leaves a socket open for minutes; a question that is not answered in this time
/// shows it.
const ANSWER: Duration = Duration::from_secs(12);
/// How many turns are fetched at once; each may be large.
const FETCH_LIMIT: u64 = 20;

impl Tab {
    /// Follows what the handles told it, and waits while it is suspended.
    pub(super) async fn follow_orders(&mut self) -> Result<(), Ended> {
        loop {
            let (messages, cut, suspended) = {
                let mut orders = self.shared.orders();
                if orders.close {
                    return Err(Ended::Closed);
                }
                (mem::take(&mut orders.messages), mem::take(&mut orders.cut), orders.suspended)
            };
            if cut {
                self.drop_link(Duration::ZERO);
            }
            for message in messages {
                self.on_message(&message).await;
            }
            if !suspended {
                return Ok(());
            }
            self.shared.changed().await;
        }
    }

    async fn on_message(&mut self, message: &Outgoing) {
        match message {
            Outgoing::Sending(id)
                if self.shared.view().shown.iter().any(|shown| shown.message_id == *id) => {}
            Outgoing::Sending(id) => self.give(Input::Sending(id)).await,
            Outgoing::Unsent(id) => self.give(Input::Unsent(id)).await,
        }
    }

    /// Does what is due.
    pub(super) async fn look_at_the_clock(&mut self) {
        let now = self.now();
        match &self.link {
            Link::Waiting { until } if *until <= now => {
                self.link = Link::connect(&self.account, &self.session_id, self.offered.take());
            }
            Link::Open { answer_by: Some(by), .. } if *by <= now => self.drop_link(Duration::ZERO),
            _ => {}
        }
        self.give(Input::Tick).await;
    }

    /// Takes in what the history answered; after any other failure the rule asks again.
    pub(super) async fn on_history(&mut self, answer: Result<History, CallError>) {
        self.fetch = None;
        match answer {
            Ok(history) => self.give(Input::History(history.turns)).await,
            Err(CallError::NotFound) => self.give(Input::Gone).await,
            Err(_) => {}
        }
        self.fetch_next();
    }

    pub(super) async fn on_link(&mut self, event: LinkEvent) -> Result<(), Ended> {
        match event {
            LinkEvent::Opened(socket) => self.on_open(socket).await,
            LinkEvent::NotOpened(NotOpened::Later(pause)) => self.drop_link(pause),
            LinkEvent::NotOpened(NotOpened::Never(ended)) => {
                if ended == Ended::Gone {
                    self.give(Input::Gone).await;
                }
                return Err(ended);
            }
            LinkEvent::Frame(raw) => self.on_frame(&raw).await,
            LinkEvent::Closed => self.drop_link(Duration::ZERO),
        }
        Ok(())
    }

    async fn on_open(&mut self, socket: Box<dyn Socket>) {
        self.link = Link::Open { socket, answer_by: None };
        self.opened += 1;
        self.shared.view().connected = true;
        self.observer.connected(self.id, self.opened);
        self.give(Input::Opened).await;
    }

    async fn on_frame(&mut self, raw: &str) {
        if let Link::Open { answer_by, .. } = &mut self.link {
            *answer_by = None;
        }
        self.observer.frame_received(self.id, raw);
        let frame = Frame::parse(raw);
        if let Frame::Resumed(resumed) = &frame {
            self.failed = 0;
            self.observer.resumed(self.id, *resumed);
        }
        self.give(Input::Frame(frame)).await;
    }

    /// Gives up the connection, and tries again after a pause, which is no shorter than `at_least`.
    fn drop_link(&mut self, at_least: Duration) {
        let was_open = matches!(self.link, Link::Open { .. });
        if matches!(self.link, Link::Waiting { .. }) {
            return;
        }
        let pause = pause(self.failed, &mut self.rng).max(at_least);
        self.failed = self.failed.saturating_add(1);
        self.link = Link::Waiting { until: self.now() + pause };
        if self.polls {
            self.wanted.insert(self.rule.cursor());
            self.fetch_next();
        }
        if was_open {
            // A closed client asks for nothing, so no actions result.
            let mut nothing = Vec::new();
            self.observer.rule_input(self.id, &Input::Closed);
            self.rule.apply(Input::Closed, self.now(), &mut nothing);
            self.shared.view().connected = false;
            self.observer.disconnected(self.id);
        }
    }

    /// Gives the rule an input, and does what it says.
    async fn give(&mut self, input: Input<'_>) {
        self.observer.rule_input(self.id, &input);
        let mut actions = mem::take(&mut self.actions);
        self.rule.apply(input, self.now(), &mut actions);
        for action in actions.drain(..) {
            self.act(action).await;
        }
        self.actions = actions;
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Resume { after } => self.resume(after).await,
            Action::Fetch { after } => {
                self.wanted.insert(after);
                self.fetch_next();
            }
            Action::Text { turn, generation } => {
                self.observer.text_shown(self.id, turn, generation, self.rule.text(turn));
            }
            Action::Final(shown) => self.show(shown),
            Action::Status { turn, phase } => self.observer.status_shown(self.id, turn, &phase),
            Action::Skipped { cursor } => {
                self.shared.view().cursor = cursor;
                self.observer.turns_skipped(self.id, cursor);
            }
            Action::Reset => self.forget(),
            Action::ChecksumMismatch { turn } => self.observer.checksum_mismatch(self.id, turn),
        }
    }

    async fn resume(&mut self, after: u64) {
        let Link::Open { socket, answer_by } = &mut self.link else { return };
        answer_by.get_or_insert(self.begun.elapsed() + ANSWER);
        self.observer.resume_requested(self.id, after);
        let frame = format!("{{\"type\":\"resume\",\"after\":{after}}}");
        if !matches!(timeout(ANSWER, socket.send(&frame)).await, Ok(Ok(()))) {
            self.drop_link(Duration::ZERO);
        }
    }

    fn show(&mut self, shown: FinalTurn) {
        self.observer.final_shown(self.id, &shown);
        let mut view = self.shared.view();
        view.cursor = shown.number;
        view.shown.push(shown.into());
    }

    /// Forgets what is shown, and also what was asked of the history: its answer would be the old
    /// session's.
    fn forget(&mut self) {
        self.fetch = None;
        self.wanted.clear();
        {
            let mut view = self.shared.view();
            view.cursor = 0;
            view.shown.clear();
        }
        self.observer.reset(self.id);
    }

    /// Begins the next fetch, if none is on its way.
    fn fetch_next(&mut self) {
        if self.fetch.is_some() {
            return;
        }
        let cursor = self.rule.cursor();
        let Some(after) = iter::from_fn(|| self.wanted.pop_first()).find(|after| *after >= cursor)
        else {
            return;
        };
        self.observer.fetch_started(self.id, after);
        let account = self.account.clone();
        let session_id = self.session_id.clone();
        let fetch = async move { account.history(&session_id, after, FETCH_LIMIT).await };
        self.fetch = Some(fetch.boxed());
    }
}
