//! The inputs of the operations that a plan can name, as data.
//!
//! `wit/operations.md` says what each member means; a test compares the names. The engine sends no
//! other member, so an adapter cannot require one, and one that lists it is mistaken. Left out:
//! what the engine adds to a change by itself ([`ADDED`]), and the values.

/// Each operation with the members of its input.
pub const INPUTS: &[(&str, &[&str])] = &[
    (
        "candidates.create",
        &[
            "name",
            "emails",
            "phones",
            "links",
            "company",
            "title",
            "private",
            "tags",
            "custom_fields",
            "application",
        ],
    ),
    (
        "candidates.update",
        &["name", "emails", "phones", "links", "company", "title", "private", "custom_fields"],
    ),
    (
        "applications.create",
        &[
            "candidate",
            "kind",
            "job",
            "stage",
            "pool",
            "pool_stage",
            "source",
            "referrer",
            "custom_fields",
        ],
    ),
    ("applications.update", &["source", "referrer", "custom_fields"]),
    ("applications.convert", &["job", "stage"]),
    ("applications.move", &["to_stage"]),
    ("applications.reject", &["reason"]),
    ("applications.unreject", &[]),
    ("applications.hire", &["opening"]),
    ("applications.unhire", &[]),
    ("rejections.update", &["reason"]),
    ("notes.create", &["candidate", "application", "body", "visibility"]),
    ("tags.create", &["name"]),
    ("applied_tags.create", &["candidate", "tag"]),
    ("applied_tags.delete", &[]),
    (
        "educations.create",
        &["candidate", "school", "degree", "discipline", "started_on", "ended_on"],
    ),
    ("educations.destroy", &[]),
    ("employments.create", &["candidate", "company", "title", "started_on", "ended_on"]),
    ("employments.destroy", &[]),
    ("attachments.create", &["application", "filename", "type", "url"]),
    ("custom_fields.create", &["name", "applies_to", "type", "private", "description", "options"]),
    ("custom_fields.update", &["name", "private", "description"]),
    ("custom_field_options.create", &["custom_field", "name", "order"]),
    ("custom_field_options.update", &["name"]),
    ("users.create", &["first", "last", "email", "job_title", "employee_id", "invite"]),
];

/// The members that the engine adds to a change, only where the adapter lists them.
pub const ADDED: &[&str] = &["seen", "may_leave_out", "must_show"];

/// The members of an operation's input; `None` for an operation that no plan names.
#[must_use]
pub fn of(operation: &str) -> Option<&'static [&'static str]> {
    INPUTS.iter().find(|(name, _)| *name == operation).map(|(_, members)| *members)
}

#[cfg(test)]
mod tests {
    use super::{INPUTS, of};

    #[test]
    fn the_operations_are_those_of_the_contract_and_their_members_are_named_there() {
        let text = include_str!("../../../wit/operations.md");
        let rows = || text.lines().filter_map(|line| line.strip_prefix("| `"));
        let named: Vec<&str> = rows().filter_map(|row| row.split('`').next()).collect();
        let ours: Vec<&str> = INPUTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, ours);
        for ((name, members), row) in INPUTS.iter().zip(rows()) {
            for member in *members {
                let is_named = row
                    .split(|sign: char| !sign.is_alphanumeric() && sign != '_')
                    .any(|word| word == *member);
                assert!(is_named, "{name}: {member}");
            }
        }
        assert_eq!(of("applications.move"), Some(&["to_stage"][..]));
        assert_eq!(of("jobs.create"), None);
    }
}
