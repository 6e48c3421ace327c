//! The requests in a file next to the answers, split into parts that the provider accepts. The file
//! is removed once they are sent.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::batch::journal::beside;
use crate::batch::parts::add;

/// The maximum size of a request beyond its body.
const FRAME: usize = 256;

/// The limits of a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

/// A part to be created.
#[derive(Debug, Default)]
pub(super) struct PlannedPart {
    pub(super) number: u32,
    pub(super) lines: Vec<(u64, u64)>,
    pub(super) count: usize,
    /// Its maximum cost.
    pub(super) most: i64,
    from: u64,
    len: usize,
}

/// The file.
pub(super) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    limits: Limits,
    next: u32,
    pub(super) parts: Vec<PlannedPart>,
}

impl Spool {
    /// Creates the file, readable by its owner only: it contains messages and documents.
    pub(super) fn create(out: &Path, next: u32, limits: Limits) -> anyhow::Result<Self> {
        let path = Self::clear(out);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file =
            options.open(&path).with_context(|| format!("{} cannot be created", path.display()))?;
        Ok(Self {
            path,
            file: BufWriter::with_capacity(1 << 16, file),
            limits,
            next,
            parts: Vec::new(),
        })
    }

    /// Removes the file of a run that was killed.
    pub(super) fn clear(out: &Path) -> PathBuf {
        let path = beside(out, "requests");
        drop(std::fs::remove_file(&path));
        path
    }

    /// Returns the number of the part that the next request belongs to, given the size of its body.
    pub(super) fn part(&mut self, body: usize) -> u32 {
        let limits = self.limits;
        let fits = |part: &&PlannedPart| {
            part.count < limits.requests && part.len + body + FRAME <= limits.bytes
        };
        if let Some(part) = self.parts.last().filter(fits) {
            return part.number;
        }
        let from = self.parts.last().map_or(0, |part| part.from + part.len as u64);
        let number = self.next;
        self.next += 1;
        self.parts.push(PlannedPart { number, from, ..PlannedPart::default() });
        number
    }

    /// Adds a request to the last part.
    pub(super) fn add(&mut self, line: u64, request: &str, most: i64) -> anyhow::Result<()> {
        let Some(part) = self.parts.last_mut() else { return Ok(()) };
        let written =
            self.file.write_all(request.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        written.with_context(|| format!("{} cannot be written", self.path.display()))?;
        add(&mut part.lines, line);
        part.count += 1;
        part.len += request.len() + 1;
        part.most += most;
        Ok(())
    }

    /// Returns the maximum cost of all parts.
    pub(super) fn most(&self) -> i64 {
        self.parts.iter().map(|part| part.most).sum()
    }

    /// Returns the requests of a part, one per line.
    pub(super) fn requests(&mut self, part: usize) -> anyhow::Result<Vec<u8>> {
        let failed = || format!("{} cannot be read", self.path.display());
        self.file.flush().with_context(failed)?;
        let Some(part) = self.parts.get(part) else { return Ok(Vec::new()) };
        let mut requests = vec![0; part.len];
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(part.from))
            .and_then(|_| file.read_exact(&mut requests))
            .with_context(failed)?;
        Ok(requests)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_does_not_take_in_one_goes_in_several() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out");
        let mut spool = Spool::create(&out, 4, Limits { requests: 2, bytes: 1_000 }).unwrap();
        for (line, request) in
            [(1, "a".repeat(10)), (2, "b".repeat(10)), (3, "c".repeat(600)), (5, "d".repeat(600))]
        {
            spool.part(request.len());
            spool.add(line, &request, 3).unwrap();
        }
        let parts: Vec<_> =
            spool.parts.iter().map(|part| (part.number, part.lines.clone(), part.most)).collect();
        assert_eq!(parts, [(4, vec![(1, 2)], 6), (5, vec![(3, 3)], 3), (6, vec![(5, 5)], 3)]);
        assert_eq!(spool.requests(0).unwrap(), b"aaaaaaaaaa\nbbbbbbbbbb\n");
        assert_eq!(spool.requests(2).unwrap(), format!("{}\n", "d".repeat(600)).into_bytes());
        assert_eq!(spool.most(), 12);
        drop(spool);
        assert!(!directory.path().join("out.requests").exists());
    }
}
