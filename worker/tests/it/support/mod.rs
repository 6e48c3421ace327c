//! The worker on in-memory adapters, with scripted models and faults laid around every port.

pub(crate) mod model;
pub(crate) mod ports;
pub(crate) mod setup;
pub(crate) mod store;
pub(crate) mod world;

pub(crate) use model::{FakeModel, Step, fail, finish, says, wait};
pub(crate) use setup::Setup;
pub(crate) use testkit::faults::{Fault, PortCall};
pub(crate) use world::{World, session};
