//! A model that follows a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::unfold;
use shared::domain::{FinishReason, ProviderName, Usage};
use shared::ports::{Finish, Model, ModelCitation, ModelError, ModelEvent, ModelStream, Prompt};
use testkit::faults::{Function, PortCall, PortCaller as _, ScriptedFaults};
use tokio::time::{Instant, sleep};

/// What a call does next. A script that is at its end ends the stream.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Wait(Duration),
    Say(String),
    Cite(ModelCitation),
    Alive,
    Usage(Usage),
    Finish(FinishReason),
    /// Fails; as the first step it refuses the request.
    Fail(Failure),
    Hang,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    Busy(Option<Duration>),
    Broken,
    Unauthorized,
    Permanent,
}

/// Splits a reply into words, with a pause before each.
pub(crate) fn says(text: &str, pause: Duration) -> Vec<Step> {
    let words = text.split_inclusive(' ');
    words.flat_map(|word| [Step::Wait(pause), Step::Say(word.to_owned())]).collect()
}

pub(crate) fn wait(millis: u64) -> Vec<Step> {
    vec![Step::Wait(Duration::from_millis(millis))]
}

pub(crate) fn finish() -> Vec<Step> {
    vec![Step::Finish(FinishReason::Stop)]
}

pub(crate) fn fail(failure: Failure) -> Vec<Step> {
    vec![Step::Fail(failure)]
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    /// Streams that were dropped before their end.
    dropped: AtomicUsize,
}

/// Answers each call with the next script, then always with the last one.
pub(crate) struct FakeModel {
    provider: ProviderName,
    name: String,
    scripts: Mutex<VecDeque<Vec<Step>>>,
    prompts: Mutex<Vec<(Instant, Prompt)>>,
    counts: Arc<Counts>,
    faults: Mutex<Arc<ScriptedFaults>>,
    cites_by_itself: bool,
}

impl FakeModel {
    pub(crate) fn new(provider: ProviderName, name: &str, scripts: Vec<Vec<Step>>) -> Arc<Self> {
        Arc::new(Self::of(provider, name, scripts, false))
    }

    /// A model that cites by itself.
    pub(crate) fn citing(scripts: Vec<Vec<Step>>) -> Arc<Self> {
        Arc::new(Self::of(ProviderName::Claude, "claude-test", scripts, true))
    }

    fn of(
        provider: ProviderName,
        name: &str,
        scripts: Vec<Vec<Step>>,
        cites_by_itself: bool,
    ) -> Self {
        let scripts = Mutex::new(scripts.into());
        let name = name.to_owned();
        Self {
            provider,
            name,
            scripts,
            prompts: Mutex::default(),
            counts: Arc::default(),
            faults: Mutex::new(ScriptedFaults::new(Function::Worker)),
            cites_by_itself,
        }
    }

    pub(crate) fn claude(scripts: Vec<Vec<Step>>) -> Arc<Self> {
        Self::new(ProviderName::Claude, "claude-test", scripts)
    }

    pub(crate) fn openai(scripts: Vec<Vec<Step>>) -> Arc<Self> {
        Self::new(ProviderName::OpenAi, "openai-test", scripts)
    }

    /// Answers every call with one reply, said in words.
    pub(crate) fn saying(text: &str) -> Arc<Self> {
        Self::claude(vec![Self::words(text)])
    }

    /// A reply in words, ten milliseconds each.
    pub(crate) fn words(text: &str) -> Vec<Step> {
        [says(text, Duration::from_millis(10)), finish()].concat()
    }

    pub(crate) fn obey(&self, faults: &Arc<ScriptedFaults>) {
        *self.faults.lock().unwrap() = faults.clone();
    }

    pub(crate) fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.counts.dropped.load(Ordering::SeqCst)
    }

    /// Returns what the calls read.
    pub(crate) fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().iter().map(|(_, prompt)| prompt.clone()).collect()
    }

    /// Returns when the calls came, from the first one.
    pub(crate) fn times(&self) -> Vec<Duration> {
        let prompts = self.prompts.lock().unwrap();
        let first = prompts.first().map(|(at, _)| *at);
        prompts.iter().map(|(at, _)| at.duration_since(first.unwrap_or(*at))).collect()
    }

    fn script(&self) -> VecDeque<Step> {
        let mut scripts = self.scripts.lock().unwrap();
        let script = if scripts.len() > 1 { scripts.pop_front() } else { scripts.front().cloned() };
        script.unwrap_or_default().into()
    }
}

struct Running {
    steps: VecDeque<Step>,
    counts: Arc<Counts>,
    faults: Arc<ScriptedFaults>,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.counts.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn error(failure: Failure) -> ModelError {
    match failure {
        Failure::Busy(retry_after) => ModelError::Busy { code: "429".into(), retry_after },
        Failure::Broken => ModelError::Broken("scripted".into()),
        Failure::Unauthorized => ModelError::Unauthorized("401".into()),
        Failure::Permanent => ModelError::Permanent("400".into()),
    }
}

impl Running {
    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        while !self.ended {
            match self.steps.pop_front() {
                Some(Step::Wait(time)) => sleep(time).await,
                Some(Step::Say(text)) => return Some(Ok(ModelEvent::Delta(text))),
                Some(Step::Cite(citation)) => return Some(Ok(ModelEvent::Citation(citation))),
                Some(Step::Usage(usage)) => return Some(Ok(ModelEvent::Usage(usage))),
                Some(Step::Alive) => return Some(Ok(ModelEvent::Alive)),
                Some(Step::Hang) => std::future::pending().await,
                Some(Step::Finish(reason)) => {
                    self.ended = true;
                    return Some(Ok(ModelEvent::Finished(Finish { reason, model: None })));
                }
                Some(Step::Fail(failure)) => {
                    self.ended = true;
                    return Some(Err(error(failure)));
                }
                None => self.ended = true,
            }
        }
        None
    }
}

#[async_trait]
impl Model for FakeModel {
    fn provider(&self) -> ProviderName {
        self.provider
    }

    fn model(&self) -> &str {
        &self.name
    }

    fn cites_by_itself(&self) -> bool {
        self.cites_by_itself
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let faults = self.faults.lock().unwrap().clone();
        let broken = || Err(error(Failure::Broken));
        let open = async {
            self.counts.calls.fetch_add(1, Ordering::SeqCst);
            self.prompts.lock().unwrap().push((Instant::now(), prompt.clone()));
            let steps = self.script();
            if let Some(Step::Fail(failure)) = steps.front() {
                return Err(error(*failure));
            }
            let running = Running {
                steps,
                counts: self.counts.clone(),
                faults: faults.clone(),
                ended: false,
            };
            let next = |mut running: Running| async move {
                let faults = running.faults.clone();
                let event = faults
                    .call(PortCall::Next, running.next(), || Some(Err(error(Failure::Broken))))
                    .await?;
                Some((event, running))
            };
            Ok(unfold(running, next).boxed())
        };
        faults.call(PortCall::Open, open, broken).await
    }
}
