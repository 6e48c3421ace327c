//! `yogi batch`: many messages through the queue, with nothing lost and nothing answered twice.

mod answers;
mod feed;
mod in_flight;
mod item;
mod journal;
mod line_reader;
mod manage;
mod pace;
mod parts;
mod provider;
mod rejects;
mod runner;
mod start;
mod summary;

pub(crate) use self::manage::{cancel, status};
pub(crate) use self::start::run;
