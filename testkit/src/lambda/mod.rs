//! The Lambda functions as real processes, driven through the Lambda Runtime API.
//!
//! | type | what it is |
//! |---|---|
//! | [`RuntimeApi`] | the server side of the Runtime API, for one process |
//! | [`FunctionProgram`] | the program, with the variables that Lambda sets |
//! | [`RunningFunction`] | the process: gives it events and reads its answers |
//! | [`FunctionUnderTest`] | a process whose output is kept, for tests |

mod program;
mod runtime_api;
mod under_test;

pub use program::{FunctionProgram, RunningFunction};
pub use runtime_api::{PendingInvocation, RuntimeApi, RuntimeCall};
pub use under_test::FunctionUnderTest;
