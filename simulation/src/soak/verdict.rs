//! What is stored at the end, held against all that was promised, said and shown.

use std::time::Duration;

use anyhow::{bail, ensure};
use shared::domain::FinishReason;
use tokio::time::{Instant, sleep};

use super::ledger::{
    Ledger, ModelCall, ObservedFinal, PostedMessage, Session, SessionRef, number_of,
};
use super::provider::told;
use super::user::UsedSession;
use client::account::{CallError, TurnState};

/// How long the last answers may take, of all sessions together.
pub(super) const DRAIN_PATIENCE: Duration = Duration::from_mins(1);
/// How long an open tab may lag behind: 12 s after a loss, and the longest pause between two
/// connections.
const TAB_PATIENCE: Duration = Duration::from_secs(35);
const LOOK_AGAIN: Duration = Duration::from_millis(30);
const PAGE: u64 = 100;

/// Reads all finals of a session, waiting until nothing runs any more; `None` if the session is
/// gone.
pub(super) async fn drained(
    used: &UsedSession,
    deadline: Instant,
) -> anyhow::Result<Option<Vec<ObservedFinal>>> {
    let mut finals = Vec::new();
    loop {
        let after = finals.len() as u64;
        let history = match used.account.history(&used.session_ref.session, after, PAGE).await {
            Ok(history) => history,
            Err(CallError::NotFound) => return Ok(None),
            Err(error) if error.retry_after().is_some() => continue,
            Err(error) => bail!("the history of {} was answered: {error}", used.session_ref),
        };
        let found = history.turns.len();
        for turn in history.turns.iter().take_while(|turn| turn.state == TurnState::Done) {
            ensure!(
                turn.turn == finals.len() as u64 + 1,
                "turn {} follows {} of {}",
                turn.turn,
                finals.len(),
                used.session_ref
            );
            finals.extend(ObservedFinal::stored(turn));
        }
        if found == 0 && !history.running {
            return Ok(Some(finals));
        }
        ensure!(
            Instant::now() < deadline,
            "{}: {} finals, and no end",
            used.session_ref,
            finals.len()
        );
        sleep(LOOK_AGAIN).await;
    }
}

/// Judges a session that was not deleted.
pub(super) fn judge(ledger: &Ledger, session_ref: &SessionRef, stored: &[ObservedFinal]) {
    let session = ledger.with(session_ref, |session| session.clone());
    for problem in each_once(&session, stored).into_iter().chain(in_order(&session, stored)) {
        ledger.violation("1", format!("{session_ref}: {problem}"));
    }
    for (turn, seen) in &session.finals {
        let index = usize::try_from(*turn - 1).unwrap_or(usize::MAX);
        if stored.get(index) != Some(seen) {
            ledger.violation(
                "2",
                format!("{session_ref}: turn {turn} was {seen:?} and is {:?}", stored.get(index)),
            );
        }
    }
    let mut before: Vec<u64> = Vec::new();
    for (index, found) in stored.iter().enumerate() {
        let calls = ledger.calls_of(session_ref, &found.message_id);
        let Some(posted) =
            number_of(&found.message_id).and_then(|number| session.posted.get(&number))
        else {
            continue;
        };
        if let Some(problem) = content(found, posted, &calls) {
            ledger.violation(
                "2",
                format!("{session_ref}, turn {}: {problem}: {found:?}, {posted:?}", index + 1),
            );
        }
        if let Some(call) = calls.iter().find(|call| !before.ends_with(&call.told)) {
            let what = format!(
                "{session_ref}: a model was told {} texts before turn {}",
                call.told.len(),
                index + 1
            );
            ledger.violation("4", format!("{what}, and not the newest ones"));
        }
        if found.error.is_none() && !found.text.is_empty() {
            before.extend([told("user", &posted.text), told("assistant", &found.text)]);
        }
        ledger.tally.event(kind(found));
    }
}

/// Judges what was seen of a session before it was deleted.
pub(super) fn judge_deleted(ledger: &Ledger, session_ref: &SessionRef) {
    let session = ledger.with(session_ref, |session| session.clone());
    for (turn, found) in &session.finals {
        let posted = number_of(&found.message_id).and_then(|number| session.posted.get(&number));
        let calls = ledger.calls_of(session_ref, &found.message_id);
        let problem =
            posted.map_or(Some("nobody posted it"), |posted| content(found, posted, &calls));
        if let Some(problem) = problem {
            ledger.violation(
                "2",
                format!(
                    "{session_ref}, turn {turn} before the deletion: {problem}: {found:?}, \
                    {posted:?}"
                ),
            );
        }
        ledger.tally.event("finals of deleted sessions");
    }
}

