//! One suite per port, which every adapter must pass.
//!
//! A suite panics at the first guarantee that does not hold; the line tells which.
//! Suites let time pass with `tokio::time::sleep`: run them on paused time, or against services on
//! real time.
#![expect(clippy::unwrap_used, reason = "these are tests, called from the tests of every adapter")]

/// Runs checks one after the other, each on a case of its own, and panics if an exception names
/// none of them.
macro_rules! checks {
    ($case:ident, $except:ident; $($group:ident::$check:ident,)*) => {
        super::check_names($except, &[$(stringify!($check)),*]);
        $(if !$except.contains(&stringify!($check)) {
            $group::$check($case().await).await;
        })*
    };
}
use checks;

mod documents;
mod events;
mod push;
mod queue;
mod reply_cache;
mod secrets;
mod store;

pub use documents::{documents, library, search};
pub use events::{Published, events};
pub use push::push;
pub use queue::{queue, queue_except};
pub use reply_cache::reply_cache;
pub use secrets::secrets;
pub use store::{store, store_except};

/// An exception that names no check would silently be none.
#[track_caller]
fn check_names(except: &[&str], checks: &[&str]) {
    let unknown: Vec<_> = except.iter().filter(|name| !checks.contains(name)).collect();
    assert!(unknown.is_empty(), "no such check: {unknown:?}");
}
