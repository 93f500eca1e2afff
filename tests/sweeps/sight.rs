//! A record that the credential may not see is not deleted; a record that it may see and that does
//! not show is.
//!
//! Method: as in the module above. The brake is lifted, so that only the rules on visibility keep a
//! record from being reported as deleted.

use super::{act, id, later, told};
use atsync::internals::store::ChangeWhat;
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{Connection, HintEnd, SweepOptions, SweepReport};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::World;
use serde_json::{Value, json};

/// Every kind of which some records are restricted or depend on restricted ones.
const KINDS: [&str; 11] = [
    "jobs",
    "stages",
    "postings",
    "openings",
    "candidates",
    "applications",
    "application_stages",
    "rejections",
    "applied_tags",
    "notes",
    "pool_placements",
];

fn pulled(seed: u64) -> (World, Connection) {
    let world = World::new(seed, 120);
    let jobs = world.sandbox.rows("jobs");
    for job in
        jobs.iter().filter(|job| job["confidential"] != true && job["is_template"] != true).take(2)
    {
        let values = json!({"confidential": true}).as_object().unwrap().clone();
        act(&world, &Recruiter::Set { collection: "jobs".into(), id: id(job), values });
    }
    let acme = world.connect();
    for kind in KINDS {
        world.run(acme.pull_full(kind)).unwrap();
    }
    later(&world);
    (world, acme)
}

fn sweep(world: &World, acme: &Connection, kind: &str) -> SweepReport {
    let report = world.run(acme.sweep(kind, SweepOptions::default().force(true))).unwrap();
    println!("{report:?}");
    assert!(report.complete);
    report
}

fn private_candidate_with_application(world: &World) -> (i64, i64) {
    let rows = world.sandbox.rows("candidates");
    let private = rows.iter().filter(|row| row["private"] == true).map(id);
    let plain = |row: &Value| {
        world
            .sandbox
            .row("jobs", row["job_id"].as_i64().unwrap_or(0))
            .is_some_and(|job| job["confidential"] != true)
    };
    let mut found = private.filter_map(|candidate| {
        let applications = world.sandbox.applications_of(candidate);
        let application = applications.iter().find(|row| plain(row))?;
        Some((candidate, id(application)))
    });
    found.next().expect("the company has a private candidate with an application")
}

#[test]
fn a_record_that_the_credential_can_no_longer_see_is_never_reported_as_deleted() {
    let (world, acme) = pulled(50);
    world.sandbox.set_access(|access| {
        access.sees_private_candidates = false;
        access.sees_confidential_jobs = false;
    });
    for kind in KINDS {
        let report = sweep(&world, &acme, kind);
        assert_eq!(report.confirmed, 0, "{kind}");
        assert_eq!(report.suspected, 0, "{kind}");
        assert!(report.hidden > 0, "{kind}: nothing was hidden, so nothing was tried");
    }
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
}

#[test]
fn a_deleted_dependent_of_a_private_candidate_is_reported_while_the_candidate_shows() {
    let (world, acme) = pulled(51);
    let (_, application_id) = private_candidate_with_application(&world);
    act(&world, &Recruiter::DeleteApplication { application_id });
    let report = sweep(&world, &acme, "applications");
    assert_eq!((report.hidden, report.confirmed), (0, 1));
    let deleted: Vec<String> =
        told(&world, &acme, ChangeWhat::Deleted).into_iter().map(|change| change.id).collect();
    assert_eq!(deleted, [application_id.to_string()]);
}

#[test]
fn a_dependent_of_a_hidden_private_candidate_is_left_alone_until_the_candidate_shows() {
    let (world, acme) = pulled(52);
    let (_, application_id) = private_candidate_with_application(&world);
    act(&world, &Recruiter::DeleteApplication { application_id });
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    let report = sweep(&world, &acme, "applications");
    assert!(report.hidden > 0 && report.confirmed == 0);
    world.sandbox.set_access(|access| access.sees_private_candidates = true);
    later(&world);
    assert_eq!(sweep(&world, &acme, "applications").confirmed, 1);
}

#[test]
fn a_private_candidate_who_does_not_show_is_deleted_when_other_private_candidates_show() {
    let (world, acme) = pulled(53);
    let (candidate_id, _) = private_candidate_with_application(&world);
    act(&world, &Recruiter::DeleteCandidate { candidate_id });
    let report = sweep(&world, &acme, "candidates");
    assert_eq!((report.hidden, report.confirmed), (0, 1));
}

/// The right to see a confidential job is granted for each job: other visible jobs prove nothing.
/// The engine believes a webhook.
#[test]
fn a_confidential_job_that_does_not_show_is_left_alone_although_others_show() {
    let (world, acme) = pulled(54);
    let jobs = world.sandbox.rows("jobs");
    let confidential: Vec<i64> =
        jobs.iter().filter(|job| job["confidential"] == true).map(id).collect();
    assert!(confidential.len() >= 2, "the company has confidential jobs");
    act(&world, &Recruiter::Remove { collection: "jobs".into(), id: confidential[0] });
    let report = sweep(&world, &acme, "jobs");
    assert_eq!((report.hidden, report.confirmed), (1, 0));
    let hint = Hint::Deleted(RemoteRef::new("jobs", confidential[0].to_string()));
    assert_eq!(world.run(acme.hint(hint)).unwrap(), HintEnd::Gone);
    assert_eq!(told(&world, &acme, ChangeWhat::Deleted).len(), 1);
}
