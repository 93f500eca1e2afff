//! Records that are deleted in the ATS, and records that continue there under another id.
//!
//! Method: a recruiter changes the sandbox past the API, the engine reads, and the tests count the
//! events of the feed: every event of a kind counts once, and serials have no gap. The tests move
//! the time beyond the window in which a record counts as young.

mod adoptions;
mod doubts;
mod proofs;
mod rights;
mod sight;

use atsync::ConditionType;
use atsync::internals::store::{Cause, Change, ChangeWhat, LinkHow, Proof};
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{Clock, Connection, HintEnd, PlanOf, SweepOptions, SweepReport};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{World, desired};
use futures_util::TryStreamExt;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::atomic::Ordering;

const HOUR_MS: u64 = 3_600_000;

/// A world whose candidates and applications were pulled an hour ago.
fn pulled(seed: u64, candidates: usize) -> (World, Connection) {
    let world = World::new(seed, candidates);
    let acme = world.connect();
    for kind in ["candidates", "applications"] {
        world.run(acme.pull(kind)).unwrap();
    }
    later(&world);
    (world, acme)
}

fn later(world: &World) {
    world.clock.set(world.clock.now_ms() + HOUR_MS);
}

/// The feed, proven to have no gap.
fn feed(world: &World, acme: &Connection) -> Vec<Change> {
    let changes: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
    for (at, change) in changes.iter().enumerate() {
        assert_eq!(change.serial, at as u64 + 1, "the feed has a gap");
    }
    changes
}

fn told(world: &World, acme: &Connection, what: ChangeWhat) -> Vec<Change> {
    feed(world, acme).into_iter().filter(|change| change.what == what).collect()
}

fn sweep(world: &World, acme: &Connection, kind: &str) -> SweepReport {
    let report = world.run(acme.sweep(kind, SweepOptions::default())).unwrap();
    println!("{report:?}");
    report
}

fn id(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

/// Candidates with an e-mail address and an application each, who are visible to all users.
fn candidates(world: &World) -> Vec<(i64, String)> {
    let rows = world.sandbox.rows("candidates");
    let plain = rows
        .iter()
        .filter(|row| row["private"] != true && !world.sandbox.applications_of(id(row)).is_empty());
    plain
        .filter_map(|row| Some((id(row), row["email_addresses"][0]["value"].as_str()?.to_owned())))
        .collect()
}

fn act(world: &World, deed: &Recruiter) -> i64 {
    world.sandbox.recruiter(deed).unwrap()["id"].as_i64().unwrap()
}

/// Declares a record that adopts the candidate of this address.
fn adopt(world: &World, acme: &Connection, key: &str, email: &str) {
    let line = json!({"key": key, "emails": [email]}).to_string();
    world.run(acme.declare(&desired(&line))).unwrap();
    world.run(acme.sync()).unwrap();
    assert_eq!(world.run(acme.links(key)).unwrap().len(), 1, "{key} is linked");
}

fn blocked(world: &World, acme: &Connection, key: &str) -> String {
    world.run(acme.sync()).unwrap();
    let row = world.run(acme.desired(key)).unwrap().unwrap();
    let condition =
        row.status.conditions.iter().find(|condition| condition.kind == ConditionType::Blocked);
    condition.map_or_else(|| format!("{:?}", row.status), |condition| condition.reason.to_string())
}

#[test]
fn a_deletion_is_reported_once_and_with_its_proof() {
    let (world, acme) = pulled(1, 60);
    let (deleted_id, _) = candidates(&world)[3];
    act(&world, &Recruiter::DeleteCandidate { candidate_id: deleted_id });
    let report = sweep(&world, &acme, "candidates");
    assert!(report.complete);
    assert_eq!((report.suspected, report.confirmed, report.still_there), (1, 1, 0));
    later(&world);
    assert_eq!(sweep(&world, &acme, "candidates").suspected, 0);
    let deleted = told(&world, &acme, ChangeWhat::Deleted);
    assert_eq!(deleted.len(), 1);
    assert_eq!(
        (deleted[0].id.clone(), deleted[0].cause.clone()),
        (deleted_id.to_string(), Cause::Swept { proof: Proof::Fetched })
    );
    assert!(!deleted[0].before.is_empty());
}

#[test]
fn a_partial_sweep_deletes_nothing_and_pulls_run_beside_it() {
    let (world, acme) = pulled(2, 1_100);
    let everyone = candidates(&world);
    act(&world, &Recruiter::DeleteCandidate { candidate_id: everyone[0].0 });
    act(&world, &Recruiter::DeleteCandidate { candidate_id: everyone[everyone.len() - 1].0 });
    let options = SweepOptions::default().pages_max(1);
    let first = world.run(acme.sweep("candidates", options)).unwrap();
    assert_eq!((first.complete, first.pages, first.suspected), (false, 1, 0));
    let between = world.run(acme.pull("candidates")).unwrap();
    assert!(!between.full && !between.resumed, "an incremental pass is not the sweep's");
    let second = world.run(acme.sweep("candidates", options)).unwrap();
    assert!(!second.complete && second.resumed);
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    let third = world.run(acme.sweep("candidates", options)).unwrap();
    assert_eq!((third.complete, third.pages, third.confirmed), (true, 1, 2));
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 2);
}

