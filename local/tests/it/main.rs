//! What the server on one machine promises.

#[cfg(test)]
mod conformance;
#[cfg(test)]
#[path = "../../../shared/tests/it/contract_files.rs"]
mod contract_files;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod library;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod parsing;
#[cfg(test)]
mod pump;
#[cfg(test)]
mod security;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod startup;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod steady;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod support;
