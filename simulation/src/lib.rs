//! The whole pipeline under faults, from one seed.
//!
//! The real handlers of `ingress`, `worker` and `notifier` run over services in memory, on paused
//! time and in one thread, while calls fail, acknowledgements get lost, processes die and come
//! back, connections break and models misbehave. Whatever must always hold is checked while it
//! happens, from inside and from outside.
//!
//! | module | what it does |
//! |---|---|
//! | [`cloud`] | the services as they are when nothing goes wrong |
//! | [`faults`] | what goes wrong: scripts and weather; processes that die, freeze and come back |
//! | [`ports`] | the services as a process meets them, with faults around every call |
//! | [`platform`] | pools of processes, event source mappings, schedules, the gateway |
//! | [`people`] | what users, strangers and operators do |
//! | [`checks`] | what must hold |
//! | [`mutants`] | broken variants of the protocol that the checks must catch |
//! | [`stage`] | the pipeline for pinned scenarios: nothing goes wrong but what the scenario says |
//! | [`run`] | one run: from a seed to a report |
//! | [`campaign`] | many runs, and what they exercised |
//! | [`machine`] | the same clients on the real server, which is killed again and again |
//! | [`trace`] | what happened: a hash, and lines to read |

pub mod campaign;
pub mod checks;
pub mod cloud;
pub mod faults;
pub mod machine;
pub mod mutants;
pub mod people;
pub mod platform;
pub mod ports;
pub mod run;
pub mod stage;
pub mod trace;
