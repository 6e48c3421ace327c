//! `yogi dlq`: dead letters, and the ways out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use shared::operator::{DeadLetterView, QueueName, RedriveRequest, RedriveResponse};

use crate::args::{DlqCommand, Drop, List, One, Queue, Redrive, Which};
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::{Home, Need};
use crate::output::{Table, Tone, ago, clean, confirmed, cut, note};

/// The most that one call lists of a queue.
const MOST: usize = 1_000;

/// What is done with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Redrive,
    Drop,
}

/// Runs the command.
pub(crate) async fn run(desk: &Desk, command: DlqCommand) -> anyhow::Result<Exit> {
    if let DlqCommand::Redrive(Redrive { which }) | DlqCommand::Drop(Drop { which, .. }) = &command
        && which.ids.is_empty()
        && !which.all
    {
        return Err(usage(
            "name dead letters by their ids, as `yogi dlq list` shows them, or all of them with \
            --all",
        ));
    }
    desk.with_home(Need::Existing, |home| async move {
        match command {
            DlqCommand::List(what) => list(desk, home, &what).await,
            DlqCommand::Show(which) => show(desk, home, &which).await,
            DlqCommand::Redrive(what) => out(desk, home, Way::Redrive, what.which, true).await,
            DlqCommand::Drop(what) => out(desk, home, Way::Drop, what.which, what.yes).await,
        }
    })
    .await
}

async fn list(desk: &Desk, home: Arc<dyn Home>, what: &List) -> anyhow::Result<Exit> {
    let letters = letters(home.as_ref(), what.queue, what.limit.into()).await?;
    let now = desk.now();
    let mut table =
        Table::new(&["queue", "id", "type", "message", "session", ">received", "sent", "reason"]);
    for letter in &letters {
        desk.output.object(letter);
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
        desk.output.line("no dead letters");
        return Ok(Exit::Done);
    }
    desk.output.table(&table);
    for queue in QueueName::ALL {
        let shown = letters.iter().filter(|letter| letter.queue == queue).count();
        if shown == usize::from(what.limit) {
            note(&format!(
                "there may be more of {}: --limit {} was reached",
                queue.as_str(),
                what.limit
            ));
        }
    }
    Ok(Exit::Done)
}

async fn show(desk: &Desk, home: Arc<dyn Home>, which: &One) -> anyhow::Result<Exit> {
    let letters = letters(home.as_ref(), which.queue, MOST).await?;
    let found: Vec<_> = letters.iter().filter(|letter| letter.id == which.id).collect();
    let letter = match found.as_slice() {
        [] => {
            return Err(usage(format!(
                "no dead letter has the id {:?}; `yogi dlq list` shows them",
                which.id
            )));
        }
        [letter] => *letter,
        _ => {
            return Err(usage(format!(
                "both queues have a dead letter {:?}: add --queue",
                which.id
            )));
        }
    };
    desk.output.object(letter);
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("queue", letter.queue.as_str().to_owned());
    row("id", clean(&letter.id));
    row("why", clean(&letter.reason));
    row("type", kind(letter));
    row("group", clean(&letter.group));
    row("session", letter.session_key.as_ref().map_or_else(dash, ToString::to_string));
    row("message", letter.message_id.as_ref().map_or_else(dash, ToString::to_string));
    row("received", format!("{} times", letter.receive_count));
    row(
        "sent",
        letter
            .sent_at
            .map_or_else(dash, |sent| format!("{}, {}", sent.to_rfc3339(), ago(desk.now(), sent))),
    );
    desk.output.table(&table);
    desk.output.line("");
    let body: Option<Value> = serde_json::from_str(&letter.body).ok();
    let body = body
        .and_then(|body| serde_json::to_string_pretty(&body).ok())
        .unwrap_or_else(|| letter.body.clone());
    for line in body.lines() {
        desk.output.line(&clean(line));
    }
    Ok(Exit::Done)
}

