//! What a model thinks before it asks for calls.

use serde_json::Value;

/// The most that is kept of a reply's thinking, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The thinking blocks of a reply, to be given back unchanged.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    blocks: Vec<Value>,
    bytes: usize,
}

impl Thoughts {
    /// Begins a block, if it is one of thinking. The hidden ones come whole.
    pub(super) fn begin(&mut self, block: Value) {
        let hidden = &block["data"];
        self.bytes += hidden.as_str().map_or(0, str::len);
        let is_thought = matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking"));
        if is_thought && self.bytes <= MAX_BYTES {
            self.blocks.push(block);
        }
    }

    /// Appends to a field of the block that began last.
    pub(super) fn append(&mut self, field: &str, piece: &str) {
        let Some(block) = self.blocks.last_mut() else { return };
        self.bytes += piece.len();
        if self.bytes <= MAX_BYTES {
            match &mut block[field] {
                Value::String(so_far) => so_far.push_str(piece),
                absent => *absent = piece.into(),
            }
        }
    }

    /// Returns the blocks; `None` if not all of them were kept.
    pub(super) fn take(&mut self) -> Option<Vec<Value>> {
        (self.bytes <= MAX_BYTES).then(|| std::mem::take(&mut self.blocks))
    }
}
