//! What the work of an answer amounts to.

use shared::domain::{ErrorCode, FinishReason, MicroUsd};
use shared::ports::{CachedReply, Finish};
use shared::protocol::{TurnError, TurnOutcome, TurnResult};

use super::Answer;

/// The longest model name that is kept, in bytes: providers state it, and a turn must fit an item
/// of the store.
const MAX_MODEL_BYTES: usize = 256;

impl Answer<'_> {
    /// The model's reply, a refusal included.
    pub(super) fn replied(&mut self, finish: Finish) -> TurnOutcome {
        self.attendant.complete();
        if let (Some(model), Some((_, name))) = (finish.model, self.answered_by.as_mut()) {
            *name = model;
        }
        let text = self.attendant.text().to_owned();
        self.outcome(TurnResult::Reply { text, finish_reason: finish.reason })
    }

    /// The end of a stopped turn: the text that was shown so far.
    pub(super) fn cancelled(&self) -> TurnOutcome {
        self.outcome(TurnResult::Cancelled { text: self.attendant.text().to_owned() })
    }

    pub(super) fn failed(&self, code: ErrorCode, message: &str) -> TurnOutcome {
        self.outcome(TurnResult::Error(TurnError { code, message: message.to_owned() }))
    }

    /// A reply that was kept: no model was called, and it costs nothing.
    pub(super) fn repeated(&mut self, reply: CachedReply) -> TurnOutcome {
        self.answered_by = Some((reply.provider, reply.model));
        let result = TurnResult::Reply { text: reply.text, finish_reason: FinishReason::Stop };
        let outcome = self.outcome(result);
        TurnOutcome { usage: None, cost_micro_usd: Some(MicroUsd(0)), cached: true, ..outcome }
    }

    fn outcome(&self, result: TurnResult) -> TurnOutcome {
        let (provider, mut model) = self.answered_by.clone().unzip();
        if let Some(model) = &mut model {
            model.truncate(model.floor_char_boundary(MAX_MODEL_BYTES));
        }
        let (usage, cost_micro_usd) = self.spending.total();
        TurnOutcome {
            result,
            provider,
            model,
            usage,
            cost_micro_usd,
            cached: false,
            context: self.context,
            timings: self.timings,
        }
    }
}
