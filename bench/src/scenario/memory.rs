//! Memory of the idle server.

use std::time::Duration;

use tokio::time::sleep;

use super::{Bench, Launch, Program};
use crate::load::Session;
use crate::measure::Spread;
use crate::report::{Section, Target, say};

const SESSIONS: u32 = 1_000;
/// Long enough for memory that is freed with a delay.
const REST: Duration = Duration::from_secs(2);
const MEGABYTE: f64 = 1e6;
const KILOBYTE: f64 = 1e3;

pub(super) async fn memory(bench: &Bench) -> anyhow::Result<Section> {
    let claude = bench.launch(Program::Server);
    let offline = Launch { provider: None, ..claude.clone() };
    let mut without = Vec::new();
    let mut with = Vec::new();
    let mut session = Vec::new();
    for _ in 0..bench.pace.repetitions {
        without.push(idle(bench, &offline, 0).await?.0);
        let (idle, each) = idle(bench, &claude, SESSIONS).await?;
        say(&format!("  idle {:.1} MB, a session {:.1} kB", idle / MEGABYTE, each / KILOBYTE));
        with.push(idle);
        session.push(each);
    }
    let megabytes = |bytes: &[f64]| Spread::of(bytes.iter().map(|bytes| bytes / MEGABYTE));
    let each = Spread::of(session.iter().map(|bytes| bytes / KILOBYTE));
    let rows = [
        vec![
            "idle, no provider configured (`offline`), MB".to_owned(),
            format!("{:.1}", megabytes(&without)),
        ],
        vec!["idle, Claude configured, MB".to_owned(), format!("{:.1}", megabytes(&with))],
        vec!["per idle connected session, kB".to_owned(), format!("{each:.1}")],
    ];
    let note = "Resident memory (VmRSS) two seconds after the start. Per session: the increase \
        with 1,000 sessions, divided by 1,000; their WebSockets are open and resumed but \
        unused, and their HTTP connections closed.";
    let section = Section::new("Memory", note).with_table(&["state", "resident"], &rows);
    let section =
        section.with_row("resident memory, idle", Target::AtMost(15.0), megabytes(&with), "MB", 1);
    Ok(section.with_row(
        "resident memory of an idle connected session",
        Target::AtMost(60.0),
        each,
        "kB",
        1,
    ))
}

/// Returns the idle server's bytes, and those that each of so many sessions adds.
#[expect(clippy::cast_precision_loss, reason = "memory is far below what a float counts exactly")]
async fn idle(bench: &Bench, launch: &Launch, count: u32) -> anyhow::Result<(f64, f64)> {
    let running = bench.run(launch).await?;
    let process = running.process()?;
    sleep(REST).await;
    let alone = process.resident()? as f64;
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(Session::open(running.address).await?.into_socket());
    }
    if count > 0 {
        sleep(REST).await;
    }
    let added = process.resident()? as f64 - alone;
    running.stop().await?;
    Ok((alone, added / f64::from(count.max(1))))
}
