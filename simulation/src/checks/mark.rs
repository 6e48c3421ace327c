//! The marks that tell whose text a text is.

/// How every text of an account begins: with its number, by which it is recognised wherever it
/// turns up.
const MARK: &str = "~u";

/// Returns the mark of a message, with which its text and its replies begin.
pub fn mark(owner: u32, session: &str, number: u32) -> String {
    format!("{MARK}{owner}.{session}.{number}~")
}

/// Returns the number of another account whose text is in this one.
pub(crate) fn foreign(owner: u32, text: &str) -> Option<u32> {
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        rest = &rest[at + MARK.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(number) = rest[..digits].parse().ok().filter(|number| *number != owner) {
            return Some(number);
        }
    }
    None
}
