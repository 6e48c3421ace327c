//! A clock that may be minutes off.

use shared::domain::Timestamp;
use shared::ports::Clock;

use super::ProcessPorts;

pub(super) struct SkewedClock {
    pub(super) process_ports: ProcessPorts,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.process_ports.process.skewed(self.process_ports.cloud.now())
    }
}
