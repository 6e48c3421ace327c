//! One line of input.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shared::analytics::AnalyticsEvent;

use crate::event::{Event, Metadata, SCHEMA_VERSION, SOURCE};
use crate::moment::Moment;

/// Why a line is refused. It never quotes a value: details may hold what people wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not JSON, or JSON that is no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A required field is not there.
    #[error("missing field `{0}`")]
    Missing(String),
    /// The detail's fields are those of another version.
    #[error("schema_version is not \"{SCHEMA_VERSION}\"")]
    OtherVersion,
    /// A field has another type, or no value that its schema allows.
    #[error("a field does not match its schema")]
    WrongValue,
}

/// What both forms of a line have in common: yogi's `detail_type` is EventBridge's `detail-type`.
#[derive(Deserialize)]
struct Envelope {
    #[serde(alias = "detail-type")]
    detail_type: String,
    #[serde(default)]
    source: Option<String>,
    detail: Map<String, Value>,
}

#[derive(Deserialize)]
struct Head {
    metadata: Metadata,
}

/// Reads a line; none for what is no event of ours: another source or detail type, a remark of
/// yogi's.
pub fn read(line: &[u8]) -> Result<Option<Event>, Refusal> {
    let object: Map<String, Value> =
        serde_json::from_slice(line).map_err(|_| Refusal::NotAnObject)?;
    if is_remark(&object) {
        return Ok(None);
    }
    let Envelope { detail_type, source, detail } = typed(object)?;
    if source.is_some_and(|source| source != SOURCE) {
        return Ok(None);
    }
    let detail = Value::Object(detail);
    let fact = AnalyticsEvent::from_detail(&detail_type, &detail);
    if matches!(fact, Ok(None)) {
        return Ok(None);
    }
    // The version first: the fields of another version are not ours to judge.
    let Head { metadata } = Head::deserialize(&detail).map_err(|error| refusal(&error))?;
    if metadata.schema_version != SCHEMA_VERSION {
        return Err(Refusal::OtherVersion);
    }
    let fact = fact.map_err(|error| refusal(&error))?;
    fact.map(event).transpose()
}

fn event(fact: AnalyticsEvent) -> Result<Event, Refusal> {
    let at = Moment::try_from(fact.timestamp().to_owned()).map_err(|_| Refusal::WrongValue)?;
    Ok(Event { at, fact })
}

/// Tells whether this is what `yogi tail` says between events, such as that there is a dead letter.
fn is_remark(object: &Map<String, Value>) -> bool {
    object.contains_key("type")
        && !object.contains_key("detail_type")
        && !object.contains_key("detail-type")
}

fn typed<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(object)).map_err(|error| refusal(&error))
}

/// Serde tells its errors apart in their words only; all of them but the name of a field may quote
/// a value.
fn refusal(error: &serde_json::Error) -> Refusal {
    let words = error.to_string();
    let name = words.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    name.map_or(Refusal::WrongValue, |(name, _)| Refusal::Missing(name.to_owned()))
}
