//! The loop over model calls, from the prompt to the commit.

use shared::ag_ui::{ChatStatus, StatusPhase};
use shared::domain::{ErrorCode, ProviderName};
use shared::ports::{Model, ModelError, Prompt, Secrets};
use shared::protocol::TurnOutcome;
use shared::store_retry::StoreRetry;
use tokio::time::{Instant, sleep_until};

use super::call::CallResult;
use super::selection::ProviderSelection;
use super::spending::Reservation;
use super::turn_answer::{Abort, TurnAnswer};
use crate::error::WorkerError;
use crate::streaming::Interrupt;
use crate::turn::MeasuredOutcome;

/// What a user is told whose answer did not fit into its limit.
const LIMIT_REACHED: &str = "The AI model used up the length limit of an answer before it wrote \
    anything. Please ask for something shorter, or contact your administrator.";

/// Returns what a user is told whose question the budgets do not allow.
fn over_budget(reservation: Reservation) -> Option<&'static str> {
    match reservation {
        Reservation::Held => None,
        Reservation::UsedUp => Some("Today's budget for answers is used up."),
        Reservation::TooLarge => {
            tracing::warn!(
                "one answer may cost more than a whole day's budget: raise the budget, or lower \
                CHATBOT_MAX_TOKENS, CHATBOT_EFFORT, CHATBOT_HISTORY_TOKENS or \
                CHATBOT_DOCUMENT_TOKENS"
            );
            Some("The budget for answers is too small for this question.")
        }
    }
}

