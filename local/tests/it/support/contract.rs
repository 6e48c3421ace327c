//! Holds every operator call that a test makes against `contracts/operator.yaml`: what was asked,
//! and what came back.

use std::sync::LazyLock;

use boon::Draft;
use reqwest::Method;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

use crate::contract_files::{Contract, escape};

const FILE: &str = include_str!("../../../../contracts/operator.yaml");
const PROBLEM: &str = "/components/responses/Problem";

static OPERATOR: LazyLock<Contract> =
    LazyLock::new(|| Contract::of_yaml(&Yaml::load_from_str(FILE).unwrap()[0], Draft::V2020_12));

/// Returns the contract.
pub(crate) fn operator_contract() -> &'static Contract {
    &OPERATOR
}

/// An operator call, as the contract names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
}

impl Operation {
    /// Lists those of the contract.
    pub(crate) fn all() -> Vec<Self> {
        let paths = OPERATOR.at("/paths").as_object().unwrap().iter();
        let of = |(path, item): (&String, &Value)| -> Vec<Self> {
            let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            methods.map(|method| Self { method: method.clone(), path: path.clone() }).collect()
        };
        paths.flat_map(of).collect()
    }

    /// Returns the one that a request makes; none for a path or a method of nobody.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let path = path.split('?').next()?;
        let fits = |own: &str| {
            let mut parts = own.split('/').zip(path.split('/'));
            own.split('/').count() == path.split('/').count()
                && parts.all(|(own, part)| own == part || own.starts_with('{'))
        };
        let method = method.as_str().to_lowercase();
        let mut exact_first = Self::all();
        exact_first.sort_by_key(|one| one.path.contains('{'));
        exact_first.into_iter().find(|one| one.method == method && fits(&one.path))
    }

    fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(&self.path), self.method)
    }

    /// Returns the statuses that it promises.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let responses = OPERATOR.at(&format!("{}/responses", self.pointer())).as_object().unwrap();
        responses.keys().filter_map(|status| status.parse().ok()).collect()
    }

    /// Returns where the schema of an answer's body is: none where there is no body, or no JSON.
    pub(crate) fn answer_schema(&self, status: u16) -> Option<String> {
        let responses = format!("{}/responses", self.pointer());
        let named = OPERATOR.at(&responses).get(status.to_string());
        assert!(named.is_some() || status >= 400, "{self:?} promises no {status}");
        let key = named.map_or_else(|| "default".to_owned(), |_| status.to_string());
        schema(&OPERATOR.place(&format!("{responses}/{key}")))
    }

    /// Returns where the schema of the request's body is.
    pub(crate) fn request_schema(&self) -> Option<String> {
        let body = format!("{}/requestBody", self.pointer());
        OPERATOR.at(&self.pointer()).get("requestBody").and_then(|_| schema(&body))
    }
}

/// Returns where the schema of a body of JSON is.
fn schema(body: &str) -> Option<String> {
    let content = OPERATOR.at(body).get("content")?.as_object().unwrap();
    let kind = content.keys().find(|kind| kind.ends_with("json"))?;
    Some(format!("{body}/content/{}/schema", escape(kind)))
}

/// Fails where a call is not what the contract says: a good request that it refuses, an answer that
/// it does not know.
#[track_caller]
pub(super) fn check(method: &Method, path: &str, sent: Option<&str>, status: u16, received: &str) {
    if !path.starts_with("/admin/api/") || method == Method::HEAD {
        return;
    }
    let operation = Operation::of(method, path);
    let answer = match &operation {
        Some(operation) => operation.answer_schema(status),
        None => schema(PROBLEM),
    };
    match answer {
        Some(schema) => OPERATOR.check(&schema, &serde_json::from_str(received).unwrap()),
        None => assert_eq!(received, "", "{method} {path} has no body"),
    }
    let asked = operation.as_ref().and_then(Operation::request_schema);
    if let (Some(schema), Some(sent), 200..=299) = (asked, sent, status) {
        OPERATOR.check(&schema, &serde_json::from_str(sent).unwrap());
    }
}
