//! The organisation's records, and how answers show them.
//!
//! A member that starts with `_` is the sandbox's own and never shown; what Ashby embeds (tags,
//! sources, users, stages) is made when a record is shown. `_seq` counts changes, for sync tokens.

use crate::ids::uuid;
use atsync_sandbox::{Document, Documents, format_ms};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Every collection.
pub(crate) const COLLECTIONS: [&str; 41] = [
    "applicationRoles",
    "applications",
    "approvals",
    "archiveReasons",
    "brands",
    "candidates",
    "candidateTags",
    "clientInfo",
    "closeReasons",
    "communicationTemplates",
    "criteriaEvaluations",
    "customFields",
    "departments",
    "feedback",
    "feedbackForms",
    "fraudChecks",
    "hiringTeamRoles",
    "interviewerPauses",
    "interviewerPools",
    "interviewEvents",
    "interviewPlans",
    "interviews",
    "interviewSchedules",
    "interviewStageGroups",
    "interviewStages",
    "jobBoards",
    "jobPostings",
    "jobs",
    "jobTemplates",
    "locations",
    "notes",
    "offers",
    "openings",
    "projects",
    "questionnaireSubmissions",
    "sources",
    "surveyForms",
    "surveyRequests",
    "surveySubmissions",
    "trackingLinks",
    "users",
];

/// The organisation.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) documents: Documents,
    pub(crate) seq: i64,
    seed: u64,
    serials: BTreeMap<&'static str, u64>,
    /// The candidates that the present write merged, and into which.
    pub(crate) merged: Vec<(String, String)>,
}

/// Returns a member's text.
pub(crate) fn text<'a>(record: &'a Document, name: &str) -> Option<&'a str> {
    record.get(name)?.as_str()
}

pub(crate) fn record(value: Value) -> Document {
    match value {
        Value::Object(map) => map,
        _ => Document::new(),
    }
}

/// Sets a member of an object.
pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// The members that an embedded record shows.
fn part(record: &Document, names: &[&str]) -> Value {
    let held = names.iter().filter_map(|name| Some((*name, record.get(*name)?)));
    let held = held.filter(|(_, value)| !value.is_null());
    Value::Object(held.map(|(name, value)| (name.to_owned(), value.clone())).collect())
}

impl Model {
    pub(crate) fn new(seed: u64, now_ms: i64) -> Self {
        let documents = Documents::new(&COLLECTIONS, now_ms);
        Self { documents, seq: 0, seed, serials: BTreeMap::new(), merged: Vec::new() }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.documents.now_ms
    }

    pub(crate) fn now(&self) -> String {
        format_ms(self.now_ms())
    }

    fn next_seq(&mut self) -> i64 {
        self.seq = self.seq.saturating_add(1);
        self.seq
    }

    /// Makes an id that nothing of this name had.
    pub(crate) fn next_id(&mut self, of: &'static str) -> String {
        let serial = self.serials.entry(of).or_insert(0);
        *serial = serial.saturating_add(1);
        uuid(self.seed, of, *serial)
    }

    /// Adds a record. Returns its id.
    pub(crate) fn add(&mut self, collection: &'static str, members: Value) -> String {
        let id = self.next_id(collection);
        let mut members = record(members);
        members.insert("id".to_owned(), id.as_str().into());
        members.insert("_seq".to_owned(), self.next_seq().into());
        self.documents.insert(collection, &id, members);
        id
    }

    pub(crate) fn get(&self, collection: &str, id: &str) -> Option<&Document> {
        self.documents.get(collection, id)
    }

    /// Returns a text of a record.
    pub(crate) fn text(&self, collection: &str, id: &str, name: &str) -> Option<&str> {
        text(self.get(collection, id)?, name)
    }

    /// Sets members of a record, and its change time where it has one. Null removes a member.
    pub(crate) fn set(&mut self, collection: &'static str, id: &str, members: Value) -> bool {
        let (seq, now) = (self.next_seq(), self.now());
        self.documents.update(collection, id, |held| {
            if held.contains_key("updatedAt") {
                held.insert("updatedAt".to_owned(), now.into());
            }
            held.extend(record(members));
            held.insert("_seq".to_owned(), seq.into());
        })
    }

