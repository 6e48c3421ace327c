//! One turn: claim, context, prompt, model call with retry and fallback, provisional text, commit,
//! final.
//!
//! | module | what it does |
//! |---|---|
//! | [`handler`] | one delivery from the queue of requests, as a story |
//! | [`turn`] | claiming a turn and making it final: the protocol's steps 2, 6 and 7 |
//! | [`context`] | what the model may know: history and document |
//! | [`prompt`] | how it is told: the template, the labelled data block |
//! | [`answer`] | the reply: calls in order, generations, budget |
//! | [`calls`] | the rules around one call: retry, circuit breaker, choice of provider |
//! | [`streaming`] | provisional text to whoever watches, and the checkpoint once a second |
//! | [`kept`] | replies that were kept for the same first question |
//! | [`config`] | the settings of all of these |

pub mod answer;
pub mod calls;
pub mod config;
pub mod context;
pub mod handler;
pub mod kept;
mod preference;
pub mod prompt;
pub mod streaming;
pub mod turn;

mod error;

pub use config::WorkerConfig;
pub use error::WorkerError;
pub use handler::{Ports, Worker};
