//! Reads that lag behind writes: a record that the ATS does not show yet is not absent.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets; lists, lookups by id included, show a write only after a delay, different for
//! each kind. The tests check how often each record exists in the sandbox in the end, and how long
//! the clock ran.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::Reason;
use atsync::internals::plan::{Plan, words};
use atsync::internals::reconcile::ApplyReport;
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{Clock, Connection, Person, PlanOf, SweepOptions};
use atsync_greenhouse_sandbox::{FaultKind, Recruiter, RepeatedOption};
use atsync_tests::{Meddle, World, desired};
use futures_util::future::join;
use serde_json::{Value, json};
use std::sync::Arc;

mod waits;
mod withdrawals;

const ADA: &str = "ada.byron@example.com";
/// Just within what the manifest states: for candidates and applications, and for all other kinds.
const SLOW_MS: i64 = 118_000;
const QUICK_MS: i64 = 28_000;

/// A world in which every kind shows late.
fn late() -> World {
    let world = World::new(1, 24);
    world.sandbox.set_quirks(|quirks| {
        quirks.visibility_delay_ms = QUICK_MS;
        for slow in ["candidates", "applications"] {
            quirks.visibility_delays_ms.insert(slow.to_owned(), SLOW_MS);
        }
        quirks.repeated_option = RepeatedOption::AnotherRow;
    });
    world
}

fn lines(records: &[Value]) -> String {
    records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn sync(world: &World, acme: &Connection, records: &[Value]) -> (Plan, ApplyReport) {
    world.run(acme.declare(&desired(&lines(records)))).unwrap();
    world.run(acme.sync()).unwrap()
}

fn job(world: &World, at: usize) -> String {
    let jobs = world.sandbox.rows("jobs");
    let open: Vec<&Value> =
        jobs.iter().filter(|job| job["status"] == "open" && job["is_template"] != true).collect();
    open[at]["id"].to_string()
}

fn channel() -> Value {
    json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate", "type": "single",
        "name": "Channel", "options": ["Portal", "Event", "Carrier pigeon"]})
}

fn ada(more: &Value) -> Value {
    let mut ada = json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    ada.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ada
}

/// Every kind of record that can depend on a candidate.
fn ada_with_everything(world: &World) -> Value {
    ada(&json!({
        "tags": ["one", "two"],
        "notes": [{"key": "n1", "body": "Met at the fair."}],
        "applications": [
            {"key": "a1", "job": {"id": job(world, 0)}, "attachments": [
                {"key": "cv", "filename": "cv.pdf", "type": "resume",
                    "url": "https://example.com/cv.pdf"}]},
            {"key": "a2", "job": {"id": job(world, 1)}}]
    }))
}

fn named(world: &World, collection: &str, name: &str) -> usize {
    world.sandbox.rows(collection).iter().filter(|row| row["name"] == name).count()
}

/// How often each record of [`ada_with_everything`] exists.
fn counts(world: &World) -> Vec<(&'static str, usize)> {
    let candidates = world.sandbox.candidates_by_email(ADA);
    let id = candidates.first().and_then(|row| row["id"].as_i64()).unwrap_or_default();
    let of = |collection: &str| world.sandbox.rows_of_candidate(collection, id).len();
    vec![
        ("candidates", candidates.len()),
        ("applications", world.sandbox.applications_of(id).len()),
        ("applied tags", of("applied_candidate_tags")),
        (
            "notes",
            world
                .sandbox
                .notes_of(id)
                .iter()
                .filter(|note| note["body"] == "Met at the fair.")
                .count(),
        ),
        ("attachments", of("attachments")),
        ("tag one", named(world, "candidate_tags", "one")),
        ("tag two", named(world, "candidate_tags", "two")),
    ]
}

const ONE_OF_EACH: [(&str, usize); 7] = [
    ("candidates", 1),
    ("applications", 2),
    ("applied tags", 2),
    ("notes", 1),
    ("attachments", 1),
    ("tag one", 1),
    ("tag two", 1),
];

