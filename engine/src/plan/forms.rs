//! The form in which an ATS keeps a written value. Pure.
//!
//! An ATS may store another form than it was sent: a phone number as E.164, a link without its
//! query, a shortened title, a rounded number. No form of the model knows that, so each plan would
//! write the value again, or add the entry again. So each write leaves in the base what was there
//! before and what was written. A plan that then finds neither has found the ATS's form, and
//! reports it once.
//!
//! - A field under `yield`, `fill` or `seed`: the value at the read back is the form.
//! - A field under `enforce` is written once more. A value that shows unchanged after that is the
//!   form, and the pair is recorded as equal ([`super::equal`]). So a recruiter's change between
//!   the first write and its read back is overwritten.
//! - An entry of a list is never added twice: entries that appeared after the write stand for the
//!   added ones, in their order. One that was recognised at the read back is the engine's own and
//!   is removed when it is no longer declared; one that was recognised later is left in place.
//!
//! A form lapses when the ATS shows the value as written, when the form no longer shows, and when
//! the host declares another value. Left out: a value that never shows at all
//! ([`crate::journal::sends`]).

use super::contact_types::TypesPlan;
use super::contacts::{self, Compared, ListPlan};
use super::equal::{self, EQUAL, digest};
use super::form::Form;
use super::{Draft, FieldChange, FindingKind, Owned, Record, base};
use crate::reason::Reason;
use atsync_model::desired::{DesiredContact, Policy};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The member of a base that holds, by field, what was written and what was there before.
pub const SENT: &str = "~sent";
/// The reason of a note about a written value that never showed.
pub const NOT_SEEN: &str = "NotSeen";
/// The member of a write of a field that has no other form.
const EXACT: &str = "exact";
/// The member of a list's base with the entries before the last addition.
const BEFORE: &str = "before";
/// The member of a list's base that maps written entries to the shown ones.
const KEPT: &str = "kept";

/// Records a write of a field.
pub(super) fn record_write(
    applied: &mut Map<String, Value>,
    field: &str,
    before: &Value,
    after: &Value,
) {
    let (of, before) = (digest(after), digest(before));
    let last = applied.get(SENT).and_then(|sent| sent.get(field));
    let is_digest = |member: &str, what: &str| {
        last.and_then(|last| last.get(member)).and_then(Value::as_str) == Some(what)
    };
    // The value shown is neither the former nor the written one: this write will tell whether it is
    // the form.
    let is_new = is_digest("of", &of) && !is_digest("before", &before);
    let mut sent = json!({ "of": of, "before": before });
    if let (true, Some(members)) = (is_new, sent.as_object_mut()) {
        members.insert("shown".to_owned(), Value::String(before));
    }
    if let Some(all) = base::part(applied, SENT) {
        all.insert(field.to_owned(), sent);
    }
}

/// Records a write of a field that has no other form: a reference or a word. Every later change of
/// it is another user's.
pub(super) fn record_exact_write(
    applied: &mut Map<String, Value>,
    field: &str,
    before: &Value,
    after: &Value,
) {
    if let Some(all) = base::part(applied, SENT) {
        all.insert(
            field.to_owned(),
            json!({ "of": digest(after), "before": digest(before), EXACT: true }),
        );
    }
}

/// Whether the last write of a field never showed: the field shows the value before it.
pub(super) fn is_unseen(
    applied: &Map<String, Value>,
    field: &str,
    observed: &Value,
    desired: &Value,
) -> bool {
    let Some(sent) = applied.get(SENT).and_then(|sent| sent.get(field)) else { return false };
    let is_digest = |member: &str, what: &Value| {
        sent.get(member).and_then(Value::as_str) == Some(&digest(what))
    };
    is_digest("of", desired) && is_digest("before", observed)
}

/// Reports a written field that shows the value before.
pub(super) fn report_unseen<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    field: &str,
    shown: &str,
) {
    let message = format!(
        "{path}: `{field}` was written, and the ATS still shows {shown}: the write does not show \
         yet, or the ATS ignored it; it is not written again (`enforce` does)"
    );
    draft.report(FindingKind::Note, path, Reason::NotSeen, message);
}

/// Removes the record of the last write of a field.
pub(super) fn clear_sent(applied: &mut Map<String, Value>, field: &str) {
    base::remove(applied, SENT, field);
}

