//! Erasure in part: what was emptied after it had held a value is not written back, by any policy.
//! Pure.
//!
//! An ATS erases a person's data by groups (only the phone numbers, only the company, only the
//! custom fields) and need not report it: what is left is an empty field, which looks like the edit
//! of a recruiter. Of the two mistakes, writing erased data back is the worse. So a field that the
//! engine knew with a value (its base) and that is known to be empty now is left empty, under
//! `enforce` too. The base remembers it ([`ERASED`]): the field stays left alone when somebody else
//! fills it, or when the host changes the policy.
//!
//! What the host newly wants is written: another value, or the same one after it was taken out of
//! the record. A recruiter who changes a value, or one of several entries, is still overruled by
//! `enforce`.
//!
//! Groups: each scalar and each custom field, of candidates and applications; e-mails; phones;
//! among the links web sites and social profiles ([`super::contacts`]); the tags ([`super::tags`]).
//! Notes and files are made once, whatever became of them ([`super::once`]).
//!
//! A base that was taken on a record which was merged into another says nothing of what that other
//! one held, until it was taken anew ([`TAKEN_ON`]).
//!
//! A read that may be older than our own last write to the record proves nothing: what is empty in
//! it may have been empty before that write. Such a field is left alone, nothing is remembered, and
//! the next plan looks again.
//!
//! Left out: `private`, which is no data of the person and protects it, so `enforce` sets it again;
//! stage and outcome, which are never empty; the definitions of custom fields and users, which are
//! nobody's personal data.

use super::ownership::{Comparison, Decision};
use super::story::Values;
use super::{Draft, FindingKind, Owned, base, forms};
use crate::link::LinkHow;
use crate::path;
use crate::reason::Reason;
use atsync_model::resource;
use serde_json::{Map, Value, json};

/// The member of a base that lists the fields that were emptied: `company`,
/// `custom_fields.channel`, `tags[vip]`.
pub(super) const ERASED: &str = "~erased";

/// The member of a base that names the record that it was taken on, where the link followed a merge
/// or a move.
pub(super) const TAKEN_ON: &str = "~on";

/// Whether the base says that a field was emptied.
pub(super) fn is_marked(applied: &Map<String, Value>, field: &str) -> bool {
    base::is_listed(applied, ERASED, field)
}

/// Whether the base says so of anything but tags: of a field, or of entries of a list.
pub(super) fn has_marks(applied: &Map<String, Value>) -> bool {
    let marked = applied.get(ERASED).and_then(Value::as_array).into_iter().flatten();
    marked.filter_map(Value::as_str).any(|field| !field.starts_with("tags["))
        || ["emails", "phones", "links"]
            .iter()
            .any(|list| applied.get(*list).is_some_and(|base| base.get("erased").is_some()))
}

/// Remembers that a field was emptied, or forgets it.
pub(super) fn mark(applied: &mut Map<String, Value>, field: &str, is_erased: bool) {
    base::set_listed(applied, ERASED, field, is_erased);
}

/// Forgets of the fields that are no longer declared that they were emptied: named again, they are
/// a new wish.
pub(super) fn retain(applied: &mut Map<String, Value>, keep: impl Fn(&str) -> bool) {
    base::retain_listed(applied, ERASED, keep);
}

