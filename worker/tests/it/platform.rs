//! What the platform does to a worker: throttles, wrong clocks, rotated keys, a process that others
//! used before.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::domain::{
    ContextUse, DocumentId, ErrorCode, Principal, ProviderName, SessionId, Timestamp, TurnKind,
};
use shared::memory::{MemorySecrets, OwnedDocument, TokioClock};
use shared::ports::{
    Clock, Document, EventSource as _, Model, ModelError, ModelStream, Prompt, Secrets as _,
};
use shared::queue_messages::{RequestMessage, Submit};
use worker::{Worker, WorkerError};

use crate::support::model::Failure;
use crate::support::world::{Ended, START, pass, principal};
use crate::support::{FakeModel, Fault, PortCall, Setup, World, fail, finish, says};

const TEXT: &str = "Period 3 is maths.";
const FIVE_MINUTES: i64 = 300_000;

// Throttles and conflicts.

/// Checks that three failures in a row of one kind of call cost the turn neither its delivery nor a
/// second answer.
async fn check_throttled(call: PortCall) {
    let broken = [says("Period ", Duration::from_millis(10)), fail(Failure::Broken)].concat();
    let model = FakeModel::claude(vec![broken, [says(TEXT, Duration::ZERO), finish()].concat()]);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.during(call, 1..=3, Fault::Fail);
    // With a turn before it there is a history to be read.
    world.say("m2").await;
    for _ in 0..2 {
        let ended = world.deliver().await;
        assert!(matches!(ended, Ended::Acked), "{call:?}: {ended:?}");
    }
    assert!(world.faults.count(call) > 3, "{call:?}");
    assert!(world.elapsed() < Duration::from_secs(3), "{call:?}: {:?}", world.elapsed());
    assert_eq!(
        (model.calls(), world.commits().len(), world.enqueued().await),
        (3, 2, vec![1, 2]),
        "{call:?}"
    );
    assert_eq!(
        (world.final_of(1).await.epoch.0, world.final_of(2).await.epoch.0),
        (2, 1),
        "{call:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_throttles_for_a_moment_costs_no_delivery() {
    for op in
        [PortCall::Get, PortCall::Claim, PortCall::Turns, PortCall::Generation, PortCall::Commit]
    {
        check_throttled(op).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_on_throttling_is_left_alone_long_before_the_deadline() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    world.say("m1").await;
    world.faults.during(PortCall::Claim, 1..=1_000, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Failed(WorkerError::Store(_))));
    let waited = world.elapsed();
    assert!(waited > Duration::from_millis(300) && waited < Duration::from_secs(1), "{waited:?}");
    assert_eq!((world.faults.count(PortCall::Claim), model.calls()), (5, 0));
    world.faults.heal();
    world.drain().await;
    assert_eq!((world.final_of(1).await.epoch.0, world.commits().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn workers_that_were_throttled_together_do_not_come_back_together() {
    let model = FakeModel::saying(TEXT);
    let world = Arc::new(World::new(&model));
    world.say("m1").await;
    let mut other = world.submission("m1", "question");
    other.session_id = SessionId::parse("other").unwrap();
    world.accept(&other).await;
    world.faults.during(PortCall::Claim, 1..=2, Fault::Fail);
    let one = world.begin().await;
    let two = world.begin().await;
    assert!(matches!((one.await.unwrap(), two.await.unwrap()), (Ended::Acked, Ended::Acked)));
    let apart = model.times()[1];
    assert!(apart > Duration::ZERO && apart <= Duration::from_millis(25), "{apart:?}");
}

// Wrong clocks.

fn clock(skew_ms: i64) -> Arc<dyn Clock> {
    Arc::new(TokioClock::starting_at(Timestamp(START.0 + skew_ms)))
}

async fn deliver_by(world: &World, worker: &Worker) -> Ended {
    let delivery = world.receive().await;
    world.handle_by(worker, &delivery).await
}

#[tokio::test(start_paused = true)]
async fn of_two_workers_whose_clocks_differ_by_ten_minutes_the_higher_epoch_wins() {
    for skew in [FIVE_MINUTES, -FIVE_MINUTES] {
        let slow = [says(TEXT, Duration::from_millis(600)), finish()].concat();
        let model = FakeModel::claude(vec![slow]);
        let world = Arc::new(World::new(&model));
        let old = (world.another)(clock(skew));
        let new = (world.another)(clock(-skew));
        world.say("m1").await;
        let gate = world.faults.hold(PortCall::Commit, 1);
        let delivery = world.receive().await;
        let zombie = tokio::spawn({
            let world = world.clone();
            async move { world.handle_by(&old, &delivery).await }
        });
        gate.reached().await;
        pass(160_000).await;
        let delivery = world.receive().await;
        let live = tokio::spawn({
            let world = world.clone();
            async move { world.handle_by(&new, &delivery).await }
        });
        pass(1_000).await;
        gate.open();
        assert!(matches!(zombie.await.unwrap(), Ended::Failed(WorkerError::Fenced)), "skew {skew}");
        assert!(matches!(live.await.unwrap(), Ended::Acked), "skew {skew}");
        let turn = world.final_of(1).await;
        assert_eq!(
            (turn.epoch.0, turn.text.as_deref(), world.commits().len()),
            (2, Some(TEXT), 1),
            "skew {skew}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_among_wrong_clocks_keeps_its_order_and_its_memory() {
    let model = FakeModel::saying(TEXT);
    let world = World::new(&model);
    let workers = [(world.another)(clock(FIVE_MINUTES)), (world.another)(clock(-FIVE_MINUTES))];
    for number in 0..6_usize {
        world.say(&format!("m{number}")).await;
        assert!(matches!(deliver_by(&world, &workers[number % 2]).await, Ended::Acked));
        let turn = world.final_of(number as u64 + 1).await;
        assert_eq!((turn.kind, turn.epoch.0), (Some(TurnKind::Reply), 1));
        let expected = if number % 2 == 0 { 300_000 } else { 0 };
        assert_eq!(turn.timings.queue_ms, expected, "a clock behind gives no negative span");
        assert_eq!(model.prompts()[number].messages.len(), 2 * number + 1);
    }
    assert_eq!(world.enqueued().await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_predecessor_is_ended_by_its_epoch_whatever_the_clocks_say() {
    for skew in [FIVE_MINUTES, -FIVE_MINUTES] {
        let model = FakeModel::saying(TEXT);
        let world = World::new(&model);
        let dying = (world.another)(clock(skew));
        let next = (world.another)(clock(-skew));
        world.say("m1").await;
        world.faults.on(PortCall::Next, 2, Fault::CrashBefore);
        let delivery = world.receive().await;
        assert!(matches!(world.handle_by(&dying, &delivery).await, Ended::Crashed));
        world.requests.delete(&delivery.receipt).await.unwrap();
        world.say("m2").await;
        assert!(matches!(deliver_by(&world, &next).await, Ended::Acked));
        assert_eq!(
            world.final_of(1).await.error.unwrap().code,
            ErrorCode::Abandoned,
            "skew {skew}"
        );
        assert_eq!(
            (world.final_of(2).await.kind, world.enqueued().await),
            (Some(TurnKind::Reply), vec![1, 2])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_from_a_wrong_clock_is_answered() {
    for skew in [FIVE_MINUTES, -FIVE_MINUTES] {
        let model = FakeModel::saying(TEXT);
        let world = World::new(&model);
        let submission = world.submission("m1", "question");
        let submit = Submit {
            principal: principal(),
            session_id: submission.session_id,
            message_id: submission.message_id,
            accepted_at: Timestamp(START.0 + skew),
            message: submission.message,
            document_id: None,
            provider: None,
            trace: None,
            replay: None,
        };
        world.post(world.key.as_str(), RequestMessage::Submit(submit).to_body()).await;
        assert!(matches!(world.deliver().await, Ended::Acked));
        assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Reply), "skew {skew}");
    }
}

// Rotated keys.

/// Answers only who has today's key.
struct Keyed {
    secrets: Arc<MemorySecrets>,
    accepted: Mutex<&'static str>,
    inner: Arc<FakeModel>,
    refused: Mutex<usize>,
}

impl Keyed {
    /// Puts another key in force, at the provider and in the vault.
    fn rotate(&self, key: &'static str) {
        *self.accepted.lock().unwrap() = key;
        self.secrets.set(ProviderName::Claude, SecretString::from(key));
    }

    fn refused(&self) -> usize {
        *self.refused.lock().unwrap()
    }
}

#[async_trait]
impl Model for Keyed {
    fn provider(&self) -> ProviderName {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let key = self.secrets.provider_key(ProviderName::Claude).await.unwrap().unwrap();
        if key.expose_secret() == *self.accepted.lock().unwrap() {
            return self.inner.stream(prompt).await;
        }
        *self.refused.lock().unwrap() += 1;
        Err(ModelError::Unauthorized("401".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_rotated_is_fetched_once_more_and_at_most_once_a_minute() {
    let setup = Setup::new(Vec::new());
    let inner = FakeModel::saying(TEXT);
    let keyed = Arc::new(Keyed {
        secrets: setup.secrets.clone(),
        accepted: Mutex::default(),
        inner,
        refused: Mutex::default(),
    });
    keyed.rotate("monday");
    let world = World::of(Setup { own: Some(keyed.clone()), ..setup });
    // What the provider refused by then, and how the turn ends.
    let mut number = 0;
    let mut check = async |refused: usize, kind: TurnKind| {
        number += 1;
        world.say(&format!("m{number}")).await;
        assert!(matches!(world.deliver().await, Ended::Acked));
        let turn = world.final_of(number).await;
        assert_eq!(
            (turn.kind, turn.epoch.0, keyed.refused()),
            (Some(kind), 1, refused),
            "turn {number}"
        );
    };
    check(0, TurnKind::Reply).await;
    keyed.rotate("tuesday");
    check(1, TurnKind::Reply).await;
    check(1, TurnKind::Reply).await;
    keyed.rotate("wednesday");
    check(2, TurnKind::Error).await;
    pass(60_000).await;
    check(3, TurnKind::Reply).await;
}

// A process that others used before.

const CANARY: &str = "canary-4711";

fn documents() -> Vec<OwnedDocument> {
    let document = |id: &str, content: &str, owner| {
        let title = format!("Title of {id}");
        let id = DocumentId::parse(id).unwrap();
        let content = content.into();
        OwnedDocument {
            document: Document { id, title, content, public: false },
            owner: Some(owner),
        }
    };
    vec![document("mine", "Tuesday: art", principal()), document("theirs", CANARY, stranger())]
}

fn stranger() -> Principal {
    Principal::parse("anon:stranger").unwrap()
}

/// Lets a stranger's turn begin with a document and a question of theirs; it ends as the test
/// wills.
async fn foreign_turn(world: &World, id: &str) -> Ended {
    let mut submission = world.submission(id, &format!("{CANARY} question"));
    submission.principal = stranger();
    submission.document_id = Some(DocumentId::parse("theirs").unwrap());
    world.accept(&submission).await;
    let delivery = world.receive().await;
    let ended = world.handle(&delivery).await;
    let _ = world.requests.delete(&delivery.receipt).await;
    ended
}

/// Everything of one turn that does not follow the clock: what the model read, what is stored, what
/// was shown.
async fn story(world: &World, model: &FakeModel) -> (String, Value, Vec<Value>) {
    let mut submission = world.submission("m1", "question");
    submission.document_id = Some(DocumentId::parse("mine").unwrap());
    world.accept(&submission).await;
    let tab = world.connect("c1", "s1").await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    let turn = world.final_of(1).await;
    assert_eq!((turn.kind, turn.context), (Some(TurnKind::Reply), Some(ContextUse::Used)));
    let mut turn = serde_json::to_value(turn).unwrap();
    for time in ["accepted_at", "created_at", "finished_at", "expires_at", "due"] {
        turn.as_object_mut().unwrap().remove(time).unwrap();
    }
    (format!("{:?}", model.prompts().last().unwrap()), turn, world.events(&tab))
}

#[tokio::test(start_paused = true)]
async fn a_warm_worker_answers_as_a_cold_one() {
    let answer = [says(TEXT, Duration::from_millis(100)), finish()].concat();
    let setup = |model: &Arc<FakeModel>| {
        let setup = Setup { documents: documents(), ..Setup::new(vec![model.clone()]) };
        setup.with("CHATBOT_DAILY_BUDGET_USD", "5").with("CHATBOT_PRINCIPAL_DAILY_BUDGET_USD", "1")
    };
    let model = FakeModel::claude(vec![answer.clone()]);
    let cold = story(&World::of(setup(&model)), &model).await;

    let half =
        [says("Half an answer ", Duration::from_millis(100)), fail(Failure::Broken)].concat();
    let model = FakeModel::claude(vec![answer.clone(), answer.clone(), half, answer]);
    let world = World::of(setup(&model));
    assert!(matches!(foreign_turn(&world, "f1").await, Ended::Acked));
    world.faults.on(PortCall::Next, 3, Fault::CrashBefore);
    assert!(matches!(foreign_turn(&world, "f2").await, Ended::Crashed));
    assert!(matches!(foreign_turn(&world, "f3").await, Ended::Acked));
    let warm = story(&world, &model).await;

    assert_eq!(warm, cold);
    assert!(!format!("{warm:?}").contains(CANARY));
}
