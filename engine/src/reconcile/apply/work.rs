//! The results of the steps of one record, or of the shared steps.

use crate::error::Error;
use crate::plan::Step;
use crate::reconcile::conditions::WrittenStep;
use crate::reconcile::order::Touched;
use crate::reconcile::reports::StepReport;
use atsync_model::contract::RemoteRef;
use std::collections::{BTreeMap, BTreeSet};

/// The results of the steps of one record, or of the shared steps.
#[derive(Default)]
pub(super) struct Work {
    pub(super) steps: Vec<StepReport>,
    /// The records of paths by now: made, or found.
    pub(super) made: BTreeMap<String, RemoteRef>,
    /// The paths among them whose records were made by an answered request of this run.
    pub(super) fresh: BTreeSet<String>,
    /// The paths whose steps failed, each with the path of the step that failed: its own, or of the
    /// one that makes it.
    pub(super) failed: BTreeMap<String, String>,
    pub(super) touched: Vec<Touched>,
    /// What was sent and done.
    pub(super) written: Vec<WrittenStep>,
    pub(super) warnings: Vec<String>,
    /// The current step failed before it left: a read failed, or its result forbade the write.
    pub(super) failed_before_send: bool,
    /// The component that planned them.
    pub(super) planned_by: Option<String>,
    /// The connection as a whole fails.
    pub(super) fatal: Option<Error>,
}

impl Work {
    /// Records that a step failed, and with it what it makes.
    pub(super) fn fails(&mut self, step: &Step) {
        let paths = std::iter::once(&step.path).chain(step.makes.values());
        self.failed.extend(paths.map(|path| (path.clone(), step.path.clone())));
    }

    /// Adds the results of other steps.
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

/// The records that this run made: no user can have added to them yet, so no probe below them is
/// needed.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) shared: &'a Work,
    pub(super) own: &'a Work,
}

impl Made<'_> {
    pub(super) fn remote(&self, path: &str) -> Option<&RemoteRef> {
        self.own.made.get(path).or_else(|| self.shared.made.get(path))
    }

    pub(super) fn is_fresh(&self, path: &str) -> bool {
        self.own.fresh.contains(path) || self.shared.fresh.contains(path)
    }
}
