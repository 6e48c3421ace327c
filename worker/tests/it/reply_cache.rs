//! The reply cache: what is cached, for whom, and what a hit looks like.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{
    ContextUse, DocumentId, FinishReason, MicroUsd, Principal, ProviderName, SessionId, TurnKind,
};
use shared::memory::{OwnedDocument, TokioClock};
use shared::ports::{CacheError, CacheKey, CachedReply, Document, ReplyCache};
use shared::protocol::TurnRow;
use shared::protocol::accept::Submission;
use shared::reply_cache::{CacheLimits, MemoryReplyCache};
use tokio::time::{Instant, sleep};
use worker::reply_cache::ReplyCacheClient;

use crate::support::model::Failure;
use crate::support::world::{START, pass, principal};
use crate::support::{FakeModel, Setup, Step, World, fail, finish};

const TTL: Duration = Duration::from_hours(1);
const TIMEOUT: Duration = Duration::from_millis(5);

fn memory() -> Arc<dyn ReplyCache> {
    let bounds = CacheLimits { entries: 10, bytes: 1_000_000 };
    Arc::new(MemoryReplyCache::new(Arc::new(TokioClock::starting_at(START)), bounds))
}

fn setup(model: &Arc<FakeModel>, cache: Arc<dyn ReplyCache>) -> Setup {
    let document = |id: &str, owner: Option<Principal>| {
        let id = DocumentId::parse(id).unwrap();
        let title = "Plan".to_owned();
        let content = "Period 3 is maths.".into();
        let public = owner.is_none();
        OwnedDocument { document: Document { id, title, content, public }, owner }
    };
    let documents = vec![
        document("public", None),
        document("own", Some(principal())),
        document("her", Some(other())),
    ];
    let reply_cache = ReplyCacheClient { cache, ttl: TTL, timeout: TIMEOUT };
    Setup { reply_cache: Some(reply_cache), documents, ..Setup::new(vec![model.clone()]) }
}

fn other() -> Principal {
    Principal::parse("anon:somebody-else").unwrap()
}

