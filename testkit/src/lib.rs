//! What tests and measurements share; no shipped program links it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`stub_provider`] | a server that speaks both model protocols, and fails on demand |
//! | [`conformance`] | one suite per port, which every adapter must pass |
//! | [`faults`] | faults at port calls, for the tests of one function and for the simulation |
//! | [`lambda`] | the Lambda functions as processes, behind a Runtime API of the test |

pub mod conformance;
pub mod faults;
pub mod lambda;
pub mod stub_provider;

/// Runs a future to its end, on paused time.
#[cfg(feature = "paused-time")]
#[expect(clippy::expect_used, reason = "a test that cannot go on has failed")]
pub fn run_paused<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}
