//! People, and the definitions that their values are filed under.

use crate::tiny::{ADA, CHANNEL, Tiny, field};
use crate::{policy, read, some_of};
use atsync::internals::plan::RecordPlan;
use atsync::model::kinds;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A person: which fields are named at all, and what they say.
pub(crate) fn person() -> impl Strategy<Value = Value> {
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

/// The account before the engine comes: jobs and a source, perhaps the person, perhaps the field
/// with choices.
pub(crate) fn account() -> impl Strategy<Value = Tiny> {
    let texts = prop::option::of(prop::sample::select(vec!["One", "Theirs"]));
    let person =
        prop::option::of((texts, some_of(&["theirs@example.com"]), some_of(&["+1 555", "+9 999"])));
    (person, prop::option::of(some_of(&["Portal", "Event"]))).prop_map(|(person, choices)| {
        let mut tiny = Tiny::default();
        for title in ["Engineer", "Chef"] {
            tiny.make(kinds::JOBS, json!({"title": title, "state": {"value": "open"}}));
        }
        tiny.make(kinds::SOURCES, json!({"name": "Acme Referrals", "active": true}));
        tiny.make(kinds::CUSTOM_FIELDS, field(&json!("Reference"), "ref", &json!("text")));
        if let Some(choices) = choices {
            let id = tiny
                .make(kinds::CUSTOM_FIELDS, field(&json!("Channel"), "channel", &json!("single")));
            for label in choices {
                let option = json!({"name": label, "custom_field": {"id": id}, "active": true});
                tiny.make(kinds::CUSTOM_FIELD_OPTIONS, option);
            }
        }
        if let Some((company, emails, phones)) = person {
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
    assert!(found.next().is_none(), "two people have the address");
    (id.clone(), body.clone())
}

/// The top fields that a desired person names.
pub(crate) fn owned(person: &Value) -> BTreeSet<String> {
    let named = person.as_object().unwrap().keys();
    named
        .filter(|field| {
            !["key", "policy", "notes", "applications", "tags"].contains(&field.as_str())
        })
        .cloned()
        .collect()
}

proptest! {
    #[test]
    fn what_was_carried_out_needs_nothing_more(tiny in account(), person in person(),
        definition in definition()) {
        let desired = read(&[&person, &definition]);
        let mut tiny = tiny;
        let first = tiny.plan(&desired);
        tiny.carry_out(&first);
        let again = tiny.plan(&desired);
        let blocked = again.plans.iter().any(RecordPlan::is_blocked);
        prop_assert!(blocked == first.plans.iter().any(RecordPlan::is_blocked), "{again:#?}");
        prop_assert_eq!(again.steps().count(), 0, "{:#?}", again);
    }

    #[test]
    fn a_step_comes_after_what_it_hangs_on(tiny in account(), person in person(),
        definition in definition()) {
        let run = tiny.plan(&read(&[&person, &definition]));
        let mut done: BTreeSet<&str> = tiny.links.keys().map(String::as_str).collect();
        for step in run.steps() {
            for host in &step.after {
                prop_assert!(done.contains(host.as_str()), "{} before {host}", step.host);
            }
            done.extend(step.makes.values().map(String::as_str));
            done.insert(&step.host);
        }
    }

    #[test]
    fn a_blocked_record_plans_nothing(tiny in account(), person in person()) {
        // Without the definition a choice that the ATS does not have blocks.
        let run = tiny.plan(&read(&[&person]));
        let plan = run.person();
        if plan.is_blocked() {
            prop_assert!(plan.steps.is_empty() && plan.adoptions.is_empty() && plan.releases.is_empty());
            prop_assert!(run.shared.is_empty());
        }
    }

    #[test]
    fn what_is_not_named_is_not_touched(tiny in account(), person in person(),
        definition in definition()) {
        if tiny.of(kinds::CANDIDATES).next().is_none() {
            return Ok(());
        }
        let mut tiny = tiny;
        let (_, before) = ada_in(&tiny);
        let run = tiny.plan(&read(&[&person, &definition]));
        tiny.carry_out(&run);
        let (_, after) = ada_in(&tiny);
        let owned = owned(&person);
        for (field, value) in before.iter().filter(|(field, _)| !owned.contains(*field)) {
            prop_assert_eq!(Some(value), after.get(field), "{}", field);
        }
        // Of lists and maps that are named, everybody's other entries stay.
        for list in ["emails", "phones"] {
            for entry in before[list].as_array().unwrap() {
                prop_assert!(after[list].as_array().unwrap().contains(entry),
                    "{list} lost {entry}");
            }
        }
        if person["custom_fields"].get("ref").is_none() {
            prop_assert_eq!(&before["custom_fields"]["ref"], &after["custom_fields"]["ref"]);
        }
    }

    #[test]
    fn a_recruiters_edit_is_undone_only_where_the_host_enforces(
        tiny in account(), person in person(), definition in definition(),
            field in prop::sample::select(vec!["company", "title"])
    ) {
        let mut person = person;
        person[field] = json!("One");
        let desired = read(&[&person, &definition]);
        let mut tiny = tiny;
        let run = tiny.plan(&desired);
        tiny.carry_out(&run);
        if run.person().is_blocked() {
            return Ok(());
        }
        let (id, _) = ada_in(&tiny);
        let body = tiny.records.get_mut(&(kinds::CANDIDATES.to_owned(), id)).unwrap();
        body.insert(field.to_owned(), json!("Edited"));
        let again = tiny.plan(&desired);
        let written = again.person().steps.iter().any(|step| step.fields.iter().any(|change| change.field == field));
        let policy = person["policy"].get(field).and_then(Value::as_str).unwrap_or("yield");
        prop_assert_eq!(written, policy == "enforce", "{}: {:#?}", policy, again);
    }

    #[test]
    fn what_is_declared_no_more_is_left_as_it_is(tiny in account(), one in person(),
        definition in definition()) {
        let mut tiny = tiny;
        let run = tiny.plan(&read(&[&one, &definition]));
        tiny.carry_out(&run);
        if run.person().is_blocked() {
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
        prop_assert!(tiny.links_of(CHANNEL).len() <= 1, "choices are nobody's");
        prop_assert!(tiny.links["ada"].applied.is_empty(), "{:?}", tiny.links["ada"]);
    }
}
