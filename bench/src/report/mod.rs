//! The output of the benchmark, and the document that it writes.

mod document;
mod row;
mod section;

use std::io::{self, Write as _};

pub use document::Report;
pub use row::{Row, Target};
pub use section::Section;
pub(crate) use section::table;

/// Writes a line to the terminal.
pub fn say(line: &str) {
    // A closed terminal is no reason to stop measuring.
    drop(writeln!(io::stdout(), "{line}"));
}
