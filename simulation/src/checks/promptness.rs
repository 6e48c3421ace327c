//! How soon one step follows another where nothing goes wrong.
//!
//! Clients ask again after ten seconds of silence, queues deliver again, and the cleanup finishes
//! what was left. What they heal violates no other invariant, so that a bug may hide behind them:
//! everything is right in the end, but somebody waited. Here it is a violation.

use std::time::Duration;

use shared::domain::{SessionKey, TurnKind};
use tokio::time::Instant;

use super::Checker;
use super::expected::ObservedFinal;
use crate::faults::{Subject, lock};
use client::tab::TabId;

/// How long nothing must have gone wrong before promptness is required: longer than a queue hides
/// a message whose process died, and than the cleanup leaves an abandoned turn alone.
pub const CALM: Duration = Duration::from_mins(16);

/// From a commit to every tab that is open, or from a tab's first `resume` to what was committed
/// before.
const FINAL: Duration = Duration::from_secs(1);
/// From a model's first words to every open tab, beyond the interval between two pieces: one
/// reading of the connections.
const FIRST_TEXT: Duration = Duration::from_millis(1_500);
/// From a commit to its event, and to the mark that it is delivered.
const EVENT: Duration = Duration::from_secs(5);
/// From the 202 of a stop, or from the claim if that comes later, to the commit: a checkpoint, and
/// its calls.
const STOP: Duration = Duration::from_secs(2);

impl Checker {
    /// Judges when a tab shows the first words of a generation.
    pub(super) fn first_text_shown(
        &self,
        key: &SessionKey,
        tab: TabId,
        turn: u64,
        generation: u64,
        asked_at: Option<Instant>,
    ) {
        let spoke_at = self.with(|expected| {
            let turn = expected.life(key)?.turns.get(&turn)?;
            let id = turn.message_id.clone();
            let calls = expected.calls_of(key, &id).filter(|call| call.is_of(generation));
            calls.filter_map(|call| call.spoke_at).min()
        });
        let Some(from) = spoke_at.max(asked_at) else { return };
        self.require_within(FIRST_TEXT + self.pace(), from, key, || {
            format!("the first text of turn {turn} on {tab}")
        });
    }

    /// Judges when a tab shows a final, and whether it has shown provisional text before.
    pub(super) fn final_shown(
        &self,
        key: &SessionKey,
        tab: TabId,
        turn: u64,
        done: &ObservedFinal,
        asked_at: Option<Instant>,
        begun: bool,
    ) {
        let from = asked_at.map_or(done.at, |asked_at| asked_at.max(done.at));
        self.require_within(FINAL, from, key, || format!("turn {turn} on {tab}"));
        if begun || done.kind != TurnKind::Reply {
            return;
        }
        let spoke_at = self.with(|expected| {
            let turn = expected.life(key)?.turns.get(&turn)?;
            let (id, epoch) = (turn.message_id.clone(), turn.epoch);
            let calls = expected.calls_of(key, &id).filter(|call| call.is_of(epoch));
            calls.filter_map(|call| call.spoke_at).max()
        });
        let Some(from) = spoke_at.zip(asked_at).map(|(spoke, asked)| spoke.max(asked)) else {
            return;
        };
        let silent = done.at.saturating_duration_since(from);
        if self.is_calm(from) && silent > FIRST_TEXT + self.pace() {
            self.violation("11", &Subject::Session(key.clone()), || {
                format!(
                    "{tab} shows nothing of turn {turn} until its final, {silent:?} after the \
                    model's first words"
                )
            });
        }
    }

    /// Judges when a turn's event is taken, or the turn is marked as delivered.
    pub(super) fn followed_up(&self, key: &SessionKey, turn: u64, what: &'static str) {
        let committed = self.with(|expected| {
            let turn = expected.life(key)?.turns.get(&turn)?;
            Some(turn.done.as_ref()?.at)
        });
        if let Some(from) = committed {
            self.require_within(EVENT, from, key, || format!("the {what} of turn {turn}"));
        }
    }

    /// Judges when a turn that the user stopped is committed.
    pub(super) fn stop_took_effect(&self, key: &SessionKey, turn: u64) {
        let from = self.with(|expected| {
            let turn = expected.life(key)?.turns.get(&turn)?;
            let began_at = turn.began_at;
            let id = turn.message_id.clone();
            let asked = expected.sessions.get(key)?.messages_sent.get(&id)?;
            Some(asked.stopped_at?.max(began_at))
        });
        if let Some(from) = from {
            self.require_within(STOP, from, key, || format!("the stop of turn {turn}"));
        }
    }

    /// Requires that `what` comes within `limit` of `from`, if nothing went wrong for long before.
    fn require_within(
        &self,
        limit: Duration,
        from: Instant,
        key: &SessionKey,
        what: impl FnOnce() -> String,
    ) {
        if !self.is_calm(from) {
            return;
        }
        self.faults.tally().event("judged for promptness");
        let late = from.elapsed();
        if late > limit {
            let what = || format!("{} took {late:?}; {limit:?} is the limit", what());
            self.violation("11", &Subject::Session(key.clone()), what);
        }
    }

    fn pace(&self) -> Duration {
        lock(&self.pace).map_or(Duration::ZERO, |pace| pace.first.max(pace.later))
    }

    fn is_calm(&self, from: Instant) -> bool {
        let required = lock(&self.pace).is_some();
        required && self.faults.tally().last_disturbance().is_none_or(|last| last + CALM <= from)
    }
}
