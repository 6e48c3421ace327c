//! The closed sets of values: those of the code and those of the contracts are the same.

use serde_json::{Value, json};
use shared::ag_ui::StatusPhase;
use shared::domain::{ContextUse, ErrorCode, FinishReason, ProviderName, Rating, TurnKind};

use super::{asyncapi, event_schemas, find, openapi, queue_schemas};
use crate::contract_files::Contract;

/// Requires an `enum` of the contract to hold exactly these values, `null` apart.
#[track_caller]
fn check(contract: &Contract, pointer: &str, expected: &[&str]) {
    let values = contract.at(&format!("{pointer}/enum")).as_array().unwrap();
    let values: Vec<_> = values
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| value.as_str().unwrap())
        .collect();
    assert_eq!(values, expected, "{pointer}");
}

macro_rules! all {
    ($set:ty) => {
        <$set>::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>()
    };
}

#[test]
fn the_sets_of_the_http_calls_are_those_of_the_code() {
    let contract = openapi();
    let at = |name: &str| format!("/components/schemas/{name}");
    check(&contract, &at("ErrorCode"), &all!(ErrorCode));
    check(&contract, &at("FinishReason"), &all!(FinishReason));
    check(&contract, &at("TurnKind"), &all!(TurnKind));
    check(&contract, &at("ContextUse"), &all!(ContextUse));
    check(&contract, &at("Provider"), &all!(ProviderName));
    check(&contract, &at("Rating"), &all!(Rating));
}

#[test]
fn the_types_of_problems_end_in_error_codes() {
    for value in
        openapi().at("/components/schemas/Problem/properties/type/enum").as_array().unwrap()
    {
        let code =
            value.as_str().unwrap().strip_prefix("urn:learning-yogi:chatbot:error:").unwrap();
        assert!(ErrorCode::parse(code).is_some(), "{code}");
    }
}

#[test]
fn the_sets_of_the_socket_are_those_of_the_code() {
    let contract = asyncapi();
    let at = |name: &str| format!("/components/schemas/{name}");
    check(&contract, &at("ErrorCode"), &all!(ErrorCode));
    check(&contract, &at("FinishReason"), &all!(FinishReason));
    check(&contract, &at("Provider"), &all!(ProviderName));
    let phases = [StatusPhase::Context, StatusPhase::Retrying, StatusPhase::Fallback];
    let phases = phases.map(|phase| match phase {
        // A new phase stops the compilation here, and belongs into the list above.
        StatusPhase::Context | StatusPhase::Retrying | StatusPhase::Fallback => json!(phase),
    });
    let phases: Vec<_> = phases.iter().map(|phase| phase.as_str().unwrap()).collect();
    check(&contract, &at("StatusPhase"), &phases);
}

#[test]
fn the_sets_of_the_queues_are_those_of_the_code() {
    let schemas = queue_schemas();
    check(find(&schemas, "request-submit"), "/properties/provider", &all!(ProviderName));
    check(find(&schemas, "reply-feedback"), "/properties/rating", &all!(Rating));
}

#[test]
fn the_sets_of_the_events_are_those_of_the_code() {
    let schemas = event_schemas();
    for name in ["chat-message", "chat-failed", "chat-feedback"] {
        check(find(&schemas, name), "/properties/provider", &all!(ProviderName));
    }
    for name in ["chat-message", "chat-failed"] {
        check(find(&schemas, name), "/properties/context", &all!(ContextUse));
    }
    check(find(&schemas, "chat-feedback"), "/properties/rating", &all!(Rating));
    check(find(&schemas, "chat-failed"), "/properties/error_code", &all!(ErrorCode));
    let reasons = |name| {
        find(&schemas, name).at("/properties/finish_reason/enum").as_array().unwrap().clone()
    };
    let together: Vec<Value> =
        reasons("chat-message").into_iter().chain(reasons("chat-failed")).collect();
    assert_eq!(json!(together), json!(FinishReason::ALL));
}

#[test]
fn values_are_read_as_they_are_written() {
    for code in ErrorCode::ALL {
        assert_eq!(json!(code), code.as_str());
        assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
    }
    assert_eq!(ErrorCode::parse("unknown"), None);
}
