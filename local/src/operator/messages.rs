//! Messages that operators send through the queue, and what became of them.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use futures::future::try_join_all;
use http::StatusCode;
use shared::operator::{Lookup, LookupRequest, Message, Outcome, Pointer, SubmitRequest, SubmitResponse, Submitted};
use shared::ports::store::Item;
use shared::ports::{Durability, Outgoing, Queue as _};
use shared::protocol::commit::sha256;
use shared::protocol::{MessageRow, TurnRow, keys};
use shared::queue_messages::{RequestMessage, Submit};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, Problem, json, read};
use super::{Operator, Shared};
use crate::stop::stopped;

/// The most that one call sends or looks up.
const AT_ONCE: usize = 100;
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How long the first news waits for others: many turns end at once.
const GATHER: Duration = Duration::from_millis(2);

/// `POST /admin/api/messages`.
pub(super) async fn submit(State(operator): Shared, body: Bytes) -> Answer {
    let request: SubmitRequest = read(&body)?;
    if !request.principal.is_operator() {
        return Err(Problem::field("principal", "must be op:<name>"));
    }
    let SubmitRequest { principal, messages } = request;
    let known: Vec<_> = operator.worker.providers().iter().map(|provider| provider.model.provider()).collect();
    check_count("messages", messages.len())?;
    let (mut submitted, mut sends) = (Vec::new(), Vec::new());
    for message in messages {
        let problem = message.provider.filter(|provider| !known.contains(provider));
        let problem = problem.map(|provider| format!("the provider {provider} is not configured here"));
        let submit = submit_of(&operator, &principal, message);
        let submission = submit.submission();
        let pointer = Pointer { session_key: submission.session_key(), message_id: submit.message_id.clone() };
        if problem.is_none() {
            let hash = sha256(&format!("{}\n{}\n{}", pointer.session_key, pointer.message_id, submission.body_hash()));
            sends.push(Outgoing {
                group: pointer.session_key.to_string(),
                deduplication_id: hash,
                body: RequestMessage::Submit(submit).to_body(),
                durability: Durability::Synced,
            });
        }
        submitted.push(Submitted { pointer, problem });
    }
    // All at once, in their order: they are written in one go, and wait for the disk once.
    try_join_all(sends.into_iter().map(|message| operator.requests.send(message))).await?;
    Ok(json(StatusCode::ACCEPTED, &SubmitResponse { messages: submitted }))
}

fn submit_of(operator: &Operator, principal: &shared::domain::Principal, message: Message) -> Submit {
    let Message { session_id, message_id, message, document_id, provider, replay } = message;
    Submit {
        principal: principal.clone(),
        session_id,
        message_id,
        accepted_at: operator.clock.now(),
        message,
        document_id,
        provider,
        trace: None,
        replay,
    }
}

/// `POST /admin/api/messages/lookup`.
pub(super) async fn lookup(State(operator): Shared, body: Bytes) -> Answer {
    let LookupRequest { messages, wait_ms } = read(&body)?;
    check_count("messages", messages.len())?;
    let end = Instant::now() + Duration::from_millis(wait_ms).min(LONGEST_WAIT);
    let (mut news, mut stop) = (operator.delivered.clone(), operator.stop.clone());
    loop {
        // Before the look, so that what ends during it is news.
        news.borrow_and_update();
        let outcomes = outcomes(&operator, &messages).await?;
        let done = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Done { .. }));
        if done || Instant::now() >= end || *stop.borrow() {
            return Ok(json(StatusCode::OK, &Lookup { messages: outcomes }));
        }
        let more = async {
            tokio::select! {
                () = stopped(&mut stop) => (),
                changed = news.changed() => if changed.is_ok() { tokio::time::sleep(GATHER).await },
            }
        };
        drop(timeout_at(end, more).await);
    }
}

async fn outcomes(operator: &Operator, messages: &[Pointer]) -> Result<Vec<Outcome>, Problem> {
    let asked: Vec<_> =
        messages.iter().map(|message| keys::message(&message.session_key, &message.message_id)).collect();
    let rows = operator.store.get(&asked).await?;
    let rows: Vec<Option<MessageRow>> =
        rows.into_iter().map(|item| item.map(Item::into_row).transpose()).collect::<Result<_, _>>()?;
    let begun = messages.iter().zip(&rows).filter_map(|(message, row)| Some((message, row.as_ref()?.turn?)));
    let asked: Vec<_> = begun.map(|(message, turn)| keys::turn(&message.session_key, turn)).collect();
    let mut turns = operator.store.get(&asked).await?.into_iter();
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        outcomes.push(match row {
            None => Outcome::Unknown,
            Some(row) if row.turn.is_none() => Outcome::Waiting,
            Some(_) => match turns.next().flatten().map(Item::into_row::<TurnRow>).transpose()? {
                Some(turn) if turn.is_final() => Outcome::Done { turn: Box::new(turn.into()) },
                Some(_) => Outcome::Running,
                None => Outcome::Unknown,
            },
        });
    }
    Ok(outcomes)
}

fn check_count(field: &'static str, count: usize) -> Result<(), Problem> {
    if (1..=AT_ONCE).contains(&count) {
        return Ok(());
    }
    Err(Problem::field(field, format!("must be 1 to {AT_ONCE}, not {count}")))
}
