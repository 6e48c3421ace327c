//! `yogi session` and `yogi turns`.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use shared::domain::SessionKey;
use shared::operator::{SessionView, TurnView};

use crate::args::{Export, SessionCommand, Turns};
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::{Home, Need};
use crate::output::{Table, ago, clean, confirmed, count, cut, millis, money, note};
use crate::{reference, turn_table};

/// The most that one call returns.
const PAGE: usize = 100;

/// Runs `yogi session`.
pub(crate) async fn run(desk: &Desk, command: SessionCommand) -> anyhow::Result<Exit> {
    desk.with_home(Need::Existing, |home| async move {
        match command {
            SessionCommand::List { principal, limit } => {
                list(desk, home, principal.as_deref(), limit).await
            }
            SessionCommand::Show { session } => {
                show(desk, home, &reference::session(&session)?).await
            }
            SessionCommand::Export(what) => export(home, &what).await,
            SessionCommand::Delete { session, yes, dry_run } => {
                delete(desk, home, &reference::session(&session)?, yes, dry_run).await
            }
        }
    })
    .await
}

/// Runs `yogi turns`.
pub(crate) async fn turns(desk: &Desk, which: &Turns) -> anyhow::Result<Exit> {
    desk.with_home(Need::Existing, |home| async move {
        let key = reference::session(&which.session)?;
        home.session(&key).await?;
        let turns = read(home.as_ref(), &key, which.after, which.limit).await?;
        print(desk, &turns, which.full);
        Ok(Exit::Done)
    })
    .await
}

/// Reads the turns of a session, page by page.
pub(crate) async fn read(
    home: &dyn Home,
    key: &SessionKey,
    after: u64,
    limit: usize,
) -> anyhow::Result<Vec<TurnView>> {
    let mut all = Vec::new();
    let mut after = after;
    while all.len() < limit {
        let page = home.turns(key, after, PAGE.min(limit - all.len())).await?.turns;
        let Some(last) = page.last() else { break };
        after = last.turn.get();
        all.extend(page);
    }
    Ok(all)
}

async fn list(
    desk: &Desk,
    home: Arc<dyn Home>,
    whose: Option<&str>,
    limit: usize,
) -> anyhow::Result<Exit> {
    let mut table = Table::new(&[
        "session",
        "principal",
        "id",
        "begun",
        ">turns",
        ">waiting",
        ">in",
        ">out",
        ">cost",
    ]);
    let mut after = None;
    let mut shown = 0;
    let now = desk.now();
    'pages: loop {
        let page = home.sessions(after.as_ref(), PAGE).await?;
        for session in page.sessions.iter().filter(|session| is_of(session, whose)) {
            if shown == limit {
                note(&format!("there are more: --limit {limit} was reached"));
                break 'pages;
            }
            shown += 1;
            desk.output.object(session);
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
        desk.output.line("no sessions");
    } else {
        desk.output.table(&table);
    }
    Ok(Exit::Done)
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

async fn show(desk: &Desk, home: Arc<dyn Home>, key: &SessionKey) -> anyhow::Result<Exit> {
    let session = home.session(key).await?;
    let turns = read(home.as_ref(), key, 0, usize::MAX).await?;
    desk.output.object(&json!({ "type": "session", "session": session }));
    let now = desk.now();
    let (principal, id) = owner(&session);
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("session", key.to_string());
    row("whose", principal);
    row("their id", id);
    row("begun", format!("{}, {}", session.created_at.to_rfc3339(), ago(now, session.created_at)));
    let left = u64::try_from(session.expires_at.since(now).as_millis()).unwrap_or(u64::MAX);
    row(
        "ends",
        format!(
            "{}, in {} unless something happens",
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
    desk.output.table(&table);
    desk.output.line("");
    print(desk, &turns, false);
    Ok(Exit::Done)
}

fn print(desk: &Desk, turns: &[TurnView], full: bool) {
    for turn in turns {
        desk.output.object(turn);
    }
    if turns.is_empty() {
        return desk.output.line("no turns");
    }
    if !full {
        return desk.output.table(&turn_table::table(turns));
    }
    for turn in turns {
        desk.output.table(&turn_table::table(std::slice::from_ref(turn)));
        for (who, text) in [("user", turn.message.as_str()), ("answer", turn_table::answer(turn))] {
            desk.output.line(&format!("  {who}:"));
            text.lines().for_each(|line| desk.output.line(&format!("    {}", clean(line))));
        }
        desk.output.line("");
    }
}

/// Writes each turn with its session's key, one JSON object a line.
async fn export(home: Arc<dyn Home>, what: &Export) -> anyhow::Result<Exit> {
    let key = reference::session(&what.session)?;
    let session = home.session(&key).await?;
    let turns = read(home.as_ref(), &key, 0, usize::MAX).await?;
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
            note(&format!("{} turns are in {}", turns.len(), path.display()));
        }
    }
    Ok(Exit::Done)
}

async fn delete(
    desk: &Desk,
    home: Arc<dyn Home>,
    key: &SessionKey,
    yes: bool,
    dry_run: bool,
) -> anyhow::Result<Exit> {
    let session = home.session(key).await?;
    if session.deleted {
        desk.output.line("it is deleted already");
        return Ok(Exit::Done);
    }
    let (principal, id) = owner(&session);
    let what = format!("session {id} of {principal} with {} turns", session.turns);
    if dry_run {
        desk.output.object(&json!({
            "type": "delete", "session_key": key, "turns": session.turns, "dry_run": true
        }));
        desk.output.line(&format!("would delete {what}"));
        return Ok(Exit::Done);
    }
    if !yes && !confirmed(&format!("Delete {what}? It cannot be undone.")) {
        return Err(usage("nothing was deleted; --yes deletes without asking"));
    }
    home.delete(key).await?;
    desk.output.object(
        &json!({ "type": "delete", "session_key": key, "turns": session.turns, "dry_run": false }),
    );
    desk.output.line(&format!("deleted {what}"));
    Ok(Exit::Done)
}