/// The engine is killed at each exchange of a sweep in turn; the answer never arrives, and a new
/// engine opens the store.
#[test]
fn a_sweep_killed_at_any_exchange_has_the_same_result() {
    let mut killed = 0;
    for at in 1..12 {
        let (mut world, acme) = pulled(3, 60);
        act(&world, &Recruiter::DeleteCandidate { candidate_id: candidates(&world)[0].0 });
        let before = world.wire.exchanges.load(Ordering::SeqCst);
        world.wire.kill_at.store(before + at, Ordering::SeqCst);
        let end = world.run(async {
            let swept = pin!(acme.sweep("candidates", SweepOptions::default()));
            match select(swept, world.clock.sleep(12 * HOUR_MS)).await {
                Either::Left((swept, _)) => Some(swept.unwrap()),
                Either::Right(_) => None,
            }
        });
        if end.is_none() {
            killed += 1;
            assert!(told(&world, &acme, ChangeWhat::Deleted).len() <= 1);
            drop(acme);
            world.restart();
            let acme = world.connect();
            assert!(sweep(&world, &acme, "candidates").complete);
            assert_eq!(
                told(&world, &acme, ChangeWhat::Deleted).len(),
                1,
                "killed at exchange {at}"
            );
        }
    }
    assert!(killed >= 4, "{killed} kills hit nothing");
}

/// An existing row that the walk does not show: the credential cannot see it during the walk, and
/// can again afterwards.
#[test]
fn a_row_that_a_page_skipped_is_fetched_and_stays() {
    let (world, acme) = pulled(4, 60);
    let (skipped, _) = candidates(&world)[5];
    let hide = json!({"private": true}).as_object().unwrap().clone();
    act(&world, &Recruiter::Set { collection: "candidates".into(), id: skipped, values: hide });
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    let held = world.run(acme.sweep("candidates", SweepOptions::default().brake(0, 0))).unwrap();
    assert!(held.held.is_some());
    world.sandbox.set_access(|access| access.sees_private_candidates = true);
    let report = world.run(acme.sweep("candidates", SweepOptions::default().force(true))).unwrap();
    assert_eq!(
        (report.pages, report.suspected, report.still_there, report.confirmed),
        (0, 1, 1, 0)
    );
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
}

#[test]
fn the_brake_holds_until_the_host_forces_it() {
    let (world, acme) = pulled(5, 60);
    for (candidate_id, _) in candidates(&world).into_iter().take(25) {
        act(&world, &Recruiter::DeleteCandidate { candidate_id });
    }
    let held = sweep(&world, &acme, "candidates");
    let text = held.held.unwrap();
    assert!(text.contains("25 of 60") && text.contains("`SweepOptions::force`"), "{text}");
    assert!(!held.complete && told(&world, &acme, ChangeWhat::Deleted).is_empty());
    // Without force it starts again, and is held again.
    assert!(sweep(&world, &acme, "candidates").held.is_some());
    let forced = world.run(acme.sweep("candidates", SweepOptions::default().force(true))).unwrap();
    assert_eq!((forced.pages, forced.confirmed, forced.complete), (0, 25, true));
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 25);
}

