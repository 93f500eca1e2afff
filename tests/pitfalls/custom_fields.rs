//! Section C, and entry 5: custom fields.

use super::{
    ADA, ada, apply, blocked, bodies, bring, converge, declare, email_of, id_of, plain_candidates,
    plan, recruiter, the_candidate, world,
};
use atsync_greenhouse_sandbox::{CustomFieldsPatch, Recruiter};
use atsync_tests::World;
use serde_json::{Value, json};

const PATCHES: [CustomFieldsPatch; 2] = [CustomFieldsPatch::ReplaceAll, CustomFieldsPatch::Merge];

fn field(world: &World, of: &str, key: &str) -> Value {
    let rows = world.sandbox.rows("custom_fields");
    rows.into_iter().find(|row| row["name_key"] == key && row["field_type"] == of).unwrap()
}

fn option(world: &World, key: &str, name: &str) -> i64 {
    let options = world.sandbox.rows_where(
        "custom_field_options",
        "custom_field_id",
        id_of(&field(world, "candidate", key)),
    );
    id_of(options.iter().find(|option| option["name"] == name && option["active"] == true).unwrap())
}

fn set(world: &World, candidate: i64, key: &str, value: Value) {
    let deed = Recruiter::SetCustomField {
        collection: "candidates".into(),
        id: candidate,
        name_key: key.into(),
        value,
    };
    recruiter(world, &deed);
}

fn values(world: &World, candidate: i64) -> Value {
    world.sandbox.row("candidates", candidate).unwrap()["custom_fields"].clone()
}

/// A candidate whose recruiter filled in a field of every type.
fn rich(world: &World) -> i64 {
    let candidate = plain_candidates(world)[0];
    set(world, candidate, "dialing_code", json!("+44"));
    set(world, candidate, "about", json!("Two\nlines"));
    set(world, candidate, "needs_a_visa_", json!(false));
    set(world, candidate, "seniority", json!(option(world, "seniority", "Senior")));
    set(
        world,
        candidate,
        "languages",
        json!([option(world, "languages", "日本語"), option(world, "languages", "Deutsch")]),
    );
    set(
        world,
        candidate,
        "salary_expectation",
        json!({"amount": "85000.0", "currency_code": "EUR"}),
    );
    set(
        world,
        candidate,
        "salary_range",
        json!({"min_amount": "1.0", "max_amount": "2.5", "currency_code": "EUR"}),
    );
    set(world, candidate, "years_of_experience", json!(7));
    set(world, candidate, "hours_per_week", json!({"min_value": 20, "max_value": 40}));
    set(world, candidate, "available_from", json!("2027-01-01"));
    set(world, candidate, "portfolio", json!("https://ada.example"));
    let user =
        world.sandbox.rows("users").iter().find(|user| user["deactivated"] == false).unwrap()["id"]
            .clone();
    set(world, candidate, "buddy", user);
    candidate
}

fn own(world: &World, candidate: i64, customs: &Value) -> Value {
    json!({"key": "ref-1", "emails": [email_of(world, candidate)], "custom_fields": customs})
}

/// Entries 5, 32 and 33: writing one field keeps the values of all the others, of every type,
/// whether PATCH replaces or merges.
#[test]
fn writing_one_custom_field_keeps_all_others_under_either_reading_of_patch() {
    for patch in PATCHES {
        println!("{patch:?}");
        let world = world(|quirks| quirks.custom_fields_patch = patch);
        let acme = world.connect();
        let candidate = rich(&world);
        let before = values(&world, candidate);
        bring(&world, &acme, &own(&world, candidate, &json!({"external_ref": "ref-1"})));
        let mut after = values(&world, candidate);
        assert_eq!(after["external_ref"]["value"], "ref-1");
        after.as_object_mut().unwrap().remove("external_ref");
        let mut before = before;
        before.as_object_mut().unwrap().remove("external_ref");
        assert_eq!(after, before);
        converge(&world, &acme, 2);
    }
}

/// Entry 5: the update includes what a recruiter typed between plan and apply.
#[test]
fn a_custom_value_that_a_recruiter_set_between_plan_and_apply_survives() {
    for patch in PATCHES {
        println!("{patch:?}");
        let world = world(|quirks| quirks.custom_fields_patch = patch);
        let acme = world.connect();
        let candidate = plain_candidates(&world)[0];
        declare(&world, &acme, &[own(&world, candidate, &json!({"external_ref": "ref-1"}))]);
        let planned = plan(&world, &acme);
        set(&world, candidate, "seniority", json!(option(&world, "seniority", "Principal")));
        apply(&world, &acme, &planned);
        let after = values(&world, candidate);
        assert_eq!(after["external_ref"]["value"], "ref-1");
        assert_eq!(after["seniority"]["value"], "Principal");
    }
}

