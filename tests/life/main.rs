//! The operations on single records: release, adopt, import, observe, pause, abandon, withdraw,
//! resolve, explain, erase.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets. The tests check what the sandbox holds and which requests reached it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod erased;
mod liar;

use atsync::internals::adapter::{Adapter, AdapterError};
use atsync::internals::plan::withdraw::WithdrawOptions;
use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::internals::reconcile::ApplyReport;
use atsync::internals::store::Erasures;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Cause, Change, ChangeWhat, Declaration, Keep, Mode, StoreError};
use atsync::model::Manifest;
use atsync::model::contract::{
    Applied, Continuation, Failure, Given, Link, Outcome, Probed, RemoteRef, Reply, Step, Task,
    Written,
};
use atsync::model::desired::Desired;
use atsync::testing::SeededEntropy;
use atsync::{Clock as _, Connection, ErrorKind, Person, PlanOf, Resolution};
use atsync::{ConditionType, Reason};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired, native_greenhouse};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::sync::Arc;

const ADA: &str = "ada.byron@example.com";

fn sync(world: &World, acme: &Connection, record: &Value) -> (Plan, ApplyReport) {
    let records = desired(&record.to_string());
    world.run(acme.declare(&records)).unwrap();
    world.run(acme.sync()).unwrap()
}

