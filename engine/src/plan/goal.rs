//! The references of a declared item, resolved. Pure.
//!
//! The table lists the fields that name a record of the ATS ([`atsync_model::declarable`]); each
//! resolves to one record or blocks the desired record ([`super::resolve`]).

use super::item::member_at;
use super::{Draft, FindingKind, Owned, Record};
use crate::reason::Reason;
use atsync_model::declarable::{Declarable, Holds};
use atsync_model::desired::Reference;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The records that an item names, by the place that names them.
pub(super) type Refs<'a> = Vec<(&'static str, &'a Arc<Record>)>;

/// The references of an application.
#[derive(Clone, Debug)]
pub(super) struct Goal<'a> {
    pub(super) job: Option<&'a Arc<Record>>,
    pub(super) pool: Option<&'a Arc<Record>>,
    pub(super) pool_stage: Option<&'a Arc<Record>>,
}

impl<'a> Goal<'a> {
    /// Takes the references of an application from those that were resolved.
    pub(super) fn of(refs: &Refs<'a>) -> Self {
        let at = |place| refs.iter().find(|(named, _)| *named == place).map(|(_, record)| *record);
        Self { job: at("job"), pool: at("pool"), pool_stage: at("pool_stage") }
    }
}

/// Resolves the references among the fields of the table. None while facts are missing or after it
/// blocked the record.
pub(super) fn resolve<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    of: &'static Declarable,
    members: &Map<String, Value>,
    path: &str,
) -> Option<Refs<'a>> {
    let before = (draft.needs.len(), draft.plan.findings.len());
    let mut refs: Refs<'a> = Vec::new();
    for field in of.fields {
        let Some(kind) = field.value.named() else { continue };
        let named = member_at(members, field.place).cloned();
        let Some(reference) = named.and_then(|it| serde_json::from_value::<Reference>(it).ok())
        else {
            continue;
        };
        let parent = match field.value {
            Holds::Within(_, place) => {
                let parent = refs.iter().find(|(named, _)| *named == place);
                let Some((_, parent)) = parent else { continue };
                Some(parent.id.as_str())
            }
            _ => None,
        };
        let found = draft.resolve(path, kind, parent, &reference);
        refs.extend(found.map(|record| (field.place, record)));
    }
    let mut added = draft.plan.findings.iter().skip(before.1);
    let blocked = added.any(|finding| finding.kind == FindingKind::Blocked);
    (draft.needs.len() == before.0 && !blocked).then_some(refs)
}

/// Reports a new application to a job that is not open. No ATS documents whether it accepts one, so
/// it is sent, and the reader of the plan decides.
pub(super) fn report_job_not_open(draft: &mut Draft<'_>, path: &str, job: &Record) {
    let Some(state) = job.text("state.value").filter(|state| *state != "open" && *state != "other")
    else {
        return;
    };
    let message = format!(
        "{path}: the job {:?} (id {}) is {state} in the ATS, not open; a new application to it is \
         sent nevertheless, and the ATS may refuse it",
        job.label(),
        job.id
    );
    draft.report(FindingKind::Note, path, Reason::JobNotOpen, message);
}
