//! What an application goes for: its references, resolved. Pure.

use super::{Draft, FindingKind, Record};
use crate::reason::Reason;
use atsync_model::desired::DesiredApplication;
use atsync_model::kinds;
use std::sync::Arc;

/// The references of an application, resolved.
pub(super) struct Goal<'a> {
    pub(super) job: Option<&'a Arc<Record>>,
    pub(super) pool: Option<&'a Arc<Record>>,
    pub(super) pool_stage: Option<&'a Arc<Record>>,
    pub(super) source: Option<&'a Arc<Record>>,
    pub(super) referrer: Option<&'a Arc<Record>>,
}

/// None while facts are missing or after it blocked the record.
pub(super) fn resolve<'a>(
    draft: &mut Draft<'a>,
    wanted: &DesiredApplication,
    host: &str,
) -> Option<Goal<'a>> {
    let before = (draft.needs.len(), draft.plan.findings.len());
    let reference = |draft: &mut Draft<'a>,
                     kind,
                     parent: Option<&str>,
                     reference: &Option<atsync_model::desired::Reference>| {
        reference.as_ref().and_then(|reference| draft.resolve(host, kind, parent, reference))
    };
    let job = reference(draft, kinds::JOBS, None, &wanted.job);
    let pool = reference(draft, kinds::POOLS, None, &wanted.pool);
    let pool_stage = match (&wanted.pool_stage, pool) {
        (Some(_), Some(pool)) => {
            reference(draft, kinds::POOL_STAGES, Some(&pool.id), &wanted.pool_stage)
        }
        _ => None,
    };
    let source = reference(draft, kinds::SOURCES, None, &wanted.source);
    let referrer = reference(draft, kinds::REFERRERS, None, &wanted.referrer);
    let blocked = draft
        .plan
        .findings
        .iter()
        .skip(before.1)
        .any(|finding| finding.kind == FindingKind::Blocked);
    if draft.needs.len() > before.0 || blocked {
        return None;
    }
    Some(Goal { job, pool, pool_stage, source, referrer })
}

/// Says that a new application is to a job that takes none from outside. Whether an ATS takes it
/// all the same is not documented of any, so it is sent, and the person who reads the plan decides.
pub(super) fn say_if_not_open(draft: &mut Draft<'_>, host: &str, job: &Record) {
    let Some(state) = job.text("state.value").filter(|state| *state != "open" && *state != "other")
    else {
        return;
    };
    let message = format!(
        "{host}: the job {:?} (id {}) is {state} in the ATS, not open; a new application to it is \
         sent all the same, and the ATS may refuse it",
        job.text("title").unwrap_or(&job.id),
        job.id
    );
    draft.say(FindingKind::Note, host, Reason::JobNotOpen, message);
}
