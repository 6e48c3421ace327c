//! The journal of a batch, next to its answers: the identity of the input, and what was sent.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::domain::ProviderName;

use super::line_reader::LineReader;
use super::parts::{BatchParts, PartEvent};
use crate::exit::usage;

const VERSION: u32 = 1;

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JournalHeader {
    v: u32,
    /// The batch's id, from which ids of sessions and messages are made.
    pub(super) batch: String,
    /// The principal that its messages are sent as.
    pub(super) principal: String,
    /// The number of non-blank lines in the input.
    pub(super) lines: u64,
    /// The path of the input.
    pub(super) input: PathBuf,
    /// The input's SHA-256, in hex.
    sha256: String,
    /// The provider, if its batch API is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provider_batch: Option<ProviderName>,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    /// These lines were queued.
    Sent(Vec<u64>),
    /// The batch was cancelled.
    Cancelled(bool),
    /// A change of a part at the provider.
    BatchPart(PartEvent),
}

/// A set of line numbers, one bit each.
#[derive(Debug, Default)]
pub(super) struct LineSet {
    bits: Vec<u64>,
    len: u64,
}

impl LineSet {
    /// Adds a number; returns whether it is new.
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

    /// Returns whether the set contains a number.
    pub(super) fn contains(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    fn place(number: u64) -> (usize, u64) {
        (usize::try_from(number / 64).unwrap_or(usize::MAX - 1), 1 << (number % 64))
    }
}

/// The journal of a batch, locked by one process at a time.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    pub(super) header: JournalHeader,
    /// The lines that were already sent.
    pub(super) sent: LineSet,
    /// The parts at the provider.
    pub(super) parts: BatchParts,
    pub(super) cancelled: bool,
}

impl Journal {
    /// Returns the path of the journal that belongs to a file of answers.
    pub(super) fn path(out: &Path) -> PathBuf {
        beside(out, "journal")
    }

    /// Creates the journal of a new batch; it is on disk before anything is sent.
    pub(super) fn begin(
        out: &Path,
        batch: &str,
        principal: &str,
        input: InputFile,
        provider_batch: Option<ProviderName>,
    ) -> anyhow::Result<Self> {
        let path = Self::path(out);
        let InputFile { path: input, lines, sha256 } = input;
        let batch = batch.to_owned();
        let principal = principal.to_owned();
        let header =
            JournalHeader { v: VERSION, batch, principal, lines, input, sha256, provider_batch };
        let failed = || format!("{} cannot be written", path.display());
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .open(&path)
            .with_context(failed)?;
        lock(&file, &path)?;
        let sent = LineSet::default();
        let parts = BatchParts::default();
        let mut journal = Self { path: path.clone(), file, header, sent, parts, cancelled: false };
        let text = serde_json::to_string(&journal.header)?;
        journal.write(&text).and_then(|()| journal.file.sync_all()).with_context(failed)?;
        sync_directory(&path);
        Ok(journal)
    }

    /// Opens the journal of an existing batch; `None` if there is none.
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

    /// Reads a journal that another process may have locked.
    pub(super) fn look(out: &Path) -> anyhow::Result<Self> {
        let path = Self::path(out);
        let file = File::open(&path).map_err(|error| {
            usage(format!(
                "{} is not a batch: {} cannot be opened ({error})",
                out.display(),
                path.display()
            ))
        })?;
        let name = path.display().to_string();
        Self::read(path, file)?
            .ok_or_else(|| usage(format!("{name} is empty: the batch was never started")))
    }

    /// Returns whether a process is running the batch.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.file.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Reads it; a journal that was interrupted within its first line is empty, and not a batch.
    fn read(path: PathBuf, file: File) -> anyhow::Result<Option<Self>> {
        let mut reader = BufReader::new(&file);
        let mut text = String::new();
        let mut whole = 0_u64;
        let mut header = None;
        let mut sent = LineSet::default();
        let mut parts = BatchParts::default();
        let mut cancelled = false;
        let damaged = || format!("{} is damaged", path.display());
        while reader.read_line(&mut text).with_context(damaged)? > 0 && text.ends_with('\n') {
            whole += text.len() as u64;
            if header.is_none() {
                let read: JournalHeader = serde_json::from_str(&text).with_context(damaged)?;
                if read.v != VERSION {
                    bail!(
                        "{} has version {}, but this program supports {VERSION}",
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
                    Record::BatchPart(step) => parts.note(step),
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

    /// Checks that the input has not changed since the batch started.
    pub(super) fn check(&self, file: &Path, input: &InputFile) -> anyhow::Result<()> {
        if self.header.sha256 == input.sha256 {
            return Ok(());
        }
        Err(usage(format!(
            "{} was changed since its batch started: lines are identified by number, so it cannot \
            go on; put the file back as it was, or begin a new batch with another --out",
            file.display()
        )))
    }

    /// Records that lines were queued.
    pub(super) fn note_sent(&mut self, lines: Vec<u64>) -> anyhow::Result<()> {
        self.record(&Record::Sent(lines))
    }

    /// Records a change of a part; it is on disk before anything else happens.
    pub(super) fn note_part(&mut self, step: PartEvent) -> anyhow::Result<()> {
        let record = Record::BatchPart(step);
        self.record(&record)?;
        self.sync()?;
        if let Record::BatchPart(step) = record {
            self.parts.note(step);
        }
        Ok(())
    }

    /// Records that the batch was cancelled.
    pub(super) fn note_cancelled(&mut self) -> anyhow::Result<()> {
        self.cancelled = true;
        self.record(&Record::Cancelled(true))?;
        self.sync()
    }

    /// Syncs the journal to disk.
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

/// The identity of a file of messages.
#[derive(Debug, Clone)]
pub(super) struct InputFile {
    /// Its path.
    path: PathBuf,
    /// The number of non-blank lines.
    pub(super) lines: u64,
    sha256: String,
}

impl InputFile {
    /// Reads a file once, in bounded memory.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let open = || -> anyhow::Result<File> {
            let file = File::open(path)
                .map_err(|error| usage(format!("{} cannot be read: {error}", path.display())))?;
            if !file.metadata()?.is_file() {
                return Err(usage(format!(
                    "{} is not a file: a batch reads its input more than once",
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
        let mut lines = LineReader::new(BufReader::with_capacity(1 << 16, open()?));
        let mut count = 0;
        while lines.next()?.is_some() {
            count += 1;
        }
        let sha256 = crate::output::hex(&hash.finalize());
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, lines: count, sha256 })
    }
}

/// Appends an extension to a file's name.
pub(super) fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}

fn lock(file: &File, path: &Path) -> anyhow::Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(usage(format!("another yogi is running this batch: {} is locked", path.display())))
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// Syncs a new file's directory entry to disk, where the system supports it.
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

    fn input() -> InputFile {
        InputFile { path: PathBuf::from("in"), lines: 3, sha256: "abc".to_owned() }
    }

    #[test]
    fn numbers_are_kept_a_bit_each() {
        let mut numbers = LineSet::default();
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
            journal
                .check(Path::new("in"), &InputFile { sha256: "x".to_owned(), ..input() })
                .is_err()
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
