//! What the queue of requests may bring: the corpus of bodies, and random damage to them.

#[path = "../../../../shared/tests/it/parsing/corpus.rs"]
mod corpus;
#[path = "../../../../shared/tests/it/parsing/mutations.rs"]
mod mutations;
mod requests;

/// Runs one story to its end, on paused time.
fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(story)
}
