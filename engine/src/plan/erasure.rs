//! Partial erasure: no policy restores a value that was emptied after the engine knew it. Pure.
//!
//! An ATS erases a candidate's data by groups (only the phone numbers, only one field) and need not
//! report it: the empty field looks like a recruiter's change. Of the two mistakes, restoring
//! erased data is the worse. So a field with a value in its base that is known to be empty now
//! stays empty, under `enforce` too. The base marks it ([`ERASED`]): the field stays unwritten when
//! others fill it, or when the host changes the policy. The engine writes a new value, or the same
//! one after it was removed from the record and declared again. `enforce` still overwrites a
//! recruiter who changes a value, or one of several entries.
//!
//! Groups: each scalar and custom field of candidates and applications; e-mails; phones; web sites
//! and social profiles among the links ([`super::contacts`]); labels ([`super::labels`]). Notes and
//! files are created once, whatever became of them ([`super::once`]). A base that was taken on a
//! record which was merged into another proves nothing about that one, until it is taken anew
//! ([`TAKEN_ON`]). A read that may be older than the engine's own last write proves nothing: the
//! field is left alone, no mark is set, and the next plan reads again.
//!
//! Left out: `private`, which protects the candidate, so `enforce` sets it again; stage and
//! outcome, which are never empty; custom fields and users, which are no personal data of a
//! candidate.

use super::ownership::{Comparison, Decision};
use super::story::Values;
use super::words::shown;
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

/// Whether the base marks a field as emptied.
pub(super) fn is_marked(applied: &Map<String, Value>, field: &str) -> bool {
    base::is_listed(applied, ERASED, field)
}

/// Whether the base marks a field, or entries of a contact list.
pub(super) fn has_marks(applied: &Map<String, Value>) -> bool {
    let marked = applied.get(ERASED).and_then(Value::as_array).into_iter().flatten();
    marked.filter_map(Value::as_str).any(|field| !field.starts_with("tags["))
        || ["emails", "phones", "links"]
            .iter()
            .any(|list| applied.get(*list).is_some_and(|base| base.get("erased").is_some()))
}

/// Sets or clears the mark that a field was emptied.
pub(super) fn mark(applied: &mut Map<String, Value>, field: &str, is_erased: bool) {
    base::set_listed(applied, ERASED, field, is_erased);
}

/// Clears the marks of fields that are no longer declared: declared again, they are new.
pub(super) fn retain(applied: &mut Map<String, Value>, keep: impl Fn(&str) -> bool) {
    base::retain_listed(applied, ERASED, keep);
}

impl<D: Owned> Draft<'_, D> {
    /// Whether a value to write would restore an erased one: it was applied before, the declaration
    /// is unchanged, and the field is empty now, or was.
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
        // A value that never showed was not emptied.
        let is_emptied = is_emptied
            && !link.is_some_and(|link| {
                forms::is_unseen(&link.applied, field, values.observed, values.desired)
            });
        let is_emptied =
            is_emptied && !values.desired.is_null() && !matches!(field, "stage" | "outcome");
        is_emptied || self.is_erased || link.is_some_and(|link| is_marked(&link.applied, field))
    }

    /// Whether the base of a path was taken on another record, which was merged or moved into the
    /// present one: it tells nothing about the present one.
    pub(super) fn is_base_of_another(&self, path: &str) -> bool {
        self.input.links.get(path).is_some_and(|link| {
            matches!(link.how, LinkHow::Followed | LinkHow::Yielded)
                && link.applied.get(TAKEN_ON).and_then(Value::as_str) != Some(&link.remote.id)
        })
    }

    /// Records in a base the record that it is taken on, where the link began with another one.
    pub(super) fn note_base_record(&self, path: &str, applied: &mut Map<String, Value>) {
        if self.is_base_of_another(path)
            && let Some(link) = self.input.links.get(path)
        {
            applied.insert(TAKEN_ON.to_owned(), json!(link.remote.id));
        }
    }

    /// Whether a field differs since a merge or a move led to a record with another value. Updates
    /// the base.
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

    /// Reports a field that differs because of a merge or a move.
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
        let there = shown(observed);
        let (kind, ends) = match decision {
            Decision::Conflict => {
                let ends = "the desired record changed since, and nothing is written until both \
                    agree (`enforce` overwrites the ATS's value)";
                (FindingKind::Conflict, ends)
            }
            _ => (FindingKind::Drifted, "the ATS's value is kept (policy yield)"),
        };
        let message = format!("{path}: `{field}` is {there} on {}, {became}; {ends}", link.remote);
        self.report(kind, path, Reason::Merged, message);
    }

    /// Updates the mark of a field after a decision.
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
            // The policy that leaves it empty may change.
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

    /// Whether the engine's last write for the record must show by now. Where it need not, the next
    /// plan reads again.
    pub(super) fn has_settled(&mut self, path: &str) -> bool {
        let settled = self.ask(self.facts.settled(path::key(path)));
        self.plan.look_again |= settled == Some(false);
        settled == Some(true)
    }

    /// Reports a value that was erased and is not restored.
    pub(super) fn report_erased(&mut self, path: &str, field: &str) {
        if !self.has_settled(path) {
            return self.report_not_shown_yet(path, field);
        }
        let message = format!(
            "{path}: `{field}` was emptied in the ATS after it had held a value, alone or with all \
             contacts, so it may have been erased; no policy restores the value. Declare another \
             value; or, to write the same one again, remove it from the record, apply, and declare \
             it again"
        );
        self.report(FindingKind::Drifted, path, Reason::Erased, message);
    }

    pub(super) fn report_not_shown_yet(&mut self, path: &str, field: &str) {
        let message = format!(
            "{path}: the last write to the record need not show in the ATS yet, and `{field}` does \
             not; nothing is written until it must show"
        );
        self.report(FindingKind::Note, path, Reason::NotShownYet, message);
    }

    /// Reports entries of a list that were erased and are not restored.
    pub(super) fn report_erased_entries(&mut self, path: &str, list: &str, entries: &[String]) {
        if !self.has_settled(path) {
            return self.report_not_shown_yet(path, list);
        }
        let message = format!(
            "{path}: {} vanished from `{list}` in the ATS when no entry of the group was left, so \
             it may have been erased; no policy restores it. Declare another one; or, to write the \
             same one again, remove it from the record, apply, and declare it again",
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
    fn a_field_that_is_no_longer_declared_loses_its_mark() {
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
