//! What the tests stand on.

pub(crate) mod bus;
pub(crate) mod config;
pub(crate) mod home;
pub(crate) mod moto;
pub(crate) mod places;
pub(crate) mod redis_server;
pub(crate) mod service;
