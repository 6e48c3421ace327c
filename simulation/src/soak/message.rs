//! A message: posted until it is accepted, posted twice, stopped.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::conversation::Conversation;
use super::ledger::{Ledger, PostedMessage, SessionRef, number_of};
use super::user::pause_after;
use crate::checks::mark;
use client::account::{Account, Message};

const LATEST_STOP_MS: u64 = 500;
/// How often a repeat is tried: it may stay without an answer, like that of an impatient user.
const REPEATS: u32 = 3;

/// Writes a message with this number, and notes that it is about to be posted.
pub(super) fn new(
    ledger: &Ledger,
    session_ref: &SessionRef,
    number: u32,
    rng: &mut Rng,
) -> Message {
    let text = format!(
        "{} What is in period {number}? 第四节课",
        mark(session_ref.owner, &session_ref.session, number)
    );
    let mut message = Message::new(session_ref.session.clone(), format!("m{number}"), text.clone());
    if rng.u8(0..6) == 0 {
        message.provider = Some("openai".to_owned());
    }
    let posted = PostedMessage {
        text,
        first_at: Instant::now(),
        accepted_at: None,
        stop_asked: false,
        stopped_at: None,
    };
    ledger.with(session_ref, |session| session.posted.insert(number, posted));
    message
}

/// Sends a message until it is accepted; nothing else can become of it.
pub(super) fn post(
    conversation: &mut Conversation,
    message: &Message,
) -> impl Future<Output = ()> + use<> {
    let sender = Sender::of(conversation);
    let message = message.clone();
    let mut rng = conversation.rng.fork();
    async move {
        while !sender.attempt(&message, &mut rng).await {
            sender.ledger.tally.event("posts repeated");
        }
    }
}

/// Sends a message a few times more, as another tab or an impatient user does.
pub(super) fn post_again(
    conversation: &mut Conversation,
    message: &Message,
) -> impl Future<Output = ()> + use<> {
    let sender = Sender::of(conversation);
    let message = message.clone();
    let mut rng = conversation.rng.fork();
    async move {
        sender.ledger.tally.event("posts of one message at once");
        for _ in 0..REPEATS {
            if sender.attempt(&message, &mut rng).await {
                return;
            }
        }
    }
}

/// What posting and stopping need of a conversation, which itself stays free meanwhile.
struct Sender {
    ledger: Arc<Ledger>,
    account: Arc<Account>,
    session_ref: SessionRef,
}

impl Sender {
    fn of(conversation: &Conversation) -> Self {
        Self {
            ledger: conversation.ledger().clone(),
            account: conversation.account.clone(),
            session_ref: conversation.session_ref.clone(),
        }
    }

    /// Tries once, and waits if it is worth another attempt; `true` if it is not.
    async fn attempt(&self, message: &Message, rng: &mut Rng) -> bool {
        let Self { ledger, account, session_ref } = self;
        let error = match account.post(message).await {
            Ok(answer) => {
                let right = answer.session_id == session_ref.session
                    && answer.message_id == message.message_id;
                if !right {
                    ledger.violation(
                        "1",
                        format!("{} on {session_ref} was answered {answer:?}", message.message_id),
                    );
                }
                change(ledger, session_ref, &message.message_id, |posted| {
                    _ = posted.accepted_at.get_or_insert_with(Instant::now);
                });
                return true;
            }
            Err(error) => error,
        };
        let Some(pause) = pause_after(&error, rng) else {
            ledger.violation(
                "1",
                format!("{} on {session_ref} was refused: {error}", message.message_id),
            );
            return true;
        };
        sleep(pause).await;
        false
    }
}

/// Stops a message after a while.
pub(super) fn stop(
    conversation: &mut Conversation,
    message: &Message,
) -> impl Future<Output = ()> + use<> {
    let sender = Sender::of(conversation);
    let id = message.message_id.clone();
    let after = Duration::from_millis(conversation.rng.u64(0..LATEST_STOP_MS));
    async move {
        let Sender { ledger, account, session_ref } = sender;
        sleep(after).await;
        let mut counts = false;
        change(&ledger, &session_ref, &id, |posted| {
            posted.stop_asked = true;
            // A stop of a message that is not known yet is answered 202, and does nothing.
            counts = posted.accepted_at.is_some();
        });
        if account.stop(&session_ref.session, &id).await.is_ok() {
            ledger.tally.event("stops");
            let now = Instant::now();
            change(&ledger, &session_ref, &id, |posted| {
                posted.stopped_at = posted.stopped_at.or(counts.then_some(now));
            });
        }
    }
}

fn change(
    ledger: &Ledger,
    session_ref: &SessionRef,
    message_id: &str,
    change: impl FnOnce(&mut PostedMessage),
) {
    ledger.with(session_ref, |session| {
        if let Some(posted) =
            number_of(message_id).and_then(|number| session.posted.get_mut(&number))
        {
            change(posted);
        }
    });
}
