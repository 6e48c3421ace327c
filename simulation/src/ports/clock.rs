//! A clock that may be minutes off.

use shared::domain::Timestamp;
use shared::ports::Clock;

use super::Rig;

pub(super) struct SkewedClock {
    pub(super) rig: Rig,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.rig.process.skewed(self.rig.cloud.now())
    }
}
