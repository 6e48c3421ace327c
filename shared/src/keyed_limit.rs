//! A limit on what is open at once, for each key and in all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what is open at once: connections by network, sockets by principal.
///
/// A key of which nothing is open takes no memory. Clones share the counts.
#[derive(Debug)]
pub struct KeyedLimit<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    total: usize,
    per_key: usize,
    open: Mutex<Open<K>>,
}

#[derive(Debug)]
struct Open<K> {
    total: usize,
    by_key: HashMap<K, usize>,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitReached {
    /// The one on all together.
    Total,
    /// The one on this key.
    Key,
}

/// One of what is counted, until it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    limit: Arc<Inner<K>>,
    key: Option<K>,
}

impl<K: Eq + Hash + Clone> KeyedLimit<K> {
    /// Creates a limit of `total` in all and `per_key` for each key.
    pub fn new(total: usize, per_key: usize) -> Self {
        let open = Mutex::new(Open { total: 0, by_key: HashMap::new() });
        Self(Arc::new(Inner { total, per_key, open }))
    }

    /// Takes a place. Without a key, only the limit on all together applies.
    pub fn enter(&self, key: Option<K>) -> Result<Place<K>, LimitReached> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= self.0.total {
            return Err(LimitReached::Total);
        }
        if let Some(key) = &key {
            let here = open.by_key.get(key).copied().unwrap_or(0);
            if here >= self.0.per_key {
                return Err(LimitReached::Key);
            }
            open.by_key.insert(key.clone(), here + 1);
        }
        open.total += 1;
        drop(open);
        Ok(Place { limit: Arc::clone(&self.0), key })
    }
}

impl<K> Clone for KeyedLimit<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut open = self.limit.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        let Some(key) = self.key.take() else { return };
        if let Some(here) = open.by_key.get_mut(&key) {
            *here -= 1;
            if *here == 0 {
                open.by_key.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_by_key_and_in_all_and_given_back() {
        let limit = KeyedLimit::new(3, 2);
        let first = limit.enter(Some("a")).unwrap();
        let second = limit.enter(Some("a")).unwrap();
        assert_eq!(limit.enter(Some("a")).unwrap_err(), LimitReached::Key);
        let third = limit.enter(None).unwrap();
        assert_eq!(limit.enter(Some("b")).unwrap_err(), LimitReached::Total);
        drop((first, third));
        let again = limit.enter(Some("a")).unwrap();
        drop((again, second));
        let open = limit.0.open.lock().unwrap();
        assert!(open.total == 0 && open.by_key.is_empty(), "{open:?}");
    }
}
