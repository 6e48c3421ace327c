//! A message: posted until it is accepted, posted twice, stopped.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::ledger::{Ledger, Posted, Seat, number_of};
use super::person::pause_after;
use super::talk::Talk;
use crate::checks::mark;
use client::account::{Account, Message};

const LATEST_STOP_MS: u64 = 500;
/// How often a repeat is tried: it may stay without an answer, like that of an impatient user.
const REPEATS: u32 = 3;

/// Writes a message with this number, and notes that it is about to be posted.
pub(super) fn new(ledger: &Ledger, seat: &Seat, number: u32, rng: &mut Rng) -> Message {
    let text =
        format!("{} What is in period {number}? 第四节课", mark(seat.owner, &seat.session, number));
    let mut message = Message::new(seat.session.clone(), format!("m{number}"), text.clone());
    if rng.u8(0..6) == 0 {
        message.provider = Some("openai".to_owned());
    }
    let posted = Posted {
        text,
        first_at: Instant::now(),
        accepted_at: None,
        stop_asked: false,
        stopped_at: None,
    };
    ledger.with(seat, |session| session.posted.insert(number, posted));
    message
}

/// Sends a message until it is accepted; nothing else can become of it.
pub(super) fn post(talk: &mut Talk, message: &Message) -> impl Future<Output = ()> + use<> {
    let ledger = talk.ledger().clone();
    let account = talk.account.clone();
    let seat = talk.seat.clone();
    let message = message.clone();
    let mut rng = talk.rng.fork();
    async move {
        while !attempt(&ledger, &account, &seat, &message, &mut rng).await {
            ledger.tally.event("posts repeated");
        }
    }
}

/// Sends a message a few times more, as another tab or an impatient user does.
pub(super) fn post_again(talk: &mut Talk, message: &Message) -> impl Future<Output = ()> + use<> {
    let ledger = talk.ledger().clone();
    let account = talk.account.clone();
    let seat = talk.seat.clone();
    let message = message.clone();
    let mut rng = talk.rng.fork();
    async move {
        ledger.tally.event("posts of one message at once");
        for _ in 0..REPEATS {
            if attempt(&ledger, &account, &seat, &message, &mut rng).await {
                return;
            }
        }
    }
}

/// Tries once, and waits if it is worth another attempt; `true` if it is not.
async fn attempt(
    ledger: &Ledger,
    account: &Account,
    seat: &Seat,
    message: &Message,
    rng: &mut Rng,
) -> bool {
    let error = match account.post(message).await {
        Ok(answer) => {
            let right =
                answer.session_id == seat.session && answer.message_id == message.message_id;
            if !right {
                ledger.violation(
                    "1",
                    format!("{} on {seat} was answered {answer:?}", message.message_id),
                );
            }
            change(ledger, seat, &message.message_id, |posted| {
                _ = posted.accepted_at.get_or_insert_with(Instant::now);
            });
            return true;
        }
        Err(error) => error,
    };
    let Some(pause) = pause_after(&error, rng) else {
        ledger.violation("1", format!("{} on {seat} was refused: {error}", message.message_id));
        return true;
    };
    sleep(pause).await;
    false
}

/// Stops a message after a while.
pub(super) fn stop(talk: &mut Talk, message: &Message) -> impl Future<Output = ()> + use<> {
    let ledger = talk.ledger().clone();
    let account = talk.account.clone();
    let seat = talk.seat.clone();
    let id = message.message_id.clone();
    let after = Duration::from_millis(talk.rng.u64(0..LATEST_STOP_MS));
    async move {
        sleep(after).await;
        let mut counts = false;
        change(&ledger, &seat, &id, |posted| {
            posted.stop_asked = true;
            // A stop of a message that is not known yet is answered 202, and does nothing.
            counts = posted.accepted_at.is_some();
        });
        if account.stop(&seat.session, &id).await.is_ok() {
            ledger.tally.event("stops");
            let now = Instant::now();
            change(&ledger, &seat, &id, |posted| {
                posted.stopped_at = posted.stopped_at.or(counts.then_some(now));
            });
        }
    }
}

fn change(ledger: &Ledger, seat: &Seat, message_id: &str, change: impl FnOnce(&mut Posted)) {
    ledger.with(seat, |session| {
        if let Some(posted) =
            number_of(message_id).and_then(|number| session.posted.get_mut(&number))
        {
            change(posted);
        }
    });
}
