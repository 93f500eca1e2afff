//! What the sandbox says of itself to a conformance suite: the script at `GET /_sandbox/stage`, and
//! the rows of kinds that are made of other records.
//!
//! Where an adapter's records have the same ids as a collection's, the script names that; the ids
//! of the others are made here as any reader of Lever has to make them.

use serde_json::{Map, Value, json};

use crate::sandbox::Sandbox;

/// The collections that are made of other records, by the name that the script gives them.
const MADE: [&str; 5] =
    ["sources", "tags", "rejecting_reasons", "rejected_opportunities", "stage_changes"];

/// Of a collection that is made of another one, whose rows are edited.
pub(crate) fn edited(collection: &str) -> &str {
    if collection == "rejecting_reasons" { "archive_reasons" } else { collection }
}

impl Sandbox {
    /// The script of the conformance suite.
    pub(crate) fn script(&self) -> Value {
        let id = |row: &Value| row.get("id").cloned().unwrap_or_default();
        let users = self.rows("users");
        let active = users.iter().find(|user| user.get("deactivatedAt").is_none_or(Value::is_null));
        let contact = self.rows("contacts").first().map(id);
        let opportunities = self.rows("opportunities");
        let opportunity = opportunities.first().map(id);
        let holder = opportunities.first().and_then(|row| row.get("contact").cloned());
        let text = |name: &str| json!({"collection": name});
        let with = |name: &str, member: &str| {
            let edit: Map<String, Value> =
                [(member.to_owned(), json!("Edited by conformance"))].into_iter().collect();
            json!({"collection": name, "edit": edit})
        };
        json!({
            "settings": {
                "perform_as": active.map(id),
                "confidentiality": "all",
                "allow_stage_changes": true,
                "allow_outcomes": true,
            },
            "kinds": {
                "applications": {
                    "collection": "opportunities",
                    "edit": {"sources": ["Edited by conformance"]},
                },
                "candidates": text("contacts"),
                "jobs": with("postings", "text"),
                "postings": text("postings"),
                "openings": with("requisitions", "requisitionCode"),
                "stages": with("stages", "text"),
                "reject_reasons": with("rejecting_reasons", "text"),
                "rejections": text("rejected_opportunities"),
                "application_stages": text("stage_changes"),
                "sources": {"fixed": "a source is a text of opportunities"},
                "tags": {"fixed": "a tag is a text of opportunities"},
                "users": with("users", "name"),
                "attachments": text("resumes"),
                "raw_feedback": text("feedback"),
                "raw_interviews": text("interviews"),
                "raw_panels": text("panels"),
                "raw_offers": text("offers"),
                "raw_referrals": text("referrals"),
                "raw_forms": text("forms"),
                "raw_files": text("files"),
                "raw_requisitions": with("requisitions", "name"),
                "raw_requisition_fields": with("requisition_fields", "text"),
            },
            "operations": {
                "candidates.update": {
                    "target": contact,
                    "input": {"add": {"emails": [{"value": "conformance@example.com"}]}},
                },
                "notes.create": {"input": {"candidate": holder, "application": opportunity}},
            },
            "webhooks": {"unsigned": "Lever signs a token and a time, not the data"},
        })
    }

    /// The rows of a collection that is made of other records; none for any other.
    pub(crate) fn made(&self, collection: &str) -> Option<Vec<Value>> {
        let name = MADE.into_iter().find(|name| *name == collection)?;
        let opportunities = || self.rows("opportunities");
        let hired = || {
            let reasons = self.rows_where("archive_reasons", "type", "hired");
            reasons.first().and_then(|row| row.get("id").cloned()).unwrap_or_default()
        };
        Some(match name {
            "sources" | "tags" => {
                let all = opportunities();
                let texts = all.iter().filter_map(|row| row.get(name)?.as_array()).flatten();
                let mut texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
                texts.sort_unstable();
                texts.dedup();
                texts.into_iter().map(|text| json!({"id": text})).collect()
            }
            "rejecting_reasons" => {
                let is_hire = |row: &Value| row.get("type") == Some(&json!("hired"));
                self.rows("archive_reasons").into_iter().filter(|row| !is_hire(row)).collect()
            }
            "rejected_opportunities" => {
                let hired = hired();
                let is_rejected = |row: &Value| {
                    row.pointer("/archived/reason").is_some_and(|reason| *reason != hired)
                };
                opportunities().into_iter().filter(is_rejected).collect()
            }
            _ => opportunities().iter().flat_map(stage_changes).collect(),
        })
    }
}

/// The stages that an opportunity entered, each with the id that a reader makes.
fn stage_changes(row: &Value) -> Vec<Value> {
    let of = row.get("id").and_then(Value::as_str).unwrap_or_default();
    let changes = row.get("stageChanges").and_then(Value::as_array).into_iter().flatten();
    let id = |change: &Value| {
        let (at, to) = (change.get("updatedAt")?.as_i64()?, change.get("toStageId")?.as_str()?);
        Some(json!({"id": format!("{of}/{at}/{to}")}))
    };
    changes.filter_map(id).collect()
}
