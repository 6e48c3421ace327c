//! The format of the price list.

use serde::Deserialize;
use serde_json::Value;

use super::{ModelPrices, Rates, Tier};

const UNIT: &str = "micro-USD per million tokens";

/// The reason why a price list is invalid. Names the file, and the entry if the problem is in one.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {place}: {problem}")]
pub struct PricesError {
    file: String,
    place: String,
    problem: String,
}

impl PricesError {
    pub(super) fn new(file: &str, place: &str, problem: String) -> Self {
        Self { file: file.to_owned(), place: place.to_owned(), problem }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    unit: String,
    models: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    model: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "read")]
    _read: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    tiers: Vec<TierEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierEntry {
    prompt_tokens: Option<u64>,
    input: u64,
    output: u64,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Vec<ModelPrices>, PricesError> {
    let error = |place: &str, problem| PricesError::new(file, place, problem);
    let list: File =
        serde_json::from_str(text).map_err(|problem| error("the file", problem.to_string()))?;
    if list.unit != UNIT {
        return Err(error("unit", format!("must be {UNIT:?}")));
    }
    let mut models: Vec<ModelPrices> = Vec::new();
    for (index, value) in list.models.into_iter().enumerate() {
        let place =
            format!("models[{index}] ({})", value["model"].as_str().unwrap_or("without a model"));
        let model = entry(value).map_err(|problem| error(&place, problem))?;
        if models.iter().any(|other| other.model == model.model) {
            return Err(error(&place, "is listed twice".to_owned()));
        }
        models.push(model);
    }
    Ok(models)
}

fn entry(value: Value) -> Result<ModelPrices, String> {
    let entry: Entry = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let tiers: Vec<Tier> = entry.tiers.iter().map(tier).collect();
    if entry.model.is_empty() || tiers.is_empty() {
        return Err("needs a model and at least one tier".to_owned());
    }
    if !tiers.is_sorted_by(|one, next| one.prompt_tokens < next.prompt_tokens) {
        return Err(
            "tiers must grow by prompt_tokens, and only the last may leave it out".to_owned()
        );
    }
    Ok(ModelPrices { model: entry.model, tiers })
}

fn tier(entry: &TierEntry) -> Tier {
    let rates = Rates {
        input: entry.input,
        output: entry.output,
        // Without a price of their own, cached tokens cost as much as other input.
        cache_read: entry.cache_read.unwrap_or(entry.input),
        cache_write: entry.cache_write.unwrap_or(entry.input),
    };
    Tier { prompt_tokens: entry.prompt_tokens.unwrap_or(u64::MAX), rates }
}
