//! Processes that served others before.

use client::account::Message;
use shared::domain::{DocumentId, FinishReason, Principal, ProviderName};
use shared::memory::OwnedDocument;
use shared::ports::Document;
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::{Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};

const DIARY: &str = "The diary's only line.";

/// Returns the principal of the first user of a scenario, which is the same every time.
async fn firstcomer() -> Principal {
    let scenario = Scenario::new().unwrap();
    let ben = scenario.user(2, "bens").await.unwrap();
    scenario.session(&ben).await.unwrap().principal.unwrap()
}

async fn setup() -> ScenarioSetup {
    let document = |id: &str, content: &str, owner: Option<Principal>| {
        let title = format!("Title of {id}");
        let id = DocumentId::parse(id).unwrap();
        let content = content.into();
        OwnedDocument { document: Document { id, title, content, public: owner.is_none() }, owner }
    };
    let documents = vec![
        document("diary", DIARY, Some(firstcomer().await)),
        document("plan", "Monday: art.", None),
    ];
    ScenarioSetup { documents, ..ScenarioSetup::default() }.with("CHATBOT_DAILY_BUDGET_USD", "5")
}

/// A reply that repeats the whole prompt.
fn recital() -> ModelScript {
    vec![ModelStep::Recite, ModelStep::Finish(FinishReason::Stop)]
}

async fn ask(scenario: &Scenario, user: &ScenarioUser, id: &str, document: Option<&str>) {
    let message = Message { document_id: document.map(str::to_owned), ..user.message(id) };
    user.send(&message).await.unwrap();
    scenario.run_queues().await;
}

/// Ben's part: his diary, a stream that breaks off, an error, and a message without an end.
async fn before(scenario: &Scenario, between: &impl Fn(&Scenario)) -> ScenarioUser {
    let ben = scenario.user(2, "bens").await.unwrap();
    let broken = vec![ModelStep::Say("Half of an answer".to_owned()), ModelStep::Break];
    scenario.script_model(ProviderName::Claude, recital());
    ask(scenario, &ben, "m1", Some("diary")).await;
    between(scenario);
    scenario.script_model(ProviderName::Claude, broken);
    ask(scenario, &ben, "m2", Some("diary")).await;
    between(scenario);
    for provider in [ProviderName::Claude, ProviderName::OpenAi] {
        scenario.script_model(provider, vec![ModelStep::Refuse]);
    }
    ask(scenario, &ben, "m3", None).await;
    between(scenario);
    ben
}

/// Anna's part, as she and the model know it: her own document, one that is not hers, and none.
async fn after(scenario: &Scenario, between: &impl Fn(&Scenario)) -> (ScenarioUser, Vec<String>) {
    let anna = scenario.user(1, "annas").await.unwrap();
    let mut story = Vec::new();
    for (number, document) in (1..).zip([Some("diary"), Some("plan"), None, Some("diary")]) {
        between(scenario);
        scenario.script_model(ProviderName::Claude, recital());
        ask(scenario, &anna, &format!("m{number}"), document).await;
        let turn = scenario.turn(&anna, number).await.unwrap();
        let timings = (turn.timings, turn.epoch, turn.usage, turn.cost_micro_usd);
        story.push(format!("{:?} {:?} {:?} {timings:?}", turn.provider, turn.context, turn.text));
    }
    between(scenario);
    story.push(format!("{:?}", anna.account.history("annas", 0, 10).await.unwrap()));
    between(scenario);
    story.push(format!("{:?}", anna.account.documents().await.unwrap()));
    (anna, story)
}

/// Plays both parts; `between` happens between any two invocations that matter.
async fn play(between: impl Fn(&Scenario)) -> (Scenario, ScenarioUser, Vec<String>) {
    let scenario = setup().await.build().unwrap();
    let ben = before(&scenario, &between).await;
    assert_eq!(scenario.session(&ben).await.unwrap().principal, Some(firstcomer().await));
    let (anna, story) = after(&scenario, &between).await;
    assert_ne!(anna.key, ben.key);
    (scenario, anna, story)
}

fn started(scenario: &Scenario) -> u64 {
    scenario.faults.tally().counts().events["processes started"]
}

#[tokio::test(start_paused = true)]
async fn s54_a_warm_process_answers_as_a_cold_one() {
    let (warm, anna, story) = Box::pin(play(|_| ())).await;
    let (cold, _, expected) = Box::pin(play(|scenario| scenario.platform.cool_down())).await;
    assert_eq!(story, expected);
    assert_eq!(started(&warm), 3, "one process of each function served everybody");
    assert!(started(&cold) > 20, "{}", started(&cold));
    let tab = anna.open_tab(1);
    warm.end(&[(&anna, &tab)]).await.unwrap();
    cold.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s54_a_document_in_the_cache_of_a_warm_worker_stays_its_readers_own() {
    let scenario = setup().await.build().unwrap();
    let ben = before(&scenario, &|_| ()).await;
    assert_eq!(
        scenario.faults.calls(Function::Worker, PortCall::Document),
        1,
        "the second time it came from the cache"
    );
    assert!(
        scenario.turn(&ben, 1).await.unwrap().text.unwrap().contains(DIARY),
        "the model knew it"
    );
    let (anna, story) = after(&scenario, &|_| ()).await;
    assert!(story[0].contains("Unavailable") && story[1].contains("Monday: art."), "{story:#?}");
    assert!(
        story.iter().all(|part| !part.contains(DIARY) && !part.contains("Title of diary")),
        "{story:#?}"
    );
    let tab = anna.open_tab(1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}
