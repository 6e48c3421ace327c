//! Behaviours that a test chooses from outside, by a marker in the user's message.
//!
//! `[[stub:slow]]`, `[[stub:die-once]]` and the like; the last marker of the message counts.
//! `[[stub:tool:NAME {…}]]` calls a tool, and quotes its result once it is there.
//! The `once` forms misbehave for the first call with exactly that message, and reply to every
//! later one.

use std::time::Duration;

use super::behaviour::{Behaviour, Failure, Finish, Reply};

const OPEN: &str = "[[stub:";
const MOST_CHARS: usize = 1_000_000;

const SECOND_PACE: Duration = Duration::from_millis(10);

/// Finds the last marker of a message and returns what stands in it.
pub(super) fn find(message: &str) -> Option<&str> {
    let (_, rest) = message.rsplit_once(OPEN)?;
    rest.split_once("]]").map(|(marker, _)| marker)
}

/// Returns the marker's behaviour; `seen` counts the earlier calls with the same message.
///
/// An unknown marker is a 400 that names it, so that a misspelt one shows.
pub(super) fn behaviour(marker: &str, seen: usize) -> Behaviour {
    match marker {
        "429" if seen > 0 => Behaviour::Reply(Reply::default()),
        // At a pace, so that whoever watches sees the new generation begin.
        "die-once" if seen > 0 => Behaviour::Reply(Reply::default().paced(SECOND_PACE)),
        "die" | "die-once" => Behaviour::DieMidStream { after: 10 },
        "429" => Behaviour::Status(Failure::new(429).retry_after_ms(50)),
        "529" => Behaviour::Status(Failure::new(529)),
        "fatal" => Behaviour::Status(Failure::new(401)),
        "slow" => Behaviour::Reply(Reply::words(20).paced(Duration::from_millis(200))),
        "hang" => Behaviour::HangMidStream { after: 3 },
        "garbage" => Behaviour::Garbage,
        "refusal" => Behaviour::Refusal,
        "length" => Behaviour::Reply(Reply::default().finishing(Finish::Length)),
        "empty" => Behaviour::Empty,
        "byte" => Behaviour::OneByteAtATime(Reply::default()),
        "echo" => Behaviour::Echo,
        other => long(other).unwrap_or_else(|| unknown(other)),
    }
}

fn long(marker: &str) -> Option<Behaviour> {
    let chars: usize = marker.strip_prefix("long:")?.parse().ok()?;
    (chars <= MOST_CHARS).then(|| Behaviour::Reply(Reply::long(chars)))
}

fn unknown(marker: &str) -> Behaviour {
    Behaviour::Status(Failure::because(400, format!("unknown marker {marker:?}")))
}
