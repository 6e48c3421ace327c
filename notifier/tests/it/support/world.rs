//! One notifier, its queue and a table with turns in it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use notifier::cleanup::CleanupReport;
use notifier::{Notifier, NotifierError, Ports};
use serde_json::Value;
use shared::analytics::Texts;
use shared::domain::{
    ConnectionId, ErrorCode, ExpiresAt, FinishReason, MessageId, MessageText, MicroUsd, Principal,
    ProviderName, SessionId, SessionKey, Timestamp, TurnNumber, Usage,
};
use shared::fifo::QueueSettings;
use shared::memory::{MemoryEvents, MemoryPush, MemoryQueue, MemoryStore, TokioClock};
use shared::ports::store::{Item, Key};
use shared::ports::{Clock, Delivery, Durability, EventEntry, EventSource, Queue, Store};
use shared::protocol::accept::{self, AcceptLimits, Submission};
use shared::protocol::claim::{ClaimInput, claim};
use shared::protocol::generation::{self, Checkpoint};
use shared::protocol::{
    ConnectionRow, Lifetime, MessageRow, SessionRow, Turn, TurnResult, TurnRow, connection, delete,
    keys,
};
use shared::protocol::{TurnOutcome, commit};
use shared::queue_messages::{FinalPointer, ReplyMessage};
use testkit::faults::{Function, ScriptedFaults};
use tokio::time::sleep;

use super::ports::{RecordingPush, RefusingEvents};

pub(crate) const START: Timestamp = Timestamp(1_795_414_260_000);
pub(crate) const TEXT: &str = "Period 3 is maths.";
const BOUNDS: AcceptLimits =
    AcceptLimits { lifetime: Lifetime { ttl: Duration::from_hours(24) }, max_waiting: 1_000 };

pub(crate) struct World {
    pub(crate) table: Arc<MemoryStore>,
    pub(crate) replies: Arc<MemoryQueue>,
    pub(crate) push: Arc<RecordingPush>,
    pub(crate) events: Arc<RefusingEvents>,
    pub(crate) clock: TokioClock,
    pub(crate) faults: Arc<ScriptedFaults>,
    pub(crate) notifier: Notifier,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Acked,
    Failed(NotifierError),
    Crashed,
}

pub(crate) fn principal() -> Principal {
    Principal::parse("anon:tester").unwrap()
}

/// Names a session.
pub(crate) fn key(session: &str) -> SessionKey {
    SessionKey::derive(&principal(), &SessionId::parse(session).unwrap())
}

