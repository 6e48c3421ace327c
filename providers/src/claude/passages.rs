//! Passages as search results, and the citations that the API makes of them.

use serde_json::{Value, json};
use shared::ports::{FoundPassages, ModelCitation};

/// Returns the content of a message with what was found for it.
///
/// Each passage is a search result with a block a sentence, since the API cites whole blocks. The
/// API takes citations for all search results of a request or for none.
pub(super) fn before(found: &FoundPassages, message: &str) -> Vec<Value> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    if found.passages.is_empty() {
        return vec![text(&format!("{}{message}", found.text))];
    }
    let results = found.passages.iter().map(|passage| {
        let sentences: Vec<_> = passage.sentences.iter().map(|sentence| text(sentence)).collect();
        json!({
            "type": "search_result",
            "source": passage.source,
            "title": passage.title,
            "content": sentences,
            "citations": { "enabled": true },
        })
    });
    results.chain([text(message)]).collect()
}

/// Reads a citation of the API; `None` if it is not one of a search result.
pub(super) fn citation(cited: &Value) -> Option<ModelCitation> {
    let index = u32::try_from(cited["search_result_index"].as_u64()?).ok()?;
    let quote = cited["cited_text"].as_str()?.to_owned();
    Some(ModelCitation { passage: index.checked_add(1)?, quote })
}
