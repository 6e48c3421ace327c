//! What files and queues bring: the corpus, and whatever becomes of it on its way.

#[path = "../../../../shared/tests/it/parsing/corpus.rs"]
mod corpus;
mod documents;
#[path = "../../../../shared/tests/it/parsing/mutations.rs"]
mod mutations;
mod replies;
