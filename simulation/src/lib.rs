//! The whole pipeline under faults, repeatable from one seed.
//!
//! The real handlers of `ingress`, `worker` and `notifier` run over services in memory, on paused
//! time and in one thread, while calls fail, acknowledgements get lost, processes die and come
//! back, connections break and models misbehave. Checkers watch every write, frame and reply, and
//! compare them with what the protocol guarantees.
//!
//! # Why a seed is repeatable
//!
//! The scheduler is tokio's current-thread runtime on paused time. Paused time advances only when
//! no task is ready, and then at once to the next timer, so that hours of timeouts pass in
//! milliseconds and nothing depends on how fast the machine is. Ready tasks are polled in the order
//! in which they were woken; with one thread and no input from outside, that order follows from
//! what the tasks did before. Timers that are due in the same millisecond fire in an order that
//! follows from the timer wheel, not from the machine. What remains is randomness, and all of it is
//! drawn from the seed: by the faults, the users, and `SeededIds`. `select!` polls its branches in
//! random order unless it is `biased`, and hash maps are iterated in random order; both are banned
//! here and in the handlers wherever the order can be seen. Each run hashes all its port calls
//! (`trace`), and a test runs seeds twice and compares the hashes.
//!
//! | module | what it does |
//! |---|---|
//! | [`cloud`] | the services as they are when nothing goes wrong |
//! | [`faults`] | faults, by rules or at random; processes that die, freeze and come back |
//! | [`ports`] | the services as a process sees them, with faults around every call |
//! | [`platform`] | pools of processes, event source mappings, schedules, the gateway |
//! | [`users`] | what users, intruders and operators do |
//! | [`checks`] | what must hold |
//! | [`mutants`] | broken variants of the protocol that the checks must catch |
//! | [`scenario`] | the pipeline for fixed scenarios, with the faults that the scenario asks for |
//! | [`run`] | one run: from a seed to a report |
//! | [`campaign`] | many runs, and what they exercised |
//! | [`soak`] | the same clients on the real server, which is killed again and again |
//! | [`trace`] | what happened: a hash, and lines to read |

pub mod campaign;
pub mod checks;
pub mod cloud;
pub mod faults;
pub mod mutants;
pub mod platform;
pub mod ports;
mod provisional;
pub mod run;
pub mod scenario;
pub mod soak;
pub mod trace;
pub mod users;
