//! Results as answers.

use std::collections::HashMap;

use providers::Prices;
use shared::domain::{
    ContextUse, ErrorCode, FinishReason, MicroUsd, Principal, ProviderName, SessionKey, Timestamp,
    TurnKind, TurnNumber, Usage,
};
use shared::operator::TurnView;
use shared::protocol::{Timings, TurnError};

use super::gather::items;
use super::job::Job;
use super::parts::{Part, Step};
use super::price;
use super::service::{Came, Ended, How, trouble};
use crate::batch::answers::{Answer, Counted};
use crate::batch::item::Item;

/// The longest model name that is kept, as in a turn.
const MAX_MODEL_BYTES: usize = 256;

/// By which a request is known: which line it is of, and what became of its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CustomId {
    pub(super) line: u64,
    pub(super) context: ContextUse,
}

impl CustomId {
    /// Writes it, behind what all requests of a part begin with.
    pub(super) fn write(self, prefix: &str) -> String {
        format!("{prefix}{}-{}", self.line, self.context)
    }

    /// Reads it; none where it is of another part.
    pub(super) fn read(prefix: &str, text: &str) -> Option<Self> {
        let (line, context) = text.strip_prefix(prefix)?.split_once('-')?;
        Some(Self { line: line.parse().ok()?, context: ContextUse::parse(context)? })
    }
}

/// When and by whom a part was answered.
struct Answered<'a> {
    provider: ProviderName,
    prices: &'a Prices,
    began: Timestamp,
    ended: Timestamp,
}

impl Job<'_> {
    /// Writes what came of a part; what is there already stays as it is.
    pub(super) async fn collect(&mut self, part: &Part, end: Ended) -> anyhow::Result<()> {
        let prefix = self.prefix(part.number);
        let done = &self.answers.done;
        let mut left = items(&self.input, &self.journal.header.batch, |line| {
            part.has(line) && !done.contains(line)
        })?;
        let ended = end.at.unwrap_or_else(|| self.desk.now());
        for place in &end.results {
            self.results(place, &prefix, part, ended, &mut left).await?;
        }
        if let How::Failed(reason) = end.how {
            self.answers.sync()?;
            self.note(Step::Void { part: part.number })?;
            anyhow::bail!(
                "{} refused the batch {} as a whole ({reason}): what has no answer was not run; \
                the same command sends it again",
                self.service.provider(),
                part.id().unwrap_or_default()
            );
        }
        let mut left: Vec<_> = left.into_values().collect();
        left.sort_by_key(|item| item.line);
        for item in left {
            let context = if item.document_id.is_some() { None } else { Some(ContextUse::None) };
            self.answer(&item, context, without_result(&end.how), part.at, ended)?;
        }
        self.answers.sync()?;
        self.note(Step::Collected { part: part.number })
    }

    async fn results(
        &mut self,
        place: &str,
        prefix: &str,
        part: &Part,
        ended: Timestamp,
        left: &mut HashMap<u64, Item>,
    ) -> anyhow::Result<()> {
        let provider = self.service.provider();
        let failed = |error| {
            trouble(provider, &error)
                .context(format!("the results of {}", part.id().unwrap_or_default()))
        };
        let mut results = self.service.results(place).await.map_err(failed)?;
        while let Some(result) = results.next().await.map_err(failed)? {
            let custom_id =
                result["custom_id"].as_str().and_then(|text| CustomId::read(prefix, text));
            // What is not ours, or was written before, is passed over.
            let Some(CustomId { line, context }) = custom_id else { continue };
            let Some(item) = left.remove(&line) else { continue };
            let came = self.service.came(result);
            self.answer(&item, Some(context), came, part.at, ended)?;
            self.tell(0);
        }
        Ok(())
    }

    fn answer(
        &mut self,
        item: &Item,
        context: Option<ContextUse>,
        came: Came,
        began: Timestamp,
        ended: Timestamp,
    ) -> anyhow::Result<()> {
        let answered =
            Answered { provider: self.service.provider(), prices: &self.prices, began, ended };
        let turn = answered.turn(item, context, came);
        let principal = Principal::parse(self.journal.header.principal.clone())?;
        let key = SessionKey::derive(&principal, &item.session_id);
        self.answers.append(&Answer::new(item, &key, &turn).of_provider_batch())?;
        self.summary.count(&Counted {
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

impl Answered<'_> {
    /// Returns a result in the form of a turn, which it is not.
    fn turn(&self, item: &Item, context: Option<ContextUse>, came: Came) -> TurnView {
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
            Came::Reply(whole) => {
                let mut model = whole.model.unwrap_or_default();
                model.truncate(model.floor_char_boundary(MAX_MODEL_BYTES));
                turn.cost_micro_usd = price::cost(self.prices, self.provider, &model, whole.usage);
                (turn.text, turn.usage, turn.model) =
                    (Some(whole.text), Some(whole.usage), Some(model));
                (TurnKind::Reply, whole.reason)
            }
            Came::Cancelled => (TurnKind::Cancelled, FinishReason::Cancelled),
            Came::Failed { code, reason } => {
                turn.error = Some(TurnError { code, message: reason });
                (TurnKind::Error, FinishReason::Error)
            }
        };
        (turn.kind, turn.finish_reason) = (Some(kind), Some(reason));
        turn
    }
}

/// Says what became of a request of which the provider says nothing.
fn without_result(how: &How) -> Came {
    match how {
        How::Cancelled => Came::Cancelled,
        How::Expired => Came::expired(),
        How::Whole | How::Failed(_) => Came::Failed {
            code: ErrorCode::ProvidersUnavailable,
            reason: "the provider's batch has ended without a result for this line".to_owned(),
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
