//! The ports against reference models: random sequences of operations, shrunk to the shortest that
//! fails.
//!
//! | module | what it holds |
//! |---|---|
//! | `runner` | running a property, and finding the shortest sequence that breaks it |
//! | `numbering` | telling whether two sides use the same identities under other names |
//! | `queue` | the FIFO queue: model, operations, adapters, and broken queues that must be caught |
//! | `store` | the same for the store |
//!
//! A model is as naive as it can be, and shares nothing with an adapter but the port's types: what
//! a queue or a store is supposed to do is written here a second time.

mod numbering;
mod queue;
mod runner;
mod store;
