//! `yogi batch`: many messages through the queue, with nothing lost and nothing answered twice.

mod answers;
mod flight;
mod input;
mod item;
mod journal;
mod lines;
mod manage;
mod pace;
mod provider;
mod rejects;
mod run;
mod start;
mod summary;

pub(crate) use self::manage::{cancel, status};
pub(crate) use self::start::run;
