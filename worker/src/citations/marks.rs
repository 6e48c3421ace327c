//! Marks in a model's text: `[1]`, `[1, 2]`.

/// The longest mark, in bytes; what is longer is text.
const MAX_MARK_BYTES: usize = 24;
/// How many backticks begin a block of code.
const FENCE: usize = 3;

/// What a text consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Text that is no mark.
    Text(String),
    /// A mark with its numbers, and the spaces before it.
    Mark { space: String, numbers: Vec<u32> },
}

/// Reads marks in a text that comes in pieces.
///
/// Code and the labels of links are text, whatever they look like.
#[derive(Debug, Default)]
pub(super) struct MarkReader {
    /// What is not decided yet: spaces, and a mark that has begun.
    held: String,
    /// How many backticks began the code that the text is in; none outside of code.
    code: usize,
    /// The backticks read last.
    backticks: usize,
    tokens: Vec<Token>,
}

impl MarkReader {
    /// Reads a piece.
    pub(super) fn push(&mut self, piece: &str) -> Vec<Token> {
        piece.chars().for_each(|next| self.read(next));
        std::mem::take(&mut self.tokens)
    }

    /// Ends the text. Spaces at its end are text.
    pub(super) fn finish(&mut self) -> Vec<Token> {
        if self.held.ends_with(']') {
            self.mark();
        }
        self.release();
        std::mem::take(&mut self.tokens)
    }

    /// Returns how many bytes are held back.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn read(&mut self, next: char) {
        self.enter_or_leave_code(next);
        if self.held.ends_with(']') {
            // `[1](https://…)` is a link.
            if next == '(' { self.release() } else { self.mark() }
        }
        let has_begun = self.held.contains('[');
        let may_follow = match next {
            '[' => !has_begun && self.code == 0,
            ' ' => !has_begun || !self.held.ends_with('['),
            '0'..='9' | ',' | ';' => has_begun,
            ']' => self.held.ends_with(|c: char| c.is_ascii_digit()) && has_begun,
            _ => false,
        };
        if may_follow && self.held.len() < MAX_MARK_BYTES {
            self.held.push(next);
            return;
        }
        self.release();
        if next == ' ' || next == '[' && self.code == 0 {
            self.held.push(next);
        } else {
            self.text(next);
        }
    }

    /// Takes what is held for a mark.
    fn mark(&mut self) {
        let held = std::mem::take(&mut self.held);
        let (space, mark) = held.split_at(held.find('[').unwrap_or(0));
        let numbers = mark.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<u32> = numbers.filter_map(|number| number.parse().ok()).collect();
        self.tokens.push(Token::Mark { space: space.to_owned(), numbers });
    }

    /// Takes what is held for text.
    fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        held.chars().for_each(|c| self.text(c));
    }

    /// Follows code, which as many backticks end as began it. Code in a line ends with the line.
    fn enter_or_leave_code(&mut self, next: char) {
        if next == '`' {
            self.backticks += 1;
            return;
        }
        match (self.backticks, self.code) {
            (0, _) => (),
            (backticks, 0) => self.code = backticks,
            (backticks, code) if backticks == code => self.code = 0,
            _ => (),
        }
        self.backticks = 0;
        if next == '\n' && self.code < FENCE {
            self.code = 0;
        }
    }

    fn text(&mut self, next: char) {
        match self.tokens.last_mut() {
            Some(Token::Text(text)) => text.push(next),
            _ => self.tokens.push(Token::Text(next.to_string())),
        }
    }
}