#[test]
fn a_lost_right_holds_a_sweep_even_with_force() {
    let (world, acme) = pulled(6, 60);
    act(&world, &Recruiter::DeleteCandidate { candidate_id: candidates(&world)[0].0 });
    assert!(
        world
            .run(acme.sweep("candidates", SweepOptions::default().brake(0, 0)))
            .unwrap()
            .held
            .is_some()
    );
    world
        .sandbox
        .set_access(|access| access.scopes.retain(|scope| scope != "harvest:candidates:list"));
    let force = SweepOptions::default().force(true);
    let text = world.run(acme.sweep("candidates", force)).unwrap().held.unwrap();
    assert!(text.contains("harvest:candidates:list"), "{text}");
    world.sandbox.set_access(|access| access.scopes = atsync_greenhouse_sandbox::all_scopes());
    world.sandbox.set_access(|access| access.site_admin = false);
    let text = world.run(acme.sweep("candidates", force)).unwrap().held.unwrap();
    assert!(text.contains("Site Admin"), "{text}");
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    world.sandbox.set_access(|access| access.site_admin = true);
    assert_eq!(sweep(&world, &acme, "candidates").confirmed, 1);
}

#[test]
fn private_records_are_not_deleted_when_the_right_to_see_them_is_lost() {
    let (world, acme) = pulled(7, 120);
    let private: Vec<i64> = world
        .sandbox
        .rows("candidates")
        .iter()
        .filter(|row| row["private"] == true)
        .map(id)
        .collect();
    assert!(!private.is_empty(), "the company has private candidates");
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    let report = sweep(&world, &acme, "candidates");
    assert_eq!((report.hidden, report.confirmed), (private.len() as u64, 0));
    assert_eq!(sweep(&world, &acme, "applications").confirmed, 0);
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
}

#[test]
fn a_merge_is_followed_by_the_next_pull_and_reported_once() {
    let (world, acme) = pulled(8, 60);
    let everyone = candidates(&world);
    let ((loser, email), (winner, _)) = (&everyone[0], &everyone[1]);
    adopt(&world, &acme, "r1", email);
    act(&world, &Recruiter::Merge { candidate_id: *winner, secondary_candidate_id: *loser });
    later(&world);
    world.run(acme.pull("applications")).unwrap();
    let moved = told(&world, &acme, ChangeWhat::Moved);
    assert_eq!(moved.len(), 1);
    assert_eq!(
        (moved[0].id.clone(), moved[0].after["id"].clone()),
        (loser.to_string(), json!(winner.to_string()))
    );
    let link = world.run(acme.links("r1")).unwrap().remove(0);
    assert_eq!((link.remote.id, link.how), (winner.to_string(), LinkHow::Followed));
    later(&world);
    assert_eq!(sweep(&world, &acme, "candidates").suspected, 0);
    assert_eq!(told(&world, &acme, ChangeWhat::Moved).len(), 1);
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
}

#[test]
fn a_merge_that_no_pull_showed_is_found_by_the_sweep() {
    let (world, acme) = pulled(9, 60);
    let everyone = candidates(&world);
    let (loser, middle, winner) = (everyone[0].0, everyone[1].0, everyone[2].0);
    act(&world, &Recruiter::Merge { candidate_id: middle, secondary_candidate_id: loser });
    act(&world, &Recruiter::Merge { candidate_id: winner, secondary_candidate_id: middle });
    let report = sweep(&world, &acme, "candidates");
    assert_eq!((report.moved, report.confirmed), (2, 0));
    for moved in told(&world, &acme, ChangeWhat::Moved) {
        assert_eq!(
            (moved.after["id"].clone(), moved.cause),
            (json!(winner.to_string()), Cause::Swept { proof: Proof::Fetched })
        );
    }
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
}

#[test]
fn two_desired_records_of_one_merged_candidate_do_not_overwrite_each_other() {
    let (world, acme) = pulled(10, 60);
    let everyone = candidates(&world);
    let ((loser, email), (winner, other)) = (&everyone[0], &everyone[1]);
    adopt(&world, &acme, "r1", email);
    adopt(&world, &acme, "r2", other);
    act(&world, &Recruiter::Merge { candidate_id: *winner, secondary_candidate_id: *loser });
    later(&world);
    world.run(acme.pull("applications")).unwrap();
    world.sandbox.clear_logs();
    assert_eq!(blocked(&world, &acme, "r1"), "Merged");
    let row = world.run(acme.desired("r1")).unwrap().unwrap();
    assert!(
        row.status
            .conditions
            .iter()
            .any(|condition| condition.message.contains("which r2 is linked to")),
        "{:?}",
        row.status
    );
    world.run(acme.sync()).unwrap();
    assert!(world.written().is_empty(), "{:?}", world.written());
}

