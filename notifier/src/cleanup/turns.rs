//! Turns that were abandoned, and finals that were not delivered.

use shared::domain::SessionKey;
use shared::ports::Durability;
use shared::ports::store::{Item, StoreError};
use shared::protocol::{SessionRow, Turn, TurnOutcome, TurnState, commit, due, keys};
use shared::queue_messages::{FinalPointer, ReplyMessage};

use super::CleanupRun;
use crate::delivery::DeliveryScope;
use crate::error::NotifierError;
use crate::handler::Notifier;

impl Notifier {
    pub(super) async fn clean_turn(
        &self,
        key: &SessionKey,
        item: Item,
        run: &mut CleanupRun,
    ) -> Result<(), NotifierError> {
        // The index may lag, and shows expired rows: only the row as it stands now counts.
        let mut items = self.ports.store.get(&[keys::session(key), item.key]).await?;
        let turn = items.pop().flatten().map(Item::into_row::<Turn>).transpose()?;
        let session = items.pop().flatten().map(Item::into_row::<SessionRow>).transpose()?;
        let Some((owner, turn)) = session.and_then(|session| session.owner()).zip(turn) else {
            return Ok(());
        };
        if !due::is_due(&turn, self.ports.clock.now()) {
            return Ok(());
        }
        match turn.state() {
            TurnState::Running => self.end_abandoned(key, &turn, run).await,
            TurnState::Committed if run.bus_away => Err(NotifierError::Event),
            TurnState::Committed => {
                self.deliver_turn(key, &owner, &turn, DeliveryScope::AnalyticsOnly).await?;
                run.report.delivered_turns += 1;
                Ok(())
            }
            TurnState::Delivered => Ok(()),
        }
    }

    /// Ends a turn whose worker disappeared, if it still is as it was read, and enqueues its final.
    async fn end_abandoned(
        &self,
        key: &SessionKey,
        turn: &Turn,
        run: &mut CleanupRun,
    ) -> Result<(), NotifierError> {
        let write =
            commit::abandoned(key, turn, &TurnOutcome::abandoned(turn), self.ports.clock.now());
        match self.ports.store.write(write, Durability::Synced).await {
            Ok(_) => run.report.ended_turns += 1,
            Err(StoreError::ConditionFailed(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let pointer = FinalPointer { session_key: key.clone(), turn: turn.turn };
        Ok(self.ports.replies.send(ReplyMessage::Final(pointer).outgoing()).await?)
    }
}