/// Syncs until nothing is left, with time passing between.
fn finish(world: &World, acme: &Connection) {
    for _ in 0..3 {
        world.run(acme.sync()).unwrap();
        world.clock.set(world.clock.now_ms() + 10 * 60_000);
    }
    world.sandbox.clear_logs();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty() && plan.blocked().next().is_none(), "{}", words::plan(&plan));
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn options_created_with_their_field_that_show_late_are_not_created_again() {
    for lag_ms in [200, 5_000, QUICK_MS] {
        let world = late();
        world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = lag_ms);
        let acme = world.connect();
        let (_, report) =
            sync(&world, &acme, &[channel(), ada(&json!({"custom_fields": {"channel": "Event"}}))]);
        assert!(report.came_about(), "{report:#?}");
        for label in ["Portal", "Event", "Carrier pigeon"] {
            assert_eq!(named(&world, "custom_field_options", label), 1, "{label}, {lag_ms} ms");
        }
        finish(&world, &acme);
        assert_eq!(
            world.sandbox.candidates_by_email(ADA)[0]["custom_fields"]["channel"]["value"],
            "Event"
        );
    }
}

#[test]
fn a_probe_counts_from_its_request_and_not_from_its_answer() {
    let world = late();
    world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = 24_000);
    let mut options = world.options();
    options.settle_window_ms = Some(25_000);
    let acme = world.run(world.engine().connect(options)).unwrap();
    // Each list of options takes 9 s on the wire, less than two clocks may differ by: the third
    // probe is sent 19 s after the field was created, and answered when the delay is over.
    let clock = Arc::clone(&world.clock);
    world.wire.edit(move |request, _| {
        if request.method == "GET" && request.url.path() == "/v3/custom_field_options" {
            clock.set(clock.now_ms() + 9_000);
        }
    });
    sync(&world, &acme, &[channel()]);
    for label in ["Portal", "Event", "Carrier pigeon"] {
        assert_eq!(named(&world, "custom_field_options", label), 1, "{label}");
    }
}

#[test]
fn a_restart_between_parent_and_child_shortens_no_visibility_delay() {
    let mut rehearsal = late();
    rehearsal.restart();
    let acme = rehearsal.connect();
    sync(&rehearsal, &acme, &[channel(), ada_with_everything(&rehearsal)]);
    let exchanges = rehearsal.wire.exchanges.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(counts(&rehearsal), ONE_OF_EACH);
    for number in 1..=exchanges {
        for pause_ms in [0, 20_000] {
            let mut world = late();
            let records = [channel(), ada_with_everything(&world)];
            world.wire.kill_at.store(number, std::sync::atomic::Ordering::SeqCst);
            let died = world.live(async {
                let acme = world.engine().connect(world.options()).await.unwrap();
                acme.declare(&desired(&lines(&records))).await.unwrap();
                acme.sync().await.unwrap();
            });
            world.restart();
            world.clock.set(world.clock.now_ms() + pause_ms);
            let acme = world.connect();
            sync(&world, &acme, &records);
            finish(&world, &acme);
            assert_eq!(
                counts(&world),
                ONE_OF_EACH,
                "killed at {number} of {exchanges}, died: {}",
                died.is_none()
            );
            for label in ["Portal", "Event", "Carrier pigeon"] {
                assert_eq!(
                    named(&world, "custom_field_options", label),
                    1,
                    "{label}, killed at {number}"
                );
            }
        }
    }
}

#[test]
fn an_abandoned_item_declared_again_under_another_key_is_found_and_not_created_again() {
    let world = late();
    let acme = world.connect();
    let mut everything = ada_with_everything(&world);
    sync(&world, &acme, std::slice::from_ref(&everything));
    world.run(acme.abandon("ada")).unwrap();
    everything["key"] = json!("ada-2");
    sync(&world, &acme, &[everything]);
    finish(&world, &acme);
    assert_eq!(counts(&world), ONE_OF_EACH);
}

