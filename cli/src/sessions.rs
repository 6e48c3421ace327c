//! `yogi session` and `yogi turns`.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use shared::domain::SessionKey;
use shared::operator::{SessionView, TurnView};

use crate::args::{ExportArgs, SessionCommand, TurnsArgs};
use crate::backend::{Backend, DataPolicy};
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::turns as turn_table;
use crate::output::{Table, ago, clean, confirmed, count, cut, millis, money, note};
use crate::reference;

/// The page size.
const PAGE: usize = 100;

/// Runs `yogi session`.
pub(crate) async fn run(context: &Context, command: SessionCommand) -> anyhow::Result<ExitStatus> {
    let policy = match &command {
        SessionCommand::Delete { dry_run: false, .. } => DataPolicy::Delete,
        _ => DataPolicy::Look,
    };
    context
        .with_backend(policy, |backend| async move {
            match command {
                SessionCommand::List { principal, limit } => {
                    list(context, backend, principal.as_deref(), limit).await
                }
                SessionCommand::Show { session } => {
                    show(context, backend, &reference::session(&session)?).await
                }
                SessionCommand::Export(what) => export(backend, &what).await,
                SessionCommand::Delete { session, yes, dry_run } => {
                    delete(context, backend, &reference::session(&session)?, yes, dry_run).await
                }
            }
        })
        .await
}

/// Runs `yogi turns`.
pub(crate) async fn turns(context: &Context, which: &TurnsArgs) -> anyhow::Result<ExitStatus> {
    context
        .with_backend(DataPolicy::Look, |backend| async move {
            let key = reference::session(&which.session)?;
            backend.session(&key).await?;
            let turns = read(backend.as_ref(), &key, which.after, which.limit).await?;
            print(context, &turns, which.full);
            Ok(ExitStatus::Success)
        })
        .await
}

/// Reads the turns of a session, page by page.
pub(crate) async fn read(
    backend: &dyn Backend,
    key: &SessionKey,
    after: u64,
    limit: usize,
) -> anyhow::Result<Vec<TurnView>> {
    let mut all = Vec::new();
    let mut after = after;
    while all.len() < limit {
        let page = backend.turns(key, after, PAGE.min(limit - all.len())).await?.turns;
        let Some(last) = page.last() else { break };
        after = last.turn.get();
        all.extend(page);
    }
    Ok(all)
}