#[test]
fn a_prospect_converted_by_a_recruiter_is_reported_as_moved() {
    let (world, acme) = pulled(11, 120);
    let applications = world.sandbox.rows("applications");
    let prospect = applications.iter().find(|row| {
        let jobs = row["prospective_job_ids"].as_array();
        row["prospect"] == true && row["status"] == "in_process" && jobs.is_none_or(Vec::is_empty)
    });
    let prospect = id(prospect.expect("the company has prospects without a job"));
    let jobs = world.sandbox.rows("jobs");
    let job_id =
        id(jobs.iter().find(|job| job["status"] == "open" && job["is_template"] != true).unwrap());
    let new = act(&world, &Recruiter::Convert { application_id: prospect, job_id });
    for _ in 0..2 {
        later(&world);
        world.run(acme.pull("applications")).unwrap();
    }
    later(&world);
    world.run(acme.pull_full("applications")).unwrap();
    let moved = told(&world, &acme, ChangeWhat::Moved);
    let told: Vec<_> =
        moved.iter().map(|change| (change.id.clone(), change.after["id"].clone())).collect();
    assert_eq!(told, [(prospect.to_string(), json!(new.to_string()))]);
}

#[test]
fn an_anonymised_candidate_is_reported_without_their_data_and_nothing_is_written_back() {
    let (world, acme) = pulled(12, 60);
    let (candidate_id, email) = candidates(&world)[0].clone();
    adopt(&world, &acme, "r1", &email);
    act(&world, &Recruiter::Anonymise { candidate_id, fields: Vec::new() });
    later(&world);
    world.sandbox.clear_logs();
    assert_eq!(blocked(&world, &acme, "r1"), "Anonymized");
    let anonymized = told(&world, &acme, ChangeWhat::Anonymized);
    assert_eq!(anonymized.len(), 1);
    assert!(anonymized[0].before.is_empty());
    assert!(!format!("{anonymized:?}").contains(&email));
    assert!(world.written().is_empty());
}

#[test]
fn a_linked_record_that_was_deleted_is_not_created_again() {
    let (world, acme) = pulled(13, 60);
    let (candidate_id, email) = candidates(&world)[0].clone();
    adopt(&world, &acme, "r1", &email);
    act(&world, &Recruiter::DeleteCandidate { candidate_id });
    later(&world);
    assert_eq!(sweep(&world, &acme, "candidates").confirmed, 1);
    world.sandbox.clear_logs();
    assert_eq!(blocked(&world, &acme, "r1"), "Deleted");
    world.run(acme.sync()).unwrap();
    assert!(world.written().is_empty(), "{:?}", world.written());
    assert!(world.sandbox.candidates_by_email(&email).is_empty());
}

#[test]
fn a_transferred_application_is_neither_reverted_nor_duplicated() {
    let (world, acme) = pulled(14, 60);
    let jobs = world.sandbox.rows("jobs");
    let open: Vec<i64> = jobs
        .iter()
        .filter(|job| job["status"] == "open" && job["is_template"] != true)
        .map(id)
        .collect();
    let line = json!({"key": "r1", "name": {"first": "Ada", "last": "Byron"},
        "emails": ["ada@example.com"],
        "applications": [{"key": "a1", "job": {"id": open[0].to_string()}}]});
    world.run(acme.declare(&desired(&line.to_string()))).unwrap();
    world.run(acme.sync()).unwrap();
    let ada = id(&world.sandbox.candidates_by_email("ada@example.com")[0]);
    let application = id(&world.sandbox.applications_of(ada)[0]);
    let values = json!({"job_id": open[1]}).as_object().unwrap().clone();
    act(&world, &Recruiter::Set { collection: "applications".into(), id: application, values });
    later(&world);
    world.sandbox.clear_logs();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert!(plan.is_empty(), "{}", atsync::internals::plan::words::plan(&plan));
    let reasons: Vec<_> = plan
        .records
        .iter()
        .flat_map(|record| &record.findings)
        .map(|f| f.reason.as_str())
        .collect();
    assert_eq!(reasons, ["Transferred"]);
    world.run(acme.sync()).unwrap();
    assert_eq!(world.sandbox.applications_of(ada).len(), 1);
    assert!(world.written().is_empty());
}

