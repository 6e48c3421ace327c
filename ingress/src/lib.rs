//! The front door: authenticate, validate, record, enqueue, answer 202.
//!
//! | module | what it holds |
//! |---|---|
//! | [`handler`] | the entry: one HTTP request in, one answer out |
//! | [`config`] | what the operator decides |
//! | [`identity`] | who speaks: session tokens, JWTs, IAM |
//! | [`socket`] | the WebSocket: who may connect, `resume`, the end of a connection |
//! | `route`, `body`, `response`, `error`, `cors`, `limits` | what every call shares |
//! | `operator` | what operators may do that nobody else may |
//! | `sessions`, `chat`, `turns`, `tickets`, `stop`, `feedback`, `deletion`, `documents`, `health` | one call each |
//!
//! A message goes through [`Ingress::handle`]: `route` → `identity` → `chat` → `limits` → the store
//! → the queue → 202.

mod body;
mod chat;
pub mod config;
mod cors;
mod deletion;
mod documents;
mod error;
mod feedback;
pub mod handler;
mod health;
pub mod identity;
mod limits;
mod operator;
mod response;
mod route;
mod sessions;
mod signing;
pub mod socket;
mod stop;
mod ticket;
mod tickets;
mod trace;
mod turn_view;
mod turns;

pub use config::{IngressConfig, Platform};
pub use cors::AllowedOrigins;
pub use handler::{ClientInfo, Ingress, Ports, malformed_request};
pub use identity::{AuthMode, HttpKeySource, IamIdentity, JwtConfig, KeySource, KeySourceError};
pub use limits::network;
pub use socket::{AuthorizeError, SocketSession};
