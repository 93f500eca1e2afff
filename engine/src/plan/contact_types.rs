//! The types of contact entries, such as `work`, `mobile` or `blog`. Pure.
//!
//! An entry is known by its value ([`super::contacts`]); its type is owned only where the host
//! declares one, and follows the policy of the list. A type is changed by removing the entry and
//! adding it again in the ATS's spelling, which an adapter turns into a replacement in place.
//!
//! An ATS has fewer types than the model. So the base records both the type that was written and
//! the one that showed for it: a type that the ATS keeps as another is reported once, and in step
//! from then on. The type shown right after a write is taken for the ATS's own.

use super::contacts::{self, Compared};
use super::ownership::{Comparison, Decision, decide};
use super::{Record, account};
use atsync_model::desired::{DesiredContact, Policy};
use serde_json::{Map, Value, json};

/// The decision about the type of one entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TypeVerdict {
    /// The leaf of the desired record ([`super::account`]).
    pub(super) place: String,
    /// The entry's value in the ATS's spelling.
    pub(super) value: String,
    /// The declared type.
    pub(super) desired: String,
    /// The type that the ATS shows; none where it shows none.
    pub(super) observed: Option<String>,
    /// The decision.
    pub(super) decision: Decision,
    /// The ATS keeps the written type as the shown one, for the first time.
    pub(super) kept_as_other: bool,
}

/// The plan of the types of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TypesPlan {
    /// Entries to add, with their new type.
    pub(super) add: Vec<Value>,
    /// The same entries, to be removed.
    pub(super) remove: Vec<Value>,
    /// One per existing entry with a declared type.
    pub(super) verdicts: Vec<TypeVerdict>,
    /// The base to record: `{<normal form>: {"wrote", "shown"}}`.
    pub(super) applied: Map<String, Value>,
}

impl TypesPlan {
    /// Takes no type for the ATS's own yet: what shows may be older than the write.
    pub(super) fn wait_for_first_sight(&mut self, compared: Compared) {
        for verdict in self.verdicts.iter_mut().filter(|verdict| verdict.kept_as_other) {
            verdict.kept_as_other = false;
            self.applied
                .insert(compared.normal(&verdict.value), json!({ "wrote": verdict.desired }));
        }
    }
}

/// Returns the type that an entry shows.
fn shown(entry: &Value) -> Option<&str> {
    let kind = entry.get("type")?;
    kind.as_str().or_else(|| kind.get("value").and_then(Value::as_str))
}

/// Returns the base of the declared types, as a creation or an addition writes them.
pub(super) fn written(compared: Compared, desired: &[DesiredContact]) -> Map<String, Value> {
    let typed = desired
        .iter()
        .filter_map(|contact| Some((compared.normal(contact.value()), contact.kind()?)));
    typed.map(|(normal, kind)| (normal, json!({ "wrote": kind }))).collect()
}

