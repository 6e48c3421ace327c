//! What a seed decides before anything happens.

use std::time::Duration;

use fastrand::Rng;
use shared::environment::Environment;
use worker::config::Pace;

use crate::cloud::Limits;
use crate::faults::{FaultRates, RandomFaults};
use crate::mutants::Mutant;
use crate::platform::Setup;

/// The settings of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is drawn independently, and every combination makes sense"
)]
pub struct Settings {
    rates: FaultRates,
    /// How long faults go on.
    pub chaos: Duration,
    /// Number of accounts.
    pub users: u32,
    /// How many messages a conversation has at most.
    pub messages: u32,
    /// The longest pause between two messages.
    pub pause: Duration,
    /// Whether sessions live an hour, and users sometimes pause for longer.
    pub short_lived: bool,
    deadline: u64,
    visibility_is_long: bool,
    small_history: bool,
    like_one_machine: bool,
    skew: i64,
    workers: usize,
    batch: usize,
    requests_receives: u32,
    replies_receives: u32,
}

impl Settings {
    /// Draws the settings.
    pub fn draw(rng: &mut Rng) -> Self {
        Self {
            rates: FaultRates::draw(rng),
            chaos: Duration::from_secs(rng.u64(30..400)),
            users: rng.u32(1..=4),
            messages: rng.u32(3..=14),
            pause: Duration::from_millis([500, 3_000, 12_000][rng.usize(0..3)]),
            short_lived: rng.u8(0..10) == 0,
            deadline: [15, 25, 140][rng.usize(0..3)],
            visibility_is_long: rng.u8(0..4) == 0,
            small_history: rng.u8(0..4) == 0,
            like_one_machine: rng.bool(),
            skew: if rng.bool() { 0 } else { 300_000 },
            workers: rng.usize(1..=6),
            batch: [1, 3, 10][rng.usize(0..3)],
            requests_receives: [3, 10][rng.usize(0..2)],
            replies_receives: [2, 5][rng.usize(0..2)],
        }
    }

    pub(super) fn random(&self, seed: u64) -> RandomFaults {
        RandomFaults::new(seed, self.rates, self.chaos)
    }

    pub(super) fn limits(&self) -> Limits {
        let whole_history = if self.small_history { 0 } else { 100_000 };
        Limits {
            requests_visibility: self.visibility(),
            requests_receives: self.requests_receives,
            replies_receives: self.replies_receives,
            whole_history,
            ..Limits::default()
        }
    }

    pub(super) fn pace(&self) -> Pace {
        if self.like_one_machine { Pace::ONE_MACHINE } else { Pace::AWS }
    }

    pub(super) fn platform(&self, mutant: Option<Mutant>) -> Setup {
        Setup {
            environment: self.environment(),
            pace: self.pace(),
            workers: self.workers,
            notifiers: self.workers,
            batch: self.batch,
            requests_visibility: self.visibility(),
            skew: self.skew,
            mutant,
        }
    }

    fn visibility(&self) -> Duration {
        if self.visibility_is_long {
            Duration::from_mins(15)
        } else {
            Duration::from_secs(self.deadline + 10)
        }
    }

    fn environment(&self) -> Environment {
        let history = if self.small_history { "60" } else { "150000" };
        Environment::default()
            .with("CHATBOT_WORKER_DEADLINE_SECONDS", self.deadline.to_string())
            .with("CHATBOT_SESSION_TTL_HOURS", if self.short_lived { "1" } else { "24" })
            .with("CHATBOT_FIRST_BYTE_TIMEOUT_MS", "4000")
            .with("CHATBOT_IDLE_TIMEOUT_MS", "3000")
            .with("CHATBOT_DOCUMENT_TIMEOUT_MS", "1500")
            .with("CHATBOT_HISTORY_TOKENS", history)
    }
}
