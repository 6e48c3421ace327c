//! One worker, its queues and its table.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use providers::Prices;
use serde_json::Value;
use shared::domain::{
    ConnectionId, ExpiresAt, MessageId, MessageText, Principal, SessionId, SessionKey, Timestamp,
    TurnNumber,
};
use shared::environment::Environment;
use shared::fifo::QueueSettings;
use shared::memory::{
    MemoryDocuments, MemoryMetrics, MemoryPush, MemoryQueue, MemoryStore, SeededIds, TokioClock,
};
use shared::ports::store::{Item, Key};
use shared::ports::{
    Clock, Delivery, Durability, EventSource, Model, OutgoingMessage, Queue, Store,
};
use shared::protocol::accept::{self, Submission};
use shared::protocol::{
    ConnectionRow, MessageRow, SessionRow, Turn, TurnRow, connection, delete, delivery, keys, stop,
};
use shared::queue_messages::{ReplyMessage, RequestMessage};
use testkit::faults::{Function, ScriptedFaults};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use worker::calls::Providers;
use worker::config::{BreakerSettings, Pace};
use worker::{Ports, Worker, WorkerConfig, WorkerError};

use super::ports::{Frame, RecordingPush};
use super::store::{Commit, CommitLog};
use super::{FakeModel, Setup};

pub(crate) const START: Timestamp = Timestamp(1_795_414_260_000);

pub(crate) struct World {
    pub(crate) table: Arc<MemoryStore>,
    pub(crate) store: Arc<CommitLog>,
    pub(crate) requests: Arc<MemoryQueue>,
    pub(crate) replies: Arc<MemoryQueue>,
    pub(crate) push: Arc<RecordingPush>,
    pub(crate) metrics: Arc<MemoryMetrics>,
    pub(crate) clock: TokioClock,
    pub(crate) faults: Arc<ScriptedFaults>,
    pub(crate) worker: Arc<Worker>,
    /// Makes workers in other processes, with their own clocks, on the same table and queues.
    pub(crate) another: Box<dyn Fn(Arc<dyn Clock>) -> Arc<Worker> + Send + Sync>,
    pub(crate) key: SessionKey,
    pub(crate) began: Instant,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Acked,
    Failed(WorkerError),
    Crashed,
}

pub(crate) fn principal() -> Principal {
    Principal::parse("anon:tester").unwrap()
}

/// The session that the stories happen in.
pub(crate) fn session() -> SessionId {
    SessionId::parse("lesson").unwrap()
}

impl World {
    pub(crate) fn new(model: &Arc<FakeModel>) -> Self {
        Self::of(Setup::new(vec![model.clone()]))
    }

    pub(crate) fn of(setup: Setup) -> Self {
        let faults = ScriptedFaults::new(Function::Worker);
        let clock = TokioClock::starting_at(START);
        let table = Arc::new(MemoryStore::new(Arc::new(clock)));
        let store = Arc::new(CommitLog { table: table.clone(), commits: Mutex::default() });
        let queue = |receives| {
            Arc::new(MemoryQueue::new(QueueSettings::new(Duration::from_mins(15), receives)))
        };
        let requests = queue(10);
        let replies = queue(5);
        let push = Arc::new(RecordingPush {
            push: Arc::new(MemoryPush::new()),
            began: Instant::now(),
            frames: Mutex::default(),
            delays: Mutex::default(),
        });
        setup.models.iter().for_each(|model| model.obey(&faults));
        let documents = MemoryDocuments::new(setup.documents);
        let documents = if setup.searchable { documents } else { documents.unsearchable() };
        let documents = setup.library.unwrap_or_else(|| Arc::new(documents));
        let metrics = Arc::new(MemoryMetrics::new());
        let ports = Ports {
            store: faults.around(store.clone()),
            requests: faults.around(requests.clone()),
            replies: faults.around(replies.clone()),
            push: faults.around(push.clone()),
            documents: faults.around(documents),
            secrets: setup.secrets,
            reply_cache: setup.reply_cache,
            metrics: metrics.clone(),
            clock: Arc::new(clock),
            ids: Arc::new(SeededIds::new(1)),
        };
        let config = WorkerConfig::from_env(&setup.environment, setup.pace).unwrap();
        let breaker = BreakerSettings::from_env(&setup.environment).unwrap();
        let models = setup.models.into_iter().map(|model| model as Arc<dyn Model>);
        let models: Vec<_> = setup.own.into_iter().chain(models).collect();
        let another = move |clock| {
            let ports = Ports { clock, ..ports.clone() };
            let providers = Providers::new(models.clone(), breaker);
            Arc::new(
                Worker::new(ports, config.clone(), providers, Prices::built_in().unwrap()).unwrap(),
            )
        };
        let worker = another(Arc::new(clock));
        let another = Box::new(another);
        let key = SessionKey::derive(&principal(), &session());
        let began = Instant::now();
        Self {
            table,
            store,
            requests,
            replies,
            push,
            metrics,
            clock,
            faults,
            worker,
            another,
            key,
            began,
        }
    }

