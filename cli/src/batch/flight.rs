//! The messages on their way.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use shared::operator::MessageRef;
use tokio::time::Instant;

use super::item::Item;

/// The most that one call looks up.
pub(super) const AT_ONCE: usize = 100;
/// How long nothing may be known of a message before it is sent once more, under its id.
const UNKNOWN_FOR_LONG: Duration = Duration::from_secs(10);
/// How often it is sent once more.
const RESENDS: u32 = 3;

/// One message on its way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) item: Item,
    heard: Instant,
    resends: u32,
}

/// What is to be done about a message of which nothing is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet.
    Wait,
    /// Send it once more.
    Resend,
    /// It never was accepted, or is gone.
    GiveUp,
}

/// All of them, looked up in turns.
#[derive(Debug, Default)]
pub(super) struct Flights {
    flights: HashMap<MessageRef, Flight>,
    turns: VecDeque<MessageRef>,
}

impl Flights {
    /// Adds a message that is on the queue.
    pub(super) fn add(&mut self, pointer: MessageRef, item: Item) {
        self.turns.push_back(pointer.clone());
        self.flights.insert(pointer, Flight { item, heard: Instant::now(), resends: 0 });
    }

    /// Counts them.
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Returns those whose turn it is to be looked up.
    pub(super) fn turn(&mut self) -> Vec<MessageRef> {
        let mut turn = Vec::new();
        while turn.len() < AT_ONCE.min(self.flights.len()) {
            let Some(pointer) = self.turns.pop_front() else { break };
            if self.flights.contains_key(&pointer) {
                self.turns.push_back(pointer.clone());
                turn.push(pointer);
            }
        }
        turn
    }

    /// Takes one out that is done.
    pub(super) fn take(&mut self, pointer: &MessageRef) -> Option<Item> {
        self.flights.remove(pointer).map(|flight| flight.item)
    }

    /// Notes that one is known to be waiting or running.
    pub(super) fn heard(&mut self, pointer: &MessageRef) {
        if let Some(flight) = self.flights.get_mut(pointer) {
            flight.heard = Instant::now();
        }
    }

    /// Judges one of which nothing is known, where all that waits on the queue is younger than
    /// `oldest`.
    pub(super) fn unknown(&mut self, pointer: &MessageRef, oldest: Duration) -> Verdict {
        let Some(flight) = self.flights.get_mut(pointer) else { return Verdict::Wait };
        let silent = flight.heard.elapsed();
        if silent < UNKNOWN_FOR_LONG || oldest >= silent {
            return Verdict::Wait;
        }
        if flight.resends >= RESENDS {
            return Verdict::GiveUp;
        }
        flight.resends += 1;
        flight.heard = Instant::now();
        Verdict::Resend
    }

    /// Returns the message of one.
    pub(super) fn item(&self, pointer: &MessageRef) -> Option<&Item> {
        self.flights.get(pointer).map(|flight| &flight.item)
    }

    /// Returns where each is, with its ids.
    pub(super) fn all(&self) -> impl Iterator<Item = (&MessageRef, &Item)> {
        self.flights.iter().map(|(pointer, flight)| (pointer, &flight.item))
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{MessageId, MessageText, Principal, SessionId, SessionKey};

    use super::*;

    fn flight(number: u64) -> (MessageRef, Item) {
        let session_id = SessionId::parse(format!("s{number}")).unwrap();
        let message_id = MessageId::parse("m").unwrap();
        let session_key = SessionKey::derive(&Principal::parse("op:a").unwrap(), &session_id);
        let item = Item {
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
    fn everybody_is_looked_up_in_turns() {
        let mut flights = Flights::default();
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
    async fn a_message_that_nobody_knows_is_sent_again_a_few_times_and_then_given_up() {
        let mut flights = Flights::default();
        let (pointer, item) = flight(1);
        flights.add(pointer.clone(), item);
        assert_eq!(flights.unknown(&pointer, Duration::ZERO), Verdict::Wait);
        for _ in 0..RESENDS {
            tokio::time::advance(UNKNOWN_FOR_LONG).await;
            assert_eq!(flights.unknown(&pointer, Duration::from_mins(1)), Verdict::Wait);
            assert_eq!(flights.unknown(&pointer, Duration::ZERO), Verdict::Resend);
        }
        tokio::time::advance(UNKNOWN_FOR_LONG).await;
        assert_eq!(flights.unknown(&pointer, Duration::ZERO), Verdict::GiveUp);
    }
}
