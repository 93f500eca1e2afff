//! The cost of one bad member or row.

use super::*;
use atsync::internals::reconcile::SweepOptions;
use atsync::internals::store::HeldBy;
use serde_json::json;

/// A value that no member has.
fn odd() -> Value {
    json!([null, {"a": [false]}])
}

/// For each kind: its first row is bad in one member, or has no id, or is no row at all. The others
/// are read, the bad one is reported, and the next pass reads it once it is valid.
#[test]
fn a_bad_row_of_any_kind_costs_that_row_and_is_read_once_it_is_valid() {
    for (kind, collection) in KINDS {
        for fault in ["every member", "no id", "null", "text"] {
            let world = World::new(21, 40);
            let acme = world.connect();
            let path = format!("/v3/{collection}");
            let Some(first) = truth(&world, collection).first().cloned() else { continue };
            let bad = first.clone();
            world.wire.edit_rows(&path, move |_, rows| {
                for row in rows.iter_mut().filter(|row| id_of(row) == bad) {
                    match fault {
                        "every member" => {
                            let members = row.as_object_mut().unwrap();
                            members
                                .iter_mut()
                                .filter(|(name, _)| *name != "id")
                                .for_each(|(_, value)| *value = odd());
                        }
                        "no id" => row["id"] = odd(),
                        "null" => *row = Value::Null,
                        _ => *row = json!("a row"),
                    }
                }
            });
            let report = world
                .run(acme.pull(kind))
                .unwrap_or_else(|error| panic!("{kind}, {fault}: {error}"));
            let known = stored(&world, &acme, kind);
            let others: Vec<String> =
                truth(&world, collection).into_iter().filter(|id| *id != first).collect();
            assert!(
                others.iter().all(|id| known.contains_key(id)),
                "{kind}, {fault}: the others are read"
            );
            let status = world.run(acme.status()).unwrap();
            assert!(status.problems.iter().all(|problem| problem.kind == kind), "{kind}, {fault}");
            assert!(!status.problems.is_empty(), "{kind}, {fault}: it is shown");
            assert!(!report.warnings.is_empty(), "{kind}, {fault}: the pull says so");
            assert!(
                !told(&world, &acme, ChangeWhat::Unread).is_empty(),
                "{kind}, {fault}: the feed says so"
            );
            if fault == "every member" {
                assert!(report.unread_fields > 0, "{kind}");
                let row = &known[&first];
                for problem in status.problems.iter().filter(|problem| problem.id.is_some()) {
                    assert_eq!(problem.id.as_deref(), Some(first.as_str()), "{kind}");
                    let field = problem.field.as_ref().unwrap();
                    assert!(!row.known.contains(field), "{kind}: {field} is unknown");
                }
            } else {
                assert_eq!(report.unread, 1, "{kind}, {fault}");
                assert!(!known.contains_key(&first), "{kind}, {fault}");
            }
            world.wire.spare();
            pass(&world, 60_000);
            world.run(acme.pull(kind)).unwrap();
            assert!(
                stored(&world, &acme, kind).contains_key(&first),
                "{kind}, {fault}: it is read once it is whole"
            );
            let left = world.run(acme.status()).unwrap().problems;
            assert!(left.is_empty(), "{kind}, {fault}: {left:?}");
            let whole = World::new(21, 40);
            let theirs = whole.connect();
            whole.run(theirs.pull(kind)).unwrap();
            let (one, other) =
                (&stored(&world, &acme, kind)[&first], &stored(&whole, &theirs, kind)[&first]);
            assert_eq!(one.known, other.known, "{kind}, {fault}: every field is known again");
        }
    }
}

/// A field that could not be read keeps its known value, and makes no event of its own.
#[test]
fn a_bad_member_never_overwrites_the_known_value_of_its_field() {
    let world = World::new(22, 20);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let id = truth(&world, "candidates")[0].clone();
    let before: Value =
        serde_json::from_str(&stored(&world, &acme, "candidates")[&id].body).unwrap();
    rename(&world, &id, "Renamed");
    let bad = id.clone();
    world.wire.edit_rows("/v3/candidates", move |_, rows| {
        rows.iter_mut().filter(|row| id_of(row) == bad).for_each(|row| {
            row["tags"] = json!([null]);
            row["can_email"] = json!("yes");
        });
    });
    pass(&world, 60_000);
    let report = world.run(acme.pull("candidates")).unwrap();
    assert_eq!((report.unread, report.updated), (0, 1));
    assert_eq!(last_name(&world, &acme, &id), "Renamed");
    let after: Value =
        serde_json::from_str(&stored(&world, &acme, "candidates")[&id].body).unwrap();
    assert_eq!((&after["tags"], &after["privacy"]), (&before["tags"], &before["privacy"]));
    let fields: Vec<_> = world
        .run(acme.status())
        .unwrap()
        .problems
        .into_iter()
        .map(|row| row.field.unwrap())
        .collect();
    assert_eq!(fields, ["privacy", "tags"]);
}

