//! One delivery from the request queue.

use std::time::Duration;

use providers::Prices;
use shared::domain::{ContextUse, DocumentId, MessageId, MessageText, Principal, SessionKey};
use shared::ports::{Delivery, Prompt, QueueError};
use shared::protocol::accept::{self, AcceptError, Submission, SubmissionStatus};
use shared::queue_messages::{BodyError, MessagePointer, PartialRequest, RequestMessage, Submit};
use tokio::time::Instant;
use tracing::instrument;

use crate::answer::{AnswerResources, TurnAnswer};
use crate::calls::Providers;
use crate::config::WorkerConfig;
use crate::context::{DocumentLookup, DocumentReader, Question};
use crate::error::WorkerError;
use crate::ports::Ports;
use crate::preference::Preference;
use crate::prompt::{PromptParts, Template};
use crate::turn::{ClaimOutcome, TurnProtocol};

/// From this delivery on, a message ends with an error final instead of another try.
///
/// It is below the queue's `maxReceiveCount`: otherwise the message would become a dead letter, and
/// its turn would stay unanswered until the cleanup finds it.
const LAST_RECEIVE: u32 = 8;
/// How much longer than its own deadline a worker hides its message.
///
/// If the message became visible while the worker is still at it, another worker would take the
/// turn's next generation, and both would call the model.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(10);
/// A longer trace id is not stored with the turn.
const MAX_TRACE_BYTES: usize = 256;
/// A `submit` older than this is refused.
const MAX_SUBMIT_AGE: Duration = Duration::from_hours(12);
/// How long a failed message waits for its next delivery, multiplied by its receive count.
const BACK_OFF: Duration = Duration::from_secs(2);
/// How long a message of an unknown version waits for a newer worker, so that its deliveries last
/// longer than a deployment takes.
const UNKNOWN_VERSION_BACK_OFF: Duration = Duration::from_mins(1);

/// Answers messages. One per process; what it caches between messages only saves time.
pub struct Worker {
    ports: Ports,
    config: WorkerConfig,
    providers: Providers,
    prices: Prices,
    template: Template,
    documents: DocumentReader,
    preference: Preference,
}

