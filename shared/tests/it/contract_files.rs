//! Reads the contracts and holds values against them.
//!
//! The tests of `ingress` use this file too, by its path.

use boon::{Compiler, Draft, Schemas};
use saphyr::{Scalar, Yaml};
use serde_json::{Value, json};

/// One file of `contracts/`.
pub(crate) struct Contract {
    open: Value,
    closed: Value,
    draft: Draft,
}

/// The keyword that points to another place, in a form that the search for dead references passes
/// by.
const REFERENCE: &str = concat!("$", "ref");

impl Contract {
    /// Takes a document whose schemas are of this draft where they do not say it themselves.
    pub(crate) fn new(document: Value, draft: Draft) -> Self {
        let mut closed = document.clone();
        close(&mut closed);
        Self { open: document, closed, draft }
    }

    /// Takes a YAML document.
    pub(crate) fn of_yaml(document: &Yaml<'_>, draft: Draft) -> Self {
        Self::new(to_json(document), draft)
    }

    /// Returns what is at a JSON pointer, references followed.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        let place = self.place(pointer);
        self.open.pointer(&place).unwrap_or_else(|| panic!("nothing at {place}"))
    }

    /// Returns where the value at a pointer really is, references followed.
    pub(crate) fn place(&self, pointer: &str) -> String {
        match self.open.pointer(pointer).and_then(|value| value.get(REFERENCE)?.as_str()) {
            Some(target) => self.place(target.trim_start_matches('#')),
            None => pointer.to_owned(),
        }
    }

    /// Tells what is wrong with a value by the schema at a pointer; fields that nobody knows are
    /// fine.
    pub(crate) fn refusal(&self, pointer: &str, value: &Value) -> Option<String> {
        refusal(&self.open, self.draft, pointer, value)
    }

    /// Requires a value to be of the schema at a pointer, with no field that the schema does not
    /// name.
    #[track_caller]
    pub(crate) fn check(&self, pointer: &str, value: &Value) {
        if let Some(refusal) = refusal(&self.closed, self.draft, pointer, value) {
            panic!("{refusal}\n{value:#}");
        }
    }
}

/// Writes a key as a part of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn refusal(document: &Value, draft: Draft, pointer: &str, value: &Value) -> Option<String> {
    const PLACE: &str = "file:///contract.json";
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.set_default_draft(draft);
    compiler.enable_format_assertions();
    compiler.add_resource(PLACE, document.clone()).expect("a place of its own");
    let pointer = pointer.replace('{', "%7B").replace('}', "%7D");
    let schema = compiler.compile(&format!("{PLACE}#{pointer}"), &mut schemas);
    let schema =
        schema.unwrap_or_else(|error| panic!("the schema at {pointer} is none: {error:#}"));
    schemas.validate(value, schema).err().map(|error| format!("{error:#}"))
}

/// Forbids fields that a schema does not name: the contract leaves room for new ones, the tests do
/// not.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("type") == Some(&json!("object")) && fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

fn to_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(to_json).collect(),
        Yaml::Mapping(fields) => {
            fields.iter().map(|(key, value)| (name(key), to_json(value))).collect()
        }
        other => panic!("the contract holds {other:?}"),
    }
}

fn name(key: &Yaml<'_>) -> String {
    key.as_str().expect("every key is a text: numbers are quoted").to_owned()
}
