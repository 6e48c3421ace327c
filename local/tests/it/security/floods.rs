//! Floods: of one principal, of many from one address, against the budget.
//!
//! What is counted are calls and answers; the clock only guards against a test that hangs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply, Usage};
use tokio::time::timeout;

#[cfg(target_os = "linux")]
use super::neighbour::Neighbour;
use crate::support::{Chatter, Http, Setup, TestServer, provider};

/// When the test gives up on an answer beside a flood: what hangs never comes, and a busy machine
/// that also plays every service of AWS has taken more than ten seconds for one.
const HANG_GUARD: Duration = Duration::from_mins(1);
const TURNS: usize = 10;
const FLOODERS: usize = 6;
/// More than any limit of these stories lets through.
const UNLIMITED: usize = 100;
const MODEL: &str = "claude-haiku-5-5";

/// What became of a flood's messages.
#[derive(Debug, Default)]
struct Flood {
    accepted: usize,
    refused: usize,
}

impl Flood {
    /// Goes on as long as the other user asks, and until it was refused; or shows that nothing
    /// refuses it.
    fn goes_on(&self, over: &AtomicBool) -> bool {
        (!over.load(Ordering::Relaxed) || self.refused == 0) && self.accepted < UNLIMITED
    }
}

/// Asks some questions one after the other, while something else goes on, and then ends that.
async fn ask_beside(bob: &mut Chatter, over: &AtomicBool) {
    for n in 1..=TURNS {
        let message = format!("Question {n}");
        let answer =
            timeout(HANG_GUARD, bob.ask(&message)).await.expect("the flood holds an answer up");
        assert_eq!(answer.text, message);
    }
    over.store(true, Ordering::Relaxed);
}

#[track_caller]
fn check_wait(after: &str, longest: u64) {
    assert!(
        after.parse().is_ok_and(|seconds: u64| (1..=longest).contains(&seconds)),
        "retry-after: {after:?}"
    );
}

