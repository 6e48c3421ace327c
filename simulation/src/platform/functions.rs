//! Invocations of the three functions.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ingress::{AuthorizeError, ClientInfo, Ingress, SocketSession};
use notifier::Notifier;
use notifier::cleanup::CleanupReport;
use shared::analytics::Texts;
use shared::disabled::NoMetrics;
use shared::domain::ConnectionId;
use shared::memory::SeededIds;
use shared::ports::Delivery;
use shared::queue_messages::{ReplyMessage, RequestMessage};
use tokio::time::{Instant, sleep_until};
use worker::calls::Providers;
use worker::{Worker, WorkerError};

use super::Platform;
use super::pool::Instance;
use crate::faults::{ExternalFault, Function, Process, Subject};
use crate::mutants;
use crate::ports::{ProcessPorts, QueueName};

/// How long a function may run beyond its own deadline.
const WORKER_GRACE: Duration = Duration::from_secs(10);
/// How long API Gateway waits for ingress.
const INGRESS_TIMEOUT: Duration = Duration::from_secs(29);
const NOTIFIER_TIMEOUT: Duration = Duration::from_secs(30);

/// How an invocation ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// The handler returned.
    Returned(T),
    /// The process died, or was killed at its timeout.
    Died,
}

impl<T> Ended<T> {
    /// Returns what the handler returned, if it did.
    pub fn returned(self) -> Option<T> {
        match self {
            Self::Returned(value) => Some(value),
            Self::Died => None,
        }
    }
}

impl Platform {
    /// Lets a worker handle a delivery.
    pub async fn invoke_worker(&self, delivery: &Delivery) -> Ended<Result<(), WorkerError>> {
        let instance = self.workers.take(|| self.start_worker());
        let handler = Arc::clone(&instance.handler);
        let limit = self.worker_config.timeouts.deadline + WORKER_GRACE;
        let ended = self
            .run(&instance.process, request_subject(delivery), limit, handler.handle(delivery))
            .await;
        self.workers.give_back(instance);
        match ended {
            Ended::Returned(result) => {
                Ended::Returned(mutants::worker_result(self.setup.mutant, result))
            }
            Ended::Died => Ended::Died,
        }
    }

    /// Lets a notifier handle a batch; returns the ids of the messages that failed.
    pub async fn invoke_notifier(&self, batch: &[Delivery]) -> Ended<Vec<String>> {
        let instance = self.notifiers.take(|| self.start_notifier());
        let handler = Arc::clone(&instance.handler);
        let subject = batch.first().map_or(Subject::Nobody, reply_subject);
        let ended = self
            .run(&instance.process, subject, NOTIFIER_TIMEOUT, handler.handle_batch(batch))
            .await;
        self.notifiers.give_back(instance);
        ended
    }

    /// Runs the cleanup once; `None` if its process died or its store was away.
    pub async fn clean_up(&self) -> Option<CleanupReport> {
        let instance = self.notifiers.take(|| self.start_notifier());
        let handler = Arc::clone(&instance.handler);
        let limit = Duration::from_mins(5);
        let ended = self.run(&instance.process, Subject::Nobody, limit, handler.clean_up()).await;
        self.notifiers.give_back(instance);
        ended.returned()?.ok()
    }

    /// Lets ingress answer a request.
    pub async fn invoke_ingress(
        &self,
        subject: Subject,
        request: Request<Bytes>,
        caller: ClientInfo,
    ) -> Ended<Response<Bytes>> {
        let instance = self.ingress.take(|| self.start_ingress());
        let handler = Arc::clone(&instance.handler);
        let ended = self
            .run(&instance.process, subject, INGRESS_TIMEOUT, handler.handle(request, caller))
            .await;
        self.ingress.give_back(instance);
        ended
    }

    /// Lets ingress decide whether a socket may open.
    pub async fn authorize(
        &self,
        ticket: &str,
        origin: Option<&str>,
    ) -> Ended<Result<SocketSession, AuthorizeError>> {
        let instance = self.ingress.take(|| self.start_ingress());
        let handler = Arc::clone(&instance.handler);
        let work = handler.authorize_socket(ticket, origin, None);
        let ended = self.run(&instance.process, Subject::Nobody, INGRESS_TIMEOUT, work).await;
        self.ingress.give_back(instance);
        ended
    }

    /// Lets ingress follow a frame of a client.
    pub async fn socket_frame(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        frame: &str,
    ) {
        let instance = self.ingress.take(|| self.start_ingress());
        let handler = Arc::clone(&instance.handler);
        let subject = Subject::Session(session.session_key.clone());
        let work = handler.socket_frame(connection, session, frame);
        self.run(&instance.process, subject, INGRESS_TIMEOUT, work).await;
        self.ingress.give_back(instance);
    }

    /// Tells ingress that a socket was closed.
    pub async fn socket_closed(&self, connection: &ConnectionId, session: &SocketSession) {
        let instance = self.ingress.take(|| self.start_ingress());
        let handler = Arc::clone(&instance.handler);
        let subject = Subject::Session(session.session_key.clone());
        let work = handler.socket_closed(connection, session);
        self.run(&instance.process, subject, INGRESS_TIMEOUT, work).await;
        self.ingress.give_back(instance);
    }