/// JSON that parses and cannot be stored: it passes no check that the store does not pass.
#[test]
fn a_value_that_the_store_cannot_hold_costs_its_member_and_never_the_kind() {
    let deep = [98, 99, 100, 101, 126, 140]
        .map(|levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels)));
    for value in deep.iter().map(String::as_str).chain(["1e999", "\"\\ud800\""]) {
        let world = World::new(23, 10);
        let acme = world.connect();
        let text = value.to_owned();
        world.wire.edit(move |request, response| {
            if request.url.path() == "/v3/candidates" {
                let body = String::from_utf8(std::mem::take(&mut response.body)).unwrap();
                response.body = body
                    .replacen("\"value\":\"", &format!("\"odd\":{text},\"value\":\""), 1)
                    .into_bytes();
            }
        });
        world.run(acme.pull("candidates")).unwrap();
        let ids: Vec<String> = stored(&world, &acme, "candidates").into_keys().collect();
        assert_eq!(
            ids.len(),
            truth(&world, "candidates").len(),
            "{}",
            &value[..value.len().min(9)]
        );
    }
}

/// A sweep never treats a row that it could not read as absent: it knows the id if there is one,
/// and is held if there is none.
#[test]
fn a_row_that_a_sweep_could_not_read_is_no_suspect() {
    for nameless in [false, true] {
        let world = World::new(24, 30);
        let acme = world.connect();
        for kind in ["candidates", "applications"] {
            world.run(acme.pull(kind)).unwrap();
        }
        pass(&world, 600_000);
        let (id, hidden) =
            (truth(&world, "candidates")[0].clone(), truth(&world, "candidates")[1].clone());
        world.wire.edit_rows("/v3/candidates", move |_, rows| {
            rows.retain(|row| id_of(row) != hidden);
            rows.iter_mut().filter(|row| id_of(row) == id).for_each(|row| {
                if nameless {
                    *row = json!({"id": {}});
                } else {
                    row["last_name"] = odd();
                    row["first_name"] = odd();
                }
            });
        });
        let report = world.run(acme.sweep("candidates", SweepOptions::default())).unwrap();
        assert_eq!(report.held_by, nameless.then_some(HeldBy::Unread), "{report:?}");
        let deleted = told(&world, &acme, ChangeWhat::Deleted);
        let here = truth(&world, "candidates");
        assert!(deleted.iter().all(|change| change.id != here[0]), "{deleted:?}");
        assert!(!nameless || deleted.is_empty(), "{deleted:?}");
        world.wire.spare();
        pass(&world, 600_000);
        let report = world.run(acme.sweep("candidates", SweepOptions::default())).unwrap();
        assert!(report.complete && report.held.is_none(), "{report:?}");
    }
}

/// A member that the ATS renamed is absent from every row: reported as a warning, and no value.
#[test]
fn a_member_that_is_absent_from_every_row_is_a_warning_and_not_a_value() {
    let altered = atsync_tests::Altered::wrap(native_greenhouse(), |manifest| {
        let rule = manifest.kinds.iter_mut().find(|rule| rule.name == "candidates").unwrap();
        rule.expected = vec!["tags".into(), "emails".into()];
    });
    let mut world = World::new(25, 20);
    world.adapter = altered;
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    assert_eq!(world.run(acme.status()).unwrap().problems, []);
    let before = stored(&world, &acme, "candidates");
    world.wire.edit_rows("/v3/candidates", |_, rows| {
        for row in rows {
            let tags = row.as_object_mut().unwrap().remove("tags").unwrap();
            row["tag_list"] = tags;
        }
    });
    let report = world.run(acme.pull_full("candidates")).unwrap();
    assert!(
        report.warnings.iter().any(|line| line.contains("`tags`") && line.contains("renamed")),
        "{report:?}"
    );
    let tags =
        |row: &ObservedRow| serde_json::from_str::<Value>(&row.body).unwrap()["tags"].clone();
    for (id, row) in stored(&world, &acme, "candidates") {
        assert_eq!(tags(&row), tags(&before[&id]), "known values stay");
    }
    world.wire.spare();
    world.run(acme.pull_full("candidates")).unwrap();
    assert_eq!(world.run(acme.status()).unwrap().problems, []);
}

/// `null` in a flag means neither yes nor no: the record is used.
#[test]
fn a_flag_that_is_null_is_not_read_as_false() {
    let world = World::new(26, 10);
    world.wire.edit_rows("/v3/custom_fields", |_, rows| {
        rows.iter_mut()
            .for_each(|row| (row["active"], row["private"]) = (Value::Null, Value::Null));
    });
    let acme = world.connect();
    world.run(acme.pull("custom_fields")).unwrap();
    for row in stored(&world, &acme, "custom_fields").values() {
        let body: Value = serde_json::from_str(&row.body).unwrap();
        assert!(body["active"].is_null() && body["private"].is_null(), "{body}");
    }
    let key = world.sandbox.rows("custom_fields").into_iter().find(|row| {
        row["field_type"] == "candidate"
            && row["value_type"] == "short_text"
            && row["active"] == true
    });
    let key =
        key.expect("there is a text field").get("name_key").unwrap().as_str().unwrap().to_owned();
    let line =
        json!({"key": "k", "emails": ["k@example.test"], "name": {"first": "K", "last": "L"},
        "custom_fields": {key: "x"}})
        .to_string();
    let plan =
        world.run(acme.plan(atsync::PlanOf::Records(&atsync_tests::desired(&line)))).unwrap();
    assert!(
        plan.records.iter().all(|record| !record.is_blocked()),
        "{:?}",
        plan.records[0].findings
    );
}
