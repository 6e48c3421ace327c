//! `yogi dlq`: lists, shows, redrives and deletes dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use shared::operator::{DeadLetterView, QueueName, RedriveRequest, RedriveResponse};

use crate::args::{
    DlqCommand, DlqDropArgs, DlqListArgs, DlqRedriveArgs, DlqSelection, DlqShowArgs, QueueArg,
};
use crate::backend::{Backend, DataPolicy};
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Table, Tone, ago, clean, confirmed, cut, note};

/// The maximum number listed per queue.
const MAX_LETTERS: usize = 1_000;

/// What to do with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DlqAction {
    DlqRedriveArgs,
    DlqDropArgs,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, command: DlqCommand) -> anyhow::Result<ExitStatus> {
    if let DlqCommand::Redrive(DlqRedriveArgs { selection })
    | DlqCommand::Drop(DlqDropArgs { selection, .. }) = &command
        && selection.ids.is_empty()
        && !selection.all
    {
        return Err(usage("specify the IDs of dead letters (see `yogi dlq list`), or --all"));
    }
    context
        .with_backend(DataPolicy::Look, |backend| async move {
            match command {
                DlqCommand::List(what) => list(context, backend, &what).await,
                DlqCommand::Show(which) => show(context, backend, &which).await,
                DlqCommand::Redrive(what) => {
                    act_on(context, backend, DlqAction::DlqRedriveArgs, what.selection, true).await
                }
                DlqCommand::Drop(what) => {
                    act_on(context, backend, DlqAction::DlqDropArgs, what.selection, what.yes).await
                }
            }
        })
        .await
}

async fn list(
    context: &Context,
    backend: Arc<dyn Backend>,
    what: &DlqListArgs,
) -> anyhow::Result<ExitStatus> {
    let letters = letters(backend.as_ref(), what.queue, what.limit.into()).await?;
    let now = context.now();
    let mut table =
        Table::new(&["queue", "id", "type", "message", "session", ">received", "sent", "reason"]);
    for letter in &letters {
        context.output.object(letter);
        table.row([
            letter.queue.as_str().to_owned(),
            clean(&letter.id),
            kind(letter),
            letter.message_id.as_ref().map_or_else(dash, |id| cut(id.as_str(), 36)),
            letter.session_key.as_ref().map_or_else(dash, |key| cut(key.as_str(), 11)),
            letter.receive_count.to_string(),
            letter.sent_at.map_or_else(dash, |sent| ago(now, sent)),
            cut(&letter.reason, 160),
        ]);
    }
    if letters.is_empty() {
        context.output.line("no dead letters");
        return Ok(ExitStatus::Success);
    }
    context.output.table(&table);
    for queue in QueueName::ALL {
        let shown = letters.iter().filter(|letter| letter.queue == queue).count();
        if shown == usize::from(what.limit) {
            note(&format!(
                "there may be more in {}; --limit {} was reached",
                queue.as_str(),
                what.limit
            ));
        }
    }
    Ok(ExitStatus::Success)
}

async fn show(
    context: &Context,
    backend: Arc<dyn Backend>,
    which: &DlqShowArgs,
) -> anyhow::Result<ExitStatus> {
    let letters = letters(backend.as_ref(), which.queue, MAX_LETTERS).await?;
    let found: Vec<_> = letters.iter().filter(|letter| letter.id == which.id).collect();
    let letter = match found.as_slice() {
        [] => {
            return Err(usage(format!(
                "no dead letter has the ID {:?}; see `yogi dlq list`",
                which.id
            )));
        }
        [letter] => *letter,
        _ => {
            return Err(usage(format!(
                "both queues have a dead letter {:?}; add --queue",
                which.id
            )));
        }
    };
    context.output.object(letter);
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("queue", letter.queue.as_str().to_owned());
    row("ID", clean(&letter.id));
    row("reason", clean(&letter.reason));
    row("type", kind(letter));
    row("group", clean(&letter.group));
    row("session", letter.session_key.as_ref().map_or_else(dash, ToString::to_string));
    row("message", letter.message_id.as_ref().map_or_else(dash, ToString::to_string));
    row("received", format!("{} times", letter.receive_count));
    row(
        "sent",
        letter.sent_at.map_or_else(dash, |sent| {
            format!("{}, {}", sent.to_rfc3339(), ago(context.now(), sent))
        }),
    );
    context.output.table(&table);
    context.output.line("");
    let body: Option<Value> = serde_json::from_str(&letter.body).ok();
    let body = body
        .and_then(|body| serde_json::to_string_pretty(&body).ok())
        .unwrap_or_else(|| letter.body.clone());
    for line in body.lines() {
        context.output.line(&clean(line));
    }
    Ok(ExitStatus::Success)
}

