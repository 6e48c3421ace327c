//! The bodies on the two queues: tagged, versioned JSON, with identity in the body.
//!
//! Unknown fields are ignored; an unknown version or type is refused.
//! While two versions of the program run side by side, an unknown version is most likely a newer
//! program's: whoever cannot read it must not settle it, but leave it on the queue for those who
//! can.

mod partial_request;
mod reply;
mod request;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::redact::redact;

pub use crate::domain::{Exchange, MAX_REPLAY_BYTES, Replay, ReplayError};
pub use partial_request::PartialRequest;
pub use reply::{DeletedNotice, Feedback, FinalPointer, ReplyMessage};
pub use request::{MessagePointer, RequestMessage, Submit};

/// The version that is written and read.
pub const VERSION: u32 = 1;

/// The reason why a body is not a message.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is of a version that this program does not know, and a newer one may.
    #[error("the queue message has version {0}, and only {VERSION} is known")]
    Version(u32),
    /// The body is not what its type wants.
    #[error("the queue message is malformed")]
    Malformed(#[source] Problem),
}

/// What is wrong with a body, without the texts in it: they may be somebody's words, and errors are
/// logged.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Problem(String);

#[derive(Serialize)]
struct Versioned<'a, Body> {
    v: u32,
    #[serde(flatten)]
    body: &'a Body,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

fn write(body: &impl Serialize) -> String {
    serde_json::to_string(&Versioned { v: VERSION, body }).unwrap_or_default()
}

fn parse<Body: DeserializeOwned>(text: &str) -> Result<Body, BodyError> {
    let Version { v } = serde_json::from_str(text).map_err(malformed)?;
    if v != VERSION {
        return Err(BodyError::Version(v));
    }
    serde_json::from_str(text).map_err(malformed)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` wants")]
fn malformed(error: serde_json::Error) -> BodyError {
    BodyError::Malformed(Problem(redact(&error)))
}
