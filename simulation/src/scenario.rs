//! The pipeline for fixed scenarios, with the faults that the scenario asks for and no others.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use shared::domain::{MessageId, ProviderName, SessionKey, TurnNumber};
use shared::memory::OwnedDocument;
use shared::ports::store::{Item, Query};
use shared::ports::{Delivery, EventSource as _, Store as _};
use shared::protocol::{SessionRow, TurnRow, keys};
use tokio::time::{Instant, sleep};

use crate::checks::{Violation, mark};
use crate::cloud::{Cloud, Limits, ModelScript};
use crate::faults::{Fault, FaultRule, Faults, Function, Gate, PortCall, Process, Subject};
use crate::platform::{AccountEdge, Ended, Platform, Setup};
use crate::ports::QueueName;
use crate::trace::{Trace, render};
use crate::users::session_key;
use client::account::{Accepted, Account, CallError, Message};
use client::rule::Variant;
use client::tab::{self, TabHandle, TabId, TabSettings};
use client::transport::{NoResponse, Transport};

/// How long a scenario may take to drain, in virtual time.
const DRAIN: Duration = Duration::from_hours(2);
const LOOK: Duration = Duration::from_millis(500);

/// The pipeline of one scenario. It must be made on paused time.
pub struct Scenario {
    /// The functions.
    pub platform: Arc<Platform>,
    /// The services.
    pub cloud: Arc<Cloud>,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    mapping: Arc<Process>,
}

/// How a scenario is set up.
#[derive(Debug, Clone, Default)]
pub struct ScenarioSetup {
    /// How the functions are set up.
    pub setup: Setup,
    /// How the services are set up.
    pub limits: Limits,
    /// The documents.
    pub documents: Vec<OwnedDocument>,
    /// How well tabs follow the client rule.
    pub variant: Variant,
}

/// A user in a scenario, with one session.
pub struct ScenarioUser {
    scenario: Arc<Platform>,
    /// Their calls.
    pub account: Arc<Account>,
    /// The user's ID of the session.
    pub session: String,
    /// The session's key in storage.
    pub key: SessionKey,
    owner: u32,
    variant: Variant,
}

impl ScenarioSetup {
    /// Sets a variable of all functions.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.setup.environment = self.setup.environment.with(variable, value);
        self
    }

    /// Sets the pipeline up. Nothing runs by itself yet.
    pub fn build(self) -> anyhow::Result<Scenario> {
        let faults = Faults::scripted();
        let trace = Arc::new(Trace::begin(true));
        let cloud = Arc::new(Cloud::new(Arc::clone(&faults), trace, self.limits, self.documents));
        let platform = Platform::new(Arc::clone(&cloud), self.setup)?;
        let mapping = platform.mapping();
        Ok(Scenario { platform, cloud, faults, mapping })
    }
}

impl Scenario {
    /// Sets up the pipeline as deployed on AWS.
    pub fn new() -> anyhow::Result<Self> {
        ScenarioSetup::default().build()
    }

    /// Starts the event source mappings and the cleanup's schedule.
    pub fn drive(&self) {
        tokio::spawn(Arc::clone(&self.platform).drive_requests());
        tokio::spawn(Arc::clone(&self.platform).drive_replies());
        tokio::spawn(Arc::clone(&self.platform).drive_cleanup());
    }

    /// Adds a fault.
    pub fn add_fault(&self, rule: FaultRule) {
        self.faults.add_fault(rule);
    }

    /// Holds a function's n-th call of a kind from now on until the test opens the gate.
    pub fn hold(&self, function: Function, call: PortCall, nth: usize) -> Arc<Gate> {
        let gate = Gate::new();
        self.add_fault(FaultRule::at(function, call, nth, Fault::Hold(Arc::clone(&gate))));
        gate
    }

    /// Sets the script of the next call of a provider that has none yet.
    pub fn script_model(&self, provider: ProviderName, script: ModelScript) {
        self.cloud.scripts.next(provider, script);
    }