/// Waits until every open tab of the session shows all finals.
pub(super) async fn tabs_follow(ledger: &Ledger, used: &UsedSession, stored: &[ObservedFinal]) {
    let deadline = Instant::now() + TAB_PATIENCE;
    let last = stored.len() as u64;
    for tab in &used.tabs {
        while tab.cursor() < last && tab.view().ended.is_none() && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
        }
        let view = tab.view();
        let same =
            view.shown.iter().map(|shown| ObservedFinal::shown(shown)).eq(stored.iter().cloned());
        if !same || view.ended.is_some() {
            let shown = view.shown.len();
            let ended = view.ended;
            ledger.violation(
                "3",
                format!(
                    "{} on {} shows {shown} of {last} finals: {ended:?}",
                    tab.id(),
                    used.session_ref
                ),
            );
        }
        ledger.tally.event("tabs open to the end");
    }
}

/// Finds messages without a final, with two, and finals without a message.
fn each_once(session: &Session, stored: &[ObservedFinal]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, posted) in &session.posted {
        let id = format!("m{number}");
        let turns = stored.iter().filter(|found| found.message_id == id).count();
        if turns > 1 || (turns == 0 && posted.accepted_at.is_some()) {
            problems.push(format!("{id} has {turns} finals: {posted:?}"));
        }
    }
    let known = |found: &&ObservedFinal| {
        number_of(&found.message_id).is_some_and(|number| session.posted.contains_key(&number))
    };
    let unknown = stored.iter().filter(|found| !known(found));
    problems.extend(unknown.map(|found| format!("nobody posted the message of {found:?}")));
    problems
}

/// Finds a message that was accepted before another one was posted, and is answered after it.
fn in_order(session: &Session, stored: &[ObservedFinal]) -> Option<String> {
    let posted_of = |found: &ObservedFinal| {
        number_of(&found.message_id).and_then(|number| session.posted.get(&number))
    };
    let mut accepted_later: Option<(Instant, &ObservedFinal)> = None;
    for found in stored.iter().rev() {
        let posted = posted_of(found)?;
        if let Some((accepted_at, later)) =
            accepted_later.filter(|(accepted_at, _)| *accepted_at < posted.first_at)
        {
            let ahead = posted.first_at - accepted_at;
            return Some(format!(
                "{} was accepted {ahead:?} before {found:?} was sent",
                later.message_id
            ));
        }
        let accepted = posted.accepted_at.map(|accepted_at| (accepted_at, found));
        accepted_later =
            accepted_later.into_iter().chain(accepted).min_by_key(|(accepted_at, _)| *accepted_at);
    }
    None
}

/// Says what is wrong with a final's content.
fn content(
    found: &ObservedFinal,
    posted: &PostedMessage,
    calls: &[ModelCall],
) -> Option<&'static str> {
    if found.error.is_some() {
        return (!found.text.is_empty()).then_some("an error has a text");
    }
    if found.finish_reason == Some(FinishReason::Cancelled) {
        let said =
            found.text.is_empty() || calls.iter().any(|call| call.text.starts_with(&found.text));
        return match (posted.stop_asked, said) {
            (false, _) => Some("nobody stopped it"),
            (true, false) => Some("no call ever said it"),
            (true, true) => None,
        };
    }
    let mut calls = calls.iter().filter(|call| call.whole && call.text == found.text).peekable();
    if calls.peek().is_none() {
        return Some("it is no whole reply of any call");
    }
    let too_late =
        |call: &ModelCall| posted.stopped_at.is_some_and(|stopped_at| stopped_at < call.full_at);
    calls.all(too_late).then_some("a stop was answered 202 before the reply was there")
}

fn kind(found: &ObservedFinal) -> &'static str {
    match (found.error, found.finish_reason) {
        (Some(_), _) => "finals: errors",
        (None, Some(FinishReason::Cancelled)) => "finals: cancelled",
        _ => "finals: replies",
    }
}
