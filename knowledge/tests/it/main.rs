//! The rules that both homes of the documents follow.

mod passages;
mod ranking;
mod sentences;
