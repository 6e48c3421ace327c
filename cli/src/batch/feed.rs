//! Reads the messages of a batch in the order in which they may be sent: those of one session one
//! after the other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use shared::domain::SessionId;

use super::item::{BatchItem, RejectedLine, parse};
use super::journal::LineSet;
use super::line_reader::LineReader;

/// How many messages, and how much text, are held back until an earlier message of their session is
/// done.
const MOST_HELD: usize = 1_000;
const MOST_HELD_BYTES: usize = 16 << 20;

/// The next thing to do.
#[derive(Debug)]
pub(super) enum NextLine {
    /// A message that may be sent now.
    Item(Box<BatchItem>),
    /// A line that is not sent.
    Reject(RejectedLine),
    /// All known messages wait for an earlier message of their session.
    Wait,
    /// The input is finished.
    End,
}

/// Reads a batch.
#[derive(Debug)]
pub(super) struct Feed {
    lines: LineReader<BufReader<File>>,
    batch: String,
    ended: bool,
    ready: VecDeque<BatchItem>,
    held: HashMap<SessionId, VecDeque<BatchItem>>,
    held_items: usize,
    held_bytes: usize,
    /// The sessions with a message in flight.
    busy: HashSet<SessionId>,
    /// The lines of the specified message IDs, by hash.
    ids: HashMap<u128, u64>,
}

impl Feed {
    /// Opens the file.
    pub(super) fn open(path: &Path, batch: &str) -> anyhow::Result<Self> {
        let file =
            File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self {
            lines: LineReader::new(BufReader::with_capacity(1 << 16, file)),
            batch: batch.to_owned(),
            ended: false,
            ready: VecDeque::new(),
            held: HashMap::new(),
            held_items: 0,
            held_bytes: 0,
            busy: HashSet::new(),
            ids: HashMap::new(),
        })
    }

    /// Returns what comes next, skipping lines that are done.
    pub(super) fn next(&mut self, done: &LineSet) -> anyhow::Result<NextLine> {
        if let Some(item) = self.ready.pop_front() {
            return Ok(NextLine::Item(Box::new(item)));
        }
        while !self.ended && self.held_items < MOST_HELD && self.held_bytes < MOST_HELD_BYTES {
            let Some(line) = self.lines.next().context("the input cannot be read")? else {
                self.ended = true;
                break;
            };
            let item = match parse(&self.batch, line).and_then(|item| self.known_id(item)) {
                Ok(item) => item,
                Err(reject) => return Ok(NextLine::Reject(reject)),
            };
            if done.contains(item.line) {
                continue;
            }
            if !item.shared {
                return Ok(NextLine::Item(Box::new(item)));
            }
            if self.busy.insert(item.session_id.clone()) {
                return Ok(NextLine::Item(Box::new(item)));
            }
            self.held_items += 1;
            self.held_bytes += size(&item);
            self.held.entry(item.session_id.clone()).or_default().push_back(item);
        }
        Ok(if self.ended && self.held_items == 0 { NextLine::End } else { NextLine::Wait })
    }

    /// Returns a message that was not sent after all.
    pub(super) fn put_back(&mut self, item: BatchItem) {
        self.ready.push_front(item);
    }

    /// Releases the next message of a session, since the one before it is done.
    pub(super) fn finished(&mut self, item: &BatchItem) {
        if !item.shared {
            return;
        }
        let next = self.held.get_mut(&item.session_id).and_then(VecDeque::pop_front);
        if let Some(next) = next {
            self.held_items -= 1;
            self.held_bytes = self.held_bytes.saturating_sub(size(&next));
            self.ready.push_back(next);
        } else {
            self.held.remove(&item.session_id);
            self.busy.remove(&item.session_id);
        }
    }

    /// Rejects an ID that an earlier line of the same session has: it would get that line's answer.
    fn known_id(&mut self, item: BatchItem) -> Result<BatchItem, RejectedLine> {
        if !item.named {
            return Ok(item);
        }
        let hash = Sha256::digest(format!("{}\n{}", item.session_id, item.message_id));
        let key = hash.iter().take(16).fold(0_u128, |key, byte| key << 8 | u128::from(*byte));
        match self.ids.insert(key, item.line) {
            None => Ok(item),
            Some(first) => {
                self.ids.insert(key, first);
                let problem = format!(
                    "{} is also the message ID of line {first} of the same session",
                    item.message_id
                );
                Err(RejectedLine::new(item.line, Some("message_id"), problem))
            }
        }
    }
}

fn size(item: &BatchItem) -> usize {
    item.message.as_str().len()
        + item.metadata.as_ref().map_or(0, |metadata| metadata.to_string().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(text: &str) -> (tempfile::TempDir, Feed) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("in.jsonl");
        std::fs::write(&path, text).unwrap();
        let feed = Feed::open(&path, "b").unwrap();
        (directory, feed)
    }

    fn next(feed: &mut Feed) -> String {
        match feed.next(&LineSet::default()).unwrap() {
            NextLine::Item(item) => item.line.to_string(),
            NextLine::Reject(reject) => format!("reject {}", reject.line),
            NextLine::Wait => "wait".to_owned(),
            NextLine::End => "end".to_owned(),
        }
    }

    #[test]
    fn messages_of_one_session_go_one_after_the_other_and_hold_up_nobody() {
        let (_directory, mut feed) = feed(concat!(
            "{\"message\":\"a\",\"session_id\":\"s\"}\n{\"message\":\"b\",\"session_id\":\"s\"}\n",
            "{\"message\":\"c\"}\n{\"message\":\"d\",\"session_id\":\"s\"}\n"
        ));
        let NextLine::Item(first) = feed.next(&LineSet::default()).unwrap() else { panic!() };
        assert_eq!([next(&mut feed), next(&mut feed)], ["3", "wait"]);
        feed.finished(&first);
        assert_eq!([next(&mut feed), next(&mut feed)], ["2", "wait"]);
        feed.finished(&first);
        feed.finished(&first);
        assert_eq!([next(&mut feed), next(&mut feed)], ["4", "end"]);
    }

    #[test]
    fn an_id_that_is_used_twice_in_a_session_is_rejected_once() {
        let line = "{\"message\":\"a\",\"session_id\":\"s\",\"message_id\":\"m\"}\n";
        let other = "{\"message\":\"a\",\"session_id\":\"t\",\"message_id\":\"m\"}\n";
        let (_directory, mut feed) = feed(&format!("{line}{line}{other}"));
        assert_eq!([next(&mut feed), next(&mut feed), next(&mut feed)], ["1", "reject 2", "3"]);
    }
}
