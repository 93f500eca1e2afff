//! The stage or the pools that an application is in, as far as the ATS shows them. Pure.
//!
//! Some ATSs show a stage by its name alone; then the job's stages give the id.

use super::{Draft, Record};
use crate::index;
use atsync_model::desired::{FullReference, Reference};
use atsync_model::{kinds, normal};
use std::sync::Arc;

/// Whether the record of an application is a prospect.
pub(super) fn is_prospect(record: &Record) -> bool {
    record.text("kind") == Some("prospect")
}

/// Whether the record of an application is an application to a job.
pub(super) fn is_application(record: &Record) -> bool {
    record.text("kind") == Some("application")
}

/// Whether the record is a prospect that was converted.
pub(super) fn is_converted(record: &Record) -> bool {
    record.text("outcome.value") == Some("converted")
}

/// The stage of an application, as far as the ATS shows it.
pub(super) struct Place<'r> {
    pub(super) id: Option<&'r str>,
    pub(super) name: Option<&'r str>,
}

/// Returns the pool placements of a prospect. None while facts are missing.
pub(super) fn placements<'a>(
    draft: &mut Draft<'a>,
    prospect: &Record,
) -> Option<&'a [Arc<Record>]> {
    draft.lookup(kinds::POOL_PLACEMENTS, index::PARENT, &prospect.id)
}

impl<'r> Place<'r> {
    /// Reads the stage of an application. Where the ATS shows only the name, the id is that of the
    /// job's stage with this name. None while facts are missing.
    pub(super) fn of<'a: 'r>(
        draft: &mut Draft<'a>,
        record: &'r Record,
        job: Option<&str>,
    ) -> Option<Self> {
        let (mut id, name) = (record.text("stage.id"), record.text("stage.name"));
        if let (None, Some(name), Some(job)) = (id, name, job) {
            // By their job: without it the engine would search the stages of every job.
            let stages = draft.lookup(kinds::STAGES, index::PARENT, job)?;
            let is_called = |stage: &&Arc<Record>| {
                stage.text("name").map(normal::name) == Some(normal::name(name))
            };
            let of_job: Vec<&'a Arc<Record>> = stages.iter().filter(is_called).collect();
            if let [stage] = of_job.as_slice() {
                id = Some(&stage.id);
            }
        }
        Some(Self { id, name })
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.id.is_none() && self.name.is_none()
    }

    pub(super) fn shown(&self) -> &'r str {
        self.name.or(self.id).unwrap_or("no stage")
    }

    /// Whether a reference names this stage, without resolving what else it may name.
    pub(super) fn is_meant(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Full(FullReference::Id(id)) => self.id == Some(id.as_str()),
            Reference::Bare(name) | Reference::Full(FullReference::Name(name)) => {
                self.name.is_some_and(|held| normal::name(held) == normal::name(name))
            }
            Reference::Full(_) => false,
        }
    }
}
