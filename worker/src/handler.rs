//! One delivery from the queue of requests.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{MessageId, SessionKey};
use shared::ports::{
    Clock, Delivery, Documents, Ids, Metrics, Push, Queue, QueueError, Secrets, Store,
};
use shared::protocol::accept::{self, AcceptError, Submission, SubmissionStatus};
use shared::queue_messages::{BodyError, MessagePointer, PartialRequest, RequestMessage, Submit};
use tokio::time::Instant;
use tracing::instrument;

use crate::answer::Answer;
use crate::calls::Providers;
use crate::config::WorkerConfig;
use crate::context::DocumentCache;
use crate::error::WorkerError;
use crate::kept::KeptReplies;
use crate::preference::Preference;
use crate::prompt::Template;
use crate::turn::{Claimed, claim, finish};
use providers::Prices;

/// From this receive on a message gets an error final instead of another try.
const LAST_RECEIVE: u32 = 8;
/// How much longer than its own deadline a worker keeps its message hidden.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(10);
/// A longer trace id is left out of the turn.
const MAX_TRACE_BYTES: usize = 256;
/// A `submit` older than this is refused.
const OLDEST_SUBMIT: Duration = Duration::from_hours(12);
/// How long a failed message waits for its next receive, times its receive count.
const BACK_OFF: Duration = Duration::from_secs(2);
/// How long a message of an unknown version waits for a worker that knows it: its receives outlast
/// a deployment.
const FOREIGN_BACK_OFF: Duration = Duration::from_mins(1);

/// The ports that the worker uses.
#[derive(Clone)]
pub struct Ports {
    /// The table.
    pub store: Arc<dyn Store>,
    /// The queue that deliveries come from.
    pub requests: Arc<dyn Queue>,
    /// The queue that finals go to.
    pub replies: Arc<dyn Queue>,
    /// The way to browsers.
    pub push: Arc<dyn Push>,
    /// Where documents come from.
    pub documents: Arc<dyn Documents>,
    /// Where keys come from.
    pub secrets: Arc<dyn Secrets>,
    /// Where replies are kept, if anywhere.
    pub kept: Option<KeptReplies>,
    /// Who watches.
    pub metrics: Arc<dyn Metrics>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
}

/// Answers messages. Made once per process; what it keeps between messages only saves time.
pub struct Worker {
    pub(crate) ports: Ports,
    pub(crate) config: WorkerConfig,
    pub(crate) providers: Providers,
    pub(crate) prices: Prices,
    pub(crate) template: Template,
    pub(crate) documents: DocumentCache,
    pub(crate) preference: Preference,
}

