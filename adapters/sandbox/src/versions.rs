//! Rows by key, with the versions that a delayed reader still sees.
//!
//! With delayed visibility every change keeps the former version until the delay ends; without it
//! (the default) the history stays empty and costs nothing. Indexes are the caller's.

use std::collections::{BTreeMap, BTreeSet};

/// The row that a reader sees from some time on.
#[derive(Debug, Clone)]
struct Version<R> {
    visible_from_ms: i64,
    row: Option<R>,
}

/// Rows by key.
#[derive(Debug, Clone)]
pub struct Versions<K, R> {
    rows: BTreeMap<K, R>,
    history: BTreeMap<K, Vec<Version<R>>>,
}

impl<K, R> Default for Versions<K, R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), history: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, R: Clone> Versions<K, R> {
    /// How many rows there are now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether every reader sees the rows as they are.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.history.is_empty()
    }

    /// Returns a row as it is.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&R> {
        self.rows.get(key)
    }

    /// Lists the rows as they are, by key.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.rows.values()
    }

    /// Lists keys and rows up to a key, as they are.
    pub fn up_to(&self, key: K) -> impl DoubleEndedIterator<Item = (&K, &R)> {
        self.rows.range(..=key)
    }

    /// Stores a row; readers see the former one until `delayed_until_ms`, if given. Returns the
    /// former one.
    pub fn put(&mut self, key: K, row: R, delayed_until_ms: Option<i64>) -> Option<R> {
        self.remember(&key, Some(&row), delayed_until_ms);
        self.rows.insert(key, row)
    }

    /// Removes a row; readers see it until `delayed_until_ms`, if given. Returns it.
    pub fn remove(&mut self, key: &K, delayed_until_ms: Option<i64>) -> Option<R> {
        self.remember(key, None, delayed_until_ms);
        self.rows.remove(key)
    }

    fn remember(&mut self, key: &K, now_is: Option<&R>, delayed_until_ms: Option<i64>) {
        let Some(visible_from_ms) = delayed_until_ms else {
            self.history.remove(key);
            return;
        };
        let former = self.rows.get(key).cloned();
        let versions = self
            .history
            .entry(key.clone())
            .or_insert_with(|| vec![Version { visible_from_ms: i64::MIN, row: former }]);
        versions.push(Version { visible_from_ms, row: now_is.cloned() });
    }

    /// Drops versions that no reader can see any more.
    pub fn settle(&mut self, now_ms: i64) {
        self.history.retain(|_, versions| {
            versions.last().is_some_and(|last| last.visible_from_ms > now_ms)
        });
    }

    /// Returns the row as a list shows it.
    #[must_use]
    pub fn shown(&self, key: &K, now_ms: i64) -> Option<&R> {
        match self.history.get(key) {
            None => self.rows.get(key),
            Some(versions) => versions
                .iter()
                .rev()
                .find(|version| version.visible_from_ms <= now_ms)
                .and_then(|version| version.row.as_ref()),
        }
    }

    /// Lists the keys of which some reader sees a row: all, or those of `keys` and whichever have a
    /// history. [`Versions::shown`] decides for each.
    #[must_use]
    pub fn keys_shown(&self, keys: Option<&[K]>) -> BTreeSet<K> {
        let mut chosen: BTreeSet<K> = match keys {
            Some(keys) => keys.iter().cloned().collect(),
            None => self.rows.keys().cloned().collect(),
        };
        chosen.extend(self.history.keys().cloned());
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delayed_reader_sees_the_former_row_until_the_delay_ends() {
        let mut rows = Versions::default();
        rows.put(1, "old", None);
        rows.put(1, "new", Some(50));
        rows.remove(&1, Some(70));
        let seen = |rows: &Versions<i32, &'static str>, at| rows.shown(&1, at).copied();
        assert_eq!(rows.get(&1), None);
        assert_eq!(seen(&rows, 49), Some("old"));
        assert_eq!(seen(&rows, 50), Some("new"));
        assert_eq!(seen(&rows, 70), None);
        assert_eq!(rows.keys_shown(None).len(), 1);
        rows.settle(70);
        assert!(rows.is_settled() && rows.keys_shown(None).is_empty());
    }
}
