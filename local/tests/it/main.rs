//! What the server on one machine promises.

mod conformance;
mod sqlite;
mod steady;
