//! What is kept of a batch beside its answers: which file it is of, and what was sent.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::domain::ProviderName;

use super::lines::Lines;
use super::provider::{Parts, Step};
use crate::exit::usage;

const VERSION: u32 = 1;

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    v: u32,
    /// The batch's id, from which ids of sessions and messages are made.
    pub(super) batch: String,
    /// Whom its messages are sent as.
    pub(super) principal: String,
    /// How many lines its input has that are not blank.
    pub(super) lines: u64,
    /// Where the input was.
    pub(super) input: PathBuf,
    /// The input's SHA-256, in hex.
    sha256: String,
    /// The provider, where its lines go to the provider's own batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provider_batch: Option<ProviderName>,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    /// These lines are on the queue.
    Sent(Vec<u64>),
    /// The batch was cancelled.
    Cancelled(bool),
    /// What happened to a part at a provider.
    Part(Step),
}

/// A set of line numbers, a bit each.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    bits: Vec<u64>,
    len: u64,
}

impl Numbers {
    /// Adds a number; tells whether it is new.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.len += u64::from(is_new);
        is_new
    }

    /// Tells whether a number is there.
    pub(super) fn contains(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Counts them.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    fn place(number: u64) -> (usize, u64) {
        (usize::try_from(number / 64).unwrap_or(usize::MAX - 1), 1 << (number % 64))
    }
}

/// The journal of one batch; held by one process at a time.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    pub(super) header: Header,
    /// The lines that were sent before.
    pub(super) sent: Numbers,
    /// What is known of its parts at a provider.
    pub(super) parts: Parts,
    pub(super) cancelled: bool,
}

impl Journal {
    /// Returns where the journal of a file of answers is.
    pub(super) fn path(out: &Path) -> PathBuf {
        beside(out, "journal")
    }

    /// Begins the journal of a new batch; it is on disk before anything is sent.
    pub(super) fn begin(
        out: &Path,
        batch: &str,
        principal: &str,
        input: Input,
        provider_batch: Option<ProviderName>,
    ) -> anyhow::Result<Self> {
        let path = Self::path(out);
        let Input { path: input, lines, sha256 } = input;
        let batch = batch.to_owned();
        let principal = principal.to_owned();
        let header = Header { v: VERSION, batch, principal, lines, input, sha256, provider_batch };
        let failed = || format!("{} cannot be written", path.display());
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(&path)
            .with_context(failed)?;
        lock(&file, &path)?;
        let sent = Numbers::default();
        let parts = Parts::default();
        let mut journal = Self { path: path.clone(), file, header, sent, parts, cancelled: false };
        let text = serde_json::to_string(&journal.header)?;
        journal.write(&text).and_then(|()| journal.file.sync_all()).with_context(failed)?;
        sync_directory(&path);
        Ok(journal)
    }

    /// Opens the journal of a batch that was begun; none is there where it was not.
    pub(super) fn open(out: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(out);
        let file = match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be opened", path.display()));
            }
        };
        lock(&file, &path)?;
        let mut journal = Self::read(path, file)?;
        if let Some(journal) = &mut journal {
            journal.file.seek(SeekFrom::End(0))?;
        }
        Ok(journal)
    }

    /// Reads a journal that another process may hold.
    pub(super) fn look(out: &Path) -> anyhow::Result<Self> {
        let path = Self::path(out);
        let file = File::open(&path).map_err(|error| {
            usage(format!(
                "{} is no batch: {} cannot be opened ({error})",
                out.display(),
                path.display()
            ))
        })?;
        let name = path.display().to_string();
        Self::read(path, file)?
            .ok_or_else(|| usage(format!("{name} is empty: the batch was never begun")))
    }

    /// Tells whether a process works on the batch.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.file.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Reads it; one that was cut off before its first line ended is empty, and no batch.
    fn read(path: PathBuf, file: File) -> anyhow::Result<Option<Self>> {
        let mut reader = BufReader::new(&file);
        let mut text = String::new();
        let mut whole = 0_u64;
        let mut header = None;
        let mut sent = Numbers::default();
        let mut parts = Parts::default();
        let mut cancelled = false;
        let damaged = || format!("{} is damaged", path.display());
        while reader.read_line(&mut text).with_context(damaged)? > 0 && text.ends_with('\n') {
            whole += text.len() as u64;
            if header.is_none() {
                let read: Header = serde_json::from_str(&text).with_context(damaged)?;
                if read.v != VERSION {
                    bail!(
                        "{} is of version {}: this program knows {VERSION}",
                        path.display(),
                        read.v
                    );
                }
                header = Some(read);
            } else {
                match serde_json::from_str(&text).with_context(damaged)? {
                    Record::Sent(lines) => lines.into_iter().for_each(|line| {
                        sent.insert(line);
                    }),
                    Record::Cancelled(on) => cancelled = on,
                    Record::Part(step) => parts.note(step),
                }
            }
            text.clear();
        }
        drop(reader);
        if file.metadata()?.len() > whole {
            // A torn last line; only its writer may cut it off, others leave it.
            drop(file.set_len(whole));
        }
        let Some(header) = header else { return Ok(None) };
        Ok(Some(Self { path, file, header, sent, parts, cancelled }))
    }

    /// Holds the input to what it was when the batch began.
    pub(super) fn check(&self, file: &Path, input: &Input) -> anyhow::Result<()> {
        if self.header.sha256 == input.sha256 {
            return Ok(());
        }
        Err(usage(format!(
            "{} was changed since its batch began: lines are known by their numbers, so it cannot \
            go on; put the file back as it was, or begin a new batch with another --out",
            file.display()
        )))
    }

    /// Notes that lines are on the queue.
    pub(super) fn note_sent(&mut self, lines: Vec<u64>) -> anyhow::Result<()> {
        self.record(&Record::Sent(lines))
    }

    /// Notes what happened to a part at a provider; it is on disk before anything else happens.
    pub(super) fn note_part(&mut self, step: Step) -> anyhow::Result<()> {
        let record = Record::Part(step);
        self.record(&record)?;
        self.sync()?;
        if let Record::Part(step) = record {
            self.parts.note(step);
        }
        Ok(())
    }

    /// Notes that the batch was cancelled.
    pub(super) fn note_cancelled(&mut self) -> anyhow::Result<()> {
        self.cancelled = true;
        self.record(&Record::Cancelled(true))?;
        self.sync()
    }

    /// Puts what was noted on the disk.
    pub(super) fn sync(&self) -> anyhow::Result<()> {
        self.file.sync_data().with_context(|| format!("{} cannot be written", self.path.display()))
    }

    fn record(&mut self, record: &Record) -> anyhow::Result<()> {
        let text = serde_json::to_string(record)?;
        self.write(&text).with_context(|| format!("{} cannot be written", self.path.display()))
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(format!("{text}\n").as_bytes())
    }
}

