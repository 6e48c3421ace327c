//! `yogi batch run --provider-batch`: the providers' own batches, at half the price, within a day.
//!
//! The lines go to the provider directly, past queue, store and events: their answers are no turns
//! of the chatbot.
//! It was written from the providers' documentation, and tried against a stub of it: never against
//! the real services.
//!
//! | module | what it holds |
//! |---|---|
//! | `start` | the command: begins a batch or goes on with it, and says what came of it |
//! | `job` | the work: find what was created, wait, collect |
//! | `send` | what was never sent: rendered, held to the budget, created |
//! | `gather` | the lines that are still to be sent |
//! | `spool` | their requests in a file, cut into parts that a provider takes |
//! | `parts` | what is known of each part: about to be created, created, collected |
//! | `collect` | results as answers |
//! | `price` | half of what the price list says |
//! | `manage` | status and cancelling |
//! | `service` | what is asked of a provider |
//! | `anthropic`, `openai` | the two providers |
//! | `http` | one call of a provider, with retries |

mod anthropic;
mod collect;
mod gather;
mod http;
mod job;
mod manage;
mod openai;
mod parts;
mod price;
mod send;
mod service;
mod spool;
mod start;

pub(super) use self::manage::{cancel, show, views};
pub(super) use self::parts::{Parts, Step};
pub(super) use self::start::run;
