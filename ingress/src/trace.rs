//! The trace that a message belongs to.

use http::HeaderMap;
use shared::ports::Ids;

/// Returns the id of the client's trace (W3C or X-Ray), or of a new one: 32 hex digits.
pub(crate) fn trace_id(headers: &HeaderMap, ids: &dyn Ids) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    header("traceparent")
        .and_then(w3c)
        .or_else(|| header("x-amzn-trace-id").and_then(x_ray))
        .unwrap_or_else(|| format!("{:032x}", u128::from_be_bytes(ids.random())))
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, as W3C Trace Context writes it.
fn w3c(value: &str) -> Option<String> {
    hex(value.split('-').nth(1)?)
}

/// `Root=1-<8 hex>-<24 hex>;…`, as X-Ray writes it.
fn x_ray(value: &str) -> Option<String> {
    let root = value.split(';').find_map(|part| part.trim().strip_prefix("Root=1-"))?;
    hex(&root.replace('-', ""))
}

fn hex(digits: &str) -> Option<String> {
    let legal =
        digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (legal && digits.bytes().any(|byte| byte != b'0')).then(|| digits.to_owned())
}