fn ada(more: &Value) -> Value {
    let mut record =
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

fn ada_in(world: &World) -> Value {
    let found = world.sandbox.candidates_by_email(ADA);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

fn ada_id(world: &World) -> i64 {
    ada_in(world)["id"].as_i64().unwrap()
}

fn tags_of(world: &World, id: i64) -> usize {
    world.sandbox.rows_of_candidate("applied_candidate_tags", id).len()
}

fn feed(world: &World, acme: &Connection, after: u64) -> Vec<Change> {
    world.run(acme.changes(after).try_collect()).unwrap()
}

/// A candidate of the company with exactly one address that no other has, and that address.
fn addressed_candidate(world: &World) -> (i64, String) {
    let candidates = world.sandbox.rows("candidates");
    candidates
        .iter()
        .find_map(|row| {
            let emails = row["email_addresses"].as_array()?;
            let email = emails.first()?["value"].as_str()?;
            let one = emails.len() == 1
                && row["private"] != true
                && world.sandbox.candidates_by_email(email).len() == 1;
            one.then(|| (row["id"].as_i64().unwrap(), email.to_owned()))
        })
        .unwrap()
}

#[test]
fn a_released_field_keeps_its_value_and_has_no_owner() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let phones = json!({"company": "Analytical", "phones": ["+44 20 1234"], "tags": ["vip"]});
    assert!(sync(&world, &acme, &ada(&phones)).1.is_complete());
    let before = ada_in(&world);
    assert_eq!(tags_of(&world, ada_id(&world)), 1);
    world.sandbox.clear_logs();
    sync(&world, &acme, &ada(&json!({})));
    assert_eq!(world.written(), Vec::<String>::new(), "releasing sends nothing");
    assert_eq!(
        (&ada_in(&world)["company"], tags_of(&world, ada_id(&world))),
        (&before["company"], 1)
    );
    // Declared again without the entries: released entries are not removed.
    let (plan, _) =
        sync(&world, &acme, &ada(&json!({"phones": [], "tags": [], "company": "Other"})));
    assert_eq!(world.written(), Vec::<String>::new(), "{}", words::plan(&plan));
    assert_eq!(ada_in(&world)["phone_numbers"], before["phone_numbers"]);
}

#[test]
fn a_record_that_the_engine_deletes_is_reported_at_once_with_its_intent() {
    let world = World::new(1, 60);
    let acme = world.connect();
    sync(&world, &acme, &ada(&json!({"tags": ["vip"]})));
    // The candidate's create carried the tag; its own row is known from the next read on.
    sync(&world, &acme, &ada(&json!({"tags": ["vip"]})));
    let link = world
        .run(acme.links("ref-1"))
        .unwrap()
        .into_iter()
        .find(|link| link.path.contains("/tags/"))
        .unwrap();
    let before = world.run(acme.status()).unwrap().changes_last;
    sync(&world, &acme, &ada(&json!({"tags": []})));
    assert_eq!(tags_of(&world, ada_id(&world)), 0);
    let told = feed(&world, &acme, before);
    let deleted: Vec<&Change> =
        told.iter().filter(|change| change.what == ChangeWhat::Deleted).collect();
    assert_eq!(deleted.len(), 1, "{told:#?}");
    assert_eq!(deleted[0].id, link.remote.id);
    let intents = world.run(acme.explain("ref-1")).unwrap().intents;
    assert_eq!(intents[0].operation, "applied_tags.delete");
    assert_eq!(deleted[0].cause, Cause::Applied { intent: intents[0].id });
    let row = world.run(acme.observed_one("applied_tags", &link.remote.id)).unwrap();
    assert!(row.is_none_or(|row| row.gone));
}

#[test]
fn a_field_that_both_sides_changed_is_a_conflict_and_is_not_written() {
    let world = World::new(1, 60);
    let acme = world.connect();
    sync(&world, &acme, &ada(&json!({"title": "Engineer"})));
    let id = ada_id(&world);
    let values = json!({"title": "Countess"}).as_object().unwrap().clone();
    world.clock.set(world.clock.now_ms() + 60_000);
    world
        .sandbox
        .recruiter(&Recruiter::Set { collection: "candidates".into(), id, values })
        .unwrap();
    world.sandbox.clear_logs();
    let (plan, _) = sync(&world, &acme, &ada(&json!({"title": "Analyst"})));
    let findings: Vec<FindingKind> =
        plan.records[0].findings.iter().map(|finding| finding.kind).collect();
    assert!(findings.contains(&FindingKind::Conflict), "{}", words::plan(&plan));
    assert_eq!((world.written(), &ada_in(&world)["title"]), (Vec::new(), &json!("Countess")));
    let row = world.run(acme.desired("ref-1")).unwrap().unwrap();
    assert!(row.status.conditions.iter().any(|held| held.kind == ConditionType::Synced
        && !held.status
        && held.reason == Reason::Conflict));
    let story = world.run(acme.explain("ref-1")).unwrap();
    let title = story.fields.iter().find(|field| field.field == "title").unwrap();
    let values = (&title.desired, &title.applied, &title.observed);
    assert_eq!(
        values,
        (&json!("Analyst"), &json!("Engineer"), &json!("Countess")),
        "{}",
        story.words()
    );
    assert!(title.verdict.contains("both sides"), "{}", title.verdict);
}

#[test]
fn an_only_observed_record_is_linked_and_shown_and_never_written() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let (id, email) = addressed_candidate(&world);
    let tags = tags_of(&world, id);
    let record =
        json!({"key": "x", "emails": [email, "new@example.com"], "tags": ["never seen before"]});
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    world.run(acme.observe_only("x")).unwrap();
    let (plan, _) = world.run(acme.sync()).unwrap();
    assert!(
        plan.is_empty() && plan.records[0].note(Reason::ObservedOnly).is_some(),
        "{}",
        words::plan(&plan)
    );
    assert_eq!(world.written(), Vec::<String>::new());
    let links = world.run(acme.links("x")).unwrap();
    assert_eq!(links[0].remote, RemoteRef::new("candidates", id.to_string()));
    let row = world.run(acme.desired("x")).unwrap().unwrap();
    assert!(
        !row.dirty
            && row
                .status
                .conditions
                .iter()
                .any(|held| held.kind == ConditionType::Synced && !held.status)
    );
    world.run(acme.resume("x")).unwrap();
    assert!(world.run(acme.sync()).unwrap().1.is_complete());
    assert_eq!(tags_of(&world, id), tags + 1);
    assert_eq!(world.sandbox.candidates_by_email("new@example.com").len(), 1);
}

