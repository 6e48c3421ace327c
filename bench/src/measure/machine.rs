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
    /// How many programs wanted a core in the minute before the bench: above 0.5, the figures are
    /// not to be trusted.
    pub load: f64,
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
            load: load(),
            date: ask("date", &["-u", "+%Y-%m-%d"]),
            commit: ask("git", &["describe", "--always", "--dirty"]),
        }
    }
}

/// Reads the load of the last minute.
fn load() -> f64 {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
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
