//! A whole server in this process, or the deployed system, and users of it that know nothing but
//! the contract.

mod chatter;
mod config;
mod contract;
mod deployed;
mod http;
mod server;
mod socket;
mod view;

use std::time::Duration;

use testkit::stub_provider::{Behaviour, StubProvider};

pub(crate) use chatter::Chatter;
pub(crate) use contract::{Operation, operator_contract};
pub(crate) use http::{Answer, Http};
pub(crate) use server::{Setup, Stopped, TestServer};
pub(crate) use socket::{Socket, next_frame, open, send, try_open, websocket};
pub(crate) use view::Final;

/// How long anything that must happen may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Starts a provider that behaves so unless its script says otherwise.
pub(crate) async fn provider(behaviour: Behaviour) -> StubProvider {
    StubProvider::start(behaviour).await.unwrap()
}

/// Waits for something that must happen.
#[track_caller]
pub(crate) fn in_time<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    async move {
        let done = tokio::time::timeout(TIMEOUT, what).await;
        done.unwrap_or_else(|_| panic!("what {place} waits for did not happen"))
    }
}
