//! The tests of the worker, in one binary.

mod golden;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod providers;