    pub(crate) fn submission(&self, id: &str, text: &str) -> Submission {
        Submission {
            principal: principal(),
            session_id: session(),
            message_id: MessageId::parse(id).unwrap(),
            message: MessageText::parse(text).unwrap(),
            document_id: None,
            provider: None,
            accepted_at: self.clock.now(),
            replay: None,
        }
    }

    /// Accepts a message and queues it, as ingress does.
    pub(crate) async fn say(&self, id: &str) -> MessageId {
        let submission = self.submission(id, &format!("question {id}"));
        self.accept(&submission).await;
        submission.message_id
    }

    pub(crate) async fn accept(&self, submission: &Submission) {
        self.record(submission).await;
        self.requests
            .send(RequestMessage::pointer(submission, Some("trace-1".into())))
            .await
            .unwrap();
    }

    /// Records a message without queueing it.
    pub(crate) async fn record(&self, submission: &Submission) {
        let bounds =
            worker::config::WorkerConfig::from_env(&Environment::default(), Pace::ONE_MACHINE)
                .unwrap()
                .accept_limits;
        let read = accept::look_up(self.table.as_ref(), submission, bounds).await.unwrap();
        accept::record(self.table.as_ref(), submission, read, bounds).await.unwrap();
    }

    /// Puts any body on the queue.
    pub(crate) async fn post(&self, group: &str, body: impl Into<String>) {
        let group = group.to_owned();
        let body = body.into();
        let durability = Durability::Synced;
        let deduplication_id =
            format!("{}-{}", self.elapsed().as_nanos(), shared::domain::sha256_hex(&body));
        self.requests
            .send(OutgoingMessage { group, deduplication_id, body, durability })
            .await
            .unwrap();
    }

    pub(crate) async fn stop(&self, id: &MessageId) {
        stop::stop(self.table.as_ref(), &self.key, id).await.unwrap();
    }

    /// Deletes the session, as ingress does.
    pub(crate) async fn delete(&self) {
        self.table
            .write(delete::tombstone(&self.key, self.clock.now()), Durability::Synced)
            .await
            .unwrap();
        delete::remove_rows(self.table.as_ref(), &self.key).await.unwrap();
    }

    /// Marks a turn as delivered, as the notifier does.
    pub(crate) async fn mark_delivered(&self, number: u64) {
        let turn = Turn::from(self.turn(number).await.unwrap());
        let writes = delivery::delivered(&self.key, turn.turn, turn.as_final().unwrap());
        self.table.transact(writes, Durability::Ordered).await.unwrap();
    }

    /// Waits for the next message of the queue and receives it.
    pub(crate) async fn receive(&self) -> Delivery {
        loop {
            if let Some(delivery) = self.requests.receive(1).await.unwrap().pop() {
                return delivery;
            }
            self.requests.ready().await;
        }
    }

    /// Delivers the next message, as the event source mapping does; waits until there is one.
    pub(crate) async fn deliver(&self) -> Ended {
        let delivery = self.receive().await;
        self.handle(&delivery).await
    }

    pub(crate) async fn handle(&self, delivery: &Delivery) -> Ended {
        self.handle_by(&self.worker, delivery).await
    }

    pub(crate) async fn handle_by(&self, worker: &Worker, delivery: &Delivery) -> Ended {
        let Some(result) = self.faults.run(worker.handle(delivery)).await else {
            return Ended::Crashed;
        };
        match result {
            Ok(()) => {
                // A stale handle means that the message was delivered again meanwhile.
                let _ = self.requests.delete(&delivery.receipt).await;
                Ended::Acked
            }
            Err(error) => Ended::Failed(error),
        }
    }

