//! The answer to one turn: the model calls in order, the generations, the outcome.
//!
//! [`TurnAnswer`] is the state of the work; each module adds one part of it:
//!
//! | module | what it does |
//! |---|---|
//! | `reply` | the loop over model calls, from the prompt to the commit |
//! | `prepare` | gathers history and document, and renders the prompt |
//! | `call` | one model call, from the request to the end of its stream |
//! | `caching` | looks the reply up in the reply cache, and puts it there |
//! | `outcome` | what the work results in |
//! | `selection` | which provider is called next |
//! | `spending` | what the calls cost, and the daily budgets |

mod caching;
mod call;
mod outcome;
mod prepare;
mod reply;
mod selection;
mod spending;
mod turn_answer;

pub(crate) use turn_answer::{AnswerResources, TurnAnswer};
