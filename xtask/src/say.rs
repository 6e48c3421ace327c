//! What the commands print: the only place here that writes to the terminal.
#![allow(clippy::print_stdout, reason = "a command line tool speaks on standard output")]

/// Prints one line.
pub(crate) fn line(text: impl AsRef<str>) {
    println!("{}", text.as_ref());
}

/// Prints the heading of a step, set apart from the output of the tools around it.
pub(crate) fn heading(text: impl AsRef<str>) {
    println!("\n── {}", text.as_ref());
}
