//! The traits that adapters implement, named by role.
//!
//! Every guarantee in these documents is a test in `testkit/src/conformance`.

mod cache;
mod clock;
mod documents;
mod events;
mod ids;
mod library;
mod metrics;
mod model;
pub mod push;
pub mod queue;
mod secrets;
pub mod store;

pub use cache::{CacheError, CacheKey, CachedReply, ReplyCache};
pub use clock::Clock;
pub use documents::{Document, DocumentSummary, Documents, DocumentsError, Passage, SearchQuery};
pub use events::{EventEntry, Events, EventsError};
pub use ids::Ids;
pub use library::{
    DocumentInfo, Library, MAX_DOCUMENT_BYTES, MAX_SOURCE_URL_BYTES, MAX_TITLE_BYTES, NewDocument,
    NewDocumentError, PutResult,
};
pub use metrics::{Attempts, Metrics, TurnMeasure};
pub use model::{
    ChatMessage, Finish, FoundPassage, FoundPassages, Model, ModelCitation, ModelError, ModelEvent,
    ModelStream, Prompt, PromptCaching, Role,
};
pub use push::{Push, PushError};
pub use queue::{
    DeadLetter, Delivery, Durability, EventSource, OutgoingMessage, Queue, QueueError, Receipt,
};
pub use secrets::{Secrets, SecretsError, SigningKey, SigningKeys};
pub use store::{Store, StoreError};