/// Redrives or deletes dead letters.
async fn act_on(
    context: &Context,
    backend: Arc<dyn Backend>,
    way: DlqAction,
    which: DlqSelection,
    sure: bool,
) -> anyhow::Result<ExitStatus> {
    let chosen = choose(backend.as_ref(), &which).await?;
    if !which.dry_run && way == DlqAction::DlqDropArgs && !sure {
        let asked = match &which.ids[..] {
            [] => "all dead letters".to_owned(),
            ids => format!("{} dead letter{}", ids.len(), if ids.len() == 1 { "" } else { "s" }),
        };
        if !confirmed(&format!(
            "Delete {asked} permanently? Their messages will never be answered."
        )) {
            return Err(usage("nothing was deleted; use --yes to delete without confirmation"));
        }
    }
    let mut missing = 0;
    let mut taken = 0;
    for (queue, ids) in chosen {
        let request = RedriveRequest { queue, ids, dry_run: which.dry_run };
        let response = match way {
            DlqAction::DlqRedriveArgs => backend.redrive(&request).await?,
            DlqAction::DlqDropArgs => backend.drop_letters(&request).await?,
        };
        say(context, way, &request, &response);
        taken += response.ids.len();
        missing += response.missing.len();
    }
    let done = match (way, which.dry_run) {
        (DlqAction::DlqRedriveArgs, true) => "would be retried",
        (DlqAction::DlqRedriveArgs, false) => "were put back on their queue",
        (DlqAction::DlqDropArgs, true) => "would be deleted",
        (DlqAction::DlqDropArgs, false) => "were deleted",
    };
    context.output.line(&format!(
        "{taken} {done}{}",
        if missing > 0 { format!(", {missing} not found") } else { String::new() }
    ));
    Ok(if missing > 0 { ExitStatus::Partial } else { ExitStatus::Success })
}

/// Returns the selected IDs per queue; `None` means all.
async fn choose(
    backend: &dyn Backend,
    which: &DlqSelection,
) -> anyhow::Result<Vec<(QueueName, Option<Vec<String>>)>> {
    if which.all {
        let queues = which.queue.map_or_else(|| QueueName::ALL.to_vec(), |queue| vec![name(queue)]);
        return Ok(queues.into_iter().map(|queue| (queue, None)).collect());
    }
    if let Some(queue) = which.queue {
        return Ok(vec![(name(queue), Some(which.ids.clone()))]);
    }
    let letters = letters(backend, None, MAX_LETTERS).await?;
    let mut chosen: BTreeMap<QueueName, Vec<String>> = BTreeMap::new();
    for id in &which.ids {
        let found: Vec<_> =
            letters.iter().filter(|letter| letter.id == *id).map(|letter| letter.queue).collect();
        match found.as_slice() {
            [] => {
                return Err(usage(format!(
                    "no dead letter has the ID {id:?}; see `yogi dlq list`"
                )));
            }
            [queue] => chosen.entry(*queue).or_default().push(id.clone()),
            _ => return Err(usage(format!("both queues have a dead letter {id:?}; add --queue"))),
        }
    }
    Ok(chosen.into_iter().map(|(queue, ids)| (queue, Some(ids))).collect())
}

fn say(context: &Context, way: DlqAction, request: &RedriveRequest, response: &RedriveResponse) {
    let word = if way == DlqAction::DlqRedriveArgs { "redrive" } else { "drop" };
    let queue = request.queue.as_str();
    for (ids, found) in [(&response.ids, true), (&response.missing, false)] {
        for id in ids {
            context.output.object(&json!({
                "type": word, "queue": queue, "id": id, "found": found, "dry_run": request.dry_run,
            }));
            let mark = if found {
                context.output.paint(Tone::Good, word)
            } else {
                context.output.paint(Tone::Bad, "not found")
            };
            context.output.line(&format!("{queue}  {}  {mark}", clean(id)));
        }
    }
}

async fn letters(
    backend: &dyn Backend,
    queue: Option<QueueArg>,
    limit: usize,
) -> anyhow::Result<Vec<DeadLetterView>> {
    let mut letters = backend.dead_letters(limit).await?.dead_letters;
    letters.retain(|letter| queue.is_none_or(|queue| letter.queue == name(queue)));
    Ok(letters)
}

fn kind(letter: &DeadLetterView) -> String {
    let kind = letter.r#type.as_deref().unwrap_or("unreadable");
    match letter.v {
        None | Some(1) => cut(kind, 20),
        Some(version) => format!("{} v{version}", cut(kind, 20)),
    }
}

fn name(queue: QueueArg) -> QueueName {
    match queue {
        QueueArg::Requests => QueueName::Requests,
        QueueArg::Replies => QueueName::Replies,
    }
}

fn dash() -> String {
    "–".to_owned()
}
