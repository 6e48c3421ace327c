//! The Lambda functions as processes: the Runtime API that they ask for work, and what starting them costs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`runtime_api`] | the four calls of the Lambda Runtime API |
//! | [`program`] | a function's process, with the variables that Lambda sets |
//! | [`trial`] | one function that is asked and read, for tests |
//! | [`cold_start`] | from the start of the process to its first question for work |
//! | [`report`] | the document |

pub mod cold_start;
pub mod program;
pub mod report;
pub mod runtime_api;
mod settings;
pub mod trial;

pub use settings::function;
