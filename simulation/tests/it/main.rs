//! The simulation's tests.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod random;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod scenarios;