/// Removes what is recorded of fields that are no longer owned.
pub(super) fn retain(applied: &mut Map<String, Value>, owns: impl Fn(&str) -> bool) {
    for member in [SENT, EQUAL] {
        base::retain(applied, member, &owns);
    }
}

/// Updates the base of a field that is in step, be it in the ATS's form.
pub(super) fn in_step<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    field: &str,
    observed: &Value,
    desired: &Value,
    applied: &mut Map<String, Value>,
) {
    if !draft.in_ats_form.contains(&(path.to_owned(), field.to_owned())) {
        // The field shows as written, so the ATS has no other form of it.
        base::remove(applied, EQUAL, field);
    } else if !equal::holds(applied, field, observed, desired) {
        let shown = super::words::shown;
        let message = format!(
            "{path}: the ATS keeps {} in `{field}` as {}; both count as equal from now on",
            shown(desired),
            shown(observed)
        );
        let change = FieldChange::new(field, observed.clone(), desired.clone());
        equal::record(applied, std::iter::once(&change));
        let value =
            applied.get(EQUAL).and_then(|known| known.get(field)).cloned().unwrap_or_default();
        draft.keep_form(Form {
            path: path.to_owned(),
            member: EQUAL.to_owned(),
            below: Some(field.to_owned()),
            value,
            message,
        });
    }
    clear_sent(applied, field);
}

impl<D: Owned> Draft<'_, D> {
    /// Whether a field shows a known form of the declared value.
    pub(super) fn is_known_form(
        &self,
        path: &str,
        field: &str,
        observed: &Value,
        desired: &Value,
    ) -> bool {
        let Some(applied) = self.input.links.get(path).map(|link| &link.applied) else {
            return false;
        };
        equal::holds(applied, field, observed, desired)
            || self.is_form(applied, path, field, observed, desired)
    }

    /// Whether a field shows what has proven to be the ATS's form of the last write.
    fn is_form(
        &self,
        applied: &Map<String, Value>,
        path: &str,
        field: &str,
        observed: &Value,
        desired: &Value,
    ) -> bool {
        let Some(sent) = applied.get(SENT).and_then(|sent| sent.get(field)) else { return false };
        let is_digest = |member: &str, what: &Value| {
            sent.get(member).and_then(Value::as_str) == Some(&digest(what))
        };
        if observed.is_null() || !is_digest("of", desired) || sent.get(EXACT).is_some() {
            return false;
        }
        match self.policy(field) {
            Policy::Enforce => is_digest("shown", observed),
            Policy::Yield | Policy::Fill | Policy::Seed => {
                !is_digest("before", observed) && self.facts.is_fresh(path, field)
            }
        }
    }

    /// Adds a form to the plan, and reports it.
    fn keep_form(&mut self, form: Form) {
        self.report(
            FindingKind::Note,
            &form.path.clone(),
            Reason::KeptAsOther,
            form.message.clone(),
        );
        self.plan.forms.push(form);
    }
}

/// Records that a list written with a new record was empty before.
pub(super) fn record_empty_start(base: &mut Value, entries: &[Value]) {
    if let (Some(base), false) = (base.as_object_mut(), entries.is_empty()) {
        base.insert(BEFORE.to_owned(), json!([]));
    }
}

/// Which shown entries of a list stand for written ones.
#[derive(Debug)]
pub(super) struct Kept {
    compared: Compared,
    /// The shown entries, in the form that is compared.
    present: Vec<String>,
    /// The written entry, in the form that is compared, and the value shown for it.
    pairs: BTreeMap<String, String>,
    /// The declared spelling of a written entry.
    spelt: BTreeMap<String, String>,
    /// The pairs that were recognised now.
    new: Vec<String>,
    /// The new ones showed at the read back.
    is_fresh: bool,
    /// Written, and either not showing yet or not to be recognised among the shown entries: not
    /// written again.
    open: Vec<String>,
    /// The open ones do not show yet.
    waits: bool,
    /// The added entries never showed, and no former entry vanished.
    is_unseen: bool,
    /// The entries before the last addition, until the added ones are recognised.
    before: Option<Value>,
}