#[test]
fn an_abandoned_item_on_an_existing_candidate_is_found_and_not_created_again() {
    let members = ada_with_everything(&late());
    for member in ["notes", "tags", "applications"] {
        let world = late();
        let acme = world.connect();
        // A candidate whom the ATS shows at once, and one member alone, so that only the delay of
        // its own kind matters.
        sync(&world, &acme, &[ada(&json!({}))]);
        world.run(acme.abandon("ada")).unwrap();
        world.clock.set(world.clock.now_ms() + 3_600_000);
        let mut record = ada(&json!({ member: members[member] }));
        sync(&world, &acme, std::slice::from_ref(&record));
        world.run(acme.abandon("ada")).unwrap();
        record["key"] = json!("ada-2");
        sync(&world, &acme, &[record]);
        finish(&world, &acme);
        let twice: Vec<_> = counts(&world)
            .into_iter()
            .zip(ONE_OF_EACH)
            .filter(|(made, meant)| made.1 > meant.1)
            .collect();
        assert!(twice.is_empty(), "{member}: {twice:?}");
    }
}

#[test]
fn a_list_that_is_written_whole_keeps_our_last_write_that_does_not_show_yet() {
    let world = late();
    let acme = world.connect();
    sync(&world, &acme, &[ada(&json!({}))]);
    world.clock.set(world.clock.now_ms() + 3_600_000);
    for phones in [json!(["+49 30 1111111"]), json!(["+49 30 1111111", "+49 30 2222222"])] {
        sync(&world, &acme, &[ada(&json!({"phones": phones}))]);
    }
    finish(&world, &acme);
    let held = world.sandbox.candidates_by_email(ADA)[0]["phone_numbers"].to_string();
    assert!(held.contains("1111111") && held.contains("2222222"), "{held}");
}

#[test]
fn an_abandoned_user_that_is_declared_again_is_found_and_not_created_again() {
    let mut world = late();
    world.settings.insert("user_invitations".into(), json!(true));
    let acme = world.connect();
    let grace = json!({"kind": "users", "email": "grace@example.com",
        "name": {"first": "Grace", "last": "Hopper"}});
    sync(&world, &acme, std::slice::from_ref(&grace));
    world.run(acme.abandon("@users.grace@example.com")).unwrap();
    sync(&world, &acme, &[grace]);
    let users = world.sandbox.rows("users");
    let graces = users.iter().filter(|user| user.to_string().contains("grace@example.com"));
    assert_eq!(graces.count(), 1);
}

/// A refusal states what the ATS answered, not what it did: the next probe waits as after any other
/// create that arrived. Left out: 401 and 429, which say that nothing was executed; the session
/// repeats those itself.
#[test]
fn a_create_that_was_refused_although_it_happened_is_found_and_not_repeated() {
    for path in [
        "/v3/candidates",
        "/v3/applications",
        "/v3/notes",
        "/v3/attachments",
        "/v3/applied_candidate_tags",
    ] {
        for status in [400, 403, 404, 409, 422] {
            for pause_ms in [0, 1_000, 20_000] {
                let world = late();
                let acme = world.connect();
                let mut record = ada(&json!({}));
                if path != "/v3/candidates" {
                    // A candidate whom the ATS shows, so that only the delay of its own kind
                    // matters.
                    sync(&world, &acme, std::slice::from_ref(&record));
                    world.clock.set(world.clock.now_ms() + 3_600_000);
                }
                let mut lied = false;
                world.wire.edit(move |request, response| {
                    if !lied
                        && request.method == "POST"
                        && request.url.path() == path
                        && response.status < 300
                    {
                        lied = true;
                        response.status = status;
                        response.body = br#"{"errors": [{"message": "no"}]}"#.to_vec();
                    }
                });
                record = ada_with_everything(&world);
                world.run(acme.declare(&desired(&record.to_string()))).unwrap();
                world.run(acme.sync()).unwrap();
                // Declared again, so that no pause between the sends of one declaration comes in
                // between.
                for title in ["Engineer", "Poet"] {
                    world.clock.set(world.clock.now_ms() + pause_ms);
                    record["title"] = json!(title);
                    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
                    world.run(acme.sync()).unwrap();
                }
                world.clock.set(world.clock.now_ms() + 3_600_000);
                for _ in 0..3 {
                    world.run(acme.sync()).unwrap();
                    world.clock.set(world.clock.now_ms() + 3_600_000);
                }
                assert_eq!(counts(&world), ONE_OF_EACH, "{path} answered {status}, {pause_ms} ms");
            }
        }
    }
}

