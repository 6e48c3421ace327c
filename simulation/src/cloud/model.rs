//! Scripts of what the models reply.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use shared::domain::{FinishReason, ProviderName, Usage};
use shared::ports::{ModelError, ModelEvent, Prompt};

use crate::faults::lock;

/// One step of a call.
#[derive(Debug, Clone)]
pub enum ModelStep {
    /// Nothing for a while.
    Wait(Duration),
    /// A piece of the reply.
    Say(String),
    /// The whole prompt as a piece of the reply: a model may repeat anything that it was sent.
    Recite,
    /// What was used so far.
    Used(Usage),
    /// The end mark.
    Finish(FinishReason),
    /// The provider asks for a pause.
    Busy(Option<Duration>),
    /// The stream breaks off; as the first step: no connection.
    Break,
    /// The key is refused.
    Unauthorized,
    /// The request is refused.
    Refuse,
    /// Nothing, for ever.
    Hang,
}

/// What one call does. The stream ends where the script ends.
pub type ModelScript = Vec<ModelStep>;

/// Scripts for the next calls; a call without one behaves at random.
#[derive(Debug, Default)]
pub struct ModelScripts(Mutex<BTreeMap<ProviderName, VecDeque<ModelScript>>>);

impl ModelScripts {
    /// Adds a plot for a provider's next call that has none yet.
    pub fn next(&self, provider: ProviderName, script: ModelScript) {
        lock(&self.0).entry(provider).or_default().push_back(script);
    }

    pub(crate) fn take(&self, provider: ProviderName) -> Option<ModelScript> {
        lock(&self.0).get_mut(&provider)?.pop_front()
    }
}

impl ModelStep {
    /// Returns the step for a call with this prompt.
    pub(crate) fn of_call(self, prompt: &Prompt) -> Self {
        match self {
            Self::Recite => {
                let said = prompt.messages.iter().map(|message| message.text.as_str());
                Self::Say(
                    [prompt.system.as_str()].into_iter().chain(said).collect::<Vec<_>>().join("\n"),
                )
            }
            other => other,
        }
    }

    /// Turns the step into what a stream yields; `None` for one that takes time instead.
    pub(crate) fn event(&self) -> Option<Result<ModelEvent, ModelError>> {
        let busy = |retry_after| ModelError::Busy { code: "429".to_owned(), retry_after };
        match self {
            Self::Wait(_) | Self::Hang | Self::Recite => None,
            Self::Say(text) => Some(Ok(ModelEvent::Delta(text.clone()))),
            Self::Used(usage) => Some(Ok(ModelEvent::Usage(*usage))),
            Self::Finish(reason) => Some(Ok(ModelEvent::Finished(shared::ports::Finish {
                reason: *reason,
                model: None,
            }))),
            Self::Busy(retry_after) => Some(Err(busy(*retry_after))),
            Self::Break => Some(Err(ModelError::Broken("simulated".to_owned()))),
            Self::Unauthorized => Some(Err(ModelError::Unauthorized("401".to_owned()))),
            Self::Refuse => Some(Err(ModelError::Permanent("400".to_owned()))),
        }
    }
}
