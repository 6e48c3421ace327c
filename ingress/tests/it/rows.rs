//! Turns, as a worker would have left them.

use serde_json::json;
use shared::domain::{
    ContextUse, Epoch, ErrorCode, FinishReason, MessageId, MessageText, MicroUsd, ProviderName,
    SessionId, SessionKey, TurnKind, TurnNumber, Usage,
};
use shared::ports::Durability;
use shared::ports::store::{Change, Condition, Item, Store as _, Write};
use shared::protocol::{SessionRow, Timings, TurnError, TurnRow, TurnState, keys};

use crate::world::World;

/// A turn that is being answered.
pub(crate) fn running(world: &World, number: u64) -> TurnRow {
    TurnRow {
        turn: TurnNumber::parse(number).unwrap(),
        message_id: MessageId::parse(format!("m{number}")).unwrap(),
        message: MessageText::parse(format!("Question {number}")).unwrap(),
        document_id: None,
        requested_provider: None,
        state: TurnState::Running,
        epoch: Epoch::FIRST,
        cancel: false,
        partial: None,
        kind: None,
        text: None,
        sha256: None,
        error: None,
        finish_reason: None,
        provider: None,
        model: None,
        usage: None,
        cost_micro_usd: None,
        cached: false,
        context: None,
        citations: Vec::new(),
        grounding: None,
        passages: Vec::new(),
        timings: Timings::default(),
        accepted_at: world.now(),
        created_at: world.now(),
        finished_at: None,
        expires_at: shared::domain::ExpiresAt::at(
            world.now().plus(std::time::Duration::from_hours(24)),
        ),
        due: None,
        trace: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        synthetic: false,
    }
}

/// A turn with a reply.
pub(crate) fn replied(world: &World, number: u64, text: &str) -> TurnRow {
    TurnRow {
        state: TurnState::Committed,
        kind: Some(TurnKind::Reply),
        text: Some(text.to_owned()),
        sha256: Some(shared::domain::sha256_hex(text)),
        finish_reason: Some(FinishReason::Stop),
        provider: Some(ProviderName::Claude),
        model: Some("model-1".to_owned()),
        usage: Some(Usage { input_tokens: 10, output_tokens: 20, ..Usage::default() }),
        cost_micro_usd: Some(MicroUsd(123)),
        context: Some(ContextUse::Used),
        finished_at: Some(world.now()),
        ..running(world, number)
    }
}

/// A turn that failed.
pub(crate) fn failed(world: &World, number: u64) -> TurnRow {
    let error = TurnError {
        code: ErrorCode::ProvidersUnavailable,
        message: "Nobody could answer.".to_owned(),
    };
    TurnRow {
        kind: Some(TurnKind::Error),
        text: Some(String::new()),
        error: Some(error),
        finish_reason: Some(FinishReason::Error),
        provider: None,
        model: None,
        usage: None,
        cost_micro_usd: None,
        ..replied(world, number, "")
    }
}

/// Returns the key of the only session of the world with the client's id `s`.
pub(crate) fn key_of_s(world: &World) -> SessionKey {
    let s = SessionId::parse("s").unwrap();
    let rows = world.store.inner.dump();
    let mut sessions = rows.iter().filter(|item| item.key.sort == keys::META);
    let of_s = |item: &&Item| {
        item.to_row::<SessionRow>().is_ok_and(|row| row.client_session_id.as_ref() == Some(&s))
    };
    SessionKey::parse(sessions.find(of_s).unwrap().key.partition.clone()).unwrap()
}

/// Stores a turn of the session `s`, and moves its counters as claims would have.
pub(crate) async fn put(world: &World, row: &TurnRow) {
    world.store.inner.transact(writes(world, row), Durability::Synced).await.unwrap();
}

/// Returns what [`put`] writes.
pub(crate) fn writes(world: &World, row: &TurnRow) -> Vec<Write> {
    let key = key_of_s(world);
    let item = Item::from_row(keys::turn(&key, row.turn), row).unwrap();
    let next = vec![
        Change::Set("next_turn", json!(row.turn.next())),
        Change::Set("accepted", json!(row.turn)),
    ];
    vec![
        Write::put(item, vec![]),
        Write::update(keys::session(&key), vec![Condition::Present], next),
    ]
}
