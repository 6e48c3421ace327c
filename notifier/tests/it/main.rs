//! The tests of the notifier, in one binary.

#[cfg(test)]
mod batch;
#[cfg(test)]
mod cleanup;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod delivery;
#[cfg(test)]
#[cfg(feature = "lambda")]
mod function;
#[cfg(test)]
mod platform;
#[cfg(test)]
mod support;
