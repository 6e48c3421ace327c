//! The messages in flight.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use shared::operator::MessageRef;
use tokio::time::Instant;

use super::item::BatchItem;

/// The maximum number of messages in one lookup.
pub(super) const LOOKUP_LIMIT: usize = 100;
/// How long a message may be unknown to the server before it is sent again under its ID.
const UNKNOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is sent again.
const RESENDS: u32 = 3;

/// A message in flight.
#[derive(Debug)]
pub(super) struct SentMessage {
    pub(super) item: BatchItem,
    heard: Instant,
    resends: u32,
}

/// What to do about a message that the server does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnknownAction {
    /// Nothing yet.
    Wait,
    /// Send it once more.
    Resend,
    /// It was never accepted, or no longer exists.
    GiveUp,
}

/// All messages in flight, looked up in rotation.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    flights: HashMap<MessageRef, SentMessage>,
    turns: VecDeque<MessageRef>,
}

impl InFlight {
    /// Adds a message that was queued.
    pub(super) fn add(&mut self, pointer: MessageRef, item: BatchItem) {
        self.turns.push_back(pointer.clone());
        self.flights.insert(pointer, SentMessage { item, heard: Instant::now(), resends: 0 });
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Returns the messages to look up next.
    pub(super) fn turn(&mut self) -> Vec<MessageRef> {
        let mut turn = Vec::new();
        while turn.len() < LOOKUP_LIMIT.min(self.flights.len()) {
            let Some(pointer) = self.turns.pop_front() else { break };
            if self.flights.contains_key(&pointer) {
                self.turns.push_back(pointer.clone());
                turn.push(pointer);
            }
        }
        turn
    }

    /// Removes a message that is done.
    pub(super) fn take(&mut self, pointer: &MessageRef) -> Option<BatchItem> {
        self.flights.remove(pointer).map(|flight| flight.item)
    }

    /// Records that a message is known to be waiting or running.
    pub(super) fn heard(&mut self, pointer: &MessageRef) {
        if let Some(flight) = self.flights.get_mut(pointer) {
            flight.heard = Instant::now();
        }
    }

    /// Decides about a message that the server does not know, given the age of the oldest queued
    /// message: a younger message may still be in the queue.
    pub(super) fn unknown(&mut self, pointer: &MessageRef, oldest: Duration) -> UnknownAction {
        let Some(flight) = self.flights.get_mut(pointer) else { return UnknownAction::Wait };
        let silent = flight.heard.elapsed();
        if silent < UNKNOWN_TIMEOUT || oldest >= silent {
            return UnknownAction::Wait;
        }
        if flight.resends >= RESENDS {
            return UnknownAction::GiveUp;
        }
        flight.resends += 1;
        flight.heard = Instant::now();
        UnknownAction::Resend
    }

    /// Returns the message itself.
    pub(super) fn item(&self, pointer: &MessageRef) -> Option<&BatchItem> {
        self.flights.get(pointer).map(|flight| &flight.item)
    }

    /// Returns all of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&MessageRef, &BatchItem)> {
        self.flights.iter().map(|(pointer, flight)| (pointer, &flight.item))
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{MessageId, MessageText, Principal, SessionId, SessionKey};

    use super::*;

    fn flight(number: u64) -> (MessageRef, BatchItem) {
        let session_id = SessionId::parse(format!("s{number}")).unwrap();
        let message_id = MessageId::parse("m").unwrap();
        let session_key = SessionKey::derive(&Principal::parse("op:a").unwrap(), &session_id);
        let item = BatchItem {
            line: number,
            session_id,
            shared: false,
            message_id: message_id.clone(),
            named: false,
            message: MessageText::parse("hi").unwrap(),
            document_id: None,
            provider: None,
            metadata: None,
        };
        (MessageRef { session_key, message_id }, item)
    }

    #[test]
    fn every_message_is_looked_up_in_rotation() {
        let mut flights = InFlight::default();
        (0..250).for_each(|number| {
            let (pointer, item) = flight(number);
            flights.add(pointer, item);
        });
        let mut seen = std::collections::HashSet::new();
        for _ in 0..3 {
            seen.extend(flights.turn());
        }
        assert_eq!(seen.len(), 250);
        for pointer in seen {
            flights.take(&pointer);
        }
        assert!(flights.turn().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_message_is_sent_again_a_few_times_and_then_given_up() {
        let mut flights = InFlight::default();
        let (pointer, item) = flight(1);
        flights.add(pointer.clone(), item);
        assert_eq!(flights.unknown(&pointer, Duration::ZERO), UnknownAction::Wait);
        for _ in 0..RESENDS {
            tokio::time::advance(UNKNOWN_TIMEOUT).await;
            assert_eq!(flights.unknown(&pointer, Duration::from_mins(1)), UnknownAction::Wait);
            assert_eq!(flights.unknown(&pointer, Duration::ZERO), UnknownAction::Resend);
        }
        tokio::time::advance(UNKNOWN_TIMEOUT).await;
        assert_eq!(flights.unknown(&pointer, Duration::ZERO), UnknownAction::GiveUp);
    }
}
