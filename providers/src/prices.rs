//! What a call costs.
//!
//! All prices are in `prices.json`, in micro-USD per million tokens, with their source and the
//! month in which they were read.
//! A model that is not listed has no cost rather than a wrong one. No budget can be kept with it,
//! so a server that has one does not start; a model that a replay names counts at the highest
//! listed price.

mod file;

use shared::domain::{MicroUsd, ProviderName, Usage};
use shared::environment::Environment;
use shared::ports::Prompt;
use shared::tools::PromptTools;

pub use file::PricesError;

/// The variable with further prices.
const PRICES: &str = "CHATBOT_PRICES";

/// The bytes counted for a message in addition to its text, and for a request in addition to its
/// messages: roles and separators.
const FRAMING_BYTES: u64 = 64;

/// The price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    models: Vec<ModelPrices>,
    highest_listed: Rates,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelPrices {
    model: String,
    /// By the size of the prompt, smallest first.
    tiers: Vec<Tier>,
}

/// The prices for prompts up to a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tier {
    /// The largest prompt in tokens, including cached ones.
    prompt_tokens: u64,
    rates: Rates,
}

/// Micro-USD per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Rates {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

impl Prices {
    /// Returns the list that was compiled into this program.
    pub fn built_in() -> Result<Self, PricesError> {
        Self::parse("prices.json", include_str!("../prices.json"))
    }

    /// Parses a list. Errors name `file` and the entry.
    pub fn parse(file: &str, text: &str) -> Result<Self, PricesError> {
        let models = file::parse(file, text)?;
        let all = models.iter().flat_map(|model| &model.tiers).map(|tier| tier.rates);
        let highest_listed = all.fold(Rates::default(), Rates::max);
        Ok(Self { models, highest_listed })
    }

    /// Returns the built-in list with the entries of `CHATBOT_PRICES`, which is a file in the same
    /// format, or that JSON itself. An entry replaces the built-in one of the same model.
    pub fn from_env(environment: &Environment) -> Result<Self, PricesError> {
        let built_in = Self::built_in()?;
        let Some(value) = environment.text(PRICES) else { return Ok(built_in) };
        if value.trim_start().starts_with('{') {
            return Self::parse(PRICES, value).map(|own| built_in.replaced_by(&own));
        }
        let text = std::fs::read_to_string(value).map_err(|error| {
            PricesError::new(PRICES, value, format!("the file cannot be read: {error}"))
        })?;
        Self::parse(value, &text).map(|own| built_in.replaced_by(&own))
    }

    fn replaced_by(self, own: &Self) -> Self {
        let kept = self.models.into_iter().filter(|listed| {
            let replaced = own.models.iter().any(|model| model.model == listed.model);
            !replaced
        });
        let models = kept.chain(own.models.iter().cloned()).collect();
        let highest_listed = self.highest_listed.max(own.highest_listed);
        Self { models, highest_listed }
    }

    /// Tells whether the calls of a model have a price; those of `offline` cost nothing.
    pub fn knows(&self, provider: ProviderName, model: &str) -> bool {
        provider == ProviderName::Offline || self.tiers(model).is_some()
    }

    /// Returns what a call cost, rounded up; `None` if the model or a prompt of that size is not
    /// listed.
    ///
    /// `offline` costs nothing.
    pub fn cost(&self, provider: ProviderName, model: &str, usage: Usage) -> Option<MicroUsd> {
        if provider == ProviderName::Offline {
            return Some(MicroUsd(0));
        }
        self.rates(model, usage.input_tokens).map(|rates| rates.cost(usage))
    }

    /// Returns what a budget counts for a call: its cost, or if that is not known, its cost at the
    /// highest listed prices.
    pub fn budget_cost(&self, provider: ProviderName, model: &str, usage: Usage) -> MicroUsd {
        self.cost(provider, model, usage).unwrap_or_else(|| self.highest_listed.cost(usage))
    }

    /// Returns the most that a call can cost: every byte a token, nothing read from a cache, and
    /// the longest reply.
    ///
    /// `prompt_bytes` is [`prompt_bytes`] of the prompt. Models that are not listed count at the
    /// highest listed prices.
    pub fn highest_cost(
        &self,
        provider: ProviderName,
        model: &str,
        prompt_bytes: u64,
        max_tokens: u32,
    ) -> MicroUsd {
        if provider == ProviderName::Offline {
            return MicroUsd(0);
        }
        let rates = self.highest_rates(model, prompt_bytes);
        let input = rates.input.max(rates.cache_write).max(rates.cache_read);
        micro_usd([(prompt_bytes, input), (u64::from(max_tokens), rates.output)])
    }

