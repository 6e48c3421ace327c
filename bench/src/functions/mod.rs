//! The Lambda functions as processes: the Runtime API that they ask for work, and what starting
//! them costs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`runtime_api`] | the four calls of the Lambda Runtime API |
//! | [`program`] | a function's process, with the variables that Lambda sets |
//! | [`trial`] | one function that is asked and read, for tests |
//! | [`chat`] | chats over the three functions |
//! | [`cloud`] | AWS as far as a chat needs it, counted |
//! | `table` | the table, on moto |
//! | [`capacity`] | what `DynamoDB` bills for a call |
//! | [`load`] | what chats cost: memory, processor time, calls |
//! | [`cost`] | what AWS bills for a thousand chats |
//! | [`cold_start`] | from the start of the process to its first question for work |
//! | [`report`] | the document |

pub mod capacity;
pub mod chat;
pub mod cloud;
pub mod cold_start;
pub mod cost;
pub mod load;
pub mod program;
pub mod report;
pub mod runtime_api;
mod settings;
mod table;
pub mod trial;

pub use settings::function;