impl Kept {
    /// Recognises the written entries. `last`: the list's base.
    pub(super) fn of<D: Owned>(
        draft: &Draft<'_, D>,
        path: &str,
        compared: Compared,
        desired: &[DesiredContact],
        record: &Record,
        last: Option<&Value>,
    ) -> Self {
        let field = compared.list.field();
        let is_fresh = draft.facts.is_fresh(path, field);
        let is_enforced = draft.policy(field) == Policy::Enforce;
        let values = contacts::values(record.list(field));
        let present: Vec<String> = values.iter().map(|value| compared.normal(value)).collect();
        let spelt: BTreeMap<String, String> = desired
            .iter()
            .map(|one| (compared.normal(one.value()), one.value().trim().to_owned()))
            .collect();
        let mut kept = Self {
            compared,
            pairs: BTreeMap::new(),
            spelt,
            new: Vec::new(),
            is_fresh,
            open: Vec::new(),
            waits: false,
            is_unseen: false,
            before: last.and_then(|last| last.get(BEFORE)).cloned(),
            present,
        };
        let known = last.and_then(|last| last.get(KEPT)).and_then(Value::as_object);
        for (written, shown) in known.into_iter().flatten() {
            let at = kept.present.iter().position(|entry| Some(entry.as_str()) == shown.as_str());
            if let (Some(value), false) =
                (at.and_then(|at| values.get(at)), kept.present.contains(written))
            {
                kept.pairs.insert(written.clone(), (*value).to_owned());
            }
        }
        let added = contacts::base(compared, last, "added");
        let is_missing =
            |entry: &&String| !kept.present.contains(entry) && !kept.pairs.contains_key(*entry);
        let missing: Vec<String> = added.iter().filter(is_missing).cloned().collect();
        if kept.before.is_none() || missing.is_empty() {
            return kept;
        }
        let came = kept.unexplained(&added, contacts::base(compared, last, BEFORE), &values);
        if came.is_empty() {
            let before = contacts::base(compared, last, BEFORE);
            kept.is_unseen = before.iter().all(|entry| kept.present.contains(entry));
            kept.waits = !is_enforced;
            kept.open = if kept.waits { missing } else { Vec::new() };
        } else if came.len() == missing.len() {
            kept.new.clone_from(&missing);
            kept.pairs.extend(missing.into_iter().zip(came));
        } else {
            kept.open = missing;
        }
        kept
    }

    /// Whether the base cannot tell what was emptied: it was taken on another record, or the added
    /// entries never showed.
    pub(super) fn is_of_another<D: Owned>(&self, draft: &Draft<'_, D>, path: &str) -> bool {
        self.is_unseen || draft.is_base_of_another(path)
    }

    /// Returns the values that appeared since the last addition and that nothing else explains.
    fn unexplained(&self, added: &[String], before: Vec<String>, values: &[&str]) -> Vec<String> {
        // Each explains one entry.
        let mut explained = before;
        let own: BTreeSet<&String> = added.iter().chain(self.spelt.keys()).collect();
        let came_anew: Vec<String> =
            own.into_iter().filter(|own| !explained.contains(own)).cloned().collect();
        explained.extend(came_anew);
        explained.extend(self.pairs.values().map(|value| self.compared.normal(value)));
        let mut came = Vec::new();
        for (entry, value) in self.present.iter().zip(values) {
            match explained.iter().position(|known| known == entry) {
                Some(at) => drop(explained.swap_remove(at)),
                None => came.push((*value).to_owned()),
            }
        }
        came
    }

