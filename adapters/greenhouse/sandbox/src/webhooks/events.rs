//! Finds the events of one write, by comparing its rows before and after.
//!
//! The rules are those of webhooks.md §4. Where it does not say whether a change fires, nothing
//! does, so a client that relies on more than is promised fails here: a candidate's notes, files,
//! background and mere activity fire nothing, and what a merge, a deletion or an anonymisation does
//! to other records is silent.

use serde_json::{Value, json};

use super::payload::{self, column};
use crate::hook_quirks::HookQuirks;
use crate::model::Model;
use crate::model::cell::Row;
use crate::model::watch::{Effects, Occurrence, Touched};
use crate::schema::Kind;

/// The columns of a job whose changes fire.
const OF_A_JOB: [&str; 7] =
    ["name", "department_id", "office_ids", "opened_at", "status", "notes", "custom_fields"];
/// The columns of any row whose changes alone fire nothing.
const STAMPS: [&str; 3] = ["created_at", "updated_at", "last_activity_at"];

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) action: &'static str,
    pub(super) payload: Value,
}

/// The net change of one row.
enum Change<'a> {
    Created,
    Updated { before: &'a Row, after: &'a Row },
    Removed { before: &'a Row },
}

impl<'a> Change<'a> {
    fn of(model: &'a Model, touched: &'a Touched) -> Option<Self> {
        match (&touched.before, model.row(touched.kind, touched.id)) {
            (None, None) => None,
            (None, Some(_)) => Some(Self::Created),
            (Some(before), None) => Some(Self::Removed { before }),
            (Some(before), Some(after)) => Some(Self::Updated { before, after }),
        }
    }
}

/// What the events of one write depend on.
struct Writing<'a> {
    model: &'a Model,
    effects: &'a Effects,
    quirks: &'a HookQuirks,
}

/// Lists the events of a write. `merge_has_webhook`: whether an active webhook is for merges; if
/// not, a merge fires as a deletion.
pub(super) fn of(
    model: &Model,
    effects: &Effects,
    quirks: &HookQuirks,
    merge_has_webhook: bool,
) -> Vec<Event> {
    let writing = Writing { model, effects, quirks };
    if effects.occurrences.is_empty() {
        return effects.rows.iter().flat_map(|touched| writing.row(touched)).collect();
    }
    let occurrences = effects.occurrences.iter();
    occurrences.filter_map(|one| writing.occurrence(one, merge_has_webhook)).collect()
}

fn event(action: &'static str, payload: Value) -> Event {
    Event { action, payload }
}

/// Whether a row differs in one of the columns, or, without columns, in any that matters.
fn differs(kind: Kind, before: &Row, after: &Row, columns: &[&str]) -> bool {
    let fields = kind.endpoint().map_or(&[][..], |endpoint| &endpoint.fields);
    fields.iter().enumerate().any(|(at, field)| {
        let counts = if columns.is_empty() {
            !STAMPS.contains(&field.name)
        } else {
            columns.contains(&field.name)
        };
        counts && before.cell(at) != after.cell(at)
    })
}

