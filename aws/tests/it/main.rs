//! The tests of the adapters.
//!
//! Conformance suites run against `moto`, where it is faithful, and against a real account where
//! `CHATBOT_AWS_CONFORMANCE` names a prefix; the reply cache runs against a real `redis-server`,
//! documents against a real `PostgreSQL`, everything else against recorded answers.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod library;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod support;
