//! The scenarios of the fault catalogue, grouped as there.

mod client;
mod found_by_modelling;
mod ingress;
mod line;
mod notifier;
mod platform;
mod replies;
mod worker;