/// Entries 4 and 5: a row that does not show values of others, in whatever form, leads to no update
/// that erases them. Once it shows them, the host's own value is written beside them.
#[test]
fn a_value_of_others_that_a_row_does_not_show_is_never_erased() {
    type Hide = fn(&mut serde_json::Map<String, Value>);
    let hides: [(&str, Hide); 9] = [
        ("null", |row| drop(row.insert("custom_fields".into(), Value::Null))),
        ("an empty list", |row| drop(row.insert("custom_fields".into(), json!([])))),
        ("a list of null", |row| drop(row.insert("custom_fields".into(), json!([null])))),
        ("no member", |row| drop(row.remove("custom_fields"))),
        ("values without a value", |row| {
            let values = row.get_mut("custom_fields").unwrap().as_object_mut().unwrap();
            values
                .values_mut()
                .for_each(|field| drop(field.as_object_mut().unwrap().remove("value")));
        }),
        ("phones: null", |row| drop(row.insert("phone_numbers".into(), Value::Null))),
        ("phones: a list of null", |row| drop(row.insert("phone_numbers".into(), json!([null])))),
        ("phones: a renamed member", |row| {
            for entry in row.get_mut("phone_numbers").unwrap().as_array_mut().unwrap() {
                let value = entry["value"].take();
                *entry = json!({"number": value});
            }
        }),
        ("phones: an empty entry", |row| drop(row.insert("phone_numbers".into(), json!([{}])))),
    ];
    for (what, hide) in hides {
        println!("{what}");
        let world = world(|quirks| quirks.custom_fields_patch = CustomFieldsPatch::ReplaceAll);
        let acme = world.connect();
        let candidate = rich(&world);
        let others = json!([{"value": "+44 20 7946 0000", "type": "home"}]);
        let phones = json!({"phone_numbers": others}).as_object().unwrap().clone();
        recruiter(
            &world,
            &Recruiter::Set { collection: "candidates".into(), id: candidate, values: phones },
        );
        bring(&world, &acme, &json!({"key": "ref-1", "emails": [email_of(&world, candidate)]}));
        let before = world.sandbox.row("candidates", candidate).unwrap();
        world.wire.edit_rows("/v3/candidates", move |_, rows| {
            rows.iter_mut()
                .filter(|row| row["id"] == candidate)
                .for_each(|row| hide(row.as_object_mut().unwrap()));
        });
        let mut record = own(&world, candidate, &json!({"external_ref": "ref-1"}));
        let is_of_phones = what.starts_with("phones");
        if is_of_phones {
            record["phones"] = json!(["+44 20 7946 0001"]);
        }
        record["policy"] = json!({"phones": "enforce", "custom_fields": "enforce"});
        for round in 0..2 {
            super::pass(&world, 200_000);
            let report = bring(&world, &acme, &record);
            assert!(round > 0 || !report.is_complete(), "{what}: {report:#?}");
        }
        let after = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(after["custom_fields"], before["custom_fields"], "{what}");
        assert_eq!(after["phone_numbers"], before["phone_numbers"], "{what}");
        world.wire.spare();
        world.run(acme.pull_full("candidates")).unwrap();
        converge(&world, &acme, 12);
        let values = values(&world, candidate);
        assert_eq!(values["external_ref"]["value"], "ref-1", "{what}");
        assert_eq!(values["seniority"]["value"], "Senior", "{what}");
        let phones = world.sandbox.row("candidates", candidate).unwrap()["phone_numbers"].clone();
        assert_eq!(phones.as_array().unwrap().len(), if is_of_phones { 2 } else { 1 }, "{what}");
        assert_eq!(phones[0], others[0], "{what}");
    }
}

/// Entry 5: clearing an owned field clears only that one.
#[test]
fn clearing_one_custom_field_clears_no_other_under_either_reading_of_patch() {
    for patch in PATCHES {
        println!("{patch:?}");
        let world = world(|quirks| quirks.custom_fields_patch = patch);
        let acme = world.connect();
        let candidate = rich(&world);
        let without_it = |mut fields: Value| {
            fields
                .as_object_mut()
                .unwrap()
                .retain(|key, field| key != "about" && !field["value"].is_null());
            fields
        };
        let before = without_it(values(&world, candidate));
        bring(&world, &acme, &own(&world, candidate, &json!({"about": null})));
        let after = values(&world, candidate);
        assert!(after["about"]["value"].is_null());
        assert_eq!(without_it(after.clone()), before);
        assert_eq!(after["seniority"]["value"], "Senior");
        converge(&world, &acme, 2);
    }
}