    /// Ends every process that waits for work, as a deployment does.
    pub fn cool_down(&self) {
        self.ingress.clear();
        self.workers.clear();
        self.notifiers.clear();
    }

    /// Runs an invocation until it returns, its process dies, or it is killed at its timeout.
    ///
    /// A frozen process is not killed: it comes back as a zombie, after the queue has handed its
    /// message to another process. The `select!` is biased so that an invocation that finishes at
    /// the very moment of its timeout counts as finished, in every run of the seed.
    async fn run<T>(
        &self,
        process: &Arc<Process>,
        subject: Subject,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Ended<T> {
        let doom = self.cloud.faults.occurs(ExternalFault::Killed, &subject);
        let doom = doom.then(|| self.cloud.faults.span(Duration::ZERO, Duration::from_secs(3)));
        let mut sandbox = process.invoke(subject, work);
        let began = Instant::now();
        let mut end = began + doom.unwrap_or(limit).min(limit);
        loop {
            tokio::select! {
                biased;
                result = &mut sandbox => return result.map_or(Ended::Died, Ended::Returned),
                () = sleep_until(end) => (),
            }
            if doom.is_some() || !process.is_frozen() {
                process.kill();
                return Ended::Died;
            }
            end = Instant::now() + Duration::from_secs(5);
        }
    }

    fn start(&self, function: Function) -> (ProcessPorts, SeededIds) {
        let Self { cloud, setup, .. } = self;
        let number = cloud.faults.tally().event("processes started");
        let bound = if function == Function::Ingress { 0 } else { setup.skew };
        let skew = if bound == 0 {
            0
        } else {
            let range = usize::try_from(2 * bound).unwrap_or(0);
            // Without random faults, one process is behind by the whole bound, and the next ahead
            // by it.
            let drawn =
                cloud.faults.draw_or(range, if number.is_multiple_of(2) { range } else { 0 });
            i64::try_from(drawn).unwrap_or(0) - bound
        };
        let process =
            Process::start(function, Arc::clone(&cloud.faults), Arc::clone(&cloud.trace), skew);
        (
            ProcessPorts::new(process, Arc::clone(cloud), setup.mutant),
            SeededIds::new(cloud.faults.fork()),
        )
    }

    fn start_ingress(&self) -> Instance<Ingress> {
        let (process_ports, ids) = self.start(Function::Ingress);
        let ports = ingress::Ports {
            store: process_ports.store(),
            requests: process_ports.queue(QueueName::Requests),
            replies: process_ports.queue(QueueName::Replies),
            push: process_ports.push(),
            documents: process_ports.documents(),
            secrets: process_ports.secrets(),
            jwt_keys: None,
            clock: process_ports.clock(),
            ids: Arc::new(ids),
        };
        let handler = Arc::new(Ingress::new(ports, self.ingress_config.clone()));
        Instance { process: process_ports.process, handler }
    }

    fn start_worker(&self) -> Instance<Worker> {
        let (process_ports, ids) = self.start(Function::Worker);
        let ports = worker::Ports {
            store: process_ports.store(),
            requests: process_ports.queue(QueueName::Requests),
            replies: process_ports.queue(QueueName::Replies),
            push: process_ports.push(),
            documents: process_ports.documents(),
            secrets: process_ports.secrets(),
            reply_cache: None,
            metrics: Arc::new(NoMetrics),
            clock: process_ports.clock(),
            ids: Arc::new(ids),
        };
        let providers = Providers::new(process_ports.models(), self.breaker);
        #[expect(clippy::expect_used, reason = "the template is part of the program")]
        let handler =
            Worker::new(ports, self.worker_config.clone(), providers, self.prices.clone())
                .expect("a worker");
        Instance { process: process_ports.process, handler: Arc::new(handler) }
    }

    fn start_notifier(&self) -> Instance<Notifier> {
        let (process_ports, _) = self.start(Function::Notifier);
        let ports = notifier::Ports {
            store: process_ports.store(),
            replies: process_ports.queue(QueueName::Replies),
            push: process_ports.push(),
            events: process_ports.events(),
            clock: process_ports.clock(),
        };
        Instance {
            process: process_ports.process,
            handler: Arc::new(Notifier::new(ports, Texts::Omitted)),
        }
    }
}

pub(super) fn request_subject(delivery: &Delivery) -> Subject {
    match RequestMessage::parse(&delivery.body) {
        Ok(RequestMessage::Message(pointer)) => {
            Subject::Message(pointer.session_key, pointer.message_id)
        }
        Ok(RequestMessage::Submit(submit)) => {
            Subject::Message(submit.submission().session_key(), submit.message_id)
        }
        Err(_) => Subject::Nobody,
    }
}

fn reply_subject(delivery: &Delivery) -> Subject {
    match ReplyMessage::parse(&delivery.body) {
        Ok(ReplyMessage::Final(pointer)) => Subject::Turn(pointer.session_key, pointer.turn),
        Ok(other) => Subject::Session(other.session_key().clone()),
        Err(_) => Subject::Nobody,
    }
}
