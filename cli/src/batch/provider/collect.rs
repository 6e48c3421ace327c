//! Converts results to answers.

use std::collections::HashMap;

use providers::Prices;
use shared::domain::{
    ContextUse, ErrorCode, FinishReason, MicroUsd, Principal, ProviderName, SessionKey, Timestamp,
    TurnKind, TurnNumber, Usage,
};
use shared::operator::TurnView;
use shared::protocol::{Timings, TurnError};

use super::eligible::items;
use super::price;
use super::runner::ProviderBatchRunner;
use super::service::{BatchOutcome, EndedBatch, RequestResult, provider_error};
use crate::batch::answers::AnswerLine;
use crate::batch::item::BatchItem;
use crate::batch::parts::{BatchPart, PartEvent};
use crate::batch::summary::CountedAnswer;

/// The longest model name that is kept, as in a turn.
const MAX_MODEL_BYTES: usize = 256;

/// The ID of a request: its line, and the use of its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CustomId {
    pub(super) line: u64,
    pub(super) context: ContextUse,
}

impl CustomId {
    /// Formats it, with the prefix of all requests of the part.
    pub(super) fn write(self, prefix: &str) -> String {
        format!("{prefix}{}-{}", self.line, self.context)
    }

    /// Parses it; `None` if it belongs to another part.
    pub(super) fn read(prefix: &str, text: &str) -> Option<Self> {
        let (line, context) = text.strip_prefix(prefix)?.split_once('-')?;
        Some(Self { line: line.parse().ok()?, context: ContextUse::parse(context)? })
    }
}

/// When and by which provider a part was answered.
struct AnsweredRequest<'a> {
    provider: ProviderName,
    prices: &'a Prices,
    began: Timestamp,
    ended: Timestamp,
}

impl ProviderBatchRunner<'_> {
    /// Writes the answers of a part; existing answers stay unchanged.
    pub(super) async fn collect(
        &mut self,
        part: &BatchPart,
        end: EndedBatch,
    ) -> anyhow::Result<()> {
        let prefix = self.prefix(part.number);
        let done = &self.answers.done;
        let mut left = items(&self.input, &self.journal.header.batch, |line| {
            part.has(line) && !done.contains(line)
        })?;
        let ended = end.at.unwrap_or_else(|| self.context.now());
        for place in &end.results {
            self.results(place, &prefix, part, ended, &mut left).await?;
        }
        if let BatchOutcome::Failed(reason) = end.outcome {
            self.answers.sync()?;
            self.note(PartEvent::Void { part: part.number })?;
            anyhow::bail!(
                "{} rejected the batch {} as a whole ({reason}); unanswered lines were not run; \
                the same command sends it again",
                self.service.provider(),
                part.id().unwrap_or_default()
            );
        }
        let mut left: Vec<_> = left.into_values().collect();
        left.sort_by_key(|item| item.line);
        for item in left {
            let context = if item.document_id.is_some() { None } else { Some(ContextUse::None) };
            self.answer(&item, context, without_result(&end.outcome), part.at, ended)?;
        }
        self.answers.sync()?;
        self.note(PartEvent::Collected { part: part.number })
    }

    async fn results(
        &mut self,
        place: &str,
        prefix: &str,
        part: &BatchPart,
        ended: Timestamp,
        left: &mut HashMap<u64, BatchItem>,
    ) -> anyhow::Result<()> {
        let provider = self.service.provider();
        let failed = |error| {
            provider_error(provider, &error)
                .context(format!("the results of {}", part.id().unwrap_or_default()))
        };
        let mut results = self.service.results(place).await.map_err(failed)?;
        while let Some(result) = results.next().await.map_err(failed)? {
            let custom_id =
                result["custom_id"].as_str().and_then(|text| CustomId::read(prefix, text));
            // Results of others, and those already written, are skipped.
            let Some(CustomId { line, context }) = custom_id else { continue };
            let Some(item) = left.remove(&line) else { continue };
            let came = self.service.parse_result(result);
            self.answer(&item, Some(context), came, part.at, ended)?;
            self.tell(0);
        }
        Ok(())
    }

    fn answer(
        &mut self,
        item: &BatchItem,
        context: Option<ContextUse>,
        came: RequestResult,
        began: Timestamp,
        ended: Timestamp,
    ) -> anyhow::Result<()> {
        let answered = AnsweredRequest {
            provider: self.service.provider(),
            prices: &self.prices,
            began,
            ended,
        };
        let turn = answered.turn(item, context, came);
        let principal = Principal::parse(self.journal.header.principal.clone())?;
        let key = SessionKey::derive(&principal, &item.session_id);
        self.answers.append(&AnswerLine::new(item, &key, &turn).marked_as_provider_batch())?;
        self.summary.count(&CountedAnswer {
            line: item.line,
            kind: turn.kind,
            usage: turn.usage.unwrap_or_default(),
            cost_micro_usd: turn.cost_micro_usd,
            timings: turn.timings,
            provider_batch: true,
        });
        Ok(())
    }
}

