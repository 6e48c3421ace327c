//! The code map in ARCHITECTURE.md knows every crate.

use super::Offence;
use super::house::House;

const DOCUMENT: &str = "ARCHITECTURE.md";

/// Holds one line of description per crate, on a line of a list or a table.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let Some(map) = house.tree.file(DOCUMENT) else {
        return vec![Offence::new(DOCUMENT, 1, "is missing", "write it")];
    };
    let unknown = house.crates.iter().filter(|krate| {
        let name = format!("{}/", krate.folder);
        !map.lines().any(|(_, line)| describes(line, &name))
    });
    unknown
        .map(|krate| {
            let what = format!("`{}/` is not on the code map", krate.folder);
            Offence::new(DOCUMENT, 1, what, "add one line that says what lives there")
        })
        .collect()
}

/// Tells whether a line is an entry for the folder, with at least three words about it.
fn describes(line: &str, folder: &str) -> bool {
    let entry = line.trim_start().starts_with(['-', '|', '*']);
    let Some((before, after)) = line.split_once(folder) else {
        return false;
    };
    let whole = before.ends_with(['`', '[', ' ', '|']);
    entry && whole && after.split_whitespace().filter(|word| *word != "|").count() >= 3
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house, krate};
    use super::*;

    #[track_caller]
    fn check(map: &str, expected: &[(&str, usize)]) {
        let mut house = house(&[(DOCUMENT, map)]);
        house.crates = vec![krate("worker", &[])];
        check_finds(&super::check(&house), expected);
    }

    #[test]
    fn a_described_crate_is_on_the_map() {
        check("| `worker/` | writes one turn's reply |", &[]);
        check("- [`worker/`](worker/) writes one turn's reply", &[]);
    }

    #[test]
    fn a_name_without_a_description_is_not_enough() {
        check("- `worker/`", &[(DOCUMENT, 1)]);
        check("The `worker/` folder in a sentence of the text.", &[(DOCUMENT, 1)]);
        check("- `coworker/` is somebody else altogether", &[(DOCUMENT, 1)]);
    }
}
