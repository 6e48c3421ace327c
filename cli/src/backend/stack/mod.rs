//! A stage on AWS: its queues, its table, its events, and the public calls behind its API.
//!
//! | module | what it holds |
//! |---|---|
//! | `resources` | where the parts are, and as who they are called |
//! | `events` | the events, from the log group |
//! | `problem` | what AWS refuses, for people |
//! | `prompts` | what a provider would be asked, made here |

mod events;
mod problem;
mod prompts;
mod resources;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws::event_log::EventLog;
use aws::push::ApiGatewayPush;
use aws::queue::SqsQueue;
use aws::sdk::Sdk;
use aws::secrets::{SecretNames, SecretsManagerSecrets};
use aws::store::DynamoStore;
use ingress::config::RateLimits;
use ingress::{AllowedOrigins, AuthMode, Ingress, IngressConfig};
use serde_json::{Value, json};
use shared::disabled::NoDocuments;
use shared::domain::{Principal, SessionId, SessionKey, Timestamp};
use shared::environment::Environment;
use shared::operator::{
    DeadLetters, EventPage, EventQuery, LookupRequest, LookupResponse, MessageStatus,
    PromptsRequest, PromptsResponse, QueueName, QueueStatus, RedriveRequest, RedriveResponse,
    ServerStatus, SessionPage, SessionView, Stats, SubmitRequest, SubmitResponse, TurnPage, calls,
};
use shared::ports::{Clock as _, DeadLetter};
use shared::protocol::SessionRow;
use shared::protocol::accept::AcceptLimits;
use shared::system::{SystemClock, SystemIds};
use tokio::time::{Instant, sleep};

use self::events::Events;
use self::resources::Resources;
use super::{Backend, BackendError, BackendResult, ChatSession, public};

/// SQS tells of every message only to those who wait a moment.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);
/// The pause between two looks at messages that are not done; each look is read from the table, and
/// billed.
const LOOK: Duration = Duration::from_millis(500);
const MOST_EVENTS: usize = 1_000;

/// One stage.
pub(super) struct AwsBackend {
    name: String,
    resources: Resources,
    store: Arc<DynamoStore>,
    requests: Arc<SqsQueue>,
    replies: Arc<SqsQueue>,
    events: Option<Events>,
    /// The same rules that the function keeps: tokens of operators, deletions.
    ingress: Ingress,
    environment: Environment,
}

impl AwsBackend {
    /// Finds a stage by its name, or by a file that says where its parts are.
    pub(super) async fn find(name: &str, environment: &Environment) -> anyhow::Result<Self> {
        let sdk = resources::sdk(environment)?;
        let resources = resources::find(&sdk, name).await?;
        let store = Arc::new(DynamoStore::new(&sdk, &resources.table, Arc::new(SystemClock)));
        let queue = |url: &str, dead: &str| {
            Arc::new(SqsQueue::new(&sdk, url).with_dead_letters(dead).with_wait(RECEIVE_WAIT))
        };
        let requests = queue(&resources.requests_queue_url, &resources.requests_dead_letters_url);
        let replies = queue(&resources.replies_queue_url, &resources.replies_dead_letters_url);
        let log = Some(&resources.event_log_group).filter(|group| !group.is_empty());
        let events = log.map(|group| Events::new(EventLog::new(&sdk, group)));
        let ports = ports(&sdk, &resources, &store, &requests, &replies);
        let ingress = Ingress::new(ports, rules(&resources, environment)?);
        let environment = environment.clone();
        Ok(Self {
            name: name.to_owned(),
            resources,
            store,
            requests,
            replies,
            events,
            ingress,
            environment,
        })
    }

    fn queue(&self, name: QueueName) -> &SqsQueue {
        match name {
            QueueName::Requests => &self.requests,
            QueueName::Replies => &self.replies,
        }
    }

    fn events(&self) -> BackendResult<&Events> {
        self.events.as_ref().ok_or_else(|| {
            BackendError::Missing(format!(
                "{} does not log its events: deploy it with LogEvents (log_events, logEvents) true",
                self.address()
            ))
        })
    }

    async fn row(&self, key: &SessionKey) -> BackendResult<SessionRow> {
        let row = calls::session(self.store.as_ref(), key).await;
        let row = row.map_err(|error| problem::of_store(&self.address(), &error))?;
        row.ok_or_else(|| BackendError::Missing("There is no such session.".to_owned()))
    }

