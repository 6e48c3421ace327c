//! Somebody who holds a WebSocket to a session, and notes every final.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::Address;
use super::user::Seat;

/// So many finals before the last one are asked for again: what is stored must be what was pushed.
const AGAIN: u64 = 8;
const PAUSE: Duration = Duration::from_millis(10);

/// The finals that were pushed, by turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) finals: BTreeMap<u64, Pushed>,
    pub(super) pushed: usize,
}

/// One final as it was pushed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pushed {
    pub(super) message_id: String,
    pub(super) text: Option<String>,
    generation: Value,
    sha256: Value,
}

/// Watches until it is aborted; fails when a turn has two finals.
pub(super) async fn watch(seat: Seat, mut address: Address) -> anyhow::Result<Seen> {
    loop {
        address.wait_for(Option::is_some).await?;
        if let Err(error) = connection(&seat).await {
            if error.is::<SecondFinal>() {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
    }
}

/// The reason why the watch ends: committed text changed.
#[derive(Debug)]
struct SecondFinal(String);

impl std::fmt::Display for SecondFinal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SecondFinal {}

async fn connection(seat: &Seat) -> anyhow::Result<()> {
    let path = format!("/sessions/{}/tickets", seat.session);
    let offered = seat.insist(Method::POST, &path, &Value::Null).await?;
    let websocket = &offered["websocket"];
    let (url, ticket) =
        (websocket["url"].as_str().context("no url")?, websocket["ticket"].as_str().unwrap_or_default());
    let (mut socket, _) = connect_async(format!("{url}?ticket={ticket}")).await?;
    let last = seat.seen.lock().unwrap_or_else(PoisonError::into_inner).finals.keys().last().copied();
    let resume = json!({ "type": "resume", "after": last.unwrap_or(0).saturating_sub(AGAIN) });
    socket.send(Message::text(resume.to_string())).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        note(seat, &serde_json::from_str(&text)?)?;
    }
    bail!("the connection was closed")
}

fn note(seat: &Seat, frame: &Value) -> anyhow::Result<()> {
    let metadata = &frame["metadata"];
    let id = match frame["type"].as_str() {
        Some("RUN_FINISHED") => &frame["runId"],
        Some("RUN_ERROR") => &metadata["messageId"],
        _ => return Ok(()),
    };
    let turn = metadata["turn"].as_u64().context("a final without a turn")?;
    let pushed = Pushed {
        message_id: id.as_str().context("a final without a message")?.to_owned(),
        text: frame["result"]["text"].as_str().map(str::to_owned),
        generation: metadata["gen"].clone(),
        sha256: metadata["sha256"].clone(),
    };
    let mut seen = seat.seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.pushed += 1;
    let first = seen.finals.entry(turn).or_insert_with(|| pushed.clone());
    if *first != pushed {
        let what = format!("{}: turn {turn} had the final {first:?}, and now {pushed:?}", seat.session);
        return Err(SecondFinal(what).into());
    }
    Ok(())
}
