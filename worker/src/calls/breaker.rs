//! When a provider may be called.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::environment::{ConfigError, Environment};
use shared::operator::BreakerState;
use shared::ports::ModelError;
use tokio::time::Instant;

/// The settings of a [`Breaker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it (`CHATBOT_BREAKER_FAILURES`).
    pub failures: usize,
    /// The time in which they must fall (`CHATBOT_BREAKER_WINDOW_SECONDS`).
    pub window: Duration,
    /// How long it stays open before one call is tried (`CHATBOT_BREAKER_OPEN_SECONDS`).
    pub open: Duration,
}

impl BreakerSettings {
    /// Reads the settings.
    pub fn from(environment: &Environment) -> Result<Self, ConfigError> {
        let seconds = |variable, default| {
            environment.number_or(variable, default, 1..=3_600).map(Duration::from_secs)
        };
        let failures = environment.number_or("CHATBOT_BREAKER_FAILURES", 5, 1..=1_000)?;
        Ok(Self {
            failures: usize::try_from(failures).unwrap_or(usize::MAX),
            window: seconds("CHATBOT_BREAKER_WINDOW_SECONDS", 30)?,
            open: seconds("CHATBOT_BREAKER_OPEN_SECONDS", 15)?,
        })
    }
}

/// Knows when one provider may be called: not while it fails, and not while it asked for a pause.
///
/// It opens after so many failures in a row within the window, and lets one call through after a
/// while: the answer to that trial closes it or keeps it open. A trial that says nothing for as
/// long makes room for another.
/// It is an optimisation of one process: losing it costs calls that fail, and nothing else.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest failures in a row, oldest first, at most as many as open the breaker.
    failures: VecDeque<Instant>,
    /// When the next trial may begin; `None` while closed.
    open_until: Option<Instant>,
    /// The end of the longest pause that the provider asked for.
    not_before: Option<Instant>,
}

impl Breaker {
    /// Makes a closed breaker for one provider.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// Returns the earliest time for a call: `now` itself if it may be made at once.
    pub fn ready_at(&self, now: Instant) -> Instant {
        self.state().ready_at(now)
    }

    /// Tells where it is.
    pub fn position(&self, now: Instant) -> BreakerState {
        match self.state().open_until {
            None => BreakerState::Closed,
            Some(until) if until > now => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Asks for a call, which the permit then reports on; refused: the earliest time to ask again.
    pub fn acquire(&self, now: Instant) -> Result<Permit<'_>, Instant> {
        let mut state = self.state();
        let ready_at = state.ready_at(now);
        if ready_at > now {
            return Err(ready_at);
        }
        let trial =
            state.open_until.map(|_| Trial { began: now, until: later(now, self.settings.open) });
        state.open_until = trial.map(|trial| trial.until);
        Ok(Permit { breaker: self, trial, reported: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ready_at(&self, now: Instant) -> Instant {
        [self.open_until, self.not_before].into_iter().flatten().fold(now, Instant::max)
    }

    fn close(&mut self) {
        self.failures.clear();
        self.open_until = None;
    }

    fn pause(&mut self, until: Instant) {
        self.not_before = self.not_before.max(Some(until));
    }

    /// Adds a failure, and tells whether there are now as many as open the breaker.
    fn add_failure(&mut self, settings: &BreakerSettings, now: Instant) -> bool {
        self.failures.push_back(now);
        if self.failures.len() > settings.failures {
            self.failures.pop_front();
        }
        let all_recent =
            self.failures.front().is_some_and(|first| now.duration_since(*first) < settings.window);
        self.failures.len() == settings.failures && all_recent
    }
}

/// The right to make one call.
///
/// Dropped without a report (the caller gave up for reasons of its own), it leaves the breaker as
/// it was.
#[must_use = "the breaker learns from what the call reports"]
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    trial: Option<Trial>,
    reported: bool,
}

/// The one call that an open breaker lets through.
#[derive(Debug, Clone, Copy)]
struct Trial {
    began: Instant,
    /// When the next one may begin, if this one says nothing.
    until: Instant,
}

impl Permit<'_> {
    /// Reports that the provider answers: the first piece of a reply is enough.
    ///
    /// The failures before it are forgotten: a provider that answers one call in a few is worth
    /// calling.
    /// A success of a call from before the breaker opened does not close it.
    pub fn succeeded(mut self) {
        self.reported = true;
        let mut state = self.breaker.state();
        if self.trial.is_some() || state.open_until.is_none() {
            state.close();
        }
    }

    /// Reports a failure, timeouts among them as `Broken`.
    ///
    /// `Busy` and `Broken` count against the provider. `Unauthorized` and `Permanent` are answers:
    /// they are about this key or this request, and must not shut out everybody else's, so they
    /// count as `succeeded`.
    /// A `retry_after` is kept whatever the breaker's state.
    pub fn failed(self, error: &ModelError, now: Instant) {
        match error {
            ModelError::Busy { retry_after, .. } => self.counted(*retry_after, now),
            ModelError::Broken(_) => self.counted(None, now),
            ModelError::Unauthorized(_) | ModelError::Permanent(_) => self.succeeded(),
        }
    }

    fn counted(mut self, retry_after: Option<Duration>, now: Instant) {
        self.reported = true;
        let settings = self.breaker.settings;
        let mut state = self.breaker.state();
        if let Some(pause) = retry_after {
            state.pause(later(now, pause));
        }
        let opens = state.add_failure(&settings, now);
        let closed = state.open_until.is_none();
        // Calls from before it opened fail late: they must not keep it open.
        if self.trial.is_some() || (closed && opens) {
            state.open_until = Some(later(now, settings.open));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(trial) = self.trial.filter(|_| !self.reported) else { return };
        let mut state = self.breaker.state();
        // The next call is a trial at once, unless another has begun since.
        if state.open_until == Some(trial.until) {
            state.open_until = Some(trial.began);
        }
    }
}

fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span).unwrap_or(now)
}