#[test]
fn a_blocked_record_is_in_the_status_and_never_reported_as_written() {
    let world = World::new(1, 60);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&json!({})).to_string()))).unwrap();
    let not_in_step = || world.run(acme.status()).unwrap().not_in_step;
    assert_eq!(not_in_step()["ref-1"], "not planned yet");
    assert!(world.run(acme.sync()).unwrap().1.is_complete());
    assert!(not_in_step().is_empty(), "{:?}", not_in_step());
    world.run(acme.observe_only("ref-1")).unwrap();
    assert!(not_in_step().is_empty(), "in step, and only read again: {:?}", not_in_step());
    let changed = desired(&ada(&json!({"title": "Analyst"})).to_string());
    world.run(acme.declare(&changed)).unwrap();
    world.run(acme.sync()).unwrap();
    assert!(not_in_step()["ref-1"].contains("only observed"), "{:?}", not_in_step());
    let title = || {
        let story = world.run(acme.explain("ref-1")).unwrap();
        story.fields.into_iter().find(|field| field.field == "title").unwrap().verdict
    };
    assert!(title().contains("withheld") && title().contains("only observed"), "{}", title());
    world.run(acme.pause("ref-1")).unwrap();
    assert!(
        title().contains("is paused") && title().contains("`Connection::resume`"),
        "{}",
        title()
    );
    let plan = world.run(acme.plan(PlanOf::Records(&changed))).unwrap();
    let note = plan.records[0].note(Reason::ObservedOnly).unwrap();
    assert!(
        note.message.contains("is paused") && note.message.contains("`Connection::resume`"),
        "{}",
        note.message
    );
    world.run(acme.resume("ref-1")).unwrap();
    assert!(title().contains("the desired value is written"), "{}", title());
    assert!(world.run(acme.sync()).unwrap().1.is_complete());
    assert!(not_in_step().is_empty(), "{:?}", not_in_step());
}

#[test]
fn nothing_is_sent_for_a_paused_record_not_even_by_an_older_plan() {
    let world = World::new(1, 60);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&json!({})).to_string()))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert_eq!(plan.writes(), 1);
    world.run(acme.pause("ref-1")).unwrap();
    world.sandbox.clear_logs();
    let report = world.run(acme.apply(&plan)).unwrap();
    assert!(!report.is_complete());
    assert!(world.run(acme.sync()).unwrap().0.is_empty());
    assert_eq!((world.written(), world.sandbox.candidates_by_email(ADA).len()), (Vec::new(), 0));
    let row = world.run(acme.desired("ref-1")).unwrap().unwrap();
    assert_eq!((row.mode, row.status.conditions[0].kind.as_str()), (Mode::Paused, "Paused"));
    world.run(acme.resume("ref-1")).unwrap();
    assert!(world.run(acme.sync()).unwrap().1.is_complete());
    ada_in(&world);
    let unknown = world.run(acme.pause("nobody")).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Input);
}

#[test]
fn abandoning_a_record_changes_nothing_in_the_ats() {
    let world = World::new(1, 60);
    let acme = world.connect();
    sync(&world, &acme, &ada(&json!({"tags": ["vip"]})));
    let before = (ada_in(&world), tags_of(&world, ada_id(&world)));
    world.sandbox.clear_logs();
    world.run(acme.abandon("ref-1")).unwrap();
    assert!(world.run(acme.sync()).unwrap().0.is_empty());
    assert_eq!((ada_in(&world), tags_of(&world, ada_id(&world))), before);
    assert_eq!(world.written(), Vec::<String>::new());
    assert!(world.run(acme.links("ref-1")).unwrap().is_empty());
    // Declared again, the record is found again and nothing is created twice.
    sync(&world, &acme, &ada(&json!({"tags": ["vip"]})));
    assert_eq!(world.written(), Vec::<String>::new());
    ada_in(&world);
}

