//! Which messages are answered once more, with what they were answered before and after.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Serialize;
use shared::analytics::AnalyticsEvent;
use shared::domain::{DocumentId, MessageText, SessionKey, Timestamp, TurnKind};
use shared::operator::{EventQuery, TurnView};
use shared::queue_messages::Exchange;

use super::source::{self, RecordedAnswer, RecordedTurn, SourceRecord};
use crate::args::ReplayArgs;
use crate::backend::{Backend, BackendError};
use crate::context::Context;
use crate::exit::usage;
use crate::{reference, sessions, time_span};

const PAGE: usize = 100;
const EVENTS: usize = 1_000;

/// A message that can be answered once more.
#[derive(Debug, Clone)]
pub(super) struct ReplayCase {
    pub(super) session_key: String,
    pub(super) message_id: String,
    pub(super) turn: u64,
    pub(super) message: MessageText,
    pub(super) document_id: Option<DocumentId>,
    pub(super) history: Vec<Exchange>,
    pub(super) old: RecordedAnswer,
}

/// A message that was meant, and whose text is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct MissingMessage {
    pub(super) session_key: String,
    pub(super) message_id: String,
    pub(super) why: &'static str,
}

/// What was meant.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) cases: Vec<ReplayCase>,
    pub(super) gone: Vec<MissingMessage>,
    /// How many messages of a file come without turns before them that they had.
    pub(super) gaps: usize,
}

/// Finds the messages that are meant.
pub(super) async fn select(
    context: &Context,
    backend: &dyn Backend,
    what: &ReplayArgs,
) -> anyhow::Result<Selection> {
    let mut selected = Selection::default();
    let path = Path::new(&what.from);
    if let Ok(key) = reference::session(&what.from) {
        backend.session(&key).await?;
        of_session(backend, &key, &mut selected, |_| true).await?;
    } else if path.is_file() {
        of_records(backend, source::read(path)?, &mut selected).await?;
    } else if let Some((from, to)) = time_span::span(&what.from, context.now()) {
        of_span(backend, from, to, what, &mut selected).await?;
    } else {
        return Err(usage(format!(
            "--from {:?} is no session, no file and no time; `yogi replay --help` has examples",
            what.from
        )));
    }
    selected.cases.truncate(what.limit);
    Ok(selected)
}

/// Adds the turns of one session that are wanted, each with what came before it.
async fn of_session(
    backend: &dyn Backend,
    key: &SessionKey,
    selected: &mut Selection,
    wanted: impl Fn(&TurnView) -> bool,
) -> anyhow::Result<()> {
    let mut history: Vec<Exchange> = Vec::new();
    for turn in sessions::read(backend, key, 0, usize::MAX).await? {
        if !turn.done {
            break;
        }
        if wanted(&turn) {
            selected.cases.push(ReplayCase {
                session_key: key.to_string(),
                message_id: turn.message_id.to_string(),
                turn: turn.turn.get(),
                message: turn.message.clone(),
                document_id: turn.document_id.clone(),
                history: history.clone(),
                old: RecordedAnswer::of(&turn),
            });
        }
        history.extend(exchange(turn.kind, turn.message, turn.text));
    }
    Ok(())
}

/// Returns what a later message remembers of a turn: nothing of a failed one.
fn exchange(
    kind: Option<TurnKind>,
    message: MessageText,
    text: Option<String>,
) -> Option<Exchange> {
    let reply = text.filter(|text| !text.is_empty())?;
    (kind != Some(TurnKind::Error)).then_some(Exchange { message, reply })
}

