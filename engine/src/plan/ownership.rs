//! The three-way comparison of one field, which decides whose value holds. Pure.
//!
//! It compares the declared value, the observed one and the base, which the engine last applied.
//! The side that moved since the base decides, together with the policy of the field. A field that
//! both sides changed is a conflict and is reported, unless the policy is `enforce`.

use atsync_model::desired::Policy;

/// The decision about a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing to do: it is as declared.
    InStep,
    /// Write the declared value.
    Write,
    /// Leave it: a recruiter changed it, and the policy keeps the change.
    Drifted,
    /// Leave it: both sides changed it.
    Conflict,
    /// Leave it: it was emptied after it had held this value, so it may have been erased. No policy
    /// restores it.
    Erased,
    /// Leave it: the policy does not write it now.
    Leave,
}

/// The comparison of the three values, by the normal form of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Observed equals desired.
    pub observed_is_desired: bool,
    /// Observed is empty.
    pub observed_is_empty: bool,
    /// The engine has applied the field before.
    pub has_base: bool,
    /// Observed equals the base. False without a base.
    pub observed_is_base: bool,
    /// Desired equals the base. False without a base.
    pub desired_is_base: bool,
}

/// Decides about a field. Total: every combination has an answer.
pub fn decide(policy: Policy, comparison: Comparison) -> Decision {
    if comparison.observed_is_desired {
        return Decision::InStep;
    }
    match policy {
        Policy::Enforce => Decision::Write,
        Policy::Seed => Decision::Leave,
        Policy::Fill if comparison.observed_is_empty && !comparison.has_base => Decision::Write,
        Policy::Fill => Decision::Leave,
        Policy::Yield if !comparison.has_base && comparison.observed_is_empty => Decision::Write,
        Policy::Yield if !comparison.has_base => Decision::Drifted,
        Policy::Yield if comparison.observed_is_base => Decision::Write,
        Policy::Yield if comparison.desired_is_base => Decision::Drifted,
        Policy::Yield => Decision::Conflict,
    }
}

/// Decides about a declared entry that a record lacks. `was_there`: the ATS showed it before;
/// `is_erased`: it may have been erased since; `is_empty`: the list has no entry at all.
pub(super) fn of_missing_entry(
    policy: Policy,
    was_there: bool,
    is_erased: bool,
    is_empty: bool,
) -> Decision {
    match policy {
        Policy::Enforce if is_erased => Decision::Erased,
        Policy::Enforce => Decision::Write,
        Policy::Yield if was_there => Decision::Drifted,
        Policy::Yield => Decision::Write,
        Policy::Fill if is_empty && !was_there => Decision::Write,
        Policy::Fill | Policy::Seed => Decision::Leave,
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Decision, decide};
    use atsync_model::desired::Policy;
    use proptest::prelude::*;

    fn comparison() -> impl Strategy<Value = Comparison> {
        any::<(bool, bool, bool, bool, bool)>().prop_map(
            |(same, empty, base, observed, desired)| Comparison {
                observed_is_desired: same,
                observed_is_empty: empty,
                has_base: base,
                observed_is_base: base && observed,
                desired_is_base: base && desired,
            },
        )
    }

    fn policy() -> impl Strategy<Value = Policy> {
        prop_oneof![
            Just(Policy::Enforce),
            Just(Policy::Yield),
            Just(Policy::Seed),
            Just(Policy::Fill)
        ]
    }

    proptest! {
        #[test]
        fn a_field_that_is_as_declared_is_never_written(policy in policy(),
            mut comparison in comparison()) {
            comparison.observed_is_desired = true;
            prop_assert_eq!(decide(policy, comparison), Decision::InStep);
        }

        #[test]
        fn a_recruiters_change_is_overwritten_only_by_enforce(policy in policy(),
            mut comparison in comparison()) {
            comparison.observed_is_desired = false;
            comparison.observed_is_empty = false;
            comparison.has_base = true;
            comparison.observed_is_base = false;
            prop_assert_eq!(decide(policy, comparison) == Decision::Write,
                policy == Policy::Enforce);
        }

        #[test]
        fn a_conflict_is_reported_only_when_both_sides_moved(policy in policy(),
            comparison in comparison()) {
            if decide(policy, comparison) == Decision::Conflict {
                prop_assert!(comparison.has_base && !comparison.observed_is_base);
                prop_assert!(!comparison.desired_is_base);
                prop_assert_eq!(policy, Policy::Yield);
            }
        }

        #[test]
        fn fill_never_overwrites(mut comparison in comparison()) {
            comparison.observed_is_empty = false;
            prop_assert_ne!(decide(Policy::Fill, comparison), Decision::Write);
        }

        #[test]
        fn a_value_that_the_engine_did_not_write_is_overwritten_only_by_enforce(policy in policy(),
            mut comparison in comparison()) {
            comparison.observed_is_empty = false;
            comparison.has_base = false;
            comparison.observed_is_base = false;
            comparison.desired_is_base = false;
            let is_written = decide(policy, comparison) == Decision::Write;
            prop_assert!(!is_written || policy == Policy::Enforce);
        }

        #[test]
        fn seed_never_writes_to_a_record_that_exists(comparison in comparison()) {
            prop_assert_ne!(decide(Policy::Seed, comparison), Decision::Write);
        }
    }

    #[test]
    fn a_field_that_both_sides_changed_is_a_conflict() {
        let both = Comparison {
            observed_is_desired: false,
            observed_is_empty: false,
            has_base: true,
            observed_is_base: false,
            desired_is_base: false,
        };
        assert_eq!(decide(Policy::Yield, both), Decision::Conflict);
    }
}
