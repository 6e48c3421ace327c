//! The file of rejected lines. Each run writes it from scratch, because each run reads the whole
//! input.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::item::RejectedLine;
use crate::output::{Progress, clean, note};

/// How many are printed on the terminal.
const MAX_PRINTED: u64 = 10;

/// The file of rejected lines.
#[derive(Debug)]
pub(super) struct RejectsFile {
    path: PathBuf,
    file: Option<File>,
    pub(super) count: u64,
}

impl RejectsFile {
    /// Creates the file with the first rejected line; the file of an earlier run is removed.
    pub(super) fn new(path: PathBuf) -> Self {
        drop(std::fs::remove_file(&path));
        Self { path, file: None, count: 0 }
    }

    /// Adds a line.
    pub(super) fn add(&mut self, reject: &RejectedLine, progress: &Progress) -> anyhow::Result<()> {
        let failed = || format!("{} cannot be written", self.path.display());
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::create(&self.path).with_context(failed)?),
        };
        let mut line = serde_json::to_vec(reject)?;
        line.push(b'\n');
        file.write_all(&line).with_context(failed)?;
        self.count += 1;
        if self.count <= MAX_PRINTED {
            let column = reject
                .column
                .as_ref()
                .map(|column| format!(" {}", clean(column)))
                .unwrap_or_default();
            progress.aside(|| {
                note(&format!("line {}:{column} {}", reject.line, clean(&reject.problem)));
            });
        }
        Ok(())
    }

    /// Prints where the rejected lines are listed.
    pub(super) fn tell(&self) {
        if self.count > 0 {
            let lines = if self.count == 1 { "line was" } else { "lines were" };
            note(&format!(
                "{} {lines} rejected; see {} for line numbers and reasons",
                self.count,
                self.path.display()
            ));
        }
    }
}
