//! A body of server-sent events as a stream of model events.

use std::collections::VecDeque;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use eventsource_stream::{Event, EventStream, EventStreamError};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, Stream, StreamExt as _};
use serde_json::Value;
use shared::ports::{Finish, ModelError, ModelEvent, ModelStream};
use shared::tools::ToolCall;

use crate::BatchReply;

/// The largest event, and the most that is buffered of one that does not end.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// How long a body may take to end after the reply's end mark, for its connection to be reused.
const DRAIN: Duration = Duration::from_secs(1);

/// Converts the events of one protocol.
pub(super) trait Decoder: Send + 'static {
    /// Converts the data of one event. Unknown events are ignored.
    fn decode(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// Decides what it means that the body has ended without an error and without an end mark.
    fn end(&mut self) -> Option<Finish>;

    /// Reads a reply that a server sent whole although it was asked for a stream.
    fn whole(&self, body: Value) -> Option<BatchReply>;

    /// Reads the calls of such a reply; none if no tools were offered.
    fn whole_calls(&self, body: &Value) -> Result<Vec<ToolCall>, ModelError>;
}

/// Decodes a body. The stream ends after the first `Finished` or the first error.
pub(super) fn events<E: Error + Send + Sync + 'static>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    decoder: impl Decoder,
) -> ModelStream {
    stream::unfold(Some(Reading::new(body, decoder)), next).boxed()
}

type Item = Result<ModelEvent, ModelError>;

struct Reading<D> {
    source: Source,
    held: Arc<AtomicUsize>,
    /// How many pieces of the body came, and how many of them were noticed.
    parts: Arc<AtomicUsize>,
    noticed: usize,
    decoder: D,
    decoded: Vec<ModelEvent>,
    ready: VecDeque<Item>,
}

/// What was read of a body.
enum Read {
    Event(Option<Result<Event, EventStreamError<Fault>>>),
    /// Bytes that complete no event.
    Bytes,
}

type Source = Pin<Box<EventStream<BoxStream<'static, Result<Bytes, Fault>>>>>;

/// Why no more bytes follow.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Connection(String),
    #[error("an event of more than {MAX_EVENT_BYTES} bytes")]
    TooLarge,
}

async fn next<D: Decoder>(reading: Option<Reading<D>>) -> Option<(Item, Option<Reading<D>>)> {
    let mut reading = reading?;
    loop {
        match reading.ready.pop_front() {
            Some(Ok(ModelEvent::Finished(finish))) => {
                drain(reading.source);
                return Some((Ok(ModelEvent::Finished(finish)), None));
            }
            Some(Err(error)) => return Some((Err(error), None)),
            Some(event) => return Some((event, Some(reading))),
            None => reading.read().await,
        }
    }
}

impl<D: Decoder> Reading<D> {
    fn new<E: Error + Send + Sync + 'static>(
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
        decoder: D,
    ) -> Self {
        let held = Arc::new(AtomicUsize::new(0));
        let parts = Arc::new(AtomicUsize::new(0));
        let bounded = bounded(body, Arc::clone(&held), Arc::clone(&parts));
        let source = Box::pin(EventStream::new(bounded));
        let events = Vec::new();
        let ready = VecDeque::new();
        Self { source, held, parts, noticed: 0, decoder, decoded: events, ready }
    }

    /// Reads one event and queues the model events that it contains, or a sign of life.
    async fn read(&mut self) {
        let outcome = match poll_fn(|context| self.poll(context)).await {
            Read::Event(Some(Ok(event))) => {
                self.held.store(0, Ordering::Relaxed);
                let outcome = self.decoder.decode(&event.data, &mut self.decoded);
                if self.decoded.is_empty() && outcome.is_ok() {
                    self.decoded.push(ModelEvent::Alive);
                }
                outcome
            }
            Read::Event(Some(Err(error))) => Err(ModelError::Broken(describe(&error))),
            Read::Event(None) => self.end(),
            Read::Bytes => {
                self.decoded.push(ModelEvent::Alive);
                Ok(())
            }
        };
        self.ready.extend(self.decoded.drain(..).map(Ok));
        self.ready.extend(outcome.err().map(Err));
    }

    /// Waits for the next event, or for bytes that complete none: a comment that keeps the
    /// connection alive, or the beginning of an event.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Read> {
        let polled = self.source.poll_next_unpin(context);
        let parts = self.parts.load(Ordering::Relaxed);
        let is_new = std::mem::replace(&mut self.noticed, parts) != parts;
        match polled {
            Poll::Ready(event) => Poll::Ready(Read::Event(event)),
            Poll::Pending if is_new => Poll::Ready(Read::Bytes),
            Poll::Pending => Poll::Pending,
        }
    }

    fn end(&mut self) -> Result<(), ModelError> {
        let Some(finish) = self.decoder.end() else {
            return Err(ModelError::Broken("the stream ended without its end mark".to_owned()));
        };
        self.decoded.push(ModelEvent::Finished(finish));
        Ok(())
    }
}

/// Passes the bytes on without a leading byte order mark, and fails once more of them are buffered
/// than one event may have.
fn bounded<E: Error + Send + Sync + 'static>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    held: Arc<AtomicUsize>,
    parts: Arc<AtomicUsize>,
) -> BoxStream<'static, Result<Bytes, Fault>> {
    let mut mark = Mark::default();
    let limit = move |part: Result<Bytes, E>| {
        parts.fetch_add(1, Ordering::Relaxed);
        let bytes = mark.strip(part.map_err(|error| Fault::Connection(chain(&error)))?);
        let before = held.fetch_add(bytes.len(), Ordering::Relaxed);
        if before > MAX_EVENT_BYTES { Err(Fault::TooLarge) } else { Ok(bytes) }
    };
    body.map(limit).boxed()
}

/// Removes a byte order mark from the beginning of a body: `eventsource-stream` 0.2 panics on it.
#[derive(Default)]
struct Mark {
    /// How many bytes of the mark have been read.
    seen: usize,
    /// Whether the beginning is over.
    over: bool,
}

impl Mark {
    const BYTES: &'static [u8] = "\u{feff}".as_bytes();

    fn strip(&mut self, bytes: Bytes) -> Bytes {
        if self.over {
            return bytes;
        }
        let (held, rest) = Self::BYTES.split_at(self.seen);
        let common = rest.iter().zip(&bytes).take_while(|(one, other)| one == other).count();
        self.seen += common;
        self.over = common == rest.len() || common < bytes.len();
        if common == rest.len() || !self.over {
            return bytes.slice(common..);
        }
        // Not a mark after all: the bytes that were held back belong to the body.
        [held, &bytes].concat().into()
    }
}

/// Reads to the end of the body, so that the connection can serve the next call.
///
/// The reply is already complete, so nothing waits for this.
fn drain(mut source: Source) {
    if matches!(source.next().now_or_never(), Some(None)) {
        return;
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(tokio::time::timeout(DRAIN, async move {
            while let Some(Ok(_)) = source.next().await {}
        }));
    }
}

/// Describes the failure, without quoting the bytes.
fn describe(error: &EventStreamError<Fault>) -> String {
    match error {
        EventStreamError::Utf8(_) => "bytes that are not UTF-8".to_owned(),
        EventStreamError::Parser(_) => "bytes that are not server-sent events".to_owned(),
        EventStreamError::Transport(fault) => fault.to_string(),
    }
}

/// Joins the texts of an error and its sources: the top level of connection and TLS errors says
/// nothing.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
