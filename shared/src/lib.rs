//! What the functions agree on.
//!
//! | module | what it holds |
//! |---|---|
//! | [`domain`] | types that parse: a raw string dies at the edge |
//! | [`protocol`] | the turn protocol as plain data: rows, keys, transitions |
//! | [`queue_messages`] | the bodies on the two queues, tagged and versioned |
//! | [`ag_ui`] | the events that a browser receives |
//! | [`analytics`] | the events that EventBridge receives |
//! | [`operator`] | the bodies of the operator calls |
//! | [`ports`] | the traits that adapters implement, with their guarantees |
//! | [`store_retry`] | brief retries of a store that throttles |
//! | [`fifo`] | the index of a FIFO queue: groups, locks, visibility, deduplication |
//! | [`keyed_limit`] | a limit on what is open at once, by key and in all |
//! | [`limits`] | the size limits of `DynamoDB` and SQS, and how they count |
//! | [`reply_cache`] | a bounded reply cache in memory |
//! | [`disabled`] | adapters for what a deployment does without |
//! | [`memory`] | in-memory adapters that behave like the real services, for tests |
//! | [`system`] | the process's own clock and randomness |
//! | [`environment`] | typed reading of configuration variables |
//! | [`http_client`] | the HTTP client of those that call somebody outside |
//! | [`telemetry`] | logs, and the attribute names in them |
//! | [`tools`] | functions of the product that a model may ask for |
//! | [`visible`] | characters that people cannot see but models read |

pub mod ag_ui;
pub mod analytics;
pub mod disabled;
pub mod domain;
pub mod environment;
pub mod fifo;
#[cfg(feature = "http-client")]
pub mod http_client;
pub mod keyed_limit;
pub mod limits;
pub mod memory;
pub mod operator;
pub mod ports;
pub mod protocol;
pub mod queue_messages;
pub mod reply_cache;
pub mod store_retry;
pub mod system;
pub mod telemetry;
pub mod tools;
pub mod visible;

mod redact;

pub use redact::redact;
