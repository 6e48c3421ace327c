//! Output of the commands: the only module that writes to the terminal.
#![allow(clippy::print_stdout, reason = "a command-line tool writes to standard output")]

/// Prints one line.
pub(crate) fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
}

/// Prints the heading of a step, set apart from the output of other tools.
pub(crate) fn heading(text: impl AsRef<str>) {
    println!("\n── {}", text.as_ref());
}
