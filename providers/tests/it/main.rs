//! The tests of the providers, in one binary.

mod golden;
#[cfg(test)]
mod models;
#[cfg(test)]
mod parsing;
#[cfg(test)]
mod passages;
#[cfg(test)]
mod tools;
