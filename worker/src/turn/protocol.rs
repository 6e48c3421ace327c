//! What the steps of the turn protocol need.

use shared::domain::{SessionKey, TurnNumber};
use shared::ports::store::Item;
use shared::protocol::{Lifetime, Turn, keys};

use crate::config::WorkerConfig;
use crate::error::WorkerError;
use crate::ports::Ports;

/// The worker's steps of the turn protocol, over the ports and limits that they need.
#[derive(Clone, Copy)]
pub(crate) struct TurnProtocol<'w> {
    pub(super) ports: &'w Ports,
    pub(super) lifetime: Lifetime,
    pub(super) max_generations: u64,
}

impl<'w> TurnProtocol<'w> {
    pub(crate) fn new(ports: &'w Ports, config: &WorkerConfig) -> Self {
        let lifetime = config.accept_limits.lifetime;
        Self { ports, lifetime, max_generations: config.max_generations }
    }

    pub(super) async fn read_turn(
        &self,
        key: &SessionKey,
        turn: TurnNumber,
    ) -> Result<Option<Turn>, WorkerError> {
        let mut items = self.ports.store.get(&[keys::turn(key, turn)]).await?;
        Ok(items.pop().flatten().map(Item::into_row).transpose()?)
    }
}
