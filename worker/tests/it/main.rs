//! The tests of the worker, in one binary.

#[cfg(test)]
mod breaker;
mod golden;
#[cfg(test)]
mod providers;