    async fn letters(
        &self,
        name: QueueName,
        limit: usize,
    ) -> BackendResult<Vec<(DeadLetter, Timestamp)>> {
        let letters = self.queue(name).list_dead_letters(limit).await;
        letters.map_err(|error| problem::of_queue(&self.address(), &error))
    }
}

fn ports(
    sdk: &Sdk,
    resources: &Resources,
    store: &Arc<DynamoStore>,
    requests: &Arc<SqsQueue>,
    replies: &Arc<SqsQueue>,
) -> ingress::Ports {
    let names =
        SecretNames { api_keys: None, signing_keys: Some(resources.signing_secret_arn.clone()) };
    ingress::Ports {
        store: store.clone(),
        requests: requests.clone(),
        replies: replies.clone(),
        push: Arc::new(ApiGatewayPush::new(sdk, &resources.connections_url)),
        documents: Arc::new(NoDocuments),
        secrets: Arc::new(SecretsManagerSecrets::new(sdk, names)),
        jwt_keys: None,
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
    }
}

/// What the front door is set to where no stranger calls.
fn rules(resources: &Resources, environment: &Environment) -> anyhow::Result<IngressConfig> {
    let auth = match resources.auth_mode.as_str() {
        "NONE" => AuthMode::Anonymous { new_principals: false },
        _ => AuthMode::Iam,
    };
    Ok(IngressConfig {
        auth,
        origins: AllowedOrigins::Exact(Vec::new()),
        accept_limits: AcceptLimits::from_env(environment)?,
        rates: RateLimits { principal_per_minute: 0, address_per_5_minutes: 0 },
        max_wait: Duration::ZERO,
        websocket_url: None,
        providers: Vec::new(),
    })
}

#[async_trait]
impl Backend for AwsBackend {
    fn address(&self) -> String {
        format!("the stack {}", self.name)
    }

    fn public_url(&self) -> String {
        self.resources.api_url.clone()
    }

    async fn status(&self) -> BackendResult<ServerStatus> {
        let now = public::server_time(&self.resources.api_url).await?;
        let mut queues = Vec::new();
        for queue in QueueName::ALL {
            let depth = self.queue(queue).depth().await;
            let depth = depth.map_err(|error| problem::of_queue(&self.address(), &error))?;
            let aws::queue::QueueDepth { waiting, in_flight, dead } = depth;
            queues.push(QueueStatus { queue, waiting, in_flight, oldest_ms: None, dead });
        }
        Ok(ServerStatus {
            version: None,
            started_at: None,
            now: now.unwrap_or_else(|| SystemClock.now()),
            providers: None,
            queues,
            live_ms: None,
            connections: None,
            database_bytes: None,
            free_bytes: None,
            documents: None,
            analytics_text: None,
        })
    }

    async fn stats(&self, from: Timestamp, to: Timestamp, step: Duration) -> BackendResult<Stats> {
        let stats = self.events()?.stats(from, to, step).await;
        stats.map_err(|error| problem::of(&self.address(), &error))
    }

    async fn settings(&self) -> BackendResult<Value> {
        Ok(json!(self.resources))
    }

    async fn submit(&self, request: &SubmitRequest) -> BackendResult<SubmitResponse> {
        let mut messages = Vec::with_capacity(request.messages.len());
        for message in &request.messages {
            let now = SystemClock.now();
            let sent =
                calls::submit(self.requests.as_ref(), now, &request.principal, message.clone())
                    .await;
            messages.push(sent.map_err(|error| problem::of_queue(&self.address(), &error))?);
        }
        Ok(SubmitResponse { messages })
    }

    async fn prompts(&self, request: &PromptsRequest) -> BackendResult<PromptsResponse> {
        prompts::render(&self.environment, request)
    }

    async fn lookup(&self, request: &LookupRequest) -> BackendResult<LookupResponse> {
        let until = Instant::now() + Duration::from_millis(request.wait_ms);
        loop {
            let messages = calls::outcomes(self.store.as_ref(), &request.messages).await;
            let messages = messages.map_err(|error| problem::of_store(&self.address(), &error))?;
            let is_done =
                messages.iter().any(|outcome| matches!(outcome, MessageStatus::Done { .. }));
            if is_done || Instant::now() >= until {
                return Ok(LookupResponse { messages });
            }
            sleep(LOOK.min(until.saturating_duration_since(Instant::now()))).await;
        }
    }