async fn list(
    context: &Context,
    backend: Arc<dyn Backend>,
    whose: Option<&str>,
    limit: usize,
) -> anyhow::Result<ExitStatus> {
    let mut table = Table::new(&[
        "session",
        "principal",
        "id",
        "started",
        ">turns",
        ">waiting",
        ">in",
        ">out",
        ">cost",
    ]);
    let mut after = None;
    let mut shown = 0;
    let now = context.now();
    'pages: loop {
        let page = backend.sessions(after.as_ref(), PAGE).await?;
        for session in page.sessions.iter().filter(|session| is_of(session, whose)) {
            if shown == limit {
                note(&format!("there are more; --limit {limit} was reached"));
                break 'pages;
            }
            shown += 1;
            context.output.object(session);
            let (principal, id) = owner(session);
            table.row([
                session.session_key.to_string(),
                cut(&principal, 28),
                cut(&id, 36),
                ago(now, session.created_at),
                count(session.turns),
                count(session.waiting),
                count(session.input_tokens),
                count(session.output_tokens),
                money(session.cost_micro_usd),
            ]);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if table.is_empty() {
        context.output.line("no sessions");
    } else {
        context.output.table(&table);
    }
    Ok(ExitStatus::Success)
}

fn is_of(session: &SessionView, whose: Option<&str>) -> bool {
    let Some(whose) = whose else { return true };
    let principal = session.principal.as_ref().map_or("", |principal| principal.as_str());
    whose.strip_suffix('*').map_or(principal == whose, |begin| principal.starts_with(begin))
}

fn owner(session: &SessionView) -> (String, String) {
    let principal = session.principal.as_ref().map_or("(deleted)", |principal| principal.as_str());
    let id = session.session_id.as_ref().map_or("–", |id| id.as_str());
    (clean(principal), clean(id))
}

async fn show(
    context: &Context,
    backend: Arc<dyn Backend>,
    key: &SessionKey,
) -> anyhow::Result<ExitStatus> {
    let session = backend.session(key).await?;
    let turns = read(backend.as_ref(), key, 0, usize::MAX).await?;
    context.output.object(&json!({ "type": "session", "session": session }));
    let now = context.now();
    let (principal, id) = owner(&session);
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("session", key.to_string());
    row("principal", principal);
    row("session ID", id);
    row(
        "started",
        format!("{}, {}", session.created_at.to_rfc3339(), ago(now, session.created_at)),
    );
    let left = u64::try_from(session.expires_at.since(now).as_millis()).unwrap_or(u64::MAX);
    row(
        "expires",
        format!(
            "{}, in {} without further activity",
            session.expires_at.to_rfc3339(),
            millis(left)
        ),
    );
    row("waiting", count(session.waiting));
    row(
        "tokens",
        format!("{} in, {} out", count(session.input_tokens), count(session.output_tokens)),
    );
    row("cost", money(session.cost_micro_usd));
    context.output.table(&table);
    context.output.line("");
    print(context, &turns, false);
    Ok(ExitStatus::Success)
}

fn print(context: &Context, turns: &[TurnView], full: bool) {
    for turn in turns {
        context.output.object(turn);
    }
    if turns.is_empty() {
        return context.output.line("no turns");
    }
    if !full {
        return context.output.table(&turn_table::table(turns));
    }
    for turn in turns {
        context.output.table(&turn_table::table(std::slice::from_ref(turn)));
        for (who, text) in [("user", turn.message.as_str()), ("answer", turn_table::answer(turn))] {
            context.output.line(&format!("  {who}:"));
            text.lines().for_each(|line| context.output.line(&format!("    {}", clean(line))));
        }
        context.output.line("");
    }
}

/// Writes each turn with its session's key, one JSON object per line.
async fn export(backend: Arc<dyn Backend>, what: &ExportArgs) -> anyhow::Result<ExitStatus> {
    let key = reference::session(&what.session)?;
    let session = backend.session(&key).await?;
    let turns = read(backend.as_ref(), &key, 0, usize::MAX).await?;
    let mut lines = Vec::new();
    for turn in &turns {
        let mut line = serde_json::to_value(turn)?;
        line["session_key"] = json!(key);
        line["session_id"] = json!(session.session_id);
        serde_json::to_writer(&mut lines, &line)?;
        lines.push(b'\n');
    }
    match &what.out {
        None => crate::output::raw(&lines),
        Some(path) => {
            let written = std::fs::File::create(path).and_then(|mut file| {
                file.write_all(&lines)?;
                file.sync_all()
            });
            written.with_context(|| format!("{} cannot be written", path.display()))?;
            note(&format!("wrote {} turns to {}", turns.len(), path.display()));
        }
    }
    Ok(ExitStatus::Success)
}

async fn delete(
    context: &Context,
    backend: Arc<dyn Backend>,
    key: &SessionKey,
    yes: bool,
    dry_run: bool,
) -> anyhow::Result<ExitStatus> {
    let session = backend.session(key).await?;
    if session.deleted {
        context.output.line("the session is already deleted");
        return Ok(ExitStatus::Success);
    }
    let (principal, id) = owner(&session);
    let what = format!("session {id} of {principal} with {} turns", session.turns);
    if dry_run {
        context.output.object(&json!({
            "type": "delete", "session_key": key, "turns": session.turns, "dry_run": true
        }));
        context.output.line(&format!("would delete {what}"));
        return Ok(ExitStatus::Success);
    }
    if !yes && !confirmed(&format!("Delete {what}? It cannot be undone.")) {
        return Err(usage("nothing was deleted; --yes deletes without asking"));
    }
    backend.delete(key).await?;
    context.output.object(
        &json!({ "type": "delete", "session_key": key, "turns": session.turns, "dry_run": false }),
    );
    context.output.line(&format!("deleted {what}"));
    Ok(ExitStatus::Success)
}
