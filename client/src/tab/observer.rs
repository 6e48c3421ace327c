//! What a tab tells of itself.

use super::TabId;
use crate::rule::{FinalTurn, Input, Resumed};

/// Somebody who watches tabs. Every method is called in the order of what the user sees, and must
/// not block.
pub trait Observer: Send + Sync {
    /// A socket opened; `times` counts from 1, so a higher number is a reconnection.
    fn connected(&self, _tab: TabId, _times: u32) {}

    /// A socket was closed, by whomever.
    fn disconnected(&self, _tab: TabId) {}

    /// The tab asked to resume after its cursor.
    fn resume_requested(&self, _tab: TabId, _after: u64) {}

    /// The service answered a `resume`.
    fn resumed(&self, _tab: TabId, _resumed: Resumed) {}

    /// A frame came, before the tab made anything of it.
    fn frame_received(&self, _tab: TabId, _raw: &str) {}

    /// The tab's rule is given this next.
    fn rule_input(&self, _tab: TabId, _input: &Input<'_>) {}

    /// The provisional text shown for a turn changed; `gen` is the generation that the tab takes it
    /// for.
    fn text_shown(&self, _tab: TabId, _turn: u64, _gen: u64, _text: &str) {}

    /// The service reported what it is doing for a turn, such as `retrying`.
    fn status_shown(&self, _tab: TabId, _turn: u64, _phase: &str) {}

    /// A final is shown; from now on it never changes.
    fn final_shown(&self, _tab: TabId, _turn: &FinalTurn) {}

    /// The cursor moved to `cursor` without finals: the service has none of those turns any more.
    fn turns_skipped(&self, _tab: TabId, _cursor: u64) {}

    /// Everything shown was forgotten: the session began anew, or is gone.
    fn reset(&self, _tab: TabId) {}

    /// The tab asks the history for a final that was too large for a frame.
    fn fetch_started(&self, _tab: TabId, _after: u64) {}

    /// The history's text of a turn does not have the checksum that its frame told; it is not
    /// shown.
    fn checksum_mismatch(&self, _tab: TabId, _turn: u64) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
