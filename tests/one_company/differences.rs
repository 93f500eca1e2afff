//! What cannot compare equal between two ATSs, and why.

use crate::view::{Difference, RECORD};
use serde_json::Value;

/// How the value, or the record, of one ATS differs from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// It has none where the other has one.
    Lacks,
    /// It has one where the other has none.
    Has,
    /// Both have one, and they differ.
    Differs,
}

/// A field of a kind in which an ATS differs from the others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Known {
    ats: &'static str,
    kind: &'static str,
    /// [`RECORD`] for records.
    field: &'static str,
    how: How,
    /// For readers, and for the message of an entry that nothing needs.
    why: &'static str,
}

impl Known {
    /// Whether a difference of two ATSs is this one.
    pub(crate) fn covers(&self, left: &str, right: &str, found: &Difference) -> bool {
        let how = |mine: &Option<Value>, other: &Option<Value>| match (mine, other) {
            (None, _) => How::Lacks,
            (_, None) => How::Has,
            _ => How::Differs,
        };
        let one = self.ats == left && how(&found.one, &found.two) == self.how;
        let two = self.ats == right && how(&found.two, &found.one) == self.how;
        (one || two) && self.kind == found.kind && self.field == found.field
    }
}

const fn known(
    ats: &'static str,
    kind: &'static str,
    field: &'static str,
    how: How,
    why: &'static str,
) -> Known {
    Known { ats, kind, field, how, why }
}

/// The differences.
pub(crate) const KNOWN: &[Known] = &[
    // ---------------------------------------------------------------- what an ATS does not have
    known("ashby", "applications", RECORD, How::Lacks, "Ashby has no prospects"),
    known(
        "lever",
        "applications",
        RECORD,
        How::Lacks,
        "A prospect and what became of it are one opportunity",
    ),
    known(
        "lever",
        "applications",
        RECORD,
        How::Has,
        "A person without an application has an opportunity",
    ),
    known(
        "lever",
        "applications",
        "kind",
        How::Differs,
        "An opportunity with a posting is an application",
    ),
    known("lever", "applications", "posting", How::Has, "A posting is the job"),
    known(
        "lever",
        "applications",
        "updated_at",
        How::Lacks,
        "Most opportunities have none, as recorded",
    ),
    known(
        "ashby",
        "applications",
        "outcome",
        How::Differs,
        "The reason's type comes with the application",
    ),
    known("ashby", "applications", "referrer", How::Lacks, "Only users are credited, not agencies"),
    known("ashby", "applications", "stage", How::Differs, "An end is a stage"),
    known("ashby", "applications", "stage", How::Has, "An end is a stage"),
    known("greenhouse", "applications", "stage", How::Lacks, "Prospects and hires have no stage"),
    known("lever", "notes", "application", How::Has, "A note belongs to an opportunity"),
    known("ashby", "candidates", "name", How::Has, "An anonymised person keeps a word as name"),
    known(
        "ashby",
        "jobs",
        "custom_fields",
        How::Lacks,
        "The employment type is a member of the job",
    ),
    known(
        "lever",
        "jobs",
        "departments",
        How::Differs,
        "The department is the upper one, the team below has no field",
    ),
    known("ashby", "custom_fields", "key", How::Differs, "A field has no key but its id"),
    known("ashby", "stages", RECORD, How::Has, "Leads, hires and the archive are stages"),
    known("ashby", "stages", "order", How::Differs, "A stage for leads comes first"),
    known("lever", "stages", RECORD, How::Lacks, "Stages are the account's, not a job's"),
    known("lever", "stages", RECORD, How::Has, "Stages are the account's, not a job's"),
    known("lever", "tags", RECORD, How::Has, "Each category of a posting is a tag"),
    known(
        "greenhouse",
        "application_stages",
        RECORD,
        How::Has,
        "Stages that were not entered have a row",
    ),
    known("ashby", "application_stages", RECORD, How::Has, "An end is a stage"),
    known("lever", "application_stages", RECORD, How::Has, "A prospect is in a stage for leads"),
    known("ashby", "application_stages", "current", How::Differs, "An end is a stage"),
    known("ashby", "application_stages", "exited_at", How::Has, "An end is a stage"),
    known("ashby", "application_stages", "exited_at", How::Differs, "An end is a stage"),
    // ------------------------------------------------------------------ what the sandboxes choose
    known("greenhouse", "users", RECORD, How::Has, "The integration's own user has no address"),
    known("lever", "reject_reasons", RECORD, How::Has, "The account has a reason out of use"),
    known("lever", "notes", "visibility", How::Differs, "Some notes are secret"),
    known(
        "ashby",
        "custom_fields",
        "type",
        How::Differs,
        "Users, links and ranges are held as texts",
    ),
    known("greenhouse", "jobs", "updated_at", How::Differs, "A closing leaves no stamp"),
    known("greenhouse", "openings", RECORD, How::Has, "A hire has a seat of its own"),
    known("greenhouse", "openings", "closed_at", How::Has, "A seat of a draft is closed"),
];
