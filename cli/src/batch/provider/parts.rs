//! What is known of each part: a batch at the provider, from the intent to create it to its last
//! result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::domain::Timestamp;

/// What happened to a part, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(in crate::batch) enum Step {
    /// It is about to be created. On disk before the provider is called.
    Creating {
        /// Its number in the batch, from 1.
        part: u32,
        /// Its lines, in runs from a number to a number.
        lines: Vec<(u64, u64)>,
        /// When.
        at: Timestamp,
        /// The most that it can cost, in millionths of a dollar.
        most: i64,
    },
    /// The provider has it under this id.
    Created {
        /// Its number.
        part: u32,
        /// The provider's id.
        id: String,
    },
    /// All its results are among the answers.
    Collected {
        /// Its number.
        part: u32,
    },
    /// It does not count: its lines may be sent again.
    Void {
        /// Its number.
        part: u32,
    },
}

/// How far a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody knows whether the provider has it.
    Creating,
    /// The provider has it under this id.
    Created(String),
    /// It is done.
    Collected(String),
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) lines: Vec<(u64, u64)>,
    pub(super) at: Timestamp,
    pub(super) most: i64,
    pub(super) stage: Stage,
}

/// All parts of a batch.
#[derive(Debug, Default)]
pub(in crate::batch) struct Parts {
    parts: BTreeMap<u32, Part>,
    last: u32,
}

impl Part {
    /// Tells whether a line is of this part.
    pub(super) fn has(&self, line: u64) -> bool {
        let at = self.lines.partition_point(|(_, to)| *to < line);
        self.lines.get(at).is_some_and(|(from, _)| *from <= line)
    }

    /// Counts its lines.
    pub(super) fn count(&self) -> u64 {
        self.lines.iter().map(|(from, to)| to - from + 1).sum()
    }

    /// Returns the provider's id, where it is known.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.stage {
            Stage::Creating => None,
            Stage::Created(id) | Stage::Collected(id) => Some(id),
        }
    }

    /// Tells whether something is still to come of it.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Collected(_))
    }
}

impl Parts {
    /// Takes note of what happened.
    pub(in crate::batch) fn note(&mut self, step: Step) {
        match step {
            Step::Creating { part: number, lines, at, most } => {
                self.last = self.last.max(number);
                self.parts.insert(number, Part { number, lines, at, most, stage: Stage::Creating });
            }
            Step::Created { part, id } => {
                if let Some(part) = self.parts.get_mut(&part) {
                    part.stage = Stage::Created(id);
                }
            }
            Step::Collected { part } => {
                if let Some(part) = self.parts.get_mut(&part) {
                    part.stage = Stage::Collected(part.id().unwrap_or_default().to_owned());
                }
            }
            Step::Void { part } => drop(self.parts.remove(&part)),
        }
    }

    /// Returns them in their order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Part> {
        self.parts.values()
    }

    /// Tells whether a line was sent.
    pub(super) fn has(&self, line: u64) -> bool {
        self.parts.values().any(|part| part.has(line))
    }

    /// Returns the number that the next part has; numbers are never used again.
    pub(super) fn next(&self) -> u32 {
        self.last + 1
    }

    /// Returns the most that the parts can cost that are still to be collected.
    pub(super) fn most(&self) -> i64 {
        self.parts.values().filter(|part| part.is_open()).map(|part| part.most).sum()
    }

    /// Tells whether anything is still to come.
    pub(in crate::batch) fn are_open(&self) -> bool {
        self.parts.values().any(Part::is_open)
    }

    /// Counts the lines that were sent.
    pub(in crate::batch) fn sent(&self) -> u64 {
        self.parts.values().map(Part::count).sum()
    }
}

/// Adds a line behind the last run, or to it; lines come in growing order.
pub(super) fn add(runs: &mut Vec<(u64, u64)>, line: u64) {
    match runs.last_mut() {
        Some((_, to)) if *to + 1 == line => *to = line,
        _ => runs.push((line, line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creating(part: u32, lines: &[u64]) -> Step {
        let mut runs = Vec::new();
        for line in lines {
            add(&mut runs, *line);
        }
        Step::Creating { part, lines: runs, at: Timestamp(0), most: 10 }
    }

    #[test]
    fn lines_are_kept_in_runs() {
        let mut parts = Parts::default();
        parts.note(creating(1, &[1, 2, 3, 7, 9, 10]));
        let part = parts.all().next().unwrap();
        assert_eq!(part.lines, [(1, 3), (7, 7), (9, 10)]);
        assert_eq!(part.count(), 6);
        let there: Vec<_> = (0..=11).filter(|line| parts.has(*line)).collect();
        assert_eq!(there, [1, 2, 3, 7, 9, 10]);
    }

    #[test]
    fn a_part_that_does_not_count_frees_its_lines_and_not_its_number() {
        let mut parts = Parts::default();
        parts.note(creating(1, &[1]));
        parts.note(Step::Created { part: 1, id: "b".to_owned() });
        parts.note(creating(2, &[2]));
        assert_eq!((parts.most(), parts.sent(), parts.next()), (20, 2, 3));
        parts.note(Step::Collected { part: 1 });
        parts.note(Step::Void { part: 2 });
        assert_eq!((parts.most(), parts.has(1), parts.has(2), parts.next()), (0, true, false, 3));
        assert!(!parts.are_open());
    }
}