/// What a file of messages is known by.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// Where it is.
    path: PathBuf,
    /// How many lines are not blank.
    pub(super) lines: u64,
    sha256: String,
}

impl Input {
    /// Reads a file once, in bounded memory.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let open = || -> anyhow::Result<File> {
            let file = File::open(path)
                .map_err(|error| usage(format!("{} cannot be read: {error}", path.display())))?;
            if !file.metadata()?.is_file() {
                return Err(usage(format!(
                    "{} is no file: a batch reads its input more than once",
                    path.display()
                )));
            }
            Ok(file)
        };
        let mut file = open()?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file
                .read(&mut buffer)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
        }
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, open()?));
        let mut count = 0;
        while lines.next()?.is_some() {
            count += 1;
        }
        let sha256 = crate::output::hex(&hash.finalize());
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, lines: count, sha256 })
    }
}

/// Returns a file's name with another ending behind it.
pub(super) fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

fn lock(file: &File, path: &Path) -> anyhow::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(usage(format!("another yogi works on this batch: it holds {}", path.display())))
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// Puts a new file's name on the disk, where the system can.
fn sync_directory(path: &Path) {
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(directory) = File::open(directory) {
        drop(directory.sync_all());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Input {
        Input { path: PathBuf::from("in"), lines: 3, sha256: "abc".to_owned() }
    }

    #[test]
    fn numbers_are_kept_a_bit_each() {
        let mut numbers = Numbers::default();
        assert!(numbers.insert(1) && numbers.insert(1_000_000) && !numbers.insert(1));
        assert!(numbers.contains(1_000_000) && !numbers.contains(2) && !numbers.contains(u64::MAX));
        assert_eq!(numbers.len(), 2);
    }

    #[test]
    fn a_journal_goes_on_where_it_was_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out.jsonl");
        let mut journal = Journal::begin(&out, "b1", "op:a", input(), None).unwrap();
        journal.note_sent(vec![1, 2]).unwrap();
        drop(journal);
        let mut file = OpenOptions::new().append(true).open(Journal::path(&out)).unwrap();
        file.write_all(b"{\"sent\":[3").unwrap();
        drop(file);
        let mut journal = Journal::open(&out).unwrap().unwrap();
        assert!(journal.sent.contains(2) && !journal.sent.contains(3));
        journal.note_sent(vec![4]).unwrap();
        drop(journal);
        let journal = Journal::open(&out).unwrap().unwrap();
        assert!(journal.sent.contains(4));
        assert!(Journal::open(&out).unwrap_err().to_string().contains("another yogi"));
        assert!(
            journal.check(Path::new("in"), &Input { sha256: "x".to_owned(), ..input() }).is_err()
        );
    }

    #[test]
    fn a_journal_that_never_began_is_no_batch() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out.jsonl");
        assert!(Journal::open(&out).unwrap().is_none());
        std::fs::write(Journal::path(&out), "{\"v\":1,\"ba").unwrap();
        assert!(Journal::open(&out).unwrap().is_none());
    }
}
