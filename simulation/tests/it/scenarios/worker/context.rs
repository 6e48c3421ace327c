//! Documents that cannot be read, or are too large: scenario 23.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ContextUse, DocumentId, FinishReason, ProviderName, TurnKind};
use shared::memory::OwnedDocument;
use shared::ports::Document;
use shared::protocol::TurnRow;
use simulation::cloud::ModelStep;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::Instant;

use super::{calls, request, settle};

const CONTENT: &str = "Period 3 is maths in room 12.";
const UNREADABLE: &str = "cannot be read at the moment";

fn setup(content: &str) -> ScenarioSetup {
    let id = DocumentId::parse("plan").unwrap();
    let document =
        Document { id, title: "The plan".to_owned(), content: Arc::from(content), public: true };
    ScenarioSetup {
        documents: vec![OwnedDocument { document, owner: None }],
        ..ScenarioSetup::default()
    }
}

/// Sends a message about the document, whose answer repeats the whole prompt.
async fn ask(scenario: &Scenario, anna: &ScenarioUser, id: &str) {
    scenario.script_model(
        ProviderName::Claude,
        vec![ModelStep::Recite, ModelStep::Finish(FinishReason::Stop)],
    );
    let mut message = anna.message(id);
    message.document_id = Some("plan".to_owned());
    anna.send(&message).await.unwrap();
}

/// Asks about the document while `rules` hold; returns the final and how long it took.
async fn answered(content: &str, rules: Vec<FaultRule>) -> (Scenario, TurnRow, Duration) {
    let scenario = setup(content).build().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    settle().await;
    for rule in rules {
        scenario.add_fault(rule);
    }
    ask(&scenario, &anna, "m1").await;
    let delivery = request(&scenario).await;
    let began = Instant::now();
    scenario.answer(&delivery).await;
    let took = began.elapsed();
    let row = scenario.turn(&anna, 1).await.unwrap();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((row.kind, row.epoch.0, scenario.model_calls()), (Some(TurnKind::Reply), 1, 1));
    (scenario, row, took)
}

#[tokio::test(start_paused = true)]
async fn s23_a_document_whose_database_wakes_up_after_brief_retries_is_used() {
    let (scenario, row, took) = answered(
        CONTENT,
        vec![FaultRule::during(Function::Worker, PortCall::Document, 1..=3, Fault::Fail)],
    )
    .await;
    assert_eq!((row.context, calls(&scenario, PortCall::Document)), (Some(ContextUse::Used), 4));
    assert!(row.text.unwrap().contains(CONTENT) && took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn s23_a_document_whose_database_is_paused_or_slow_is_answered_without_and_flagged() {
    for fault in [Fault::Fail, Fault::Stall(Duration::from_secs(30)), Fault::Hang] {
        let name = fault.name();
        let (scenario, row, took) =
            answered(CONTENT, vec![FaultRule::always(Function::Worker, PortCall::Document, fault)])
                .await;
        assert_eq!(row.context, Some(ContextUse::Unavailable), "{name}");
        let text = row.text.unwrap();
        assert!(
            text.contains(UNREADABLE) && !text.contains(CONTENT),
            "{name}: the model knows: {text}"
        );
        assert_eq!(took.as_secs(), 5, "{name}: patience with documents has an end");
        assert!(calls(&scenario, PortCall::Document) <= 20, "{name}");
    }
}

/// A turn that was answered without is no verdict on the next one.
#[tokio::test(start_paused = true)]
async fn s23_the_next_turn_uses_a_document_that_can_be_read_again() {
    let scenario = setup(CONTENT).build().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    scenario.add_fault(FaultRule::always(Function::Worker, PortCall::Document, Fault::Fail));
    ask(&scenario, &anna, "m1").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    scenario.faults.heal();
    ask(&scenario, &anna, "m2").await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let contexts = [
        scenario.turn(&anna, 1).await.unwrap().context,
        scenario.turn(&anna, 2).await.unwrap().context,
    ];
    assert_eq!(contexts, [Some(ContextUse::Unavailable), Some(ContextUse::Used)]);
}

/// What the Data API itself refuses for its size is the adapter's to report, and no adapter of it
/// is simulated.
#[tokio::test(start_paused = true)]
async fn s23_a_document_that_is_too_large_is_cut_and_the_model_is_told() {
    let lines: Vec<String> = (1..=100_000).map(|number| format!("line {number}.")).collect();
    let (_, row, _) = answered(&lines.join("\n"), vec![]).await;
    assert_eq!(row.context, Some(ContextUse::Used));
    let text = row.text.unwrap();
    assert!(
        text.contains("line 1.\n")
            && text.contains("The document is longer; the rest is left out.")
    );
    // 8,000 tokens are 32,000 bytes.
    assert!((32_000..36_000).contains(&text.len()), "{} bytes were told", text.len());
}
