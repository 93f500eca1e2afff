//! The lifecycle of applications, end to end: what the host declares for a new one, how its
//! declaration changes, and what recruiters decide in between.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets. The tests check the sandbox's state and the writes that reached it. Every state
//! of an application meets every declaration.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

mod hires;

use atsync::Reason;
use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::internals::reconcile::ApplyReport;
use atsync::{Clock as _, Connection, PlanOf};
use atsync_greenhouse_sandbox::{CreateAnswer, Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired};
use serde_json::{Value, json};

const ADA: &str = "ada.byron@example.com";
const REASON: &str = "Took another offer";

/// A world whose connection may write stages.
fn world() -> World {
    let mut world = cautious_world();
    world.settings.insert("stage_writes".into(), json!(true));
    world
}

/// A world whose connection may not.
fn cautious_world() -> World {
    World::new(1, 60)
}

/// The open job at a position. The first has one opening, the second two, the third three.
fn job(world: &World, place: usize) -> i64 {
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] == false && job["confidential"] == false
    };
    jobs.iter().filter(open).nth(place).unwrap()["id"].as_i64().unwrap()
}

/// The name of a stage of a job, by position.
fn stage(world: &World, job: i64, place: usize) -> String {
    world.sandbox.rows_where("job_interview_stages", "job_id", job)[place]["name"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn openings(world: &World, job: i64) -> Vec<Value> {
    let rows = world.sandbox.rows_where("openings", "job_id", job);
    rows.into_iter().filter(|opening| opening["open"] == true).collect()
}

/// Ada with one application to the first job, and more members of it.
fn ada(world: &World, more: &Value) -> Value {
    ada_at(job(world, 0), more)
}

fn ada_at(job: i64, more: &Value) -> Value {
    let mut application = json!({"key": "a1", "job": {"id": job.to_string()}});
    application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
        "applications": [application]})
}

fn with_policy(mut record: Value, field: &str, policy: &str) -> Value {
    record["policy"][field] = json!(policy);
    record
}

fn declare(world: &World, acme: &Connection, record: &Value) {
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
}

fn plan(world: &World, acme: &Connection) -> Plan {
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    println!("{}", words::plan(&plan));
    plan
}

/// Declares, plans and applies the plan.
fn bring(world: &World, acme: &Connection, record: &Value) -> (Plan, ApplyReport) {
    declare(world, acme, record);
    let plan = plan(world, acme);
    let report = world.run(acme.apply(&plan)).unwrap();
    println!("{:#?}", report.steps);
    (plan, report)
}

/// Applies it, and asserts that one apply completed it and that the next reads find it in step.
fn bring_whole(world: &World, acme: &Connection, record: &Value) -> Plan {
    let (plan, report) = bring(world, acme, record);
    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
    in_step(world, acme);
    plan
}

