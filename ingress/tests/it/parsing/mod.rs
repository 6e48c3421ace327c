//! What callers send: the corpus, and whatever becomes of it on its way, through the real door.
//!
//! Whatever comes in: no panic, no 5xx, and nothing stored or queued of what is refused.

mod bodies;
#[path = "../../../../shared/tests/it/parsing/corpus.rs"]
mod corpus;
mod door;
mod forgery;
mod frames;
mod heads;
mod jwts;
#[path = "../../../../shared/tests/it/parsing/mutations.rs"]
mod mutations;
mod tickets;
mod tokens;

use testkit::run_paused as run;
