//! The leaves of a desired record that a plan has accounted for ([`super::account`]). Pure.

use std::collections::BTreeSet;

/// The leaves that are accounted for so far.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) leaves: BTreeSet<(String, String)>,
    /// Paths whose leaves one finding covers.
    pub(super) wholes: BTreeSet<String>,
}

impl Accounts {
    /// Whether a leaf is accounted for, by itself or as a part.
    pub(super) fn covers(&self, path: &str, place: &str) -> bool {
        let known = |place: &str| self.leaves.contains(&(path.to_owned(), place.to_owned()));
        // `job` covers `job.id`; a list covers none of its entries, nor an entry its members.
        let outer =
            place.rfind('.').and_then(|dot| place.get(..dot)).filter(|_| !place.contains('['));
        self.wholes.contains(path) || known(place) || outer.is_some_and(known)
    }
}
