//! The messages of a batch in the order in which they may go: those of one session one after the
//! other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use shared::domain::SessionId;

use super::item::{Item, Reject, parse};
use super::journal::Numbers;
use super::lines::Lines;

/// How many messages are held that wait for an earlier one of their session, and how much text in
/// them.
const MOST_HELD: usize = 1_000;
const MOST_HELD_BYTES: usize = 16 << 20;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A message that may go now.
    Item(Box<Item>),
    /// A line that is not sent.
    Reject(Reject),
    /// All that is known waits for an earlier message of its session.
    Wait,
    /// Nothing more comes.
    End,
}

/// Reads a batch.
#[derive(Debug)]
pub(super) struct Feed {
    lines: Lines<BufReader<File>>,
    batch: String,
    ended: bool,
    ready: VecDeque<Item>,
    held: HashMap<SessionId, VecDeque<Item>>,
    held_items: usize,
    held_bytes: usize,
    /// The sessions with a message on its way.
    busy: HashSet<SessionId>,
    /// The lines of the ids that lines named, by hash.
    ids: HashMap<u128, u64>,
}

impl Feed {
    /// Opens the file.
    pub(super) fn open(path: &Path, batch: &str) -> anyhow::Result<Self> {
        let file =
            File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self {
            lines: Lines::new(BufReader::with_capacity(1 << 16, file)),
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

    /// Returns what comes next; lines that are done are passed over.
    pub(super) fn next(&mut self, done: &Numbers) -> anyhow::Result<Next> {
        if let Some(item) = self.ready.pop_front() {
            return Ok(Next::Item(Box::new(item)));
        }
        while !self.ended && self.held_items < MOST_HELD && self.held_bytes < MOST_HELD_BYTES {
            let Some(line) = self.lines.next().context("the input cannot be read")? else {
                self.ended = true;
                break;
            };
            let item = match parse(&self.batch, line).and_then(|item| self.known_id(item)) {
                Ok(item) => item,
                Err(reject) => return Ok(Next::Reject(reject)),
            };
            if done.contains(item.line) {
                continue;
            }
            if !item.shared {
                return Ok(Next::Item(Box::new(item)));
            }
            if self.busy.insert(item.session_id.clone()) {
                return Ok(Next::Item(Box::new(item)));
            }
            self.held_items += 1;
            self.held_bytes += size(&item);
            self.held.entry(item.session_id.clone()).or_default().push_back(item);
        }
        Ok(if self.ended && self.held_items == 0 { Next::End } else { Next::Wait })
    }

    /// Puts back a message that was not sent after all.
    pub(super) fn put_back(&mut self, item: Item) {
        self.ready.push_front(item);
    }

    /// Lets the next message of a session go: the one before it is done.
    pub(super) fn finished(&mut self, item: &Item) {
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

    /// Refuses an id that an earlier line of the same session has: it would get that one's answer.
    fn known_id(&mut self, item: Item) -> Result<Item, Reject> {
        if !item.named {
            return Ok(item);
        }
        let hash = Sha256::digest(format!("{}\n{}", item.session_id, item.message_id));
        let key = hash.iter().take(16).fold(0_u128, |key, byte| key << 8 | u128::from(*byte));
        match self.ids.insert(key, item.line) {
            None => Ok(item),
            Some(first) => {
                self.ids.insert(key, first);
                let problem =
                    format!("{} is the id of line {first} of the same session", item.message_id);
                Err(Reject::new(item.line, Some("message_id"), problem))
            }
        }
    }
}

fn size(item: &Item) -> usize {
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
        match feed.next(&Numbers::default()).unwrap() {
            Next::Item(item) => item.line.to_string(),
            Next::Reject(reject) => format!("reject {}", reject.line),
            Next::Wait => "wait".to_owned(),
            Next::End => "end".to_owned(),
        }
    }

    #[test]
    fn messages_of_one_session_go_one_after_the_other_and_hold_up_nobody() {
        let (_directory, mut feed) = feed(concat!(
            "{\"message\":\"a\",\"session_id\":\"s\"}\n{\"message\":\"b\",\"session_id\":\"s\"}\n",
            "{\"message\":\"c\"}\n{\"message\":\"d\",\"session_id\":\"s\"}\n"
        ));
        let Next::Item(first) = feed.next(&Numbers::default()).unwrap() else { panic!() };
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