    /// Creates a user with a session.
    pub async fn user(&self, owner: u32, session: &str) -> Result<ScenarioUser, CallError> {
        self.user_with_variant(owner, session, Variant::Faithful).await
    }

    /// Creates a user whose tabs follow this variant of the client rule.
    pub async fn user_with_variant(
        &self,
        owner: u32,
        session: &str,
        variant: Variant,
    ) -> Result<ScenarioUser, CallError> {
        let address = format!("192.0.2.{owner}");
        let edge: Arc<dyn Transport> = AccountEdge::new(Arc::clone(&self.platform), owner, address);
        let account = Arc::new(Account::anonymous(edge));
        account.create_session(Some(session)).await?;
        let key = session_key(account.token().as_deref(), session).ok_or(CallError::NotFound)?;
        self.cloud.checker.owned(&key, owner);
        Ok(ScenarioUser {
            scenario: Arc::clone(&self.platform),
            account,
            session: session.to_owned(),
            key,
            owner,
            variant,
        })
    }

    /// Waits for the next request and receives it.
    pub async fn request(&self) -> Delivery {
        loop {
            if let Some(delivery) =
                self.platform.receive(&self.mapping, QueueName::Requests, 1).await.pop()
            {
                return delivery;
            }
        }
    }

    /// Waits for replies and receives them.
    pub async fn replies(&self) -> Vec<Delivery> {
        self.platform.receive(&self.mapping, QueueName::Replies, 10).await
    }

    /// Lets a worker handle a request; acknowledges it as the mapping does.
    pub async fn answer(&self, delivery: &Delivery) {
        self.platform.answer(&self.mapping, delivery.clone()).await;
    }

    /// Lets a worker handle a request, and leaves it to the caller to acknowledge it.
    pub async fn work(&self, delivery: &Delivery) -> Ended<Result<(), worker::WorkerError>> {
        self.platform.invoke_worker(delivery).await
    }

    /// Lets a notifier handle a batch; acknowledges it as the mapping does.
    pub async fn deliver(&self, batch: &[Delivery]) {
        self.platform.deliver(&self.mapping, batch).await;
    }

    /// Handles requests and replies until both queues have nothing to hand out.
    pub async fn run_queues(&self) {
        loop {
            let requests = self.cloud.requests.receive(1).await.unwrap_or_default();
            let replies = self.cloud.replies.receive(10).await.unwrap_or_default();
            if requests.is_empty() && replies.is_empty() {
                return;
            }
            for delivery in &requests {
                self.answer(delivery).await;
            }
            if !replies.is_empty() {
                self.deliver(&replies).await;
            }
        }
    }

    /// Returns the row of a turn.
    pub async fn turn(&self, user: &ScenarioUser, number: u64) -> Option<TurnRow> {
        let key = keys::turn(&user.key, TurnNumber::parse(number).ok()?);
        self.cloud.store.get(&[key]).await.ok()?.pop()??.into_row().ok()
    }

    /// Returns the row of a session.
    pub async fn session(&self, user: &ScenarioUser) -> Option<SessionRow> {
        self.cloud.store.get(&[keys::session(&user.key)]).await.ok()?.pop()??.into_row().ok()
    }

    /// Returns every row of a session that is stored, expired ones included.
    pub async fn rows(&self, user: &ScenarioUser) -> Vec<Item> {
        let query = Query { expired: true, ..Query::prefix(user.key.as_str(), "", 1_000) };
        self.cloud.store.query(&query).await.map(|page| page.items).unwrap_or_default()
    }

    /// Counts the calls of models so far.
    pub fn model_calls(&self) -> usize {
        self.faults.calls(Function::Worker, PortCall::Open)
    }

    /// Returns the ids of the events that were published, repeats included.
    pub fn event_ids(&self) -> Vec<String> {
        self.cloud.events.published().into_iter().map(|event| event.id).collect()
    }

