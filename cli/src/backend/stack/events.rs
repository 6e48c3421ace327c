//! The events of a stage, from the log group that they are copied to.
//!
//! A place in them is a time in milliseconds. The log group may show an event some time after it
//! happened, and others of the same millisecond, so each reading goes back a little, and what was
//! given out before is left out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws::call_error::CallError;
use aws::event_log::EventLog;
use shared::domain::Timestamp;
use shared::operator::{DocumentFigures, EventPage, Stats, StoredEvent, Tally, cost_of};
use tokio::time::{Instant, sleep};

/// How late the log group may show an event.
const LATE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_secs(1);
/// The documents that are named in figures.
const DOCUMENTS: usize = 20;

/// The events, and those that were given out lately.
pub(super) struct Events {
    log: EventLog,
    read: Mutex<Read>,
}

/// What was read before.
#[derive(Default)]
struct Read {
    /// The first place that was asked for; none is read before it.
    origin: Option<i64>,
    given: BTreeSet<(i64, String)>,
}

impl Events {
    pub(super) fn new(log: EventLog) -> Self {
        Self { log, read: Mutex::default() }
    }

    /// Returns at most `limit` events from a place on; waits for the first.
    pub(super) async fn page(
        &self,
        after: i64,
        limit: usize,
        wait: Duration,
    ) -> Result<EventPage, CallError> {
        let until = Instant::now() + wait;
        loop {
            let events = self.look(after, limit).await?;
            if !events.is_empty() || Instant::now() >= until {
                let next = events.last().map_or(after, |event| event.seq.max(after));
                return Ok(EventPage { events, next });
            }
            sleep(LOOK.min(until.saturating_duration_since(Instant::now()))).await;
        }
    }

    async fn look(&self, after: i64, limit: usize) -> Result<Vec<StoredEvent>, CallError> {
        let from = self.begin(after);
        let mut found = Vec::new();
        let mut page = None;
        loop {
            let read = self.log.read(from, None, page.take()).await?;
            for (id, event) in read.events {
                if found.len() == limit {
                    return Ok(found);
                }
                if self.is_new(event.seq, id) {
                    found.push(event);
                }
            }
            page = read.next;
            if page.is_none() {
                return Ok(found);
            }
        }
    }

    /// Goes back a little, but not before the first place that was asked for.
    fn begin(&self, after: i64) -> Timestamp {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = read.origin.map_or(after, |origin| origin.min(after));
        let from = Timestamp(after).minus(LATE).0.max(origin);
        read.origin = Some(origin);
        read.given = read.given.split_off(&(from, String::new()));
        Timestamp(from.max(0))
    }

    fn is_new(&self, at: i64, id: String) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).given.insert((at, id))
    }

    /// Adds the events of a span up, each once.
    pub(super) async fn stats(
        &self,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Result<Stats, CallError> {
        let step = u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
        let mut tally = Tally::default();
        let mut seen = HashSet::new();
        let mut documents: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut page = None;
        loop {
            let read = self.log.read(from, Some(to), page.take()).await?;
            for (_, event) in read.events {
                let Some(typed) = event.typed() else { continue };
                if !seen.insert(event.id) {
                    continue;
                }
                let turn = typed.turn().and_then(|turn| Some((turn, turn.document_id.clone()?)));
                if let Some((turn, document)) = turn {
                    let (turns, cost) = documents.entry(document).or_default();
                    *turns += 1;
                    *cost += cost_of(turn);
                }
                tally.count(event.published_at, step, &typed);
            }
            page = read.next;
            if page.is_none() {
                return Ok(tally.stats(from, to, step, most_asked(documents)));
            }
        }
    }
}

fn most_asked(documents: BTreeMap<String, (u64, u64)>) -> Vec<DocumentFigures> {
    let mut documents: Vec<_> = documents
        .into_iter()
        .map(|(document_id, (turns, cost_micro_usd))| DocumentFigures {
            document_id,
            turns,
            cost_micro_usd,
        })
        .collect();
    documents.sort_by_key(|document| std::cmp::Reverse(document.turns));
    documents.truncate(DOCUMENTS);
    documents
}