#[test]
fn a_create_waits_only_if_an_earlier_create_may_have_carried_the_record() {
    // Every kind shows at once, so every wait would be needless.
    let world = World::new(1, 24);
    let acme = world.connect();
    let spent = |act: &dyn Fn()| {
        let before_ms = world.clock.now_ms();
        act();
        world.clock.now_ms() - before_ms
    };
    let everything = ada_with_everything(&world);
    let first_ms =
        spent(&|| assert!(sync(&world, &acme, std::slice::from_ref(&everything)).1.came_about()));
    assert!(first_ms < 5_000, "a new candidate with everything took {first_ms} ms");
    world.clock.set(world.clock.now_ms() + 10 * 60_000);
    let mut noted = everything.clone();
    noted["notes"].as_array_mut().unwrap().push(json!({"key": "n2", "body": "Called."}));
    noted["tags"].as_array_mut().unwrap().push(json!("three"));
    let later_ms = spent(&|| assert!(sync(&world, &acme, &[noted.clone()]).1.came_about()));
    assert!(later_ms < 5_000, "a note on an old record took {later_ms} ms");
    let many: Vec<Value> = (0..20)
        .map(|at| {
            json!({"key": format!("p{at}"), "name": {"first": "P", "last": format!("{at}")},
            "emails": [format!("p{at}@example.com")]})
        })
        .collect();
    let many_ms = spent(&|| assert!(sync(&world, &acme, &many).1.came_about()));
    assert!(many_ms < 60_000, "20 candidates took {many_ms} ms");
}

#[test]
fn a_duplicate_option_is_used_and_reported_and_never_blocks_its_record() {
    let world = World::new(1, 24);
    world.sandbox.set_quirks(|quirks| quirks.repeated_option = RepeatedOption::AnotherRow);
    let acme = world.connect();
    sync(&world, &acme, &[channel()]);
    // Another option has the same name by now, and no link tells which one was meant.
    let option = |name: &str| {
        world
            .sandbox
            .rows("custom_field_options")
            .into_iter()
            .find(|row| row["name"] == name)
            .unwrap()
    };
    let (first, other) = (option("Event"), option("Carrier pigeon"));
    world.run(acme.abandon("@custom_fields.candidate.channel")).unwrap();
    world.clock.set(world.clock.now_ms() + 60_000);
    let values = json!({"name": "Event"}).as_object().unwrap().clone();
    let deed = Recruiter::Set {
        collection: "custom_field_options".into(),
        id: other["id"].as_i64().unwrap(),
        values,
    };
    world.sandbox.recruiter(&deed).unwrap();
    let (plan, report) =
        sync(&world, &acme, &[channel(), ada(&json!({"custom_fields": {"channel": "Event"}}))]);
    assert!(report.came_about() && report.not_in_step == 0, "{report:#?}");
    let said: Vec<&str> = plan
        .records
        .iter()
        .flat_map(|record| &record.findings)
        .filter(|finding| finding.reason == Reason::DoubledOption)
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(
        said.iter()
            .any(|message| message
                .contains(&format!("{} is used, since it is the oldest", first["id"]))),
        "{said:?}"
    );
    world.run(acme.sync()).unwrap();
    finish(&world, &acme);
    assert_eq!(named(&world, "custom_field_options", "Event"), 2);
}

