//! Holds queue bodies, frames and events against `contracts/`.

mod events;
mod examples;
mod published;
mod queue;
mod sets;
mod socket;

use boon::Draft;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

use crate::contract_files::Contract;

const OPENAPI: &str = include_str!("../../../../contracts/openapi.yaml");
const ASYNCAPI: &str = include_str!("../../../../contracts/asyncapi.yaml");

fn openapi() -> Contract {
    Contract::of_yaml(&Yaml::load_from_str(OPENAPI).unwrap()[0], Draft::V2020_12)
}

fn asyncapi() -> Contract {
    Contract::of_yaml(&Yaml::load_from_str(ASYNCAPI).unwrap()[0], Draft::V7)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

macro_rules! schemas {
    ($kind:ident, $folder:literal, $draft:expr, $($name:literal),+) => {
        pub(crate) fn $kind() -> Vec<(&'static str, Contract)> {
            let of = |text| Contract::new(json(text), $draft);
            vec![$(($name, of(include_str!(concat!("../../../../contracts/", $folder, "/", $name, ".schema.json"))))),+]
        }
    };
}

schemas!(
    queue_schemas,
    "queue",
    Draft::V2020_12,
    "request-message",
    "request-submit",
    "reply-final",
    "reply-feedback",
    "reply-deleted"
);
schemas!(
    event_schemas,
    "events",
    Draft::V4,
    "chat-message",
    "chat-failed",
    "chat-feedback",
    "session-expired",
    "session-deleted"
);

schemas!(
    published_schemas,
    "events/published/1",
    Draft::V4,
    "chat-message",
    "chat-failed",
    "chat-feedback",
    "session-expired",
    "session-deleted"
);

/// Finds a schema by its name.
#[track_caller]
pub(crate) fn find<'a>(schemas: &'a [(&'static str, Contract)], name: &str) -> &'a Contract {
    let (_, contract) =
        schemas.iter().find(|(own, _)| *own == name).expect("a schema is called so");
    contract
}
