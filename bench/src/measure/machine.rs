//! Where, when and from which commit a table was made.

use std::fs;
use std::process::Command;

use anyhow::ensure;

/// What a document says about its figures: machine, date and commit.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The processor's name, and how many cores there are.
    pub processor: String,
    /// The kernel's version.
    pub kernel: String,
    /// Load average of the minute before the benchmark; above 0.5 the figures are unreliable.
    pub load: f64,
    /// The day, in UTC.
    pub date: String,
    /// The commit, with `-dirty` appended if the working tree differs from it.
    pub commit: String,
}

impl Machine {
    /// Reads the properties; one that cannot be read is "unknown".
    pub fn this() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        // The process has pinned itself to one core, so `available_parallelism` would say 1.
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

impl Machine {
    /// Fails unless the figures come from a clean commit, so that they can be measured again.
    pub fn require_clean_commit(&self) -> anyhow::Result<()> {
        ensure!(
            !self.commit.ends_with("-dirty"),
            "--write needs a clean working tree: commit your changes first, so that the figures \
             can be reproduced from a commit"
        );
        ensure!(self.commit != unknown(), "--write needs a Git checkout, to record the commit");
        Ok(())
    }
}

/// Reads the load average of the last minute.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(commit: &str, is_clean: bool) {
        let mut machine = Machine::this();
        commit.clone_into(&mut machine.commit);
        assert_eq!(machine.require_clean_commit().is_ok(), is_clean, "{commit}");
    }

    #[test]
    fn figures_are_written_from_clean_commits_only() {
        check("0123abc", true);
        check("v1.0-3-g0123abc", true);
        check("0123abc-dirty", false);
        check("unknown", false);
    }
}
