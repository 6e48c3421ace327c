//! What tests and measurements share; no shipped program links it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`stub_provider`] | a server that speaks both model protocols, and fails on demand |
//! | [`conformance`] | one suite per port, which every adapter must pass |
//! | [`faults`] | faults at port calls: one engine for the tests of a function and for the simulation |
//! | [`lambda`] | the Lambda functions as processes, behind a Runtime API of the test |

pub mod conformance;
pub mod faults;
pub mod lambda;
pub mod stub_provider;
