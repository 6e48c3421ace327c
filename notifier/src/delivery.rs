//! A final on its way to browsers, to the event bus, and to its last state.

use shared::ag_ui;
use shared::analytics;
use shared::domain::{SessionKey, TurnNumber};
use shared::ports::Durability;
use shared::ports::store::{Item, StoreError};
use shared::protocol::{DeliveryState, FinalTurn, Owner, SessionRow, Turn, delivery, keys};
use shared::queue_messages::FinalPointer;
use shared::store_retry::with_retries;

use crate::error::NotifierError;
use crate::handler::{Notifier, jitter_of};

/// Who is told of a final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryScope {
    /// The connections and the event bus.
    Everything,
    /// The event bus only: the connections have been pushed to, or asked for the turn themselves.
    AnalyticsOnly,
}

impl Notifier {
    /// Delivers the final that a pointer names; one that is absent or still running is nothing to
    /// deliver.
    ///
    /// An event bus that is away fails nothing: the cleanup emits the event, and analytics never
    /// delay a reply.
    pub(crate) async fn deliver(&self, pointer: &FinalPointer) -> Result<(), NotifierError> {
        let key = &pointer.session_key;
        let mut items =
            self.ports.store.get(&[keys::session(key), keys::turn(key, pointer.turn)]).await?;
        let turn = items.pop().flatten().map(Item::into_row::<Turn>).transpose()?;
        let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
        let Some((owner, turn)) = session.and_then(|session| session.owner()).zip(turn) else {
            return Ok(());
        };
        match self.deliver_turn(key, &owner, &turn, DeliveryScope::Everything).await {
            Err(NotifierError::Event) => {
                tracing::warn!(
                    turn = turn.turn.get(),
                    "the event bus is away; the cleanup emits the event"
                );
                Ok(())
            }
            other => other,
        }
    }

    /// Pushes a final, emits its event, and marks it delivered: in this order, each at least once.
    ///
    /// When the event bus is away the turn stays committed, and the error is
    /// [`NotifierError::Event`].
    pub(crate) async fn deliver_turn(
        &self,
        key: &SessionKey,
        owner: &Owner,
        turn: &Turn,
        scope: DeliveryScope,
    ) -> Result<(), NotifierError> {
        let Some(end) = turn.as_final() else { return Ok(()) };
        if scope == DeliveryScope::Everything {
            let frame = ag_ui::final_frame(&owner.session_id, turn, end);
            self.push_to_all(key, &owner.principal.hash(), &frame).await;
        }
        if end.delivery == DeliveryState::Delivered {
            return Ok(());
        }
        let event = analytics::turn_event(key, &owner.session_id, &turn.clone().into(), self.texts);
        self.emit_or_fail(event).await?;
        self.mark_delivered(key, turn.turn, end).await
    }

    /// Marks the turn delivered and adds its totals once; somebody else having done so is fine.
    ///
    /// The claim of the session's next turn writes the same row, often at the same time: a conflict
    /// is tried again here, since a failed record would be pushed again, and hold up the session's
    /// next finals.
    async fn mark_delivered(
        &self,
        key: &SessionKey,
        turn: TurnNumber,
        end: &FinalTurn,
    ) -> Result<(), NotifierError> {
        let store = self.ports.store.as_ref();
        let mark = || store.transact(delivery::delivered(key, turn, end), Durability::Ordered);
        let result = match with_retries(|| jitter_of(key), mark).await {
            Err(StoreError::ConditionFailed(refusal)) if refusal.index == delivery::TOTALS => {
                let write = delivery::delivered_without_session(key, turn);
                store.write(write, Durability::Ordered).await.map(drop)
            }
            other => other,
        };
        match result {
            Ok(()) | Err(StoreError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