impl<D: Owned> Draft<'_, D> {
    /// Whether a value that would be written is one that was erased: it was applied before, the
    /// host wants no other one since, and the field is empty now, or was.
    pub(super) fn restores_erased(
        &self,
        path: &str,
        field: &str,
        comparison: Comparison,
        values: &Values<'_>,
    ) -> bool {
        if !D::is_personal(field) || !comparison.has_base || !comparison.desired_is_base {
            return false;
        }
        let link = self.input.links.get(path);
        let is_emptied = comparison.observed_is_empty
            && !comparison.observed_is_base
            && !self.is_base_of_another(path);
        // What was never seen was not emptied either.
        let is_emptied = is_emptied
            && !link.is_some_and(|link| {
                forms::is_unseen(&link.applied, field, values.observed, values.desired)
            });
        let is_emptied =
            is_emptied && !values.desired.is_null() && !matches!(field, "stage" | "outcome");
        is_emptied || self.is_erased || link.is_some_and(|link| is_marked(&link.applied, field))
    }

    /// Whether the base of a path was taken on another record, which was merged or moved into the
    /// present one: that one says nothing of what the present one held.
    pub(super) fn is_base_of_another(&self, path: &str) -> bool {
        self.input.links.get(path).is_some_and(|link| {
            matches!(link.how, LinkHow::Followed | LinkHow::Yielded)
                && link.applied.get(TAKEN_ON).and_then(Value::as_str) != Some(&link.remote.id)
        })
    }

    /// Says in a base on which record it is taken, where that is not the one that the link began
    /// with.
    pub(super) fn note_base_record(&self, path: &str, applied: &mut Map<String, Value>) {
        if self.is_base_of_another(path)
            && let Some(link) = self.input.links.get(path)
        {
            applied.insert(TAKEN_ON.to_owned(), json!(link.remote.id));
        }
    }

    /// Whether the value of a field that differs was found on the record that a merge or a move led
    /// to, and differs since. Brings the base up to date with that.
    pub(super) fn is_found_after_merge(
        &self,
        path: &str,
        applied: &mut Map<String, Value>,
        field: &str,
        decision: Decision,
    ) -> bool {
        let differs = matches!(decision, Decision::Drifted | Decision::Conflict);
        let is_it = self.is_base_of_another(path)
            || base::is_listed(applied, base::FOUND_AFTER_MERGE, field);
        base::set_listed(applied, base::FOUND_AFTER_MERGE, field, differs && is_it);
        differs && is_it
    }

    /// Says of a field that it differs by a merge or a move.
    pub(super) fn report_found_after_merge(
        &mut self,
        path: &str,
        field: &str,
        decision: Decision,
        observed: &Value,
    ) {
        let Some(link) = self.input.links.get(path) else { return };
        let became = if link.remote.kind == resource::PERSON {
            "which its candidate was merged into in the ATS"
        } else {
            "which it lives on as in the ATS"
        };
        let there = super::words::shown(observed);
        let (kind, ends) = match decision {
            Decision::Conflict => {
                let ends = "the desired record changed since, and nothing is written until one of \
                    them gives way (or the policy is enforce)";
                (FindingKind::Conflict, ends)
            }
            _ => (FindingKind::Drifted, "that stands (policy yield)"),
        };
        let message = format!("{path}: `{field}` is {there} on {}, {became}; {ends}", link.remote);
        self.report(kind, path, Reason::Merged, message);
    }

    /// Brings the base up to date with what was decided on a field: whether it was emptied.
    pub(super) fn update_mark(
        &mut self,
        path: &str,
        applied: &mut Map<String, Value>,
        field: &str,
        decision: Decision,
        observed: &Value,
    ) {
        match decision {
            Decision::InStep | Decision::Write => mark(applied, field, false),
            Decision::Erased => {
                if self.has_settled(path) {
                    mark(applied, field, true);
                }
            }
            // A policy that leaves it empty may be another one tomorrow.
            Decision::Drifted | Decision::Conflict | Decision::Leave => {
                let held = applied
                    .get(field)
                    .is_some_and(|base| !base.is_null() && base.as_str() != Some(""));
                let is_emptied = held
                    && observed.is_null()
                    && D::is_personal(field)
                    && !self.is_base_of_another(path);
                if is_emptied && self.has_settled(path) {
                    mark(applied, field, true);
                }
            }
        }
    }

    /// Whether what the engine last wrote for the record must show by now. Where it need not, the
    /// next plan looks again.
    pub(super) fn has_settled(&mut self, path: &str) -> bool {
        let settled = self.ask(self.facts.settled(path::key(path)));
        self.plan.look_again |= settled == Some(false);
        settled == Some(true)
    }

    /// Says that a value was erased and is not put back.
    pub(super) fn report_erased(&mut self, path: &str, field: &str) {
        if !self.has_settled(path) {
            return self.report_not_shown_yet(path, field);
        }
        let message = format!(
            "{path}: `{field}` was emptied in the ATS after it had held a value, alone or when all \
             contacts went, so it may have been \
             erased; the value is not put back, whatever the policy. Declare another value; or, to \
             write the same one again, take it out of the \
             record, apply, and declare it again"
        );
        self.report(FindingKind::Drifted, path, Reason::Erased, message);
    }

    pub(super) fn report_not_shown_yet(&mut self, path: &str, field: &str) {
        let message = format!(
            "{path}: the record was written to so lately that the ATS need not show it yet, and \
             `{field}` does not; nothing \
             is written until it must show"
        );
        self.report(FindingKind::Note, path, Reason::NotShownYet, message);
    }

    /// Says of entries of a list that they were erased and are not put back.
    pub(super) fn report_erased_entries(&mut self, path: &str, list: &str, entries: &[String]) {
        if !self.has_settled(path) {
            return self.report_not_shown_yet(path, list);
        }
        let message = format!(
            "{path}: {} went out of `{list}` in the ATS when nothing of its kind was left there, \
             so it may have been erased; it \
             is not put back, whatever the policy. Declare another one; or, to write the same one \
             again, take it out of \
             the record, apply, and declare it again",
            entries.join(", ")
        );
        self.report(FindingKind::Drifted, path, Reason::Erased, message);
    }
}

#[cfg(test)]
mod tests {
    use super::{has_marks, is_marked, mark, retain};
    use serde_json::{Map, Value, json};

    fn base() -> Map<String, Value> {
        json!({ "company": "One" }).as_object().unwrap().clone()
    }

    #[test]
    fn a_field_is_marked_once_and_unmarked_without_a_trace() {
        let mut applied = base();
        mark(&mut applied, "company", true);
        mark(&mut applied, "company", true);
        assert!(
            is_marked(&applied, "company") && has_marks(&applied) && !is_marked(&applied, "title")
        );
        mark(&mut applied, "company", false);
        assert_eq!(applied, base());
    }

    #[test]
    fn a_field_that_is_no_longer_declared_is_forgotten() {
        let mut applied = base();
        for field in ["company", "tags[vip]"] {
            mark(&mut applied, field, true);
        }
        retain(&mut applied, |field| field == "company");
        assert!(is_marked(&applied, "company") && !is_marked(&applied, "tags[vip]"));
        retain(&mut applied, |_| false);
        assert_eq!(applied, base());
    }
}
