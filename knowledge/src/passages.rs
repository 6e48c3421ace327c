//! Cuts a document into passages.
//!
//! The rules use ASCII only and count code points, because the database on AWS follows the same
//! rules in SQL (`infra/aurora/schema.sql`); `passages.json` beside the tests holds both to them.

/// The longest passage, in code points.
pub const MAX_PASSAGE_CHARS: usize = 1_500;
/// The length in code points from which a passage ends at the next paragraph.
const MIN_PASSAGE_CHARS: usize = 500;
/// The longest line that is a heading, in code points.
const MAX_HEADING_CHARS: usize = 200;

/// A piece of a document that can be read alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassageSpan {
    /// The headings above it, the outermost first.
    pub headings: Vec<String>,
    /// Where it begins in the content, in bytes.
    pub start: usize,
    /// Where it ends in the content, in bytes.
    pub end: usize,
    /// Where it begins in the content, in UTF-16 code units.
    pub start_utf16: u32,
    /// Where it ends in the content, in UTF-16 code units.
    pub end_utf16: u32,
}

/// Cuts a document into passages, in its order.
///
/// - A line of at most 200 code points that begins with one to six `#` and a space is a heading.
///   It ends the passage before it, unless that consists of headings only.
/// - A blank line ends a passage of 500 code points or more.
/// - No passage is longer than 1,500 code points. A longer line is cut behind a sentence (`. `,
///   `! `, `? `) where it can, else at a space, else anywhere.
/// - Blanks at the beginning and the end of a line belong to no passage.
pub fn cut(content: &str) -> Vec<PassageSpan> {
    let mut cutter = Cutter::default();
    let mut position = Position::default();
    for line in content.split('\n') {
        cutter.line(line, position);
        position = position.after(line);
        position = position.after("\n");
    }
    cutter.close();
    cutter.passages
}

/// A place in the content, counted in three units.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    bytes: usize,
    chars: usize,
    utf16: u32,
}

impl Position {
    fn after(self, text: &str) -> Self {
        Self {
            bytes: self.bytes + text.len(),
            chars: self.chars + text.chars().count(),
            utf16: self.utf16 + utf16_length(text),
        }
    }
}

fn utf16_length(text: &str) -> u32 {
    text.chars().map(|c| if c.len_utf16() == 2 { 2 } else { 1 }).sum()
}

#[derive(Default)]
struct Cutter {
    passages: Vec<PassageSpan>,
    headings: Vec<Heading>,
    open: Option<Open>,
    /// Whether a blank line came last.
    gap: bool,
}

struct Heading {
    level: usize,
    title: String,
}

/// The passage that is being gathered.
struct Open {
    start: Position,
    end: Position,
    has_text: bool,
}

impl Cutter {
    fn line(&mut self, line: &str, position: Position) {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r');
        let text = line.trim_end_matches(blank);
        let rest = text.trim_start_matches(blank);
        if rest.is_empty() {
            self.gap = true;
            return;
        }
        let mut position = position.after(&text[..text.len() - rest.len()]);
        if let Some(heading) = heading(rest) {
            if self.open.as_ref().is_some_and(|open| open.has_text) {
                self.close();
            }
            self.add_piece(rest, position, Some(heading));
            return;
        }
        let mut rest = rest;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(piece_length(rest));
            self.add_piece(piece.trim_end_matches(blank), position, None);
            let next = after.trim_start_matches(blank);
            position = position.after(&rest[..rest.len() - next.len()]);
            rest = next;
        }
    }

    fn add_piece(&mut self, piece: &str, start: Position, heading: Option<Heading>) {
        let end = start.after(piece);
        if let Some(open) = &self.open {
            let paragraph_ends =
                self.gap && open.has_text && open.end.chars - open.start.chars >= MIN_PASSAGE_CHARS;
            if paragraph_ends || end.chars - open.start.chars > MAX_PASSAGE_CHARS {
                self.close();
            }
        }
        self.gap = false;
        let is_text = heading.is_none();
        if let Some(heading) = heading {
            while self.headings.last().is_some_and(|above| above.level >= heading.level) {
                self.headings.pop();
            }
            self.headings.push(heading);
        }
        let open = self.open.get_or_insert(Open { start, end, has_text: false });
        open.end = end;
        open.has_text |= is_text;
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.passages.push(PassageSpan {
                headings: self.headings.iter().map(|heading| heading.title.clone()).collect(),
                start: open.start.bytes,
                end: open.end.bytes,
                start_utf16: open.start.utf16,
                end_utf16: open.end.utf16,
            });
        }
    }
}

fn heading(line: &str) -> Option<Heading> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    if !(1..=6).contains(&level) || !title.starts_with(' ') {
        return None;
    }
    if line.chars().nth(MAX_HEADING_CHARS).is_some() {
        return None;
    }
    Some(Heading { level, title: title.trim_matches(' ').to_owned() })
}

fn first_chars(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

/// Measures the piece that a line begins with, in bytes.
fn piece_length(line: &str) -> usize {
    let window = first_chars(line, MAX_PASSAGE_CHARS);
    if window.len() == line.len() {
        return line.len();
    }
    let sentence = [". ", "! ", "? "].iter().filter_map(|end| window.rfind(end)).max();
    let space = window.rfind(' ').filter(|&at| at > 0);
    sentence.map(|at| at + 1).or(space).unwrap_or(window.len())
}