#[test]
fn an_imported_record_plans_nothing() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let (id, _) = addressed_candidate(&world);
    world.sandbox.recruiter(&Recruiter::AddTag { candidate_id: id, tag: "seen".into() }).unwrap();
    let record = world.run(acme.import(&id.to_string(), "imported")).unwrap().record;
    assert_eq!(record.tags.as_ref().map(|tags| tags.contains(&"seen".to_owned())), Some(true));
    world.sandbox.clear_logs();
    let records = [record];
    world.run(acme.declare(&records)).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert!(plan.is_empty() && plan.blocked().next().is_none(), "{}", words::plan(&plan));
    let row = world.run(acme.desired("imported")).unwrap().unwrap();
    assert!(
        row.status.conditions.iter().any(|held| held.kind == ConditionType::Synced && held.status),
        "{:?}",
        row.status
    );
    assert_eq!(world.written(), Vec::<String>::new());
    let hidden = world.run(acme.import("1", "nobody")).unwrap_err();
    assert_eq!(hidden.kind(), ErrorKind::Input);
}

#[test]
fn an_imported_record_that_is_declared_unchanged_links_and_writes_nothing() {
    let world = World::new(1, 60);
    let acme = world.connect();
    // Among them: a candidate without an address, an address that two share, an application,
    // private candidates that do not show.
    for kind in ["candidates", "applications", "tags"] {
        world.run(acme.pull(kind)).unwrap();
    }
    let mut records = Vec::new();
    let rows = world.sandbox.rows("candidates");
    for id in rows.iter().map(|row| row["id"].to_string()) {
        let Ok(imported) = world.run(acme.import(&id, &format!("of-{id}"))) else { continue };
        records.extend(desired(&serde_json::to_string(&imported.record).unwrap()));
    }
    let lacks_address =
        |record: &Desired| record.candidate().is_some_and(|record| record.emails.is_none());
    assert!(
        records.iter().any(lacks_address) && records.len() > rows.len() / 2,
        "{} records",
        records.len()
    );
    world.sandbox.clear_logs();
    world.run(acme.declare(&records)).unwrap();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty() && plan.blocked().next().is_none(), "{}", words::plan(&plan));
    for record in &records {
        let key = record.key();
        let links = world.run(acme.links(&key)).unwrap();
        assert!(
            links.iter().any(|link| link.path == key && format!("of-{}", link.remote.id) == key),
            "{key}: {links:?}"
        );
    }
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn a_record_with_an_id_is_linked_to_that_candidate_and_creates_none() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let (id, email) = addressed_candidate(&world);
    let rows = world.sandbox.rows("candidates");
    let other = rows.iter().find(|row| row["id"] != id && row["private"] != true).unwrap()["id"]
        .to_string();
    let reason = |record: &Value| {
        let (plan, report) = sync(&world, &acme, record);
        assert_eq!(plan.writes(), 0, "{}", words::plan(&plan));
        assert!(report.steps.is_empty(), "{report:?}");
        let own = plan.blocked().filter(|finding| finding.path == record["key"]);
        own.map(|finding| finding.reason).collect::<Vec<_>>()
    };
    for unknown in ["1", "no-number", "99999999999999999999"] {
        assert_eq!(
            reason(&json!({"key": "x", "id": unknown, "emails": [email]})),
            [Reason::NotVisible],
            "{unknown}"
        );
    }
    // The id counts, not whose address it is; and a second record cannot have the same candidate.
    let (plan, report) = sync(
        &world,
        &acme,
        &json!({"key": "x", "id": other, "title": "Named", "policy": {"title": "enforce"}}),
    );
    assert!(report.is_complete() && plan.writes() == 1, "{}", words::plan(&plan));
    assert_eq!(world.run(acme.links("x")).unwrap()[0].remote.id, other);
    assert_eq!(
        reason(&json!({"key": "y", "id": other, "title": "Named"})),
        [Reason::DuplicateDesired]
    );
    // Once linked, another id is a contradiction.
    assert_eq!(
        reason(&json!({"key": "x", "id": id.to_string(), "title": "Other"})),
        [Reason::LinkedElsewhere]
    );
    assert_eq!(world.sandbox.rows("candidates").len(), rows.len());
}

