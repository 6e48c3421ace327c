//! One turn: claim, context, prompt, model call with retry and fallback, provisional text, commit,
//! final.
//!
//! | module | what it does |
//! |---|---|
//! | [`handler`] | handles one delivery from the request queue |
//! | `turn` | claims a turn and makes it final: steps 2, 6 and 7 of the turn protocol |
//! | `context` | reads what the model gets to know: history and document |
//! | [`prompt`] | renders the prompt: the template, the delimited document |
//! | `answer` | answers the turn: model calls in order, generations, budgets |
//! | [`calls`] | the rules for calling a provider: retries, circuit breaker |
//! | `streaming` | sends provisional text to connected clients; a checkpoint once a second |
//! | [`reply_cache`] | caches replies to the first question of a session |
//! | [`ports`] | the ports that all of these use |
//! | [`config`] | the settings of all of these |

mod answer;
pub mod calls;
mod citations;
pub mod config;
mod context;
pub mod handler;
pub mod ports;
mod preference;
pub mod prompt;
pub mod reply_cache;
mod streaming;
mod turn;

mod error;

pub use config::WorkerConfig;
pub use error::WorkerError;
pub use handler::Worker;
pub use ports::Ports;
