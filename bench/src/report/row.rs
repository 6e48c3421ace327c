//! One figure and its target.

use std::fmt;

use crate::measure::Spread;

/// What a figure must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Target {
    /// Tells whether a figure reaches it.
    pub fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}

/// One line of the first table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured.
    pub figure: &'static str,
    /// What it must reach.
    pub target: Target,
    /// What was measured; the median is compared with the target.
    pub measured: Spread,
    /// Its unit.
    pub unit: &'static str,
    /// Number of decimal places.
    pub digits: usize,
}

impl Row {
    /// Returns the cells: figure, target, measured, met.
    pub fn cells(&self) -> Vec<String> {
        let digits = self.digits;
        vec![
            self.figure.to_owned(),
            format!("{} {}", self.target, self.unit),
            format!("{:.digits$} {}", self.measured, self.unit),
            if self.target.is_met(self.measured.median) { "yes" } else { "**no**" }.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: Target, median: f64, expected: [&str; 3]) {
        let measured = Spread { median, min: median, max: 2.0 };
        let row = Row { figure: "f", target, measured, unit: "×", digits: 1 };
        assert_eq!(row.cells()[1..], expected);
    }

    #[test]
    fn a_row_says_whether_the_target_is_met() {
        check(Target::AtLeast(0.6), 0.5, ["≥ 0.6 ×", "0.5 (0.5–2.0) ×", "**no**"]);
        check(Target::AtLeast(0.6), 0.6, ["≥ 0.6 ×", "0.6 (0.6–2.0) ×", "yes"]);
        check(Target::AtMost(1.1), 1.2, ["≤ 1.1 ×", "1.2 (1.2–2.0) ×", "**no**"]);
    }
}
