//! The bodies of the operator calls (`contracts/operator.yaml`): what `yogi` and the admin page are
//! told, and ask for.
//!
//! Times are milliseconds since 1970 unless a name says otherwise.

pub mod calls;
mod events;
mod latency;
mod messages;
mod prompts;
mod queues;
mod sessions;
mod stats;
mod status;

use serde::{Deserialize, Serialize};

pub use events::{EventPage, EventQuery, StoredEvent};
pub use latency::Latency;
pub use messages::{
    LookupRequest, LookupResponse, MessageRef, MessageStatus, NewMessage, SubmitRequest,
    SubmitResponse, SubmitResult,
};
pub use prompts::{FirstMessage, PromptsRequest, PromptsResponse, RenderedPrompt};
pub use queues::{DeadLetterView, DeadLetters, QueueName, RedriveRequest, RedriveResponse};
pub use sessions::{SessionPage, SessionView, TurnPage, TurnView};
pub use stats::{
    Bucket, DocumentFigures, Figures, Group, Series, Stats, Tally, cost_of, series_of,
};
pub use status::{BreakerState, ProviderStatus, QueueStatus, ServerStatus};

/// Where a running server is, as it says in its data directory, in [`ServerAddress::FILE`].
///
/// The file can be read by its owner only; it is removed when the server stops, and may outlive one
/// that was killed.
#[derive(Clone, Serialize, Deserialize)]
pub struct ServerAddress {
    /// The base of all calls, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// What the operator calls ask for as `Authorization: Bearer`.
    pub token: String,
}

/// The token stays out of whatever it is printed in.
impl std::fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerAddress").field("url", &self.url).finish_non_exhaustive()
    }
}

impl ServerAddress {
    /// The name of the file.
    pub const FILE: &str = "operator.json";
}
