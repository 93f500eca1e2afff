//! Taking back what the engine did for a record, as far as that can be taken back. Pure.
//!
//! Undone are tags that the engine put on, and e-mails, phones and links that it added to a person
//! who was there before. Never undone are the person, applications, notes and attachments: an ATS
//! keeps them, and others may have built on them. A person whom the engine made keeps their
//! addresses too, or nobody could find them again. What stays is said, one finding each.
//!
//! Left out: values of single fields. What was there before the engine wrote is not kept, and an
//! empty field is not what it was.

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

/// What to take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithdrawOptions {
    /// Tags that the engine put on.
    pub tags: bool,
    /// E-mails, phones and links that it added, and whole entries, as of an education.
    pub contacts: bool,
}

impl Default for WithdrawOptions {
    fn default() -> Self {
        Self { tags: true, contacts: true }
    }
}

/// Plans the steps that take back.
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
                take_back_contacts(&mut draft);
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
    draft.finish().map(|(plan, _)| plan)
}

/// The plan around one record's.
pub fn plan(manifest: &Manifest, connection: &str, record: RecordPlan) -> Plan {
    let mut plan = Plan {
        connection: connection.to_owned(),
        records: vec![record],
        looked_at: 1,
        ..Plan::default()
    };
    plan.calls = super::cost::of(&plan, manifest);
    plan
}

fn take_back_contacts(draft: &mut Draft<'_>) {
    let key = draft.input.desired.key.clone();
    let Some(link) = draft.input.links.get(&key).filter(|link| link.how == LinkHow::Adopted) else {
        return;
    };
    let Some(record) = draft.observed(&link.remote) else { return };
    let Some(record) = record else {
        let message = format!(
            "{key}: {} is not shown by the ATS, so nothing can be taken back from it; look for it \
             in the ATS, and try again when it shows",
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
        fields.push(FieldChange {
            field: list.field().to_owned(),
            before: json!(contacts::values(record.list(list.field()))),
            after: json!({ "remove": contacts::values(&planned.remove) }),
        });
        remove.insert(list.field().to_owned(), Value::Array(planned.remove));
        contacts::record_applied(&mut applied, list, planned.applied);
    }
    if fields.is_empty() {
        return;
    }
    let Some(item) = draft.item() else { return };
    let Some(rule) = draft.operation(&key, &item.of.operation("update")) else { return };
    let mut step = step(rule, &key, "entries that the engine added are taken back".to_owned());
    step.target = Some(link.remote.clone());
    step.input.insert("remove".to_owned(), Value::Object(remove));
    step.fields = fields;
    step.applied.insert(key, applied);
    draft.plan.steps.push(step);
}

fn report_what_stays<D: Owned>(draft: &mut Draft<'_, D>) {
    let key = draft.input.desired.key();
    if !draft.input.links.contains_key(&key) {
        let message = format!("{key}: it is linked to nothing, so there is nothing to take back");
        draft.report(FindingKind::Note, &key, Reason::NotLinked, message);
        return;
    }
    for (path, link) in draft.input.links {
        let Some((what, why)) = stays(link) else { continue };
        let message = format!("{path}: {what} {} stays: it {why}", link.remote);
        draft.report(FindingKind::Note, path, Reason::Stays, message);
    }
}

/// What stays of what a path is linked to, and why; none for what can be taken back.
fn stays(link: &LinkRow) -> Option<(String, &'static str)> {
    let Some(of) = declarable::of(&link.remote.kind) else {
        return (!declarable::is_tie(&link.remote.kind))
            .then(|| ("the record".to_owned(), "is never deleted"));
    };
    let is_candidate = of.kind == resource::PERSON;
    let mut what = format!("the {}", if is_candidate { "person" } else { of.noun });
    let why = match of.known_by {
        KnownBy::Content => return None,
        KnownBy::Key if is_candidate && link.how == LinkHow::Adopted => {
            "was there before the engine came"
        }
        KnownBy::Key if is_candidate => {
            "is never deleted, and keeps their addresses, since the engine made them"
        }
        KnownBy::Once(_) => "cannot be taken back",
        KnownBy::Definition | KnownBy::Label if declarable::defines_values(of.kind) => {
            "the definition".clone_into(&mut what);
            "is never deleted, since that drops what others stored under it"
        }
        KnownBy::Key | KnownBy::Definition | KnownBy::Label => "is never deleted",
    };
    Some((what, why))
}
