//! A message that is answered once more, under other conditions.

use std::io;

use serde::{Deserialize, Serialize};

use super::MessageText;

/// The most bytes of a replay, as JSON: with the longest message beside it, it fits an item of the
/// store.
pub const MAX_REPLAY_BYTES: usize = 256 * 1024;
/// The most bytes of a model's name.
const MAX_MODEL_BYTES: usize = 256;

/// What a submitted message is answered with in place of its session's history and the deployment's
/// settings.
///
/// Whoever may send to the queue may set it: a replay, an evaluation. It is kept with the message,
/// so that a generation after a crash is answered with the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// What the model reads as the conversation so far, oldest first, in place of the session's
    /// turns: none of them if it is empty. Cut to the token budget of histories; an exchange
    /// without a reply is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Exchange>,
    /// The model of the provider asked for, in place of the configured one. Nobody else answers for
    /// it: the reply of another model would be taken for its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The instructions, in place of the built-in ones; the document's block follows them all the
    /// same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// One turn of a conversation that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// What the user wrote.
    pub message: MessageText,
    /// What was answered.
    pub reply: String,
}

/// The reason why a replay is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It does not fit beside its message.
    #[error("replay is larger than {MAX_REPLAY_BYTES} bytes of JSON")]
    TooLarge,
    /// The model's name is none.
    #[error("replay.model is not 1 to {MAX_MODEL_BYTES} printable ASCII characters")]
    Model,
}

impl Replay {
    /// Refuses a replay that cannot be kept or asked for. Producers check it before they send.
    pub fn check(&self) -> Result<(), ReplayError> {
        if let Some(model) = &self.model {
            let printable = model.bytes().all(|byte| byte.is_ascii_graphic());
            if !printable || !(1..=MAX_MODEL_BYTES).contains(&model.len()) {
                return Err(ReplayError::Model);
            }
        }
        let mut room = Room(MAX_REPLAY_BYTES);
        serde_json::to_writer(&mut room, self).map_err(|_| ReplayError::TooLarge)
    }
}

/// A writer that only counts, down to nothing.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(reply: &str) -> Exchange {
        Exchange { message: MessageText::parse("q").unwrap(), reply: reply.to_owned() }
    }

    #[test]
    fn a_replay_is_accepted_up_to_its_limit() {
        let of = |reply: &str| Replay { history: vec![exchange(reply)], ..Replay::default() };
        let around = serde_json::to_string(&of("")).unwrap().len();
        assert_eq!(of(&"x".repeat(MAX_REPLAY_BYTES - around)).check(), Ok(()));
        assert_eq!(
            of(&"x".repeat(MAX_REPLAY_BYTES - around + 1)).check(),
            Err(ReplayError::TooLarge)
        );
    }

    #[test]
    fn a_model_that_no_address_carries_is_refused() {
        for model in ["", "a b", "a\nb", "é", &"x".repeat(257)] {
            let replay = Replay { model: Some(model.to_owned()), ..Replay::default() };
            assert_eq!(replay.check(), Err(ReplayError::Model), "{model:?}");
        }
    }
}
