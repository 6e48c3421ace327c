//! Splits a document into the passages that can be quoted.

/// The part of a document that is read, in bytes; more is ignored, so that one turn stays cheap.
pub(super) const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// The length of a passage, in bytes, above which a line is cut into sentences.
const MAX_PASSAGE_BYTES: usize = 400;

/// Yields the non-empty lines of `document`, long ones cut into pieces of at most 400 bytes.
///
/// Marks of headings and lists at a line's start are left out: a quote brings its own.
pub(super) fn passages(document: &str) -> impl Iterator<Item = &str> {
    let end = document.floor_char_boundary(MAX_DOCUMENT_BYTES);
    document[..end].lines().flat_map(pieces).map(bare).filter(|passage| !passage.is_empty())
}

fn bare(line: &str) -> &str {
    line.trim().trim_start_matches(['#', '>', '*', '-', '•']).trim_start()
}

/// Cuts a long line behind a sentence where it can, and anywhere otherwise.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_length(rest));
        rest = after;
        Some(piece)
    })
}

fn piece_length(text: &str) -> usize {
    if text.len() <= MAX_PASSAGE_BYTES {
        return text.len();
    }
    let window = &text[..text.floor_char_boundary(MAX_PASSAGE_BYTES)];
    let sentence = window.rfind(". ").map(|at| at + 2);
    sentence.or_else(|| window.rfind(' ').map(|at| at + 1)).unwrap_or(window.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &[&str]) {
        assert_eq!(passages(document).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_come_without_their_marks_and_empty_ones_not_at_all() {
        check("# Title\r\n\n - one \n> two\n---\n", &["Title", "one", "two"]);
    }

    #[test]
    fn a_long_line_is_cut_behind_a_sentence() {
        let sentence = format!("{}.", "word ".repeat(50).trim());
        check(&format!("{sentence} {sentence}"), &[&sentence, &sentence]);
    }

    #[test]
    fn a_line_without_spaces_is_cut_between_characters() {
        let document = "é".repeat(1_000);
        let lengths: Vec<usize> = passages(&document).map(str::len).collect();
        assert_eq!(lengths, [400, 400, 400, 400, 400]);
    }

    #[test]
    fn what_lies_behind_the_limit_is_ignored() {
        let document = format!("{}\nlast", "é\n".repeat(MAX_DOCUMENT_BYTES / 3 + 1));
        assert!(passages(&document).all(|passage| passage == "é"));
    }
}
