//! A model that follows a script, or draws one at random.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::unfold;
use shared::domain::{FinishReason, ProviderName, Usage};
use shared::ports::{Model, ModelError, ModelEvent, ModelStream, Prompt};
use testkit::faults::{PortCall, PortCaller as _};
use tokio::time::sleep;

use super::ProcessPorts;
use crate::checks::CallId;
use crate::cloud::{Cloud, ModelScript, ModelStep};
use crate::faults::{ExternalFault, Subject};

/// What a reply is made of: characters of every width in UTF-8 and in UTF-16.
const WORDS: [&str; 12] =
    ["Period", "3", "is", "maths,", "naïve", "Zürich", "課程", "🙂", "👩‍🏫", "in", "room", "12."];
/// The shortest pause between two words.
const PAUSE: Duration = Duration::from_millis(300);
/// How many words make a reply that does not fit a frame.
const HUGE: usize = 6_000;

pub(super) struct SimulatedModel {
    pub(super) process_ports: ProcessPorts,
    pub(super) provider: ProviderName,
}

/// A stream under way.
struct Running {
    process_ports: ProcessPorts,
    call: CallId,
    pieces: VecDeque<ModelStep>,
    ended: bool,
}

#[async_trait]
impl Model for SimulatedModel {
    fn provider(&self) -> ProviderName {
        self.provider
    }

    fn model(&self) -> &'static str {
        match self.provider {
            ProviderName::Claude => "claude-simulated",
            _ => "openai-simulated",
        }
    }

    async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let ProcessPorts { process, cloud, .. } = &self.process_ports;
        let open = async {
            let call = cloud.checker.model_called(process, self.provider, prompt);
            let script = cloud
                .scripts
                .take(self.provider)
                .unwrap_or_else(|| improvise(cloud, &process.subject(), &call));
            let mut pieces: VecDeque<ModelStep> =
                script.into_iter().map(|piece| piece.of_call(prompt)).collect();
            if let Some(refused) = pieces.front().and_then(ModelStep::event).and_then(Result::err) {
                pieces.clear();
                return Err(refused);
            }
            let running =
                Running { process_ports: self.process_ports.clone(), call, pieces, ended: false };
            Ok(unfold(running, Running::step).boxed())
        };
        process.call(PortCall::Open, open, || Err(broken())).await
    }
}

fn broken() -> ModelError {
    ModelError::Broken("injected by the simulation".to_owned())
}

impl Running {
    async fn step(mut self) -> Option<(Result<ModelEvent, ModelError>, Self)> {
        let process = Arc::clone(&self.process_ports.process);
        let event = process.call(PortCall::Next, self.next(), || Some(Err(broken()))).await?;
        self.ended |=
            !matches!(event, Ok(ModelEvent::Delta(_) | ModelEvent::Usage(_) | ModelEvent::Alive));
        Some((event, self))
    }

    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        while !self.ended {
            let piece = self.pieces.pop_front()?;
            match (&piece, piece.event()) {
                (_, Some(event)) => {
                    self.process_ports.cloud.checker.said(&self.call, &event);
                    return Some(event);
                }
                (ModelStep::Wait(time), None) => sleep(*time).await,
                (_, None) => std::future::pending().await,
            }
        }
        None
    }
}

/// Draws what a call does.
fn improvise(cloud: &Cloud, subject: &Subject, call: &CallId) -> ModelScript {
    let occurs = |mishap| cloud.faults.occurs(mishap, subject);
    let wait =
        |most| ModelStep::Wait(cloud.faults.span(Duration::ZERO, Duration::from_millis(most)));
    if occurs(ExternalFault::ModelBusy) {
        let pause = (cloud.faults.draw(2) == 1)
            .then(|| cloud.faults.span(Duration::ZERO, Duration::from_secs(5)));
        return vec![wait(300), ModelStep::Busy(pause)];
    }
    if occurs(ExternalFault::ModelAway) {
        return vec![ModelStep::Break];
    }
    if occurs(ExternalFault::ModelRefuses) {
        return vec![if cloud.faults.draw(2) == 0 {
            ModelStep::Unauthorized
        } else {
            ModelStep::Refuse
        }];
    }
    let mut script = vec![wait(400)];
    let empty = occurs(ExternalFault::ModelEmpty);
    if !empty {
        talk(cloud, call, &mut script);
    }
    let cut = cloud.faults.draw(script.len() + 1);
    if occurs(ExternalFault::ModelBreaksOff) {
        script.truncate(cut);
        script.push(ModelStep::Break);
    } else if occurs(ExternalFault::ModelSilent) {
        script.truncate(cut);
        script.push(ModelStep::Hang);
    } else if occurs(ExternalFault::ModelEndsEarly) {
        script.truncate(cut);
    } else {
        let used = Usage {
            input_tokens: 40,
            output_tokens: u64::try_from(script.len()).unwrap_or(0),
            ..Usage::default()
        };
        script.extend([ModelStep::Used(used), ModelStep::Finish(reason(cloud))]);
    }
    script
}

fn reason(cloud: &Cloud) -> FinishReason {
    match cloud.faults.draw(20) {
        1 => FinishReason::Refusal,
        2 => FinishReason::Length,
        3 => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

fn talk(cloud: &Cloud, call: &CallId, script: &mut ModelScript) {
    script.push(ModelStep::Say(call.opening()));
    if cloud.faults.draw(150) == 1 {
        let many: String = (0..HUGE).map(|at| WORDS[at % WORDS.len()]).collect();
        script.push(ModelStep::Say(many));
        return;
    }
    // Without random faults every reply is the same few words, one every 300 ms.
    for _ in 0..cloud.faults.draw_or(8, 6) {
        if cloud.faults.draw(3) == 0 {
            script.push(ModelStep::Wait(cloud.faults.span(PAUSE, Duration::from_millis(900))));
        }
        script.push(ModelStep::Say(format!(" {}", WORDS[cloud.faults.draw(WORDS.len())])));
    }
}