/// Entry 35, and 5: private fields that the actor may not read come back absent and cannot be
/// preserved. The plan names them before an update could lose them, and says nothing if they show;
/// if the operator knows that PATCH merges, they stay.
#[test]
fn private_values_that_cannot_be_seen_are_named_before_an_update_could_lose_them() {
    for hidden in [true, false] {
        println!("hidden: {hidden}");
        let mut world = world(|quirks| {
            quirks.custom_fields_patch = CustomFieldsPatch::Merge;
            quirks.hide_private_fields = hidden;
        });
        world.settings.insert("custom_fields_reading".into(), json!("merge"));
        let acme = world.connect();
        let candidate = rich(&world);
        declare(&world, &acme, &[own(&world, candidate, &json!({"external_ref": "ref-1"}))]);
        let planned = plan(&world, &acme);
        let words = atsync::internals::plan::words::plan(&planned);
        assert_eq!(words.contains("salary_expectation"), hidden, "{words}");
        apply(&world, &acme, &planned);
        world.sandbox.set_quirks(|quirks| quirks.hide_private_fields = false);
        let after = values(&world, candidate);
        assert_eq!(after["external_ref"]["value"], "ref-1");
        assert_eq!(after["salary_expectation"]["value"]["amount"], "85000.0");
    }
}

/// Entry 30: fields are identified by key. The label may change, ids differ between tenants, and
/// two kinds of record may have the same key.
#[test]
fn a_custom_field_is_identified_by_its_key_and_not_by_label_or_id() {
    let mut ids = Vec::new();
    for candidates in [60, 90] {
        let world = World::new(3, candidates);
        let acme = world.connect();
        let candidate = plain_candidates(&world)[0];
        let record = own(&world, candidate, &json!({"needs_a_visa_": true, "external_ref": "r"}));
        bring(&world, &acme, &record);
        let visa = field(&world, "candidate", "needs_a_visa_");
        assert_eq!(values(&world, candidate)["needs_a_visa_"]["value"], true);
        let renamed = json!({"name": "Sponsorship!"}).as_object().unwrap().clone();
        recruiter(
            &world,
            &Recruiter::Set {
                collection: "custom_fields".into(),
                id: id_of(&visa),
                values: renamed,
            },
        );
        converge(&world, &acme, 2);
        ids.push((
            id_of(&visa),
            id_of(&field(&world, "candidate", "external_ref")),
            id_of(&field(&world, "application", "external_ref")),
        ));
    }
    assert_ne!(ids[0].1, ids[0].2, "one key, two fields");
}

/// Entry 31: the store gets every custom value.
#[test]
fn every_custom_value_of_a_row_is_in_the_observed_record() {
    let world = world(|_| {});
    let acme = world.connect();
    let candidate = rich(&world);
    for (kind, collection) in [
        ("candidates", "candidates"),
        ("applications", "applications"),
        ("jobs", "jobs"),
        ("openings", "openings"),
    ] {
        world.run(acme.pull_full(kind)).unwrap();
        let mut seen = 0;
        for row in world.sandbox.rows(collection) {
            let observed =
                world.run(acme.observed_one(kind, &row["id"].to_string())).unwrap().unwrap();
            let body: Value = serde_json::from_str(&observed.body).unwrap();
            for (key, field) in row["custom_fields"].as_object().into_iter().flatten() {
                if !field["value"].is_null() {
                    assert!(
                        !body["custom_fields"][key]["value"].is_null(),
                        "{collection}.{key} of {}",
                        row["id"]
                    );
                    seen += 1;
                }
            }
        }
        println!("{collection}: {seen} values");
        assert!(seen > 0 || collection == "openings");
    }
    let observed =
        world.run(acme.observed_one("candidates", &candidate.to_string())).unwrap().unwrap();
    let body: Value = serde_json::from_str(&observed.body).unwrap();
    assert!(body["custom_fields"].as_object().unwrap().len() >= 12);
}