#[test]
fn a_record_that_a_create_carried_and_that_shows_later_is_not_created_again() {
    for slow in ["applications", "applied_candidate_tags", "candidate_tags"] {
        let mut world = late();
        // The candidate shows at once, the records that its create carried show late.
        world.sandbox.set_quirks(|quirks| {
            quirks.visibility_delay_ms = 0;
            quirks.visibility_delays_ms.clear();
            quirks.visibility_delays_ms.insert(slow.to_owned(), QUICK_MS);
        });
        let acme = world.connect();
        world.run(acme.declare(&desired(&ada_with_everything(&world).to_string()))).unwrap();
        world.wire.meddle(|request| {
            let creates = request.method == "POST" && request.url.path() == "/v3/candidates";
            creates.then_some(Meddle::DieAfter)
        });
        assert!(world.live(acme.sync()).is_none());
        drop(acme);
        world.restart();
        let acme = world.connect();
        finish(&world, &acme);
        assert_eq!(counts(&world), ONE_OF_EACH, "{slow} show late");
    }
}

#[test]
fn a_write_that_died_before_its_answer_is_found_however_late_it_shows() {
    let mut world = late();
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada_with_everything(&world).to_string()))).unwrap();
    let mut seen = 0;
    world.wire.meddle(move |request| {
        seen += u64::from(request.method == "POST" && request.url.path() == "/v3/candidates");
        (seen == 1 && request.method == "POST" && request.url.path() != "/token")
            .then_some(Meddle::DieAfter)
    });
    assert!(world.live(acme.sync()).is_none());
    drop(acme);
    world.restart();
    let acme = world.connect();
    finish(&world, &acme);
    assert_eq!(counts(&world), ONE_OF_EACH);
}

/// Makes a candidate private, which the credential may not see any more.
fn hide(world: &World, id: i64) {
    let values = json!({"private": true}).as_object().cloned().unwrap();
    let collection = "candidates".to_owned();
    world.sandbox.recruiter(&Recruiter::Set { collection, id, values }).unwrap();
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
}

/// Restarts the engine and syncs for longer than any visibility delay.
fn restarted(world: &mut World) -> Connection {
    world.restart();
    let acme = world.connect();
    for _ in 0..4 {
        world.run(acme.sync()).unwrap();
        world.clock.set(world.clock.now_ms() + 10 * 60_000);
    }
    acme
}

#[test]
fn a_write_in_doubt_below_a_candidate_that_never_showed_ends_and_is_sent_once_they_show() {
    for (manner, made) in [(Meddle::DieBefore, false), (Meddle::DieAfter, true)] {
        for comes_back in [false, true] {
            let mut world = late();
            let acme = world.connect();
            let noted = ada(&json!({"notes": [{"key": "n1", "body": "Met at the fair."}]}));
            world.run(acme.declare(&desired(&noted.to_string()))).unwrap();
            world.wire.meddle(move |request| {
                let is_note = request.method == "POST" && request.url.path() == "/v3/notes";
                is_note.then_some(manner)
            });
            assert!(world.live(acme.sync()).is_none());
            drop(acme);
            // Before any read shows the new candidate, a recruiter deletes or hides it.
            let candidate_id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
            if comes_back {
                hide(&world, candidate_id);
            } else {
                world.sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id }).unwrap();
            }
            let acme = restarted(&mut world);
            assert_eq!(world.run(acme.open_intents()).unwrap(), Vec::new());
            assert_eq!(world.sandbox.creates("notes"), usize::from(made), "{comes_back}");
            if comes_back {
                world.sandbox.set_access(|access| access.sees_private_candidates = true);
                finish(&world, &acme);
                assert_eq!(counts(&world)[3], ("notes", 1));
            } else {
                let plan = world.run(acme.plan(PlanOf::All)).unwrap();
                assert!(plan.blocked().any(|finding| finding.reason == Reason::NotVisible));
            }
        }
    }
}

