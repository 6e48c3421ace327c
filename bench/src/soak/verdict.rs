//! What is stored at the end, held against what was accepted and what was pushed.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::user::User;
use super::watcher::Seen;

/// How long the last answers may take.
const DRAIN_PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(50);

/// A turn as the history tells it.
#[derive(Debug)]
pub(super) struct Stored {
    turn: u64,
    message_id: String,
    text: Option<String>,
    kind: String,
    pub(super) error: Option<String>,
}

/// Waits until all is answered; returns the turns if each accepted message has one, in the order of acceptance.
pub(super) async fn stored(user: &User, expected: &str) -> anyhow::Result<Vec<Stored>> {
    let seat = user.seat();
    let deadline = Instant::now() + DRAIN_PATIENCE;
    let mut turns: Vec<Stored> = Vec::new();
    loop {
        let path = format!("/sessions/{}/turns?after={}", seat.session, turns.len());
        let page = seat.insist(Method::GET, &path, &Value::Null).await?;
        let found = page["turns"].as_array().context("no turns")?;
        for turn in found.iter().take_while(|turn| turn["state"] == "done") {
            let next = read(turn)?;
            check(user, turns.len(), &next, expected)?;
            turns.push(next);
        }
        if page["running"] == false && found.is_empty() {
            break;
        }
        ensure!(Instant::now() < deadline, "{}: {} turns and no end", seat.session, turns.len());
        sleep(PAUSE).await;
    }
    let (have, want) = (turns.len(), user.accepted.len());
    ensure!(have == want, "{}: {want} messages were accepted, and {have} have a final", seat.session);
    Ok(turns)
}

/// Holds what was pushed against what is stored.
pub(super) fn compare(stored: &[Stored], seen: &Seen) -> anyhow::Result<()> {
    for turn in stored {
        let Some(pushed) = seen.finals.get(&turn.turn) else { continue };
        let same = pushed.message_id == turn.message_id && pushed.text == turn.text;
        ensure!(same, "turn {} was pushed as {pushed:?} and is stored as {turn:?}", turn.turn);
    }
    match seen.finals.keys().last() {
        Some(last) if *last > stored.len() as u64 => bail!("turn {last} was pushed and is not stored"),
        _ => Ok(()),
    }
}

fn read(turn: &Value) -> anyhow::Result<Stored> {
    let text = |field: &str| turn[field].as_str().map(str::to_owned);
    Ok(Stored {
        turn: turn["turn"].as_u64().context("a turn without a number")?,
        message_id: text("message_id").context("a turn without a message")?,
        kind: text("kind").context("a final of no kind")?,
        text: text("text"),
        error: turn["error"]["code"].as_str().map(str::to_owned),
    })
}

fn check(user: &User, before: usize, turn: &Stored, expected: &str) -> anyhow::Result<()> {
    let session = &user.seat().session;
    ensure!(turn.turn == before as u64 + 1, "{session}: turn {} follows turn {before}", turn.turn);
    let wanted = user.accepted.get(before).map(String::as_str);
    ensure!(Some(&*turn.message_id) == wanted, "{session}: {wanted:?} was to come, and came {turn:?}");
    let whole = turn.kind != "reply" || turn.text.as_deref() == Some(expected);
    ensure!(whole, "{session}: no reply of the provider: {turn:?}");
    ensure!(turn.kind != "cancelled", "{session}: nobody stopped {turn:?}");
    Ok(())
}
