//! Which call a path means.

use http::Method;
use percent_encoding::percent_decode_str;
use shared::domain::TurnNumber;

/// A call, without its method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Health,
    Documents,
    Passage(String, u32),
    Sessions,
    Chat,
    Session(String),
    Turns(String),
    Tickets(String),
    Stop(String),
    Feedback(String, TurnNumber),
}

impl Route {
    /// Finds the call of a path; session ids may be percent-encoded.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match *parts.as_slice() {
            ["health"] => Some(Self::Health),
            ["documents"] => Some(Self::Documents),
            ["documents", document, "passages", ordinal] => {
                Some(Self::Passage(decoded(document)?, ordinal.parse().ok()?))
            }
            ["sessions"] => Some(Self::Sessions),
            ["chat"] => Some(Self::Chat),
            ["sessions", id] => Some(Self::Session(decoded(id)?)),
            ["sessions", id, "turns"] => Some(Self::Turns(decoded(id)?)),
            ["sessions", id, "tickets"] => Some(Self::Tickets(decoded(id)?)),
            ["sessions", id, "stop"] => Some(Self::Stop(decoded(id)?)),
            ["sessions", id, "turns", turn, "feedback"] => {
                let turn = TurnNumber::parse(turn.parse().ok()?).ok()?;
                Some(Self::Feedback(decoded(id)?, turn))
            }
            _ => None,
        }
    }

    /// Returns the methods that the call knows.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Health | Self::Documents | Self::Passage(..) | Self::Turns(_) => {
                "GET, HEAD, OPTIONS"
            }
            Self::Sessions | Self::Chat | Self::Tickets(_) | Self::Stop(_) | Self::Feedback(..) => {
                "POST, OPTIONS"
            }
            Self::Session(_) => "DELETE, OPTIONS",
        }
    }

    /// Tells whether the call knows the method.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        self.methods().split(", ").any(|known| known == method.as_str())
    }
}

fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