#[test]
fn a_change_in_doubt_of_a_record_that_never_showed_ends_and_is_planned_anew_once_it_shows() {
    for manner in [Meddle::DieBefore, Meddle::DieAfter] {
        for comes_back in [false, true] {
            let mut world = late();
            world.settings.insert("stage_writes".into(), json!(true));
            let acme = world.connect();
            let rejected =
                ada(&json!({"applications": [{"key": "a", "job": {"id": job(&world, 0)},
                "outcome": "rejected", "reject_reason": "Took another offer"}]}));
            world.run(acme.declare(&desired(&rejected.to_string()))).unwrap();
            world
                .wire
                .meddle(move |request| request.url.path().ends_with("/reject").then_some(manner));
            assert!(world.live(acme.sync()).is_none(), "the process dies at the rejection");
            drop(acme);
            // Before any read shows the new application, a recruiter deletes it or its candidate is
            // hidden.
            let candidate_id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
            let made = &world.sandbox.rows_where("applications", "candidate_id", candidate_id)[0];
            let application_id = made["id"].as_i64().unwrap();
            if comes_back {
                hide(&world, candidate_id);
            } else {
                world.sandbox.recruiter(&Recruiter::DeleteApplication { application_id }).unwrap();
            }
            let acme = restarted(&mut world);
            assert_eq!(world.run(acme.open_intents()).unwrap(), Vec::new(), "{comes_back}");
            if comes_back {
                world.sandbox.set_access(|access| access.sees_private_candidates = true);
                finish(&world, &acme);
                let row = &world.sandbox.rows_where("applications", "id", application_id)[0];
                assert_eq!(row["status"], "rejected");
            }
        }
    }
}

#[test]
fn a_note_that_a_merge_brings_late_is_not_created_again() {
    for pause_ms in [0, 10_000, 20_000] {
        let world = World::new(1, 24);
        let acme = world.connect();
        let noted = ada(&json!({"notes": [{"key": "n1", "body": "Met at the fair."}]}));
        sync(&world, &acme, std::slice::from_ref(&noted));
        world.clock.set(world.clock.now_ms() + 60 * 60_000);
        let loser = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
        let rows = world.sandbox.rows("candidates");
        let others =
            rows.iter().filter(|row| row["private"] != true && !row["first_name"].is_null());
        let winner = others.filter_map(|row| row["id"].as_i64()).find(|id| *id != loser).unwrap();
        // The merge of two candidates shows at once, and their records follow later.
        world.sandbox.set_quirks(|quirks| {
            quirks.visibility_delay_ms = QUICK_MS;
            quirks.visibility_delays_ms =
                ["candidates", "applications"].map(|kind| (kind.to_owned(), 0)).into();
        });
        let merge = Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser };
        world.sandbox.recruiter(&merge).unwrap();
        world.clock.set(world.clock.now_ms() + pause_ms);
        let candidate = |id: i64| RemoteRef::new("candidates", id.to_string());
        world.run(acme.hint(Hint::Merged((candidate(loser), candidate(winner))))).unwrap();
        world.sandbox.clear_logs();
        for _ in 0..2 {
            world.run(acme.sync()).unwrap();
        }
        assert_eq!(world.sandbox.creates("notes"), 0, "{pause_ms} ms after the merge");
        finish(&world, &acme);
        let met = world
            .sandbox
            .notes_of(winner)
            .iter()
            .filter(|note| note["body"] == "Met at the fair.")
            .count();
        assert_eq!(met, 1);
    }
}

