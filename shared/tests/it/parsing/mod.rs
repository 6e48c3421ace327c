//! What the queues bring: every body of the corpus and whatever becomes of it on its way.

mod bodies;
mod corpus;
mod mutations;
