//! An unreliable provider: what it replies is a function of the message and the call.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use testkit::stub_provider::{Behaviour, Call, Failure, Finish, Protocol, Reply};
use tokio::time::Instant;

use super::ledger::{Ledger, ModelCall};
use crate::checks::foreign;

/// `CHATBOT_MAX_GENERATIONS` × `CHATBOT_MAX_CALLS`.
const MOST_CALLS: usize = 12;
/// What a refusal says in the stub.
const REFUSAL: &str = "I cannot help with that.";
/// More than a frame can carry.
const LARGE: (usize, usize) = (60, 600);

/// Chooses how each call behaves, and records what it replies.
pub(super) struct ProviderFaults {
    ledger: Arc<Ledger>,
    rng: Rng,
    calls: u64,
    /// Who was asked last about a message.
    asked: BTreeMap<String, Protocol>,
}

/// What a call can have said, and when the last of it is sent at the earliest.
struct ReplyText {
    text: String,
    whole: bool,
    takes: Duration,
}

impl ProviderFaults {
    pub(super) fn new(ledger: Arc<Ledger>, rng: Rng) -> Self {
        Self { ledger, rng, calls: 0, asked: BTreeMap::new() }
    }

    pub(super) fn choose(&mut self, call: &Call) -> Behaviour {
        self.calls += 1;
        let Some(mark) = mark_of(call.last_user()) else {
            self.ledger.violation(
                "4",
                format!(
                    "a model was called with a message that nobody sent: {:?}",
                    call.last_user()
                ),
            );
            return Behaviour::Empty;
        };
        let (name, behaviour) = if self.ledger.has_faults() {
            self.faulty_reply(mark)
        } else {
            self.reply_without_faults(mark)
        };
        self.ledger.tally.event(name);
        let before = self.asked.insert(mark.to_owned(), call.protocol);
        if before.is_some_and(|before| before != call.protocol) {
            self.ledger.tally.event("fallbacks");
        }
        self.note(call, mark, &behaviour);
        behaviour
    }

    fn note(&self, call: &Call, mark: &str, behaviour: &Behaviour) {
        let owner =
            mark[2..].split('.').next().and_then(|owner| owner.parse().ok()).unwrap_or_default();
        let mut texts =
            call.messages.iter().map(|message| message.text.as_str()).chain([call.system.as_str()]);
        if let Some(other) = texts.find_map(|text| foreign(owner, text)) {
            self.ledger.violation(
                "7",
                format!("the prompt for {mark} contains text that belongs to {other}"),
            );
        }
        let ReplyText { text, whole, takes } = words(behaviour);
        let told = call.messages.iter().map(|message| told(&message.role, &message.text));
        let told = told.take(call.messages.len().saturating_sub(1)).collect();
        let said = ModelCall { text, whole, full_at: Instant::now() + takes, told };
        let calls = self.ledger.called(mark.to_owned(), said);
        if calls > MOST_CALLS {
            self.ledger.violation("8", format!("{calls} calls were made for {mark}"));
        }
    }

    fn reply_without_faults(&mut self, mark: &str) -> (&'static str, Behaviour) {
        (
            "replies without faults",
            Behaviour::Reply(self.reply(mark, 12).paced(Duration::from_millis(2))),
        )
    }

    fn faulty_reply(&mut self, mark: &str) -> (&'static str, Behaviour) {
        let after = self.rng.usize(0..12);
        match self.rng.u8(0..100) {
            0..2 => ("provider busy", Behaviour::Status(Failure::new(429).retry_after_ms(50))),
            2..4 => ("provider overloaded", Behaviour::Status(Failure::new(529))),
            4..10 => ("provider died mid-stream", Behaviour::DieMidStream { after }),
            10..13 => ("provider failed mid-stream", Behaviour::ErrorMidStream { after }),
            13..15 => ("provider stopped without an end mark", Behaviour::EndWithoutMark { after }),
            15..17 => ("provider hung up", Behaviour::DieBeforeHeaders),
            17..19 => ("provider silent", Behaviour::HangBeforeHeaders),
            19..22 => ("provider silent mid-stream", Behaviour::HangMidStream { after }),
            22 => ("provider sent garbage", Behaviour::Garbage),
            23..25 => ("refusals", Behaviour::Refusal),
            25 => ("empty replies", Behaviour::Empty),
            26..29 => ("replies too large for a frame", Behaviour::Reply(self.large(mark))),
            29..31 => ("replies byte by byte", Behaviour::OneByteAtATime(self.reply(mark, 4))),
            31..42 => (
                "slow replies",
                Behaviour::Reply(self.reply(mark, 40).paced(Duration::from_millis(30))),
            ),
            _ => {
                let words = self.rng.usize(1..30);
                let pace = Duration::from_millis(self.rng.u64(0..8));
                ("quick replies", Behaviour::Reply(self.reply(mark, words).paced(pace)))
            }
        }
    }

    /// Makes a reply that no other call gives.
    fn reply(&self, mark: &str, words: usize) -> Reply {
        let words = (0..words).map(|word| format!(" wörd{word}📐"));
        Reply { pieces: iter::once(self.opening(mark)).chain(words).collect(), ..Reply::default() }
    }

    fn large(&self, mark: &str) -> Reply {
        let (pieces, length) = LARGE;
        let piece = " and so on".repeat(length / 10);
        let pieces = iter::once(self.opening(mark)).chain(iter::repeat_n(piece, pieces)).collect();
        Reply { pieces, ..Reply::default() }.paced(Duration::from_millis(1))
    }

    fn opening(&self, mark: &str) -> String {
        format!("{mark} call {}:", self.calls)
    }
}

/// Returns the mark with which a message begins.
fn mark_of(message: &str) -> Option<&str> {
    let end = message.strip_prefix("~u")?.find('~')?;
    Some(&message[..end + 3])
}

/// Returns a hash of a message in the context of a call.
pub(super) fn told(role: &str, text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one((role, text))
}

fn words(behaviour: &Behaviour) -> ReplyText {
    let sample = Reply::default().pieces;
    let (text, whole, takes) = match behaviour {
        Behaviour::Reply(reply) => (reply.whole(), reply.finish == Finish::Stop, length(reply)),
        Behaviour::OneByteAtATime(reply) => (reply.whole(), true, Duration::ZERO),
        Behaviour::Refusal => (REFUSAL.to_owned(), true, Duration::ZERO),
        Behaviour::Empty => (String::new(), true, Duration::ZERO),
        Behaviour::DieMidStream { after }
        | Behaviour::ErrorMidStream { after }
        | Behaviour::EndWithoutMark { after }
        | Behaviour::HangMidStream { after } => {
            (sample.into_iter().cycle().take(*after).collect(), false, Duration::ZERO)
        }
        _ => (String::new(), false, Duration::ZERO),
    };
    ReplyText { text, whole, takes }
}

fn length(reply: &Reply) -> Duration {
    let pauses = u32::try_from(reply.pieces.len().saturating_sub(1)).unwrap_or(u32::MAX);
    reply.first_delay + reply.delay * pauses
}
