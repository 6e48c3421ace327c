//! The platform: scenarios 48 to 55.
//!
//! 55, `kill -9` of the one-machine server under load, runs on the real program:
//! `local/tests/it/kill.rs`.

mod clocks;
mod expiry;
mod flood;
mod injection;
mod keys;
mod throttles;
mod warm;
