//! The words that an adapter is checked against while it is compiled: the fields of the unified
//! kinds, and the members of the operations' inputs.
//!
//! They are those of `atsync_model::unified` and of the engine. A constant function cannot ask
//! either, so they stand here once more, and a test compares them.

/// The kinds of the unified model with the fields of their records.
#[rustfmt::skip]
pub(crate) const UNIFIED: &[(&str, &[&str])] = &[
    ("application_stages", &[
        "application", "created_at", "current", "entered_at", "exited_at", "stage", "updated_at",
    ]),
    ("applications", &[
        "answers", "application_stage", "candidate", "coordinator", "created_at", "custom_fields",
        "job", "kind", "last_activity_at", "location", "needs_decision", "odd_forms", "outcome",
        "posting", "prospective_jobs", "recruiter", "referrer", "reject_reason", "rejected_at",
        "source", "stage", "updated_at",
    ]),
    ("applied_tags", &[
        "candidate", "created_at", "tag", "updated_at",
    ]),
    ("attachments", &[
        "application", "candidate", "created_at", "filename", "type", "updated_at",
    ]),
    ("candidates", &[
        "addresses", "company", "created_at", "custom_fields", "emails", "headline",
        "last_activity_at", "linked_users", "links", "name", "odd_forms", "phones", "privacy",
        "tags", "time_zone", "title", "updated_at",
    ]),
    ("close_reasons", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("custom_field_options", &[
        "active", "created_at", "custom_field", "external_id", "name", "order", "updated_at",
    ]),
    ("custom_fields", &[
        "active", "applies_to", "created_at", "description", "key", "name", "private", "required",
        "type", "updated_at",
    ]),
    ("departments", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("educations", &[
        "candidate", "created_at", "degree", "discipline", "ended_on", "latest", "school",
        "started_on", "updated_at",
    ]),
    ("employments", &[
        "candidate", "company", "created_at", "ended_on", "latest", "started_on", "title",
        "updated_at",
    ]),
    ("hiring_managers", &[
        "created_at", "job", "responsible", "role", "updated_at", "user",
    ]),
    ("job_owners", &[
        "created_at", "job", "responsible", "role", "updated_at", "user",
    ]),
    ("jobs", &[
        "closed_at", "confidential", "copied_from", "created_at", "custom_fields", "departments",
        "notes", "offices", "opened_at", "requisition_id", "state", "template", "title",
        "updated_at",
    ]),
    ("notes", &[
        "application", "author", "body", "candidate", "created_at", "subject", "type",
        "updated_at", "visibility",
    ]),
    ("offices", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("openings", &[
        "application", "close_reason", "closed_at", "created_at", "custom_fields", "external_id",
        "job", "opened_at", "order", "state", "target_start_on", "updated_at",
    ]),
    ("pool_placements", &[
        "application", "created_at", "department", "office", "owner", "pool", "pool_stage",
        "updated_at",
    ]),
    ("pool_stages", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("pools", &[
        "active", "created_at", "departments", "description", "email", "emails", "external_id",
        "jobs", "location", "name", "offices", "order", "parent", "type", "updated_at", "user",
    ]),
    ("postings", &[
        "active", "board", "content", "created_at", "featured", "internal", "internal_content",
        "job", "language", "live", "published_at", "questions", "title", "updated_at", "url",
    ]),
    ("referrers", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("reject_reasons", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("rejections", &[
        "application", "created_at", "custom_fields", "note", "reject_reason", "rejected_at",
        "rejected_by", "updated_at",
    ]),
    ("sources", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("stages", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("tags", &[
        "active", "created_at", "email", "emails", "external_id", "location", "name", "order",
        "parent", "type", "updated_at", "user",
    ]),
    ("user_emails", &[
        "created_at", "email", "updated_at", "user", "verified",
    ]),
    ("users", &[
        "active", "created_at", "custom_fields", "departments", "email", "emails", "external_id",
        "first_name", "job_title", "last_name", "linked_candidates", "location", "name", "offices",
        "order", "parent", "site_admin", "type", "updated_at", "user",
    ]),
];

/// The operations that the engine plans, with the members of their inputs.
#[rustfmt::skip]
pub(crate) const INPUTS: &[(&str, &[&str])] = &[
    ("candidates.create", &[
        "name", "emails", "phones", "links", "company", "title", "private", "tags",
        "custom_fields", "application",
    ]),
    ("candidates.update", &[
        "name", "emails", "phones", "links", "company", "title", "private", "custom_fields",
    ]),
    ("applications.create", &[
        "candidate", "kind", "job", "stage", "pool", "pool_stage", "source", "referrer",
        "custom_fields",
    ]),
    ("applications.update", &[
        "source", "referrer", "custom_fields",
    ]),
    ("applications.convert", &[
        "job", "stage",
    ]),
    ("applications.move", &[
        "to_stage",
    ]),
    ("applications.reject", &[
        "reason",
    ]),
    ("applications.unreject", &[
    ]),
    ("applications.hire", &[
        "opening",
    ]),
    ("applications.unhire", &[
    ]),
    ("rejections.update", &[
        "reason",
    ]),
    ("notes.create", &[
        "candidate", "application", "body", "visibility",
    ]),
    ("tags.create", &[
        "name",
    ]),
    ("applied_tags.create", &[
        "candidate", "tag",
    ]),
    ("applied_tags.delete", &[
    ]),
    ("educations.create", &[
        "candidate", "school", "degree", "discipline", "started_on", "ended_on",
    ]),
    ("educations.destroy", &[
    ]),
    ("employments.create", &[
        "candidate", "company", "title", "started_on", "ended_on",
    ]),
    ("employments.destroy", &[
    ]),
    ("attachments.create", &[
        "application", "filename", "type", "url",
    ]),
    ("custom_fields.create", &[
        "name", "applies_to", "type", "private", "description", "options",
    ]),
    ("custom_fields.update", &[
        "name", "private", "description",
    ]),
    ("custom_field_options.create", &[
        "custom_field", "name", "order",
    ]),
    ("custom_field_options.update", &[
        "name",
    ]),
    ("users.create", &[
        "first", "last", "email", "job_title", "employee_id", "invite",
    ]),
];

#[cfg(test)]
mod tests {
    use super::{INPUTS, UNIFIED};
    use std::collections::{BTreeMap, BTreeSet};

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    /// The text between two others.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0
    }

    type Words = BTreeMap<String, BTreeSet<String>>;

    fn words(table: &[(&str, &[&str])]) -> Words {
        let owned = |all: &[&str]| all.iter().map(|&word| word.to_owned()).collect();
        table.iter().map(|(name, all)| ((*name).to_owned(), owned(all))).collect()
    }

    #[test]
    fn the_fields_are_those_of_the_unified_records() {
        let source =
            std::fs::read_to_string(format!("{ROOT}/engine/model/src/unified.rs")).unwrap();
        let kinds = std::fs::read_to_string(format!("{ROOT}/engine/model/src/kinds.rs")).unwrap();
        let mut records: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for record in source.split("\npub struct ").skip(1) {
            let name = record.split(['<', ' ', '(']).next().unwrap();
            let (mut fields, mut renamed) = (BTreeSet::new(), None);
            for line in record.split("\n}").next().unwrap().lines() {
                if let Some((_, rest)) = line.split_once("rename = \"") {
                    renamed = rest.split('"').next();
                }
                if let Some((field, _)) =
                    line.strip_prefix("    pub ").and_then(|rest| rest.split_once(": "))
                {
                    fields.insert(renamed.take().unwrap_or(field).to_owned());
                }
            }
            records.insert(name, fields);
        }
        let mut expected = Words::new();
        for line in between(&source, "unified! {\n    ", "\n}").lines() {
            let (record, names) = line.trim().trim_end_matches(';').split_once(": ").unwrap();
            for name in names.split(" | ") {
                let kind = between(&kinds, &format!("pub const {name}: &str = \""), "\"");
                expected.entry(kind.to_owned()).or_default().extend(records[record].clone());
            }
        }
        assert_eq!(words(UNIFIED), expected);
        let all: BTreeSet<&str> = UNIFIED.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(all, crate::model::kinds::ALL.iter().copied().collect());
    }

    #[test]
    fn the_inputs_are_those_of_the_engine() {
        let path = format!("{ROOT}/engine/src/adapter/manifest_check/operation.rs");
        let source = std::fs::read_to_string(path).unwrap();
        let table = between(&source, "pub const INPUTS: &[(&str, &[&str])] = &[", "\n];");
        let mut expected = Words::new();
        let mut name = None;
        for word in table.split('"').skip(1).step_by(2) {
            if word.contains('.') {
                expected.insert(word.to_owned(), BTreeSet::new());
                name = Some(word);
            } else if let Some(members) = name.and_then(|name| expected.get_mut(name)) {
                members.insert(word.to_owned());
            }
        }
        assert_eq!(words(INPUTS), expected);
    }
}
