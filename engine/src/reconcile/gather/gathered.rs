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

/// Ids that a run remembers as the ATS writes them; beyond it begins anew, and only ids with
/// capital letters are then missed.
const IDS_MAX: usize = 100_000;

/// The facts of one run and what was refreshed for it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    pub(super) refreshed: BTreeSet<String>,
    /// Kinds that cannot be read, since the credential may not, the adapter does not, or the ATS
    /// answers each try with a failure, with the reason. Nothing that is known of them from before
    /// is planned on.
    closed: BTreeMap<String, Closed>,
    /// Of kinds that can be listed only below a parent: kind and parent.
    pub(super) refreshed_below: BTreeSet<(String, String)>,
    /// Ids as the ATS writes them, by kind and term: terms are in lower case.
    pub(super) ids: BTreeMap<(String, String), String>,
    /// What plans of this run would link to and the ATS was asked for.
    pub(crate) shown: BTreeSet<RemoteRef>,
    /// No kind is refreshed.
    pub(super) resting: bool,
    /// What two observations say different things about, where the plan rests and takes what is at
    /// hand.
    pub(crate) disputed: BTreeSet<RemoteRef>,
}

impl Gathered {
    /// For planning on what is at hand: no kind is refreshed.
    pub(crate) fn resting(manifest: &atsync_model::Manifest) -> Self {
        let refreshed = manifest.kinds.iter().map(|kind| kind.name.clone()).collect();
        Self { refreshed, resting: true, ..Self::default() }
    }

    /// For a run that begins with these facts.
    pub(crate) fn with(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// Forgets what the store can tell again, once that is much.
    pub(crate) fn forget_much(&mut self) {
        if self.facts.len() > FACTS_MAX {
            self.facts.forget_stored();
        }
    }

    /// Whether it plans on what is at hand.
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

    /// As [`Self::learn`], from records that were asked for by id: others of the kind may be read
    /// all the same, unless a right is missing.
    pub(super) fn learn_by_id<T>(&mut self, kind: &str, read: &Result<T, Error>) {
        if read.as_ref().is_err_and(|error| is_closed(error.kind())) {
            self.learn(kind, read);
        }
    }

    /// Refuses a kind that was found to be closed in this run.
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
    /// For the next part of a run: what was claimed stays, the rest is read anew.
    pub(crate) fn next_part(self) -> Self {
        Self::with(self.facts.claimed())
    }
}