/// Takes dead letters out of their queue, one way or the other.
async fn out(
    desk: &Desk,
    home: Arc<dyn Home>,
    way: Way,
    which: Which,
    sure: bool,
) -> anyhow::Result<Exit> {
    let chosen = choose(home.as_ref(), &which).await?;
    if !which.dry_run && way == Way::Drop && !sure {
        let asked = match &which.ids[..] {
            [] => "all dead letters".to_owned(),
            ids => format!("{} dead letter{}", ids.len(), if ids.len() == 1 { "" } else { "s" }),
        };
        if !confirmed(&format!("Remove {asked} for good? Their messages are never answered.")) {
            return Err(usage("nothing was removed; --yes removes without asking"));
        }
    }
    let mut missing = 0;
    let mut taken = 0;
    for (queue, ids) in chosen {
        let request = RedriveRequest { queue, ids, dry_run: which.dry_run };
        let response = match way {
            Way::Redrive => home.redrive(&request).await?,
            Way::Drop => home.drop_letters(&request).await?,
        };
        say(desk, way, &request, &response);
        taken += response.ids.len();
        missing += response.missing.len();
    }
    let done = match (way, which.dry_run) {
        (Way::Redrive, true) => "would be tried again",
        (Way::Redrive, false) => "are on their queue again",
        (Way::Drop, true) => "would be removed",
        (Way::Drop, false) => "were removed",
    };
    desk.output.line(&format!(
        "{taken} {done}{}",
        if missing > 0 { format!(", {missing} not found") } else { String::new() }
    ));
    Ok(if missing > 0 { Exit::Partly } else { Exit::Done })
}

/// Returns which ids of which queue are meant; none are all.
async fn choose(
    home: &dyn Home,
    which: &Which,
) -> anyhow::Result<Vec<(QueueName, Option<Vec<String>>)>> {
    if which.all {
        let queues = which.queue.map_or_else(|| QueueName::ALL.to_vec(), |queue| vec![name(queue)]);
        return Ok(queues.into_iter().map(|queue| (queue, None)).collect());
    }
    if let Some(queue) = which.queue {
        return Ok(vec![(name(queue), Some(which.ids.clone()))]);
    }
    let letters = letters(home, None, MOST).await?;
    let mut chosen: BTreeMap<QueueName, Vec<String>> = BTreeMap::new();
    for id in &which.ids {
        let found: Vec<_> =
            letters.iter().filter(|letter| letter.id == *id).map(|letter| letter.queue).collect();
        match found.as_slice() {
            [] => {
                return Err(usage(format!(
                    "no dead letter has the id {id:?}; `yogi dlq list` shows them"
                )));
            }
            [queue] => chosen.entry(*queue).or_default().push(id.clone()),
            _ => return Err(usage(format!("both queues have a dead letter {id:?}: add --queue"))),
        }
    }
    Ok(chosen.into_iter().map(|(queue, ids)| (queue, Some(ids))).collect())
}

fn say(desk: &Desk, way: Way, request: &RedriveRequest, response: &RedriveResponse) {
    let word = if way == Way::Redrive { "redrive" } else { "drop" };
    let queue = request.queue.as_str();
    for (ids, found) in [(&response.ids, true), (&response.missing, false)] {
        for id in ids {
            desk.output.object(&json!({
                "type": word, "queue": queue, "id": id, "found": found, "dry_run": request.dry_run,
            }));
            let mark = if found {
                desk.output.paint(Tone::Good, word)
            } else {
                desk.output.paint(Tone::Bad, "not there")
            };
            desk.output.line(&format!("{queue}  {}  {mark}", clean(id)));
        }
    }
}

async fn letters(
    home: &dyn Home,
    queue: Option<Queue>,
    limit: usize,
) -> anyhow::Result<Vec<DeadLetterView>> {
    let mut letters = home.dead_letters(limit).await?.dead_letters;
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

fn name(queue: Queue) -> QueueName {
    match queue {
        Queue::Requests => QueueName::Requests,
        Queue::Replies => QueueName::Replies,
    }
}

fn dash() -> String {
    "–".to_owned()
}
