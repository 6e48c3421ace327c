//! Tests of the stub providers.

#[cfg(test)]
mod client;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod stub_faults;
