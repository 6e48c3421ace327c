//! What the work of an answer amounts to.

use shared::domain::{ErrorCode, FinishReason, MicroUsd, TurnKind};
use shared::ports::{CachedReply, Finish};
use shared::protocol::TurnError;
use shared::protocol::commit::TurnOutcome;

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
        self.outcome(TurnKind::Reply, finish.reason, self.attendant.text().to_owned(), None)
    }

    /// The end of a stopped turn: the text that was shown so far.
    pub(super) fn cancelled(&self) -> TurnOutcome {
        self.outcome(
            TurnKind::Cancelled,
            FinishReason::Cancelled,
            self.attendant.text().to_owned(),
            None,
        )
    }

    pub(super) fn failed(&self, code: ErrorCode, message: &str) -> TurnOutcome {
        let error = TurnError { code, message: message.to_owned() };
        self.outcome(TurnKind::Error, FinishReason::Error, String::new(), Some(error))
    }

    /// A reply that was kept: no model was called, and it costs nothing.
    pub(super) fn repeated(&mut self, reply: CachedReply) -> TurnOutcome {
        self.answered_by = Some((reply.provider, reply.model));
        let outcome = self.outcome(TurnKind::Reply, FinishReason::Stop, reply.text, None);
        TurnOutcome { usage: None, cost_micro_usd: Some(MicroUsd(0)), cached: true, ..outcome }
    }

    fn outcome(
        &self,
        kind: TurnKind,
        finish_reason: FinishReason,
        text: String,
        error: Option<TurnError>,
    ) -> TurnOutcome {
        let (provider, mut model) = self.answered_by.clone().unzip();
        if let Some(model) = &mut model {
            model.truncate(model.floor_char_boundary(MAX_MODEL_BYTES));
        }
        let (usage, cost_micro_usd) = self.spending.total();
        let context = self.context;
        let timings = self.timings;
        let cached = false;
        TurnOutcome {
            kind,
            text,
            finish_reason,
            error,
            provider,
            model,
            usage,
            cost_micro_usd,
            cached,
            context,
            timings,
        }
    }
}
