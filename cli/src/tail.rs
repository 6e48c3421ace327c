//! `yogi tail`: prints events as they happen.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde_json::json;
use shared::analytics::{AnalyticsEvent, TurnDetail};
use shared::domain::{FinishReason, MicroUsd};
use shared::operator::{EventQuery, QueueName, StoredEvent};
use tokio::time::{Duration, sleep};

use crate::args::TailArgs;
use crate::backend::{Backend, BackendError, DataPolicy};
use crate::context::{Context, interrupted};
use crate::exit::ExitStatus;
use crate::output::{Tone, clean, count, cut, millis, money, note, short};

const WAIT_MS: u64 = 5_000;
const PAGE: usize = 1_000;
/// How many event IDs are remembered, to show an event only once if it is published twice.
const REMEMBERED: usize = 10_000;
const AWAY_PAUSE: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) async fn run(context: &Context, filter: &TailArgs) -> anyhow::Result<ExitStatus> {
    context
        .with_backend(
            DataPolicy::Look,
            |backend| async move { follow(context, backend, filter).await },
        )
        .await
}

async fn follow(
    context: &Context,
    backend: Arc<dyn Backend>,
    filter: &TailArgs,
) -> anyhow::Result<ExitStatus> {
    let mut seen = Seen::default();
    let mut after = if filter.no_follow { Some(filter.after.unwrap_or(0)) } else { filter.after };
    let mut dead = dead_letters(backend.as_ref()).await?;
    if !filter.no_follow {
        note("watching; press Ctrl-C to stop");
    }
    loop {
        let wait_ms = if filter.no_follow { 0 } else { WAIT_MS };
        let query = EventQuery { after, limit: Some(PAGE), wait_ms };
        let page = tokio::select! {
            () = interrupted() => {
                note(&format!("to continue: `yogi tail --after {}`", after.unwrap_or(0)));
                return Ok(ExitStatus::Interrupted);
            }
            page = backend.events(&query) => page,
        };
        let page = match page {
            Err(BackendError::Unreachable(why)) if !filter.no_follow => {
                note(&format!("{why}; retrying"));
                sleep(AWAY_PAUSE).await;
                continue;
            }
            page => page?,
        };
        for event in &page.events {
            let typed = event.typed();
            if matches(event, typed.as_ref(), filter) && seen.is_new(&event.id) {
                context.output.object(event);
                context.output.line(&line(context, event, typed.as_ref()));
            }
        }
        after = Some(page.next);
        if filter.no_follow && page.events.is_empty() {
            return Ok(ExitStatus::Success);
        }
        if let Ok(now) = dead_letters(backend.as_ref()).await {
            tell_dead(context, dead, now);
            dead = now;
        }
    }
}

/// The IDs of the newest events that were shown.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    fn is_new(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// Tells whether an event is asked for. One of a type that only a later version knows has no
/// provider here, and is not an operator's.
fn matches(event: &StoredEvent, typed: Option<&AnalyticsEvent>, filter: &TailArgs) -> bool {
    let provider = typed.and_then(AnalyticsEvent::provider);
    (!filter.failed || matches!(typed, Some(AnalyticsEvent::ChatFailed(_))))
        && filter.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(&event.detail_type))
        && filter.provider.as_ref().is_none_or(|wanted| provider == Some(wanted.as_str()))
        && filter
            .session
            .as_ref()
            .is_none_or(|wanted| session_key(event, typed).starts_with(wanted.as_str()))
        && !(filter.exclude_operators && typed.is_some_and(AnalyticsEvent::is_synthetic))
}

/// Returns the session's key, which every event has, also one of a later version.
fn session_key<'a>(event: &'a StoredEvent, typed: Option<&'a AnalyticsEvent>) -> &'a str {
    typed.map_or_else(
        || event.detail["session_key"].as_str().unwrap_or_default(),
        AnalyticsEvent::session_key,
    )
}

fn line(context: &Context, event: &StoredEvent, typed: Option<&AnalyticsEvent>) -> String {
    let (tone, kind) = match typed {
        Some(AnalyticsEvent::ChatFailed(_)) => (Tone::Bad, "failed"),
        Some(AnalyticsEvent::ChatMessage(turn))
            if turn.finish_reason == FinishReason::Cancelled.as_str() =>
        {
            (Tone::Warning, "stopped")
        }
        Some(AnalyticsEvent::ChatMessage(_)) => (Tone::Good, "answered"),
        Some(AnalyticsEvent::ChatFeedback(_)) => (Tone::Bold, "feedback"),
        Some(AnalyticsEvent::SessionDeleted(_)) => (Tone::Dim, "deleted"),
        Some(AnalyticsEvent::SessionExpired(_)) => (Tone::Dim, "expired"),
        None => (Tone::Dim, event.detail_type.as_str()),
    };
    let time = event.published_at.to_rfc3339();
    let time = time.get(11..19).unwrap_or(&time);
    let head = format!(
        "{time}  {}  {}",
        context.output.paint(tone, &format!("{:8}", clean(kind))),
        short(&cut(session_key(event, typed), 28))
    );
    let mark = if typed.is_some_and(AnalyticsEvent::is_synthetic) { "  (operator)" } else { "" };
    match typed {
        Some(AnalyticsEvent::ChatMessage(detail) | AnalyticsEvent::ChatFailed(detail)) => {
            format!("{head}  {}{mark}", turn(detail))
        }
        Some(AnalyticsEvent::ChatFeedback(feedback)) => {
            let rating = cut(&feedback.rating, 28);
            format!("{head}  turn {} rated {rating}{mark}", feedback.turn)
        }
        _ => head,
    }
}

fn turn(turn: &TurnDetail) -> String {
    let cost = turn.cost_micro_usd.map(|cost| money(MicroUsd(cost)));
    let first = turn.first_token_ms.map_or_else(|| "–".to_owned(), millis);
    let end = match &turn.error_code {
        Some(code) => format!("  {}", clean(code)),
        None if turn.finish_reason == FinishReason::Stop.as_str() => String::new(),
        None => format!("  {}", cut(&turn.finish_reason, 28)),
    };
    let generations = turn.generations;
    let again =
        if generations > 1 { format!("  {generations} generations") } else { String::new() };
    let answered_by = turn.model.as_deref().or(turn.provider.as_deref()).unwrap_or("–");
    format!(
        "{}  first {first}, total {}  {} in, {} out  {}{again}{end}",
        cut(answered_by, 28),
        millis(turn.total_ms),
        count(turn.input_tokens),
        count(turn.output_tokens),
        cost.unwrap_or_else(|| "no price".to_owned()),
    )
}

/// Returns how many dead letters each queue has.
async fn dead_letters(backend: &dyn Backend) -> anyhow::Result<[u64; 2]> {
    let status = backend.status().await?;
    let of =
        |name| status.queues.iter().find(|queue| queue.queue == name).map_or(0, |queue| queue.dead);
    Ok(QueueName::ALL.map(of))
}

fn tell_dead(context: &Context, before: [u64; 2], now: [u64; 2]) {
    for (queue, (before, now)) in QueueName::ALL.into_iter().zip(before.into_iter().zip(now)) {
        if now > before {
            let queue = queue.as_str();
            context.output.object(
                &json!({ "type": "dead_letters", "queue": queue, "dead": now, "before": before }),
            );
            let head = context.output.paint(Tone::Bad, "dead letter");
            context
                .output
                .line(&format!("          {head}  {queue} now has {now}; see `yogi dlq list`"));
        }
    }
}
