//! The reply of one turn: calls in order, generations, the end.

mod call;
mod choice;
mod kept;
mod outcome;
mod spending;

use shared::ag_ui::{ChatStatus, StatusPhase};
use shared::domain::{ContextUse, ErrorCode, ProviderName, SessionKey, TurnNumber};
use shared::ports::{Attempts, CacheKey, CachedReply, Document, Model, ModelError, Prompt};
use shared::protocol::TurnOutcome;
use shared::protocol::{Owner, Timings, Turn};
use shared::queue_messages::Replay;
use shared::store_retry::StoreRetry;
use tokio::time::{Instant, sleep_until};

use self::call::Ended;
use self::choice::Choice;
use self::spending::Spending;
use crate::context::{self, History};
use crate::error::WorkerError;
use crate::handler::Worker;
use crate::prompt::Parts;
use crate::streaming::{Attendant, Interrupt};
use crate::turn::{Claim, Ending, finish};

/// One worker's work on one turn, from the claim to the commit.
pub(crate) struct Answer<'w> {
    worker: &'w Worker,
    key: &'w SessionKey,
    owner: Owner,
    attendant: Attendant,
    /// What the turn is answered with in place of history and settings.
    replay: Option<Box<Replay>>,
    deadline: Instant,
    context: ContextUse,
    timings: Timings,
    spending: Spending,
    attempts: Attempts,
    asked: Option<(ProviderName, String)>,
    answered_by: Option<(ProviderName, String)>,
    /// What is to be kept for the same question, once it is final.
    to_keep: Option<(CacheKey, CachedReply)>,
}

/// Why the work ends without an outcome of its own.
enum Halt {
    Interrupted(Interrupt),
    Failed(WorkerError),
}

impl From<Interrupt> for Halt {
    fn from(interrupt: Interrupt) -> Self {
        Self::Interrupted(interrupt)
    }
}

impl From<WorkerError> for Halt {
    fn from(error: WorkerError) -> Self {
        Self::Failed(error)
    }
}

impl<'w> Answer<'w> {
    pub(crate) fn new(
        worker: &'w Worker,
        key: &'w SessionKey,
        claim: Claim,
        deadline: Instant,
    ) -> Self {
        let Claim { owner, turn, replay } = claim;
        let ports = &worker.ports;
        let ports = (ports.store.clone(), ports.push.clone());
        let timings = turn.timings();
        let spending = Spending::new(worker, &owner.principal);
        let attendant =
            Attendant::new(ports, key.clone(), &owner, *turn, worker.config.pace, deadline);
        Self {
            worker,
            key,
            owner,
            attendant,
            replay,
            deadline,
            context: ContextUse::None,
            timings,
            spending,
            attempts: Attempts::default(),
            asked: None,
            answered_by: None,
            to_keep: None,
        }
    }

    /// Answers the turn and makes the answer final.
    pub(crate) async fn run(mut self) -> Result<(), WorkerError> {
        let outcome = match self.reply().await {
            Ok(outcome) => outcome,
            Err(Halt::Interrupted(Interrupt::Cancelled)) => self.cancelled(),
            Err(Halt::Interrupted(Interrupt::Refused)) => {
                let ending = self.ending(self.cancelled());
                return finish::stand_down(self.worker, self.key, &self.attendant.turn, ending)
                    .await;
            }
            Err(Halt::Interrupted(Interrupt::Deadline)) => return Err(WorkerError::Deadline),
            Err(Halt::Failed(error)) => return Err(error),
        };
        let turn = self.attendant.turn.clone();
        let ending = self.ending(outcome);
        let commit = finish::commit(self.worker, self.key, &turn, ending);
        if self.attendant.while_committing(commit).await? {
            self.keep().await;
        }
        Ok(())
    }

    async fn reply(&mut self) -> Result<TurnOutcome, Halt> {
        let (prompt, order) = self.prepare().await?;
        if let Some(outcome) = self.find(&prompt, &order).await? {
            return Ok(outcome);
        }
        let mut choice = Choice::new(&self.worker.providers, order);
        let mut calls = 0;
        loop {
            let next = choice.next(Instant::now()).filter(|(_, ready)| *ready < self.deadline);
            let Some((provider, ready)) = next.filter(|_| calls < self.worker.config.max_calls)
            else {
                return Ok(self.failed(choice.verdict(), choice.sentence()));
            };
            let model = provider.model.as_ref();
            let name = provider.model.provider();
            self.wait_for(name, ready).await?;
            let Ok(permit) = provider.breaker.acquire(Instant::now()) else { continue };
            if !self.spending.reserve(self.worker, model, &prompt).await? {
                return Ok(self
                    .failed(ErrorCode::BudgetExhausted, "Today's budget for answers is used up."));
            }
            calls += 1;
            self.ask(model, &prompt);
            let error = match self.call(model, &prompt).await? {
                Ended::Complete(finish) => {
                    permit.succeeded();
                    let outcome = self.replied(finish);
                    self.note_reply(&prompt, &outcome);
                    return Ok(outcome);
                }
                Ended::Failed(error) => error,
            };
            tracing::warn!(provider = %name, calls, error = &error as &dyn std::error::Error, "a \
                model call failed");
            permit.failed(&error, Instant::now());
            self.attempts.failures += 1;
            let refreshed = refresh(self.worker, &error, name).await;
            choice.failed(name, &error, refreshed, self.worker.ports.ids.as_ref());
            if !self.attendant.text().is_empty() {
                if self.attendant.turn.epoch.0 >= self.worker.config.max_generations {
                    return Ok(self.failed(choice.verdict(), choice.sentence()));
                }
                self.next_generation().await?;
                calls = 0;
            }
            self.tell(&choice, name);
        }
    }