/// The message that a delivery is about.
struct Request {
    key: SessionKey,
    message_id: MessageId,
    trace: Option<String>,
    /// Why only the ids could be read, if that is so.
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
        let source = ports.documents.clone();
        let timeout = config.timeouts.document;
        let documents = DocumentReader::new(source, config.enable_context, timeout);
        let preference = Preference::new(config.preference.clone());
        Ok(Self { ports, config, providers, prices, template, documents, preference })
    }

    /// Returns the providers with their circuit breakers.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// Reads the order of providers again if it is due: before the first message, and every five
    /// minutes.
    ///
    /// `fetch` returns the names, separated by commas. If it fails, finds nothing or takes too
    /// long, the current order stays.
    pub async fn refresh_preference<E: std::error::Error>(
        &self,
        fetch: impl AsyncFnOnce() -> Result<Option<String>, E>,
    ) {
        self.preference.refresh(self.ports.clock.now(), fetch).await;
    }

    /// Renders the prompt for the first message of a session, and tells whether its document was
    /// used.
    ///
    /// The documents are read and searched on behalf of the principal, as for a turn. The session is taken not to
    /// continue, so the provider is not asked to cache the conversation.
    pub async fn first_prompt(
        &self,
        reader: &Principal,
        message: &MessageText,
        document: Option<&DocumentId>,
    ) -> Result<(Prompt, ContextUse), WorkerError> {
        let mut lookup = self.documents.look_up(document, reader).await;
        let question = Question { text: message.as_str(), previous: &[] };
        let tokens = self.config.document_tokens;
        let found = self.documents.find(&mut lookup, question, reader, tokens).await;
        let found = found.map(|it| it.into_iter().map(|source| source.found).collect());
        let DocumentLookup { document, context } = lookup;
        let first = PromptParts::first(reader, message.as_str());
        let parts = PromptParts { document, found, context, ..first };
        Ok((parts.prompt(&self.template, &self.config)?, context))
    }

    /// Answers one message.
    ///
    /// `Ok` means that the message must be acknowledged: its work is durable, or there is none. An
    /// error means that the failure must be reported and the message not acknowledged. The message
    /// becomes visible again soon, because it blocks its session until then.
    pub async fn handle(&self, delivery: &Delivery) -> Result<(), WorkerError> {
        self.handle_within(delivery, self.config.timeouts.deadline).await
    }

    /// Answers one message, as [`handle`](Self::handle) does, within the time that is left to this
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
            log_failure(delivery, error);
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
        // Other producers put messages on the queue too, so the trace id may have any length; a
        // turn must fit into one item of the store.
        let trace = trace.clone().filter(|trace| trace.len() <= MAX_TRACE_BYTES);
        let protocol = TurnProtocol::new(&self.ports, &self.config);
        match protocol.claim(key, message_id, trace, deadline).await? {
            // Nobody waits for an answer. A body that points nowhere is left to an operator.
            ClaimOutcome::Gone => request.problem.map_or(Ok(()), |problem| Err(problem.into())),
            ClaimOutcome::Delivered => Ok(()),
            ClaimOutcome::Final(turn) => protocol.enqueue_final(key, turn).await,
            ClaimOutcome::Cancelled(turn) => protocol.finish_cancelled(key, &turn).await,
            ClaimOutcome::Exhausted(turn) => protocol.finish_exhausted(key, &turn).await,
            ClaimOutcome::Running(claim) if problem.is_some() => {
                protocol.finish_unreadable(key, &claim.turn).await
            }
            ClaimOutcome::Running(claim) if receives >= LAST_RECEIVE => {
                protocol.finish_exhausted(key, &claim.turn).await
            }
            ClaimOutcome::Running(claim) => {
                let resources = AnswerResources {
                    ports: &self.ports,
                    config: &self.config,
                    providers: &self.providers,
                    prices: &self.prices,
                    template: &self.template,
                    documents: &self.documents,
                };
                let preference = self.preference.order();
                let answer = TurnAnswer::new(resources, preference, key, claim, deadline);
                // By far the largest future here. Boxed, it takes its memory only while a turn is
                // being answered.
                Box::pin(answer.run()).await
            }
        }
    }

    /// Accepts a message that its producer put on the queue, by the rules of ingress except for the
    /// rate limit.
    ///
    /// A refusal is final: it is logged and the message acknowledged, since no later try can
    /// succeed.
    async fn accept(
        &self,
        delivery: &Delivery,
        submit: Submit,
    ) -> Result<Option<Request>, WorkerError> {
        let now = self.ports.clock.now();
        let age = now.since(submit.accepted_at);
        // A producer whose clock is ahead must not create a session that lives too long.
        let submission =
            Submission { accepted_at: submit.accepted_at.min(now), ..submit.submission() };
        let key = submission.session_key();
        let oldest = MAX_SUBMIT_AGE.min(self.config.accept_limits.lifetime.ttl / 2);
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

    /// Sets the time for which the message stays hidden. It may fail: the queue's own visibility
    /// timeout is safe, only longer.
    async fn hide(&self, delivery: &Delivery, time: Duration) {
        match self.ports.requests.change_visibility(&delivery.receipt, time).await {
            Ok(()) | Err(QueueError::StaleReceipt) => (),
            Err(error) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the visibility timeout was not changed"
            ),
        }
    }
}

fn log_failure(delivery: &Delivery, error: &WorkerError) {
    let source: &(dyn std::error::Error + 'static) = error;
    if matches!(error, WorkerError::Body(_)) {
        tracing::error!(session.id = %delivery.group, error = source, "a request was refused");
    } else {
        tracing::warn!(session.id = %delivery.group, error = source, "the turn will be retried");
    }
}

fn back_off(delivery: &Delivery, error: &WorkerError) -> Duration {
    match error {
        WorkerError::Body(BodyError::Version(_)) => UNKNOWN_VERSION_BACK_OFF,
        _ => BACK_OFF * delivery.receive_count.min(15),
    }
}

/// Finds the message that an unreadable body points to, so that its turn can end as an error.
///
/// A submission whose text is not acceptable is refused for good: `None`. Everything else stays an
/// error and becomes a dead letter: ids in another session's group, and ids that cannot be read.
///
/// A body of an unknown version is never answered here, even if its ids can be read. During a
/// deployment it may come from a newer ingress, so it has to wait for a newer worker.
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
