//! What the work on an answer results in.

use shared::domain::{ErrorCode, FinishReason, Grounding, MicroUsd};
use shared::ports::{CachedReply, Finish};
use shared::protocol::{TurnError, TurnOutcome, TurnResult};

use super::turn_answer::TurnAnswer;

/// The longest model name that is stored, in bytes. Providers choose it, and a turn must fit into
/// one item of the store.
const MAX_MODEL_BYTES: usize = 256;

impl TurnAnswer<'_> {
    /// Returns the model's reply; a refusal is one too.
    pub(super) fn replied(&mut self, finish: Finish) -> TurnOutcome {
        self.streamer.complete();
        if let (Some(model), Some((_, name))) = (finish.model, self.answered_by.as_mut()) {
            *name = model;
        }
        let text = self.streamer.text().to_owned();
        self.outcome(TurnResult::Reply { text, finish_reason: finish.reason })
    }

    /// Returns the end of a stopped turn, with the text that was shown so far.
    pub(super) fn cancelled(&self) -> TurnOutcome {
        self.outcome(TurnResult::Cancelled { text: self.streamer.text().to_owned() })
    }

    /// Returns the end of a turn that could not be answered.
    pub(super) fn failed(&self, code: ErrorCode, message: &str) -> TurnOutcome {
        self.outcome(TurnResult::Error(TurnError { code, message: message.to_owned() }))
    }

    /// Returns a reply from the cache: no model was called, and it costs nothing.
    pub(super) fn replied_from_cache(&mut self, reply: CachedReply) -> TurnOutcome {
        self.answered_by = Some((reply.provider, reply.model));
        let result = TurnResult::Reply { text: reply.text, finish_reason: FinishReason::Stop };
        let outcome = self.outcome(result);
        TurnOutcome {
            usage: None,
            cost_micro_usd: Some(MicroUsd(0)),
            cached: true,
            citations: reply.citations,
            grounding: reply.grounding,
            ..outcome
        }
    }

    fn outcome(&self, result: TurnResult) -> TurnOutcome {
        let (provider, mut model) = self.answered_by.clone().unzip();
        if let Some(model) = &mut model {
            model.truncate(model.floor_char_boundary(MAX_MODEL_BYTES));
        }
        let (usage, cost_micro_usd) = self.spending.total();
        let has_text = result.error().is_none();
        let citations = if has_text { self.streamer.citations().to_vec() } else { Vec::new() };
        let grounding = (has_text && self.searched).then(|| Grounding::of(&citations));
        TurnOutcome {
            result,
            provider,
            model,
            usage,
            cost_micro_usd,
            cached: false,
            context: self.context,
            citations,
            grounding,
            timings: self.timings,
        }
    }
}
