//! Laws of the plans of candidates, and of the definitions that their values need.

use crate::tiny::{ADA, CHANNEL, Tiny, field};
use crate::{policy, read, some_of};
use atsync::internals::plan::RecordPlan;
use atsync::model::kinds;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Generates a candidate: which fields are declared, and their values.
pub(crate) fn candidate() -> impl Strategy<Value = Value> {
    let text = || prop::option::of(prop::sample::select(vec!["", "One", "Two"]));
    let lists = (
        some_of(&["ada@example.org", "lovelace@example.com"]),
        prop::option::of(some_of(&["+1 555", "+2 555"])),
    );
    let customs = (
        prop::option::of(prop::sample::select(vec!["Portal", "Event"])),
        prop::option::of(prop::sample::select(vec![json!("r1"), json!("r2"), Value::Null])),
    );
    let below = (
        prop::option::of(some_of(&["x", "y"])),
        some_of(&["n1", "n2"]),
        some_of(&["Engineer", "Chef"]),
        any::<bool>(),
    );
    let policies = prop::collection::btree_map(
        prop::sample::select(vec!["company", "title", "custom_fields", "emails", "tags", "name"]),
        policy(),
        0..4,
    );
    ((text(), text()), lists, customs, below,
        policies).prop_map(|(scalars, lists, customs, below, policies)| {
        let mut emails = vec![ADA];
        emails.extend(lists.0);
        let mut record =
            json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": emails,
                "policy": policies});
        for (field, value) in [("company", scalars.0), ("title", scalars.1)] {
            if let Some(value) = value {
                record[field] = json!(value);
            }
        }
        if let Some(phones) = lists.1 {
            record["phones"] = json!(phones);
        }
        let mut values = Map::new();
        values.extend(customs.0.map(|label| ("channel".to_owned(), json!(label))));
        values.extend(customs.1.map(|text| ("ref".to_owned(), text)));
        record["custom_fields"] = Value::Object(values);
        if let Some(tags) = below.0 {
            record["tags"] = json!(tags);
        }
        record["notes"] = below.1.iter().map(|key| json!({"key": key,
            "body": format!("Note {key}.")})).collect();
        let application = |job: &&str| {
            let mut application = json!({"key": job, "job": job});
            if below.3 {
                application["source"] = json!("Acme Referrals");
            }
            application
        };
        record["applications"] = below.2.iter().map(application).collect();
        record
    })
}

pub(crate) fn definition() -> impl Strategy<Value = Value> {
    (some_of(&["Portal", "Other"]), prop::option::of("[a-z]{0,3}"), policy()).prop_map(
        |(more, description, policy)| {
            let mut options = vec!["Event"];
            options.extend(more);
            let mut record = json!({"kind": "custom_fields", "key": "channel",
            "applies_to": "candidate", "type": "single",
            "name": "Channel?", "options": options,
                "policy": {"description": policy, "options": policy}});
            if let Some(description) = description {
                record["description"] = json!(description);
            }
            record
        },
    )
}

/// Generates the account before the engine: jobs and a source, perhaps the candidate, perhaps the
/// field with options.
pub(crate) fn account() -> impl Strategy<Value = Tiny> {
    let texts = prop::option::of(prop::sample::select(vec!["One", "Theirs"]));
    let candidate =
        prop::option::of((texts, some_of(&["theirs@example.com"]), some_of(&["+1 555", "+9 999"])));
    (candidate, prop::option::of(some_of(&["Portal", "Event"]))).prop_map(|(candidate, options)| {
        let mut tiny = Tiny::default();
        for title in ["Engineer", "Chef"] {
            tiny.make(kinds::JOBS, json!({"title": title, "state": {"value": "open"}}));
        }
        tiny.make(kinds::SOURCES, json!({"name": "Acme Referrals", "active": true}));
        tiny.make(kinds::CUSTOM_FIELDS, field(&json!("Reference"), "ref", &json!("text")));
        if let Some(options) = options {
            let id = tiny
                .make(kinds::CUSTOM_FIELDS, field(&json!("Channel"), "channel", &json!("single")));
            for label in options {
                let option = json!({"name": label, "custom_field": {"id": id}, "active": true});
                tiny.make(kinds::CUSTOM_FIELD_OPTIONS, option);
            }
        }
        if let Some((company, emails, phones)) = candidate {
            let entries = |list: &[&str]| -> Value {
                list.iter().map(|value| json!({"value": value})).collect()
            };
            let mut all = vec![ADA];
            all.extend(emails);
            tiny.make(
                kinds::CANDIDATES,
                json!({"name": {"first": "Augusta", "last": "King"}, "company": company,
                    "emails": entries(&all),
                    "phones": entries(&phones),
                        "custom_fields": {"ref": {"type": "text", "value": "theirs"}}}),
            );
        }
        tiny
    })
}

pub(crate) fn ada_in(tiny: &Tiny) -> (String, Map<String, Value>) {
    let mut found =
        tiny.of(kinds::CANDIDATES).filter(|(_, body)| body["emails"].to_string().contains(ADA));
    let (id, body) = found.next().unwrap();
    assert!(found.next().is_none(), "two candidates have the address");
    (id.clone(), body.clone())
}

