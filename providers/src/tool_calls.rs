//! The calls of a reply while they arrive.

use serde_json::Value;
use shared::ports::{ModelError, ModelEvent};
use shared::tools::ToolCall;

/// The most calls of one reply. A turn allows far fewer; more is a model that went astray.
const MAX_CALLS: usize = 64;

/// The most arguments of one reply, in bytes of JSON.
const MAX_ARGUMENT_BYTES: usize = 256 * 1_024;

/// Collects calls from their pieces, and passes on only what is whole.
#[derive(Debug, Default)]
pub(crate) struct CallParts {
    calls: Vec<CallPart>,
    bytes: usize,
}

/// A call, as far as it is there.
#[derive(Debug, Default)]
struct CallPart {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// A piece of a call. What a server leaves out is absent or empty.
#[derive(Debug, Default)]
pub(crate) struct CallPiece {
    pub(crate) index: Option<u64>,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl CallParts {
    /// Adds a piece to its call, or begins a call with it.
    pub(crate) fn add(&mut self, piece: CallPiece) -> Result<(), ModelError> {
        self.bytes = self.bytes.saturating_add(piece.arguments.len());
        let at = self.find(&piece);
        if self.bytes > MAX_ARGUMENT_BYTES || (at.is_none() && self.calls.len() >= MAX_CALLS) {
            return Err(broken("more tool calls than a reply may have"));
        }
        let at = at.unwrap_or(self.calls.len());
        if at == self.calls.len() {
            self.calls.push(CallPart { index: piece.index, ..CallPart::default() });
        }
        let Some(call) = self.calls.get_mut(at) else { return Ok(()) };
        for (known, new) in [(&mut call.id, piece.id), (&mut call.name, piece.name)] {
            if known.is_empty() {
                *known = new;
            }
        }
        call.arguments.push_str(&piece.arguments);
        Ok(())
    }

    /// Finds the call that a piece belongs to; `None`: it begins a new one.
    ///
    /// `OpenAI` numbers the calls, and gives id and name with a call's first piece. Among the
    /// compatible servers some leave the number out, some give every call the number 0, and some
    /// repeat id and name with every piece.
    fn find(&self, piece: &CallPiece) -> Option<usize> {
        let same_index = |call: &CallPart| {
            piece.index.is_none() || call.index.is_none_or(|at| Some(at) == piece.index)
        };
        let last = self.calls.iter().rposition(same_index)?;
        let call = self.calls.get(last)?;
        if !piece.id.is_empty() {
            let known = |call: &CallPart| call.id == piece.id && same_index(call);
            let known = self.calls.iter().rposition(known);
            return known.or((call.id.is_empty() && !call.is_whole()).then_some(last));
        }
        let goes_on = piece.name.is_empty()
            || (!call.is_whole() && (call.name.is_empty() || call.name == piece.name));
        goes_on.then_some(last)
    }

    /// Hands over the calls of a reply that ended by itself.
    ///
    /// Arguments that are cut off or no JSON object make the reply a broken one: nobody knows what
    /// the model wanted to ask for.
    pub(crate) fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        for call in self.take()? {
            events.push(ModelEvent::ToolCall(call));
        }
        Ok(())
    }

    /// Returns the calls, of which each is whole.
    pub(crate) fn take(&mut self) -> Result<Vec<ToolCall>, ModelError> {
        std::mem::take(&mut self.calls).into_iter().map(CallPart::whole).collect()
    }

    /// Tells whether any call has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

impl CallPart {
    fn is_whole(&self) -> bool {
        is_object(&self.arguments)
    }

    fn whole(self) -> Result<ToolCall, ModelError> {
        let arguments = self.arguments.trim();
        let arguments = if arguments.is_empty() || arguments == "null" { "{}" } else { arguments };
        if self.name.is_empty() {
            return Err(broken("a tool call without a name"));
        }
        if !is_object(arguments) {
            return Err(broken("the arguments of a tool call are no JSON object"));
        }
        Ok(ToolCall { id: self.id, name: self.name, arguments: arguments.to_owned() })
    }
}

/// Returns arguments as JSON text: most servers send a string, some the object itself.
pub(crate) fn arguments(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, Value>>(text).is_ok()
}

fn broken(reason: &str) -> ModelError {
    ModelError::Broken(reason.to_owned())
}
