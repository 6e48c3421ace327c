//! The circuit breaker: whether a provider may be called.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::operator::BreakerState;
use shared::ports::ModelError;
use tokio::time::Instant;

use crate::config::BreakerSettings;

/// Decides when one provider may be called: not while it keeps failing, and not while it has asked
/// for a pause.
///
/// It has three positions. *Closed*, it lets every call through, and opens after so many failures
/// in a row within the window. *Open*, it lets none through for a while. Then it is *half open*: it
/// lets a single trial call through, whose result closes it or opens it again.
///
/// It is an optimisation within one process: losing its state costs some calls that fail, and
/// nothing else.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: Mutex<CircuitState>,
}

#[derive(Debug, Default)]
struct CircuitState {
    /// The latest failures in a row, oldest first; at most as many as open the breaker.
    failures: VecDeque<Instant>,
    /// When the next trial may start; `None` while the breaker is closed.
    ///
    /// There is no separate mark for "half open": a trial moves this time forward when it starts,
    /// which keeps other calls out. A trial that never reports, because it hangs or its turn ended,
    /// therefore blocks the provider only until that time.
    open_until: Option<Instant>,
    /// The end of the longest pause that the provider has asked for.
    not_before: Option<Instant>,
}

impl Breaker {
    /// Makes a closed breaker for one provider.
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// Returns the earliest time for a call; `now` itself if it may be made at once.
    pub fn ready_at(&self, now: Instant) -> Instant {
        self.state().ready_at(now)
    }

    /// Returns its position.
    pub fn position(&self, now: Instant) -> BreakerState {
        match self.state().open_until {
            None => BreakerState::Closed,
            Some(until) if until > now => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Asks for permission to call. The permit reports how the call went; the error is the earliest
    /// time to ask again.
    pub fn acquire(&self, now: Instant) -> Result<Permit<'_>, Instant> {
        let mut state = self.state();
        let ready_at = state.ready_at(now);
        if ready_at > now {
            return Err(ready_at);
        }
        // Open for long enough: this call is the trial. Moving `open_until` under the same lock as
        // the check is what lets only one of several waiting calls through.
        let trial =
            state.open_until.map(|_| Trial { began: now, until: later(now, self.settings.open) });
        state.open_until = trial.map(|trial| trial.until);
        Ok(Permit { breaker: self, trial, reported: false })
    }

    fn state(&self) -> MutexGuard<'_, CircuitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CircuitState {
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

    /// Adds a failure; `true` if there are now enough of them to open the breaker.
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

/// The permission to make one call.
///
/// Dropped without a report, because the caller gave up for reasons of its own, it leaves the
/// breaker as it was.
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
    /// When the next trial may start if this one does not report.
    until: Instant,
}

impl Permit<'_> {
    /// Reports that the provider answered.
    ///
    /// The failures before it are forgotten: a provider that answers one call in a few is worth
    /// calling.
    /// The success of a call from before the breaker opened does not close it, since it says
    /// nothing about the provider's present state.
    pub fn succeeded(mut self) {
        self.reported = true;
        let mut state = self.breaker.state();
        if self.trial.is_some() || state.open_until.is_none() {
            state.close();
        }
    }

    /// Reports a failure; timeouts are `Broken`.
    ///
    /// `Busy` and `Broken` count against the provider. `Unauthorized` and `Permanent` count as
    /// `succeeded`: they are answers about this key or this request, and must not block everybody
    /// else's.
    /// A `retry_after` is respected in every position of the breaker, up to
    /// [`BreakerSettings::longest_pause`]: a hint that was meant for one request, or comes from a
    /// load balancer, must not keep everybody away for an hour.
    pub fn failed(self, error: &ModelError, now: Instant) {
        match error {
            ModelError::Busy { retry_after, .. } => self.count_failure(*retry_after, now),
            ModelError::Broken(_) => self.count_failure(None, now),
            ModelError::Unauthorized(_) | ModelError::Permanent(_) => self.succeeded(),
        }
    }

    fn count_failure(mut self, retry_after: Option<Duration>, now: Instant) {
        self.reported = true;
        let settings = self.breaker.settings;
        let mut state = self.breaker.state();
        if let Some(pause) = retry_after {
            state.pause(later(now, pause.min(settings.longest_pause)));
        }
        let opens = state.add_failure(&settings, now);
        let closed = state.open_until.is_none();
        // Calls from before it opened may fail long afterwards. They must not postpone the trial,
        // so once the breaker is open only the trial itself moves the time.
        if self.trial.is_some() || (closed && opens) {
            state.open_until = Some(later(now, settings.open));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(trial) = self.trial.filter(|_| !self.reported) else { return };
        let mut state = self.breaker.state();
        // The next call may be the trial at once, unless another trial has started since: that one
        // has moved the time, and must not get a second call beside it.
        if state.open_until == Some(trial.until) {
            state.open_until = Some(trial.began);
        }
    }
}

fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span).unwrap_or(now)
}
