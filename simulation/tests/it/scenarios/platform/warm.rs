//! Processes that served others before.

use client::account::Message;
use shared::domain::{DocumentId, FinishReason, Principal, ProviderName};
use shared::memory::OwnedDocument;
use shared::ports::Document;
use simulation::cloud::{Piece, Plot};
use simulation::faults::{Function, Op};
use simulation::stage::{Actor, Scene, Stage};

const DIARY: &str = "The diary's only line.";

/// Returns the principal of whoever comes first on a stage: the same one every time.
async fn firstcomer() -> Principal {
    let stage = Stage::new().unwrap();
    let ben = stage.actor(2, "bens").await.unwrap();
    stage.session(&ben).await.unwrap().principal.unwrap()
}

async fn scene() -> Scene {
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
    Scene { documents, ..Scene::default() }.with("CHATBOT_DAILY_BUDGET_USD", "5")
}

/// A reply that is all that the model was told.
fn recital() -> Plot {
    vec![Piece::Recite, Piece::Finish(FinishReason::Stop)]
}

async fn ask(stage: &Stage, actor: &Actor, id: &str, document: Option<&str>) {
    let message = Message { document_id: document.map(str::to_owned), ..actor.message(id) };
    actor.send(&message).await.unwrap();
    stage.run_queues().await;
}

/// Ben's part: his diary, a stream that breaks off, an error, and a message without an end.
async fn before(stage: &Stage, between: &impl Fn(&Stage)) -> Actor {
    let ben = stage.actor(2, "bens").await.unwrap();
    let broken = vec![Piece::Say("Half of an answer".to_owned()), Piece::Break];
    stage.plot(ProviderName::Claude, recital());
    ask(stage, &ben, "m1", Some("diary")).await;
    between(stage);
    stage.plot(ProviderName::Claude, broken);
    ask(stage, &ben, "m2", Some("diary")).await;
    between(stage);
    for provider in [ProviderName::Claude, ProviderName::OpenAi] {
        stage.plot(provider, vec![Piece::Refuse]);
    }
    ask(stage, &ben, "m3", None).await;
    between(stage);
    ben
}

/// Anna's part, as she and the model know it: her own document, one that is not hers, and none.
async fn after(stage: &Stage, between: &impl Fn(&Stage)) -> (Actor, Vec<String>) {
    let anna = stage.actor(1, "annas").await.unwrap();
    let mut story = Vec::new();
    for (number, document) in (1..).zip([Some("diary"), Some("plan"), None, Some("diary")]) {
        between(stage);
        stage.plot(ProviderName::Claude, recital());
        ask(stage, &anna, &format!("m{number}"), document).await;
        let turn = stage.turn(&anna, number).await.unwrap();
        let timings = (turn.timings, turn.epoch, turn.usage, turn.cost_micro_usd);
        story.push(format!("{:?} {:?} {:?} {timings:?}", turn.provider, turn.context, turn.text));
    }
    between(stage);
    story.push(format!("{:?}", anna.account.history("annas", 0, 10).await.unwrap()));
    between(stage);
    story.push(format!("{:?}", anna.account.documents().await.unwrap()));
    (anna, story)
}

/// Plays both parts; `between` happens between any two invocations that matter.
async fn play(between: impl Fn(&Stage)) -> (Stage, Actor, Vec<String>) {
    let stage = scene().await.set().unwrap();
    let ben = before(&stage, &between).await;
    assert_eq!(stage.session(&ben).await.unwrap().principal, Some(firstcomer().await));
    let (anna, story) = after(&stage, &between).await;
    assert_ne!(anna.key, ben.key);
    (stage, anna, story)
}

fn started(stage: &Stage) -> u64 {
    stage.faults.tally().counts().events["processes started"]
}

#[tokio::test(start_paused = true)]
async fn s54_a_warm_process_answers_as_a_cold_one() {
    let (warm, anna, story) = Box::pin(play(|_| ())).await;
    let (cold, _, expected) = Box::pin(play(|stage| stage.platform.cool_down())).await;
    assert_eq!(story, expected);
    assert_eq!(started(&warm), 3, "one process of each function served everybody");
    assert!(started(&cold) > 20, "{}", started(&cold));
    let tab = anna.open_tab(1);
    warm.end(&[(&anna, &tab)]).await.unwrap();
    cold.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s54_a_document_in_the_cache_of_a_warm_worker_stays_its_readers_own() {
    let stage = scene().await.set().unwrap();
    let ben = before(&stage, &|_| ()).await;
    assert_eq!(
        stage.faults.calls(Function::Worker, Op::Document),
        1,
        "the second time it came from the cache"
    );
    assert!(stage.turn(&ben, 1).await.unwrap().text.unwrap().contains(DIARY), "the model knew it");
    let (anna, story) = after(&stage, &|_| ()).await;
    assert!(story[0].contains("Unavailable") && story[1].contains("Monday: art."), "{story:#?}");
    assert!(
        story.iter().all(|part| !part.contains(DIARY) && !part.contains("Title of diary")),
        "{story:#?}"
    );
    let tab = anna.open_tab(1);
    stage.end(&[(&anna, &tab)]).await.unwrap();
}
