//! What the tests stand on.

pub(crate) mod aws_environment;
pub(crate) mod bus;
pub(crate) mod config;
pub(crate) mod moto;
pub(crate) mod postgres;
pub(crate) mod redis_server;
pub(crate) mod resources;
pub(crate) mod service;