#[test]
fn a_record_is_adopted_by_the_host_and_by_one_path_alone() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let (id, email) = addressed_candidate(&world);
    let remote = RemoteRef::new("candidates", id.to_string());
    // By address she would be created anew.
    world.run(acme.declare(&desired(&ada(&json!({})).to_string()))).unwrap();
    world.run(acme.link("ref-1", &remote)).unwrap();
    assert!(world.run(acme.sync()).unwrap().1.is_complete());
    assert_eq!(ada_id(&world), id, "the address was added to the linked candidate");
    assert_eq!(world.sandbox.candidates_by_email(&email).len(), 1);
    let candidates = world.sandbox.rows("candidates");
    let other =
        &candidates.iter().find(|row| row["id"] != id && row["private"] != true).unwrap()["id"];
    for (host, remote) in [
        ("ref-2", remote.clone()),
        ("ref-3", RemoteRef::new("candidates", "1")),
        ("ref-1/notes/n", remote.clone()),
        ("ref-1", RemoteRef::new("candidates", other.to_string())),
    ] {
        let refused = world.run(acme.link(host, &remote)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Input, "{host}: {refused}");
    }
}

#[test]
fn a_withdrawal_removes_what_the_engine_added_and_says_what_stays() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let (id, email) = addressed_candidate(&world);
    world.sandbox.recruiter(&Recruiter::AddTag { candidate_id: id, tag: "theirs".into() }).unwrap();
    let before = (
        world.sandbox.rows("candidates").into_iter().find(|row| row["id"] == id).unwrap(),
        tags_of(&world, id),
    );
    let record = json!({"key": "x", "emails": [email, "added@example.com"],
        "tags": ["theirs", "ours"],
        "notes": [{"key": "n", "body": "Hello."}]});
    assert!(sync(&world, &acme, &record).1.is_complete());
    assert_eq!(tags_of(&world, id), before.1 + 1);
    world.sandbox.clear_logs();
    let shown = world.run(acme.plan_withdrawal("x", WithdrawOptions::default())).unwrap();
    assert_eq!((shown.writes(), world.written()), (2, Vec::new()), "{}", words::plan(&shown));
    let (plan, report) = world.run(acme.withdraw("x", WithdrawOptions::default())).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert!(
        plan.records[0]
            .findings
            .iter()
            .any(|finding| finding.path == "x/notes/n" && finding.reason == Reason::Stays)
    );
    let after = world.sandbox.rows("candidates").into_iter().find(|row| row["id"] == id).unwrap();
    assert_eq!(
        (&after["email_addresses"], tags_of(&world, id)),
        (&before.0["email_addresses"], before.1)
    );
    assert_eq!(
        world.sandbox.notes_of(id).iter().filter(|note| note["body"] == "Hello.").count(),
        1
    );
    // Nothing is added there again.
    world.sandbox.clear_logs();
    assert!(world.run(acme.sync()).unwrap().0.is_empty());
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn a_withdrawal_removes_a_tag_that_came_with_the_creation() {
    for is_synced_again in [true, false] {
        let world = World::new(1, 40);
        let acme = world.connect();
        let record = ada(&json!({"tags": ["engine"]}));
        sync(&world, &acme, &record);
        if is_synced_again {
            world.clock.set(world.clock.now_ms() + 600_000);
            sync(&world, &acme, &record);
        }
        let id = ada_id(&world);
        let tags = || world.sandbox.rows_of_candidate("applied_candidate_tags", id).len();
        assert_eq!(tags(), 1);
        world.run(acme.withdraw("ref-1", WithdrawOptions::default())).unwrap();
        assert_eq!(tags(), 0, "synced again: {is_synced_again}");
    }
}

