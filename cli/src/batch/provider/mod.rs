//! `yogi batch run --provider-batch`: the providers' batch APIs, at half the price, within a day.
//!
//! The lines go to the provider directly, without queue, store and events: their answers are not
//! turns of the chatbot. It was written from the providers' documentation and tested against a stub
//! based on it, never against the real services.
//!
//! | module | contents |
//! |---|---|
//! | `start` | the command: starts or continues a batch, and reports the result |
//! | `runner` | runs a batch: finds created parts, waits, collects |
//! | `send` | sends lines: renders requests, checks the budget, creates parts |
//! | `eligible` | the lines that can still be sent |
//! | `spool` | the requests in a file, split into parts that the provider accepts |
//! | `collect` | converts results to answers |
//! | `price` | costs: half of the list price |
//! | `manage` | status and cancellation |
//! | `connect` | creates the provider's service |
//! | `service` | the interface to a provider |
//! | `anthropic`, `openai` | the two providers |
//! | `http` | calls to a provider, with retries |

mod anthropic;
mod collect;
mod connect;
mod eligible;
mod http;
mod manage;
mod openai;
mod price;
mod runner;
mod send;
mod service;
mod spool;
mod start;

pub(super) use self::manage::{cancel, show, views};
pub(super) use self::start::run;
