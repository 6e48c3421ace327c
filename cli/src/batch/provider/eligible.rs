//! Reads the lines that can be sent: those that are alone in their session and for the batch's
//! provider.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use shared::domain::{ProviderName, SessionId};

use crate::batch::item::{BatchItem, RejectedLine, parse};
use crate::batch::line_reader::LineReader;

/// Reads the lines.
pub(super) struct EligibleLines {
    lines: LineReader<BufReader<File>>,
    batch: String,
    provider: ProviderName,
    /// The first line, and the second if there is one, of each specified session.
    sessions: HashMap<u128, (u64, Option<u64>)>,
}

impl EligibleLines {
    /// Opens the file, and reads it once to know which lines share a session.
    pub(super) fn open(path: &Path, batch: &str, provider: ProviderName) -> anyhow::Result<Self> {
        let mut sessions = HashMap::new();
        let mut lines = open(path)?;
        while let Some(line) = lines.next().context("the input cannot be read")? {
            let Ok(item) = parse(batch, line) else { continue };
            if item.shared {
                match sessions.entry(key(&item.session_id)) {
                    Entry::Vacant(place) => drop(place.insert((item.line, None))),
                    Entry::Occupied(mut place) => drop(place.get_mut().1.get_or_insert(item.line)),
                }
            }
        }
        Ok(Self { lines: open(path)?, batch: batch.to_owned(), provider, sessions })
    }

    /// Returns the next line, skipping those that are done; an error if it cannot be sent.
    pub(super) fn next(
        &mut self,
        is_done: impl Fn(u64) -> bool,
    ) -> anyhow::Result<Option<Result<BatchItem, RejectedLine>>> {
        while let Some(line) = self.lines.next().context("the input cannot be read")? {
            if !is_done(line.number) {
                return Ok(Some(parse(&self.batch, line).and_then(|item| self.alone(item))));
            }
        }
        Ok(None)
    }

    /// Rejects what a provider's batch cannot do.
    fn alone(&self, item: BatchItem) -> Result<BatchItem, RejectedLine> {
        if let Some(asked) = item.provider.filter(|asked| *asked != self.provider) {
            let problem = format!(
                "is {asked}, but this batch goes to {}; send such lines in a batch of their own",
                self.provider
            );
            return Err(RejectedLine::new(item.line, Some("provider"), problem));
        }
        let shared = self.sessions.get(&key(&item.session_id)).filter(|_| item.shared);
        if let Some((first, Some(second))) = shared {
            let other = if *first == item.line { second } else { first };
            let problem = format!(
                "is that of line {other} too: a line of a session needs the answers before it, \
                and a provider's batch answers all at once; send them without --provider-batch"
            );
            return Err(RejectedLine::new(item.line, Some("session_id"), problem));
        }
        Ok(item)
    }
}

/// Returns the selected lines by number.
pub(super) fn items(
    path: &Path,
    batch: &str,
    wanted: impl Fn(u64) -> bool,
) -> anyhow::Result<HashMap<u64, BatchItem>> {
    let mut lines = open(path)?;
    let mut items = HashMap::new();
    while let Some(line) = lines.next().context("the input cannot be read")? {
        if wanted(line.number)
            && let Ok(item) = parse(batch, line)
        {
            items.insert(item.line, item);
        }
    }
    Ok(items)
}

fn open(path: &Path) -> anyhow::Result<LineReader<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(LineReader::new(BufReader::with_capacity(1 << 16, file)))
}

fn key(session: &SessionId) -> u128 {
    let hash = Sha256::digest(session.as_str());
    hash.iter().take(16).fold(0_u128, |key, byte| key << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_share_a_session_or_want_somebody_else_are_rejected() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("in.jsonl");
        let text = concat!(
            "{\"message\":\"a\",\"session_id\":\"s\"}\n{\"message\":\"b\"}\n{\"message\":\"c\",\"session_id\":\"t\"}\n",
            "{\"message\":\"d\",\"session_id\":\"s\"}\n{\"message\":\"e\",\"provider\":\"openai\"}\n{\"message\":\"f\"}\n"
        );
        std::fs::write(&path, text).unwrap();
        let mut gather = EligibleLines::open(&path, "b", ProviderName::Claude).unwrap();
        let mut sent = Vec::new();
        let mut rejected = Vec::new();
        while let Some(next) = gather.next(|line| line == 6).unwrap() {
            match next {
                Ok(item) => sent.push(item.line),
                Err(reject) => rejected.push((reject.line, reject.column.unwrap())),
            }
        }
        assert_eq!(sent, [2, 3]);
        let expected = [(1, "session_id"), (4, "session_id"), (5, "provider")];
        assert_eq!(rejected, expected.map(|(line, column)| (line, column.to_owned())));
    }
}