    /// Lists the ids of the records whose member is a text, the oldest first.
    pub(crate) fn find(&self, collection: &str, name: &str, value: &str) -> Vec<String> {
        let all = self.documents.all(collection).filter(|one| text(one, name) == Some(value));
        let key = |one: &Document| {
            let at = text(one, "createdAt").unwrap_or_default().to_owned();
            Some((at, text(one, "id")?.to_owned()))
        };
        let mut found: Vec<(String, String)> = all.filter_map(key).collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Lists the ids of the candidates with an e-mail address, compared without case.
    pub(crate) fn with_email(&self, email: &str) -> Vec<String> {
        let has = |one: &&Document| {
            let all = one.get("emailAddresses").and_then(Value::as_array).into_iter().flatten();
            all.filter_map(|one| one.get("value")?.as_str())
                .any(|held| held.eq_ignore_ascii_case(email))
        };
        let found = self.documents.all("candidates").filter(has);
        found.filter_map(|one| Some(text(one, "id")?.to_owned())).collect()
    }

    /// The stages of a plan, in their order.
    pub(crate) fn stages(&self, plan: &str) -> Vec<&Document> {
        let of = |one: &&Document| text(one, "interviewPlanId") == Some(plan);
        let mut stages: Vec<&Document> = self.documents.all("interviewStages").filter(of).collect();
        stages.sort_by_key(|one| one.get("orderInInterviewPlan").and_then(Value::as_i64));
        stages
    }

    fn named(&self, collection: &str, id: Option<&str>, names: &[&str]) -> Value {
        let found = id.and_then(|id| self.get(collection, id));
        found.map_or(Value::Null, |found| part(found, names))
    }

    fn user(&self, id: Option<&str>) -> Value {
        let names =
            ["id", "firstName", "lastName", "email", "globalRole", "isEnabled", "updatedAt"];
        self.named("users", id, &names)
    }

    /// Shows a record as answers do. Members without a value are left out, or null by a switch.
    pub(crate) fn show(&self, collection: &str, held: &Document, nulls: bool) -> Value {
        let shown = held.iter().filter(|(name, _)| !name.starts_with('_'));
        let mut shown: Document = shown.map(|(name, one)| (name.clone(), one.clone())).collect();
        let id = text(held, "id").unwrap_or_default();
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        let source = || {
            self.named(
                "sources",
                text(held, "_source"),
                &["id", "title", "isArchived", "sourceType"],
            )
        };
        match collection {
            "candidates" => {
                for (name, list) in [
                    ("primaryEmailAddress", "emailAddresses"),
                    ("primaryPhoneNumber", "phoneNumbers"),
                ] {
                    let all = held.get(list).and_then(Value::as_array).into_iter().flatten();
                    let first = all.into_iter().find(|one| one["isPrimary"] == true).cloned();
                    put(name, first.unwrap_or_default());
                }
                let tags = held.get("_tags").and_then(Value::as_array).into_iter().flatten();
                let tag = |id: &Value| {
                    self.named("candidateTags", id.as_str(), &["id", "title", "isArchived"])
                };
                put("tags", tags.map(tag).collect());
                put("applicationIds", json!(self.find("applications", "_candidate", id)));
                put("profileUrl", format!("https://app.example.com/candidates/{id}").into());
                put("source", source());
                put("creditedToUser", self.user(text(held, "_credited")));
            }
            "applications" => {
                let stage = text(held, "_stage").unwrap_or_default();
                let kind = self.text("interviewStages", stage, "type").unwrap_or_default();
                put("status", status(kind).into());
                let candidate = text(held, "_candidate").and_then(|id| self.get("candidates", id));
                let candidate = candidate.map(|one| self.show("candidates", one, nulls));
                let candidate = candidate.map(record).unwrap_or_default();
                let names = ["id", "name", "primaryEmailAddress", "primaryPhoneNumber"];
                put("candidate", part(&candidate, &names));
                put("currentInterviewStage", self.named("interviewStages", Some(stage), STAGE));
                put("source", source());
                let mut reason = self.named(
                    "archiveReasons",
                    text(held, "_reason"),
                    &["id", "text", "reasonType", "isArchived"],
                );
                if let Some(reason) = reason.as_object_mut() {
                    reason.insert("customFields".to_owned(), json!([]));
                }
                put("archiveReason", reason);
                let job = text(held, "_job");
                put("job", self.named("jobs", job, &["id", "title", "locationId", "departmentId"]));
                let own = held.get("_team").cloned();
                let jobs = || self.get("jobs", job?)?.get("hiringTeam").cloned();
                put("hiringTeam", own.or_else(jobs).unwrap_or_else(|| json!([])));
                put("creditedToUser", self.user(text(held, "_credited")));
            }
            "notes" => {
                let author = text(held, "_author");
                let names = ["id", "firstName", "lastName", "email"];
                put("author", self.named("users", author, &names));
            }
            _ => {}
        }
        if !nulls {
            shown.retain(|_, value| !value.is_null());
        }
        shown.into()
    }
}

/// The members of a stage.
pub(crate) const STAGE: &[&str] =
    &["id", "title", "type", "interviewPlanId", "orderInInterviewPlan", "interviewStageGroupId"];

/// The status of an application in a stage of this type.
pub(crate) fn status(kind: &str) -> &'static str {
    match kind {
        "Lead" => "Lead",
        "Hired" => "Hired",
        "Archived" => "Archived",
        _ => "Active",
    }
}