#[test]
fn a_value_that_does_not_show_yet_does_not_count_as_erased() {
    let world = late();
    let acme = world.connect();
    let rows = world.sandbox.rows("candidates");
    let found = rows.iter().find_map(|row| {
        let email = row["email_addresses"][0]["value"].as_str()?;
        let alone = row["private"] != true && world.sandbox.candidates_by_email(email).len() == 1;
        (alone && row["custom_fields"]["external_ref"]["value"].is_null())
            .then(|| (row["id"].as_i64().unwrap(), email))
    });
    let (candidate_id, email) = found.unwrap();
    let record =
        json!({"key": "ada", "emails": [email], "custom_fields": {"external_ref": "ref-1"}});
    // The read-back after the write is from before it, and so are the reads of the second record.
    for _ in 0..2 {
        sync(&world, &acme, std::slice::from_ref(&record));
    }
    let by_hand = Recruiter::SetCustomField {
        collection: "candidates".into(),
        id: candidate_id,
        name_key: "external_ref".into(),
        value: json!("by hand"),
    };
    world.sandbox.recruiter(&by_hand).unwrap();
    world.clock.set(world.clock.now_ms() + 10 * 60_000);
    finish(&world, &acme);
    let row = world.sandbox.row("candidates", candidate_id).unwrap();
    assert_eq!(row["custom_fields"]["external_ref"]["value"], "ref-1", "the field is enforced");
}

/// Syncs a record with everything while every kind shows late and the first request is lost; from
/// this many milliseconds on no write may begin. Returns how long the sync continued after that,
/// and the world.
fn held_after(after_ms: u64) -> (u64, World) {
    let world = late();
    let acme = world.connect();
    let records = [channel(), ada_with_everything(&world)];
    world.run(acme.declare(&desired(&lines(&records)))).unwrap();
    let mut lost = false;
    world.wire.meddle(move |request| {
        let loses = !lost && request.method == "POST" && request.url.path() == "/v3/candidates";
        lost |= loses;
        loses.then_some(Meddle::Fault(FaultKind::DropBefore))
    });
    let began_ms = world.clock.now_ms();
    let holds = async {
        world.clock.sleep(after_ms).await;
        acme.hold_effects();
    };
    let ended = async {
        acme.sync().await.unwrap();
        world.clock.now_ms()
    };
    let (ended_ms, ()) = world.run(join(ended, holds));
    (ended_ms.saturating_sub(began_ms + after_ms), world)
}

#[test]
fn a_stop_ends_every_wait_of_an_apply_at_once() {
    const NEVER_MS: u64 = 24 * 3_600_000;
    // The remaining work then: reads, of 40 ms each.
    const READS_MS: u64 = 3_000;
    let undisturbed = late();
    let acme = undisturbed.connect();
    let began_ms = undisturbed.clock.now_ms();
    sync(&undisturbed, &acme, &[channel(), ada_with_everything(&undisturbed)]);
    let took_ms = undisturbed.clock.now_ms() - began_ms;
    assert!(took_ms > 60_000, "{took_ms} ms have no wait that is worth cutting");
    assert_eq!(held_after(NEVER_MS).0, 0);
    for after_ms in (1..took_ms + 180_000).step_by(7_003) {
        let (went_on_ms, world) = held_after(after_ms);
        assert!(went_on_ms < READS_MS, "held after {after_ms} ms it went on for {went_on_ms} ms");
        world.wire.spare();
        let acme = world.connect();
        acme.release_effects();
        finish(&world, &acme);
        assert_eq!(counts(&world), ONE_OF_EACH, "held after {after_ms} ms");
    }
}

#[test]
fn an_erased_candidate_who_comes_back_at_once_is_not_created_twice() {
    for wait_ms in [1, 20_000, 60_000, 117_000] {
        for dies_at in [None, Some("/v3/candidates"), Some("/v3/notes"), Some("/v3/attachments")] {
            let mut world = late();
            let mut acme = world.connect();
            let declaration = ada_with_everything(&world);
            world.run(acme.declare(&desired(&declaration.to_string()))).unwrap();
            if let Some(path) = dies_at {
                world.wire.meddle(move |request| {
                    (request.method == "POST" && request.url.path() == path)
                        .then_some(Meddle::DieAfter)
                });
                assert!(world.live(acme.sync()).is_none());
                drop(acme);
                world.restart();
                acme = world.connect();
            } else {
                world.run(acme.sync()).unwrap();
            }
            world.clock.set(world.clock.now_ms() + wait_ms);
            let candidate = Person::Key("ada".to_owned());
            world.run(acme.erase(&candidate)).unwrap();
            assert!(world.run(acme.undo_erasure(&candidate)).unwrap());
            world.run(acme.declare(&desired(&declaration.to_string()))).unwrap();
            finish(&world, &acme);
            assert_eq!(counts(&world), ONE_OF_EACH, "{wait_ms} ms, died at {dies_at:?}");
        }
    }
}

