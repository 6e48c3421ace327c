//! The turn protocol as plain data: rows, their keys, and the transitions between them.
//!
//! A transition is a function from rows to conditional writes; no adapter knows what they mean.
//! The order of a turn: [`accept`] → [`claim`] → [`generation`] → [`commit`] → [`delivery`].

pub mod accept;
pub mod claim;
pub mod commit;
pub mod connection;
pub mod counters;
pub mod delete;
pub mod delivery;
pub mod due;
pub mod generation;
pub mod keys;
pub mod lifetime;
pub mod rows;
pub mod stop;
pub mod turn;
mod turn_row;

pub use lifetime::Lifetime;
pub use rows::{ConnectionRow, MessageRow, Owner, SessionRow, TurnError, TurnRow, TurnState};
pub use turn::{DeliveryState, FinalTurn, RunningTurn, Turn, TurnOutcome, TurnPhase, TurnResult};

pub use crate::domain::Timings;