#[test]
fn a_withdrawal_never_removes_the_addresses_of_a_candidate_that_the_engine_created() {
    let world = World::new(1, 60);
    let acme = world.connect();
    sync(&world, &acme, &ada(&json!({})));
    let plan = world.run(acme.plan_withdrawal("ref-1", WithdrawOptions::default())).unwrap();
    assert!(plan.is_empty(), "{}", words::plan(&plan));
    assert!(words::plan(&plan).contains("stays"), "{}", words::plan(&plan));
}

/// A world in which Ada's create is in doubt and no probe can settle it.
fn in_doubt(applied: bool) -> (World, Connection, u64) {
    let world = World::new(1, 60);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&json!({})).to_string()))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    let kind = if applied { FaultKind::DropAfter } else { FaultKind::DropBefore };
    world.sandbox.faults().add(Fault::once("POST", "/v3/candidates", kind));
    // Probes fail until the test has decided, so the create stays in doubt.
    let mut blind = Fault::always("/v3/candidates", FaultKind::Unauthorized);
    blind.method = Some("GET".into());
    world.sandbox.faults().add(blind.after(1));
    let ended = world.run(acme.apply(&plan));
    world.sandbox.faults().clear();
    assert!(!ended.is_ok_and(|report| report.is_complete()));
    let open = world.run(acme.open_intents()).unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    (world, acme, open[0].id)
}

#[test]
fn a_write_in_doubt_is_resolved_by_adopting_the_created_record() {
    let (world, acme, id) = in_doubt(true);
    let made = ada_id(&world).to_string();
    let stranger = RemoteRef::new("candidates", "1");
    for wrong in [None, Some(stranger), Some(RemoteRef::new("jobs", &made))] {
        let refused = world.run(acme.resolve(id, Resolution::Adopt(wrong))).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Input, "{refused}");
    }
    let found = Some(RemoteRef::new("candidates", &made));
    let intent = world.run(acme.resolve(id, Resolution::Adopt(found))).unwrap();
    assert_eq!(intent.state.word(), "applied");
    world.sandbox.clear_logs();
    assert!(world.run(acme.sync()).unwrap().0.is_empty());
    assert_eq!(world.written(), Vec::<String>::new());
    let twice = world.run(acme.resolve(id, Resolution::Retry)).unwrap_err();
    assert!(twice.to_string().contains("only what is in doubt"), "{twice}");
}

#[test]
fn a_write_in_doubt_is_resolved_by_sending_once_more_when_the_host_says_so() {
    let (world, acme, id) = in_doubt(false);
    let intent = world.run(acme.resolve(id, Resolution::Retry)).unwrap();
    assert_eq!((intent.state.word(), intent.attempt), ("applied", 2));
    ada_in(&world);
    assert!(world.run(acme.sync()).unwrap().0.is_empty());
}

#[test]
fn an_abandoned_write_is_not_sent_again_until_the_declaration_changes() {
    let (world, acme, id) = in_doubt(false);
    let waiting = world.run(acme.explain("ref-1")).unwrap();
    assert!(waiting.next.iter().any(|next| next.what.contains("in doubt")), "{}", waiting.words());
    let refused = world.run(acme.abandon("ref-1")).unwrap_err();
    assert!(refused.to_string().contains("settle or resolve"), "{refused}");
    let intent = world.run(acme.resolve(id, Resolution::Abandon("nobody knows".into()))).unwrap();
    assert_eq!(intent.state.word(), "abandoned");
    world.sandbox.clear_logs();
    let (plan, _) = world.run(acme.sync()).unwrap();
    assert!(
        plan.is_empty() && plan.records[0].note(Reason::GivenUp).is_some(),
        "{}",
        words::plan(&plan)
    );
    assert_eq!(world.written(), Vec::<String>::new());
    let row = world.run(acme.desired("ref-1")).unwrap().unwrap();
    assert!(
        row.status
            .conditions
            .iter()
            .any(|held| held.kind == ConditionType::Synced && held.reason == Reason::GivenUp)
    );
    assert!(sync(&world, &acme, &ada(&json!({"title": "Countess"}))).1.is_complete());
    ada_in(&world);
}

