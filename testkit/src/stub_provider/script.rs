//! Which behaviour a call gets, and what was seen so far.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::watch;

use super::behaviour::{Behaviour, Failure};
use super::call::{Call, Protocol};
use super::frames::RequestTraits;
use super::plan::Plan;
use super::{claude, marker, openai, tools};

/// What a stub has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Requests received.
    pub calls: usize,
    /// Answers that the client hung up on before their end.
    pub abandoned: usize,
}

#[derive(Debug)]
pub(super) struct Script {
    inspect: bool,
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
struct State {
    default: Behaviour,
    /// The default for Claude and for `OpenAI`, ready to send, where requests are not looked at.
    ready: [Plan; 2],
    queued: VecDeque<Behaviour>,
    calls: Vec<Call>,
    seen: HashMap<String, usize>,
    chooser: Option<Chooser>,
}

/// Chooses the behaviour for every valid call.
pub(super) struct Chooser(pub(super) Box<dyn FnMut(&Call) -> Behaviour + Send>);

impl fmt::Debug for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chooser")
    }
}

impl Script {
    pub(super) fn new(default: Behaviour, inspect: bool) -> Self {
        let state = State {
            ready: ready(&default),
            default,
            queued: VecDeque::new(),
            calls: Vec::new(),
            seen: HashMap::new(),
            chooser: None,
        };
        Self { inspect, state: Mutex::new(state), progress: watch::Sender::default() }
    }

    /// Takes a request and returns what to do with it.
    pub(super) fn plan(&self, protocol: Protocol, headers: HeaderMap, body: &Bytes) -> Plan {
        let plan = if self.inspect {
            self.state().inspect(Call::new(protocol, headers, body))
        } else {
            self.state().unseen(protocol)
        };
        self.progress.send_modify(|progress| progress.calls += 1);
        plan
    }

    pub(super) fn abandoned(&self) {
        self.progress.send_modify(|progress| progress.abandoned += 1);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    pub(super) fn queue(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state().queued.extend(behaviours);
    }

    pub(super) fn choose_by(&self, chooser: Chooser) {
        self.state().chooser = Some(chooser);
    }

    pub(super) fn set(&self, behaviour: Behaviour) {
        let mut state = self.state();
        state.ready = ready(&behaviour);
        state.default = behaviour;
    }

    pub(super) async fn until(&self, condition: impl FnMut(&Progress) -> bool) -> Progress {
        let mut progress = self.progress.subscribe();
        // The sender is `self`, so the channel is never closed while somebody waits.
        progress.wait_for(condition).await.map_or_else(|_| Progress::default(), |seen| *seen)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn inspect(&mut self, mut call: Call) -> Plan {
        let fault = match call.protocol {
            Protocol::Claude => claude::check(&call),
            Protocol::OpenAi => openai::check(&call),
        };
        let behaviour = match fault {
            Ok(()) => self.choose(&call),
            Err(failure) => {
                call.refused = Some(failure.message.clone());
                Behaviour::Status(failure)
            }
        };
        let plan = Plan::new(&behaviour, call.protocol, &RequestTraits::of(&call));
        // Who chooses sees every call, and lives too long for a list of all.
        if self.chooser.is_none() {
            self.calls.push(call);
        }
        plan
    }

    fn choose(&mut self, call: &Call) -> Behaviour {
        if let Some(Chooser(choose)) = &mut self.chooser {
            return choose(call);
        }
        if let Some(next) = self.queued.pop_front() {
            return next;
        }
        let message = call.last_user();
        let Some(marker) = marker::find(message) else {
            return self.default.clone();
        };
        if let Some(tool) = marker.strip_prefix("tool:") {
            return tools::behaviour(tool, &tools::results(call));
        }
        let seen = self.seen.entry(message.to_owned()).or_default();
        *seen += 1;
        marker::behaviour(marker, *seen - 1)
    }

    fn unseen(&mut self, protocol: Protocol) -> Plan {
        match self.queued.pop_front() {
            Some(next) => Plan::new(&next, protocol, &RequestTraits::default()),
            None => self.ready[usize::from(protocol == Protocol::OpenAi)].clone(),
        }
    }
}

fn ready(behaviour: &Behaviour) -> [Plan; 2] {
    [Protocol::Claude, Protocol::OpenAi]
        .map(|protocol| Plan::new(behaviour, protocol, &RequestTraits::default()))
}

/// Returns the failure of a path or a method that neither protocol has.
pub(super) fn not_found(protocol: Protocol) -> Plan {
    let failure = Behaviour::Status(Failure::because(404, "no such route"));
    Plan::new(&failure, protocol, &RequestTraits::default())
}
