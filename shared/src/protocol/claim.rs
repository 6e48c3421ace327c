//! Claiming a turn for a message that has none.

use serde_json::json;

use super::accept::renew;
use super::commit;
use super::{
    Lifetime, MessageRow, RunningTurn, SessionRow, Timings, Turn, TurnOutcome, TurnPhase,
    TurnState, keys,
};
use crate::domain::{Epoch, MessageId, SessionKey, Timestamp, TurnNumber};
use crate::ports::store::{Change, Condition, Item, StoreError, Write};

/// The place of the predecessor's check in [`claim`]'s transaction.
pub const PREDECESSOR: usize = 3;

/// What a worker read before it claims.
#[derive(Debug, Clone, Copy)]
pub struct ClaimInput<'a> {
    /// The session's key.
    pub key: &'a SessionKey,
    /// The session, live.
    pub session: &'a SessionRow,
    /// The message's id.
    pub message_id: &'a MessageId,
    /// The message, without a turn.
    pub message: &'a MessageRow,
    /// Whether the turn before was read as final, which it then is for ever: nothing has to check
    /// it again.
    pub predecessor_is_final: bool,
}

impl ClaimInput<'_> {
    /// The three checks that make a claim from a stale reading fail:
    /// the session lives, `next_turn` is the one read, the message has no turn and still the
    /// `cancel` read.
    fn session_conditions(&self) -> Vec<Condition> {
        vec![
            Condition::Equals("next_turn", json!(self.session.next_turn)),
            Condition::Missing("deleted"),
        ]
    }

    fn message_conditions(&self) -> Vec<Condition> {
        let cancel = if self.message.cancel {
            Condition::Equals("cancel", json!(true))
        } else {
            Condition::Missing("cancel")
        };
        vec![Condition::Present, Condition::Missing("turn"), cancel]
    }
}

/// Takes the next turn for the message: one transaction, and the row that it creates.
///
/// Refused at [`PREDECESSOR`] where the turn before is still running; refused elsewhere where the
/// reading is stale.
/// A turn before that was read as absent is checked too: its row may be part of a transaction that
/// is half visible.
pub fn claim(
    input: ClaimInput<'_>,
    trace: Option<String>,
    lifetime: Lifetime,
    now: Timestamp,
) -> Result<(Turn, Vec<Write>), StoreError> {
    let ClaimInput { key, session, message_id, message, predecessor_is_final } = input;
    let turn = session.next_turn;
    let mut changes = vec![Change::Set("next_turn", json!(turn.next()))];
    let expires_at = renew(session, lifetime, now, &mut changes);
    let running = RunningTurn {
        partial: String::new(),
        citations: Vec::new(),
        passages: Vec::new(),
        timings: Timings { queue_ms: millis(now, message.accepted_at), ..Timings::default() },
        due: super::due::first_look(now),
    };
    let row = Turn {
        turn,
        message_id: message_id.clone(),
        message: message.message.clone(),
        document_id: message.document_id.clone(),
        requested_provider: message.provider,
        epoch: Epoch::FIRST,
        cancel: message.cancel,
        accepted_at: message.accepted_at,
        created_at: now,
        expires_at,
        trace,
        synthetic: session.principal.as_ref().is_some_and(crate::domain::Principal::is_operator),
        phase: TurnPhase::Running(running),
    };
    let message_changes =
        vec![Change::Set("turn", json!(turn)), Change::Set("expires_at", json!(expires_at))];
    let mut writes = vec![
        Write::update(keys::session(key), input.session_conditions(), changes),
        Write::update(keys::message(key, message_id), input.message_conditions(), message_changes),
        Write::put(Item::from_row(keys::turn(key, turn), &row)?, vec![Condition::Absent]),
    ];
    if let Some(previous) = turn.previous().filter(|_| !predecessor_is_final) {
        writes.push(Write::check(keys::turn(key, previous), vec![not_running()]));
    }
    Ok((row, writes))
}

/// Ends a predecessor that is still running, by a transaction with the same three checks as
/// [`claim`], so that a stale claim never ends a live turn.
pub fn end_predecessor(
    input: ClaimInput<'_>,
    predecessor: &Turn,
    outcome: &TurnOutcome,
    now: Timestamp,
) -> Vec<Write> {
    let ClaimInput { key, message_id, .. } = input;
    vec![
        Write::check(keys::session(key), input.session_conditions()),
        Write::check(keys::message(key, message_id), input.message_conditions()),
        commit::abandoned(key, predecessor, outcome, now),
    ]
}

/// Returns the turn before the one that the session gives next.
pub fn predecessor(session: &SessionRow) -> Option<TurnNumber> {
    session.next_turn.previous()
}

fn not_running() -> Condition {
    Condition::Differs("state", json!(TurnState::Running))
}

fn millis(now: Timestamp, then: Timestamp) -> u64 {
    u64::try_from(now.since(then).as_millis()).unwrap_or(u64::MAX)
}
