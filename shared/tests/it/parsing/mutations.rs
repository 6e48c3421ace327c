//! Inputs that went wrong on their way: flipped, cut, repeated, and with odd things in them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Number, Value};

use super::corpus::Seed;

/// What happens to an input.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Insert(Index, Vec<u8>),
}

/// Returns seeds with one to four mutations.
pub(crate) fn mutants(seeds: &[Seed]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.bytes.clone()).collect();
    (select(seeds), vec(mutation(), 1..=4)).prop_map(|(seed, mutations)| {
        mutations.iter().fold(seed, |bytes, mutation| mutation.apply(bytes))
    })
}

/// Returns seeds of JSON with one value in them replaced by another: still JSON, of another shape.
pub(crate) fn reshaped(seeds: &[Seed]) -> impl Strategy<Value = String> + use<> {
    let values: Vec<Value> =
        seeds.iter().filter_map(|seed| serde_json::from_slice(&seed.bytes).ok()).collect();
    (select(values), any::<Index>(), json()).prop_map(|(mut value, place, other)| {
        let mut at = place.index(count(&value));
        replace(&mut value, &mut at, &other);
        value.to_string()
    })
}

/// Returns any JSON, with the numbers and texts that parsers trip over.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let object = vec((text(), inner.clone()), 0..4);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::Array),
            object.prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        select(vec![0, 1, 1 << 31, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX])
            .prop_map(Number::from),
        select(vec![-1, i64::MIN]).prop_map(Number::from),
        any::<f64>().prop_filter_map("JSON has no infinity", Number::from_f64),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let names = [
        "message",
        "session_id",
        "type",
        "v",
        "after",
        "id",
        "content",
        "models",
        "tiers",
        "resume",
    ];
    let odd =
        ["", "\0", "\u{fffe}", "\u{feff}", "\u{202e}", "a b", "../s", "🎈", "null", "-1", "1e999"];
    prop_oneof![
        select(names.map(str::to_owned).to_vec()),
        select(odd.map(str::to_owned).to_vec()),
        any::<String>(),
        (1_usize..2_000).prop_map(|length| "x".repeat(length)),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), 0_u8..8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        1 => place().prop_map(Mutation::Cut),
        2 => (place(), 1_usize..20).prop_map(|(at, length)| Mutation::Remove(at, length)),
        2 => (place(), 1_usize..40, 1_usize..4).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        4 => (place(), insertion()).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
    ]
}

fn insertion() -> impl Strategy<Value = Vec<u8>> {
    let odd: Vec<&[u8]> = vec![
        b"\\ud800",
        b"\\udfff\\ud800",
        b"\\u0000",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\xef\xbf\xbe",
        b"\x1b[31m",
        b"1e999",
        b"-0",
        b"18446744073709551616",
        b"null",
        b"\"",
        b"{}",
        b",\"v\":2",
        b",\"type\":\"x\"",
        b"\"message\":\"twice\",",
        b"\r\n\r\n",
        b"data: {}\n\n",
        b"%00",
        b"%ff",
        b"=",
        b".",
    ];
    let long = prop_oneof![
        (1_usize..3_000).prop_map(|depth| "[".repeat(depth)),
        (1_usize..1_000).prop_map(|depth| "{\"a\":".repeat(depth)),
        (1_usize..3_000).prop_map(|length| "9".repeat(length)),
        (1_usize..3_000).prop_map(|length| "x".repeat(length)),
    ];
    prop_oneof![
        3 => select(odd).prop_map(<[u8]>::to_vec),
        1 => long.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..8),
    ]
}

impl Mutation {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Self::Flip(at, bit) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Remove(at, length) => {
                let from = place(at);
                drop(bytes.drain(from..(from + length).min(bytes.len())));
            }
            Self::Repeat(at, length, times) => {
                let from = place(at);
                let to = (from + length).min(bytes.len());
                let piece = bytes[from..to].repeat(*times);
                drop(bytes.splice(to..to, piece));
            }
            Self::Insert(at, piece) => {
                let at = place(at);
                drop(bytes.splice(at..at, piece.iter().copied()));
            }
        }
        bytes
    }
}

/// Counts the values in a value, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Replaces the value that is `at` places further on.
fn replace(value: &mut Value, at: &mut usize, other: &Value) -> bool {
    if *at == 0 {
        *value = other.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(values) => values.iter_mut().any(|value| replace(value, at, other)),
        Value::Object(fields) => fields.values_mut().any(|value| replace(value, at, other)),
        _ => false,
    }
}
