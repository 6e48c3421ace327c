//! The parts of a provider batch, each from the intent to create it to its last result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::domain::Timestamp;

/// A change of a part, as recorded in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum PartEvent {
    /// It is about to be created. This is on disk before the provider is called.
    Creating {
        /// Its number in the batch, from 1.
        part: u32,
        /// Its lines as ranges, both ends included.
        lines: Vec<(u64, u64)>,
        /// The time.
        at: Timestamp,
        /// Its maximum cost in millionths of a US dollar.
        most: i64,
    },
    /// The provider has it under this ID.
    Created {
        /// Its number.
        part: u32,
        /// The provider's id.
        id: String,
    },
    /// All its results were written to the answers.
    Collected {
        /// Its number.
        part: u32,
    },
    /// It was never created: its lines may be sent again.
    Void {
        /// Its number.
        part: u32,
    },
}

/// The state of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PartState {
    /// It is unknown whether the provider has it.
    Creating,
    /// The provider has it under this ID.
    Created(String),
    /// It is done.
    Collected(String),
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BatchPart {
    pub(super) number: u32,
    pub(super) lines: Vec<(u64, u64)>,
    pub(super) at: Timestamp,
    pub(super) most: i64,
    pub(super) stage: PartState,
}

/// All parts of a batch.
#[derive(Debug, Default)]
pub(super) struct BatchParts {
    parts: BTreeMap<u32, BatchPart>,
    last: u32,
}

impl BatchPart {
    /// Returns whether a line belongs to this part.
    pub(super) fn has(&self, line: u64) -> bool {
        let at = self.lines.partition_point(|(_, to)| *to < line);
        self.lines.get(at).is_some_and(|(from, _)| *from <= line)
    }

    /// Returns the number of its lines.
    pub(super) fn count(&self) -> u64 {
        self.lines.iter().map(|(from, to)| to - from + 1).sum()
    }

    /// Returns the provider's ID, if it is known.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.stage {
            PartState::Creating => None,
            PartState::Created(id) | PartState::Collected(id) => Some(id),
        }
    }

    /// Returns whether results are still to come.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.stage, PartState::Collected(_))
    }
}

impl BatchParts {
    /// Applies a change.
    pub(super) fn note(&mut self, step: PartEvent) {
        match step {
            PartEvent::Creating { part: number, lines, at, most } => {
                self.last = self.last.max(number);
                self.parts.insert(
                    number,
                    BatchPart { number, lines, at, most, stage: PartState::Creating },
                );
            }
            PartEvent::Created { part, id } => {
                if let Some(part) = self.parts.get_mut(&part) {
                    part.stage = PartState::Created(id);
                }
            }
            PartEvent::Collected { part } => {
                if let Some(part) = self.parts.get_mut(&part) {
                    part.stage = PartState::Collected(part.id().unwrap_or_default().to_owned());
                }
            }
            PartEvent::Void { part } => drop(self.parts.remove(&part)),
        }
    }

    /// Returns all parts in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &BatchPart> {
        self.parts.values()
    }

    /// Returns whether a line was sent.
    pub(super) fn has(&self, line: u64) -> bool {
        self.parts.values().any(|part| part.has(line))
    }

    /// Returns the number of the next part; numbers are never reused.
    pub(super) fn next(&self) -> u32 {
        self.last + 1
    }

    /// Returns the maximum cost of the parts that are still to be collected.
    pub(super) fn most(&self) -> i64 {
        self.parts.values().filter(|part| part.is_open()).map(|part| part.most).sum()
    }

    /// Returns whether any results are still to come.
    pub(super) fn are_open(&self) -> bool {
        self.parts.values().any(BatchPart::is_open)
    }

    /// Returns the number of lines that were sent.
    pub(super) fn sent(&self) -> u64 {
        self.parts.values().map(BatchPart::count).sum()
    }
}

/// Adds a line to the ranges; lines come in ascending order.
pub(super) fn add(runs: &mut Vec<(u64, u64)>, line: u64) {
    match runs.last_mut() {
        Some((_, to)) if *to + 1 == line => *to = line,
        _ => runs.push((line, line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creating(part: u32, lines: &[u64]) -> PartEvent {
        let mut runs = Vec::new();
        for line in lines {
            add(&mut runs, *line);
        }
        PartEvent::Creating { part, lines: runs, at: Timestamp(0), most: 10 }
    }

    #[test]
    fn lines_are_kept_in_runs() {
        let mut parts = BatchParts::default();
        parts.note(creating(1, &[1, 2, 3, 7, 9, 10]));
        let part = parts.all().next().unwrap();
        assert_eq!(part.lines, [(1, 3), (7, 7), (9, 10)]);
        assert_eq!(part.count(), 6);
        let there: Vec<_> = (0..=11).filter(|line| parts.has(*line)).collect();
        assert_eq!(there, [1, 2, 3, 7, 9, 10]);
    }

    #[test]
    fn a_part_that_does_not_count_frees_its_lines_and_not_its_number() {
        let mut parts = BatchParts::default();
        parts.note(creating(1, &[1]));
        parts.note(PartEvent::Created { part: 1, id: "b".to_owned() });
        parts.note(creating(2, &[2]));
        assert_eq!((parts.most(), parts.sent(), parts.next()), (20, 2, 3));
        parts.note(PartEvent::Collected { part: 1 });
        parts.note(PartEvent::Void { part: 2 });
        assert_eq!((parts.most(), parts.has(1), parts.has(2), parts.next()), (0, true, false, 3));
        assert!(!parts.are_open());
    }
}
