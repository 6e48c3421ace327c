//! A file line by line, in bounded memory whatever is in it.

use std::io::{self, BufRead};

/// The largest line that is looked at: a message of the largest size, all of it escaped, and
/// metadata.
pub(super) const LARGEST: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// What is in it, without its end.
    pub(super) content: Content,
}

/// What is in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is too large to be looked at, and has so many bytes.
    TooLarge(u64),
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads from the beginning of a source.
    pub(super) fn new(source: R) -> Self {
        Self { source, number: 0 }
    }

    /// Returns the next line that is not blank.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let Some(content) = self.content()? else { return Ok(None) };
            if !matches!(&content, Content::Bytes(bytes) if bytes.iter().all(u8::is_ascii_whitespace))
            {
                return Ok(Some(Line { number: self.number, content }));
            }
        }
    }

    fn content(&mut self) -> io::Result<Option<Content>> {
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
            return Ok(Some(Content::TooLarge(size)));
        }
        if self.number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        Ok(Some(Content::Bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Content)> {
        let mut lines = Lines::new(BufReader::with_capacity(7, bytes));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.number, line.content));
        }
        all
    }

    fn text(text: &str) -> Content {
        Content::Bytes(text.as_bytes().to_vec())
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
        assert_eq!(read(&file), [(1, Content::TooLarge(LARGEST as u64 + 5)), (2, text("next"))]);
        assert_eq!(read(&vec![b'x'; LARGEST])[0].1, Content::Bytes(vec![b'x'; LARGEST]));
    }
}
