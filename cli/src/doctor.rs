//! `yogi doctor`: is everything well, and if not, what mends it.

mod checks;
mod message;

use std::sync::Arc;

use serde::Serialize;

use crate::args::Doctor;
use crate::config::Target;
use crate::desk::Desk;
use crate::exit::Exit;
use crate::home::{Home, Need};
use crate::output::{Table, Tone};

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Careful,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    state: State,
    detail: String,
}

/// All that was looked at.
#[derive(Debug, Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn ok(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, State::Ok, detail);
    }

    fn careful(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, State::Careful, detail);
    }

    fn bad(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, State::Bad, detail);
    }

    fn add(&mut self, name: &str, state: State, detail: impl Into<String>) {
        self.0.push(Check { kind: "check", name: name.to_owned(), state, detail: detail.into() });
    }
}

/// Runs the command.
pub(crate) async fn run(desk: &Desk, what: &Doctor) -> anyhow::Result<Exit> {
    desk.with_home(Need::Any, |home| async move {
        let findings = examine(desk, home, what).await?;
        Ok(report(desk, &findings))
    })
    .await
}

async fn examine(desk: &Desk, home: Arc<dyn Home>, what: &Doctor) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let status = home.status().await?;
    let version =
        status.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    findings.ok("server", format!("{}{version}", home.place()));
    checks::access(&mut findings, home.as_ref()).await;
    if let Target::Directory(directory) = &desk.config.target {
        checks::permissions(&mut findings, directory);
    }
    checks::clock(&mut findings, status.now, desk.now());
    checks::providers(&mut findings, &status);
    checks::queues(&mut findings, &status);
    checks::disk(&mut findings, &status);
    match status.documents {
        Some(0) => {
            findings.careful("documents", "there are none: every question is answered without");
        }
        Some(documents) => findings.ok("documents", format!("{documents} can be asked about")),
        None => (),
    }
    if !what.no_message {
        message::send(&mut findings, desk, home.as_ref(), &status, what.every_provider).await?;
    }
    Ok(findings)
}

fn report(desk: &Desk, findings: &Findings) -> Exit {
    let mut table = Table::new(&["", "", ""]);
    for check in &findings.0 {
        desk.output.object(check);
        let (tone, word) = match check.state {
            State::Ok => (Tone::Good, "ok"),
            State::Careful => (Tone::Careful, "look"),
            State::Bad => (Tone::Bad, "BAD"),
        };
        table.row([word.to_owned(), check.name.clone(), check.detail.clone()]);
        table.tone(0, tone);
    }
    desk.output.table(&table);
    let count = |state| findings.0.iter().filter(|check| check.state == state).count();
    let bad = count(State::Bad);
    let careful = count(State::Careful);
    desk.output.line("");
    desk.output.line(&match (bad, careful) {
        (0, 0) => desk.output.paint(Tone::Good, "all is well"),
        (0, n) => format!("it works; look at {n} thing{} above", if n == 1 { "" } else { "s" }),
        (n, _) => desk.output.paint(
            Tone::Bad,
            &format!("{n} thing{} to be mended", if n == 1 { " is" } else { "s are" }),
        ),
    });
    if bad > 0 { Exit::Failed } else { Exit::Done }
}