impl AnsweredRequest<'_> {
    /// Converts a result to the form of a turn, although it is not one.
    fn turn(&self, item: &BatchItem, context: Option<ContextUse>, came: RequestResult) -> TurnView {
        let total_ms = u64::try_from(self.ended.since(self.began).as_millis()).unwrap_or(u64::MAX);
        let mut turn = TurnView {
            turn: TurnNumber::FIRST,
            message_id: item.message_id.clone(),
            message: item.message.clone(),
            done: true,
            kind: None,
            text: Some(String::new()),
            error: None,
            document_id: item.document_id.clone(),
            context,
            provider: Some(self.provider),
            model: None,
            usage: Some(Usage::default()),
            cost_micro_usd: Some(MicroUsd(0)),
            finish_reason: None,
            generations: 1,
            timings: Timings { total_ms, ..Timings::default() },
            accepted_at: self.began,
            finished_at: Some(self.ended),
        };
        let (kind, reason) = match came {
            RequestResult::Reply(whole) => {
                let mut model = whole.model.unwrap_or_default();
                model.truncate(model.floor_char_boundary(MAX_MODEL_BYTES));
                turn.cost_micro_usd = price::cost(self.prices, self.provider, &model, whole.usage);
                (turn.text, turn.usage, turn.model) =
                    (Some(whole.text), Some(whole.usage), Some(model));
                (TurnKind::Reply, whole.reason)
            }
            RequestResult::Cancelled => (TurnKind::Cancelled, FinishReason::Cancelled),
            RequestResult::Failed { code, reason } => {
                turn.error = Some(TurnError { code, message: reason });
                (TurnKind::Error, FinishReason::Error)
            }
        };
        (turn.kind, turn.finish_reason) = (Some(kind), Some(reason));
        turn
    }
}

/// Returns the result of a request for which the provider returned none.
fn without_result(outcome: &BatchOutcome) -> RequestResult {
    match outcome {
        BatchOutcome::Cancelled => RequestResult::Cancelled,
        BatchOutcome::Expired => RequestResult::expired(),
        BatchOutcome::Completed | BatchOutcome::Failed(_) => RequestResult::Failed {
            code: ErrorCode::ProvidersUnavailable,
            reason: "the provider's batch ended without a result for this line".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requests_id_tells_its_line_and_its_document() {
        let id = CustomId { line: 12, context: ContextUse::Unavailable };
        assert_eq!(id.write("b1-3-"), "b1-3-12-unavailable");
        assert_eq!(CustomId::read("b1-3-", "b1-3-12-unavailable"), Some(id));
        for other in ["b1-4-12-used", "b1-3-x-used", "b1-3-12", "b1-3-12-lost", ""] {
            assert_eq!(CustomId::read("b1-3-", other), None, "{other}");
        }
    }
}
