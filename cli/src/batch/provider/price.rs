//! The cost and the maximum cost of a batch.

use providers::Prices;
use serde_json::Value;
use shared::domain::{MicroUsd, ProviderName, Usage};

/// A batch costs this part of the price list's prices, at both providers: "All usage is charged at
/// 50 percent of the standard API prices"
/// (<https://platform.claude.com/docs/en/build-with-claude/batch-processing>), "50% cost discount
/// compared to synchronous APIs" (<https://developers.openai.com/api/docs/guides/batch>).
const PART: i64 = 2;

/// Returns the cost of a reply; `None` for a model without a price.
pub(super) fn cost(
    prices: &Prices,
    provider: ProviderName,
    model: &str,
    usage: Usage,
) -> Option<MicroUsd> {
    prices.cost(provider, model, usage).map(batch_price)
}

/// Returns the maximum cost of a request: one token per byte, and the longest reply.
pub(super) fn most(prices: &Prices, provider: ProviderName, body: &Value, bytes: u64) -> i64 {
    let model = body["model"].as_str().unwrap_or_default();
    let longest = body["max_completion_tokens"].as_u64().or(body["max_tokens"].as_u64());
    let longest = longest.and_then(|tokens| u32::try_from(tokens).ok()).unwrap_or(u32::MAX);
    batch_price(prices.highest_cost(provider, model, bytes, longest)).0
}

fn batch_price(MicroUsd(full): MicroUsd) -> MicroUsd {
    MicroUsd(full / PART + full % PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_costs_half_rounded_up() {
        assert_eq!([0, 1, 2, 3, 4].map(|full| batch_price(MicroUsd(full)).0), [0, 1, 1, 2, 2]);
    }
}