    fn rates(&self, model: &str, prompt_tokens: u64) -> Option<Rates> {
        let tier = self.tiers(model)?.iter().find(|tier| prompt_tokens <= tier.prompt_tokens)?;
        Some(tier.rates)
    }

    /// Returns the highest rate of each kind for prompts of at most so many tokens.
    fn highest_rates(&self, model: &str, prompt_tokens: u64) -> Rates {
        let tiers = self.tiers(model).unwrap_or_default();
        let last = tiers.iter().position(|tier| prompt_tokens <= tier.prompt_tokens);
        let Some(reached) = last.and_then(|last| tiers.get(..=last)) else {
            return self.highest_listed;
        };
        reached.iter().map(|tier| tier.rates).fold(Rates::default(), Rates::max)
    }

    fn tiers(&self, model: &str) -> Option<&[Tier]> {
        let exact = self.models.iter().find(|listed| listed.model == model);
        if let Some(listed) = exact {
            return Some(&listed.tiers);
        }
        let model = without_bedrock(model);
        let matching = self.models.iter().filter(|listed| is_version_of(model, &listed.model));
        Some(&matching.max_by_key(|listed| listed.model.len())?.tiers)
    }
}

/// Counts the bytes of a prompt as the provider reads it. It never has more tokens than that.
pub fn prompt_bytes(prompt: &Prompt) -> u64 {
    let texts =
        prompt.messages.iter().map(|message| message.text.len()).chain([prompt.system.len()]);
    let texts = texts.chain(prompt.found.iter().map(|found| found.text.len()));
    texts
        .chain(tool_bytes(&prompt.tools))
        .map(|bytes| (bytes as u64).saturating_add(FRAMING_BYTES))
        .fold(FRAMING_BYTES, u64::saturating_add)
}

/// Returns the bytes of each tool, and of each text of the rounds.
fn tool_bytes(tools: &PromptTools) -> impl Iterator<Item = usize> {
    let json = |value: &serde_json::Value| value.to_string().len();
    let definitions = tools.definitions.iter().map(move |tool| {
        tool.name.as_str().len() + tool.description.len() + json(&tool.parameters)
    });
    let rounds = tools.rounds.iter().flat_map(move |round| {
        let thoughts = round.thinking.iter().flat_map(|thinking| &thinking.blocks).map(json);
        let calls = round.calls.iter().flat_map(|call| {
            [call.name.as_str().len() + call.arguments.len(), call.result.text.len()]
        });
        thoughts.chain(calls).chain([round.text.len()])
    });
    definitions.chain(rounds)
}

impl Rates {
    fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
        }
    }

    fn cost(self, usage: Usage) -> MicroUsd {
        let cached = usage.cached_input_tokens.saturating_add(usage.cache_write_tokens);
        micro_usd([
            (usage.input_tokens.saturating_sub(cached), self.input),
            (usage.cached_input_tokens, self.cache_read),
            (usage.cache_write_tokens, self.cache_write),
            (usage.output_tokens, self.output),
        ])
    }
}

/// Adds up tokens at their rates, rounded up to a whole micro-USD; saturates.
fn micro_usd<const N: usize>(parts: [(u64, u64); N]) -> MicroUsd {
    let parts =
        parts.into_iter().map(|(tokens, rate)| u128::from(tokens).saturating_mul(u128::from(rate)));
    let total = parts.fold(0, u128::saturating_add).div_ceil(1_000_000);
    MicroUsd(i64::try_from(total).unwrap_or(i64::MAX))
}

/// Returns the maker's name of a model on Bedrock, where it is part of a profile's ARN, and has a
/// region and the maker before it and a version behind it: `us.anthropic.claude-haiku-5-5-v1:0`.
/// Other names stay as they are.
fn without_bedrock(model: &str) -> &str {
    let id =
        if model.starts_with("arn:") { model.rsplit('/').next().unwrap_or(model) } else { model };
    let Some((_, id)) = id.split_once("anthropic.") else { return model };
    let Some((name, version)) = id.rsplit_once("-v") else { return id };
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    if is_version { name } else { id }
}

/// Tells whether `model` is the listed one, or its dated or latest version.
///
/// Any other suffix means another model, with prices of its own.
fn is_version_of(model: &str, listed: &str) -> bool {
    let Some(ending) = model.strip_prefix(listed) else { return false };
    let Some(version) = ending.strip_prefix(['-', '@']) else { return ending.is_empty() };
    let digits = version.bytes().filter(u8::is_ascii_digit).count();
    let is_date = digits == 8 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_date || version == "latest"
}

#[cfg(test)]
mod tests;
