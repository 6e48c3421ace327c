//! Requests and answers, one by one: what no stand-in does on demand.

mod documents;
mod events;
mod parameters;
mod push;
mod queue;
mod secrets;
mod store;
mod transactions;
