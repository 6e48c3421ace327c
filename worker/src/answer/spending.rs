//! What a turn's calls cost, and the daily budgets that pay for them.

use std::sync::Arc;

use providers::Prices;
use providers::prices::prompt_bytes;
use shared::domain::{MicroUsd, Principal, ProviderName, Usage};
use shared::ports::{Clock, Model, Prompt, Store};
use shared::protocol::counters::Budget;

use crate::config::Budgets;
use crate::error::WorkerError;
use crate::ports::Ports;

/// The estimated number of bytes in an output token, for a call whose provider reported no usage.
const BYTES_PER_TOKEN: u64 = 4;

/// What was seen of a call before it ended.
#[derive(Default)]
pub(super) struct CallProgress {
    /// Whether the provider began to answer. Before that it bills nothing.
    pub(super) began: bool,
    pub(super) usage: Usage,
    pub(super) delta_bytes: u64,
}

/// Whether the budgets allow a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reservation {
    /// Its highest possible cost is reserved.
    Held,
    /// Too little of a budget is left today.
    UsedUp,
    /// It may cost more than a budget allows in a whole day.
    TooLarge,
}

/// The sum of a turn's calls, and the reservation of the call in progress.
///
/// A call is paid for in two steps, because several turns spend the same budget at the same time:
/// its highest possible cost is reserved before it, and replaced by the real cost after it. Were
/// only the real cost added afterwards, all turns that are in progress could exceed the budget
/// together.
pub(super) struct Spending<'w> {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    prices: &'w Prices,
    limits: Vec<(String, MicroUsd)>,
    usage: Option<Usage>,
    /// `None` once a call had no listed price.
    cost: Option<MicroUsd>,
    reserved: Option<(MicroUsd, Vec<Budget>)>,
}

impl<'w> Spending<'w> {
    pub(super) fn new(
        ports: &Ports,
        prices: &'w Prices,
        budgets: Budgets,
        principal: &Principal,
    ) -> Self {
        let stack = budgets.stack.map(|limit| ("stack".to_owned(), limit));
        let principal =
            budgets.principal.map(|limit| (principal.hash().as_str().to_owned(), limit));
        Self {
            store: ports.store.clone(),
            clock: ports.clock.clone(),
            prices,
            limits: stack.into_iter().chain(principal).collect(),
            usage: None,
            cost: Some(MicroUsd(0)),
            reserved: None,
        }
    }

    /// Reserves the highest possible cost of a call.
    ///
    /// After a crash the amount stays reserved until the end of the day.
    pub(super) async fn reserve(
        &mut self,
        model: &dyn Model,
        prompt: &Prompt,
    ) -> Result<Reservation, WorkerError> {
        if self.limits.is_empty() {
            return Ok(Reservation::Held);
        }
        let name = prompt.model_or(model.model());
        let amount = self.prices.highest_cost(
            model.provider(),
            name,
            prompt_bytes(prompt),
            prompt.max_tokens.saturating_add(model.thinking_room()),
        );
        if self.limits.iter().any(|(_, limit)| amount.0 > limit.0) {
            return Ok(Reservation::TooLarge);
        }
        let now = self.clock.now();
        let mut held = Vec::new();
        for (who, limit) in &self.limits {
            let budget = Budget::of_day(who, *limit, now);
            if !budget.reserve(self.store.as_ref(), amount).await? {
                self.settle_budgets(&held, amount, MicroUsd(0)).await;
                return Ok(Reservation::UsedUp);
            }
            held.push(budget);
        }
        self.reserved = Some((amount, held));
        Ok(Reservation::Held)
    }

    /// Replaces the reservation by what the call really used, in the budgets that it came from.
    pub(super) async fn settle(
        &mut self,
        model: &dyn Model,
        prompt: &Prompt,
        progress: &CallProgress,
    ) {
        let provider = model.provider();
        let name = prompt.model_or(model.model());
        // Quoting a document is not a model call: it uses no tokens.
        let usage = (provider != ProviderName::Offline).then(|| used(prompt, progress)).flatten();
        let cost = usage.map_or(Some(MicroUsd(0)), |usage| self.prices.cost(provider, name, usage));
        if let Some(usage) = usage {
            self.usage = Some(self.usage.unwrap_or_default().plus(usage));
        }
        self.cost = self.cost.zip(cost).map(|(sum, cost)| MicroUsd(sum.0.saturating_add(cost.0)));
        let Some((reserved, budgets)) = self.reserved.take() else { return };
        let spent =
            usage.map_or(MicroUsd(0), |usage| self.prices.budget_cost(provider, name, usage));
        self.settle_budgets(&budgets, reserved, spent).await;
    }

    /// Returns what all calls used and cost; no cost if one of them had no listed price.
    pub(super) fn total(&self) -> (Option<Usage>, Option<MicroUsd>) {
        (self.usage, self.usage.and(self.cost))
    }

    async fn settle_budgets(&self, budgets: &[Budget], reserved: MicroUsd, spent: MicroUsd) {
        for budget in budgets {
            if let Err(error) = budget.settle(self.store.as_ref(), reserved, spent).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a reservation was not settled and stays until the end of the day"
                );
            }
        }
    }
}

/// Returns what a call used: as its provider reported it, or at least what was seen of it; `None`
/// if the provider never began to answer.
fn used(prompt: &Prompt, progress: &CallProgress) -> Option<Usage> {
    if !progress.began {
        return None;
    }
    let estimate = |bytes: u64| bytes.div_ceil(BYTES_PER_TOKEN);
    let reported = progress.usage;
    let input_tokens = if reported.input_tokens > 0 {
        reported.input_tokens
    } else {
        estimate(prompt_bytes(prompt))
    };
    // Claude reports one output token at the start of a stream, and the real number at its end.
    let output_tokens = if reported.output_tokens > 1 {
        reported.output_tokens
    } else {
        estimate(progress.delta_bytes)
    };
    Some(Usage { input_tokens, output_tokens, ..reported })
}