/// A later plan has nothing to do, and reports no difference.
fn in_step(world: &World, acme: &Connection) {
    later(world);
    let plan = plan(world, acme);
    assert!(plan.is_empty(), "{}", words::plan(&plan));
    let odd: Vec<_> = plan.records.iter().flat_map(|record| &record.findings).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

fn later(world: &World) {
    world.clock.set(world.clock.now_ms() + 3_600_000);
    world.sandbox.clear_logs();
}

fn recruiter(world: &World, deed: &Recruiter) -> i64 {
    let id = world.sandbox.recruiter(deed).unwrap()["id"].as_i64().unwrap();
    later(world);
    id
}

/// Ada's only application.
fn application(world: &World) -> Value {
    let found = world.sandbox.candidates_by_email(ADA);
    assert_eq!(found.len(), 1, "{found:#?}");
    let rows = world.sandbox.applications_of(found[0]["id"].as_i64().unwrap());
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows[0].clone()
}

fn id(world: &World) -> i64 {
    application(world)["id"].as_i64().unwrap()
}

fn status(world: &World) -> String {
    application(world)["status"].as_str().unwrap().to_owned()
}

/// The last parts of the paths that were written to since the logs were cleared.
fn deeds(world: &World) -> Vec<String> {
    world.written().iter().map(|line| line.rsplit('/').next().unwrap().to_owned()).collect()
}

fn finding(plan: &Plan, kind: FindingKind) -> &str {
    let mut all = plan.records.iter().flat_map(|record| &record.findings);
    all.find(|finding| finding.kind == kind).map_or("", |finding| &finding.message)
}

/// Does nothing for the record, says so, and succeeds: at every later run too.
fn stands(world: &World, acme: &Connection, kind: FindingKind) {
    for _ in 0..3 {
        let plan = plan(world, acme);
        assert!(plan.is_empty(), "{}", words::plan(&plan));
        assert_ne!(finding(&plan, kind), "", "{}", words::plan(&plan));
        let report = world.run(acme.apply(&plan)).unwrap();
        assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
        assert_eq!(world.written(), Vec::<String>::new());
        later(world);
    }
}

/// The declarations that a new application can carry: its state afterwards, and the writes that
/// lead there.
fn declarations(world: &World, job: i64) -> Vec<(Value, &'static str, &'static [&'static str])> {
    let opening = json!({"id": openings(world, job)[0]["id"].to_string()});
    vec![
        (json!({}), "in_process", &[]),
        (json!({"outcome": "active"}), "in_process", &[]),
        (json!({"outcome": "rejected", "reject_reason": REASON}), "rejected", &["reject"]),
        (json!({"outcome": "hired", "opening": opening}), "hired", &["hire"]),
    ]
}

#[test]
fn the_first_plan_holds_everything_declared_for_a_new_application_and_one_apply_does_it() {
    for known in [false, true] {
        for custom in [false, true] {
            for place in [None, Some(0), Some(2)] {
                for number in 0..4 {
                    let world = world();
                    let acme = world.connect();
                    let job = job(&world, 1);
                    let (mut declaration, end, ends) = declarations(&world, job)[number].clone();
                    let first = stage(&world, job, 0);
                    let wanted = place.map(|place| stage(&world, job, place));
                    if let Some(wanted) = &wanted {
                        declaration["stage"] = json!(wanted);
                    }
                    if custom {
                        // The candidate's create cannot carry the application then.
                        declaration["custom_fields"] = json!({"external_ref": "app-1"});
                    }
                    println!("known {known}, {declaration}");
                    if known {
                        let mut candidate = ada_at(job, &json!({}));
                        candidate.as_object_mut().unwrap().remove("applications");
                        bring_whole(&world, &acme, &candidate);
                    }
                    world.sandbox.clear_logs();
                    let before = world.sandbox.requests().len();
                    declare(&world, &acme, &ada_at(job, &declaration));
                    let plan = plan(&world, &acme);
                    assert!(plan.calls > 0 && before == 0);
                    let report = world.run(acme.apply(&plan)).unwrap();
                    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
                    let deeds = deeds(&world);
                    assert!(!deeds.contains(&"move".to_owned()), "{deeds:?}: a move can mail");
                    let made = deeds
                        .iter()
                        .filter(|deed| ["candidates", "applications"].contains(&deed.as_str()));
                    assert_eq!(deeds.len() - made.count(), ends.len(), "{deeds:?}");
                    assert!(ends.iter().all(|end| deeds.contains(&(*end).to_owned())), "{deeds:?}");
                    let row = application(&world);
                    assert_eq!(row["status"], end);
                    if end != "hired" {
                        assert_eq!(row["stage_name"], json!(wanted.unwrap_or(first)));
                    }
                    in_step(&world, &acme);
                }
            }
        }
    }
}

#[test]
fn a_new_application_is_planned_with_its_effects_before_anything_is_sent() {
    let world = world();
    let acme = world.connect();
    let declaration = json!({"stage": stage(&world, job(&world, 0), 1), "outcome": "rejected",
        "reject_reason": REASON});
    declare(&world, &acme, &ada(&world, &declaration));
    let plan = plan(&world, &acme);
    let words = words::plan(&plan);
    assert_eq!(plan.writes(), 2, "{words}");
    for said in [
        "application.stage = ",
        "applications.reject",
        "outcome = rejected",
        REASON,
        "mail the candidate",
    ] {
        assert!(words.contains(said), "{said}: {words}");
    }
    let calls: u32 =
        plan.records.iter().flat_map(|record| &record.steps).map(|step| step.calls).sum();
    // The written records are read back, too.
    assert!(plan.calls >= calls, "{} >= {calls}", plan.calls);
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn a_declaration_that_cannot_be_met_is_blocked_before_the_candidate_exists() {
    let other_jobs_stage = |world: &World| {
        let rows = world.sandbox.rows_where("job_interview_stages", "job_id", job(world, 1));
        json!({"stage": {"id": rows[1]["id"].to_string()}})
    };
    let other_pools_stage = |world: &World| {
        let (pools, stages) =
            (world.sandbox.rows("prospect_pools"), world.sandbox.rows("prospect_pool_stages"));
        let other =
            stages.iter().find(|stage| stage["prospect_pool_id"] == pools[1]["id"]).unwrap();
        json!({"kind": "prospect", "pool": {"id": pools[0]["id"].to_string()},
            "pool_stage": {"id": other["id"].to_string()}})
    };
    type Declaration<'w> = &'w dyn Fn(&World) -> Value;
    let wrong: [(Declaration<'_>, &str); 12] = [
        (&other_pools_stage, "is one of pool"),
        (&|_| json!({"stage": "Phone Scren"}), "no stage with the name"),
        (&|_| json!({"stage": {"id": "987654321"}}), "no stage with the id"),
        (&other_jobs_stage, "is one of job"),
        (&|_| json!({"outcome": "rejected"}), "reject_reason"),
        (&|_| json!({"outcome": "rejected", "reject_reason": "Tok another offer"}), "did you mean"),
        (&|_| json!({"outcome": "rejected", "reject_reason": {"id": "999999"}}), "999999"),
        (
            &|world| json!({"job": {"id": job(world, 2).to_string()}, "outcome": "hired"}),
            "3 openings of the job are open",
        ),
        (
            &|_| json!({"outcome": "hired", "opening": {"id": "999999"}}),
            "no opening of that name or id",
        ),
        (
            &|_| json!({"outcome": "hired", "opening": "no such key"}),
            "no opening of that name or id",
        ),
        (&|_| json!({"kind": "prospect", "stage": "Phone Screen"}), "pool_stage"),
        (&|_| json!({"kind": "prospect", "outcome": "hired"}), "cannot be hired"),
    ];
    for (declaration, said) in wrong {
        for known in [false, true] {
            let world = world();
            let acme = world.connect();
            if known {
                let mut candidate = ada(&world, &json!({}));
                candidate.as_object_mut().unwrap().remove("applications");
                bring_whole(&world, &acme, &candidate);
            }
            later(&world);
            let (plan, _) = bring(&world, &acme, &ada(&world, &declaration(&world)));
            assert!(plan.is_empty());
            assert!(
                finding(&plan, FindingKind::Blocked).contains(said),
                "{said}: {}",
                words::plan(&plan)
            );
            assert_eq!(world.written(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_new_application_to_a_job_that_is_not_open_is_reported_before_it_is_sent() {
    for state in ["closed", "draft"] {
        for kind in ["application", "prospect"] {
            let world = world();
            let acme = world.connect();
            let jobs = world.sandbox.rows("jobs");
            let job = jobs
                .iter()
                .find(|job| job["status"] == state && job["confidential"] == false)
                .unwrap();
            let (plan, _) =
                bring(&world, &acme, &ada_at(job["id"].as_i64().unwrap(), &json!({"kind": kind})));
            let said: Vec<&str> = plan.records[0]
                .findings
                .iter()
                .filter(|finding| {
                    finding.reason == Reason::JobNotOpen && finding.kind == FindingKind::Note
                })
                .map(|finding| finding.message.as_str())
                .collect();
            assert!(
                said.len() == 1 && said[0].contains(state),
                "{state} {kind}: {}",
                words::plan(&plan)
            );
        }
    }
    let world = world();
    let acme = world.connect();
    let (plan, _) = bring(&world, &acme, &ada(&world, &json!({})));
    assert!(plan.records[0].note(Reason::JobNotOpen).is_none(), "{}", words::plan(&plan));
}

#[test]
fn a_step_that_needs_an_opt_in_is_reported_in_the_first_plan_and_the_rest_is_applied() {
    for number in 0..3 {
        let world = cautious_world();
        let acme = world.connect();
        let job = job(&world, 0);
        let declaration = match number {
            0 => json!({"stage": stage(&world, job, 1)}),
            1 => json!({"outcome": "rejected", "reject_reason": REASON}),
            _ => json!({"outcome": "hired"}),
        };
        let (plan, report) = bring(&world, &acme, &ada(&world, &declaration));
        let note = plan.records[0].note(Reason::NotOptedIn).expect("it is said");
        assert!(note.message.contains("stage_writes = true"), "{}", note.message);
        assert!(
            report.is_complete() && report.not_in_step == 0 && report.held_back == 1,
            "{report:#?}"
        );
        let row = application(&world);
        assert_eq!(
            (&row["status"], &row["stage_name"]),
            (&json!("in_process"), &json!(stage(&world, job, 0)))
        );
        later(&world);
        stands(&world, &acme, FindingKind::Note);
    }
}

#[test]
fn a_new_prospect_can_be_rejected_in_the_same_apply() {
    let world = world();
    let acme = world.connect();
    let declaration = json!({"kind": "prospect", "outcome": "rejected", "reject_reason": REASON});
    bring_whole(&world, &acme, &ada(&world, &declaration));
    assert_eq!(
        (status(&world).as_str(), &application(&world)["prospect"]),
        ("rejected", &json!(true))
    );
}

#[test]
fn a_prospect_becomes_an_application_and_reaches_its_stage_and_outcome_in_one_apply() {
    for outcome in ["active", "rejected", "hired"] {
        let world = world();
        let acme = world.connect();
        let job = job(&world, 0);
        bring_whole(&world, &acme, &ada(&world, &json!({"kind": "prospect"})));
        let prospect = id(&world);
        // As recruiters create it when they assign a prospect to one job.
        let values = json!({"job_id": job}).as_object().unwrap().clone();
        recruiter(
            &world,
            &Recruiter::Set { collection: "applications".into(), id: prospect, values },
        );
        let wanted = stage(&world, job, 2);
        let mut declaration = json!({"stage": wanted, "outcome": outcome});
        if outcome == "rejected" {
            declaration["reject_reason"] = json!(REASON);
        }
        let mut record = ada(&world, &declaration);
        record["applications"][0]["key"] = json!("a2");
        bring_whole(&world, &acme, &record);
        let candidate = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
        let rows = world.sandbox.applications_of(candidate);
        let made = rows.iter().find(|row| row["id"] != json!(prospect)).unwrap();
        let expected = if outcome == "active" { "in_process" } else { outcome };
        assert_eq!(made["status"], expected);
        if outcome != "hired" {
            assert_eq!(made["stage_name"], json!(wanted));
        }
    }
}

#[test]
fn a_recruiters_decision_stands_and_is_reported_unless_the_policy_is_enforce() {
    type Deed = (&'static str, fn(&World, i64) -> Recruiter);
    let deeds_of_recruiters: [Deed; 4] = [
        ("stage", |world, application_id| Recruiter::Move {
            application_id,
            stage_name: stage(world, job(world, 0), 2),
        }),
        ("outcome", |_, application_id| Recruiter::Reject {
            application_id,
            rejection_reason_id: None,
        }),
        ("outcome", |world, application_id| Recruiter::Hire {
            application_id,
            opening_id: openings(world, job(world, 0))[0]["id"].as_i64(),
        }),
        ("stage", |world, application_id| Recruiter::Move {
            application_id,
            stage_name: stage(world, job(world, 0), 0),
        }),
    ];
    for (field, deed) in deeds_of_recruiters {
        for policy in [None, Some("yield"), Some("enforce")] {
            let world = world();
            let acme = world.connect();
            let mut record = ada(
                &world,
                &json!({"stage": stage(&world, job(&world, 0), 1), "outcome": "active"}),
            );
            if let Some(policy) = policy {
                record = with_policy(record, field, policy);
            }
            bring_whole(&world, &acme, &record);
            let deed = deed(&world, id(&world));
            println!("{deed:?} under {policy:?}");
            recruiter(&world, &deed);
            let decided = application(&world);
            if policy != Some("enforce") {
                stands(&world, &acme, FindingKind::Drifted);
                assert_eq!(application(&world), decided);
                continue;
            }
            if matches!(deed, Recruiter::Hire { .. }) {
                // Greenhouse has no way to revert a hire: reported, not tried.
                stands(&world, &acme, FindingKind::Note);
                assert_eq!(application(&world), decided);
                continue;
            }
            bring_whole(&world, &acme, &record);
            let row = application(&world);
            assert_eq!(
                (&row["status"], &row["stage_name"]),
                (&json!("in_process"), &json!(stage(&world, job(&world, 0), 1)))
            );
        }
    }
}

#[test]
fn the_host_takes_its_own_rejection_back_and_not_a_recruiters() {
    for by_host in [true, false] {
        for policy in ["yield", "enforce"] {
            println!("by the host: {by_host}, {policy}");
            let world = world();
            let acme = world.connect();
            let of = |declaration: &Value| with_policy(ada(&world, declaration), "outcome", policy);
            if by_host {
                bring_whole(
                    &world,
                    &acme,
                    &of(&json!({"outcome": "rejected", "reject_reason": REASON})),
                );
            } else {
                bring_whole(&world, &acme, &of(&json!({})));
                recruiter(
                    &world,
                    &Recruiter::Reject { application_id: id(&world), rejection_reason_id: None },
                );
            }
            later(&world);
            if by_host || policy == "enforce" {
                let (_, report) = bring(&world, &acme, &of(&json!({"outcome": "active"})));
                assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
                assert_eq!(status(&world), "in_process");
            } else {
                declare(&world, &acme, &of(&json!({"outcome": "active"})));
                stands(&world, &acme, FindingKind::Drifted);
                assert_eq!(status(&world), "rejected");
            }
        }
    }
}

#[test]
fn every_change_of_the_hosts_own_declaration_is_carried_out_in_one_apply() {
    let world = world();
    let acme = world.connect();
    let at = |place| stage(&world, job(&world, 0), place);
    let declarations: [(Value, &[&str], &str); 9] = [
        (json!({}), &[], "in_process"),
        (json!({"stage": at(1)}), &["move"], "in_process"),
        (json!({"stage": at(2)}), &["move"], "in_process"),
        (
            json!({"stage": at(1), "outcome": "rejected", "reject_reason": REASON}),
            &["move", "reject"],
            "rejected",
        ),
        (json!({"stage": at(1), "outcome": "active"}), &["unreject"], "in_process"),
        (
            json!({"stage": at(1), "outcome": "rejected", "reject_reason": "Withdrew"}),
            &["reject"],
            "rejected",
        ),
        (json!({"stage": at(2), "outcome": "active"}), &["unreject", "move"], "in_process"),
        (
            json!({"stage": at(2), "outcome": "rejected", "reject_reason": REASON}),
            &["reject"],
            "rejected",
        ),
        (json!({"stage": at(2), "outcome": "hired"}), &["unreject", "hire"], "hired"),
    ];
    for (number, (declaration, expected, status_then)) in declarations.iter().enumerate() {
        println!("{declaration}");
        later(&world);
        let (plan, report) = bring(&world, &acme, &ada(&world, declaration));
        assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
        if number > 0 {
            assert_eq!(deeds(&world), *expected);
            assert_eq!(plan.writes(), expected.len());
        }
        assert_eq!(status(&world), *status_then);
        in_step(&world, &acme);
    }
}

#[test]
fn another_reason_of_the_hosts_own_rejection_is_written_to_it() {
    let world = world();
    let acme = world.connect();
    bring_whole(
        &world,
        &acme,
        &ada(&world, &json!({"outcome": "rejected", "reject_reason": REASON})),
    );
    let reason = |world: &World| {
        let id = application(world)["rejection_reason_id"].as_i64();
        let details =
            world.sandbox.rows_where("rejection_details", "application_id", self::id(world));
        let detail = details.last().unwrap()["rejection_reason_id"].as_i64().or(id).unwrap();
        world.sandbox.row("rejection_reasons", detail).unwrap()["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason(&world), REASON);
    later(&world);
    let again = json!({"outcome": "rejected", "reject_reason": "Withdrew"});
    let plan = bring_whole(&world, &acme, &ada(&world, &again));
    assert_eq!(plan.writes(), 1);
    assert_eq!(reason(&world), "Withdrew");
}

#[test]
fn a_recruiters_other_reject_reason_is_reported_and_not_overwritten() {
    let world = world();
    let acme = world.connect();
    bring_whole(&world, &acme, &ada(&world, &json!({})));
    let reasons = world.sandbox.rows("rejection_reasons");
    let other = reasons.iter().find(|reason| reason["name"] != REASON).unwrap()["id"].as_i64();
    recruiter(
        &world,
        &Recruiter::Reject { application_id: id(&world), rejection_reason_id: other },
    );
    declare(&world, &acme, &ada(&world, &json!({"outcome": "rejected", "reject_reason": REASON})));
    stands(&world, &acme, FindingKind::Drifted);
}

#[test]
fn a_stage_declared_for_a_closed_application_is_reported_and_never_forced() {
    for policy in ["yield", "enforce"] {
        for hired in [false, true] {
            let world = world();
            let acme = world.connect();
            // A job with two openings, which the hire does not close.
            let job = job(&world, 1);
            let place = |place| stage(&world, job, place);
            let of = |declaration: &Value| with_policy(ada_at(job, declaration), "stage", policy);
            bring_whole(&world, &acme, &of(&json!({"stage": place(1)})));
            let deed = if hired {
                let opening_id = openings(&world, job)[0]["id"].as_i64();
                Recruiter::Hire { application_id: id(&world), opening_id }
            } else {
                Recruiter::Reject { application_id: id(&world), rejection_reason_id: None }
            };
            recruiter(&world, &deed);
            declare(&world, &acme, &of(&json!({"stage": place(2)})));
            stands(&world, &acme, FindingKind::Drifted);
            // The same for an outcome that the host itself declares.
            let outcome = if hired { "hired" } else { "rejected" };
            declare(&world, &acme, &of(&json!({"stage": place(2), "outcome": outcome})));
            stands(&world, &acme, FindingKind::Note);
        }
    }
}

#[test]
fn an_archived_stage_blocks_only_applications_that_would_enter_it() {
    let world = world();
    let acme = world.connect();
    let job_id = job(&world, 0);
    let rows = world.sandbox.rows_where("job_interview_stages", "job_id", job_id);
    let by_id = |place: usize| json!({"stage": {"id": rows[place]["id"].to_string()}});
    bring_whole(&world, &acme, &ada(&world, &by_id(1)));
    for place in [1, 2] {
        let values = json!({"active": false}).as_object().unwrap().clone();
        let id = rows[place]["id"].as_i64().unwrap();
        recruiter(
            &world,
            &Recruiter::Set { collection: "job_interview_stages".into(), id, values },
        );
    }
    // It is in that stage already.
    in_step(&world, &acme);
    let (plan, _) = bring(&world, &acme, &ada(&world, &by_id(2)));
    assert!(finding(&plan, FindingKind::Blocked).contains("archived"), "{}", words::plan(&plan));
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn a_stage_that_both_sides_changed_is_a_conflict() {
    let world = world();
    let acme = world.connect();
    let place = |place| json!({"stage": stage(&world, job(&world, 0), place)});
    bring_whole(&world, &acme, &ada(&world, &place(1)));
    let stage_name = stage(&world, job(&world, 0), 3);
    recruiter(&world, &Recruiter::Move { application_id: id(&world), stage_name });
    declare(&world, &acme, &ada(&world, &place(2)));
    stands(&world, &acme, FindingKind::Conflict);
}

#[test]
fn a_stage_that_a_recruiter_chose_before_the_engine_came_stands_unless_enforced() {
    let world = world();
    let acme = world.connect();
    bring_whole(&world, &acme, &ada(&world, &json!({})));
    // Abandoned, so that the engine knows no applied value.
    world.run(acme.abandon("ref-1")).unwrap();
    let chosen = stage(&world, job(&world, 0), 3);
    recruiter(&world, &Recruiter::Move { application_id: id(&world), stage_name: chosen.clone() });
    let declaration = ada(&world, &json!({"stage": stage(&world, job(&world, 0), 1)}));
    declare(&world, &acme, &declaration);
    stands(&world, &acme, FindingKind::Drifted);
    assert_eq!(application(&world)["stage_name"], json!(chosen));
    bring_whole(&world, &acme, &with_policy(declaration, "stage", "enforce"));
    assert_eq!(application(&world)["stage_name"], json!(stage(&world, job(&world, 0), 1)));
}

#[test]
fn a_step_on_a_record_that_was_just_created_waits_until_it_shows() {
    let world = world();
    world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = 20_000);
    let acme = world.connect();
    let declaration = json!({"outcome": "rejected", "reject_reason": REASON});
    let (_, report) = bring(&world, &acme, &ada(&world, &declaration));
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(status(&world), "rejected");
    later(&world);
    bring_whole(
        &world,
        &acme,
        &ada(&world, &json!({"outcome": "rejected", "reject_reason": REASON})),
    );
    let (_, report) = bring(&world, &acme, &ada(&world, &json!({"outcome": "hired"})));
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(status(&world), "hired");
}

#[test]
fn a_settled_create_in_doubt_is_followed_by_its_rejection_or_hire() {
    for kind in [FaultKind::DropAfter, FaultKind::DropBefore] {
        let world = world();
        let acme = world.connect();
        let declaration = json!({"stage": stage(&world, job(&world, 0), 1), "outcome": "rejected",
            "reject_reason": REASON});
        declare(&world, &acme, &ada(&world, &declaration));
        world.sandbox.faults().add(Fault::once("POST", "/v3/candidates", kind));
        for _ in 0..3 {
            world.clock.set(world.clock.now_ms() + 200_000);
            world.run(acme.settle()).unwrap();
            let plan = plan(&world, &acme);
            world.run(acme.apply(&plan)).unwrap();
        }
        assert_eq!(status(&world), "rejected");
        assert_eq!(application(&world)["stage_name"], json!(stage(&world, job(&world, 0), 1)));
        in_step(&world, &acme);
    }
}

#[test]
fn a_rejection_or_hire_follows_a_create_whose_answer_does_not_name_the_application() {
    for answer in [CreateAnswer::Wrapped, CreateAnswer::Bare] {
        let world = world();
        world.sandbox.set_quirks(|quirks| quirks.create_answer = answer);
        let acme = world.connect();
        let declaration = json!({"stage": stage(&world, job(&world, 0), 1), "outcome": "rejected",
            "reject_reason": REASON});
        bring_whole(&world, &acme, &ada(&world, &declaration));
        assert_eq!(status(&world), "rejected");
        // It is the host's own rejection, whether the engine applied it or found it.
        bring_whole(&world, &acme, &ada(&world, &json!({"outcome": "active"})));
        assert_eq!(status(&world), "in_process");
    }
}

#[test]
fn a_prospect_in_another_pool_stage_is_reported() {
    let world = world();
    let acme = world.connect();
    let of = |place: &str| {
        let mut record =
            ada(&world, &json!({"kind": "prospect", "pool": "Alumni", "pool_stage": place}));
        record["applications"][0].as_object_mut().unwrap().remove("job");
        record
    };
    bring_whole(&world, &acme, &of("Contacted"));
    let pool = world
        .sandbox
        .rows("prospect_pools")
        .into_iter()
        .find(|pool| pool["name"] == "Alumni")
        .unwrap();
    let stages = world.sandbox.rows_where(
        "prospect_pool_stages",
        "prospect_pool_id",
        pool["id"].as_i64().unwrap(),
    );
    let other =
        stages.iter().find(|stage| stage["name"] != "Contacted").unwrap()["name"].as_str().unwrap();
    declare(&world, &acme, &of(other));
    stands(&world, &acme, FindingKind::Conflict);
}
