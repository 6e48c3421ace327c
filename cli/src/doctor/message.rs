//! Sends a test message through the system and times each stage.

use std::time::Duration;

use shared::domain::{ErrorCode, MessageId, MessageText, ProviderName, SessionId, TurnKind};
use shared::operator::{
    LookupRequest, MessageRef, MessageStatus, NewMessage, ServerStatus, SubmitRequest, TurnView,
};
use tokio::time::{Instant, timeout};

use super::Findings;
use crate::backend::{Backend, BackendError};
use crate::context::Context;
use crate::exit::usage;
use crate::output::{cut, millis, money};

const QUESTION: &str = "This is a test of the connection. Answer with the single word: yes";
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);
const WAIT_MS: u64 = 5_000;

/// Sends a test message, to one provider or to each.
pub(super) async fn send(
    findings: &mut Findings,
    context: &Context,
    backend: &dyn Backend,
    status: &ServerStatus,
    every: bool,
) -> anyhow::Result<()> {
    let Some(known) = status.providers.as_deref().or((!every).then_some(&[])) else {
        return Err(usage("this chatbot does not report its providers; leave out --all-providers"));
    };
    let providers: Vec<Option<ProviderName>> = if every {
        known.iter().map(|provider| Some(provider.provider)).collect()
    } else {
        vec![None]
    };
    for provider in providers {
        let name = provider
            .map_or_else(|| "test message".to_owned(), |provider| format!("test of {provider}"));
        match one(context, backend, provider).await {
            Ok(Some((turn, wall))) => tell(findings, &name, &turn, wall),
            Ok(None) => findings.bad(
                &name,
                format!("no answer in {} s: is the worker running?", RETRY_TIMEOUT.as_secs()),
            ),
            Err(error) => match error.downcast::<BackendError>() {
                Ok(error) => findings.bad(&name, error.to_string()),
                Err(error) => return Err(error),
            },
        }
    }
    Ok(())
}

async fn one(
    context: &Context,
    backend: &dyn Backend,
    provider: Option<ProviderName>,
) -> anyhow::Result<Option<(Box<TurnView>, Duration)>> {
    let began = Instant::now();
    let id = format!("doctor.{}", context.new_id());
    let wrong = |error: &dyn std::fmt::Display| usage(error.to_string());
    let message = NewMessage {
        session_id: SessionId::parse(id.clone()).map_err(|error| wrong(&error))?,
        message_id: MessageId::parse(id).map_err(|error| wrong(&error))?,
        message: MessageText::parse(QUESTION).map_err(|error| wrong(&error))?,
        document_id: None,
        provider,
        // A reply that was kept would say nothing of the provider: a replay is always asked anew.
        replay: Some(Box::default()),
    };
    let request = SubmitRequest { principal: context.principal()?, messages: vec![message] };
    let response = backend.submit(&request).await?;
    let Some(submitted) = response.messages.into_iter().next() else { return Ok(None) };
    if let Some(problem) = submitted.problem {
        return Err(BackendError::Failed(problem).into());
    }
    let found = timeout(RETRY_TIMEOUT, answer(backend, &submitted.pointer)).await;
    // A test leaves nothing behind; where it cannot be removed it goes by itself within a day.
    drop(backend.delete(&submitted.pointer.session_key).await);
    match found {
        Err(_) => Ok(None),
        Ok(turn) => Ok(Some((turn?, began.elapsed()))),
    }
}

async fn answer(backend: &dyn Backend, pointer: &MessageRef) -> anyhow::Result<Box<TurnView>> {
    let request = LookupRequest { messages: vec![pointer.clone()], wait_ms: WAIT_MS };
    loop {
        if let Some(MessageStatus::Done { turn }) =
            backend.lookup(&request).await?.messages.into_iter().next()
        {
            return Ok(turn);
        }
    }
}

fn tell(findings: &mut Findings, name: &str, turn: &TurnView, wall: Duration) {
    let times = &turn.timings;
    let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    let stages = format!(
        "queue {}, context {}, first token {}, committed {}, received here {}",
        millis(times.queue_ms),
        millis(times.context_ms),
        times.first_token_ms.map_or_else(|| "–".to_owned(), millis),
        millis(times.total_ms),
        millis(wall),
    );
    let who = turn.model.as_deref().or(turn.provider.map(ProviderName::as_str)).unwrap_or("none");
    let cost = turn.cost_micro_usd.map(|cost| format!(", {}", money(cost))).unwrap_or_default();
    match (turn.kind, &turn.error) {
        (Some(TurnKind::Reply), _) => {
            findings.ok(name, format!("{} answered{cost}: {stages}", cut(who, 40)));
        }
        (_, Some(error)) => {
            let why = match error.code {
                ErrorCode::ProvidersRejected => {
                    "the provider refused the key, or the model is retired: check the key, and \
                    CHATBOT_CLAUDE_MODEL or CHATBOT_OPENAI_MODEL"
                }
                ErrorCode::ProvidersUnavailable => {
                    "no provider could be reached: check the network and the provider's status page"
                }
                ErrorCode::BudgetExhausted => {
                    "the daily budget is spent: raise CHATBOT_DAILY_BUDGET_USD, or wait"
                }
                _ => error.message.as_str(),
            };
            findings.bad(name, format!("{}: {why} ({stages})", error.code));
        }
        _ => findings.careful(name, format!("it was stopped ({stages})")),
    }
}