    /// Returns the record with each entry as it was written.
    pub(super) fn seen<'r>(&self, record: &'r Record) -> Cow<'r, Record> {
        if self.pairs.is_empty() && self.open.is_empty() {
            return Cow::Borrowed(record);
        }
        let field = self.compared.list.field();
        let spelt = |written: &String| json!(self.spelt.get(written).unwrap_or(written));
        let mut entries = record.list(field).to_vec();
        for (written, shown) in &self.pairs {
            let is_it =
                |entry: &&mut Value| entry.get("value").and_then(Value::as_str) == Some(shown);
            if let Some(entry) = entries.iter_mut().find(is_it).and_then(Value::as_object_mut) {
                entry.insert("value".to_owned(), spelt(written));
            }
        }
        entries.extend(self.open.iter().map(|written| json!({ "value": spelt(written) })));
        let mut seen = record.clone();
        seen.body.insert(field.to_owned(), Value::Array(entries));
        Cow::Owned(seen)
    }

    /// Puts removed and changed entries into the ATS's spelling.
    pub(super) fn spell(&self, planned: &mut ListPlan, types: &mut TypesPlan) {
        let shown = |value: &str| self.pairs.get(&self.compared.normal(value)).cloned();
        for entry in planned.remove.iter_mut().chain(&mut types.add).chain(&mut types.remove) {
            let is = entry.get("value").and_then(Value::as_str).and_then(shown);
            if let (Some(is), Some(entry)) = (is, entry.as_object_mut()) {
                entry.insert("value".to_owned(), Value::String(is));
            }
        }
        for verdict in &mut types.verdicts {
            verdict.value = shown(&verdict.value).unwrap_or_else(|| verdict.value.clone());
        }
    }

    /// Adds to the base what is known of the entries, and reports what is new.
    pub(super) fn record<D: Owned>(
        self,
        draft: &mut Draft<'_, D>,
        path: &str,
        planned: &mut ListPlan,
    ) {
        let field = self.compared.list.field();
        let mut messages = Vec::new();
        for written in &self.new {
            let (wanted, shown) =
                (self.spelt.get(written).unwrap_or(written), self.pairs.get(written));
            messages.push(format!(
                "{path}: the ATS keeps {wanted} in `{field}` as {}; both count as equal from now \
                 on",
                shown.map_or("", String::as_str)
            ));
        }
        if !self.open.is_empty() && !self.waits {
            let message = format!(
                "{path}: `{field}` does not show {} as written, and it is unknown which of the new \
                 entries in the ATS stand for them; they are not added again",
                self.open.join(", ")
            );
            draft.report(FindingKind::Note, path, Reason::KeptAsOther, message);
        }
        if self.waits && self.is_fresh {
            draft.plan.look_again = true;
        } else if self.waits {
            let message = format!(
                "{path}: {} was written to `{field}`, and the ATS does not show it: not yet, or it \
                 ignored the write; it is not written again (`enforce` does)",
                self.open.join(", ")
            );
            draft.report(FindingKind::Note, path, Reason::NotSeen, message);
        }
        let Some(base) = planned.applied.as_object_mut() else { return };
        if !self.is_fresh {
            // Recognised later, so it may belong to others and is never removed.
            let is_new = |entry: &Value| self.new.iter().any(|new| entry.as_str() == Some(new));
            let mut theirs = Vec::new();
            if let Some(added) = base.get_mut("added").and_then(Value::as_array_mut) {
                theirs.extend(added.iter().filter(|entry| is_new(entry)).cloned());
                added.retain(|entry| !is_new(entry));
            }
            if let Some(seen) = base.get_mut("seen").and_then(Value::as_array_mut) {
                seen.extend(theirs);
            }
        }
        let owns = |written: &str| {
            ["added", "seen"]
                .iter()
                .filter_map(|part| base.get(*part)?.as_array())
                .flatten()
                .any(|own| own == written)
        };
        let pairs: Map<String, Value> = self
            .pairs
            .iter()
            .filter(|(written, _)| owns(written))
            .map(|(written, shown)| (written.clone(), json!(self.compared.normal(shown))))
            .collect();
        if !pairs.is_empty() {
            base.insert(KEPT.to_owned(), Value::Object(pairs));
        }
        if !planned.add.is_empty() {
            let mut before = self.present;
            for gone in contacts::values(&planned.remove) {
                let gone = self.compared.normal(gone);
                if let Some(at) = before.iter().position(|entry| *entry == gone) {
                    before.swap_remove(at);
                }
            }
            base.insert(BEFORE.to_owned(), json!(before));
        } else if let (Some(before), false) = (self.before, self.open.is_empty()) {
            base.insert(BEFORE.to_owned(), before);
        }
        let is_settled = planned.add.is_empty() && planned.remove.is_empty();
        for message in messages {
            let value = planned.applied.clone();
            let form = Form {
                path: path.to_owned(),
                member: field.to_owned(),
                below: None,
                value,
                message,
            };
            if is_settled {
                draft.keep_form(form);
            } else {
                draft.report(FindingKind::Note, path, Reason::KeptAsOther, form.message);
            }
        }
    }
}
