//! The lines that were never sent: rendered, held to the budget, created part by part.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{MicroUsd, Principal};
use shared::operator::{FirstMessage, PromptsRequest, PromptsResponse, RenderedPrompt};
use shared::ports::ModelError;

use super::collect::CustomId;
use super::gather::Gather;
use super::http::Wait;
use super::job::{Job, SETTLED};
use super::parts::{Part, Stage, Step};
use super::price;
use super::service::{MOST_BYTES, trouble};
use super::spool::{Limits, Spool};
use crate::batch::flight::AT_ONCE;
use crate::batch::item::{Item, Reject};
use crate::exit::{Exit, usage};
use crate::home::{Home, HomeError, Need, with_retries};
use crate::output::{count, money};

/// How long it takes until a creation has come about, if it does although the provider answered an
/// error.
const SETTLED_WITH_ERROR: Duration = Duration::from_secs(2);

impl Job<'_> {
    /// Sends the lines that were never sent.
    pub(super) async fn send(&mut self) -> anyhow::Result<()> {
        let Some(mut spool) = self.render().await? else { return Ok(()) };
        self.check_budget(&spool)?;
        for place in 0..spool.parts.len() {
            self.create(&mut spool, place).await?;
        }
        Ok(())
    }

    /// Has the home render the requests; it is left before the waiting begins.
    async fn render(&mut self) -> anyhow::Result<Option<Spool>> {
        let provider = self.service.provider();
        let mut gather = Gather::open(&self.input, &self.journal.header.batch, provider)?;
        let first = self.gather(&mut gather)?;
        if first.is_empty() {
            Spool::clear(&self.out);
            return Ok(None);
        }
        let most = self.service.most_requests();
        let limits =
            Limits { requests: self.part.map_or(most, |part| part.min(most)), bytes: MOST_BYTES };
        let mut spool = Spool::create(&self.out, self.journal.parts.next(), limits)?;
        let desk = self.desk;
        let job = &mut *self;
        let to = &mut spool;
        desk.with_home(Need::Any, |home| async move {
            let mut chunk = first;
            while !chunk.is_empty() {
                let rendered = job.prompts(&home, &chunk).await?;
                for (item, rendered) in chunk.iter().zip(rendered.prompts) {
                    job.spool(to, item, rendered)?;
                }
                chunk = job.gather(&mut gather)?;
            }
            Ok(Exit::Done)
        })
        .await?;
        Ok(Some(spool))
    }

    /// Takes some lines that were never sent; those that cannot be are rejected.
    fn gather(&mut self, gather: &mut Gather) -> anyhow::Result<Vec<Item>> {
        let mut chunk = Vec::new();
        while chunk.len() < AT_ONCE {
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
        home: &Arc<dyn Home>,
        items: &[Item],
    ) -> anyhow::Result<PromptsResponse> {
        let message = |item: &Item| FirstMessage {
            message: item.message.clone(),
            document_id: item.document_id.clone(),
        };
        let request = PromptsRequest {
            principal: Principal::parse(self.journal.header.principal.clone())?,
            provider: self.service.provider(),
            messages: items.iter().map(message).collect(),
        };
        let away = |error: &HomeError| self.progress.say(format!("waiting: {error}"));
        Ok(with_retries(self.retry_timeout, || home.prompts(&request), away).await?)
    }

    fn spool(
        &mut self,
        spool: &mut Spool,
        item: &Item,
        rendered: RenderedPrompt,
    ) -> anyhow::Result<()> {
        let RenderedPrompt { context, body, problem } = rendered;
        let Some(body) = body else {
            let problem =
                problem.unwrap_or_else(|| "the server did not say what would be asked".to_owned());
            return self.reject(&Reject::new(item.line, None, problem));
        };
        let size = body.to_string().len();
        let prefix = self.prefix(spool.part(size));
        let request =
            self.service.line(&CustomId { line: item.line, context }.write(&prefix), &body);
        let most = price::most(&self.prices, self.service.provider(), &body, size as u64);
        spool.add(item.line, &request.to_string(), most)
    }

    fn reject(&mut self, reject: &Reject) -> anyhow::Result<()> {
        self.summary.rejected += 1;
        self.rejects.add(reject, &self.progress)
    }

    /// Refuses before anything is sent what might cost more than it may.
    fn check_budget(&self, spool: &Spool) -> anyhow::Result<()> {
        let most = self
            .summary
            .cost()
            .saturating_add(self.journal.parts.most())
            .saturating_add(spool.most());
        match self.budget {
            Some(budget) if most > budget => Err(usage(format!(
                "the batch may cost up to {}, by the longest replies and every byte a token, and \
                the budget is {}: nothing more was sent; give a larger --budget, or a lower \
                CHATBOT_MAX_TOKENS to the server",
                money(MicroUsd(most)),
                money(MicroUsd(budget))
            ))),
            _ => Ok(()),
        }
    }

    /// Creates a part. The intent is on disk before each try, the provider's id right after.
    async fn create(&mut self, spool: &mut Spool, place: usize) -> anyhow::Result<()> {
        let Some(planned) = spool.parts.get(place) else { return Ok(()) };
        let number = planned.number;
        let lines = planned.lines.clone();
        let most = planned.most;
        self.progress.say(format!("sending {} lines", count(planned.count as u64)));
        let mut wait = Wait::new(self.retry_timeout);
        loop {
            let at = self.desk.now();
            self.note(Step::Creating { part: number, lines: lines.clone(), at, most })?;
            let part = Part { number, lines: lines.clone(), at, most, stage: Stage::Creating };
            let error = match self.service.create(&self.mark(&part), spool.requests(place)?).await {
                Ok(id) => return self.note(Step::Created { part: number, id }),
                Err(error) => error,
            };
            if let Some(settled) = settled_after(&error)
                && let Some(id) = self.found(&part, settled).await?
            {
                return self.note(Step::Created { part: number, id });
            }
            if let Err(error) = wait.after(error).await {
                self.note(Step::Void { part: number })?;
                return Err(trouble(self.service.provider(), &error));
            }
        }
    }
}

/// Returns how long it takes until a creation that failed has come about, if it can; a rate limit
/// is said before anything is done.
fn settled_after(error: &ModelError) -> Option<Duration> {
    match error {
        ModelError::Busy { code, .. } if code.starts_with("429") => None,
        ModelError::Busy { .. } => Some(SETTLED_WITH_ERROR),
        ModelError::Broken(_) => Some(SETTLED),
        ModelError::Unauthorized(_) | ModelError::Permanent(_) => None,
    }
}
