//! What a turn's calls cost, and the day's budgets that they come from.

use shared::domain::{MicroUsd, Principal, ProviderName, Usage};
use shared::ports::{Model, Prompt};
use shared::protocol::counters::Budget;

use super::call::Progress;
use crate::error::WorkerError;
use crate::handler::Worker;
use providers::prices::prompt_bytes;

/// A rough number of bytes in one output token, for a call whose provider did not say what it used.
const BYTES_PER_TOKEN: u64 = 4;

/// The calls' sum, and the reservation of the call under way.
pub(super) struct Spending {
    limits: Vec<(String, MicroUsd)>,
    usage: Option<Usage>,
    /// `None` once a call had no price.
    cost: Option<MicroUsd>,
    reserved: Option<(MicroUsd, Vec<Budget>)>,
}

impl Spending {
    pub(super) fn new(worker: &Worker, principal: &Principal) -> Self {
        let budgets = worker.config.budgets;
        let stack = budgets.stack.map(|limit| ("stack".to_owned(), limit));
        let principal =
            budgets.principal.map(|limit| (principal.hash().as_str().to_owned(), limit));
        let limits = stack.into_iter().chain(principal).collect();
        Self { limits, usage: None, cost: Some(MicroUsd(0)), reserved: None }
    }

    /// Reserves the highest possible cost of a call; `false` if a budget does not allow it.
    ///
    /// A crash leaves it reserved for the day.
    pub(super) async fn reserve(
        &mut self,
        worker: &Worker,
        model: &dyn Model,
        prompt: &Prompt,
    ) -> Result<bool, WorkerError> {
        if self.limits.is_empty() {
            return Ok(true);
        }
        let name = prompt.model_or(model.model());
        let amount = worker.prices.highest_cost(
            model.provider(),
            name,
            prompt_bytes(prompt),
            prompt.max_tokens,
        );
        let store = worker.ports.store.as_ref();
        let now = worker.ports.clock.now();
        let mut held = Vec::new();
        for (who, limit) in &self.limits {
            let budget = Budget::of_day(who, *limit, now);
            if !budget.reserve(store, amount).await? {
                release(worker, amount, &held).await;
                return Ok(false);
            }
            held.push(budget);
        }
        self.reserved = Some((amount, held));
        Ok(true)
    }

    /// Replaces the reservation by what the call really used, on the rows that it came from.
    pub(super) async fn settle(
        &mut self,
        worker: &Worker,
        model: &dyn Model,
        prompt: &Prompt,
        progress: &Progress,
    ) {
        let provider = model.provider();
        let name = prompt.model_or(model.model());
        // Quoting a document is no model call: it uses no tokens.
        let usage = (provider != ProviderName::Offline).then(|| used(prompt, progress)).flatten();
        let cost =
            usage.map_or(Some(MicroUsd(0)), |usage| worker.prices.cost(provider, name, usage));
        if let Some(usage) = usage {
            self.usage = Some(self.usage.unwrap_or_default().plus(usage));
        }
        self.cost = self.cost.zip(cost).map(|(sum, cost)| MicroUsd(sum.0.saturating_add(cost.0)));
        let Some((reserved, budgets)) = self.reserved.take() else { return };
        let spent =
            usage.map_or(MicroUsd(0), |usage| worker.prices.budget_cost(provider, name, usage));
        for budget in budgets {
            settle(worker, &budget, reserved, spent).await;
        }
    }

    /// Returns what all calls used and cost; no cost where one had no price.
    pub(super) fn total(&self) -> (Option<Usage>, Option<MicroUsd>) {
        (self.usage, self.usage.and(self.cost))
    }
}

/// Returns what a call used: as its provider said, at least what was seen of it; nothing where it
/// never began.
fn used(prompt: &Prompt, progress: &Progress) -> Option<Usage> {
    if !progress.began {
        return None;
    }
    let seen = |bytes: u64| bytes.div_ceil(BYTES_PER_TOKEN);
    let said = progress.usage;
    let input_tokens =
        if said.input_tokens > 0 { said.input_tokens } else { seen(prompt_bytes(prompt)) };
    let output_tokens =
        if said.output_tokens > 1 { said.output_tokens } else { seen(progress.delta_bytes) };
    Some(Usage { input_tokens, output_tokens, ..said })
}

async fn release(worker: &Worker, amount: MicroUsd, budgets: &[Budget]) {
    for budget in budgets {
        settle(worker, budget, amount, MicroUsd(0)).await;
    }
}

async fn settle(worker: &Worker, budget: &Budget, reserved: MicroUsd, spent: MicroUsd) {
    if let Err(error) = budget.settle(worker.ports.store.as_ref(), reserved, spent).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a reservation was not settled and stays for the day"
        );
    }
}
