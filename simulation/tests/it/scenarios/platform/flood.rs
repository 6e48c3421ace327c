//! Ten thousand messages to one session.

use std::cell::RefCell;
use std::time::Duration;

use client::account::CallError;
use client::tab::TabHandle;
use futures::future::join_all;
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::{Instant, sleep};

const EVERY: Duration = Duration::from_millis(10);
const OTHERS: u32 = 3;
const MESSAGES: u64 = 8;

/// What became of a flood.
#[derive(Debug, Default)]
struct Flooded {
    accepted: usize,
    /// The waits that 429s asked for.
    refused: Vec<Duration>,
    /// The most requests that were on the queue, of whomever.
    most_queued: usize,
}

/// Sends so many messages to one session, a hundred a second.
async fn flood(scenario: &Scenario, noisy: &ScenarioUser, messages: u32) -> Flooded {
    let course = RefCell::new(Flooded::default());
    let began = Instant::now();
    let posts = (0..messages).map(async |number| {
        sleep(EVERY * number).await;
        let answer = noisy.say(&format!("m{number}")).await;
        let mut course = course.borrow_mut();
        match answer {
            Ok(_) => course.accepted += 1,
            Err(CallError::RateLimited { retry_after }) => course.refused.push(retry_after),
            Err(other) => panic!("message {number}: {other:?}"),
        }
        course.most_queued = course.most_queued.max(scenario.cloud.requests.len());
    });
    join_all(posts).await;
    assert!(
        began.elapsed() < EVERY * (messages + 100),
        "the refusals came at once: {:?}",
        began.elapsed()
    );
    course.into_inner()
}

/// Holds a conversation; returns how long each answer took until it was shown.
async fn converse((user, tab): &(ScenarioUser, TabHandle)) -> Vec<Duration> {
    let mut took = Vec::new();
    for number in 1..=MESSAGES {
        sleep(Duration::from_secs(7)).await;
        let began = Instant::now();
        user.say(&format!("m{number}")).await.unwrap();
        while tab.cursor() < number {
            sleep(EVERY).await;
        }
        took.push(began.elapsed());
    }
    took
}

/// Lets others converse beside a flood of so many messages; returns how long their answers took.
async fn run(setup: ScenarioSetup, messages: u32) -> (Vec<Vec<Duration>>, Flooded) {
    let scenario = setup.build().unwrap();
    scenario.drive();
    let noisy = scenario.user(99, "flood").await.unwrap();
    let mut others = Vec::new();
    for owner in 1..=OTHERS {
        let user = scenario.user(owner, "lesson").await.unwrap();
        let tab = user.open_tab(owner);
        others.push((user, tab));
    }
    sleep(Duration::from_secs(1)).await;
    let (took, flooded) =
        tokio::join!(join_all(others.iter().map(converse)), flood(&scenario, &noisy, messages));
    let tabs: Vec<_> = others.iter().map(|(user, tab)| (user, tab)).collect();
    scenario.end(&tabs).await.unwrap();
    let accepted =
        usize::try_from(OTHERS).unwrap() * usize::try_from(MESSAGES).unwrap() + flooded.accepted;
    assert_eq!(scenario.model_calls(), accepted, "what is refused costs no call");
    (took, flooded)
}

#[tokio::test(start_paused = true)]
async fn s53_ten_thousand_messages_to_one_session_are_429_for_it_and_cost_the_others_nothing() {
    let (undisturbed, _) = run(ScenarioSetup::default(), 0).await;
    let (took, flooded) = run(ScenarioSetup::default(), 10_000).await;
    assert_eq!(took, undisturbed);
    assert_eq!(flooded.accepted + flooded.refused.len(), 10_000);
    // A hundred seconds touch three minutes of the clock at most.
    assert!((30..=90).contains(&flooded.accepted), "{} were accepted", flooded.accepted);
    let minute = Duration::from_secs(1)..=Duration::from_mins(1);
    assert!(flooded.refused.iter().all(|wait| minute.contains(wait)));
}

/// Whatever the rates let through, a session has room for so many messages that wait.
#[tokio::test(start_paused = true)]
async fn s53_without_rates_the_bound_on_waiting_messages_refuses_the_flood() {
    let unlimited = |setup: ScenarioSetup| {
        let setup = setup.with("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "0");
        setup.with("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "0")
    };
    let (undisturbed, _) = run(unlimited(ScenarioSetup::default()), 0).await;
    let (took, flooded) = run(unlimited(ScenarioSetup::default()), 3_000).await;
    assert_eq!(took, undisturbed);
    assert_eq!(flooded.accepted + flooded.refused.len(), 3_000);
    // Fifty wait, one is being answered, and the others have one each.
    assert!(flooded.most_queued <= 50 + 1 + 3, "{} were queued", flooded.most_queued);
    assert!((50..=100).contains(&flooded.accepted), "{} were accepted", flooded.accepted);
    assert!(flooded.refused.iter().all(|wait| *wait == Duration::from_secs(5)));
}
