//! How long a session lives.

use std::time::Duration;

use super::SessionRow;
use crate::domain::{ExpiresAt, Timestamp};

const HOUR: Duration = Duration::from_hours(1);
/// The age that no session passes, whatever its activity.
const LONGEST: Duration = Duration::from_hours(168);

/// The rule by which activity moves the end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The time without activity after which a session is gone.
    pub ttl: Duration,
}

impl Lifetime {
    /// Returns the end of a session that begins now.
    pub fn first_end(self, now: Timestamp) -> ExpiresAt {
        ExpiresAt::at(now.plus(self.ttl.min(LONGEST)))
    }

    /// Returns the end to which activity moves the session, if the step is large enough to be
    /// written.
    ///
    /// Steps are at most an hour and a tenth of the TTL apart, and never pass seven days from
    /// creation.
    pub fn renewed(self, session: &SessionRow, now: Timestamp) -> Option<ExpiresAt> {
        let end = ExpiresAt::at(now.plus(self.ttl).min(session.created_at.plus(LONGEST)));
        let step = end.timestamp().since(session.expires_at.timestamp());
        (step >= HOUR.min(self.ttl / 10)).then_some(end).filter(|end| *end > session.expires_at)
    }

    /// Tells whether the session still takes messages: not in the last hour of its longest life.
    pub fn takes_messages(self, session: &SessionRow, now: Timestamp) -> bool {
        now < session.created_at.plus(LONGEST).minus(HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Principal, SessionId};

    const DAY: Lifetime = Lifetime { ttl: Duration::from_hours(24) };

    fn session(created: i64, expires: ExpiresAt) -> SessionRow {
        let principal = Principal::parse("anon:a").unwrap();
        SessionRow::new(principal, SessionId::parse("s").unwrap(), Timestamp(created), expires)
    }

    fn hours(n: i64) -> Timestamp {
        Timestamp(n * 3_600_000)
    }

    #[test]
    fn activity_moves_the_end_in_steps_of_an_hour() {
        let session = session(0, DAY.first_end(hours(0)));
        assert_eq!(DAY.renewed(&session, Timestamp(3_599_000)), None);
        assert_eq!(DAY.renewed(&session, hours(1)), Some(ExpiresAt::at(hours(25))));
    }

    #[test]
    fn no_activity_moves_the_end_past_seven_days() {
        let session = session(0, ExpiresAt::at(hours(160)));
        assert_eq!(DAY.renewed(&session, hours(150)), Some(ExpiresAt::at(hours(168))));
        let session = self::session(0, ExpiresAt::at(hours(168)));
        assert_eq!(DAY.renewed(&session, hours(166)), None);
        assert!(DAY.takes_messages(&session, Timestamp(hours(167).0 - 1)));
        assert!(!DAY.takes_messages(&session, hours(167)));
    }
}