/// Lists the top fields that a desired candidate names.
pub(crate) fn owned(candidate: &Value) -> BTreeSet<String> {
    let named = candidate.as_object().unwrap().keys();
    named
        .filter(|field| {
            !["key", "policy", "notes", "applications", "tags"].contains(&field.as_str())
        })
        .cloned()
        .collect()
}

proptest! {
    #[test]
    fn an_applied_plan_leaves_nothing_to_do(tiny in account(), candidate in candidate(),
        definition in definition()) {
        let desired = read(&[&candidate, &definition]);
        let mut tiny = tiny;
        let first = tiny.plan(&desired);
        tiny.carry_out(&first);
        let again = tiny.plan(&desired);
        let blocked = again.plans.iter().any(RecordPlan::is_blocked);
        prop_assert!(blocked == first.plans.iter().any(RecordPlan::is_blocked), "{again:#?}");
        prop_assert_eq!(again.steps().count(), 0, "{:#?}", again);
    }

    #[test]
    fn a_step_comes_after_the_steps_that_it_depends_on(tiny in account(), candidate in candidate(),
        definition in definition()) {
        let run = tiny.plan(&read(&[&candidate, &definition]));
        let mut done: BTreeSet<&str> = tiny.links.keys().map(String::as_str).collect();
        for step in run.steps() {
            for path in &step.after {
                prop_assert!(done.contains(path.as_str()), "{} before {path}", step.path);
            }
            done.extend(step.makes.values().map(String::as_str));
            done.insert(&step.path);
        }
    }

    #[test]
    fn a_blocked_record_plans_nothing(tiny in account(), candidate in candidate()) {
        // Without the definition, an option that the ATS lacks blocks the record.
        let run = tiny.plan(&read(&[&candidate]));
        let plan = run.candidate();
        if plan.is_blocked() {
            prop_assert!(plan.steps.is_empty() && plan.adoptions.is_empty());
            prop_assert!(plan.releases.is_empty());
            prop_assert!(run.shared.is_empty());
        }
    }

    #[test]
    fn fields_that_are_not_declared_are_not_touched(tiny in account(), candidate in candidate(),
        definition in definition()) {
        if tiny.of(kinds::CANDIDATES).next().is_none() {
            return Ok(());
        }
        let mut tiny = tiny;
        let (_, before) = ada_in(&tiny);
        let run = tiny.plan(&read(&[&candidate, &definition]));
        tiny.carry_out(&run);
        let (_, after) = ada_in(&tiny);
        let owned = owned(&candidate);
        for (field, value) in before.iter().filter(|(field, _)| !owned.contains(*field)) {
            prop_assert_eq!(Some(value), after.get(field), "{}", field);
        }
        // In declared lists and maps, entries of others stay.
        for list in ["emails", "phones"] {
            for entry in before[list].as_array().unwrap() {
                prop_assert!(after[list].as_array().unwrap().contains(entry),
                    "{list} lost {entry}");
            }
        }
        if candidate["custom_fields"].get("ref").is_none() {
            prop_assert_eq!(&before["custom_fields"]["ref"], &after["custom_fields"]["ref"]);
        }
    }

    #[test]
    fn a_recruiters_change_is_overwritten_only_under_enforce(
        tiny in account(), candidate in candidate(), definition in definition(),
            field in prop::sample::select(vec!["company", "title"])
    ) {
        let mut candidate = candidate;
        candidate[field] = json!("One");
        let desired = read(&[&candidate, &definition]);
        let mut tiny = tiny;
        let run = tiny.plan(&desired);
        tiny.carry_out(&run);
        if run.candidate().is_blocked() {
            return Ok(());
        }
        let (id, _) = ada_in(&tiny);
        let body = tiny.records.get_mut(&(kinds::CANDIDATES.to_owned(), id)).unwrap();
        body.insert(field.to_owned(), json!("Edited"));
        let again = tiny.plan(&desired);
        let mut changes = again.candidate().steps.iter().flat_map(|step| &step.fields);
        let written = changes.any(|change| change.field == field);
        let policy = candidate["policy"].get(field).and_then(Value::as_str).unwrap_or("yield");
        prop_assert_eq!(written, policy == "enforce", "{}: {:#?}", policy, again);
    }

    #[test]
    fn a_field_that_is_no_longer_declared_keeps_its_value(tiny in account(), one in candidate(),
        definition in definition()) {
        let mut tiny = tiny;
        let run = tiny.plan(&read(&[&one, &definition]));
        tiny.carry_out(&run);
        if run.candidate().is_blocked() {
            return Ok(());
        }
        let (_, before) = ada_in(&tiny);
        let bare = json!({"key": "ada"});
        let mut fewer = definition.clone();
        fewer["options"] = json!([]);
        let released = tiny.plan(&read(&[&bare, &fewer]));
        prop_assert_eq!(released.steps().count(), 0, "{:#?}", released);
        tiny.carry_out(&released);
        prop_assert_eq!(before, ada_in(&tiny).1);
        prop_assert!(tiny.links_of(CHANNEL).len() <= 1, "options are released");
        prop_assert!(tiny.links["ada"].applied.is_empty(), "{:?}", tiny.links["ada"]);
    }
}
