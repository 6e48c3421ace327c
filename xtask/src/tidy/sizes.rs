//! Small rooms: files that one reads in one sitting.

use super::Offence;
use super::house::House;

const RUST: usize = 400;
const DOCUMENTS: [(&str, usize); 2] = [("README.md", 100), ("ARCHITECTURE.md", 150)];

/// Holds Rust files to 400 lines without their tests, and the two first documents to theirs.
pub(super) fn check(house: &House) -> Vec<Offence> {
    let mut found = Vec::new();
    for source in house.sources.iter().filter(|s| s.code_lines > RUST) {
        let what = format!("{} lines without tests, {RUST} at most", source.code_lines);
        let mend = "split it by what changes together";
        found.push(Offence::new(&source.path, RUST, what, mend));
    }
    for (path, most) in DOCUMENTS {
        found.extend(document(house, path, most));
    }
    found
}

fn document(house: &House, path: &str, most: usize) -> Option<Offence> {
    let Some(file) = house.tree.file(path) else {
        return Some(Offence::new(path, 1, "is missing", "write it"));
    };
    let lines = file.lines().count();
    let what = format!("{lines} lines, {most} at most");
    (lines > most).then(|| Offence::new(path, most, what, "move detail to docs/ and link it"))
}

#[cfg(test)]
mod tests {
    use super::super::house::tests::{check_finds, house};
    use super::*;

    #[test]
    fn a_file_of_four_hundred_lines_is_the_largest() {
        let tests = "#[cfg(test)]\nmod tests {\n\n}\n";
        let most = "\n".repeat(RUST) + tests;
        let more = "\n".repeat(RUST + 1) + tests;
        let documents = [("README.md", ""), ("ARCHITECTURE.md", "")];
        let files = [("a.rs", most.as_str()), ("b.rs", more.as_str())];
        let found = check(&house(&[&files[..], &documents[..]].concat()));
        check_finds(&found, &[("b.rs", RUST)]);
    }

    #[test]
    fn a_long_readme_and_a_missing_one_are_reported() {
        let long = "line\n".repeat(101);
        let found = check(&house(&[("README.md", &long)]));
        check_finds(&found, &[("README.md", 100), ("ARCHITECTURE.md", 1)]);
    }
}
