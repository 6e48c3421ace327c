//! What providers and the price list may send: the corpus, and random damage to it.

#[path = "../../../../shared/tests/it/parsing/corpus.rs"]
mod corpus;
#[path = "../../../../shared/tests/it/parsing/mutations.rs"]
mod mutations;
mod prices;
mod streams;
mod wire;
