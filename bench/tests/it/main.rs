//! Tests of the bench's own parts.

#[cfg(test)]
mod client;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod stub_faults;
