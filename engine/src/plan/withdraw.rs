//! A withdrawal: undoes what the engine did for a record, as far as possible. Pure.
//!
//! It removes tags that the engine added, entries such as educations that are unchanged since, and
//! e-mails, phones and links that the engine added to a candidate that existed before. What another
//! record is linked to stays. It never removes the candidate, applications, notes and attachments:
//! an ATS keeps them, and others may have built on them. A candidate that the engine created keeps
//! its addresses too, since they are how it is found. What stays is reported, one finding each.
//!
//! What the engine wrote last may not show yet. Then the record is blocked and keeps its links, and
//! a later withdrawal removes it.
//!
//! Left out: values of single fields. The value before the engine's write is not kept, and an empty
//! field does not restore it.

use super::contact_types::TypesPlan;
use super::contacts::{self, Compared, List};
use super::forms::Kept;
use super::{
    Draft, Facts, FieldChange, FindingKind, Input, Need, Owned, Plan, RecordPlan, entries, labels,
    step,
};
use crate::link::{LinkHow, LinkRow};
use crate::reason::Reason;
use atsync_model::declarable::{self, KnownBy};
use atsync_model::desired::{Desired, Policy};
use atsync_model::manifest::Manifest;
use atsync_model::resource;
use serde_json::{Map, Value, json};

/// The options of a withdrawal: what it removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WithdrawOptions {
    /// Tags that the engine added.
    pub tags: bool,
    /// E-mails, phones and links that it added, and whole entries such as educations.
    pub contacts: bool,
}

impl Default for WithdrawOptions {
    fn default() -> Self {
        Self { tags: true, contacts: true }
    }
}

/// Plans the withdrawal of one record.
///
/// # Errors
/// The facts that are missing; see `plan::record`.
pub fn record(
    input: &Input<'_>,
    facts: &Facts,
    options: WithdrawOptions,
) -> Result<RecordPlan, Vec<Need>> {
    match input.desired {
        Desired::Candidate(desired) => {
            let input = input.of(desired);
            let mut draft = Draft::new(&input, facts);
            if options.contacts {
                remove_contacts(&mut draft);
                entries::withdraw(&mut draft);
            }
            if options.tags {
                labels::withdraw(&mut draft);
            }
            finish(draft)
        }
        Desired::CustomField(desired) => finish(Draft::new(&input.of(desired), facts)),
        Desired::User(desired) => finish(Draft::new(&input.of(desired), facts)),
    }
}

fn finish<D: Owned>(mut draft: Draft<'_, D>) -> Result<RecordPlan, Vec<Need>> {
    report_what_stays(&mut draft);
    if draft.plan.look_again {
        let key = draft.input.desired.key();
        let message = format!(
            "{key}: the ATS does not show all that the engine wrote last, and need not yet; \
             nothing is removed. Withdraw it again in some minutes"
        );
        draft.block(&key, Reason::NotShownYet, message);
    }
    draft.finish().map(|(plan, _)| plan)
}

/// Wraps the plan of one record.
pub fn plan(
    manifest: &Manifest,
    component: Option<String>,
    connection: &str,
    record: RecordPlan,
) -> Plan {
    let mut plan = Plan {
        connection: connection.to_owned(),
        component,
        records: vec![record],
        planned: 1,
        ..Plan::default()
    };
    plan.calls = super::cost::of(&plan, manifest);
    plan
}

fn remove_contacts(draft: &mut Draft<'_>) {
    let key = draft.input.desired.key.clone();
    let Some(link) = draft.input.links.get(&key).filter(|link| link.how == LinkHow::Adopted) else {
        return;
    };
    let Some(record) = draft.observed(&link.remote) else { return };
    let Some(record) = record else {
        let message = format!(
            "{key}: {} is not shown by the ATS, so nothing can be removed from it; look for it in \
             the ATS, and try again when it shows",
            link.remote
        );
        draft.block(&key, Reason::NotVisible, message);
        return;
    };
    let mut applied = link.applied.clone();
    let mut remove = Map::new();
    let mut fields = Vec::new();
    for list in [List::Emails, List::Phones, List::Links] {
        let compared = Compared::by(draft.input.manifest, list);
        let last = link.applied.get(list.field());
        let kept = Kept::of(draft, &key, compared, &[], record, last);
        let mut planned =
            contacts::plan(compared, &[], &kept.seen(record), last, false, Policy::Yield);
        kept.spell(&mut planned, &mut TypesPlan::default());
        if planned.remove.is_empty() {
            continue;
        }
        let before = json!(contacts::values(record.list(list.field())));
        let after = json!({ "remove": contacts::values(&planned.remove) });
        fields.push(FieldChange::new(list.field(), before, after));
        remove.insert(list.field().to_owned(), Value::Array(planned.remove));
        contacts::record_applied(&mut applied, list, planned.applied);
    }
    if fields.is_empty() {
        return;
    }
    let Some(item) = draft.item() else { return };
    let Some(rule) = draft.operation(&key, &item.of.operation("update")) else { return };
    let mut step = step(rule, &key, "entries that the engine added are removed".to_owned());
    step.target = Some(link.remote.clone());
    step.input.insert("remove".to_owned(), Value::Object(remove));
    step.fields = fields;
    step.applied.insert(key, applied);
    draft.plan.steps.push(step);
}

fn report_what_stays<D: Owned>(draft: &mut Draft<'_, D>) {
    let key = draft.input.desired.key();
    if !draft.input.links.contains_key(&key) {
        let message = format!("{key}: it is not linked, so there is nothing to remove");
        draft.report(FindingKind::Note, &key, Reason::NotLinked, message);
        return;
    }
    for (path, link) in draft.input.links {
        let Some((what, why)) = stays(link) else { continue };
        let message = format!("{path}: {what} {} stays: it {why}", link.remote);
        draft.report(FindingKind::Note, path, Reason::Stays, message);
    }
}

/// Returns what stays of a linked record, and why; none for what can be removed.
fn stays(link: &LinkRow) -> Option<(String, &'static str)> {
    let Some(of) = declarable::of(&link.remote.kind) else {
        return (!declarable::is_tie(&link.remote.kind))
            .then(|| ("the record".to_owned(), "is never deleted"));
    };
    let is_candidate = of.kind == resource::PERSON;
    let mut what = format!("the {}", of.noun);
    let why = match of.known_by {
        KnownBy::Content => return None,
        KnownBy::Key if is_candidate && link.how == LinkHow::Adopted => "existed before the engine",
        KnownBy::Key if is_candidate => {
            "is never deleted, and keeps its addresses, since the engine created it"
        }
        KnownBy::Once(_) => "cannot be undone",
        KnownBy::Definition | KnownBy::Label if declarable::defines_values(of.kind) => {
            "the definition".clone_into(&mut what);
            "is never deleted, since that drops what others stored under it"
        }
        KnownBy::Key | KnownBy::Definition | KnownBy::Label => "is never deleted",
    };
    Some((what, why))
}
