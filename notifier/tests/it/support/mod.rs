//! The notifier on in-memory adapters, with faults laid around every port.

pub(crate) mod faults;
pub(crate) mod ports;
pub(crate) mod world;

pub(crate) use faults::{Fault, Faults, Op};
pub(crate) use world::{World, pass};
