//! `yogi doctor`: checks everything, and says how to fix what is wrong.

mod checks;
mod message;

use std::sync::Arc;

use serde::Serialize;

use crate::args::DoctorArgs;
use crate::backend::{Backend, DataPolicy};
use crate::config::Target;
use crate::context::Context;
use crate::exit::ExitStatus;
use crate::output::{Table, Tone};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum CheckState {
    Ok,
    #[serde(rename = "careful")]
    Warning,
    #[serde(rename = "bad")]
    Failed,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    state: CheckState,
    detail: String,
}

/// All checks.
#[derive(Debug, Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn ok(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, CheckState::Ok, detail);
    }

    fn careful(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, CheckState::Warning, detail);
    }

    fn bad(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, CheckState::Failed, detail);
    }

    fn add(&mut self, name: &str, state: CheckState, detail: impl Into<String>) {
        self.0.push(Check { kind: "check", name: name.to_owned(), state, detail: detail.into() });
    }
}

/// Runs the command.
pub(crate) async fn run(context: &Context, what: &DoctorArgs) -> anyhow::Result<ExitStatus> {
    context
        .with_backend(DataPolicy::MustRun, |backend| async move {
            let findings = examine(context, backend, what).await?;
            Ok(report(context, &findings))
        })
        .await
}

async fn examine(
    context: &Context,
    backend: Arc<dyn Backend>,
    what: &DoctorArgs,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let status = backend.status().await?;
    let version =
        status.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    findings.ok("server", format!("{}{version}", backend.address()));
    checks::access(&mut findings, backend.as_ref()).await;
    if let Target::Directory(directory) = &context.config.target {
        checks::permissions(&mut findings, directory);
    }
    checks::clock(&mut findings, status.now, context.now());
    checks::providers(&mut findings, &status);
    checks::queues(&mut findings, &status);
    checks::disk(&mut findings, &status);
    match status.documents {
        Some(0) => {
            findings.careful(
                "documents",
                "there are none; every question is answered without a document",
            );
        }
        Some(documents) => findings.ok("documents", format!("{documents} available")),
        None => (),
    }
    if !what.no_message {
        message::send(&mut findings, context, backend.as_ref(), &status, what.all_providers)
            .await?;
    }
    Ok(findings)
}

fn report(context: &Context, findings: &Findings) -> ExitStatus {
    let mut table = Table::new(&["", "", ""]);
    for check in &findings.0 {
        context.output.object(check);
        let (tone, word) = match check.state {
            CheckState::Ok => (Tone::Good, "ok"),
            CheckState::Warning => (Tone::Warning, "warn"),
            CheckState::Failed => (Tone::Bad, "BAD"),
        };
        table.row([word.to_owned(), check.name.clone(), check.detail.clone()]);
        table.tone(0, tone);
    }
    context.output.table(&table);
    let count = |state| findings.0.iter().filter(|check| check.state == state).count();
    let bad = count(CheckState::Failed);
    let careful = count(CheckState::Warning);
    context.output.line("");
    context.output.line(&match (bad, careful) {
        (0, 0) => context.output.paint(Tone::Good, "all checks passed"),
        (0, n) => format!("working, with {n} warning{}", if n == 1 { "" } else { "s" }),
        (n, _) => context
            .output
            .paint(Tone::Bad, &format!("{n} check{} failed", if n == 1 { "" } else { "s" })),
    });
    if bad > 0 { ExitStatus::Failed } else { ExitStatus::Success }
}
