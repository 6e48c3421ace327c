//! Sends lines: renders their requests, checks the budget, and creates the parts.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{MicroUsd, Principal};
use shared::operator::{FirstMessage, PromptsRequest, PromptsResponse, RenderedPrompt};
use shared::ports::ModelError;

use super::collect::CustomId;
use super::eligible::EligibleLines;
use super::http::RetryPauses;
use super::price;
use super::runner::{ProviderBatchRunner, SETTLED};
use super::service::{MOST_BYTES, provider_error};
use super::spool::{Limits, Spool};
use crate::backend::{Backend, BackendError, DataPolicy, with_retries};
use crate::batch::in_flight::LOOKUP_LIMIT;
use crate::batch::item::{BatchItem, RejectedLine};
use crate::batch::parts::{BatchPart, PartEvent, PartState};
use crate::exit::{ExitStatus, usage};
use crate::output::{count, money};

/// How long after an error response a creation may still happen at the provider.
const SETTLED_WITH_ERROR: Duration = Duration::from_secs(2);

impl ProviderBatchRunner<'_> {
    /// Sends the lines that were not sent yet.
    pub(super) async fn send(&mut self) -> anyhow::Result<()> {
        let Some(mut spool) = self.render().await? else { return Ok(()) };
        self.check_budget(&spool)?;
        for place in 0..spool.parts.len() {
            self.create(&mut spool, place).await?;
        }
        Ok(())
    }

    /// Renders the requests with the backend, which is closed before the waiting begins.
    async fn render(&mut self) -> anyhow::Result<Option<Spool>> {
        let provider = self.service.provider();
        let mut gather = EligibleLines::open(&self.input, &self.journal.header.batch, provider)?;
        let first = self.gather(&mut gather)?;
        if first.is_empty() {
            Spool::clear(&self.out);
            return Ok(None);
        }
        let most = self.service.most_requests();
        let limits =
            Limits { requests: self.part.map_or(most, |part| part.min(most)), bytes: MOST_BYTES };
        let mut spool = Spool::create(&self.out, self.journal.parts.next(), limits)?;
        let context = self.context;
        let job = &mut *self;
        let to = &mut spool;
        context
            .with_backend(DataPolicy::CreateIfMissing, |backend| async move {
                let mut chunk = first;
                while !chunk.is_empty() {
                    let rendered = job.prompts(&backend, &chunk).await?;
                    for (item, rendered) in chunk.iter().zip(rendered.prompts) {
                        job.spool(to, item, rendered)?;
                    }
                    chunk = job.gather(&mut gather)?;
                }
                Ok(ExitStatus::Success)
            })
            .await?;
        Ok(Some(spool))
    }

    /// Takes some lines that were not sent yet, and rejects those that cannot be.
    fn gather(&mut self, gather: &mut EligibleLines) -> anyhow::Result<Vec<BatchItem>> {
        let mut chunk = Vec::new();
        while chunk.len() < LOOKUP_LIMIT {
            let done = &self.answers.done;
            let parts = &self.journal.parts;
            match gather.next(|line| done.contains(line) || parts.has(line))? {
                Some(Ok(item)) => chunk.push(item),
                Some(Err(reject)) => self.reject(&reject)?,
                None => break,
            }
        }
        Ok(chunk)
    }

    async fn prompts(
        &self,
        backend: &Arc<dyn Backend>,
        items: &[BatchItem],
    ) -> anyhow::Result<PromptsResponse> {
        let message = |item: &BatchItem| FirstMessage {
            message: item.message.clone(),
            document_id: item.document_id.clone(),
        };
        let request = PromptsRequest {
            principal: Principal::parse(self.journal.header.principal.clone())?,
            provider: self.service.provider(),
            messages: items.iter().map(message).collect(),
        };
        let away = |error: &BackendError| self.progress.say(format!("retrying: {error}"));
        Ok(with_retries(self.retry_timeout, || backend.prompts(&request), away).await?)
    }

    fn spool(
        &mut self,
        spool: &mut Spool,
        item: &BatchItem,
        rendered: RenderedPrompt,
    ) -> anyhow::Result<()> {
        let RenderedPrompt { context, body, problem } = rendered;
        let Some(body) = body else {
            let problem =
                problem.unwrap_or_else(|| "the server did not render the request".to_owned());
            return self.reject(&RejectedLine::new(item.line, None, problem));
        };
        let size = body.to_string().len();
        let prefix = self.prefix(spool.part(size));
        let request =
            self.service.line(&CustomId { line: item.line, context }.write(&prefix), &body);
        let most = price::most(&self.prices, self.service.provider(), &body, size as u64);
        spool.add(item.line, &request.to_string(), most)
    }

    fn reject(&mut self, reject: &RejectedLine) -> anyhow::Result<()> {
        self.summary.rejected += 1;
        self.rejects.add(reject, &self.progress)
    }

    /// Fails before anything is sent if the batch could exceed the budget.
    fn check_budget(&self, spool: &Spool) -> anyhow::Result<()> {
        let most = self
            .summary
            .cost()
            .saturating_add(self.journal.parts.most())
            .saturating_add(spool.most());
        match self.budget {
            Some(budget) if most > budget => Err(usage(format!(
                "the batch may cost up to {}, assuming the longest replies and one token per byte, and \
                the budget is {}: nothing more was sent; give a larger --budget, or a lower \
                CHATBOT_MAX_TOKENS to the server",
                money(MicroUsd(most)),
                money(MicroUsd(budget))
            ))),
            _ => Ok(()),
        }
    }

    /// Creates a part. The intent is on disk before each attempt, the provider's ID right after it.
    async fn create(&mut self, spool: &mut Spool, place: usize) -> anyhow::Result<()> {
        let Some(planned) = spool.parts.get(place) else { return Ok(()) };
        let number = planned.number;
        let lines = planned.lines.clone();
        let most = planned.most;
        self.progress.say(format!("sending {} lines", count(planned.count as u64)));
        let mut wait = RetryPauses::new(self.retry_timeout);
        loop {
            let at = self.context.now();
            self.note(PartEvent::Creating { part: number, lines: lines.clone(), at, most })?;
            let part =
                BatchPart { number, lines: lines.clone(), at, most, stage: PartState::Creating };
            let error = match self.service.create(&self.mark(&part), spool.requests(place)?).await {
                Ok(id) => return self.note(PartEvent::Created { part: number, id }),
                Err(error) => error,
            };
            if let Some(settled) = settled_after(&error)
                && let Some(id) = self.found(&part, settled).await?
            {
                return self.note(PartEvent::Created { part: number, id });
            }
            if let Err(error) = wait.after(error).await {
                self.note(PartEvent::Void { part: number })?;
                return Err(provider_error(self.service.provider(), &error));
            }
        }
    }
}

/// Returns how long a failed creation may still happen at the provider. A rate limit is reported
/// before anything is done, so there is nothing to wait for.
fn settled_after(error: &ModelError) -> Option<Duration> {
    match error {
        ModelError::Busy { code, .. } if code.starts_with("429") => None,
        ModelError::Busy { .. } => Some(SETTLED_WITH_ERROR),
        ModelError::Broken(_) => Some(SETTLED),
        ModelError::Unauthorized(_) | ModelError::Permanent(_) => None,
    }
}
