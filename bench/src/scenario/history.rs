//! A turn late in a long session, compared with an early one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Bench, Program, Running};
use crate::load::{MESSAGE, Session};
use crate::measure::Spread;
use crate::report::{Section, Target, say};

const SESSIONS: usize = 20;
/// Nine turns of the benchmark fill it, at about four characters per token.
const HISTORY_TOKENS: &str = "900";
const BEFORE: u64 = 9;
const WINDOW: u64 = 50;
const BETWEEN: u64 = 890;

/// What a message cost, in microseconds.
struct Ages {
    /// Early in the first sessions of an empty database.
    first: f64,
    /// Late in the same sessions.
    late: f64,
    /// Early in new sessions, right after that, in the same database.
    early: f64,
}

pub(super) async fn long_session(bench: &Bench) -> anyhow::Result<Section> {
    let mut launch = bench.launch(Program::Server);
    launch.settings.push(("CHATBOT_HISTORY_TOKENS", HISTORY_TOKENS.to_owned()));
    let mut runs = Vec::new();
    for _ in 0..bench.pace.repetitions {
        let running = bench.run(&launch).await?;
        let run = one(bench, &running).await?;
        running.stop().await?;
        say(&format!(
            "  first {:.0} µs, late {:.0} µs, early {:.0} µs",
            run.first, run.late, run.early
        ));
        runs.push(run);
    }
    let each = |part: fn(&Ages) -> f64| runs.iter().map(part).collect::<Vec<_>>();
    let early = each(|run| run.early);
    let late = each(|run| run.late);
    let rows = [
        ("10 to 59, new database", each(|run| run.first)),
        ("950 to 999", late.clone()),
        ("10 to 59 of new sessions, the same database", early.clone()),
    ];
    let rows = rows.map(|(turns, costs)| vec![turns.to_owned(), Spread::of(costs).to_string()]);
    let note = "20 sessions send 1,000 messages each, as fast as they get answers; the provider \
        answers at once. The history budget fits nine turns, so prompts have the same length in \
        all windows. The ratio is that of the last two rows: it shows the effect of the \
        session's age, not of the size of the database.";
    let section =
        Section::new("Long sessions", note).with_table(&["turns", "CPU µs/message"], &rows);
    let figure = "CPU per message, turn 1,000 against turn 10, history budget full in both";
    Ok(section.with_row(figure, Target::AtMost(1.1), Spread::of_ratios(&late, &early), "×", 2))
}

async fn one(bench: &Bench, running: &Running) -> anyhow::Result<Ages> {
    let reply = bench.set_delay(Duration::ZERO);
    let (first, sessions) = young(running, &reply).await?;
    let sessions = advance(sessions, BETWEEN, &reply).await?;
    // Both stay connected while the other is measured.
    let (late, _old) = window(running, sessions, &reply).await?;
    let (early, _new) = young(running, &reply).await?;
    Ok(Ages { first, late, early })
}

/// Opens sessions, and returns what a message costs once their history is full.
async fn young(running: &Running, reply: &Arc<str>) -> anyhow::Result<(f64, Vec<Session>)> {
    let mut sessions = Vec::new();
    for _ in 0..SESSIONS {
        sessions.push(Session::open(running.address).await?);
    }
    let sessions = advance(sessions, BEFORE, reply).await?;
    window(running, sessions, reply).await
}

/// Returns what a message costs in the next turns of the sessions.
#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
async fn window(
    running: &Running,
    sessions: Vec<Session>,
    reply: &Arc<str>,
) -> anyhow::Result<(f64, Vec<Session>)> {
    let process = running.process()?;
    let before = process.cpu()?;
    let sessions = advance(sessions, WINDOW, reply).await?;
    let spent = process.cpu()?.saturating_sub(before);
    let messages = sessions.len() as f64 * WINDOW as f64;
    Ok((spent.as_secs_f64() * 1e6 / messages, sessions))
}

/// Runs so many turns in every session.
async fn advance(
    sessions: Vec<Session>,
    turns: u64,
    reply: &Arc<str>,
) -> anyhow::Result<Vec<Session>> {
    let mut tasks = JoinSet::new();
    for mut session in sessions {
        let reply = Arc::clone(reply);
        tasks.spawn(async move {
            for _ in 0..turns {
                session.ask(MESSAGE, &reply).await?;
            }
            anyhow::Ok(session)
        });
    }
    let mut sessions = Vec::new();
    while let Some(session) = tasks.join_next().await {
        sessions.push(session??);
    }
    Ok(sessions)
}