/// Adds the messages of a span of time, and lists those that only events remember.
async fn of_span(
    backend: &dyn Backend,
    from: Timestamp,
    to: Timestamp,
    what: &ReplayArgs,
    selected: &mut Selection,
) -> anyhow::Result<()> {
    if from >= to {
        return Err(usage(format!("--from {}: it ends before it begins", what.from)));
    }
    let mut after = None;
    loop {
        let page = backend.sessions(after.as_ref(), PAGE).await?;
        for session in &page.sessions {
            let operators =
                session.principal.as_ref().is_some_and(shared::domain::Principal::is_operator);
            if session.turns > 0 && (what.include_operators || !operators) {
                let key = &session.session_key;
                of_session(backend, key, selected, |turn| (from..to).contains(&turn.accepted_at))
                    .await?;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let found: HashSet<_> = selected
        .cases
        .iter()
        .map(|case| (case.session_key.clone(), case.message_id.clone()))
        .collect();
    let mut gone = only_in_events(backend, from, to, what.include_operators).await?;
    gone.retain(|gone| !found.contains(&(gone.session_key.clone(), gone.message_id.clone())));
    selected.gone = gone;
    Ok(())
}

async fn only_in_events(
    backend: &dyn Backend,
    from: Timestamp,
    to: Timestamp,
    operators: bool,
) -> anyhow::Result<Vec<MissingMessage>> {
    let mut gone = HashSet::new();
    let mut after = Some(0);
    loop {
        let page = backend.events(&EventQuery { after, limit: Some(EVENTS), wait_ms: 0 }).await?;
        if page.events.is_empty() {
            let mut gone: Vec<_> = gone
                .into_iter()
                .map(|(session_key, message_id)| MissingMessage {
                    session_key,
                    message_id,
                    why: "its session has ended, and its text went with it",
                })
                .collect();
            gone.sort();
            return Ok(gone);
        }
        for event in &page.events {
            let typed = event.typed();
            let Some(turn) = typed.as_ref().and_then(AnalyticsEvent::turn) else { continue };
            // An event tells when its turn ended; the message came that much earlier.
            let total_ms = i64::try_from(turn.total_ms).unwrap_or(i64::MAX);
            let began = event.published_at.0.saturating_sub(total_ms);
            if (from.0..to.0).contains(&began) && (operators || !turn.synthetic) {
                gone.insert((turn.session_key.clone(), turn.message_id.clone()));
            }
        }
        after = Some(page.next);
    }
}

/// Adds the messages that a file names or holds.
async fn of_records(
    backend: &dyn Backend,
    records: Vec<SourceRecord>,
    selected: &mut Selection,
) -> anyhow::Result<()> {
    let mut wanted: BTreeMap<SessionKey, Vec<String>> = BTreeMap::new();
    let mut histories: BTreeMap<String, (u64, Vec<Exchange>)> = BTreeMap::new();
    for record in records {
        match record {
            SourceRecord::Id { session_key, message_id } => {
                wanted.entry(session_key).or_default().push(message_id);
            }
            SourceRecord::RecordLine(answered) => {
                let RecordedTurn { session_key, message_id, turn, message, document_id, old } =
                    *answered;
                let (last, history) = histories.entry(session_key.clone()).or_default();
                if turn <= *last && turn > 0 {
                    continue;
                }
                selected.gaps += usize::from(turn > *last + 1);
                *last = turn;
                let before = history.clone();
                history.extend(exchange(old.kind, message.clone(), old.text.clone()));
                selected.cases.push(ReplayCase {
                    session_key,
                    message_id,
                    turn,
                    message,
                    document_id,
                    history: before,
                    old,
                });
            }
        }
    }
    for (key, ids) in wanted {
        let before = selected.cases.len();
        match backend.session(&key).await {
            Ok(_) => {
                of_session(backend, &key, selected, |turn| {
                    ids.iter().any(|id| id == turn.message_id.as_str())
                })
                .await?;
            }
            Err(BackendError::Missing(_)) => (),
            Err(error) => return Err(error.into()),
        }
        let found: HashSet<_> =
            selected.cases.iter().skip(before).map(|case| case.message_id.clone()).collect();
        selected.gone.extend(ids.into_iter().filter(|id| !found.contains(id)).map(|message_id| {
            MissingMessage {
                session_key: key.to_string(),
                message_id,
                why: "no live session holds its text",
            }
        }));
    }
    Ok(())
}
