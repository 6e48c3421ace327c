//! `yogi tail`: what happens, as it happens.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use shared::operator::{EventQuery, QueueName, StoredEvent};
use tokio::time::{Duration, sleep};

use crate::args::Tail;
use crate::desk::{Desk, interrupted};
use crate::exit::Exit;
use crate::home::{Home, HomeError, Need};
use crate::output::{Tone, clean, count, cut, millis, money, note, short};

const WAIT_MS: u64 = 5_000;
const PAGE: usize = 1_000;
/// How many ids are remembered, to show an event once that was published twice.
const REMEMBERED: usize = 10_000;
const AWAY_PAUSE: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) async fn run(desk: &Desk, filter: &Tail) -> anyhow::Result<Exit> {
    desk.with_home(Need::Existing, |home| async move { follow(desk, home, filter).await }).await
}

async fn follow(desk: &Desk, home: Arc<dyn Home>, filter: &Tail) -> anyhow::Result<Exit> {
    let mut seen = Seen::default();
    let mut after = if filter.no_follow { Some(filter.after.unwrap_or(0)) } else { filter.after };
    let mut dead = dead_letters(home.as_ref()).await?;
    if !filter.no_follow {
        note("watching; Ctrl-C ends it");
    }
    loop {
        let wait_ms = if filter.no_follow { 0 } else { WAIT_MS };
        let query = EventQuery { after, limit: Some(PAGE), wait_ms };
        let page = tokio::select! {
            () = interrupted() => {
                note(&format!("`yogi tail --after {}` goes on from here", after.unwrap_or(0)));
                return Ok(Exit::Interrupted);
            }
            page = home.events(&query) => page,
        };
        let page = match page {
            Err(HomeError::Unreachable(why)) if !filter.no_follow => {
                note(&format!("{why}; waiting for it"));
                sleep(AWAY_PAUSE).await;
                continue;
            }
            page => page?,
        };
        for event in
            page.events.iter().filter(|event| matches(event, filter) && seen.is_new(&event.id))
        {
            desk.output.object(event);
            desk.output.line(&line(desk, event));
        }
        after = Some(page.next);
        if filter.no_follow && page.events.is_empty() {
            return Ok(Exit::Done);
        }
        if let Ok(now) = dead_letters(home.as_ref()).await {
            tell_dead(desk, dead, now);
            dead = now;
        }
    }
}

/// The ids that were shown, the newest of them.
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

fn matches(event: &StoredEvent, filter: &Tail) -> bool {
    let detail = &event.detail;
    let is = |field: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| detail[field].as_str() == Some(wanted.as_str()))
    };
    let session = detail["session_key"].as_str().unwrap_or_default();
    (!filter.failed || event.detail_type == "Chat Failed")
        && filter.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(&event.detail_type))
        && is("provider", &filter.provider)
        && filter.session.as_ref().is_none_or(|wanted| session.starts_with(wanted.as_str()))
        && !(filter.no_operators && detail["synthetic"] == true)
}

fn line(desk: &Desk, event: &StoredEvent) -> String {
    let detail = &event.detail;
    let text = |field: &str| cut(detail[field].as_str().unwrap_or("–"), 28);
    let number = |field: &str| detail[field].as_u64().unwrap_or(0);
    let (tone, kind) = match event.detail_type.as_str() {
        "Chat Failed" => (Tone::Bad, "failed"),
        "Chat Message" if detail["finish_reason"] == "cancelled" => (Tone::Careful, "stopped"),
        "Chat Message" => (Tone::Good, "answered"),
        "Chat Feedback" => (Tone::Bold, "feedback"),
        "Session Deleted" => (Tone::Dim, "deleted"),
        "Session Expired" => (Tone::Dim, "expired"),
        other => (Tone::Dim, other),
    };
    let time = event.published_at.to_rfc3339();
    let time = time.get(11..19).unwrap_or(&time);
    let head = format!(
        "{time}  {}  {}",
        desk.output.paint(tone, &format!("{:8}", clean(kind))),
        short(&text("session_key"))
    );
    let mark = if detail["synthetic"] == true { "  (operator)" } else { "" };
    match event.detail_type.as_str() {
        "Chat Message" | "Chat Failed" => format!("{head}  {}{mark}", turn(detail, &text, &number)),
        "Chat Feedback" => {
            format!("{head}  turn {} is rated {}{mark}", number("turn"), text("rating"))
        }
        _ => head,
    }
}

fn turn(detail: &Value, text: &dyn Fn(&str) -> String, number: &dyn Fn(&str) -> u64) -> String {
    let cost = detail["cost_micro_usd"].as_i64().map(|cost| money(shared::domain::MicroUsd(cost)));
    let first = detail["first_token_ms"].as_u64().map_or_else(|| "–".to_owned(), millis);
    let end = match detail["error_code"].as_str() {
        Some(code) => format!("  {}", clean(code)),
        None if detail["finish_reason"] == "stop" => String::new(),
        None => format!("  {}", text("finish_reason")),
    };
    let generations = number("generations");
    let again =
        if generations > 1 { format!("  {generations} generations") } else { String::new() };
    format!(
        "{}  first {first}, total {}  {} in, {} out  {}{again}{end}",
        text(if detail["model"].is_string() { "model" } else { "provider" }),
        millis(number("total_ms")),
        count(number("input_tokens")),
        count(number("output_tokens")),
        cost.unwrap_or_else(|| "no price".to_owned()),
    )
}

/// Returns how many dead letters each queue has.
async fn dead_letters(home: &dyn Home) -> anyhow::Result<[u64; 2]> {
    let status = home.status().await?;
    let of =
        |name| status.queues.iter().find(|queue| queue.queue == name).map_or(0, |queue| queue.dead);
    Ok(QueueName::ALL.map(of))
}

fn tell_dead(desk: &Desk, before: [u64; 2], now: [u64; 2]) {
    for (queue, (before, now)) in QueueName::ALL.into_iter().zip(before.into_iter().zip(now)) {
        if now > before {
            let queue = queue.as_str();
            desk.output.object(
                &json!({ "type": "dead_letters", "queue": queue, "dead": now, "before": before }),
            );
            let head = desk.output.paint(Tone::Bad, "dead letter");
            desk.output.line(&format!(
                "          {head}  {queue} has {now} now: `yogi dlq list` says why"
            ));
        }
    }
}
