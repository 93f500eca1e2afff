//! The rules of a manifest bind the plan.

use super::*;
use atsync::Reason;

fn altered(change: impl FnOnce(&mut Manifest)) -> World {
    let mut world = world();
    world.adapter = Altered::wrap(native_greenhouse(), change);
    world
}

fn without(manifest: &mut Manifest, operation: &str, field: &str) {
    let rule = manifest.operations.iter_mut().find(|rule| rule.name == operation).unwrap();
    rule.fields.retain(|listed| listed.name != field);
}

#[test]
fn a_field_that_no_operation_lists_is_reported_and_neither_sent_nor_called_in_step() {
    let wanted = json!({
        "company": "Acme", "title": "Countess", "phones": ["1234"], "links": ["https://ada.dev"],
        "custom_fields": {"external_ref": "r"},
    });
    for (field, attribute) in [
        ("company", "company"),
        ("title", "title"),
        ("phones", "phone_numbers"),
        ("links", "website_addresses"),
        ("custom_fields", "custom_fields"),
    ] {
        println!("== {field}");
        let world = altered(|manifest| {
            without(manifest, "candidates.create", field);
            without(manifest, "candidates.update", field);
        });
        let acme = world.connect();
        for _ in 0..2 {
            declare(&world, &acme, &ada(&wanted));
            let planned = plan(&world, &acme);
            let told = planned.records.iter().flat_map(|record| &record.findings);
            let told: Vec<_> =
                told.filter(|finding| finding.reason == Reason::NotSupported).collect();
            assert!(
                told.iter().any(|finding| finding.message.contains(&format!("`{field}"))),
                "{told:?}"
            );
            let report = apply(&world, &acme, &planned);
            assert_eq!(
                (report.in_step, report.held_back + report.not_in_step),
                (0, 1),
                "{report:?}"
            );
            assert_eq!(report.not_in_step, 0, "nothing is left to be done: {report:?}");
        }
        for write in world.sandbox.requests().iter().filter(|request| request.method != "GET") {
            assert!(!format!("{write:?}").contains(attribute), "{write:?}");
        }
        the_ada(&world);
    }
}

#[test]
fn a_required_member_that_is_given_does_not_block_and_one_that_is_missing_does() {
    for (required, more, blocks) in [
        ("emails", json!({}), false),
        ("company", json!({"company": "Acme"}), false),
        ("company", json!({}), true),
        ("name.preferred", json!({}), true),
        ("phones", json!({"phones": []}), true),
        ("custom_fields", json!({"custom_fields": {"external_ref": "r"}}), false),
    ] {
        println!("== {required} {more}");
        let world = altered(|manifest| {
            let rule = manifest
                .operations
                .iter_mut()
                .find(|rule| rule.name == "candidates.create")
                .unwrap();
            rule.required.push(required.to_owned());
        });
        let acme = world.connect();
        declare(&world, &acme, &ada(&more));
        let planned = plan(&world, &acme);
        let blocked: Vec<_> = planned.blocked().collect();
        assert_eq!(!blocked.is_empty(), blocks, "{blocked:?}");
        assert!(
            blocked.iter().all(|finding| finding.reason == Reason::MissingField
                && finding.message.contains(required))
        );
        assert_eq!(planned.is_empty(), blocks);
    }
}

#[test]
fn a_mode_of_the_manifest_binds_the_plan() {
    for (field, mode, before, after) in [
        ("company", FieldMode::Set, json!({"company": "Acme"}), json!({"company": ""})),
        ("phones", FieldMode::AppendOnly, json!({"phones": ["1234"]}), json!({"phones": []})),
        (
            "title",
            FieldMode::CreateOnly,
            json!({"title": "Countess"}),
            json!({"title": "Baroness"}),
        ),
    ] {
        println!("== {field} {mode:?}");
        let world = altered(|manifest| {
            let rule = manifest
                .operations
                .iter_mut()
                .find(|rule| rule.name == "candidates.update")
                .unwrap();
            rule.fields.iter_mut().find(|listed| listed.name == field).unwrap().mode = mode;
        });
        let acme = world.connect();
        assert_eq!(bring(&world, &acme, &ada(&before)).in_step, 1);
        declare(&world, &acme, &ada(&after));
        let planned = plan(&world, &acme);
        assert!(planned.is_empty());
        let said = words::plan(&planned);
        assert!(said.contains(&format!("`{field}` is not written")), "{said}");
        assert_eq!(apply(&world, &acme, &planned).in_step, 0);
    }
}
