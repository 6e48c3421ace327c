//! Finals that are too large for a frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use client::account::Account;
use client::tab::{self, Observer, TabId, TabSettings};
use client::transport::{ConnectError, NoResponse, Socket, Transport};
use fastrand::Rng;
use http::{Request, Response};
use serde_json::{Value, json};
use shared::domain::sha256_hex;
use shared::domain::{FinishReason, ProviderName};
use simulation::cloud::ModelStep;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::answered;
use super::line::{Line, is_final};

/// A reply of 90,000 bytes of every width, which no frame can hold.
fn large() -> String {
    "Zürich 課程 🎈 ".repeat(4_000)
}

/// Plots a reply that is too large for a frame.
fn plot_large(scenario: &Scenario) {
    scenario.script_model(
        ProviderName::Claude,
        vec![ModelStep::Say(large()), ModelStep::Finish(FinishReason::Stop)],
    );
}

#[tokio::test(start_paused = true)]
async fn s38_a_reply_too_large_for_a_frame_is_announced_by_its_hash_and_fetched() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    let mut line = Line::resumed(&scenario, &anna, 0).await;
    plot_large(&scenario);
    answered(&scenario, &anna, &["m1"]).await;
    // The history fails once: the tab asks again.
    scenario.add_fault(FaultRule::at(Function::Ingress, PortCall::Turns, 1, Fault::Fail));
    line.came();
    let batch = scenario.replies().await;
    scenario.deliver(&batch).await;
    let frame = line.came().into_iter().find(is_final).unwrap();
    assert!(frame.get("result").is_none() && frame["type"] == "RUN_FINISHED", "{frame}");
    assert_eq!(frame["metadata"]["sha256"], json!(sha256_hex(&large())));
    assert_eq!(tab.cursor(), 0, "the frame freezes nothing");

    sleep(Duration::from_secs(6)).await;
    let shown = tab.view().shown;
    assert_eq!((shown.len(), shown[0].text == large()), (1, true));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let told = anna.account.history("lesson", 0, 10).await.unwrap();
    assert_eq!(told.turns[0].text.as_deref(), Some(large().as_str()));
}

/// A way to the service on which the history is damaged once.
struct Damaging {
    edge: Arc<dyn Transport>,
    read: AtomicUsize,
}

#[async_trait]
impl Transport for Damaging {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        let is_history = request.uri().path().ends_with("/turns");
        let answer = self.edge.call(request).await?;
        if !is_history || self.read.fetch_add(1, Ordering::Relaxed) > 0 {
            return Ok(answer);
        }
        let mut body: Value = serde_json::from_slice(answer.body()).unwrap();
        body["turns"][0]["text"] = json!(large().replacen("Zürich", "Zurich", 1));
        Ok(answer.map(|_| body.to_string().into()))
    }

    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError> {
        self.edge.connect(url, ticket).await
    }
}

#[derive(Default)]
struct Damages(AtomicUsize);

impl Observer for Damages {
    fn checksum_mismatch(&self, _tab: TabId, turn: u64) {
        assert_eq!(turn, 1);
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn s38_a_fetched_reply_that_does_not_have_the_frames_hash_is_not_shown_but_fetched_again() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let edge = Arc::new(Damaging {
        edge: Arc::clone(anna.account.transport()),
        read: AtomicUsize::new(0),
    });
    let account = Arc::new(Account::with_token(edge.clone(), anna.account.token().unwrap()));
    let watch = Arc::<Damages>::default();
    let settings = TabSettings::new(TabId(7), "lesson", Rng::with_seed(7));
    let (tab, handle) = tab::open(account, settings, watch.clone());
    tokio::spawn(tab.run());
    sleep(Duration::from_secs(1)).await;
    plot_large(&scenario);
    answered(&scenario, &anna, &["m1"]).await;
    let batch = scenario.replies().await;
    scenario.deliver(&batch).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (handle.cursor(), watch.0.load(Ordering::Relaxed)),
        (0, 1),
        "damaged, and not shown"
    );
    scenario.end(&[(&anna, &handle)]).await.unwrap();
    assert!(handle.view().shown[0].text == large());
    assert_eq!(edge.read.load(Ordering::Relaxed), 2);
}