impl Writing<'_> {
    fn occurrence(&self, occurrence: &Occurrence, merge_has_webhook: bool) -> Option<Event> {
        match occurrence {
            Occurrence::Anonymised { candidate, fields } => Some(event(
                "candidate_anonymized",
                json!({"candidate_id": candidate, "anonymized_fields": fields}),
            )),
            Occurrence::Merged { loser, winner } => {
                let before = self.before(Kind::Candidates, *loser)?;
                if merge_has_webhook {
                    let mut person = payload::person(before);
                    if let Some(map) = person.as_object_mut() {
                        map.insert("new_candidate_id".to_owned(), json!(winner));
                    }
                    return Some(event("merge_candidate", json!({"person": person})));
                }
                // The applications stay, under the winner.
                Some(self.deleted_candidate(before, &[]))
            }
        }
    }

    fn before(&self, kind: Kind, id: i64) -> Option<&Row> {
        let rows = self.effects.rows.iter();
        let touched = rows.filter(|touched| touched.kind == kind && touched.id == id);
        touched.filter_map(|touched| touched.before.as_ref()).next()
    }

    /// Whether the write removed a record.
    fn removed(&self, kind: Kind, id: Option<i64>) -> bool {
        id.is_some_and(|id| self.before(kind, id).is_some() && !self.model.has(kind, id))
    }

    fn deleted_candidate(&self, before: &Row, applications: &[i64]) -> Event {
        let mut person = payload::person(before);
        if let Some(map) = person.as_object_mut() {
            map.insert(self.quirks.deleted_ids.name().to_owned(), json!(applications));
        }
        event("delete_candidate", json!({"person": person}))
    }

    fn row(&self, touched: &Touched) -> Vec<Event> {
        let Some(change) = Change::of(self.model, touched) else { return Vec::new() };
        match touched.kind {
            Kind::Applications => self.application(touched.id, &change),
            Kind::Candidates => self.candidate(touched.id, &change).into_iter().collect(),
            Kind::Jobs => self.job(touched.id, &change),
            Kind::JobPosts => self.post(touched.id, &change).into_iter().collect(),
            Kind::JobInterviewStages => self.stage(&change).into_iter().collect(),
            Kind::Departments | Kind::Offices => {
                self.place(touched.kind, &change).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn application(&self, id: i64, change: &Change<'_>) -> Vec<Event> {
        let kind = Kind::Applications;
        let whole = |hired: bool| {
            let mut application = payload::application(self.model, id, self.quirks);
            if let (true, Some(map)) = (hired, application.as_object_mut()) {
                map.insert("offer".to_owned(), payload::offer(self.model, id));
            }
            json!({"application": application})
        };
        match change {
            Change::Created if self.model.flag(kind, id, "prospect") => {
                vec![event("new_prospect_application", whole(false))]
            }
            Change::Created => vec![event("new_candidate_application", whole(false))],
            Change::Removed { before } => {
                let candidate = column(kind, before, "candidate_id").int();
                if self.removed(Kind::Candidates, candidate) {
                    return Vec::new();
                }
                let application = payload::deleted_application(before);
                vec![event("delete_application", json!({"application": application}))]
            }
            Change::Updated { before, after } => {
                if !differs(kind, before, after, &[]) {
                    return Vec::new();
                }
                let text = |row: &Row| column(kind, row, "status").text().map(str::to_owned);
                let stage = |row: &Row| column(kind, row, "job_interview_stage_id").int();
                let (was, is) = (text(before), text(after));
                let step = match (was.as_deref(), is.as_deref()) {
                    (was, is) if was == is => None,
                    (_, Some("rejected")) => Some("reject_candidate"),
                    (_, Some("hired")) => Some("hire_candidate"),
                    (Some("rejected"), Some("in_process")) => Some("unreject_candidate"),
                    (Some("hired"), Some("in_process")) => Some("unhire_candidate"),
                    _ => None,
                };
                let moved = was == is && stage(after).is_some() && stage(before) != stage(after);
                let step = step.or(moved.then_some("candidate_stage_change"));
                let named = step.map(|action| event(action, whole(action == "hire_candidate")));
                let updated = event("application_updated", whole(false));
                named.into_iter().chain([updated]).collect()
            }
        }
    }

    fn candidate(&self, id: i64, change: &Change<'_>) -> Option<Event> {
        match change {
            // Only its application fires.
            Change::Created => None,
            Change::Updated { before, after } => {
                let whole = || json!({"candidate": payload::candidate(self.model, id)});
                differs(Kind::Candidates, before, after, &[])
                    .then(|| event("update_candidate", whole()))
            }
            Change::Removed { before } => {
                let theirs = |touched: &&Touched| {
                    let of = touched
                        .before
                        .as_ref()
                        .map(|row| column(Kind::Applications, row, "candidate_id").int());
                    touched.kind == Kind::Applications && of == Some(Some(id))
                };
                let ids: Vec<i64> =
                    self.effects.rows.iter().filter(theirs).map(|touched| touched.id).collect();
                Some(self.deleted_candidate(before, &ids))
            }
        }
    }

    fn job(&self, id: i64, change: &Change<'_>) -> Vec<Event> {
        let whole = || json!({"job": payload::job(self.model, id)});
        match change {
            Change::Created => vec![event("job_created", whole())],
            Change::Updated { before, after } => {
                let status =
                    |row: &Row| column(Kind::Jobs, row, "status").text().map(str::to_owned);
                let (was, is) = (status(before), status(after));
                let approved = was.as_deref() == Some("draft") && is.as_deref() == Some("open");
                let updated = differs(Kind::Jobs, before, after, &OF_A_JOB);
                let approved = approved.then(|| event("job_approved", whole()));
                let updated = updated.then(|| event("job_updated", whole()));
                approved.into_iter().chain(updated).collect()
            }
            Change::Removed { before } => {
                vec![event("job_deleted", json!({"job": payload::named(Kind::Jobs, before)}))]
            }
        }
    }

    fn post(&self, id: i64, change: &Change<'_>) -> Option<Event> {
        let kind = Kind::JobPosts;
        // The payload of a post has no wrapper.
        let whole = || payload::job_post(self.model, id);
        let gone = |row: &Row| {
            let post = json!({"id": row.id, "title": column(kind, row, "title").text(),
                "job_id": column(kind, row, "job_id").int()});
            event("job_post_deleted", json!({"job_post": post}))
        };
        match change {
            Change::Created => Some(event("job_post_created", whole())),
            Change::Updated { before, after } => {
                let active = |row: &Row| column(kind, row, "active").bool() == Some(true);
                if active(before) && !active(after) {
                    return Some(gone(before));
                }
                differs(kind, before, after, &[]).then(|| event("job_post_updated", whole()))
            }
            Change::Removed { before } => {
                let job = column(kind, before, "job_id").int();
                (!self.removed(Kind::Jobs, job)).then(|| gone(before))
            }
        }
    }

    /// A stage that is removed in the job's set-up stays as an inactive one.
    fn stage(&self, change: &Change<'_>) -> Option<Event> {
        let kind = Kind::JobInterviewStages;
        let active = |row: &Row| column(kind, row, "active").bool() == Some(true);
        let before = match change {
            Change::Updated { before, after } if active(before) && !active(after) => before,
            Change::Removed { before } => before,
            _ => return None,
        };
        let job = column(kind, before, "job_id").int();
        let stage = json!({"id": before.id, "name": column(kind, before, "name").text(),
            "job_id": job});
        let silent = self.removed(Kind::Jobs, job);
        (!silent)
            .then(|| event("job_interview_stage_deleted", json!({"job_interview_stage": stage})))
    }

    /// A department or an office, which is removed with all below it.
    fn place(&self, kind: Kind, change: &Change<'_>) -> Option<Event> {
        let Change::Removed { before } = change else { return None };
        let parent = |row: &Row| column(kind, row, "parent_id").int();
        if self.removed(kind, parent(before)) {
            return None;
        }
        let gone = self.effects.rows.iter().filter(|touched| touched.kind == kind);
        let below: Vec<i64> = gone
            .filter_map(|touched| touched.before.as_ref())
            .filter(|row| self.is_below(kind, row, before.id))
            .map(|row| row.id)
            .collect();
        let mut place = payload::named(kind, before);
        if let Some(map) = place.as_object_mut() {
            map.insert("parent_id".to_owned(), json!(parent(before)));
            map.insert("child_ids".to_owned(), json!(below));
        }
        Some(match kind {
            Kind::Offices => event("office_deleted", json!({"office": place})),
            _ => event("department_deleted", json!({"department": place})),
        })
    }

    /// Whether a removed place was below another one.
    fn is_below(&self, kind: Kind, row: &Row, top: i64) -> bool {
        let mut parent = column(kind, row, "parent_id").int();
        // No tree is deeper than the rows of its write; a circle ends.
        for _ in 0..self.effects.rows.len() {
            match parent {
                Some(id) if id == top => return true,
                Some(id) => {
                    let above = self.before(kind, id);
                    parent = above.and_then(|row| column(kind, row, "parent_id").int());
                }
                None => return false,
            }
        }
        false
    }
}
