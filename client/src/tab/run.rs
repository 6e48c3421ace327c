//! The life of a tab: one loop over orders, fetches, the timer and the socket.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures::future::{BoxFuture, OptionFuture};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::handle::Shared;
use super::link::{Link, LinkEvent};
use super::{Ended, Observer, TabId, TabSettings};
use crate::account::{Account, CallError, History, SocketTicket};
use crate::rule::{Action, ClientRule};

/// A tab that is open; it lives while [`Tab::run`] is polled.
pub struct Tab {
    pub(super) id: TabId,
    pub(super) session_id: String,
    pub(super) account: Arc<Account>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) shared: Arc<Shared>,
    pub(super) rng: Rng,
    pub(super) rule: ClientRule,
    /// Whether finals are read from the history while no socket can be opened.
    pub(super) polls: bool,
    pub(super) actions: Vec<Action>,
    pub(super) link: Link,
    pub(super) offered: Option<SocketTicket>,
    pub(super) opened: u32,
    pub(super) failed: u32,
    pub(super) fetch: Option<BoxFuture<'static, Result<History, CallError>>>,
    pub(super) wanted: BTreeSet<u64>,
    pub(super) alarm: Alarm,
    pub(super) begun: Instant,
}

enum Event {
    Orders,
    Fetched(Result<History, CallError>),
    Alarm,
    Link(LinkEvent),
}

impl Tab {
    pub(super) fn new(
        account: Arc<Account>,
        settings: TabSettings,
        observer: Arc<dyn Observer>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            id: settings.id,
            session_id: settings.session_id,
            account,
            observer,
            shared,
            rng: settings.rng,
            rule: ClientRule::new(settings.variant).with_cursor(settings.cursor),
            polls: settings.poll_while_disconnected,
            actions: Vec::new(),
            link: Link::Waiting { until: Duration::ZERO },
            offered: settings.websocket,
            opened: 0,
            failed: 0,
            fetch: None,
            wanted: BTreeSet::new(),
            alarm: Alarm::default(),
            begun: Instant::now(),
        }
    }

    /// Runs the tab until it is closed, or until the service will have no more of it.
    ///
    /// Dropping the future is a crash of the browser.
    pub async fn run(mut self) -> Ended {
        let ended = loop {
            if let Err(ended) = self.step().await {
                break ended;
            }
        };
        let mut view = self.shared.view();
        view.connected = false;
        view.ended = Some(ended);
        ended
    }

    async fn step(&mut self) -> Result<(), Ended> {
        self.follow_orders().await?;
        match self.next().await {
            Event::Orders => {}
            Event::Fetched(answer) => self.on_history(answer).await,
            Event::Alarm => self.look_at_the_clock().await,
            Event::Link(event) => self.on_link(event).await?,
        }
        Ok(())
    }

    async fn next(&mut self) -> Event {
        self.alarm.no_later_than(self.wake_at().map(|after| self.begun + after));
        let fetch = OptionFuture::from(self.fetch.as_mut());
        // In this order, so that the same seed gives the same story.
        tokio::select! {
            biased;
            () = self.shared.changed() => Event::Orders,
            Some(answer) = fetch => Event::Fetched(answer),
            () = self.alarm.ring() => Event::Alarm,
            event = self.link.next() => Event::Link(event),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn wake_at(&self) -> Option<Duration> {
        [self.rule.wake_at(), self.link.wake_at()].into_iter().flatten().min()
    }
}
