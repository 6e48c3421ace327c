//! WebSocket connections: frames take their time, get lost, come twice and late.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::domain::{ConnectionId, SessionKey};
use shared::ports::PushError;
use shared::ports::push::MAX_FRAME_BYTES;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::faults::{ExternalFault, Faults, Subject, lock};

/// How long API Gateway keeps a connection, and how long one on which nothing is sent either way.
const LONGEST: Duration = Duration::from_hours(2);
const IDLE: Duration = Duration::from_mins(10);

/// The way of frames to the clients.
#[derive(Debug)]
pub struct Network {
    faults: Arc<Faults>,
    connections: Mutex<BTreeMap<ConnectionId, Arc<Incoming>>>,
}

/// The client's end of a connection.
#[derive(Debug)]
pub struct Incoming {
    session: SessionKey,
    opened: Instant,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    /// What is on its way, by arrival.
    frames: BTreeMap<(Instant, u64), String>,
    sent: u64,
    last_arrival: Instant,
    slow_until: Option<Instant>,
    used_at: Instant,
    closed: bool,
}

impl Network {
    /// Knows no connection yet.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, connections: Mutex::default() }
    }

    /// Opens a connection to a session.
    pub fn open(&self, id: &ConnectionId, session: &SessionKey) -> Arc<Incoming> {
        let opened = Instant::now();
        let state = State {
            frames: BTreeMap::new(),
            sent: 0,
            last_arrival: opened,
            slow_until: None,
            used_at: opened,
            closed: false,
        };
        let session = session.clone();
        let state = Mutex::new(state);
        let news = Notify::new();
        let incoming = Arc::new(Incoming { session, opened, state, news });
        lock(&self.connections).insert(id.clone(), Arc::clone(&incoming));
        incoming
    }

    /// Takes a frame for a connection; it may be lost all the same.
    pub fn push(&self, id: &ConnectionId, frame: &str) -> Result<(), PushError> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(PushError::Failed("the frame is larger than 28 KB".into()));
        }
        let incoming = lock(&self.connections).get(id).cloned().ok_or(PushError::Gone)?;
        let subject = Subject::Session(incoming.session.clone());
        if self.faults.occurs(ExternalFault::ClientSlow, &subject) {
            incoming.be_slow(self.faults.span(Duration::from_millis(200), Duration::from_secs(20)));
        }
        if incoming.is_slow() {
            return Err(PushError::Slow);
        }
        if self.faults.occurs(ExternalFault::FrameLost, &subject) {
            return Ok(());
        }
        let late = self.faults.occurs(ExternalFault::FrameLate, &subject);
        let most = if late { Duration::from_secs(4) } else { Duration::from_millis(12) };
        incoming.put(self.faults.span(Duration::ZERO, most), late, frame);
        if self.faults.occurs(ExternalFault::FrameRepeated, &subject) {
            incoming.put(self.faults.span(Duration::ZERO, most), true, frame);
        }
        Ok(())
    }

    /// Closes a connection; the client learns of it after what is on its way.
    pub fn close(&self, id: &ConnectionId) {
        if let Some(incoming) = lock(&self.connections).remove(id) {
            incoming.close();
        }
    }

    /// Closes the connections that are two hours old, or on which nothing was sent for ten minutes.
    pub fn cut_overdue(&self) {
        let is_overdue =
            |incoming: &Incoming| incoming.opened.elapsed() >= LONGEST || incoming.idle() >= IDLE;
        let overdue: Vec<ConnectionId> = {
            let connections = lock(&self.connections);
            connections
                .iter()
                .filter(|(_, incoming)| is_overdue(incoming))
                .map(|(id, _)| id.clone())
                .collect()
        };
        for id in &overdue {
            self.close(id);
        }
    }

    /// Returns a connection's end, for those who want to disturb it.
    pub fn find(&self, id: &ConnectionId) -> Option<Arc<Incoming>> {
        lock(&self.connections).get(id).cloned()
    }

    /// Counts the open connections.
    pub fn open_connections(&self) -> usize {
        lock(&self.connections).len()
    }
}

impl Incoming {
    /// Returns whose connection it is.
    pub fn session(&self) -> &SessionKey {
        &self.session
    }

    /// Returns the next frame in the order of arrival; `None` once the connection is closed.
    /// Cancel-safe.
    pub async fn next(&self) -> Option<String> {
        loop {
            let news = self.news.notified();
            let arrival = {
                let mut state = lock(&self.state);
                if state.closed {
                    return None;
                }
                let first = state.frames.first_key_value().map(|((arrival, _), _)| *arrival);
                if first.is_some_and(|arrival| arrival <= Instant::now()) {
                    return state.frames.pop_first().map(|(_, frame)| frame);
                }
                first
            };
            tokio::select! {
                biased;
                () = news => (),
                () = until(arrival) => (),
            }
        }
    }

    /// Makes the client stop reading for a while.
    pub fn be_slow(&self, time: Duration) {
        lock(&self.state).slow_until = Some(Instant::now() + time);
    }

    fn is_slow(&self) -> bool {
        lock(&self.state).slow_until.is_some_and(|end| end > Instant::now())
    }

    fn put(&self, delay: Duration, overtaken: bool, frame: &str) {
        let mut state = lock(&self.state);
        let mut arrival = Instant::now() + delay;
        if !overtaken {
            arrival = arrival.max(state.last_arrival);
            state.last_arrival = arrival;
        }
        state.used_at = Instant::now();
        state.sent += 1;
        let place = (arrival, state.sent);
        state.frames.insert(place, frame.to_owned());
        drop(state);
        self.news.notify_one();
    }

    /// Notes that the client sent something.
    pub fn used(&self) {
        lock(&self.state).used_at = Instant::now();
    }

    fn idle(&self) -> Duration {
        lock(&self.state).used_at.elapsed()
    }

    /// Tells whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Ends the connection: what is on its way is lost.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.news.notify_one();
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
