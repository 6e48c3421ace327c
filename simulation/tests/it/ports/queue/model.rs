//! What a FIFO queue is supposed to do, written as plainly as possible.

use std::time::Duration;

use shared::fifo::QueueSettings;

use super::operation::{Handle, Operation};

const MAX_VISIBILITY: Duration = Duration::from_hours(12);

/// What an operation shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Observation {
    Done,
    Stale,
    Messages(Vec<ShownMessage>),
    Redriven(usize),
}

/// A message as it is handed out or listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShownMessage {
    pub(super) message: usize,
    pub(super) group: String,
    pub(super) body: String,
    pub(super) receive_count: u32,
}

#[derive(Debug, Clone)]
struct Message {
    shown: ShownMessage,
    flight: Option<InFlight>,
}

/// The newest receive of a message, and when its visibility timeout ends.
#[derive(Debug, Clone)]
struct InFlight {
    receive: usize,
    until: Duration,
}

/// A queue as three lists.
#[derive(Debug, Clone)]
pub(super) struct Model {
    settings: QueueSettings,
    pub(super) now: Duration,
    /// In the order in which they were appended.
    messages: Vec<Message>,
    /// In the order in which they were appended, too.
    dead: Vec<ShownMessage>,
    /// Every deduplication id that was taken, and when.
    taken: Vec<(u8, Duration)>,
    /// Every receive of this process: its place here is its handle, the message's number its
    /// content.
    receives: Vec<usize>,
    appended: usize,
}

impl Model {
    /// Makes an empty queue.
    pub(super) fn new(settings: QueueSettings) -> Self {
        let now = Duration::ZERO;
        let messages = Vec::new();
        let dead = Vec::new();
        let taken = Vec::new();
        let receives = Vec::new();
        Self { settings, now, messages, dead, taken, receives, appended: 0 }
    }

    /// Does one operation; `body` is what a send carries.
    pub(super) fn act(&mut self, operation: &Operation, body: &str) -> Observation {
        match *operation {
            Operation::Send { group, id, .. } => self.send(group, id, body),
            Operation::Receive(max) => Observation::Messages(self.receive(max)),
            Operation::Delete(handle) => self.delete(handle),
            Operation::Hide(handle, visibility) => self.hide(handle, visibility),
            Operation::Pass(span) => self.pass(span),
            Operation::Wait => self.pass(self.wait().unwrap_or_default()),
            Operation::Redrive => self.redrive(),
            Operation::DeadLetters(limit) => Observation::Messages(self.dead_letters(limit)),
            Operation::Purge => Observation::Done,
            Operation::Restart => self.restart(),
        }
    }

    /// Returns the place of a handle in the order in which this process was given them.
    pub(super) fn place(&self, handle: Handle) -> Option<usize> {
        match handle {
            Handle::Given(back) => self.receives.len().checked_sub(back + 1),
            Handle::Unknown => None,
        }
    }

    /// Returns how long it takes until something is available if nothing happens; `None` if nothing
    /// is under way.
    pub(super) fn wait(&self) -> Option<Duration> {
        if self.next(None).is_some() {
            return Some(Duration::ZERO);
        }
        let ends = self
            .messages
            .iter()
            .filter(|message| self.flies(message))
            .filter_map(|message| message.flight.as_ref());
        ends.map(|flight| flight.until.saturating_sub(self.now)).min()
    }

    /// Lists the dead letters, oldest first.
    pub(super) fn dead_letters(&self, limit: usize) -> Vec<ShownMessage> {
        self.dead.iter().take(limit).cloned().collect()
    }

    /// Counts the messages that are not dead letters.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Counts the messages in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.messages.iter().filter(|message| self.flies(message)).count()
    }

    fn send(&mut self, group: u8, id: u8, body: &str) -> Observation {
        let window = self.settings.dedup_window;
        if !self.taken.iter().any(|(taken, at)| *taken == id && *at + window > self.now) {
            self.taken.push((id, self.now));
            self.append(format!("group-{group}"), body.to_owned());
        }
        Observation::Done
    }

    fn append(&mut self, group: String, body: String) {
        let shown = ShownMessage { message: self.appended, group, body, receive_count: 0 };
        self.messages.push(Message { shown, flight: None });
        self.appended += 1;
    }

    fn receive(&mut self, max: usize) -> Vec<ShownMessage> {
        let mut received: Vec<ShownMessage> = Vec::new();
        while received.len() < max {
            let Some(place) = self.next(received.last().map(|last| last.group.as_str())) else {
                break;
            };
            if self.messages[place].shown.receive_count == self.settings.max_receive_count {
                self.dead.push(self.messages.remove(place).shown);
                self.dead.sort_by_key(|shown| shown.message);
                continue;
            }
            let until = self.now + self.settings.visibility;
            let message = &mut self.messages[place];
            message.shown.receive_count += 1;
            message.flight = Some(InFlight { receive: self.receives.len(), until });
            self.receives.push(message.shown.message);
            received.push(message.shown.clone());
        }
        received
    }

    /// Returns the place of the message to hand out next: of the group that this receive is at,
    /// else the first whose group has nothing in flight.
    fn next(&self, group: Option<&str>) -> Option<usize> {
        let flies = |message: &Message| self.flies(message);
        let of_this =
            |message: &Message| Some(message.shown.group.as_str()) == group && !flies(message);
        let is_locked = |group: &str| {
            self.messages.iter().any(|other| other.shown.group == group && flies(other))
        };
        let of_another = |message: &Message| !is_locked(&message.shown.group);
        self.messages.iter().position(of_this).or_else(|| self.messages.iter().position(of_another))
    }

    fn flies(&self, message: &Message) -> bool {
        message.flight.as_ref().is_some_and(|flight| flight.until > self.now)
    }

    fn delete(&mut self, handle: Handle) -> Observation {
        match (self.current(handle), self.is_gone(handle)) {
            (Some(place), _) => drop(self.messages.remove(place)),
            (None, true) => {}
            (None, false) => return Observation::Stale,
        }
        Observation::Done
    }

    fn hide(&mut self, handle: Handle, visibility: Duration) -> Observation {
        let Some(place) = self.current(handle) else { return Observation::Stale };
        let until = self.now + visibility.min(MAX_VISIBILITY);
        self.messages[place].flight.as_mut().unwrap().until = until;
        Observation::Done
    }

    /// Returns the place of the message whose newest receive this is and whose visibility timeout
    /// goes on.
    fn current(&self, handle: Handle) -> Option<usize> {
        let receive = self.place(handle)?;
        let is_newest = |message: &Message| {
            message.flight.as_ref().is_some_and(|flight| flight.receive == receive)
        };
        self.messages.iter().position(|message| is_newest(message) && self.flies(message))
    }

    fn is_gone(&self, handle: Handle) -> bool {
        let Some(message) = self.place(handle).map(|place| self.receives[place]) else {
            return false;
        };
        let mut left = self.messages.iter().map(|message| &message.shown).chain(&self.dead);
        !left.any(|shown| shown.message == message)
    }

    fn pass(&mut self, span: Duration) -> Observation {
        self.now += span;
        Observation::Done
    }

    fn redrive(&mut self) -> Observation {
        let dead = std::mem::take(&mut self.dead);
        let count = dead.len();
        for shown in dead {
            self.append(shown.group, shown.body);
        }
        Observation::Redriven(count)
    }

    fn restart(&mut self) -> Observation {
        self.receives.clear();
        self.messages.iter_mut().for_each(|message| message.flight = None);
        Observation::Done
    }
}
