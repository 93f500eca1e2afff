//! The default policy of every owned field, from the table of kinds. Pure.
//!
//! A desired record overrides a default under `policy`. The tables in the README and in
//! [`crate::plan`] are copies of [`rows`]; a test compares them row by row. The check of a
//! declaration takes from here which fields `policy` may name.
//!
//! Why these defaults: a recruiter's decision about a candidate wins (`yield`) unless the host says
//! otherwise. Custom fields are the host's own data (`enforce`). A credit is given once (`fill`),
//! and the visibility of a candidate is set at creation (`seed`).

use atsync_model::declarable::{DECLARABLE, Declarable, PolicyRow, below, of as entry};
use atsync_model::desired::Policy;

/// Iterates over all defaults, each with its kind.
pub fn rows() -> impl Iterator<Item = (&'static Declarable, &'static PolicyRow)> {
    DECLARABLE.iter().flat_map(|of| of.policies.iter().map(move |row| (of, row)))
}

/// Iterates over the defaults of a kind and of the kinds below it.
fn rows_of(kind: &str) -> impl Iterator<Item = &'static PolicyRow> {
    let own = entry(kind).into_iter();
    own.chain(below(kind).map(|(of, _)| of)).flat_map(|of| of.policies)
}

/// Returns the default of a field, by its name or by the part before its first dot. `yield`, which
/// never overwrites, for a field in no row.
pub(super) fn of(kind: &str, field: &str) -> Policy {
    let whole = field.split_once('.').map_or(field, |(whole, _)| whole);
    rows_of(kind).find(|row| row.fields.contains(&whole)).map_or(Policy::Yield, |row| row.policy)
}

/// Lists the fields that the `policy` of such a record may name, each once.
pub(crate) fn settable(kind: &str) -> Vec<&'static str> {
    let mut fields: Vec<&'static str> = Vec::new();
    for field in rows_of(kind).flat_map(|row| row.fields) {
        if !fields.contains(field) {
            fields.push(field);
        }
    }
    fields
}

/// Returns the word of a policy.
pub fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::Enforce => "enforce",
        Policy::Yield => "yield",
        Policy::Seed => "seed",
        Policy::Fill => "fill",
    }
}

#[cfg(test)]
mod tests {
    use super::{of, rows};
    use atsync_model::desired::Policy;
    use atsync_model::kinds;

    #[test]
    fn a_field_has_one_default() {
        for (one, row) in rows() {
            let fields = rows().filter(|(other, _)| other.kind == one.kind);
            let fields: Vec<&str> = fields.flat_map(|(_, row)| row.fields).copied().collect();
            for field in row.fields {
                assert_eq!(fields.iter().filter(|known| *known == field).count(), 1, "{field}");
            }
        }
    }

    #[test]
    fn a_candidates_policies_and_its_applications_do_not_contradict_each_other() {
        // `policy` of a candidate names both, so one field must not have two defaults.
        for (_, row) in rows().filter(|(of, _)| of.kind == kinds::APPLICATIONS) {
            for field in row.fields {
                assert_eq!(of(kinds::CANDIDATES, field), row.policy, "{field}");
            }
        }
    }

    #[test]
    fn a_part_of_a_field_has_the_default_of_the_whole() {
        assert_eq!(of(kinds::CANDIDATES, "name.first"), Policy::Yield);
        assert_eq!(of(kinds::CANDIDATES, "custom_fields.channel"), Policy::Enforce);
    }
}
