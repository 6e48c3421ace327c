//! Reads a file line by line, in bounded memory whatever its content.

use std::io::{self, BufRead};

/// The maximum length of a line: the longest message, fully escaped, and metadata.
pub(super) const LARGEST: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its content, without the line ending.
    pub(super) content: LineContent,
}

/// The content of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineContent {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is too long; this is its length in bytes.
    TooLarge(u64),
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    source: R,
    number: u64,
}

impl<R: BufRead> LineReader<R> {
    /// Starts at the beginning of a source.
    pub(super) fn new(source: R) -> Self {
        Self { source, number: 0 }
    }

    /// Returns the next line that is not blank.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let Some(content) = self.content()? else { return Ok(None) };
            if !matches!(&content, LineContent::Bytes(bytes) if bytes.iter().all(u8::is_ascii_whitespace))
            {
                return Ok(Some(Line { number: self.number, content }));
            }
        }
    }

    fn content(&mut self) -> io::Result<Option<LineContent>> {
        let mut bytes = Vec::new();
        let mut size = 0_u64;
        let mut ended = false;
        while !ended {
            let part = self.source.fill_buf()?;
            if part.is_empty() {
                break;
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            let piece = &part[..end.unwrap_or(part.len())];
            size += piece.len() as u64;
            if bytes.len() + piece.len() <= LARGEST {
                bytes.extend_from_slice(piece);
            } else {
                bytes = Vec::new();
            }
            let read = end.map_or(part.len(), |end| end + 1);
            ended = end.is_some();
            self.source.consume(read);
        }
        if size == 0 && !ended {
            return Ok(None);
        }
        self.number += 1;
        if size > LARGEST as u64 {
            return Ok(Some(LineContent::TooLarge(size)));
        }
        if self.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        Ok(Some(LineContent::Bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, LineContent)> {
        let mut lines = LineReader::new(BufReader::with_capacity(7, bytes));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.number, line.content));
        }
        all
    }

    fn text(text: &str) -> LineContent {
        LineContent::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn marks_and_ends_of_other_systems_are_not_part_of_a_line() {
        assert_eq!(
            read(b"\xEF\xBB\xBFone\r\n\r\n  \nfour\nfive"),
            [(1, text("one")), (4, text("four")), (5, text("five")),]
        );
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\n\n"), []);
    }

    #[test]
    fn a_line_that_is_too_large_is_counted_and_not_kept() {
        let mut file = vec![b'x'; LARGEST + 5];
        file.extend_from_slice(b"\nnext\n");
        assert_eq!(
            read(&file),
            [(1, LineContent::TooLarge(LARGEST as u64 + 5)), (2, text("next"))]
        );
        assert_eq!(read(&vec![b'x'; LARGEST])[0].1, LineContent::Bytes(vec![b'x'; LARGEST]));
    }
}