/// The ATS accepts a note for a candidate whom it still shows, and no schedule reads notes.
#[test]
fn a_note_on_a_candidate_merged_away_a_moment_before_is_created_on_the_winner() {
    for gap_ms in [1, 31_000, 60_000] {
        println!("{gap_ms} ms after the merge");
        let world = late();
        let acme = world.connect();
        let candidate = |key: &str, email: &str, at: usize, notes: Value| {
            json!({"key": key, "name": {"first": key, "last": "Byron"}, "emails": [email],
                "applications": [{"key": "a", "job": {"id": job(&world, at)}}], "notes": notes})
        };
        let ada = |notes: Value| candidate("ada", ADA, 0, notes);
        let other = candidate("other", "other@example.com", 1, json!([]));
        sync(&world, &acme, &[ada(json!([])), other]);
        world.clock.set(world.clock.now_ms() + 600_000);
        world.run(acme.sync()).unwrap();
        world.run(acme.abandon("other")).unwrap();
        world.clock.set(world.clock.now_ms() + 600_000);
        let id = |email: &str| world.sandbox.candidates_by_email(email)[0]["id"].as_i64().unwrap();
        let (away, living) = (id(ADA), id("other@example.com"));
        let merge = Recruiter::Merge { candidate_id: living, secondary_candidate_id: away };
        world.sandbox.recruiter(&merge).unwrap();
        world.clock.set(world.clock.now_ms() + gap_ms);
        sync(&world, &acme, &[ada(json!([{"key": "n", "body": "Met."}]))]);
        for _ in 0..4 {
            world.clock.set(world.clock.now_ms() + 3_600_000);
            for kind in ["candidates", "applications"] {
                world.run(acme.pull(kind)).unwrap();
                world.run(acme.sweep(kind, SweepOptions::default())).unwrap();
            }
            world.run(acme.sync()).unwrap();
        }
        let notes = world.sandbox.notes_of(living);
        assert_eq!(notes.iter().filter(|note| note["body"] == "Met.").count(), 1, "{notes:?}");
    }
}

/// What the engine added is no longer declared before the ATS shows it. It is taken away all the
/// same, once it shows.
#[test]
fn what_is_undeclared_before_it_shows_is_still_taken_away() {
    let job = json!([{"company": "Engine & Sons", "title": "Engineer", "started_on": "2018-07"}]);
    for (list, added, collection) in [
        ("tags", json!(["warm"]), "applied_candidate_tags"),
        ("employments", job, "candidate_employments"),
    ] {
        println!("{list}");
        let world = late();
        let acme = world.connect();
        sync(&world, &acme, &[ada(&json!({}))]);
        world.clock.set(world.clock.now_ms() + 3_600_000);
        sync(&world, &acme, &[ada(&json!({list: added}))]);
        let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
        let held = || world.sandbox.rows_of_candidate(collection, id).len();
        assert_eq!(held(), 1);
        sync(&world, &acme, &[ada(&json!({list: []}))]);
        for _ in 0..4 {
            world.clock.set(world.clock.now_ms() + 1_200_000);
            world.run(acme.sync()).unwrap();
        }
        assert_eq!(held(), 0);
        assert!(!world.run(acme.links("ada")).unwrap().iter().any(|link| link.path.contains(list)));
    }
}
