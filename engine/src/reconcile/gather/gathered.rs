//! The facts of one run, and what was refreshed for them.
//!
//! A run over many records keeps one of these from page to page, so each kind is refreshed at most
//! once. It also remembers the kinds that cannot be read: nothing is planned on what was known of
//! them before.

use crate::error::{Error, ErrorKind};
use crate::index;
use crate::plan::Facts;
use crate::reconcile::requests::{concerns_kind, is_closed};
use atsync_model::contract::RemoteRef;
use std::collections::{BTreeMap, BTreeSet};

/// Facts that a run over many records keeps from page to page. A fact has some kilobytes;
/// arbitrary, above what records have in common (jobs, stages, sources).
const FACTS_MAX: usize = 5_000;

/// Ids that a run remembers as the ATS writes them; beyond that it begins again, and only ids with
/// capital letters are then missed.
const IDS_MAX: usize = 100_000;

/// The facts of one run and what was refreshed for it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    pub(super) refreshed: BTreeSet<String>,
    /// Kinds that cannot be read, each with the reason: the credential may not, the adapter does
    /// not, or the ATS fails each try. No plan uses what was known of them before.
    closed: BTreeMap<String, Closed>,
    /// Of kinds that can be listed only below a parent: kind and parent.
    pub(super) refreshed_below: BTreeSet<(String, String)>,
    /// Ids as the ATS writes them, by kind and term: terms are in lower case.
    pub(super) ids: BTreeMap<(String, String), String>,
    /// Records that plans of this run would link to and that were fetched.
    pub(crate) shown: BTreeSet<RemoteRef>,
    /// No kind is refreshed.
    pub(super) resting: bool,
    /// Records of which two observations differ, when the plan rests and uses the stored facts.
    pub(crate) disputed: BTreeSet<RemoteRef>,
}

impl Gathered {
    /// For a plan on the stored facts: no kind is refreshed.
    pub(crate) fn resting(manifest: &atsync_model::Manifest) -> Self {
        let refreshed = manifest.kinds.iter().map(|kind| kind.name.clone()).collect();
        Self { refreshed, resting: true, ..Self::default() }
    }

    /// For a run that begins with these facts.
    pub(crate) fn with(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// Drops the facts that the store can answer again, once they are many.
    pub(crate) fn drop_many(&mut self) {
        if self.facts.len() > FACTS_MAX {
            self.facts.forget_stored();
        }
    }

    /// Whether it plans on the stored facts alone.
    pub(crate) fn is_resting(&self) -> bool {
        self.resting
    }

    /// Remembers that a kind cannot be read.
    pub(super) fn learn<T>(&mut self, kind: &str, read: &Result<T, Error>) {
        if let Err(error) = read
            && concerns_kind(error)
        {
            let (how, is_own) = (error.kind(), error.is_of_one_request());
            self.closed.insert(kind.to_owned(), Closed { how, is_own, why: error.to_string() });
        }
    }

    /// As [`Self::learn`], after a fetch by id: others of the kind may be readable all the same,
    /// unless a right is missing.
    pub(super) fn learn_by_id<T>(&mut self, kind: &str, read: &Result<T, Error>) {
        if read.as_ref().is_err_and(|error| is_closed(error.kind())) {
            self.learn(kind, read);
        }
    }

    /// Refuses a kind that cannot be read in this run.
    pub(super) fn may_read(&self, kind: &str) -> Result<(), Error> {
        match self.closed.get(kind) {
            Some(Closed { how, is_own, why }) => {
                let error = Error::new(*how, why.clone());
                Err(if *is_own { error.of_one_request() } else { error })
            }
            None => Ok(()),
        }
    }

    /// Remembers how the ATS writes an id.
    pub(super) fn know_id(&mut self, kind: &str, id: &str) {
        if self.ids.len() >= IDS_MAX {
            self.ids.clear();
        }
        self.ids.insert((kind.to_owned(), index::form(index::PARENT, id)), id.to_owned());
    }
}

/// Why a kind cannot be read.
#[derive(Debug)]
struct Closed {
    how: ErrorKind,
    /// The failure is that of one read, which may pass.
    is_own: bool,
    why: String,
}

impl Gathered {
    /// For the next batch of a run: the claims stay, everything else is read again.
    pub(crate) fn next_batch(self) -> Self {
        Self::with(self.facts.claimed())
    }
}
