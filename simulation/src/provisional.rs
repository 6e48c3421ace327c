//! How far the provisional texts of a tab have come.

use std::collections::BTreeMap;

/// The provisional text of each turn: its generation, and how long it is.
#[derive(Debug, Default)]
pub(crate) struct ProvisionalTexts(BTreeMap<u64, (u64, usize)>);

impl ProvisionalTexts {
    /// Records what a turn shows now. Fails if it went backwards: to an older generation, or to a
    /// shorter text of the same one.
    pub(crate) fn show(&mut self, turn: u64, generation: u64, text: &str) -> Result<(), String> {
        let shown = self.0.entry(turn).or_default();
        let is_backwards = generation < shown.0 || (generation == shown.0 && text.len() < shown.1);
        *shown = (generation, text.len());
        if is_backwards {
            return Err(format!(
                "the text of turn {turn} went backwards in generation {generation}"
            ));
        }
        Ok(())
    }
}
