//! Asks as the contract says, and holds every answer against it.

use std::collections::BTreeSet;

use boon::Draft;
use http::Method;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Value, json};

use crate::contract_files::{Contract, escape};
use crate::world::{Ask, TestResponse, World};

const OPENAPI: &str = include_str!("../../../../contracts/openapi.yaml");

/// Headers that say something; none of them comes where the contract does not name it.
const HEADERS: [&str; 4] = ["Location", "Retry-After", "WWW-Authenticate", "Allow"];

pub(crate) fn openapi() -> Contract {
    Contract::of_yaml(&Yaml::load_from_str(OPENAPI).unwrap()[0], Draft::V2020_12)
}

/// One call of the contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) path: String,
    pub(crate) method: String,
}

impl Operation {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self { path: path.to_owned(), method: method.to_owned() }
    }

    /// Lists every call of the contract.
    pub(crate) fn all(contract: &Contract) -> Vec<Self> {
        let paths = contract.at("/paths").as_object().unwrap();
        let of = |path: &str, item: &Value| -> Vec<Self> {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            methods.map(|method| Self::new(method, path)).collect()
        };
        paths.iter().flat_map(|(path, item)| of(path, item)).collect()
    }

    pub(crate) fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(&self.path), self.method)
    }

    /// Returns where the schema of the body is, if the call has one.
    pub(crate) fn body_schema(&self, contract: &Contract) -> Option<String> {
        let body = contract.at(&self.pointer()).get("requestBody");
        body.map(|_| format!("{}/requestBody/content/application~1json/schema", self.pointer()))
    }

    /// Returns the bodies that the contract gives as examples.
    pub(crate) fn examples(&self, contract: &Contract) -> Vec<Value> {
        let examples =
            &contract.at(&self.pointer())["requestBody"]["content"]["application/json"]["examples"];
        let examples = examples.as_object().into_iter().flatten();
        examples.map(|(_, example)| example["value"].clone()).collect()
    }

    /// Makes the call on turn 1 of the session `s`.
    pub(crate) fn ask<'w>(&self, world: &'w World) -> Ask<'w> {
        self.ask_on(world, "s", 1, "")
    }

    pub(crate) fn ask_on<'w>(
        &self,
        world: &'w World,
        session: &str,
        turn: u64,
        query: &str,
    ) -> Ask<'w> {
        let path = self
            .path
            .replace("{session_id}", session)
            .replace("{turn}", &turn.to_string())
            .replace("{document_id}", "public")
            .replace("{ordinal}", "1");
        let query = if query.is_empty() && self.path.contains("{ordinal}") {
            format!("?version={}", "a".repeat(64))
        } else {
            query.to_owned()
        };
        let method = Method::from_bytes(self.method.to_uppercase().as_bytes()).unwrap();
        world.ask(method, &format!("{path}{query}"))
    }
}

/// The contract, and which of its answers were seen.
pub(crate) struct Door {
    pub(crate) contract: Contract,
    pub(crate) seen: BTreeSet<(Operation, String)>,
}

impl Door {
    pub(crate) fn new() -> Self {
        Self { contract: openapi(), seen: BTreeSet::new() }
    }

    /// Lists the answers that the contract promises.
    pub(crate) fn documented(&self) -> BTreeSet<(Operation, String)> {
        let statuses = |operation: &Operation| {
            let responses = self.contract.at(&format!("{}/responses", operation.pointer()));
            responses.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        let all = Operation::all(&self.contract).into_iter();
        all.flat_map(|one| statuses(&one).into_iter().map(move |status| (one.clone(), status)))
            .collect()
    }

    /// Lists the calls that may be answered by a status.
    pub(crate) fn answering(&self, status: u16) -> Vec<Operation> {
        let documented = self.documented().into_iter();
        documented
            .filter(|(_, own)| *own == status.to_string())
            .map(|(operation, _)| operation)
            .collect()
    }

    /// Sends a request, whose answer must have this status and be as the contract says.
    pub(crate) async fn expect(
        &mut self,
        status: u16,
        operation: &Operation,
        ask: Ask<'_>,
    ) -> TestResponse {
        let answer = ask.send().await;
        assert_eq!(answer.status.as_u16(), status, "{operation:?}: {}", answer.json);
        self.check(&format!("{}/responses/{status}", operation.pointer()), &answer);
        self.seen.insert((operation.clone(), status.to_string()));
        answer
    }

    /// Requires an answer to be as the response at a pointer says.
    pub(crate) fn check(&self, pointer: &str, answer: &TestResponse) {
        let place = self.contract.place(pointer);
        let response = self.contract.at(&place);
        for header in HEADERS {
            self.check_header(
                &format!("{place}/headers/{header}"),
                &response["headers"][header],
                answer,
                header,
            );
        }
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            return assert!(answer.bytes.is_empty(), "{pointer} has a body");
        };
        let media_type = answer.header("content-type").expect("a body has a type");
        assert!(content.contains_key(media_type), "{pointer} is {media_type}");
        self.contract
            .check(&format!("{place}/content/{}/schema", escape(media_type)), &answer.json);
        if media_type == "application/problem+json" {
            assert_eq!(answer.json["status"], answer.status.as_u16());
        }
    }

    fn check_header(&self, pointer: &str, documented: &Value, answer: &TestResponse, name: &str) {
        let value = answer.header(name);
        if documented.is_null() {
            return assert_eq!(value, None, "{pointer} is not documented");
        }
        let place = self.contract.place(pointer);
        let Some(value) = value else {
            return assert_eq!(self.contract.at(&place)["required"], false, "{pointer} is missing");
        };
        let number = value.parse::<u64>().map(|number| json!(number));
        self.contract.check(&format!("{place}/schema"), &number.unwrap_or_else(|_| json!(value)));
    }
}