    async fn sessions(
        &self,
        after: Option<&SessionKey>,
        limit: usize,
    ) -> BackendResult<SessionPage> {
        let found = self.store.sessions(after, limit).await;
        let (sessions, next) = found.map_err(|error| problem::of_store(&self.address(), &error))?;
        let live = sessions.into_iter().filter(|(_, row)| !row.deleted);
        let sessions = live.map(|(key, row)| SessionView::new(key, &row)).collect();
        Ok(SessionPage { sessions, next })
    }

    async fn session(&self, key: &SessionKey) -> BackendResult<SessionView> {
        Ok(SessionView::new(key.clone(), &self.row(key).await?))
    }

    async fn turns(&self, key: &SessionKey, after: u64, limit: usize) -> BackendResult<TurnPage> {
        self.row(key).await?;
        let turns = calls::turns(self.store.as_ref(), key, after, limit).await;
        turns.map_err(|error| problem::of_store(&self.address(), &error))
    }

    async fn delete(&self, key: &SessionKey) -> BackendResult<()> {
        let row = self.row(key).await?;
        let Some(owner) = row.owner() else { return Ok(()) };
        let answer = self.ingress.delete_session_of(&owner.principal, owner.session_id).await;
        if answer.status().is_success() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(answer.body());
        Err(super::problem::error(&self.address(), "delete", answer.status().as_u16(), &body))
    }

    async fn events(&self, query: &EventQuery) -> BackendResult<EventPage> {
        let after = query.after.unwrap_or_else(|| SystemClock.now().0);
        let limit = query.limit.unwrap_or(MOST_EVENTS);
        let page = self.events()?.page(after, limit, Duration::from_millis(query.wait_ms)).await;
        page.map_err(|error| problem::of(&self.address(), &error))
    }

    async fn dead_letters(&self, limit: usize) -> BackendResult<DeadLetters> {
        let mut dead_letters = Vec::new();
        for name in QueueName::ALL {
            for (letter, sent_at) in self.letters(name, limit).await? {
                let view =
                    calls::dead_letter(self.store.as_ref(), name, letter, Some(sent_at)).await;
                dead_letters
                    .push(view.map_err(|error| problem::of_store(&self.address(), &error))?);
            }
        }
        Ok(DeadLetters { dead_letters })
    }

    async fn redrive(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse> {
        if request.dry_run {
            return self.would_take(request).await;
        }
        let ids = self.queue(request.queue).redrive_dead_letters(request.ids.as_deref()).await;
        Ok(taken(request, ids.map_err(|error| problem::of_queue(&self.address(), &error))?))
    }

    async fn drop_letters(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse> {
        if request.dry_run {
            return self.would_take(request).await;
        }
        let ids = self.queue(request.queue).drop_dead_letters(request.ids.as_deref()).await;
        Ok(taken(request, ids.map_err(|error| problem::of_queue(&self.address(), &error))?))
    }

    async fn chat_session(
        &self,
        principal: &str,
        session: Option<&SessionId>,
    ) -> BackendResult<ChatSession> {
        let refused = |error: &dyn std::fmt::Display| BackendError::Refused {
            field: None,
            detail: error.to_string(),
        };
        let principal = Principal::parse(principal).map_err(|error| refused(&error))?;
        let token = self.ingress.operator_token(principal).await;
        let token = token.map_err(|error| problem::of_secrets(&self.address(), &error))?;
        let token = token.ok_or_else(|| {
            let detail = format!(
                "{} lets in by {}, not by session tokens",
                self.address(),
                self.resources.auth_mode
            );
            BackendError::Refused { field: None, detail }
        })?;
        public::create_session(&self.resources.api_url, token, session).await
    }

    async fn stop(&self, session: &ChatSession, message_id: &str) -> BackendResult<()> {
        let url = self.public_url();
        let account = public::account(&url, session)?;
        let stopped = account.stop(session.session_id.as_str(), message_id).await;
        stopped.map_err(|error| public::backend_error(&url, error))
    }
}

impl AwsBackend {
    /// Says which dead letters are there of those that were asked for.
    async fn would_take(&self, request: &RedriveRequest) -> BackendResult<RedriveResponse> {
        let there = self.letters(request.queue, usize::MAX).await?;
        let there = there.into_iter().map(|(letter, _)| letter.message_id);
        let wanted = |id: &String| request.ids.as_ref().is_none_or(|ids| ids.contains(id));
        Ok(taken(request, there.filter(wanted).collect()))
    }
}

fn taken(request: &RedriveRequest, ids: Vec<String>) -> RedriveResponse {
    let asked = request.ids.iter().flatten();
    let missing = asked.filter(|id| !ids.contains(id)).cloned().collect();
    RedriveResponse { ids, missing }
}
