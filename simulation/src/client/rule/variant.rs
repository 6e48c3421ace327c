//! The rule as it is, and the two broken ways to follow it that a checker must catch.
//!
//! All that a variant changes is here.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::turn::Held;

/// How well a client follows the rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Variant {
    /// As it is written.
    #[default]
    Faithful,
    /// Mutant 9: takes every frame of a turn for one of the generation that it saw first.
    IgnoresGeneration,
    /// Mutant 11: its cursor is the last final that it saw, not the last one without a gap before
    /// it.
    CursorIsLastSeen,
}

impl Variant {
    /// Compares a frame's generation with the one that is held of its turn, 0 where none is.
    pub(super) fn compare_generations(self, frame: u64, held: u64) -> Ordering {
        match self {
            Self::IgnoresGeneration if held > 0 => Ordering::Equal,
            _ => frame.cmp(&held),
        }
    }

    /// Returns the turn whose final is to be shown next, if it is held.
    pub(super) fn next_final(self, cursor: u64, turns: &BTreeMap<u64, Held>) -> Option<u64> {
        let next = cursor.saturating_add(1);
        match self {
            Self::CursorIsLastSeen => {
                turns.range(next..).find(|(_, held)| held.is_final()).map(|(number, _)| *number)
            }
            _ => turns.get(&next).is_some_and(Held::is_final).then_some(next),
        }
    }
}
