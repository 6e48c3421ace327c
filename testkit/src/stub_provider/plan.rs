//! A behaviour turned into the bytes and pauses of one answer.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::behaviour::{Behaviour, Failure, Finish, Reply};
use super::call::Protocol;
use super::frames::{Frames, RequestTraits};
use super::{claude, openai};

const FAULT_PACE: Duration = Duration::from_millis(10);

/// One answer, ready to send; a clone shares the bytes.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// No response, connection closed.
    Cut,
    /// No response, connection open.
    Silence,
    /// An HTTP error.
    Error { status: u16, headers: Vec<(&'static str, String)>, body: Bytes },
    /// A 200 with a stream of events.
    Stream { steps: Arc<[Step]>, end: End },
}

/// A part of a stream.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Send(Bytes),
    /// Hands over what was sent, and waits so long since the last wait was due.
    Wait(Duration),
}

/// What comes after a stream's last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The body ends as it should.
    Clean,
    /// The connection is closed in the middle of the body.
    Cut,
    /// Nothing more is sent.
    Hang,
    /// The last step is repeated for ever.
    Repeat,
}

impl Plan {
    pub(super) fn new(behaviour: &Behaviour, protocol: Protocol, request: &RequestTraits) -> Self {
        let build = Build { protocol, request };
        match behaviour {
            Behaviour::Reply(reply) => build.reply(reply),
            Behaviour::OneByteAtATime(reply) => build.bytes(reply),
            Behaviour::Echo => build.reply(&Reply::text(&request.echo)),
            Behaviour::Refusal => {
                build.reply(&Reply::text("I cannot help with that.").finishing(Finish::Refusal))
            }
            Behaviour::Empty => build.reply(&Reply::of(Vec::new())),
            Behaviour::Endless => build.endless(),
            Behaviour::Status(failure) => build.error(failure),
            Behaviour::DieBeforeHeaders => Self::Cut,
            Behaviour::DieMidStream { after } => build.broken(*after, None, End::Cut),
            Behaviour::ErrorMidStream { after } => {
                build.broken(*after, Some(build.error_event()), End::Clean)
            }
            Behaviour::EndWithoutMark { after } => build.broken(*after, None, End::Clean),
            Behaviour::HangBeforeHeaders => Self::Silence,
            Behaviour::HangMidStream { after } => build.broken(*after, None, End::Hang),
            Behaviour::Garbage => build.broken(0, Some(Bytes::from_static(GARBAGE)), End::Clean),
        }
    }
}

const GARBAGE: &[u8] =
    b"event: content_block_delta\ndata: {\"type\":\"content_bl\n\n<html>no event</html>\n\ndata: \
        \xff\xfe\n\n";

struct Build<'a> {
    protocol: Protocol,
    request: &'a RequestTraits,
}

impl Build<'_> {
    fn reply(&self, reply: &Reply) -> Plan {
        let frames = self.frames(reply);
        let closing = frames.closing.iter().cloned().map(Step::Send).collect::<Vec<_>>();
        let steps = paced(&frames, reply).chain(closing);
        stream(merged(steps), End::Clean)
    }

    fn bytes(&self, reply: &Reply) -> Plan {
        let frames = self.frames(reply);
        let all = [frames.opening, frames.pieces, frames.closing].concat().concat();
        let apart = |byte: u8| [Step::Wait(Duration::ZERO), Step::Send(Bytes::from(vec![byte]))];
        stream(all.into_iter().flat_map(apart).collect(), End::Clean)
    }

    fn endless(&self) -> Plan {
        let frames = self.frames(&Reply::of(vec!["on and on ".repeat(10)]));
        let parts = frames.opening.into_iter().chain(frames.pieces);
        stream(parts.map(Step::Send).collect(), End::Repeat)
    }

    fn broken(&self, after: usize, last: Option<Bytes>, end: End) -> Plan {
        let sample = Reply::default().pieces;
        let reply =
            Reply::of(sample.into_iter().cycle().take(after.max(1)).collect()).paced(FAULT_PACE);
        let mut frames = self.frames(&reply);
        frames.pieces.truncate(after);
        let last = last.map(Step::Send);
        // The wait gets what was sent onto the wire before the connection goes.
        let steps = paced(&frames, &reply).chain([Step::Wait(FAULT_PACE)]).chain(last);
        stream(merged(steps), end)
    }

    fn error(&self, failure: &Failure) -> Plan {
        let own = || match self.protocol {
            Protocol::Claude => claude::error_body(failure).to_string(),
            Protocol::OpenAi => openai::error_body(failure).to_string(),
        };
        let body = Bytes::from(failure.body.clone().unwrap_or_else(own));
        Plan::Error { status: failure.status, headers: failure.headers.clone(), body }
    }

    fn frames(&self, reply: &Reply) -> Frames {
        match self.protocol {
            Protocol::Claude => claude::frames(reply, self.request),
            Protocol::OpenAi => openai::frames(reply, self.request),
        }
    }

    fn error_event(&self) -> Bytes {
        match self.protocol {
            Protocol::Claude => claude::error_event(),
            Protocol::OpenAi => openai::error_event(),
        }
    }
}

fn stream(steps: Vec<Step>, end: End) -> Plan {
    Plan::Stream { steps: steps.into(), end }
}

/// Returns opening and pieces, with the reply's pauses.
fn paced(frames: &Frames, reply: &Reply) -> impl Iterator<Item = Step> {
    let delays = iter::once(reply.first_delay).chain(iter::repeat(reply.delay));
    let pauses = delays.map(|delay| (delay > Duration::ZERO).then_some(Step::Wait(delay)));
    let sends = frames.pieces.iter().cloned().map(Step::Send);
    let pieces: Vec<Step> =
        pauses.zip(sends).flat_map(|(pause, send)| pause.into_iter().chain([send])).collect();
    let opening: Vec<Step> = frames.opening.iter().cloned().map(Step::Send).collect();
    opening.into_iter().chain(pieces)
}

/// Joins what is sent without a pause between, so that a reply without any is one piece of memory.
fn merged(steps: impl Iterator<Item = Step>) -> Vec<Step> {
    let mut merged = Vec::new();
    let mut together = BytesMut::new();
    for step in steps {
        match step {
            Step::Send(bytes) => together.extend_from_slice(&bytes),
            Step::Wait(delay) => {
                flush(&mut together, &mut merged);
                merged.push(Step::Wait(delay));
            }
        }
    }
    flush(&mut together, &mut merged);
    merged
}

fn flush(together: &mut BytesMut, steps: &mut Vec<Step>) {
    if !together.is_empty() {
        steps.push(Step::Send(together.split().freeze()));
    }
}