/// Asks a question in a session of its own, and returns the turn.
async fn ask(
    world: &World,
    session: &str,
    who: Principal,
    document: Option<&str>,
    text: &str,
) -> TurnRow {
    let submission = Submission {
        principal: who,
        session_id: SessionId::parse(session).unwrap(),
        document_id: document.map(|id| DocumentId::parse(id).unwrap()),
        ..world.submission("m1", text)
    };
    world.accept(&submission).await;
    world.drain().await;
    let key = submission.session_key();
    let mut rows =
        world.table.dump().into_iter().filter(|row| row.key.partition == key.to_string());
    rows.rfind(|row| row.key.sort.starts_with("T#")).unwrap().into_row().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_same_first_question_is_answered_without_a_model() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(setup(&model, memory()).with("CHATBOT_DAILY_BUDGET_USD", "5"));
    let first = ask(&world, "s1", principal(), Some("public"), "What is period 3?").await;
    let budget = |world: &World| {
        world
            .table
            .dump()
            .into_iter()
            .filter(|row| row.key.partition.starts_with("budget#"))
            .collect()
    };
    let spent: Vec<_> = budget(&world);
    assert_eq!(spent.len(), 1);
    let again = ask(&world, "s2", other(), Some("public"), "What is period 3?").await;
    assert_eq!(model.calls(), 1);
    assert_eq!(
        (&again.text, &again.sha256, again.provider),
        (&first.text, &first.sha256, first.provider)
    );
    assert_eq!(
        (&again.model, again.kind, again.context),
        (&first.model, first.kind, Some(ContextUse::Used))
    );
    assert_eq!((again.finish_reason, again.usage), (Some(FinishReason::Stop), None));
    assert_eq!(
        (first.cached, again.cached, again.cost_micro_usd),
        (false, true, Some(MicroUsd(0)))
    );
    assert_eq!(budget(&world), spent, "nothing is reserved");
    assert!(again.timings.first_token_ms.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_cached_reply_expires() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(setup(&model, memory()));
    ask(&world, "s1", principal(), None, "What is period 3?").await;
    pass(3_600_000).await;
    assert!(!ask(&world, "s2", principal(), None, "What is period 3?").await.cached);
    assert_eq!(model.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_different_question_is_not_answered_from_the_cache() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(setup(&model, memory()));
    ask(&world, "s1", principal(), Some("public"), "What is period 3?").await;
    for (session, document, text) in [
        ("s2", Some("public"), "What is period 3"),
        ("s3", None, "What is period 3?"),
        ("s4", Some("own"), "What is period 3?"),
    ] {
        assert!(!ask(&world, session, principal(), document, text).await.cached, "{session}");
    }
    assert_eq!(model.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_reply_about_a_private_document_is_cached_for_its_reader_only() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(setup(&model, memory()));
    ask(&world, "s1", principal(), Some("own"), "What is period 3?").await;
    assert!(
        !ask(&world, "s2", other(), Some("her"), "What is period 3?").await.cached,
        "the same text, but another caller's document"
    );
    assert!(ask(&world, "s3", principal(), Some("own"), "What is period 3?").await.cached);
    assert_eq!(model.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn later_turns_and_unreadable_documents_are_never_answered_from_the_cache() {
    let model = FakeModel::saying("Period 3 is maths.");
    let world = World::of(setup(&model, memory()));
    for _ in 0..2 {
        ask(
            &world,
            &format!("s{}", model.calls()),
            principal(),
            Some("absent"),
            "What is period 3?",
        )
        .await;
    }
    for id in ["m1", "m2"] {
        world.accept(&world.submission(id, "What is period 3?")).await;
    }
    world.drain().await;
    assert_eq!(model.calls(), 4);
    assert!(!world.final_of(2).await.cached, "the history differs");
}

#[tokio::test(start_paused = true)]
async fn errors_refusals_and_unfinished_replies_are_not_cached() {
    for script in [
        fail(Failure::Permanent),
        vec![Step::Say("I cannot help with that.".to_owned()), Step::Finish(FinishReason::Refusal)],
        vec![Step::Say("Period 3 is".to_owned()), Step::Finish(FinishReason::Length)],
    ] {
        let model = FakeModel::claude(vec![script]);
        let world = World::of(setup(&model, memory()));
        ask(&world, "s1", principal(), None, "What is period 3?").await;
        let calls = model.calls();
        let again = ask(&world, "s2", principal(), None, "What is period 3?").await;
        assert!(!again.cached && model.calls() == 2 * calls, "{again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_reply_is_not_cached() {
    let script = vec![
        Step::Say("Period 3 ".to_owned()),
        Step::Wait(Duration::from_secs(5)),
        Step::Say("is".to_owned()),
    ];
    let model = FakeModel::claude(vec![[script, finish()].concat(), FakeModel::words("Maths.")]);
    let world = Arc::new(World::of(setup(&model, memory())));
    let submission = world.submission("m1", "What is period 3?");
    world.accept(&submission).await;
    let delivery = world.begin().await;
    pass(4_900).await;
    world.stop(&submission.message_id).await;
    delivery.await.unwrap();
    assert_eq!(world.final_of(1).await.kind, Some(TurnKind::Cancelled));
    assert!(!ask(&world, "s2", principal(), None, "What is period 3?").await.cached);
}

#[tokio::test(start_paused = true)]
async fn a_cache_entry_of_an_impossible_size_is_ignored() {
    /// A cache that other programs can write to.
    struct Planted(usize);

    #[async_trait]
    impl ReplyCache for Planted {
        async fn get(&self, _: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
            let model = "claude-x".to_owned();
            let text = "x".repeat(self.0);
            let provider = ProviderName::Claude;
            let (citations, grounding) = (Vec::new(), None);
            Ok(Some(CachedReply { provider, model, text, citations, grounding }))
        }

        async fn put(&self, _: &CacheKey, _: &CachedReply, _: Duration) -> Result<(), CacheError> {
            Ok(())
        }
    }
    for (bytes, cached) in [(0, false), (1, true), (64 * 1024, true), (64 * 1024 + 1, false)] {
        let model = FakeModel::saying("Maths.");
        let world = World::of(setup(&model, Arc::new(Planted(bytes))));
        assert_eq!(
            ask(&world, "s1", principal(), None, "What is period 3?").await.cached,
            cached,
            "{bytes}"
        );
    }
}

/// A cache that never answers, or always fails.
struct BrokenCache {
    hangs: bool,
    calls: AtomicUsize,
}

impl BrokenCache {
    async fn act<T>(&self) -> Result<T, CacheError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.hangs {
            sleep(Duration::from_hours(1)).await;
        }
        Err(CacheError("scripted".into()))
    }
}

#[async_trait]
impl ReplyCache for BrokenCache {
    async fn get(&self, _: &CacheKey) -> Result<Option<CachedReply>, CacheError> {
        self.act().await
    }

    async fn put(&self, _: &CacheKey, _: &CachedReply, _: Duration) -> Result<(), CacheError> {
        self.act().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_fails_or_hangs_neither_fails_nor_delays_a_reply() {
    for hangs in [false, true] {
        let model = FakeModel::claude(vec![FakeModel::words("Maths.")]);
        let cache = Arc::new(BrokenCache { hangs, calls: AtomicUsize::new(0) });
        let world = World::of(setup(&model, cache.clone()));
        let began = Instant::now();
        let turn = ask(&world, "s1", principal(), None, "What is period 3?").await;
        assert_eq!((turn.kind, model.calls()), (Some(TurnKind::Reply), 1));
        assert_eq!(cache.calls.load(Ordering::SeqCst), 2, "read once, written once");
        assert!(began.elapsed() <= Duration::from_millis(25), "{:?}", began.elapsed());
        assert!(turn.timings.total_ms <= 20, "{:?}", turn.timings);
    }
}
