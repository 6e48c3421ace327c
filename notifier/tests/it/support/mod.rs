//! The notifier on in-memory adapters, with faults laid around every port.

pub(crate) mod ports;
pub(crate) mod world;

pub(crate) use testkit::faults::{CallFilter, Fault, PortCall};
pub(crate) use world::{World, pass};
