//! The simulation's tests.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod client_rule;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod random;
#[cfg(test)]
mod stage;
