//! Which messages were sent lately.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest as _, Sha256};

use super::Moment;

/// Half a SHA-256: as good as the id itself, and as small for a long id as for a short one.
type Hash = [u8; 16];

/// The deduplication ids of the window, in the order of their ends.
#[derive(Debug, Default)]
pub(super) struct Dedup {
    ends: HashMap<Hash, Moment>,
    order: VecDeque<(Moment, Hash)>,
}

impl Dedup {
    pub(super) fn knows(&mut self, id: &str, now: Moment) -> bool {
        self.forget(now);
        self.ends.get(&hash(id)).is_some_and(|end| *end > now)
    }

    pub(super) fn remember(&mut self, id: &str, end: Moment) {
        let hash = hash(id);
        self.ends.insert(hash, end);
        self.order.push_back((end, hash));
    }

    fn forget(&mut self, now: Moment) {
        while let Some((end, hash)) = self.order.pop_front_if(|(end, _)| *end <= now) {
            if self.ends.get(&hash) == Some(&end) {
                self.ends.remove(&hash);
            }
        }
    }
}

fn hash(id: &str) -> Hash {
    let digest = Sha256::digest(id.as_bytes());
    std::array::from_fn(|place| digest[place])
}