#[tokio::test]
async fn one_principals_flood_through_many_sessions_is_refused_and_others_are_answered_meanwhile() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).with("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "20").start().await;
    let ann = Chatter::join(&server).await;
    let mut bob = Chatter::join(&server).await;
    let over = AtomicBool::new(false);
    let flooder = async |number: usize| {
        let mut flood = Flood::default();
        let mut sent = 0;
        while flood.goes_on(&over) {
            sent += 1;
            let session = format!("flood-{number}-{sent}");
            let answer =
                ann.http.post("/chat", &json!({ "message": "Flood", "session_id": session })).await;
            match answer.status {
                202 => flood.accepted += 1,
                429 => {
                    answer.problem(429);
                    check_wait(answer.header("retry-after"), 60);
                    flood.refused += 1;
                }
                other => panic!("{other}: {}", answer.text),
            }
        }
        flood
    };
    let (floods, ()) =
        tokio::join!(join_all((0..FLOODERS).map(flooder)), ask_beside(&mut bob, &over));
    let sum = |count: fn(&Flood) -> usize| floods.iter().map(count).sum::<usize>();
    let accepted = sum(|flood| flood.accepted);
    let refused = sum(|flood| flood.refused);
    // The test may run over the end of a minute.
    assert!((1..=40).contains(&accepted), "{accepted} accepted, {refused} refused");
    assert!(refused >= FLOODERS, "{accepted} accepted, {refused} refused");
    assert!(stub.calls().len() <= accepted + TURNS);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn many_newcomers_behind_one_address_share_its_limit_and_other_addresses_are_answered() {
    let stub = provider(Behaviour::Echo).await;
    let server =
        Setup::claude(&stub).with("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "30").start().await;
    let mut bob = Chatter::join(&server).await;
    let crowd = Neighbour::of(&server);
    let over = AtomicBool::new(false);
    let flooder = async |_| {
        let mut flood = Flood::default();
        while flood.goes_on(&over) {
            let answer = crowd.chat_as_newcomer("Flood").await;
            match answer.status {
                202 => flood.accepted += 1,
                429 => {
                    check_wait(&answer.retry_after, 300);
                    flood.refused += 1;
                }
                other => panic!("{other}"),
            }
        }
        flood
    };
    let (floods, ()) =
        tokio::join!(join_all((0..FLOODERS).map(flooder)), ask_beside(&mut bob, &over));
    let sum = |count: fn(&Flood) -> usize| floods.iter().map(count).sum::<usize>();
    let accepted = sum(|flood| flood.accepted);
    let refused = sum(|flood| flood.refused);
    // The test may run over the end of five minutes.
    assert!((1..=60).contains(&accepted), "{accepted} accepted, {refused} refused");
    assert!(refused >= FLOODERS, "{accepted} accepted, {refused} refused");
    assert!(stub.calls().len() <= accepted + TURNS);
}

/// A provider each of whose replies costs 600 micro-USD at the list's prices.
fn costly() -> Behaviour {
    let usage = Usage { input: 1_000, output: 1_000, ..Usage::default() };
    Behaviour::Reply(Reply { usage, ..Reply::text("A costly answer") })
}

/// Returns what the budgets' rows hold, spent and reserved together.
fn budgets(server: &TestServer) -> Vec<i64> {
    let database = server.database();
    let query =
        "SELECT json_extract(attributes, '$.spent') FROM items WHERE partition LIKE 'budget#%'";
    let mut statement = database.prepare(query).unwrap();
    statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_flood_of_many_principals_never_takes_more_than_the_days_budget() {
    let stub = provider(costly()).await;
    let setup = Setup::claude(&stub)
        .with("CHATBOT_CLAUDE_MODEL", MODEL)
        .with("CHATBOT_ENABLE_CONTEXT", "false")
        .with("CHATBOT_DAILY_BUDGET_USD", "0.005");
    let server = setup.start().await;
    let check_budget =
        || assert!(budgets(&server).iter().all(|spent| *spent <= 5_000), "{:?}", budgets(&server));
    let flooders = (0..FLOODERS).map(async |_| {
        let mut chatter = Chatter::join(&server).await;
        let mut replies = 0;
        for _ in 0..5 {
            let answer = chatter.ask("Spend it").await;
            check_budget();
            replies += usize::from(answer.kind == "reply");
            assert!(answer.kind == "reply" || answer.error == "budget_exhausted", "{answer:?}");
        }
        replies
    });
    let mut replies: usize = join_all(flooders).await.iter().sum();
    let mut late = Chatter::join(&server).await;
    // Reservations of calls under way may have refused what would fit now.
    while late.ask("Is there any left?").await.kind == "reply" {
        replies += 1;
    }
    assert_eq!(stub.calls().len(), replies, "a turn that the budget refuses makes no call");
    assert_eq!(budgets(&server).iter().sum::<i64>(), 600 * i64::try_from(replies).unwrap());
    check_budget();
    // The test may run over midnight.
    assert!(
        (1..=8 * budgets(&server).len()).contains(&replies),
        "{replies} replies of 600 from a budget of 5,000"
    );
    assert_eq!(late.ask("And now?").await.error, "budget_exhausted");
    assert_eq!(stub.calls().len(), replies);
}

#[tokio::test]
async fn who_has_spent_a_principals_budget_leaves_the_others_theirs() {
    let stub = provider(costly()).await;
    // Passages would add to what a question costs.
    let setup = Setup::claude(&stub).with("CHATBOT_ENABLE_CONTEXT", "false");
    let setup = setup.with("CHATBOT_CLAUDE_MODEL", MODEL);
    let server = setup.with("CHATBOT_PRINCIPAL_DAILY_BUDGET_USD", "0.002").start().await;
    let mut ann = Chatter::join(&server).await;
    let mut replies = 0;
    while ann.ask("Spend it").await.kind == "reply" {
        replies += 1;
    }
    assert!((1..=3).contains(&replies), "{replies}");
    // Another session is no other principal.
    let mut http: Http = ann.http.clone();
    http.token = ann.http.token.clone();
    let mut again = Chatter::join_as(http).await;
    assert_eq!(again.ask("And here?").await.error, "budget_exhausted");
    let mut bob = Chatter::join(&server).await;
    assert_eq!(bob.ask("Hello").await.kind, "reply");
    assert_eq!(stub.calls().len(), replies + 1);
}
