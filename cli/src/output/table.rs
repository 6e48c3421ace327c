//! Aligned columns.

use super::{Output, Tone};

/// Rows under headings; numbers stand at the right.
#[derive(Debug)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<(String, Option<Tone>)>>,
}

impl Table {
    /// Makes a table; a heading that begins with `>` is of a column of numbers.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let right = headings.iter().map(|heading| heading.starts_with('>')).collect();
        let headings = headings.iter().map(|heading| heading.trim_start_matches('>')).collect();
        Self { headings, right, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().map(|cell| (cell, None)).collect());
    }

    /// Colours a cell of the last row.
    pub(crate) fn tone(&mut self, column: usize, tone: Tone) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.get_mut(column)) {
            cell.1 = Some(tone);
        }
    }

    /// Tells whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the lines, headings first where there are any.
    pub(crate) fn lines(&self, output: Output) -> Vec<String> {
        let widths: Vec<usize> =
            (0..self.headings.len()).map(|column| self.width(column)).collect();
        let titles: Vec<_> =
            self.headings.iter().map(|title| ((*title).to_owned(), Some(Tone::Dim))).collect();
        let with_titles = self.headings.iter().any(|title| !title.is_empty());
        let titles = with_titles.then_some(&titles);
        titles.into_iter().chain(&self.rows).map(|row| self.line(row, &widths, output)).collect()
    }

    fn width(&self, column: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|(cell, _)| cell.chars().count());
        cells.chain(self.headings.get(column).map(|title| title.chars().count())).max().unwrap_or(0)
    }

    fn line(&self, row: &[(String, Option<Tone>)], widths: &[usize], output: Output) -> String {
        let mut line = String::new();
        for (column, (cell, tone)) in row.iter().enumerate() {
            let width = widths.get(column).copied().unwrap_or(0);
            let room = " ".repeat(width.saturating_sub(cell.chars().count()));
            let painted = tone.map_or_else(|| cell.clone(), |tone| output.paint(tone, cell));
            let last = column + 1 == row.len();
            match self.right.get(column) {
                Some(true) => line.extend([room.as_str(), painted.as_str()]),
                _ if last => line.push_str(&painted),
                _ => line.extend([painted.as_str(), room.as_str()]),
            }
            if !last {
                line.push_str("  ");
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_at_the_right() {
        let mut table = Table::new(&["name", ">count", "reason"]);
        table.row(["a".to_owned(), "1".to_owned(), "x".to_owned()]);
        table.row(["bébé".to_owned(), "1,000".to_owned(), "y".to_owned()]);
        let lines = table.lines(Output { json: false, colour: false });
        assert_eq!(lines, ["name  count  reason", "a         1  x", "bébé  1,000  y"]);
    }
}
