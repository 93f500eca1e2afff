//! The default policy of every owned field, in one table. Pure.
//!
//! A desired record overrides a default under `policy`. The table in the README and the one at the
//! top of [`crate::plan`] are copies of [`DEFAULTS`]; a test compares them row by row, and the
//! check of a declaration takes the fields that `policy` may name from here.
//!
//! Why these: a recruiter's decision about a person stands (`yield`), wherever the host does not
//! say otherwise. Custom fields are the host's own data, so they are kept as declared (`enforce`).
//! Whom to credit is decided once (`fill`), and who may see a candidate only at creation (`seed`).

use atsync_model::desired::Policy;
use atsync_model::desired::Policy::{Enforce, Fill, Seed, Yield};

/// Which desired records a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A candidate's own fields.
    Candidate,
    /// The fields of its applications.
    Application,
    /// A custom field's definition.
    CustomField,
}

/// One row: fields that share a default.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The fields, by the name that `policy` gives them.
    pub fields: &'static [&'static str],
    /// What they belong to.
    pub of: Of,
    /// The policy where the record names none.
    pub policy: Policy,
}

const fn row(of: Of, fields: &'static [&'static str], policy: Policy) -> Row {
    Row { fields, of, policy }
}

/// All defaults.
pub const DEFAULTS: &[Row] = &[
    row(Of::Candidate, &["name", "emails", "phones", "links", "company", "title", "tags"], Yield),
    row(Of::Candidate, &["custom_fields"], Enforce),
    row(Of::Candidate, &["private"], Seed),
    row(Of::Application, &["source", "referrer"], Fill),
    row(Of::Application, &["stage", "outcome", "reject_reason"], Yield),
    row(Of::Application, &["custom_fields"], Enforce),
    row(Of::CustomField, &["name", "private", "description", "options"], Yield),
];

/// The default of a field, found by itself or by the part before its first dot. `yield` for one
/// that no row names: the policy that never overwrites.
pub(super) fn of(records: &[Of], field: &str) -> Policy {
    let whole = field.split_once('.').map_or(field, |(whole, _)| whole);
    let names = |row: &&Row| records.contains(&row.of) && row.fields.contains(&whole);
    DEFAULTS.iter().find(names).map_or(Yield, |row| row.policy)
}

/// The fields that the `policy` of such records may name, each once.
pub(crate) fn settable(records: &[Of]) -> Vec<&'static str> {
    let mut fields: Vec<&'static str> = Vec::new();
    for row in DEFAULTS.iter().filter(|row| records.contains(&row.of)) {
        fields.extend(
            row.fields.iter().filter(|field| !fields.contains(*field)).copied().collect::<Vec<_>>(),
        );
    }
    fields
}

/// The policy's word.
pub fn word(policy: Policy) -> &'static str {
    match policy {
        Enforce => "enforce",
        Yield => "yield",
        Seed => "seed",
        Fill => "fill",
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULTS, Of, of};
    use atsync_model::desired::Policy;

    #[test]
    fn a_field_has_one_default() {
        for record in [Of::Candidate, Of::Application, Of::CustomField] {
            let fields: Vec<&str> = DEFAULTS
                .iter()
                .filter(|row| row.of == record)
                .flat_map(|row| row.fields)
                .copied()
                .collect();
            let mut once = fields.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), fields.len(), "{record:?}");
        }
    }

    #[test]
    fn a_candidates_policies_and_its_applications_do_not_contradict_each_other() {
        // `policy` of a candidate names both, so one word must not have two defaults.
        for row in DEFAULTS.iter().filter(|row| row.of == Of::Application) {
            for field in row.fields {
                assert_eq!(of(&[Of::Candidate, Of::Application], field), row.policy, "{field}");
            }
        }
    }

    #[test]
    fn a_part_of_a_field_has_the_default_of_the_whole() {
        assert_eq!(of(&[Of::Candidate], "name.first"), Policy::Yield);
        assert_eq!(of(&[Of::Candidate], "custom_fields.channel"), Policy::Enforce);
    }
}
