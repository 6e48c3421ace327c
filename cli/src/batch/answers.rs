//! The file of answers: appended to line by line, and truncated after a crash in the middle of a
//! line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;
use shared::domain::{
    ContextUse, DocumentId, FinishReason, MicroUsd, ProviderName, SessionKey, Timestamp, TurnKind,
    TurnNumber, Usage,
};
use shared::operator::TurnView;
use shared::protocol::{Timings, TurnError};

use super::item::BatchItem;
use super::journal::LineSet;
use super::summary::{BatchSummary, CountedAnswer};
use crate::exit::usage;

/// A line of the file.
#[derive(Debug, Serialize)]
pub(super) struct AnswerLine<'a> {
    line: u64,
    session_id: &'a str,
    message_id: &'a str,
    session_key: &'a SessionKey,
    turn: TurnNumber,
    message: &'a str,
    kind: Option<TurnKind>,
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a TurnError>,
    finish_reason: Option<FinishReason>,
    provider: Option<ProviderName>,
    model: Option<&'a str>,
    document_id: Option<&'a str>,
    context: Option<ContextUse>,
    usage: Usage,
    cost_micro_usd: Option<MicroUsd>,
    timings: Timings,
    generations: u64,
    accepted_at: Timestamp,
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
    /// Whether it comes from a provider's batch API; then it is not a turn of the chatbot.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_batch: Option<bool>,
}

impl<'a> AnswerLine<'a> {
    /// Combines a line's message with its turn.
    pub(super) fn new(
        item: &'a BatchItem,
        session_key: &'a SessionKey,
        turn: &'a TurnView,
    ) -> Self {
        Self {
            line: item.line,
            session_id: item.session_id.as_str(),
            message_id: item.message_id.as_str(),
            session_key,
            turn: turn.turn,
            message: item.message.as_str(),
            kind: turn.kind,
            text: turn.text.as_deref(),
            error: turn.error.as_ref(),
            finish_reason: turn.finish_reason,
            provider: turn.provider,
            model: turn.model.as_deref(),
            document_id: item.document_id.as_ref().map(DocumentId::as_str),
            context: turn.context,
            usage: turn.usage.unwrap_or_default(),
            cost_micro_usd: turn.cost_micro_usd,
            timings: turn.timings,
            generations: turn.generations,
            accepted_at: turn.accepted_at,
            finished_at: turn.finished_at,
            metadata: item.metadata.as_ref(),
            provider_batch: None,
        }
    }

    /// Marks it as an answer from a provider's batch API.
    pub(super) fn marked_as_provider_batch(self) -> Self {
        Self { provider_batch: Some(true), ..self }
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct AnswersFile {
    path: PathBuf,
    file: File,
    size: u64,
    /// The lines that are answered.
    pub(super) done: LineSet,
}

impl AnswersFile {
    /// Creates the file of a new batch; an existing file is left alone.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file =
            file.map_err(|error| usage(format!("{} cannot be created: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), file, size: 0, done: LineSet::default() })
    }

    /// Opens the file of a batch that continues: counts its answers, and removes an incomplete last
    /// line.
    pub(super) fn open(path: &Path, summary: &mut BatchSummary) -> anyhow::Result<Self> {
        let failed = || format!("{} cannot be opened", path.display());
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.with_context(failed)?;
        let (done, size) = scan(path, &file, summary)?;
        file.set_len(size).with_context(failed)?;
        let mut file = file;
        file.seek(SeekFrom::Start(size)).with_context(failed)?;
        Ok(Self { path: path.to_owned(), file, size, done })
    }

    /// Counts the answers in a file without changing it.
    pub(super) fn read(path: &Path, summary: &mut BatchSummary) -> anyhow::Result<LineSet> {
        match File::open(path) {
            Ok(file) => Ok(scan(path, &file, summary)?.0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(LineSet::default()),
            Err(error) => {
                Err(error).with_context(|| format!("{} cannot be opened", path.display()))
            }
        }
    }

    /// Appends an answer. If that fails, for example on a full disk, the file stays as it was.
    pub(super) fn append(&mut self, answer: &AnswerLine<'_>) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            drop(self.file.set_len(self.size));
            return Err(error)
                .with_context(|| format!("{} cannot be written", self.path.display()));
        }
        self.size += line.len() as u64;
        self.done.insert(answer.line);
        Ok(())
    }

    /// Syncs the file to disk.
    pub(super) fn sync(&self) -> anyhow::Result<()> {
        self.file.sync_data().with_context(|| format!("{} cannot be written", self.path.display()))
    }
}

/// Returns the answered lines, and where the last complete line ends.
fn scan(path: &Path, file: &File, summary: &mut BatchSummary) -> anyhow::Result<(LineSet, u64)> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut done = LineSet::default();
    let mut size = 0;
    let mut number = 0;
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 && bytes.ends_with(b"\n") {
        number += 1;
        let counted: CountedAnswer = serde_json::from_slice(&bytes).map_err(|error| {
            usage(format!(
                "{} line {number} is not an answer of a batch ({error}): was the file edited?",
                path.display()
            ))
        })?;
        if done.insert(counted.line) {
            summary.count(&counted);
        }
        size += bytes.len() as u64;
        bytes.clear();
    }
    Ok((done, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_rest_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.jsonl");
        let whole = "{\"line\":3,\"kind\":\"reply\",\"usage\":{\"output_tokens\":5},\"cost_micro_usd\":7}\n";
        std::fs::write(&path, format!("{whole}{{\"line\":4,\"ki")).unwrap();
        let mut summary = BatchSummary::default();
        let answers = AnswersFile::open(&path, &mut summary).unwrap();
        assert!(answers.done.contains(3) && !answers.done.contains(4));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = AnswersFile::open(&path, &mut summary).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
