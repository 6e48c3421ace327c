//! From events to rows, in whatever order the events come.

use std::collections::{BTreeMap, HashMap, HashSet};

use shared::analytics::AnalyticsEvent;

use crate::event::{Event, FeedbackDetail, TurnDetail};
use crate::figures::{By, Row, Tally};
use crate::moment::Moment;

/// The key of what an event does not have.
const NONE: &str = "none";

/// Events folded so far. The ids of all of them are kept, and the times of all turns.
#[derive(Debug, Default)]
pub struct Fold {
    seen: HashSet<String>,
    tallies: BTreeMap<(By, String), Tally>,
    turns: HashMap<Message, Asked>,
    verdicts: HashMap<Message, Verdict>,
}

/// A message: its session's key and its id.
type Message = (String, String);

/// When something was said, and the event's id where that is the same.
type Order = (i128, String);

/// The document that a turn asked about; the later turn's, where a session that began anew repeats
/// a message.
#[derive(Debug)]
struct Asked {
    at: Order,
    document: Option<String>,
}

/// What a user thinks of a reply by now.
#[derive(Debug)]
struct Verdict {
    at: Order,
    day: String,
    provider: Option<String>,
    rating: String,
}

impl Fold {
    /// Counts an event, unless it was counted before.
    pub fn add(&mut self, event: Event) {
        let Event { at, fact } = event;
        if !self.seen.insert(fact.id().to_owned()) {
            return;
        }
        match fact {
            AnalyticsEvent::ChatMessage(turn) => self.turn(at, turn, false),
            AnalyticsEvent::ChatFailed(turn) => self.turn(at, turn, true),
            AnalyticsEvent::ChatFeedback(feedback) => self.feedback(at, feedback),
            AnalyticsEvent::SessionExpired(_) => {
                self.session(at, |tally| tally.counts.sessions_expired += 1);
            }
            AnalyticsEvent::SessionDeleted(_) => {
                self.session(at, |tally| tally.counts.sessions_deleted += 1);
            }
        }
    }

    /// Returns the rows: days, providers, documents, each in the order of their keys.
    pub fn rows(mut self) -> Vec<Row> {
        for (message, verdict) in std::mem::take(&mut self.verdicts) {
            let asked = self.turns.remove(&message);
            let document = asked.and_then(|asked| asked.document);
            let keys = keys(verdict.day, verdict.provider.as_deref(), document.as_deref());
            self.each(keys, |tally| tally.add_verdict(&verdict.rating));
        }
        self.tallies.into_iter().map(|((by, key), tally)| tally.row(by, key)).collect()
    }

    fn turn(&mut self, at: Moment, turn: TurnDetail, failed: bool) {
        let keys = keys(at.day(), turn.provider.as_deref(), turn.document_id.as_deref());
        self.each(keys, |tally| tally.add_turn(&turn, failed));
        let message = (turn.session_key, turn.message_id);
        let asked = Asked { at: (at.millis(), turn.metadata.id), document: turn.document_id };
        if self.turns.get(&message).is_none_or(|other| other.at < asked.at) {
            self.turns.insert(message, asked);
        }
    }

    /// Keeps a verdict until the end: a later one may replace it, and its turn may come after it.
    fn feedback(&mut self, at: Moment, feedback: FeedbackDetail) {
        let FeedbackDetail { session_key, message_id, metadata, provider, rating, .. } = feedback;
        let verdict = Verdict { at: (at.millis(), metadata.id), day: at.day(), provider, rating };
        let message = (session_key, message_id);
        if self.verdicts.get(&message).is_none_or(|other| other.at < verdict.at) {
            self.verdicts.insert(message, verdict);
        }
    }

    fn session(&mut self, at: Moment, count: impl Fn(&mut Tally)) {
        self.each(keys(at.day(), None, None), count);
    }

    fn each(&mut self, keys: [(By, String); 3], count: impl Fn(&mut Tally)) {
        for key in keys {
            count(self.tallies.entry(key).or_default());
        }
    }
}

fn keys(day: String, provider: Option<&str>, document: Option<&str>) -> [(By, String); 3] {
    let or_none = |key: Option<&str>| key.unwrap_or(NONE).to_owned();
    [(By::Day, day), (By::Provider, or_none(provider)), (By::Document, or_none(document))]
}