#[test]
fn an_event_of_an_engines_write_names_its_intent() {
    let world = World::new(1, 60);
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    world.run(acme.declare(&desired(&ada(&json!({})).to_string()))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    let before = world.run(acme.status()).unwrap().changes_last;
    world.run(acme.apply(&plan)).unwrap();
    let intents = world.run(acme.explain("ref-1")).unwrap().intents;
    let made = ada_id(&world).to_string();
    let change = feed(&world, &acme, before).into_iter().find(|change| change.id == made).unwrap();
    assert_eq!(
        (change.what, change.cause),
        (ChangeWhat::Created, Cause::Applied { intent: intents[0].id })
    );
}

/// An application's job is fixed. Another job declared under the same key is reported as a
/// conflict; another key creates another application.
#[test]
fn an_application_declared_for_another_job_than_it_is_on_is_a_conflict_and_creates_nothing() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] == false && job["confidential"] == false
    };
    let open: Vec<String> = jobs.iter().filter(open).map(|job| job["id"].to_string()).collect();
    let on = |applications: &[(&str, &String)]| {
        let list = applications.iter().map(|(key, job)| json!({"key": key, "job": {"id": job}}));
        ada(&json!({"applications": list.collect::<Vec<_>>()}))
    };
    assert!(sync(&world, &acme, &on(&[("a1", &open[0])])).1.is_complete());
    let made = world.sandbox.applications_of(ada_id(&world));
    world.sandbox.clear_logs();
    for _ in 0..2 {
        let (plan, _) = sync(&world, &acme, &on(&[("a1", &open[1])]));
        let all = world.run(acme.plan(PlanOf::All)).unwrap();
        for plan in [&plan, &all].into_iter().filter(|plan| plan.planned > 0) {
            let said: Vec<_> = plan.records[0]
                .findings
                .iter()
                .map(|said| (said.kind, said.reason.as_str()))
                .collect();
            assert_eq!(said, [(FindingKind::Conflict, "OtherJob")], "{}", words::plan(plan));
        }
    }
    assert_eq!(
        (world.written(), world.sandbox.applications_of(ada_id(&world))),
        (Vec::new(), made.clone())
    );
    let row = world.run(acme.desired("ref-1")).unwrap().unwrap();
    let synced =
        row.status.conditions.iter().find(|held| held.kind == ConditionType::Synced).unwrap();
    assert!(
        !synced.status
            && synced.reason == Reason::Conflict
            && synced.message.contains("under another key"),
        "{synced:?}"
    );
    assert!(sync(&world, &acme, &on(&[("a1", &open[0]), ("a2", &open[1])])).1.is_complete());
    let after = world.sandbox.applications_of(ada_id(&world));
    assert!(after.len() == 2 && after.contains(&made[0]));
}

#[test]
fn a_reader_behind_the_trimmed_feed_gets_an_error_and_never_misses_silently() {
    let world = World::new(1, 60);
    let acme = world.connect();
    world.run(acme.pull("jobs")).unwrap();
    world.run(acme.acknowledge("mirror", 3)).unwrap();
    world.clock.set(world.clock.now_ms() + 1_000);
    assert_eq!(world.run(acme.trim(0, Keep::Unacknowledged)).unwrap(), 3);
    assert_eq!(world.run(acme.changes_first()).unwrap(), 4);
    let mirror = world.run(acme.offset("mirror")).unwrap();
    assert_eq!(feed(&world, &acme, mirror)[0].serial, 4);
    let late = world.run(acme.changes(0).try_collect::<Vec<_>>()).unwrap_err();
    let cause = late.cause::<StoreError>();
    assert!(matches!(cause, Some(StoreError::ChangesGone { first: 4 })), "{late}");
}