#[test]
fn a_hint_is_believed_only_after_a_fetch() {
    let (world, acme) = pulled(15, 60);
    let everyone = candidates(&world);
    let candidate = |at: usize| RemoteRef::new("candidates", everyone[at].0.to_string());
    let hint = |hint: Hint| world.run(acme.hint(hint)).unwrap();
    let before = feed(&world, &acme).len();
    assert_eq!(hint(Hint::Deleted(candidate(0))), HintEnd::StillThere);
    assert_eq!(hint(Hint::Merged((candidate(0), candidate(1)))), HintEnd::StillThere);
    assert_eq!(hint(Hint::Changed(RemoteRef::new("candidates", "1"))), HintEnd::NotShown);
    assert_eq!(feed(&world, &acme).len(), before, "a lie changes nothing");

    act(&world, &Recruiter::DeleteCandidate { candidate_id: everyone[0].0 });
    act(
        &world,
        &Recruiter::Merge { candidate_id: everyone[2].0, secondary_candidate_id: everyone[1].0 },
    );
    for _ in 0..2 {
        assert_eq!(hint(Hint::Deleted(candidate(0))), HintEnd::Gone);
        assert_eq!(
            hint(Hint::Merged((candidate(1), candidate(2)))),
            HintEnd::Moved { to: candidate(2).id }
        );
    }
    let cause = Cause::Hinted { proof: Proof::HookAndFetch };
    for (what, id) in [(ChangeWhat::Deleted, candidate(0).id), (ChangeWhat::Moved, candidate(1).id)]
    {
        let told: Vec<_> =
            told(&world, &acme, what).into_iter().map(|change| (change.id, change.cause)).collect();
        assert_eq!(told, [(id, cause.clone())]);
    }
}

/// Only some fields were erased, so the record itself does not look anonymised; the webhook's
/// report outlasts the next full pass.
#[test]
fn a_hint_of_an_erasure_outlasts_the_next_pass() {
    let (world, acme) = pulled(16, 60);
    let (candidate_id, email) = candidates(&world)[0].clone();
    adopt(&world, &acme, "r1", &email);
    act(&world, &Recruiter::Anonymise { candidate_id, fields: vec!["email_addresses".into()] });
    let of = RemoteRef::new("candidates", candidate_id.to_string());
    assert_eq!(world.run(acme.hint(Hint::Erased(of))).unwrap(), HintEnd::TakenIn);
    later(&world);
    world.run(acme.pull_full("candidates")).unwrap();
    world.sandbox.clear_logs();
    assert_eq!(blocked(&world, &acme, "r1"), "Anonymized");
    assert!(world.written().is_empty());
    assert_eq!(told(&world, &acme, ChangeWhat::Anonymized).len(), 1);
}

#[test]
fn sweeps_roll_in_turns_beside_the_pulls() {
    use atsync::{Cron, Crons, Round};
    let (world, acme) = pulled(17, 60);
    act(&world, &Recruiter::DeleteCandidate { candidate_id: candidates(&world)[0].0 });
    let cron = |text: &str| Cron::parse(text).unwrap();
    let crons = Crons::of_pulls([("applications".to_owned(), cron("*/5 * * * *"))])
        .with_sweeps([("candidates".to_owned(), cron("30 * * * *"))]);
    let (mut swept, mut pulled) = (Vec::new(), 0);
    let tell = |round: &Round<'_>| match round {
        Round::Swept(report) => swept.push((*report).clone()),
        Round::Pulled(_) => pulled += 1,
        other => println!("{other:?}"),
    };
    world.run(acme.run(crons, world.clock.sleep(2 * HOUR_MS), tell)).unwrap();
    assert_eq!(
        swept.iter().map(|report| (report.complete, report.confirmed)).collect::<Vec<_>>(),
        [(true, 1), (true, 0)]
    );
    assert!(pulled >= 20, "{pulled} pulls");
}