/// Plans the types of a list against an observed record. `applied`: the base of the list.
pub(super) fn plan(
    compared: Compared,
    desired: &[DesiredContact],
    record: &Record,
    applied: Option<&Value>,
    policy: Policy,
) -> TypesPlan {
    let list = compared.list;
    let mut plan = TypesPlan::default();
    let base_of =
        |normal: &str| applied.and_then(|applied| applied.get("types")?.get(normal)).cloned();
    let ours = |normal: &str| {
        let added = applied.and_then(|applied| applied.get("added")).and_then(Value::as_array);
        added.is_some_and(|added| added.iter().any(|entry| entry.as_str() == Some(normal)))
    };
    for contact in desired {
        let Some(wanted) = contact.kind() else { continue };
        let normal = compared.normal(contact.value());
        if plan.applied.contains_key(&normal) {
            continue;
        }
        let value = |entry: &Value| {
            entry.get("value").and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let Some(entry) =
            record.list(list.field()).iter().find(|entry| compared.normal(&value(entry)) == normal)
        else {
            // The entry is added with its type, or not at all.
            plan.applied.insert(normal, json!({ "wrote": wanted }));
            continue;
        };
        let observed = shown(entry);
        // The engine adds an entry without a declared type with the usual one.
        let usual = contacts::entry(list, &DesiredContact::Bare(contact.value().to_owned()));
        let base = base_of(&normal).or_else(|| {
            let usual = shown(&usual)?;
            ours(&normal).then(|| json!({ "wrote": usual, "shown": usual }))
        });
        let member =
            |name: &str| base.as_ref().and_then(|base| base.get(name)).and_then(Value::as_str);
        let is_first_sight =
            base.is_some() && base.as_ref().is_some_and(|base| base.get("shown").is_none());
        let kept =
            member("wrote") == Some(wanted) && (is_first_sight || member("shown") == observed);
        let is_observed = observed == Some(wanted);
        let comparison = Comparison {
            observed_is_desired: is_observed || kept,
            observed_is_empty: observed.is_none(),
            has_base: base.is_some(),
            observed_is_base: base.is_some() && member("shown").or(member("wrote")) == observed,
            desired_is_base: member("wrote") == Some(wanted),
        };
        let decision = decide(policy, comparison);
        match decision {
            Decision::InStep => {
                plan.applied.insert(normal, json!({ "wrote": wanted, "shown": observed }));
            }
            Decision::Write => {
                plan.add.push(json!({ "value": value(entry), "type": wanted }));
                plan.remove.push(json!({ "value": value(entry) }));
                plan.applied.insert(normal, json!({ "wrote": wanted }));
            }
            Decision::Drifted | Decision::Conflict | Decision::Erased | Decision::Leave => {
                plan.applied.extend(base.clone().map(|base| (normal, base)));
            }
        }
        plan.verdicts.push(TypeVerdict {
            place: account::entry(list.field(), contact.value(), "type"),
            value: value(entry),
            desired: wanted.to_owned(),
            observed: observed.map(str::to_owned),
            decision,
            kept_as_other: decision == Decision::InStep && !is_observed && is_first_sight,
        });
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::{TypesPlan, plan, written};
    use crate::plan::Record;
    use crate::plan::contacts::{Compared, List};
    use crate::plan::ownership::Decision;
    use atsync_model::desired::{DesiredContact, Policy, TypedContact};
    use serde_json::{Map, Value, json};

    const EMAILS: Compared = Compared { list: List::Emails, coarser: None };

    fn typed(kind: &str) -> Vec<DesiredContact> {
        vec![DesiredContact::Typed(TypedContact {
            value: "a@x.com".into(),
            kind: Some(kind.into()),
        })]
    }

    fn shows(kind: Option<&str>) -> Record {
        let entry = match kind {
            Some(kind) => json!({ "value": "A@x.com", "type": { "value": kind } }),
            None => json!({ "value": "A@x.com" }),
        };
        let body = json!({ "emails": [entry] }).as_object().unwrap().clone();
        Record {
            kind: "candidates".into(),
            id: "1".into(),
            body,
            known: vec!["emails".into()],
            moved_in: false,
        }
    }

    fn planned(
        wanted: &str,
        shown: Option<&str>,
        types: &Map<String, Value>,
        policy: Policy,
    ) -> TypesPlan {
        let base = json!({ "added": ["a@x.com"], "seen": [], "types": types });
        plan(EMAILS, &typed(wanted), &shows(shown), Some(&base), policy)
    }

    fn verdict(plan: &TypesPlan) -> Decision {
        plan.verdicts.first().unwrap().decision
    }

    #[test]
    fn another_type_is_written_in_the_spelling_of_the_ats() {
        let first = planned("work", Some("work"), &written(EMAILS, &typed("work")), Policy::Yield);
        assert_eq!(verdict(&first), Decision::InStep);
        let other = planned("personal", Some("work"), &first.applied, Policy::Yield);
        assert_eq!(verdict(&other), Decision::Write);
        assert_eq!(other.add, vec![json!({ "value": "A@x.com", "type": "personal" })]);
        assert_eq!(other.remove, vec![json!({ "value": "A@x.com" })]);
    }

    #[test]
    fn a_type_given_to_an_entry_that_the_engine_added_without_one_is_written() {
        let base = json!({ "added": ["a@x.com"], "seen": [] });
        let made =
            plan(EMAILS, &typed("work"), &shows(Some("personal")), Some(&base), Policy::Yield);
        assert_eq!(verdict(&made), Decision::Write);
    }

    #[test]
    fn a_recruiters_type_is_kept_unless_the_policy_is_enforce() {
        let base =
            planned("work", Some("work"), &written(EMAILS, &typed("work")), Policy::Yield).applied;
        for (policy, decision) in [
            (Policy::Yield, Decision::Drifted),
            (Policy::Enforce, Decision::Write),
            (Policy::Fill, Decision::Leave),
            (Policy::Seed, Decision::Leave),
        ] {
            let made = planned("work", Some("personal"), &base, policy);
            assert_eq!(verdict(&made), decision, "{policy:?}");
            if decision != Decision::Write {
                assert_eq!(made.applied, base, "{policy:?}");
            }
        }
        let stranger = plan(EMAILS, &typed("work"), &shows(Some("personal")), None, Policy::Yield);
        assert_eq!(verdict(&stranger), Decision::Drifted);
    }

    #[test]
    fn a_type_that_the_ats_keeps_as_another_is_reported_once_and_written_once() {
        let first =
            planned("home", Some("other"), &written(EMAILS, &typed("home")), Policy::Enforce);
        assert!(first.verdicts.first().unwrap().kept_as_other && first.add.is_empty());
        let again = planned("home", Some("other"), &first.applied, Policy::Enforce);
        assert_eq!(verdict(&again), Decision::InStep);
        assert!(!again.verdicts.first().unwrap().kept_as_other);
        // An ATS that shows no type leaves nothing to compare.
        let none = planned("home", None, &written(EMAILS, &typed("home")), Policy::Yield);
        assert_eq!(verdict(&planned("home", None, &none.applied, Policy::Yield)), Decision::InStep);
    }
}