/// Entry 32: labels are resolved to option ids when writing; the label of an archived option of
/// which another is active under the same name means the active one.
#[test]
fn an_option_is_written_by_the_id_of_its_active_option() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(
        &world,
        &acme,
        &ada(
            &json!({"custom_fields": {"seniority": "Senior", "languages": ["English", "Yorùbá"]}}),
        ),
    );
    let sent = bodies(&world, "POST", "/v3/candidates").remove(0);
    let text = sent["custom_fields"].to_string();
    assert!(text.contains(&option(&world, "seniority", "Senior").to_string()), "{text}");
    assert!(!text.contains("Senior"), "{text}");
    let candidate = id_of(&the_candidate(&world, ADA));
    assert_eq!(values(&world, candidate)["seniority"]["value"], "Senior");
    converge(&world, &acme, 2);
}

/// Entry 32: a label that is unknown, archived, or means two options is refused before anything is
/// sent, and the options are named.
#[test]
fn a_label_that_leads_to_no_single_active_option_is_refused_before_sending() {
    let world = world(|_| {});
    let acme = world.connect();
    let junior = option(&world, "seniority", "Junior");
    let set_option = |id: i64, values: Value| {
        let values = values.as_object().unwrap().clone();
        recruiter(
            &world,
            &Recruiter::Set { collection: "custom_field_options".into(), id, values },
        );
    };
    set_option(junior, json!({"active": false}));
    set_option(option(&world, "seniority", "Mid"), json!({"name": "Senior"}));
    for (label, said) in [
        ("Seniour", "the options are: "),
        ("Junior", "no active option \"Junior\""),
        ("Senior", "2 active options \"Senior\""),
    ] {
        declare(&world, &acme, &[ada(&json!({"custom_fields": {"seniority": label}}))]);
        let planned = plan(&world, &acme);
        assert!(planned.is_empty());
        assert!(blocked(&planned).contains(said), "{}", blocked(&planned));
        apply(&world, &acme, &planned);
    }
    assert_eq!(world.written(), Vec::<String>::new());
}

/// Entry 32: a stored value may hold an archived option, which cannot be sent again. An update of
/// another field does not clear it.
#[test]
fn a_stored_value_whose_option_was_archived_is_not_cleared() {
    for patch in PATCHES {
        println!("{patch:?}");
        let world = world(|quirks| quirks.custom_fields_patch = patch);
        let acme = world.connect();
        let candidate = plain_candidates(&world)[0];
        let junior = option(&world, "seniority", "Junior");
        set(&world, candidate, "seniority", json!(junior));
        let archived = json!({"active": false}).as_object().unwrap().clone();
        recruiter(
            &world,
            &Recruiter::Set {
                collection: "custom_field_options".into(),
                id: junior,
                values: archived,
            },
        );
        let report =
            bring(&world, &acme, &own(&world, candidate, &json!({"external_ref": "ref-1"})));
        assert_eq!(values(&world, candidate)["seniority"]["value"], "Junior");
        if values(&world, candidate)["external_ref"]["value"] != "ref-1" {
            assert!(!report.is_complete(), "a value that was not written is reported");
        }
    }
}

/// Entry 34: `required` binds the form, not the API. A record without the field is created, and an
/// empty one that is not declared stays empty.
#[test]
fn a_required_field_that_is_not_declared_is_left_alone() {
    let world = world(|_| {});
    let acme = world.connect();
    let values_of = json!({"required": true}).as_object().unwrap().clone();
    let id = id_of(&field(&world, "candidate", "about"));
    recruiter(
        &world,
        &Recruiter::Set { collection: "custom_fields".into(), id, values: values_of },
    );
    let report = bring(&world, &acme, &ada(&json!({"custom_fields": {"external_ref": "r"}})));
    assert!(report.is_complete());
    let candidate = id_of(&the_candidate(&world, ADA));
    assert!(values(&world, candidate)["about"]["value"].is_null());
    converge(&world, &acme, 1);
}

/// Entry 33: a value of another type is refused with the form of its type.
#[test]
fn a_value_of_another_type_is_refused_with_the_form_it_should_have() {
    let world = world(|_| {});
    let acme = world.connect();
    for (key, value, said) in [
        ("needs_a_visa_", json!("yes"), "true or false"),
        ("salary_expectation", json!(5), "{\"amount\": a number"),
        ("salary_expectation", json!({"amount": 5, "unit": "EUR"}), "{\"amount\": a number"),
        ("hours_per_week", json!({"min_value": 1, "max_value": 2}), "{\"min\": a number"),
        ("unheard_of", json!("x"), "no active custom field"),
        ("old_rating", json!(1), "no active custom field"),
    ] {
        declare(&world, &acme, &[ada(&json!({"custom_fields": {key: value}}))]);
        let planned = plan(&world, &acme);
        assert!(blocked(&planned).contains(said), "{}", blocked(&planned));
    }
    assert_eq!(world.written(), Vec::<String>::new());
}
