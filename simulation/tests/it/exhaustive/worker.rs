//! The worker answers.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{DocumentId, TurnKind};
use shared::memory::OwnedDocument;
use shared::ports::Document;
use simulation::faults::{FaultRule, Function};
use simulation::scenario::ScenarioSetup;
use tokio::time::sleep;

use super::every::{Told, ensure, fault_at_every_call, finish};

/// Longer than the worker keeps a message hidden.
const BEYOND: Duration = Duration::from_secs(200);

async fn two_messages(rule: FaultRule) -> Told {
    let setup = ScenarioSetup { documents: vec![timetable()], ..ScenarioSetup::default() };
    let scenario = setup.build().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    sleep(Duration::from_secs(1)).await;
    scenario.add_fault(rule);
    tokio::spawn(Arc::clone(&scenario.platform).drive_requests());
    tokio::spawn(Arc::clone(&scenario.platform).drive_replies());
    let mut first = anna.message("m1");
    first.document_id = Some("timetable".to_owned());
    anna.send(&first).await.unwrap();
    anna.say("m2").await.unwrap();
    let came = finish(&scenario, &[(&anna, &tab)]).await?;
    let external = tab.view().shown.iter().map(|turn| turn.kind).collect();
    ensure("the finals", external, vec![TurnKind::Reply; 2])?;
    let most = if came { 3 } else { 2 };
    ensure(
        "one fault costs at most one more call of a model",
        scenario.model_calls().clamp(2, most),
        scenario.model_calls(),
    )?;
    Ok(came)
}

fn timetable() -> OwnedDocument {
    let id = DocumentId::parse("timetable").unwrap();
    OwnedDocument {
        owner: None,
        document: Document {
            id,
            title: "Timetable".to_owned(),
            content: "Period 3 is maths.".into(),
            public: true,
        },
    }
}

#[test]
fn a_fault_at_any_call_of_the_worker_loses_and_doubles_nothing() {
    fault_at_every_call("two messages", Function::Worker, BEYOND, 55, two_messages);
}