    /// Ends all faults, lets everything drain, redrives dead letters, and checks every invariant.
    ///
    /// The error lists the violations, with the trace of the scenario.
    pub async fn end(&self, tabs: &[(&ScenarioUser, &TabHandle)]) -> Result<(), String> {
        self.faults.heal();
        self.drive();
        for _ in 0..3 {
            self.drain(tabs).await;
            if self.platform.redrive().await == 0 {
                break;
            }
        }
        self.cloud.checker.audit();
        for (user, tab) in tabs {
            self.cloud.checker.audit_tab(&user.key, tab.id().0, &tab.view());
        }
        self.verdict()
    }

    /// Returns the violations so far, with the trace.
    pub fn verdict(&self) -> Result<(), String> {
        let violations = self.cloud.checker.violations();
        if violations.is_empty() {
            return Ok(());
        }
        let list =
            violations.iter().fold(String::new(), |mut list, Violation { invariant, what, .. }| {
                let _ = writeln!(list, "invariant {invariant}: {what}");
                list
            });
        Err(format!("{list}{}", render(&self.cloud.trace.lines())))
    }

    async fn drain(&self, tabs: &[(&ScenarioUser, &TabHandle)]) {
        let end = Instant::now() + DRAIN;
        while Instant::now() < end {
            let current = tabs
                .iter()
                .all(|(user, tab)| self.cloud.checker.is_current(&user.key, &tab.view()));
            let queued = !self.cloud.requests.is_empty() || !self.cloud.replies.is_empty();
            if current && !queued && self.cloud.checker.is_at_rest() {
                return;
            }
            sleep(LOOK).await;
        }
        let what = || "it did not drain".to_owned();
        self.cloud.checker.violation("10", &Subject::Nobody, what);
    }
}

impl ScenarioUser {
    /// Makes a message with a unique text.
    pub fn message(&self, id: &str) -> Message {
        let number = id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
        let text = format!("{} What is in period {id}?", mark(self.owner, &self.session, number));
        Message::new(self.session.clone(), id, text)
    }

    /// Sends a message once, as [`Self::message`] makes it.
    pub async fn say(&self, id: &str) -> Result<Accepted, CallError> {
        self.send(&self.message(id)).await
    }

    /// Sends a message once.
    pub async fn send(&self, message: &Message) -> Result<Accepted, CallError> {
        let checker = &self.scenario.cloud.checker;
        let id = MessageId::parse(message.message_id.as_str()).map_err(|_| CallError::NotFound)?;
        checker.sending(&self.key, &id, &message.text, false);
        let accepted = self.account.post(message).await?;
        checker.accepted(&self.key, &id);
        Ok(accepted)
    }

    /// Sends a request that the test makes up, with the newest token, and returns the bare answer.
    pub async fn ask(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        let bearer = self.account.token().and_then(|token| format!("Bearer {token}").parse().ok());
        if let Some(bearer) = bearer {
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        self.account.transport().call(request).await
    }

    /// Sends a message until it is accepted or refused for good.
    pub async fn send_until_settled(&self, id: &str) -> Result<Accepted, CallError> {
        loop {
            match self.say(id).await {
                Err(error) if error.retry_after().is_some() => sleep(Duration::from_secs(1)).await,
                settled => return settled,
            }
        }
    }

    /// Stops a message; what was answered 202 in time must count.
    pub async fn stop(&self, id: &str) -> Result<(), CallError> {
        let checker = &self.scenario.cloud.checker;
        let message = MessageId::parse(id).map_err(|_| CallError::NotFound)?;
        let counts = checker.is_stoppable(&self.key, &message);
        self.account.stop(&self.session, id).await?;
        if counts {
            checker.stopped(&self.key, &message);
        }
        Ok(())
    }

    /// Opens a tab that runs until it is closed.
    pub fn open_tab(&self, number: u32) -> TabHandle {
        let rng = Rng::with_seed(u64::from(number));
        let settings = TabSettings {
            variant: self.variant,
            ..TabSettings::new(TabId(number), self.session.clone(), rng)
        };
        let watch = self.scenario.cloud.checker.watch(self.key.clone(), self.owner);
        let (tab, handle) = tab::open(Arc::clone(&self.account), settings, watch);
        tokio::spawn(tab.run());
        handle
    }
}
