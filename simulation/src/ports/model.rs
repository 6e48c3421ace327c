//! A model that follows a plot, or makes one up from the weather.

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

use super::Rig;
use crate::checks::CallId;
use crate::cloud::{Cloud, Piece, Plot};
use crate::faults::{Mishap, Subject};

/// What a reply is made of: characters of every width in UTF-8 and in UTF-16.
const WORDS: [&str; 12] =
    ["Period", "3", "is", "maths,", "naïve", "Zürich", "課程", "🙂", "👩‍🏫", "in", "room", "12."];
/// The shortest pause between two words.
const PAUSE: Duration = Duration::from_millis(300);
/// How many words make a reply that does not fit a frame.
const HUGE: usize = 6_000;

pub(super) struct SimulatedModel {
    pub(super) rig: Rig,
    pub(super) provider: ProviderName,
}

/// A stream under way.
struct Running {
    rig: Rig,
    call: CallId,
    pieces: VecDeque<Piece>,
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
        let Rig { process, cloud, .. } = &self.rig;
        let open = async {
            let call = cloud.checker.model_called(process, self.provider, prompt);
            let plot = cloud
                .scripts
                .take(self.provider)
                .unwrap_or_else(|| improvise(cloud, &process.subject(), &call));
            let mut pieces: VecDeque<Piece> =
                plot.into_iter().map(|piece| piece.of_call(prompt)).collect();
            if let Some(refused) = pieces.front().and_then(Piece::event).and_then(Result::err) {
                pieces.clear();
                return Err(refused);
            }
            let running = Running { rig: self.rig.clone(), call, pieces, ended: false };
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
        let process = Arc::clone(&self.rig.process);
        let event = process.call(PortCall::Next, self.next(), || Some(Err(broken()))).await?;
        self.ended |= !matches!(event, Ok(ModelEvent::Delta(_) | ModelEvent::Usage(_)));
        Some((event, self))
    }

    async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        while !self.ended {
            let piece = self.pieces.pop_front()?;
            match (&piece, piece.event()) {
                (_, Some(event)) => {
                    self.rig.cloud.checker.said(&self.call, &event);
                    return Some(event);
                }
                (Piece::Wait(time), None) => sleep(*time).await,
                (_, None) => std::future::pending().await,
            }
        }
        None
    }
}

/// Makes up what a call does.
fn improvise(cloud: &Cloud, subject: &Subject, call: &CallId) -> Plot {
    let toss = |mishap| cloud.faults.toss(mishap, subject);
    let wait = |most| Piece::Wait(cloud.faults.span(Duration::ZERO, Duration::from_millis(most)));
    if toss(Mishap::ModelBusy) {
        let pause = (cloud.faults.draw(2) == 1)
            .then(|| cloud.faults.span(Duration::ZERO, Duration::from_secs(5)));
        return vec![wait(300), Piece::Busy(pause)];
    }
    if toss(Mishap::ModelAway) {
        return vec![Piece::Break];
    }
    if toss(Mishap::ModelRefuses) {
        return vec![if cloud.faults.draw(2) == 0 { Piece::Unauthorized } else { Piece::Refuse }];
    }
    let mut plot = vec![wait(400)];
    let empty = toss(Mishap::ModelEmpty);
    if !empty {
        talk(cloud, call, &mut plot);
    }
    let cut = cloud.faults.draw(plot.len() + 1);
    if toss(Mishap::ModelBreaksOff) {
        plot.truncate(cut);
        plot.push(Piece::Break);
    } else if toss(Mishap::ModelSilent) {
        plot.truncate(cut);
        plot.push(Piece::Hang);
    } else if toss(Mishap::ModelEndsEarly) {
        plot.truncate(cut);
    } else {
        let used = Usage {
            input_tokens: 40,
            output_tokens: u64::try_from(plot.len()).unwrap_or(0),
            ..Usage::default()
        };
        plot.extend([Piece::Used(used), Piece::Finish(reason(cloud))]);
    }
    plot
}

fn reason(cloud: &Cloud) -> FinishReason {
    match cloud.faults.draw(20) {
        1 => FinishReason::Refusal,
        2 => FinishReason::Length,
        3 => FinishReason::ContentFilter,
        _ => FinishReason::Stop,
    }
}

fn talk(cloud: &Cloud, call: &CallId, plot: &mut Plot) {
    plot.push(Piece::Say(call.opening()));
    if cloud.faults.draw(150) == 1 {
        let many: String = (0..HUGE).map(|at| WORDS[at % WORDS.len()]).collect();
        plot.push(Piece::Say(many));
        return;
    }
    // Without weather every reply is the same few words, one every 300 ms.
    for _ in 0..cloud.faults.draw_or(8, 6) {
        if cloud.faults.draw(3) == 0 {
            plot.push(Piece::Wait(cloud.faults.span(PAUSE, Duration::from_millis(900))));
        }
        plot.push(Piece::Say(format!(" {}", WORDS[cloud.faults.draw(WORDS.len())])));
    }
}