fn log(delivery: &Delivery, error: &WorkerError) {
    let source: &(dyn std::error::Error + 'static) = error;
    if matches!(error, WorkerError::Body(_)) {
        tracing::error!(session.id = %delivery.group, error = source, "a request was refused");
    } else {
        tracing::warn!(session.id = %delivery.group, error = source, "the turn will be tried \
            again");
    }
}

fn back_off(delivery: &Delivery, error: &WorkerError) -> Duration {
    match error {
        WorkerError::Body(BodyError::Version(_)) => FOREIGN_BACK_OFF,
        _ => BACK_OFF * delivery.receive_count.min(15),
    }
}

/// Which message a delivery is about.
struct Request {
    key: SessionKey,
    message_id: MessageId,
    trace: Option<String>,
    /// Why nothing but its ids can be read, if that is so.
    problem: Option<BodyError>,
}

impl Worker {
    /// Makes a worker.
    pub fn new(
        ports: Ports,
        config: WorkerConfig,
        providers: Providers,
        prices: Prices,
    ) -> Result<Self, WorkerError> {
        let template = Template::new(&config.product_name, &config.tone)?;
        let documents = DocumentCache::default();
        let preference = Preference::new(config.preference.clone());
        Ok(Self { ports, config, providers, prices, template, documents, preference })
    }

    /// Returns the providers, with what their breakers know.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// Looks for another order of providers, if it is time to: before the first message, and every
    /// five minutes.
    ///
    /// `fetch` returns the names, separated by commas; where it fails, finds nothing or takes long,
    /// the known order stays.
    pub async fn refresh_preference<E: std::error::Error>(
        &self,
        fetch: impl AsyncFnOnce() -> Result<Option<String>, E>,
    ) {
        self.preference.refresh(self.ports.clock.now(), fetch).await;
    }

    /// Answers one message.
    ///
    /// `Ok` means: acknowledge; the work is durable, or there is none. An error means: report the
    /// failure, never acknowledge; the message's visibility was shortened, so that its session does
    /// not freeze.
    pub async fn handle(&self, delivery: &Delivery) -> Result<(), WorkerError> {
        self.handle_within(delivery, self.config.timeouts.deadline).await
    }

    /// Answers one message, as [`handle`](Self::handle) does, in the time that is left to its
    /// process.
    pub async fn handle_within(
        &self,
        delivery: &Delivery,
        left: Duration,
    ) -> Result<(), WorkerError> {
        let time = self.config.timeouts.deadline.min(left);
        let deadline = Instant::now() + time;
        let needed = time + VISIBILITY_MARGIN;
        if needed < self.config.queue_visibility {
            self.hide(delivery, needed).await;
        }
        let result = self.answer_delivery(delivery, deadline).await;
        if let Err(error) = &result {
            log(delivery, error);
            self.hide(delivery, back_off(delivery, error)).await;
        }
        result
    }

    async fn answer_delivery(
        &self,
        delivery: &Delivery,
        deadline: Instant,
    ) -> Result<(), WorkerError> {
        let request = match RequestMessage::parse(&delivery.body) {
            Ok(RequestMessage::Message(MessagePointer {
                session_key: key,
                message_id,
                trace,
                ..
            })) => Some(Request { key, message_id, trace, problem: None }),
            Ok(RequestMessage::Submit(submit)) => self.accept(delivery, submit).await?,
            Err(problem) => salvage(delivery, problem)?,
        };
        match request {
            Some(request) => self.answer_request(request, delivery.receive_count, deadline).await,
            None => Ok(()),
        }
    }

    #[instrument(skip_all, fields(session.id = %request.key, message.id = %request.message_id))]
    async fn answer_request(
        &self,
        request: Request,
        receives: u32,
        deadline: Instant,
    ) -> Result<(), WorkerError> {
        let Request { key, message_id, trace, problem } = &request;
        // A producer's trace is not ours to bound at the edge, and a turn must fit an item of the
        // store.
        let trace = trace.clone().filter(|trace| trace.len() <= MAX_TRACE_BYTES);
        match claim(self, key, message_id, trace, deadline).await? {
            // Nobody waits for an answer: a body that points nowhere is for an operator to look at.
            Claimed::Gone => request.problem.map_or(Ok(()), |problem| Err(problem.into())),
            Claimed::Delivered => Ok(()),
            Claimed::Final(turn) => finish::enqueue(self, key, turn).await,
            Claimed::Cancelled(turn) => finish::cancelled(self, key, &turn).await,
            Claimed::Exhausted(turn) => finish::exhausted(self, key, &turn).await,
            Claimed::Running(claim) if problem.is_some() => {
                finish::unreadable(self, key, &claim.turn).await
            }
            Claimed::Running(claim) if receives >= LAST_RECEIVE => {
                finish::exhausted(self, key, &claim.turn).await
            }
            Claimed::Running(claim) => {
                // By far the largest of what is waited for here: it lives apart, for as long as the
                // answer takes.
                Box::pin(Answer::new(self, key, claim, deadline).run()).await
            }
        }
    }

    /// Accepts a message that its producer put on the queue, by ingress's rules without the rate
    /// limit.
    ///
    /// Refused is final: acknowledged and logged, since no later try can succeed.
    async fn accept(
        &self,
        delivery: &Delivery,
        submit: Submit,
    ) -> Result<Option<Request>, WorkerError> {
        let now = self.ports.clock.now();
        let age = now.since(submit.accepted_at);
        // A producer's clock that is ahead makes no session that outlives its time.
        let submission =
            Submission { accepted_at: submit.accepted_at.min(now), ..submit.submission() };
        let key = submission.session_key();
        let oldest = OLDEST_SUBMIT.min(self.config.accept_limits.lifetime.ttl / 2);
        let problem = if delivery.group != key.as_str() {
            "its group is not its session key"
        } else if age >= oldest {
            "it is too old"
        } else if let Some(Err(error)) = submission.replay.as_ref().map(|replay| replay.check()) {
            refuse(&key, &submission.message_id, &error);
            return Ok(None);
        } else {
            match self.record(&submission).await {
                Ok(_) => {
                    let message_id = submission.message_id;
                    let trace = submit.trace;
                    return Ok(Some(Request { key, message_id, trace, problem: None }));
                }
                Err(AcceptError::Store(error)) => return Err(error.into()),
                Err(AcceptError::Conflict) => "its id was used with another body",
                Err(AcceptError::Gone) => "its session is gone",
                Err(AcceptError::TooManyWaiting) => "its session has too many unfinished messages",
            }
        };
        refuse(&key, &submission.message_id, &problem);
        Ok(None)
    }

    async fn record(&self, submission: &Submission) -> Result<SubmissionStatus, AcceptError> {
        let store = self.ports.store.as_ref();
        let bounds = self.config.accept_limits;
        let read = accept::look_up(store, submission, bounds).await?;
        accept::record(store, submission, read, bounds).await
    }

    /// Shortens (or sets) the time for which the message stays hidden. Only an optimisation:
    /// failing is harmless.
    async fn hide(&self, delivery: &Delivery, time: Duration) {
        match self.ports.requests.change_visibility(&delivery.receipt, time).await {
            Ok(()) | Err(QueueError::StaleReceipt) => (),
            Err(error) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the visibility was not changed"
            ),
        }
    }
}

/// Finds the message that an unreadable body was meant to point to, so that its turn can end as an
/// error.
///
/// A submission whose text is not acceptable is refused for good: `None`. Everything else stays an
/// error, and becomes a dead letter: ids in another session's group, ids that cannot be read, and a
/// version that this worker does not know. The last may be a newer worker's in the middle of a
/// deployment, so it is never answered here, however well its ids can be read: it comes back for a
/// worker that knows it.
fn salvage(delivery: &Delivery, problem: BodyError) -> Result<Option<Request>, WorkerError> {
    if matches!(problem, BodyError::Version(_)) {
        return Err(problem.into());
    }
    match PartialRequest::of_request(&delivery.body) {
        Some(PartialRequest::Pointer { session_key: key, message_id })
            if delivery.group == key.as_str() =>
        {
            let error = &problem as &dyn std::error::Error;
            tracing::error!(session.id = %key, message.id = %message_id, error, "only the ids of \
                a request can be read");
            Ok(Some(Request { key, message_id, trace: None, problem: Some(problem) }))
        }
        Some(PartialRequest::Submit { session_key, message_id, problem }) => {
            refuse(&session_key, &message_id, &problem);
            Ok(None)
        }
        _ => Err(problem.into()),
    }
}

fn refuse(key: &SessionKey, message_id: &MessageId, problem: &dyn std::fmt::Display) {
    tracing::warn!(session.id = %key, message.id = %message_id, %problem, "a submitted message \
        was refused");
}
