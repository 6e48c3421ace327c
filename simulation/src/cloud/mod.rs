//! The services that the functions stand on, as they are when nothing goes wrong.

mod model;
mod network;

use std::sync::Arc;
use std::time::Duration;

use secrecy::{SecretSlice, SecretString};
use shared::domain::{ProviderName, Timestamp};
use shared::fifo::QueueSettings;
use shared::memory::{
    MemoryDocuments, MemoryEvents, MemoryQueue, MemorySecrets, MemoryStore, OwnedDocument,
    TokioClock,
};
use shared::ports::{Clock as _, SigningKey, SigningKeys};

pub use model::{ModelScript, ModelScripts, ModelStep};
pub use network::{Incoming, Network};

use crate::checks::Checker;
use crate::faults::Faults;
use crate::mutants::{AttemptedEvents, DeferredCommits};
use crate::trace::Trace;

/// The second at which every run begins.
pub const START: Timestamp = Timestamp(1_800_000_000_000);

/// All services, and those who watch them.
pub struct Cloud {
    /// True time.
    pub clock: TokioClock,
    /// The table.
    pub store: Arc<MemoryStore>,
    /// The queue of requests.
    pub requests: Arc<MemoryQueue>,
    /// The queue of replies.
    pub replies: Arc<MemoryQueue>,
    /// The WebSocket connections.
    pub network: Network,
    /// The event bus.
    pub events: MemoryEvents,
    /// The documents.
    pub documents: MemoryDocuments,
    /// The keys.
    pub secrets: Arc<MemorySecrets>,
    /// What the models say.
    pub scripts: ModelScripts,
    /// What a mutant keeps aside; empty unless the protocol is broken on purpose.
    pub(crate) kept: DeferredCommits,
    /// What a mutant refused once; empty unless the protocol is broken on purpose.
    pub(crate) attempted_events: AttemptedEvents,
    /// What goes wrong.
    pub faults: Arc<Faults>,
    /// What happened.
    pub trace: Arc<Trace>,
    /// What must hold.
    pub checker: Arc<Checker>,
}

/// How the services are set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a request is hidden, unless its worker says otherwise.
    pub requests_visibility: Duration,
    /// How long a reply is hidden.
    pub replies_visibility: Duration,
    /// How often a request is received before it is a dead letter.
    pub requests_receives: u32,
    /// How often a reply is received before it is a dead letter.
    pub replies_receives: u32,
    /// A history of fewer bytes fits the token budget for certain.
    pub whole_history: usize,
}

impl Default for Limits {
    /// The limits of the deployment on AWS.
    fn default() -> Self {
        Self {
            requests_visibility: Duration::from_mins(15),
            replies_visibility: Duration::from_mins(1),
            requests_receives: 10,
            replies_receives: 5,
            whole_history: 8_000,
        }
    }
}

impl Cloud {
    /// Sets the services up, empty but for the documents.
    pub fn new(
        faults: Arc<Faults>,
        trace: Arc<Trace>,
        limits: Limits,
        documents: Vec<OwnedDocument>,
    ) -> Self {
        let clock = TokioClock::starting_at(START);
        let queue = |visibility, receives| {
            Arc::new(MemoryQueue::new(QueueSettings::new(visibility, receives)))
        };
        let store = Arc::new(MemoryStore::new(Arc::new(clock)));
        Self {
            clock,
            requests: queue(limits.requests_visibility, limits.requests_receives),
            replies: queue(limits.replies_visibility, limits.replies_receives),
            network: Network::new(Arc::clone(&faults)),
            events: MemoryEvents::new(),
            documents: MemoryDocuments::new(documents),
            secrets: Arc::new(secrets()),
            scripts: ModelScripts::default(),
            kept: DeferredCommits::default(),
            attempted_events: AttemptedEvents::default(),
            checker: Arc::new(Checker::new(
                Arc::clone(&store),
                Arc::clone(&faults),
                Arc::clone(&trace),
                limits.whole_history,
            )),
            store,
            faults,
            trace,
        }
    }

    /// Returns the true time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

fn secrets() -> MemorySecrets {
    let key =
        SigningKey { id: "simulated".to_owned(), key: Arc::new(SecretSlice::from(vec![7; 32])) };
    let secrets = MemorySecrets::new(SigningKeys(vec![key]));
    for provider in [ProviderName::Claude, ProviderName::OpenAi] {
        secrets.set(provider, SecretString::from("simulated"));
    }
    secrets
}