impl TurnAnswer<'_> {
    /// Answers the turn and makes the answer final.
    pub(crate) async fn run(mut self) -> Result<(), WorkerError> {
        let outcome = match self.reply().await {
            Ok(outcome) => outcome,
            Err(Abort::Interrupted(Interrupt::Cancelled)) => self.cancelled(),
            Err(Abort::Interrupted(Interrupt::Refused)) => {
                let measured = self.measured(self.cancelled());
                return self.protocol.stand_down(self.key, &self.streamer.turn, measured).await;
            }
            Err(Abort::Interrupted(Interrupt::Deadline)) => return Err(WorkerError::Deadline),
            Err(Abort::Failed(error)) => return Err(error),
        };
        let turn = self.streamer.turn.clone();
        let measured = self.measured(outcome);
        let protocol = self.protocol;
        let commit = protocol.commit(self.key, &turn, measured);
        if self.streamer.run_while_committing(commit).await? {
            self.cache_reply().await;
        }
        Ok(())
    }

    /// Calls models until one replies, or none can be called any more.
    async fn reply(&mut self) -> Result<TurnOutcome, Abort> {
        let (prompt, order) = self.prepare().await?;
        if let Some(outcome) = self.cached_reply(&prompt, &order).await? {
            return Ok(outcome);
        }
        let config = self.resources.config;
        let mut selection = ProviderSelection::new(self.resources.providers, order);
        let mut calls = 0;
        loop {
            let next = selection.next(Instant::now()).filter(|(_, ready)| *ready < self.deadline);
            let Some((provider, ready)) = next.filter(|_| calls < config.max_calls) else {
                return Ok(self.failed(selection.error_code(), selection.error_message()));
            };
            let model = provider.model.as_ref();
            let name = model.provider();
            self.wait_until_ready(name, ready).await?;
            // Another turn may have taken the breaker's trial call during the wait.
            let Ok(permit) = provider.breaker.acquire(Instant::now()) else { continue };
            let reservation = self.spending.reserve(model, &prompt).await?;
            if let Some(problem) = over_budget(reservation) {
                return Ok(self.failed(ErrorCode::BudgetExhausted, problem));
            }
            calls += 1;
            self.record_attempt(model, &prompt);
            let error = match self.call(model, &prompt).await? {
                CallResult::Complete(finish) => {
                    permit.succeeded();
                    let outcome = self.replied(finish);
                    self.remember_reply(&prompt, &outcome);
                    return Ok(outcome);
                }
                CallResult::LimitReached => {
                    permit.succeeded();
                    tracing::warn!(
                        provider = %name,
                        "the model used up its limit by thinking: raise CHATBOT_MAX_TOKENS or \
                        lower CHATBOT_EFFORT"
                    );
                    return Ok(self.failed(ErrorCode::InvalidRequest, LIMIT_REACHED));
                }
                CallResult::Failed(error) => error,
            };
            tracing::warn!(
                provider = %name,
                calls,
                error = &error as &dyn std::error::Error,
                "a model call failed"
            );
            permit.failed(&error, Instant::now());
            self.attempts.failures += 1;
            let secrets = self.resources.ports.secrets.as_ref();
            let refreshed = refresh_refused_key(secrets, &error, name).await;
            selection.failed(name, &error, refreshed, self.resources.ports.ids.as_ref());
            if !self.streamer.text().is_empty() {
                if self.streamer.turn.epoch.0 >= config.max_generations {
                    return Ok(self.failed(selection.error_code(), selection.error_message()));
                }
                self.start_generation().await?;
                calls = 0;
            }
            self.show_next_provider(&selection, name);
        }
    }

    /// Counts a call that is about to be made: a retry, or a fallback to another provider.
    fn record_attempt(&mut self, model: &dyn Model, prompt: &Prompt) {
        match &self.last_call {
            Some((provider, _)) if *provider == model.provider() => self.attempts.retries += 1,
            Some(_) => self.attempts.fallbacks += 1,
            None => (),
        }
        self.last_call = Some((model.provider(), prompt.model_or(model.model()).to_owned()));
    }

    fn measured(&self, outcome: TurnOutcome) -> MeasuredOutcome {
        let requested_model = self.last_call.as_ref().map(|(_, model)| model.clone());
        MeasuredOutcome { outcome, attempts: self.attempts, requested_model }
    }

    async fn wait_until_ready(
        &mut self,
        provider: ProviderName,
        ready: Instant,
    ) -> Result<(), Abort> {
        if ready > Instant::now() {
            self.streamer.show_status(&ChatStatus {
                phase: StatusPhase::Retrying,
                provider: Some(provider),
            });
            self.streamer.run_while(sleep_until(ready)).await?;
        }
        Ok(())
    }

    /// Shows which provider is called next, after `failed` has failed.
    fn show_next_provider(&mut self, selection: &ProviderSelection<'_>, failed: ProviderName) {
        let next = selection.next(Instant::now()).map(|(provider, _)| provider.model.provider());
        let phase =
            if next == Some(failed) { StatusPhase::Retrying } else { StatusPhase::Fallback };
        if let Some(provider) = next {
            self.streamer.show_status(&ChatStatus { phase, provider: Some(provider) });
        }
    }

    /// Starts a new generation after a failure in the middle of the reply.
    ///
    /// The texts of two calls are never joined: a second call does not continue the first one's
    /// text, it answers anew. The higher generation tells clients to clear what they show.
    async fn start_generation(&mut self) -> Result<(), Abort> {
        let mut turn = self.streamer.turn.clone();
        let mut retry = StoreRetry::default();
        loop {
            match self.protocol.take_generation(self.key, &mut turn).await {
                Ok(true) => break,
                Ok(false) => return Err(Interrupt::Refused.into()),
                Err(WorkerError::Store(error)) => {
                    retry
                        .wait(error, self.resources.ports.ids.fraction())
                        .await
                        .map_err(WorkerError::from)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.streamer.restart(turn);
        Ok(())
    }
}

/// Has a refused key fetched again before the next call; `true` if it will be.
async fn refresh_refused_key(
    secrets: &dyn Secrets,
    error: &ModelError,
    provider: ProviderName,
) -> bool {
    matches!(error, ModelError::Unauthorized(_)) && secrets.refresh(provider).await
}
