//! What the steps of one record, or the shared steps, brought so far.

use crate::error::Error;
use crate::plan::Step;
use crate::reconcile::conditions::WrittenStep;
use crate::reconcile::order::Touched;
use crate::reconcile::reports::StepReport;
use atsync_model::contract::RemoteRef;
use std::collections::{BTreeMap, BTreeSet};

/// What the steps of one record, or the shared ones, brought.
#[derive(Default)]
pub(super) struct Work {
    pub(super) steps: Vec<StepReport>,
    /// The records that stand for paths by now: made, or found.
    pub(super) made: BTreeMap<String, RemoteRef>,
    /// The paths among them whose records were made by an answered request of this run.
    pub(super) fresh: BTreeSet<String>,
    /// The paths that did not come about, each with the path of the step that failed: its own, or
    /// of the one that makes it.
    pub(super) failed: BTreeMap<String, String>,
    pub(super) touched: Vec<Touched>,
    /// What was sent and done.
    pub(super) written: Vec<WrittenStep>,
    pub(super) warnings: Vec<String>,
    /// What the step under way had to read first could not be read, or it was refused for what that
    /// showed.
    pub(super) failed_before_send: bool,
    /// The connection as a whole cannot go on.
    pub(super) fatal: Option<Error>,
}

impl Work {
    /// Remembers that a step did not come about, nor what it makes.
    pub(super) fn fails(&mut self, step: &Step) {
        let paths = std::iter::once(&step.host).chain(step.makes.values());
        self.failed.extend(paths.map(|path| (path.clone(), step.host.clone())));
    }

    /// Takes in what came of another part.
    pub(super) fn join(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.made.extend(other.made);
        self.fresh.extend(other.fresh);
        self.failed.extend(other.failed);
        self.touched.extend(other.touched);
        self.written.extend(other.written);
        self.fatal = self.fatal.take().or(other.fatal);
    }
}

/// What was made in this run and cannot have been added to by anybody else: no look below it is
/// needed.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) shared: &'a Work,
    pub(super) own: &'a Work,
}

impl Made<'_> {
    pub(super) fn remote(&self, host: &str) -> Option<&RemoteRef> {
        self.own.made.get(host).or_else(|| self.shared.made.get(host))
    }

    pub(super) fn is_fresh(&self, host: &str) -> bool {
        self.own.fresh.contains(host) || self.shared.fresh.contains(host)
    }
}