    /// Gathers history and document, and writes the prompt; finds out meanwhile which providers can
    /// be asked.
    async fn prepare(&mut self) -> Result<(Prompt, Vec<ProviderName>), Halt> {
        let began = Instant::now();
        let turn = self.attendant.turn.clone();
        let worker = self.worker;
        let document = context::look_up(worker, turn.document_id.as_ref(), &self.owner.principal);
        let able = worker.providers.configured(self.requested());
        let history = history(worker, self.key, turn.turn, self.replay.as_deref());
        let gathered = async { futures::join!(history, document, able) };
        let (history, looked, order) = self.attendant.during(gathered).await?;
        self.context = looked.context;
        self.timings.context_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok((self.prompt(history?, looked.document, &turn)?, self.allowed(order)))
    }

    /// Returns who of those that can be asked may be: a model that is asked for by name has no
    /// stand-in.
    fn allowed(&self, able: Vec<ProviderName>) -> Vec<ProviderName> {
        if self.replay.as_ref().is_none_or(|replay| replay.model.is_none()) {
            return able;
        }
        let wish = self.attendant.turn.requested_provider;
        let asked =
            |name: &ProviderName| wish.map_or(*name != ProviderName::Offline, |wish| *name == wish);
        able.into_iter().find(asked).into_iter().collect()
    }

    fn prompt(
        &self,
        history: History,
        document: Option<Document>,
        turn: &Turn,
    ) -> Result<Prompt, WorkerError> {
        let replay = self.replay.as_deref();
        let parts = Parts {
            reader: &self.owner.principal,
            message: turn.message.as_str(),
            history: history.messages,
            // A session of replays never goes on from one to the next.
            goes_on: !history.cut && replay.is_none(),
            document,
            context: self.context,
            instructions: replay.and_then(|replay| replay.instructions.as_deref()),
            model: replay.and_then(|replay| replay.model.clone()),
        };
        Ok(parts.prompt(&self.worker.template, &self.worker.config)?)
    }

    /// Returns the providers in the order in which they are asked: the message's own wish first.
    fn requested(&self) -> Vec<ProviderName> {
        let wish = self.attendant.turn.requested_provider;
        let mut order = self.worker.preference.order();
        order.push(ProviderName::Offline);
        if let Some(wish) = wish {
            order.retain(|provider| *provider != wish);
            order.insert(0, wish);
        }
        order
    }

    /// Takes note of a call to come: a repeated one, or one of another provider than before.
    fn ask(&mut self, model: &dyn Model, prompt: &Prompt) {
        match &self.asked {
            Some((provider, _)) if *provider == model.provider() => self.attempts.retries += 1,
            Some(_) => self.attempts.fallbacks += 1,
            None => (),
        }
        self.asked = Some((model.provider(), prompt.model_or(model.model()).to_owned()));
    }

    fn ending(&self, outcome: TurnOutcome) -> Ending {
        let requested_model = self.asked.as_ref().map(|(_, model)| model.clone());
        Ending { outcome, attempts: self.attempts, requested_model }
    }

    async fn wait_for(&mut self, provider: ProviderName, ready: Instant) -> Result<(), Halt> {
        if ready > Instant::now() {
            self.attendant
                .announce(&ChatStatus { phase: StatusPhase::Retrying, provider: Some(provider) });
            self.attendant.during(sleep_until(ready)).await?;
        }
        Ok(())
    }

    /// Tells whoever watches which provider is asked next, if it is another one.
    fn tell(&mut self, choice: &Choice<'_>, failed: ProviderName) {
        let next = choice.next(Instant::now()).map(|(provider, _)| provider.model.provider());
        let phase =
            if next == Some(failed) { StatusPhase::Retrying } else { StatusPhase::Fallback };
        if let Some(provider) = next {
            self.attendant.announce(&ChatStatus { phase, provider: Some(provider) });
        }
    }

    /// Takes a new generation after a failure in the middle of the reply: never a splice.
    async fn next_generation(&mut self) -> Result<(), Halt> {
        let mut turn = self.attendant.turn.clone();
        let mut retry = StoreRetry::default();
        loop {
            match crate::turn::take_generation(self.worker, self.key, &mut turn).await {
                Ok(true) => break,
                Ok(false) => return Err(Interrupt::Refused.into()),
                Err(WorkerError::Store(error)) => {
                    retry
                        .wait(error, self.worker.ports.ids.fraction())
                        .await
                        .map_err(WorkerError::from)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.attendant.restart(turn);
        Ok(())
    }
}

/// Returns the conversation so far: that of the session, or the replayed one.
async fn history(
    worker: &Worker,
    key: &SessionKey,
    turn: TurnNumber,
    replay: Option<&Replay>,
) -> Result<History, WorkerError> {
    match replay {
        Some(replay) => Ok(context::replayed(&replay.history, worker.config.history_tokens)),
        None => context::history(worker, key, turn).await,
    }
}

/// Forgets a refused key, so that the next call fetches it again.
async fn refresh(worker: &Worker, error: &ModelError, provider: ProviderName) -> bool {
    matches!(error, ModelError::Unauthorized(_)) && worker.ports.secrets.refresh(provider).await
}
