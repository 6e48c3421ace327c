//! The ports of one process: the services with faults laid around every call, and somebody who
//! watches.

mod clock;
mod documents;
mod events;
mod model;
pub(crate) mod purpose;
pub(crate) use purpose::set;
mod push;
mod queue;
mod secrets;
mod store;

use std::sync::Arc;

use shared::ports::{Clock, Documents, Events, Model, Push, Queue, Secrets, Store};

pub use queue::Which;
pub(crate) use queue::away;

use crate::cloud::Cloud;
use crate::faults::Process;
use crate::mutants::{self, Mutant};

/// Makes the ports of one process.
#[derive(Clone)]
pub struct Rig {
    /// The process.
    pub process: Arc<Process>,
    /// The services.
    pub cloud: Arc<Cloud>,
    /// Which part of the protocol is broken on purpose.
    pub mutant: Option<Mutant>,
}

impl Rig {
    /// Returns the table.
    pub fn store(&self) -> Arc<dyn Store> {
        mutants::store(self, Arc::new(store::FaultyStore { rig: self.clone() }))
    }

    /// Returns a queue.
    pub fn queue(&self, which: Which) -> Arc<dyn Queue> {
        mutants::queue(self, which, Arc::new(queue::FaultyQueue { rig: self.clone(), which }))
    }

    /// Returns the way to the browsers.
    pub fn push(&self) -> Arc<dyn Push> {
        Arc::new(push::FaultyPush { rig: self.clone() })
    }

    /// Returns the event bus.
    pub fn events(&self) -> Arc<dyn Events> {
        Arc::new(events::FaultyEvents { rig: self.clone() })
    }

    /// Returns the documents.
    pub fn documents(&self) -> Arc<dyn Documents> {
        Arc::new(documents::FaultyDocuments { rig: self.clone() })
    }

    /// Returns the keys.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(secrets::FaultySecrets { rig: self.clone() })
    }

    /// Returns the clock of the process, which may be off.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(clock::SkewedClock { rig: self.clone() })
    }

    /// Returns the models of both providers.
    pub fn models(&self) -> Vec<Arc<dyn Model>> {
        let model = |provider| {
            Arc::new(model::SimulatedModel { rig: self.clone(), provider }) as Arc<dyn Model>
        };
        [shared::domain::ProviderName::Claude, shared::domain::ProviderName::OpenAi]
            .map(model)
            .into()
    }
}
