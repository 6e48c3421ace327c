//! The ports of one process: the services, watched by the checker, with faults around every call.

mod clock;
mod documents;
mod events;
mod model;
mod push;
mod queue;
mod store;

use std::sync::Arc;

use shared::ports::{Clock, Documents, Events, Model, Push, Queue, Secrets, Store};

use testkit::faults::Faulty;

pub use queue::QueueName;
pub(crate) use queue::unavailable;

use crate::cloud::Cloud;
use crate::faults::Process;
use crate::mutants::{self, Mutant, Refused};

/// Makes the ports of one process.
#[derive(Clone)]
pub struct ProcessPorts {
    /// The process.
    pub process: Arc<Process>,
    /// The services.
    pub cloud: Arc<Cloud>,
    /// Which part of the protocol is broken on purpose.
    pub mutant: Option<Mutant>,
    /// What a mutant remembers of the process.
    pub(crate) refused: Refused,
}

impl ProcessPorts {
    /// Makes the ports of a process.
    pub fn new(process: Arc<Process>, cloud: Arc<Cloud>, mutant: Option<Mutant>) -> Self {
        Self { process, cloud, mutant, refused: Refused::default() }
    }

    /// Puts the process's faults around a port.
    fn faulty<P>(&self, port: P) -> Arc<Faulty<P, Arc<Process>>> {
        Arc::new(Faulty::new(Arc::new(port), Arc::clone(&self.process)))
    }

    /// Returns the table.
    pub fn store(&self) -> Arc<dyn Store> {
        mutants::store(self, self.faulty(store::WatchedStore { process_ports: self.clone() }))
    }

    /// Returns a queue.
    pub fn queue(&self, which: QueueName) -> Arc<dyn Queue> {
        mutants::queue(
            self,
            which,
            self.faulty(queue::WatchedQueue { process_ports: self.clone(), which }),
        )
    }

    /// Returns the way to the browsers.
    pub fn push(&self) -> Arc<dyn Push> {
        mutants::push(self, self.faulty(push::WatchedPush { process_ports: self.clone() }))
    }

    /// Returns the event bus.
    pub fn events(&self) -> Arc<dyn Events> {
        mutants::events(self, self.faulty(events::WatchedEvents { process_ports: self.clone() }))
    }

    /// Returns the documents.
    pub fn documents(&self) -> Arc<dyn Documents> {
        self.faulty(documents::UnreliableDocuments { process_ports: self.clone() })
    }

    /// Returns the keys.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(Faulty::new(Arc::clone(&self.cloud.secrets), Arc::clone(&self.process)))
    }

    /// Returns the clock of the process, which may be off.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(clock::SkewedClock { process_ports: self.clone() })
    }

    /// Returns the models of both providers.
    pub fn models(&self) -> Vec<Arc<dyn Model>> {
        let model = |provider| {
            Arc::new(model::SimulatedModel { process_ports: self.clone(), provider })
                as Arc<dyn Model>
        };
        [shared::domain::ProviderName::Claude, shared::domain::ProviderName::OpenAi]
            .map(model)
            .into()
    }
}
