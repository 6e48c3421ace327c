//! The processor time that child processes have used.

use std::fs;
use std::time::Duration;

/// The length of a clock tick of `/proc`: Linux reports 100 ticks a second on every processor that
/// this project runs on.
const TICK: Duration = Duration::from_millis(10);
/// The fields `cutime` and `cstime` of `/proc/self/stat`, counted from the first one after the
/// name.
const USER: usize = 13;
const SYSTEM: usize = 14;

/// Returns the user and system time of all child processes that have ended, with their own
/// children; `None` on systems without `/proc`.
pub(crate) fn of_children() -> Option<Duration> {
    parse(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Parses `/proc/self/stat`. The program's name may contain spaces and brackets, so the fields are
/// counted from the last bracket.
fn parse(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<_> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u32>().ok();
    Some(TICK * ticks(USER)?.checked_add(ticks(SYSTEM)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_of_children_are_added() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 1 2 3 4 5 6 150 50 20 0 1 0 99 1 1";
        assert_eq!(parse(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse("7 (a) S 1"), None);
    }
}
