//! Every call of a model, with the context that it was given.

use futures::FutureExt as _;
use shared::domain::{MessageId, ProviderName, SessionKey, TurnKind, TurnNumber};
use shared::ports::{ChatMessage, ModelError, ModelEvent, Prompt, Role, Store as _};
use shared::protocol::keys;

use tokio::time::Instant;

use super::Checker;
use super::expected::{ExpectedState, ModelCall, SessionLifetime};
use crate::faults::{Process, Subject};

/// `CHATBOT_MAX_GENERATIONS` × `CHATBOT_MAX_CALLS`.
const MOST_CALLS: usize = 12;

/// One call of a model.
#[derive(Debug, Clone)]
pub struct CallId {
    number: usize,
    mark: String,
}

impl CallId {
    /// Returns how the reply of this call, and of no other, begins.
    pub(crate) fn opening(&self) -> String {
        format!("{} call {}:", self.mark, self.number)
    }
}

impl Checker {
    /// Records a call of a model, and checks its prompt.
    pub(crate) fn model_called(
        &self,
        process: &Process,
        provider: ProviderName,
        prompt: &Prompt,
    ) -> CallId {
        let asked = prompt.messages.last().map_or("", |message| message.text.as_str());
        let known = self.with(|expected| expected.texts.get(asked).cloned());
        let Some((session, message_id)) = known else {
            self.violation("4", &process.subject(), || {
                format!("a model was called with a message that nobody sent: {asked:?}")
            });
            return CallId { number: 0, mark: String::new() };
        };
        let subject = Subject::Message(session.clone(), message_id.clone());
        let (number, problems) = self.with(|expected| {
            let is_there = |turn| self.is_there(&session, turn);
            let problems =
                judge(expected, &session, &message_id, prompt, self.whole_history, &is_there);
            let before = expected.calls_of(&session, &message_id).last().map(|call| call.provider);
            if before.is_some_and(|before| before != provider) {
                self.faults.tally().event("fallbacks");
            }
            let turn = expected.life(&session).and_then(|life| life.turn_of(&message_id));
            let generation =
                turn.and_then(|(_, turn)| turn.holders.get(&process.invocation()).copied());
            let text = String::new();
            let finished = false;
            expected.calls.push(ModelCall {
                session,
                message_id,
                provider,
                generation,
                text,
                spoke_at: None,
                finished,
            });
            (expected.calls.len(), problems)
        });
        self.trace.note(&subject, number, || format!("call {number} of a model"));
        for (invariant, what) in problems {
            self.violation(invariant, &subject, || what);
        }
        let mark = asked.split_whitespace().next().unwrap_or_default().to_owned();
        CallId { number, mark }
    }

    fn is_there(&self, key: &SessionKey, turn: u64) -> bool {
        let Ok(turn) = TurnNumber::parse(turn) else { return false };
        let rows = self.store.get(&[keys::turn(key, turn)]).now_or_never().and_then(Result::ok);
        rows.is_some_and(|rows| rows.iter().any(Option::is_some))
    }

    /// Notes what a call said.
    pub(crate) fn said(&self, call: &CallId, event: &Result<ModelEvent, ModelError>) {
        self.with(|expected| {
            let Some(call) = call.number.checked_sub(1).and_then(|at| expected.calls.get_mut(at))
            else {
                return;
            };
            match event {
                Ok(ModelEvent::Delta(text)) => {
                    call.spoke_at.get_or_insert_with(Instant::now);
                    call.text.push_str(text);
                }
                Ok(ModelEvent::Finished(_)) => call.finished = true,
                _ => (),
            }
        });
    }
}

/// Judges one call; a history of fewer bytes than `whole` must be told whole, as far as its turns
/// are there.
fn judge(
    expected: &ExpectedState,
    key: &SessionKey,
    id: &MessageId,
    prompt: &Prompt,
    whole: usize,
    is_there: &dyn Fn(u64) -> bool,
) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let calls = expected.calls_of(key, id).count() + 1;
    if calls > MOST_CALLS {
        problems.push(("8", format!("{calls} calls of models were made for one message")));
    }
    let owner = expected.sessions.get(key).and_then(|session| session.owner);
    let found = prompt.found.iter().map(|found| found.text.as_str());
    let mut told = prompt
        .messages
        .iter()
        .map(|message| message.text.as_str())
        .chain([prompt.system.as_str()])
        .chain(found);
    if let Some(foreign) =
        owner.and_then(|owner| told.find_map(|text| super::mark::foreign(owner, text)))
    {
        problems.push(("7", format!("a prompt contains text that belongs to {foreign}")));
    }
    let Some(life) = expected.sessions.get(key).and_then(|session| session.lives.last()) else {
        return problems;
    };
    let Some((number, _)) = life.turn_of(id).filter(|_| !life.deleted) else { return problems };
    match history(expected, key, life, number) {
        Ok(expected) => problems.extend(context(&expected, prompt, whole, is_there)),
        Err(running) => problems
            .push(("4", format!("turn {number} is answered while turn {running} is running"))),
    }
    problems
}

/// One text of a context, with its turn.
type Told<'b> = (u64, Role, &'b str);

/// Returns what a turn's context should be if nothing is cut off, or the turn before that is
/// running.
fn history<'b>(
    expected: &'b ExpectedState,
    key: &SessionKey,
    life: &'b SessionLifetime,
    number: u64,
) -> Result<Vec<Told<'b>>, u64> {
    let messages_sent = expected.sessions.get(key).map(|session| &session.messages_sent);
    let mut history = Vec::new();
    for (earlier, turn) in life.turns.range(..number) {
        let done = turn.done.as_ref().ok_or(*earlier)?;
        let silent = done.kind == TurnKind::Error || done.text.is_empty();
        let asked = messages_sent.and_then(|messages_sent| messages_sent.get(&turn.message_id));
        if let Some(asked) = asked.filter(|_| !silent) {
            let [question, answer] = [asked.text.as_str(), done.text.as_str()];
            history.extend([(*earlier, Role::User, question), (*earlier, Role::Assistant, answer)]);
        }
    }
    Ok(history)
}

fn context(
    expected: &[Told<'_>],
    prompt: &Prompt,
    whole: usize,
    is_there: &dyn Fn(u64) -> bool,
) -> Option<(&'static str, String)> {
    let (_, told) = prompt.messages.split_last()?;
    let bytes: usize = expected.iter().map(|(_, _, text)| text.len()).sum();
    let (left_out, newest) = expected.split_at(expected.len().saturating_sub(told.len()));
    let same = |((_, role, text), message): (&Told<'_>, &ChatMessage)| {
        *role == message.role && *text == message.text
    };
    let newest = newest.len() == told.len() && newest.iter().zip(told).all(same);
    // A turn past its own end is absent, although its session lives on.
    let cut = left_out.last().is_some_and(|(turn, _, _)| bytes < whole && is_there(*turn));
    (cut || !newest).then(|| {
        let what = format!(
            "the context is {} texts of {}, or not the newest ones",
            told.len(),
            expected.len()
        );
        ("4", what)
    })
}
