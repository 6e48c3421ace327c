//! Identities that each side names as it likes.

/// Numbers identities in the order in which they appear.
///
/// Two sides that name the same things, each in its own way, get the same numbers.
#[derive(Debug, Default)]
pub(super) struct Numbering(Vec<String>);

impl Numbering {
    /// Returns the number of an identity, a new one at its first appearance.
    pub(super) fn number(&mut self, name: &str) -> usize {
        if let Some(place) = self.0.iter().position(|known| known == name) {
            return place;
        }
        self.0.push(name.to_owned());
        self.0.len() - 1
    }
}
