//! What is in flight, and until when.

use std::collections::{BTreeSet, HashMap};

use super::{Moment, ReceiptHandle, Seq};

/// One message in flight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    pub(super) handle: ReceiptHandle,
    pub(super) until: Moment,
}

/// The messages in flight by their place, and by the ends of their visibility timeouts.
#[derive(Debug, Default)]
pub(super) struct Flights {
    by_seq: HashMap<Seq, Flight>,
    ends: BTreeSet<(Moment, Seq)>,
    receives: u64,
}

impl Flights {
    pub(super) fn start(&mut self, seq: Seq, until: Moment) -> ReceiptHandle {
        self.receives += 1;
        let handle = ReceiptHandle { seq, receive: self.receives };
        self.hide(Flight { handle, until });
        handle
    }

    pub(super) fn hide(&mut self, flight: Flight) {
        self.land(flight.handle.seq);
        self.ends.insert((flight.until, flight.handle.seq));
        self.by_seq.insert(flight.handle.seq, flight);
    }

    pub(super) fn land(&mut self, seq: Seq) {
        if let Some(flight) = self.by_seq.remove(&seq) {
            self.ends.remove(&(flight.until, seq));
        }
    }

    /// Lands one message whose visibility timeout has ended.
    pub(super) fn land_one(&mut self, now: Moment) -> Option<Seq> {
        let (_, seq) = *self.ends.first().filter(|(until, _)| *until <= now)?;
        self.land(seq);
        Some(seq)
    }

    pub(super) fn is_current(&self, handle: ReceiptHandle) -> bool {
        self.by_seq.get(&handle.seq).is_some_and(|flight| flight.handle == handle)
    }

    pub(super) fn len(&self) -> usize {
        self.by_seq.len()
    }

    pub(super) fn holds(&self, seq: Seq) -> bool {
        self.by_seq.contains_key(&seq)
    }

    pub(super) fn first_end(&self) -> Option<Moment> {
        self.ends.first().map(|(until, _)| *until)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Flight> + '_ {
        self.ends.iter().filter_map(|(_, seq)| self.by_seq.get(seq).copied())
    }

    /// Goes on numbering where an earlier state of the queue stopped.
    pub(super) fn go_on_from(&mut self, earlier: &Self) {
        self.receives = self.receives.max(earlier.receives);
    }
}
