//! The correct rule, and two broken variants of it that the simulation's checks must catch.
//!
//! Everything that depends on the variant is in this file.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::turn::PendingTurn;

/// Which version of the rule a client follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The correct one.
    #[default]
    Faithful,
    /// Mutant 9: treats every frame of a turn as one of the generation that it saw first.
    IgnoresGeneration,
    /// Mutant 11: its cursor is the last final that it saw, not the last one without a gap before
    /// it.
    CursorIsLastSeen,
}

impl Variant {
    /// Compares a frame's generation with the known one of its turn, which is 0 if there is none.
    pub(super) fn compare_generations(self, frame: u64, pending: u64) -> Ordering {
        match self {
            Self::IgnoresGeneration if pending > 0 => Ordering::Equal,
            _ => frame.cmp(&pending),
        }
    }

    /// Returns the turn whose final is to be shown next, if that final is known.
    pub(super) fn next_final(self, cursor: u64, turns: &BTreeMap<u64, PendingTurn>) -> Option<u64> {
        let next = cursor.saturating_add(1);
        match self {
            Self::CursorIsLastSeen => turns
                .range(next..)
                .find(|(_, pending)| pending.is_final())
                .map(|(number, _)| *number),
            _ => turns.get(&next).is_some_and(PendingTurn::is_final).then_some(next),
        }
    }
}
