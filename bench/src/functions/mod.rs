//! The Lambda functions as processes: what their starts and their chats cost.
//!
//! The processes and the Runtime API are in [`testkit::lambda`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`chat`] | chats over the three functions |
//! | [`cloud`] | the AWS services that a chat needs, with counters |
//! | `table` | the table, on moto |
//! | [`capacity`] | what `DynamoDB` bills for a call |
//! | [`load`] | what chats cost: memory, processor time, calls |
//! | [`cost`] | what AWS bills for a thousand chats |
//! | [`cold_start`] | from the start of the process to its first request for work |
//! | [`report`] | the document |

pub mod capacity;
pub mod chat;
pub mod cloud;
pub mod cold_start;
pub mod cost;
pub mod load;
pub mod report;
mod settings;
mod table;
