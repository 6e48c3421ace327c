//! The live connection of a chat: a tab of the client that runs in the background, and its events.

use std::sync::Arc;

use client::account::Account;
use client::rule::{FinalTurn, Resumed};
use client::tab::{self, Ended, Observer, TabHandle, TabId, TabSettings};
use fastrand::Rng;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// What a connection reports.
#[derive(Debug)]
pub(super) enum Event {
    /// A socket opened; the number counts from 1.
    Connected(u32),
    /// The socket was closed; the client reconnects by itself.
    Disconnected,
    /// The service answered `resume`: from now on nothing is missed.
    Resumed,
    /// A turn's provisional text changed to this.
    Text { turn: u64, text: String },
    /// What the service is doing for a turn.
    Phase { turn: u64, phase: String },
    /// A turn is final.
    Final(FinalTurn),
    /// Turns up to this one are no longer stored, or, at 0, the session starts from the beginning.
    Skipped { cursor: u64 },
    /// The client gave up.
    Ended(Ended),
}

/// A connection that stays open until it is dropped.
pub(super) struct Connection {
    /// Controls the tab.
    pub(super) tab: TabHandle,
    events: UnboundedReceiver<Event>,
}

impl Connection {
    /// Starts to connect to a session, and shows only turns after `cursor`.
    pub(super) fn open(account: Arc<Account>, session_id: &str, cursor: u64) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let settings = TabSettings {
            cursor,
            // Answers arrive even where a proxy lets no WebSocket through.
            poll_while_disconnected: true,
            ..TabSettings::new(TabId(1), session_id, Rng::new())
        };
        let (running, tab) = tab::open(account, settings, Arc::new(Events(sender.clone())));
        tokio::spawn(async move {
            let ended = running.run().await;
            drop(sender.send(Event::Ended(ended)));
        });
        Self { tab, events }
    }

    /// Returns the next event. Cancel-safe.
    pub(super) async fn next(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Ended(Ended::Closed))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tab.close();
    }
}

/// Sends what happens to the tab to the terminal. Nobody listens any more once the chat has ended.
struct Events(UnboundedSender<Event>);

impl Events {
    fn send(&self, event: Event) {
        drop(self.0.send(event));
    }
}

impl Observer for Events {
    fn connected(&self, _tab: TabId, times: u32) {
        self.send(Event::Connected(times));
    }

    fn disconnected(&self, _tab: TabId) {
        self.send(Event::Disconnected);
    }

    fn resumed(&self, _tab: TabId, _resumed: Resumed) {
        self.send(Event::Resumed);
    }

    fn text_shown(&self, _tab: TabId, turn: u64, _generation: u64, text: &str) {
        self.send(Event::Text { turn, text: text.to_owned() });
    }

    fn status_shown(&self, _tab: TabId, turn: u64, phase: &str) {
        self.send(Event::Phase { turn, phase: phase.to_owned() });
    }

    fn final_shown(&self, _tab: TabId, turn: &FinalTurn) {
        self.send(Event::Final(turn.clone()));
    }

    fn turns_skipped(&self, _tab: TabId, cursor: u64) {
        self.send(Event::Skipped { cursor });
    }

    fn reset(&self, _tab: TabId) {
        self.send(Event::Skipped { cursor: 0 });
    }
}