    /// Begins a delivery that goes on beside the test.
    pub(crate) async fn begin(self: &Arc<Self>) -> JoinHandle<Ended> {
        let delivery = self.receive().await;
        self.handle_in_background(&delivery)
    }

    /// Handles a delivery in a task beside the test.
    pub(crate) fn handle_in_background(self: &Arc<Self>, delivery: &Delivery) -> JoinHandle<Ended> {
        let world = self.clone();
        let delivery = delivery.clone();
        tokio::spawn(async move { world.handle(&delivery).await })
    }

    /// Delivers until every message is acknowledged; fails after too many deliveries.
    pub(crate) async fn drain(&self) {
        for _ in 0..40 {
            if self.requests.is_empty() {
                return;
            }
            self.deliver().await;
        }
        panic!("the queue does not drain");
    }

    pub(crate) async fn turn(&self, number: u64) -> Option<TurnRow> {
        self.row(keys::turn(&self.key, TurnNumber::parse(number).unwrap())).await
    }

    /// Returns the first turn of another session of the same user.
    pub(crate) async fn first_of(&self, session: &SessionId) -> TurnRow {
        let key = SessionKey::derive(&principal(), session);
        self.row(keys::turn(&key, TurnNumber::FIRST)).await.expect("the turn is there")
    }

    pub(crate) async fn final_of(&self, number: u64) -> TurnRow {
        let turn = self.turn(number).await.expect("the turn is there");
        assert!(turn.is_final(), "turn {number} is {:?}", turn.state);
        turn
    }

    pub(crate) async fn meta(&self) -> Option<SessionRow> {
        self.row(keys::session(&self.key)).await
    }

    pub(crate) async fn message(&self, id: &MessageId) -> Option<MessageRow> {
        self.row(keys::message(&self.key, id)).await
    }

    async fn row<Row: serde::de::DeserializeOwned>(&self, key: Key) -> Option<Row> {
        self.table
            .get(&[key])
            .await
            .unwrap()
            .pop()
            .flatten()
            .map(|item: Item| item.into_row().unwrap())
    }

    pub(crate) fn commits(&self) -> Vec<Commit> {
        self.store.commits.lock().unwrap().clone()
    }

    /// Takes the turns whose finals were enqueued, in order.
    pub(crate) async fn enqueued(&self) -> Vec<u64> {
        let mut turns = Vec::new();
        loop {
            let Some(delivery) = self.replies.receive(1).await.unwrap().pop() else { return turns };
            let ReplyMessage::Final(pointer) = ReplyMessage::parse(&delivery.body).unwrap() else {
                panic!("no final")
            };
            self.replies.delete(&delivery.receipt).await.unwrap();
            turns.push(pointer.turn.get());
        }
    }

    /// Lets a connection resume; another stamp is another resume.
    pub(crate) async fn connect(&self, name: &str, stamp: &str) -> ConnectionId {
        let connection_id = ConnectionId::new(name);
        let row = ConnectionRow {
            connection_id: connection_id.clone(),
            principal_hash: principal().hash(),
            stamp: stamp.into(),
            expires_at: ExpiresAt::at(self.clock.now().plus(Duration::from_hours(2))),
        };
        self.table
            .transact(connection::register(&self.key, &row).unwrap(), Durability::Ordered)
            .await
            .unwrap();
        connection_id
    }

    pub(crate) async fn is_connected(&self, connection: &ConnectionId) -> bool {
        self.row::<ConnectionRow>(keys::connection(&self.key, connection)).await.is_some()
    }

    /// Returns the frames that a connection took, with their times.
    pub(crate) fn frames(&self, connection: &ConnectionId) -> Vec<Frame> {
        let frames = self.push.frames.lock().unwrap();
        frames.iter().filter(|frame| frame.connection == *connection).cloned().collect()
    }

    pub(crate) fn events(&self, connection: &ConnectionId) -> Vec<Value> {
        self.frames(connection).into_iter().map(|frame| frame.event).collect()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Lets everything that is ready happen, for so long of the paused time.
pub(crate) async fn pass(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}
