//! What the kernel counts for a process.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Linux reports times to programs in hundredths of a second, whatever its own tick is.
const TICK: Duration = Duration::from_millis(10);

/// A process of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Returns the time that it has spent on a core, in user and kernel mode, threads that ended
    /// included.
    pub fn cpu(self) -> anyhow::Result<Duration> {
        self.times(11)
    }

    /// Returns the same to the nanosecond, of the threads that are there.
    pub fn cpu_of_threads(self) -> anyhow::Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let nanoseconds = text.split(' ').next().context("an unknown form of schedstat")?;
            sum += Duration::from_nanos(nanoseconds.parse()?);
        }
        Ok(sum)
    }

    /// Returns the same of its children that ended and were waited for.
    pub fn children_cpu(self) -> anyhow::Result<Duration> {
        self.times(13)
    }

    /// Returns the bytes that are resident in memory.
    pub fn resident(self) -> anyhow::Result<u64> {
        let line = self.status("VmRSS:")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    /// Returns how often its threads were taken off a core: because they waited, and because others
    /// came.
    pub fn switches(self) -> anyhow::Result<(u64, u64)> {
        let mut switches = (0, 0);
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let text = fs::read_to_string(thread?.path().join("status"))?;
            switches.0 += field(&text, "voluntary_ctxt_switches:")
                .context("no switches")?
                .trim()
                .parse::<u64>()?;
            switches.1 += field(&text, "nonvoluntary_ctxt_switches:")
                .context("no switches")?
                .trim()
                .parse::<u64>()?;
        }
        Ok(switches)
    }

    fn times(self, first: usize) -> anyhow::Result<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let ticks = ticks(&text, first).context("an unknown form of stat")?;
        Ok(TICK * u32::try_from(ticks)?)
    }

    fn status(self, name: &str) -> anyhow::Result<String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        field(&text, name).map(str::to_owned).with_context(|| format!("no {name}"))
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

/// Adds two neighbouring fields of `stat`, counted from the one after the name, which may hold
/// anything.
fn ticks(stat: &str, first: usize) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let numbers = fields.split(' ').skip(first).take(2);
    numbers.map(|number| number.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_an_odd_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 170 0 0 0 25 17 3 4 20 0 1 0";
        assert_eq!(ticks(stat, 11), Some(42));
        assert_eq!(ticks(stat, 13), Some(7));
        assert_eq!(ticks("7 (a) S 1", 11).unwrap_or(0), 0);
    }

    #[test]
    fn the_own_process_can_be_read() {
        let own = Process(std::process::id());
        assert!(own.resident().unwrap() > 100_000);
        assert!(own.cpu().is_ok() && own.switches().is_ok());
    }
}
