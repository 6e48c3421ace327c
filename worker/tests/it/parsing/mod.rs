//! What queues, providers and the price list bring: the corpus, and whatever becomes of it on its
//! way.

#[path = "../../../../shared/tests/it/parsing/corpus.rs"]
mod corpus;
#[path = "../../../../shared/tests/it/parsing/mutations.rs"]
mod mutations;
mod prices;
mod requests;
mod streams;
mod wire;

/// Runs one story to its end, on paused time.
fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(story)
}
