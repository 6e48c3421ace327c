//! The results of one scenario.

use super::row::{Row, Target};
use crate::measure::Spread;

/// A scenario's rows for the first table, and its own table.
#[derive(Debug, Clone)]
pub struct Section {
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    pub(super) rows: Vec<Row>,
    pub(super) table: Option<String>,
}

impl Section {
    /// Begins a section; the note says how it was measured.
    pub fn new(title: &'static str, note: &'static str) -> Self {
        Self { title, note, rows: Vec::new(), table: None }
    }

    /// Adds the scenario's own table.
    #[must_use]
    pub fn with_table(mut self, headings: &[&str], rows: &[Vec<String>]) -> Self {
        self.table = Some(table(headings, rows));
        self
    }

    /// Adds a line of the first table.
    #[must_use]
    pub fn with_row(
        mut self,
        figure: &'static str,
        target: Target,
        measured: Spread,
        unit: &'static str,
        digits: usize,
    ) -> Self {
        self.rows.push(Row { figure, target, measured, unit, digits });
        self
    }
}

/// Writes a Markdown table.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let rule = vec!["---".to_owned(); headings.len()];
    let lines = [&headings, &rule]
        .into_iter()
        .chain(rows)
        .map(|cells| format!("| {} |", cells.join(" | ")));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_headings_a_rule_and_rows() {
        let rows = [vec!["1".to_owned(), "2".to_owned()]];
        assert_eq!(table(&["a", "b"], &rows), "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    }
}