#[test]
fn a_step_that_can_mail_a_candidate_needs_an_opt_in_and_the_plan_says_so() {
    let mut world = World::new(1, 60);
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] == false && job["confidential"] == false
    };
    let job = jobs.iter().find(open).unwrap()["id"].clone();
    let with = |more: &Value| {
        let mut application = json!({"key": "a1", "job": {"id": job.to_string()}});
        application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ada(&json!({"applications": [application]}))
    };
    let acme = world.connect();
    assert!(sync(&world, &acme, &with(&json!({}))).1.is_complete());
    let stages = world.sandbox.rows("job_interview_stages");
    let mut of_job: Vec<&Value> = stages.iter().filter(|stage| stage["job_id"] == job).collect();
    of_job.sort_by_key(|stage| stage["id"].as_i64());
    let stage = of_job.last().unwrap()["id"].to_string();
    let moved = with(&json!({"stage": {"id": stage}}));
    world.sandbox.clear_logs();
    let (plan, _) = sync(&world, &acme, &moved);
    assert_eq!(world.written(), Vec::<String>::new());
    let note = plan.records[0].note(Reason::NotOptedIn).unwrap();
    assert!(
        note.message.contains("mail") && note.message.contains("stage_writes"),
        "{}",
        note.message
    );
    world.settings.insert("stage_writes".into(), json!(true));
    let acme = world.connect();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert_eq!(plan.writes(), 1, "{}", words::plan(&plan));
    assert!(words::plan(&plan).contains("may mail the candidate"), "{}", words::plan(&plan));
}

#[test]
fn a_setting_outside_of_its_list_is_refused_with_its_name_before_anything_is_asked() {
    let mut world = World::new(1, 12);
    world.settings.insert("from_stage_reading".into(), json!("application_stage"));
    let refused = world.run(world.engine().connect(world.options())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    let said = refused.to_string();
    assert!(
        said.contains("settings.from_stage_reading") && said.contains("\"application-stage\""),
        "{said}"
    );
    assert!(world.reads().is_empty());
}

#[test]
fn a_connections_name_can_stand_in_messages() {
    let world = World::new(1, 12);
    for odd in ["", " ", "acme ", "a\nb", &"x".repeat(201)] {
        let mut options = world.options();
        options.name = odd.to_owned();
        let refused = world.run(world.engine().connect(options)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Configuration, "{odd:?}");
        assert!(refused.to_string().starts_with("a connection's name"), "{refused}");
    }
}

#[test]
fn a_field_emptied_under_fill_is_not_reported_as_set_while_it_is_empty() {
    let world = World::new(1, 30);
    let acme = world.connect();
    let record = ada(&json!({"company": "Analytical", "policy": {"company": "fill"}}));
    assert!(sync(&world, &acme, &record).1.is_complete());
    let id = ada_id(&world);
    world.wire.edit_rows("/v3/candidates", move |_, rows| {
        for row in rows.iter_mut().filter(|row| row["id"] == id) {
            row["company"] = Value::Null;
        }
    });
    world.clock.set(world.clock.now_ms() + 3_600_000);
    world.run(acme.pull_full("candidates")).unwrap();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty(), "{}", words::plan(&plan));
    let said = plan
        .records
        .iter()
        .flat_map(|record| &record.findings)
        .map(|finding| finding.message.clone());
    let said: Vec<String> = said.filter(|message| message.contains("`company`")).collect();
    assert!(
        said.iter()
            .any(|message| message.contains("emptied") && message.contains("sets a field once")),
        "{said:?}"
    );
    assert!(!said.iter().any(|message| message.contains("only while it is empty")), "{said:?}");
}