/// A reply with a price.
pub(crate) fn reply(text: &str) -> TurnOutcome {
    TurnOutcome {
        result: TurnResult::Reply { text: text.into(), finish_reason: FinishReason::Stop },
        provider: Some(ProviderName::Claude),
        model: Some("claude-test".into()),
        usage: Some(Usage { input_tokens: 10, output_tokens: 20, ..Usage::default() }),
        cost_micro_usd: Some(MicroUsd(3)),
        cached: false,
        ..TurnOutcome::cancelled(String::new())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::telling(Texts::Omitted)
    }

    pub(crate) fn telling(texts: Texts) -> Self {
        let faults = ScriptedFaults::new(Function::Notifier);
        let clock = TokioClock::starting_at(START);
        let table = Arc::new(MemoryStore::new(Arc::new(clock)));
        let replies = Arc::new(MemoryQueue::new(QueueSettings::new(Duration::from_mins(1), 5)));
        let push =
            Arc::new(RecordingPush { push: Arc::new(MemoryPush::new()), closed: Mutex::default() });
        let events = Arc::new(RefusingEvents {
            bus: Arc::new(MemoryEvents::new()),
            refused: Mutex::default(),
            calls: Mutex::default(),
        });
        let ports = Ports {
            store: faults.around(table.clone()),
            replies: faults.around(replies.clone()),
            push: faults.around(push.clone()),
            events: faults.around(events.clone()),
            clock: Arc::new(clock),
        };
        Self { table, replies, push, events, clock, faults, notifier: Notifier::new(ports, texts) }
    }

    /// Accepts the next message of a session and claims its turn.
    pub(crate) async fn run(&self, session: &str) -> Turn {
        let key = key(session);
        let now = self.clock.now();
        let next = self.meta(session).await.map_or(1, |meta| meta.next_turn.get());
        let submission = Submission {
            principal: principal(),
            session_id: SessionId::parse(session).unwrap(),
            message_id: MessageId::parse(format!("m{next}")).unwrap(),
            message: MessageText::parse("question").unwrap(),
            document_id: None,
            provider: None,
            accepted_at: now,
            replay: None,
        };
        let read = accept::look_up(self.table.as_ref(), &submission, BOUNDS).await.unwrap();
        accept::record(self.table.as_ref(), &submission, read, BOUNDS).await.unwrap();
        let meta = self.meta(session).await.unwrap();
        let message_id = &submission.message_id;
        let message: MessageRow =
            self.item(keys::message(&key, message_id)).await.unwrap().into_row().unwrap();
        let input = ClaimInput {
            key: &key,
            session: &meta,
            message_id,
            message: &message,
            predecessor_is_final: false,
        };
        let (turn, writes) = claim(input, None, BOUNDS.lifetime, now).unwrap();
        self.table.transact(writes, Durability::Ordered).await.unwrap();
        turn
    }

    pub(crate) async fn commit(&self, session: &str, turn: &Turn, outcome: &TurnOutcome) {
        let write = commit::commit(&key(session), turn, outcome, self.clock.now());
        self.table.write(write, Durability::Synced).await.unwrap();
    }

    /// Commits a session's next turn, and queues its pointer as the worker does.
    pub(crate) async fn answer(&self, session: &str, outcome: &TurnOutcome) -> u64 {
        let turn = self.run(session).await;
        self.commit(session, &turn, outcome).await;
        self.enqueue(session, turn.turn.get()).await;
        turn.turn.get()
    }

    pub(crate) async fn enqueue(&self, session: &str, turn: u64) {
        let pointer =
            FinalPointer { session_key: key(session), turn: TurnNumber::parse(turn).unwrap() };
        self.replies.send(ReplyMessage::Final(pointer).outgoing()).await.unwrap();
    }

    pub(crate) async fn checkpoint(&self, session: &str, turn: &Turn, text: &str) {
        let saved = Checkpoint { partial: text, ..Checkpoint::default() };
        let write = generation::checkpoint(&key(session), turn.turn, turn.epoch, saved);
        self.table.write(write, Durability::Ordered).await.unwrap();
    }

    /// Turns a session into a tombstone, and leaves its rows as a deletion that died does.
    pub(crate) async fn bury(&self, session: &str) {
        self.table
            .write(delete::tombstone(&key(session), self.clock.now()), Durability::Synced)
            .await
            .unwrap();
    }

    pub(crate) async fn connect(&self, session: &str, name: &str) -> ConnectionId {
        let connection_id = ConnectionId::new(name);
        let row = ConnectionRow {
            connection_id: connection_id.clone(),
            principal_hash: principal().hash(),
            stamp: "s".into(),
            expires_at: ExpiresAt::at(self.clock.now().plus(Duration::from_hours(2))),
        };
        self.table
            .transact(connection::register(&key(session), &row).unwrap(), Durability::Ordered)
            .await
            .unwrap();
        connection_id
    }

    pub(crate) async fn is_connected(&self, session: &str, connection: &ConnectionId) -> bool {
        self.item(keys::connection(&key(session), connection)).await.is_some()
    }

    pub(crate) async fn receive(&self) -> Delivery {
        loop {
            if let Some(delivery) = self.replies.receive(1).await.unwrap().pop() {
                return delivery;
            }
            self.replies.ready().await;
        }
    }

    /// Delivers the next message, as the event source mapping does.
    pub(crate) async fn deliver(&self) -> Ended {
        let delivery = self.receive().await;
        let Some(result) = self.faults.run(self.notifier.handle(&delivery)).await else {
            return Ended::Crashed;
        };
        match result {
            Ok(()) => {
                self.replies.delete(&delivery.receipt).await.unwrap();
                Ended::Acked
            }
            Err(error) => Ended::Failed(error),
        }
    }

    pub(crate) async fn drain(&self) {
        for _ in 0..20 {
            if self.replies.is_empty() {
                return;
            }
            self.deliver().await;
        }
        panic!("the queue does not drain");
    }

    pub(crate) async fn clean_up(&self) -> CleanupReport {
        self.notifier.clean_up().await.unwrap()
    }

    pub(crate) async fn turn(&self, session: &str, number: u64) -> Option<TurnRow> {
        self.item(keys::turn(&key(session), TurnNumber::parse(number).unwrap()))
            .await
            .map(|item| item.into_row().unwrap())
    }

    pub(crate) async fn state(&self, session: &str, number: u64) -> &'static str {
        self.turn(session, number).await.unwrap().state.as_str()
    }

    pub(crate) async fn meta(&self, session: &str) -> Option<SessionRow> {
        self.item(keys::session(&key(session))).await.map(|item| item.into_row().unwrap())
    }

    async fn item(&self, key: Key) -> Option<Item> {
        self.table.get(&[key]).await.unwrap().pop().flatten()
    }

    /// Returns the frames that a connection took.
    pub(crate) fn frames(&self, connection: &ConnectionId) -> Vec<Value> {
        self.push
            .push
            .frames(connection)
            .iter()
            .map(|frame| serde_json::from_str(frame).unwrap())
            .collect()
    }

    pub(crate) fn published(&self) -> Vec<EventEntry> {
        self.events.bus.published()
    }

    /// Returns the ids of what was published, each once.
    pub(crate) fn event_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.published().into_iter().map(|entry| entry.id).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// An outcome of a turn that failed.
pub(crate) fn error() -> TurnOutcome {
    TurnOutcome::error(ErrorCode::ProvidersUnavailable, "Not available.")
}

/// Lets so much of the paused time pass.
pub(crate) async fn pass(time: Duration) {
    sleep(time).await;
}
