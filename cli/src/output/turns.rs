//! Prints turns as a table.

use shared::domain::{ProviderName, TurnKind};
use shared::operator::TurnView;

use crate::output::{Table, Tone, count, cut, millis, money};

/// Creates a table with one line per turn.
pub(crate) fn table(turns: &[TurnView]) -> Table {
    let mut table = Table::new(&[
        ">turn", "kind", "model", ">queue", ">first", ">total", ">in", ">out", ">cost", "message",
        "answer",
    ]);
    for turn in turns {
        let usage = turn.usage.unwrap_or_default();
        table.row([
            turn.turn.to_string(),
            kind(turn),
            turn.model
                .as_deref()
                .or(turn.provider.map(ProviderName::as_str))
                .map_or_else(dash, |m| cut(m, 24)),
            millis(turn.timings.queue_ms),
            turn.timings.first_token_ms.map_or_else(dash, millis),
            millis(turn.timings.total_ms),
            count(usage.input_tokens),
            count(usage.output_tokens),
            turn.cost_micro_usd.map_or_else(dash, money),
            cut(turn.message.as_str(), 40),
            cut(answer(turn), 48),
        ]);
        match turn.kind {
            Some(TurnKind::Error) => table.tone(1, Tone::Bad),
            Some(TurnKind::Cancelled) => table.tone(1, Tone::Warning),
            Some(TurnKind::Reply) => table.tone(1, Tone::Good),
            None => table.tone(1, Tone::Dim),
        }
    }
    table
}

/// Returns the outcome of a turn in one word.
pub(crate) fn kind(turn: &TurnView) -> String {
    match (turn.kind, &turn.error) {
        (Some(TurnKind::Error), Some(error)) => error.code.to_string(),
        (Some(kind), _) => kind.to_string(),
        (None, _) => "running".to_owned(),
    }
}

/// Returns the text of a turn, or why there is none.
pub(crate) fn answer(turn: &TurnView) -> &str {
    let error = turn.error.as_ref().map(|error| error.message.as_str());
    turn.text.as_deref().filter(|text| !text.is_empty()).or(error).unwrap_or_default()
}

fn dash() -> String {
    "–".to_owned()
}
