//! What the queue of requests may bring: the corpus of bodies, and random damage to them.

#[path = "../../../../shared/tests/it/parsing/corpus.rs"]
mod corpus;
#[path = "../../../../shared/tests/it/parsing/mutations.rs"]
mod mutations;
mod requests;

use testkit::run_paused as run;
