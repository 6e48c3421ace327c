//! The conversation before a turn, as far as the token budget allows.

use shared::domain::{SessionKey, TurnNumber, without_marks};
use shared::ports::store::Item;
use shared::ports::{ChatMessage, Ids, Role, Store};
use shared::protocol::{Turn, TurnPhase, keys};
use shared::queue_messages::Exchange;
use shared::store_retry::with_retries;
use shared::visible::is_blank;

use super::tokens::estimated_tokens;
use crate::error::WorkerError;

/// What a message costs in addition to its text, in estimated tokens.
const OVERHEAD: usize = 4;
const FIRST_PAGE: usize = 8;
const LATER_PAGE: usize = 32;
/// The largest number of turns that are read.
///
/// A turn with any text costs at least ten estimated tokens, so the default budget of 4,000 is used
/// up before this limit is reached, unless turns are left out.
const MAX_TURNS: usize = 400;

/// The messages before a turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Oldest first.
    pub(crate) messages: Vec<ChatMessage>,
    /// Whether older turns did not fit: the next turn's history then starts at another message.
    pub(crate) cut: bool,
}

/// Reads the history of a turn, oldest first: the longest run of committed turns that fits the
/// token budget, among the last [`MAX_TURNS`].
///
/// Error turns are left out; cancelled ones are included if they have visible text. At most one
/// page more than what fits the budget is read, so the cost does not grow with the session. Turns
/// that are left out use no budget: only the number of turns limits the reading of a session that consists
/// almost entirely of errors.
pub(crate) async fn history(
    store: &dyn Store,
    ids: &dyn Ids,
    key: &SessionKey,
    turn: TurnNumber,
    max_tokens: usize,
) -> Result<History, WorkerError> {
    let mut left = max_tokens;
    let mut newest_first: Vec<ChatMessage> = Vec::new();
    let mut unread = MAX_TURNS;
    let mut query = keys::turns_before(key, turn.get(), FIRST_PAGE);
    if turn.previous().is_none() {
        return Ok(History::default());
    }
    if left == 0 {
        return Ok(History { cut: true, ..History::default() });
    }
    loop {
        let page = with_retries(|| ids.fraction(), || store.query(&query)).await?;
        unread = unread.saturating_sub(page.items.len());
        let Some(last) = page.items.last().map(|item| item.key.sort.clone()) else { break };
        for row in page.items.into_iter().map(Item::into_row::<Turn>) {
            let Some(pair) = messages(row?) else { continue };
            let Some(rest) = left.checked_sub(size(&pair)) else {
                return Ok(History::of(newest_first, true));
            };
            left = rest;
            newest_first.extend(pair);
        }
        if !page.more || unread == 0 {
            return Ok(History::of(newest_first, page.more));
        }
        query.limit = LATER_PAGE.min(unread);
        query.to = before(&last);
    }
    Ok(History::of(newest_first, false))
}

impl History {
    fn of(mut newest_first: Vec<ChatMessage>, cut: bool) -> Self {
        newest_first.reverse();
        Self { messages: newest_first, cut }
    }
}

/// Returns the history of a replay: the longest run of its last exchanges that fits the token
/// budget.
pub(crate) fn replayed_history(history: &[Exchange], mut left: usize) -> History {
    let mut newest_first = Vec::new();
    for exchange in history.iter().rev().filter(|exchange| !is_blank(&exchange.reply)) {
        let pair = pair(exchange.reply.clone(), exchange.message.as_str().to_owned());
        let Some(rest) = left.checked_sub(size(&pair)) else {
            return History::of(newest_first, true);
        };
        left = rest;
        newest_first.extend(pair);
    }
    History::of(newest_first, false)
}

fn size(pair: &[ChatMessage; 2]) -> usize {
    pair.iter().map(|message| estimated_tokens(&message.text) + OVERHEAD).sum()
}

/// Returns a turn's two messages, the reply first, if it belongs to the history.
fn messages(turn: Turn) -> Option<[ChatMessage; 2]> {
    let text = match turn.phase {
        TurnPhase::Final(end) => {
            // Their numbers mean other passages by now.
            let citations = &end.outcome.citations;
            let text = end.outcome.result.text();
            if citations.is_empty() { text.to_owned() } else { without_marks(text, citations) }
        }
        TurnPhase::Running(_) => return None,
    };
    (!is_blank(&text)).then(|| pair(text, turn.message.into()))
}

fn pair(reply: String, message: String) -> [ChatMessage; 2] {
    [
        ChatMessage { role: Role::Assistant, text: reply },
        ChatMessage { role: Role::User, text: message },
    ]
}

/// Returns a bound just below a turn's sort key.
fn before(sort: &str) -> String {
    let number: u64 = sort.get(2..).and_then(|digits| digits.parse().ok()).unwrap_or(1);
    format!("T#{:010}", number.saturating_sub(1))
}
