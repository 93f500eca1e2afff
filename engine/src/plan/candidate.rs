//! A candidate: found or created, kept in step, with everything declared below it. Pure.
//!
//! Order of identification: the link; else the candidate that the record's `id` names; else the one
//! with a declared e-mail address; else a new record. Two candidates with the same address block
//! the record: the engine never guesses. Tags, applications, notes and entries are planned after
//! the candidate.
//!
//! Left out: contact lists ([`super::contact_lists`]) and each kind below a candidate.

use super::contact_lists::{self, Entries};
use super::facts::ids;
use super::fields::{Creation, Update};
use super::found::Found;
use super::item::Item;
use super::parent::Parent;
use super::resource::{Kind, adopt_alone, linked, plan as walk};
use super::values::Others;
use super::{
    Draft, FindingKind, Record, Step, application, contacts, entries, erasure, labels, once,
};
use crate::index;
use crate::link::LinkHow;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{DesiredCandidate, DesiredContact};
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The candidate of a desired record.
struct Candidate<'a> {
    item: Item<'a>,
    entries: Entries,
}

/// Plans the candidate and everything declared below it.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(item) = draft.item() else { return };
    walk(draft, Candidate { item, entries: Entries::default() });
}

impl<'a> Kind<'a> for Candidate<'a> {
    type Of = DesiredCandidate;

    fn item(&self) -> &Item<'a> {
        &self.item
    }

    fn find(&mut self, draft: &mut Draft<'a>) -> Option<Found<'a>> {
        find(draft)
    }

    fn keeps_in_step(&mut self, draft: &mut Draft<'a>, record: &'a Arc<Record>) -> bool {
        let key = &draft.input.desired.key;
        let base = draft.input.links.get(key).map(|link| &link.applied);
        if base.is_some_and(|base| contacts::are_gone(record, base)) {
            draft.is_erased = true;
            let message = format!(
                "{key}: {} has no contact left in the ATS, so its data may have been erased; no \
                 policy restores what was there",
                record.remote()
            );
            draft.report(FindingKind::Drifted, key, Reason::ContactsGone, message);
        }
        true
    }

    fn complete_creation(
        &mut self,
        draft: &mut Draft<'a>,
        rule: Option<&OperationRule>,
        creation: &mut Creation,
    ) {
        contact_lists::make(draft, creation);
        if let Some(rule) = rule {
            labels::carry(draft, &self.item, rule, creation);
        }
    }

    fn report_no_creation(&self, draft: &mut Draft<'a>) {
        let key = &draft.input.desired.key;
        let message = format!("{key}: the adapter cannot create candidates");
        draft.block(key, Reason::NotSupported, message);
    }

    fn creation_reason(&self, draft: &Draft<'a>, step: &mut Step) -> String {
        // One probe per address: an ATS can be searched by nothing else.
        let emails = step.input.get("emails").and_then(Value::as_array);
        let addresses = emails.map_or(1, |emails| emails.len().max(1));
        step.calls = step.calls.saturating_add(u32::try_from(addresses).unwrap_or(u32::MAX));
        let reason = if draft.input.desired.emails.as_ref().is_none_or(Vec::is_empty) {
            "it has no `id` and no e-mail address by which a candidate could be found"
        } else {
            "no candidate in the ATS has one of its e-mail addresses"
        };
        reason.to_owned()
    }

    fn complete_change(&mut self, draft: &mut Draft<'a>, record: &Record, update: &mut Update) {
        self.entries = contact_lists::change(draft, record, update);
    }

    fn complete_update(
        &mut self,
        draft: &mut Draft<'a>,
        rule: &OperationRule,
        record: &Record,
        set: Map<String, Value>,
        step: &mut Step,
    ) -> Others {
        if !set.is_empty() {
            step.input.insert("set".to_owned(), Value::Object(set));
        }
        let entries = std::mem::take(&mut self.entries);
        contact_lists::join(draft, rule, record, entries, &mut step.input)
    }

    fn plan_dependents(
        &mut self,
        draft: &mut Draft<'a>,
        record: Option<&'a Arc<Record>>,
        applied: Option<Map<String, Value>>,
    ) {
        let Item { path, members, of, .. } = &self.item;
        if record.is_some() {
            draft.has_erased |= applied.as_ref().is_some_and(erasure::has_marks);
        }
        let candidate = Parent { path: path.clone(), record };
        labels::plan(draft, &self.item, &candidate);
        application::plan(draft, members, &candidate);
        once::plan(draft, members, of.kind, &candidate);
        entries::plan(draft, members, of.kind, &candidate);
    }
}

