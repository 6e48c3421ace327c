//! What chats cost: memory, CPU time, calls.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::chat::{Chat, Functions, ask, call};
use super::cloud::{Cloud, Counts};
use super::table::Table;
use crate::measure::Process;
use testkit::lambda::FunctionProgram;
use testkit::stub_provider::{Behaviour, Options, Reply, StubProvider};

/// The pieces of a reply.
const TOKENS: usize = 50;
/// The pause between two pieces of the reply whose calls are counted: five seconds in all.
const COUNTED_PACE: Duration = Duration::from_millis(100);
/// The pause between two pieces where processor time is measured: one second in all.
const LOAD_PACE: Duration = Duration::from_millis(20);
/// Messages per session, so that the history is as long as in real use.
const PER_SESSION: usize = 10;

/// Paths of the programs.
#[derive(Debug, Clone, Copy)]
pub struct Places<'p> {
    /// The functions' programs.
    pub programs: &'p Path,
    /// moto's server.
    pub moto: &'p Path,
}

/// The memory of one function, in megabytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Which function.
    pub name: &'static str,
    /// After a tenth of the messages.
    pub few: f64,
    /// After all of them.
    pub many: f64,
}

/// Counts the calls of one chat: the second message on an open socket, answered in five seconds.
pub async fn count(places: Places<'_>) -> anyhow::Result<Counts> {
    let (mut functions, cloud, _stub) = start(places, true, COUNTED_PACE).await?;
    let mut chat = Chat::open(&mut functions).await?;
    chat.say(&mut functions, &cloud).await?;
    cloud.take_counts();
    if chat.say(&mut functions, &cloud).await? > 0 {
        bail!("a call was repeated, so nothing is counted exactly");
    }
    let counts = cloud.take_counts();
    if counts.unknown > 0 {
        bail!("{} calls of an unknown kind", counts.unknown);
    }
    Ok(counts)
}

/// Returns the processor time of one chat, in milliseconds, function by function.
pub async fn time(places: Places<'_>, chats: usize) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let (mut functions, cloud, _stub) = start(places, false, LOAD_PACE).await?;
    let sessions = chats.div_ceil(PER_SESSION);
    let mut spent = cpu(&functions)?.map(|(name, _)| (name, Duration::ZERO));
    // The first session warms up.
    for session in 0..=sessions {
        let mut chat = Chat::open(&mut functions).await?;
        let before = cpu(&functions)?;
        for _ in 0..PER_SESSION {
            chat.say(&mut functions, &cloud).await?;
        }
        if session > 0 {
            for (sum, ((_, before), (_, after))) in
                spent.iter_mut().zip(before.into_iter().zip(cpu(&functions)?))
            {
                sum.1 += after.saturating_sub(before);
            }
        }
        cloud.empty_table().await?;
    }
    Ok(spent.into_iter().map(|(name, time)| (name, per(time, sessions * PER_SESSION))).collect())
}

/// Returns the processor time of one chat of the peer, in milliseconds.
pub async fn peer_time(
    peer: &FunctionProgram,
    places: Places<'_>,
    chats: usize,
) -> anyhow::Result<f64> {
    let (_functions, cloud, stub) = start(places, false, LOAD_PACE).await?;
    let mut peer = peer.clone();
    peer.variables.extend([("AWS_ENDPOINT_URL", cloud.url()), ("ANTHROPIC_BASE_URL", stub.url())]);
    let mut running = peer.start().await?;
    let body = json!({ "message": "What is in period 3 on Tuesday?", "session_id": "test-123" })
        .to_string();
    let event = call("/chat", &body, None);
    for _ in 0..PER_SESSION {
        check(&ask(&mut running, &event).await?)?;
    }
    let before = Process(running.id()?).cpu_of_threads()?;
    for _ in 0..chats {
        check(&ask(&mut running, &event).await?)?;
    }
    Ok(per(Process(running.id()?).cpu_of_threads()?.saturating_sub(before), chats))
}

/// Returns the memory after a tenth of the messages and after all of them.
pub async fn memory(places: Places<'_>, messages: usize) -> anyhow::Result<Vec<Memory>> {
    let (mut functions, cloud, _stub) = start(places, false, Duration::ZERO).await?;
    let mut few = Vec::new();
    let sessions = (messages / PER_SESSION).max(2);
    for session in 0..sessions {
        if session == sessions.div_ceil(10) {
            few = resident(&functions)?;
        }
        let mut chat = Chat::open(&mut functions).await?;
        for _ in 0..PER_SESSION {
            chat.say(&mut functions, &cloud).await?;
        }
        cloud.empty_table().await?;
    }
    let both = few.into_iter().zip(resident(&functions)?);
    Ok(both.map(|((name, few), (_, many))| Memory { name, few, many }).collect())
}

async fn start(
    places: Places<'_>,
    counting: bool,
    pace: Duration,
) -> anyhow::Result<(Functions, Cloud, StubProvider)> {
    let cloud = Cloud::start(Table::start(places.moto, counting).await?).await?;
    let reply = Behaviour::Reply(Reply::words(TOKENS).paced(pace));
    let stub = StubProvider::start_with(reply, Options::bench()).await?;
    let functions = Functions::start(places.programs, &cloud, &stub.url()).await?;
    Ok((functions, cloud, stub))
}

fn cpu(functions: &Functions) -> anyhow::Result<[(&'static str, Duration); 3]> {
    let mut found = functions.all().map(|(name, _)| (name, Duration::ZERO));
    for (place, (_, running)) in found.iter_mut().zip(functions.all()) {
        place.1 = Process(running.id()?).cpu_of_threads()?;
    }
    Ok(found)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below what a float counts exactly")]
fn resident(functions: &Functions) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut found = Vec::new();
    for (name, running) in functions.all() {
        found.push((name, Process(running.id()?).resident()? as f64 / 1e6));
    }
    Ok(found)
}

#[expect(clippy::cast_precision_loss, reason = "chats are few")]
fn per(time: Duration, chats: usize) -> f64 {
    time.as_secs_f64() * 1e3 / chats.max(1) as f64
}

fn check(answer: &serde_json::Value) -> anyhow::Result<()> {
    let good = answer["statusCode"] == 200;
    good.then_some(()).with_context(|| format!("the Python function failed: {answer}"))
}
