//! Where and when a table was made.

use std::fs;
use std::process::Command;

/// What stands above the tables.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The processor's name, and how many cores there are.
    pub processor: String,
    /// The kernel's version.
    pub kernel: String,
    /// The day, in UTC.
    pub date: String,
    /// The commit, with a mark if files differ from it.
    pub commit: String,
}

impl Machine {
    /// Asks the machine; what it does not tell is "unknown".
    pub fn this() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        // The bench has tied itself to one core, so its own share says nothing.
        let cores = processors.lines().filter(|line| line.starts_with("processor")).count();
        Self {
            processor: format!("{}, {cores} cores", model(&processors).unwrap_or_else(unknown)),
            kernel: ask("uname", &["-sr"]),
            date: ask("date", &["-u", "+%Y-%m-%d"]),
            commit: ask("git", &["describe", "--always", "--dirty"]),
        }
    }
}

fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn ask(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.ok().filter(|output| output.status.success());
    output.map_or_else(unknown, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