/// Finds the linked candidate, or one with a declared address. None while facts are missing or
/// after it blocked the record.
fn find<'a>(draft: &mut Draft<'a>) -> Option<Found<'a>> {
    let key = draft.input.desired.key.clone();
    if let Some(link) = draft.input.links.get(&key) {
        let remote = link.remote.clone();
        if link.how == LinkHow::Yielded && !may_use(draft, &key, &remote)? {
            return None;
        }
        let unseen = || {
            format!(
                "{key}: it is linked to {remote}, which the ATS does not show: deleted, merged, \
                 made private, or not visible yet; it continues when the ATS shows it, and a sweep \
                 of candidates finds out which"
            )
        };
        let record = linked(draft, &key, &remote, |draft| gone(draft, &key, &remote), unseen)?;
        if !is_named(draft, &key, &remote, link.how) {
            return None;
        }
        return may_be_written(draft, &key, record).then_some(Found::Existing(record));
    }
    if let Some(id) = &draft.input.desired.id {
        return find_by_id(draft, &key, &RemoteRef::new(DesiredCandidate::KIND, id));
    }
    let emails = draft.input.desired.emails.as_deref().unwrap_or_default();
    let mut found: Vec<&'a Arc<Record>> = Vec::new();
    let mut complete = true;
    for email in emails {
        match draft.lookup(DesiredCandidate::KIND, index::EMAIL, email.value()) {
            Some(records) => {
                for record in records {
                    if !found.iter().any(|known| known.id == record.id) {
                        found.push(record);
                    }
                }
            }
            None => complete = false,
        }
    }
    if !complete {
        return None;
    }
    match found.as_slice() {
        [] => claim_addresses(draft, &key, emails).then_some(Found::Missing),
        [record] if !may_be_written(draft, &key, record) => None,
        [record] => adopt_alone(draft, &key, record, "has the same e-mail address")
            .then_some(Found::Existing(record)),
        several => {
            let addresses: Vec<&str> = emails.iter().map(|email| email.value()).take(20).collect();
            let message = format!(
                "{key}: {} candidates in the ATS have the e-mail address {} (ids {}); merge them \
                 in the ATS, or correct the address, or name the right one by `id`",
                several.len(),
                addresses.join(" or "),
                ids(several)
            );
            draft.block(&key, Reason::AmbiguousCandidate, message);
            None
        }
    }
}

/// Finds the candidate that the record names by `id`, or blocks the record. No other one is created
/// in its place.
fn find_by_id<'a>(draft: &mut Draft<'a>, key: &str, remote: &RemoteRef) -> Option<Found<'a>> {
    let Some(record) = draft.observed(remote)? else {
        let message = if draft.facts.is_gone(remote) {
            format!(
                "{key}: {remote}, which its `id` names, was deleted or merged in the ATS; correct \
                 `id`, or leave it out"
            )
        } else {
            format!(
                "{key}: the ATS does not show {remote}, which its `id` names: deleted, merged, \
                 hidden, or erased here; correct `id`, or leave it out"
            )
        };
        draft.block(key, Reason::NotVisible, message);
        return None;
    };
    let is_free = may_be_written(draft, key, record)
        && adopt_alone(draft, key, record, "is the one that `id` names");
    is_free.then_some(Found::Existing(record))
}

/// Whether a record's `id` names the candidate that it is linked to. A link that followed a merge
/// may lead elsewhere.
fn is_named(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef, how: LinkHow) -> bool {
    let Some(id) = draft.input.desired.id.as_ref() else { return true };
    if *id == remote.id || matches!(how, LinkHow::Followed | LinkHow::Yielded) {
        return true;
    }
    let message = format!(
        "{key}: it is linked to {remote}, and its `id` is {id:?}; correct `id`, or abandon the \
         record before you declare it again"
    );
    draft.block(key, Reason::LinkedElsewhere, message);
    false
}

/// Whether the candidate may be written. Nothing is written to one that was anonymised, whether it
/// is linked or found by an address.
fn may_be_written(draft: &mut Draft<'_>, key: &str, record: &Record) -> bool {
    let anonymised = record.value("privacy.anonymized").and_then(Value::as_bool) == Some(true);
    if anonymised {
        let message = format!(
            "{key}: {} was anonymised in the ATS; nothing is written to it",
            record.remote()
        );
        draft.block(key, Reason::Anonymized, message);
    }
    !anonymised
}

/// Returns the message for a deleted candidate. An ATS may show a merge only by the applications,
/// which move, so the message names the candidate that has one of the addresses now. None while
/// facts are missing.
fn gone(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef) -> Option<String> {
    let emails = draft.input.desired.emails.as_deref().unwrap_or_default();
    let mut others: BTreeSet<RemoteRef> = BTreeSet::new();
    for email in emails {
        let known = draft.lookup(DesiredCandidate::KIND, index::EMAIL, email.value())?;
        others.extend(known.iter().map(|record| record.remote()));
    }
    let mut others = others.into_iter().filter(|record| record != remote);
    let on = match (others.next(), others.next()) {
        (Some(one), None) => format!(
            "{one} has the e-mail address: if it was merged into that one, link the record to it \
             (`Connection::link`), or declare it under another key"
        ),
        _ => "stop declaring it, or declare it under another key to create it again".to_owned(),
    };
    Some(format!(
        "{key}: {remote} was deleted in the ATS, or merged into another candidate, and is not \
         created again; {on}"
    ))
}

/// Whether a record may use the candidate that its own was merged into: no other record is linked
/// to it, or the one that was is no longer declared and this record is next in order. None while
/// facts are missing.
fn may_use(draft: &mut Draft<'_>, key: &str, remote: &RemoteRef) -> Option<bool> {
    let paths = draft.linked_to(remote)?;
    let Some(holder) = paths.first().filter(|path| path.as_str() != key).cloned() else {
        return Some(true);
    };
    let message = format!(
        "{key}: its candidate was merged into {remote}, which {holder} is linked to; nothing is \
         written for it. Declare them as one record, or stop declaring one of them"
    );
    draft.block(key, Reason::Merged, message);
    Some(false)
}

/// Whether no other desired record of the run creates a candidate with one of the addresses. Blocks
/// the record otherwise.
fn claim_addresses(draft: &mut Draft<'_>, key: &str, emails: &[DesiredContact]) -> bool {
    let other = emails.iter().find_map(|email| {
        let claimed = draft.facts.claimed_by(email.value())?;
        (claimed != key).then(|| (email.value().to_owned(), claimed.to_owned()))
    });
    let Some((email, other)) = other else { return true };
    let message = format!(
        "{key}: {other} declares a new candidate with the same e-mail address {email}; declare \
         them as one record"
    );
    draft.block(key, Reason::DuplicateDesired, message);
    false
}
