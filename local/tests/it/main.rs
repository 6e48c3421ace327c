//! What the server on one machine promises.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod steady;
