//! Entry 9: a recruiter converts a prospect of a pool, and the ATS does not say which application
//! it became. Nothing is reported, linked or written by a guess.

use super::{
    ADA, ada, bring, converge, declare, id_of, open_jobs, pass, plain_candidates, recruiter,
    the_candidate, world, world_with_stages,
};
use crate::identity::live_on;
use atsync::SweepOptions;
use atsync::internals::store::{Change, ChangeWhat};
use atsync_greenhouse_sandbox::{Recruiter, Request};
use atsync_tests::World;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

/// Ada as a prospect of a pool, with more members of the prospect.
fn prospect(more: &Value) -> Value {
    let mut prospect = json!({"key": "a1", "kind": "prospect", "pool": "Alumni"});
    prospect.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ada(&json!({"applications": [prospect]}))
}

/// Makes Ada a prospect of a pool and reads it; an hour later, her id and the prospect's.
fn a_known_prospect(world: &World, acme: &atsync::Connection) -> (i64, i64) {
    bring(world, acme, &prospect(&json!({})));
    let candidate = id_of(&the_candidate(world, ADA));
    let from = id_of(&world.sandbox.applications_of(candidate)[0]);
    world.run(acme.pull("applications")).unwrap();
    pass(world, 3_600_000);
    (candidate, from)
}

/// The moves of applications in the feed: from, to.
fn moved(world: &World, acme: &atsync::Connection) -> Vec<(String, String)> {
    let changes: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
    let moved = changes.into_iter().filter(|change| change.what == ChangeWhat::Moved);
    let moved = moved.filter(|change| change.kind == "applications");
    moved.map(|change| (change.id, change.after["id"].as_str().unwrap().to_owned())).collect()
}

/// The application that a path of Ada's is linked to.
fn linked(world: &World, acme: &atsync::Connection, key: &str) -> String {
    let path = format!("ref-1/applications/{key}");
    let links = world.run(acme.links("ref-1")).unwrap();
    links.into_iter().find(|link| link.path == path).unwrap().remote.id
}

/// Leaves an application out of every list.
fn hide(world: &World, id: i64) {
    world.wire.edit_rows("/v3/applications", move |_, rows| {
        rows.retain(|row| row["id"] != json!(id));
    });
}

/// Makes a job confidential, for a credential that does not see such jobs.
fn hide_job(world: &World, job: i64) {
    world.sandbox.set_access(|access| access.sees_confidential_jobs = false);
    let values = [("confidential".to_owned(), true.into())].into_iter().collect();
    recruiter(world, &Recruiter::Set { collection: "jobs".into(), id: job, values });
}

/// Another program's request of the sandbox.
fn request(world: &World, path: &str, headers: [(&str, &str); 2], body: &str) -> Value {
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = world.sandbox.handle(&Request {
        method: "POST",
        path_and_query: path,
        headers: &headers,
        body: body.as_bytes(),
    });
    assert!(answer.status < 300, "{} {}", answer.status, String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Somebody else adds an application; its id.
fn apply_by_hand(world: &World, candidate: i64, job: i64) -> i64 {
    let basic = "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==";
    let form = "application/x-www-form-urlencoded";
    let form = [("authorization", basic), ("content-type", form)];
    let token = request(world, "/token", form, "grant_type=client_credentials");
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let json = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({"candidate_id": candidate, "job_id": job}).to_string();
    id_of(&request(world, "/v3/applications", json, &body))
}

/// Entries 8 and 9: a prospect is seen as converted before its new application is, and a merge
/// brought an application that no path is linked to and that is newer than what is known of the
/// prospect. The prospect does not live on as that one.
#[test]
fn a_converted_prospect_is_not_mistaken_for_an_application_that_a_merge_brought() {
    for merge_is_seen_first in [true, false] {
        println!("the merge is seen first: {merge_is_seen_first}");
        let world = world(|_| {});
        let acme = world.connect();
        let jobs = open_jobs(&world);
        let (candidate, from) = a_known_prospect(&world, &acme);
        // Another candidate's application is newer than what is known of the prospect.
        let (other, brought) = plain_candidates(&world)
            .into_iter()
            .find_map(|other| {
                let theirs = world.sandbox.applications_of(other);
                let plain = theirs.iter().find(|row| {
                    row["prospect"] == false
                        && row["status"] == "in_process"
                        && row["job_id"] != json!(jobs[1])
                })?;
                (theirs.len() == 1).then(|| (other, id_of(plain)))
            })
            .unwrap();
        let since = [("created_at".to_owned(), "2026-11-24T11:00:00Z".into())];
        let values = since.into_iter().collect();
        recruiter(
            &world,
            &Recruiter::Set { collection: "applications".into(), id: brought, values },
        );
        pass(&world, 3_600_000);
        world.run(acme.pull("applications")).unwrap();
        pass(&world, 3_600_000);
        let merge = Recruiter::Merge { candidate_id: candidate, secondary_candidate_id: other };
        recruiter(&world, &merge);
        if merge_is_seen_first {
            pass(&world, 3_600_000);
            world.run(acme.pull("applications")).unwrap();
        }
        pass(&world, 3_600_000);
        let to = recruiter(&world, &Recruiter::Convert { application_id: from, job_id: jobs[1] });
        hide(&world, to);
        pass(&world, 60_000);
        world.run(acme.pull("applications")).unwrap();
        assert_eq!(moved(&world, &acme), []);
        world.wire.spare();
        live_on(&world, &acme);
        assert_eq!(moved(&world, &acme), [(from.to_string(), to.to_string())]);
    }
}

/// The credential does not see what became of the prospect (its job is confidential, it shows late,
/// it was deleted), and somebody added another application. That one alone is shown, and is not it:
/// the host's rejection of its prospect is not written to it.
#[test]
fn an_application_that_alone_is_shown_is_not_what_a_prospect_became() {
    for (hidden_by, is_added_first) in
        [("job", true), ("job", false), ("lag", true), ("lag", false), ("deletion", false)]
    {
        println!("hidden by {hidden_by}, added first: {is_added_first}");
        let world = world_with_stages(|_| {});
        let acme = world.connect();
        let jobs = open_jobs(&world);
        let (candidate, from) = a_known_prospect(&world, &acme);
        if hidden_by == "job" {
            hide_job(&world, jobs[1]);
        }
        let mut other = None;
        if is_added_first {
            other = Some(apply_by_hand(&world, candidate, jobs[0]));
            pass(&world, 60_000);
        }
        let to = recruiter(&world, &Recruiter::Convert { application_id: from, job_id: jobs[1] });
        pass(&world, 60_000);
        match hidden_by {
            "lag" => hide(&world, to),
            "deletion" => {
                recruiter(&world, &Recruiter::DeleteApplication { application_id: to });
            }
            _ => {}
        }
        let other = other.unwrap_or_else(|| apply_by_hand(&world, candidate, jobs[0]));
        pass(&world, 3_600_000);
        world.run(acme.pull("applications")).unwrap();
        live_on(&world, &acme);
        assert_eq!(moved(&world, &acme), []);
        assert_eq!(linked(&world, &acme, "a1"), from.to_string());
        let rejected = json!({"outcome": "rejected", "reject_reason": "Took another offer"});
        declare(&world, &acme, &[prospect(&rejected)]);
        live_on(&world, &acme);
        assert_eq!(world.sandbox.row("applications", other).unwrap()["status"], "in_process");
    }
}

/// What became of the prospect shows days later, and a plan finds it. The feed reports the move, as
/// it does where the ingest finds it.
#[test]
fn a_conversion_that_a_plan_finds_is_reported() {
    let world = world(|_| {});
    let acme = world.connect();
    let (_, from) = a_known_prospect(&world, &acme);
    let deed = Recruiter::Convert { application_id: from, job_id: open_jobs(&world)[1] };
    let to = recruiter(&world, &deed);
    hide(&world, to);
    for _ in 0..3 {
        pass(&world, 24 * 3_600_000);
        world.run(acme.pull("applications")).unwrap();
    }
    live_on(&world, &acme);
    assert_eq!(moved(&world, &acme), []);
    world.wire.spare();
    let values = [("needs_decision".to_owned(), true.into())].into_iter().collect();
    let touch = Recruiter::Set { collection: "applications".into(), id: to, values };
    recruiter(&world, &touch);
    pass(&world, 3_600_000);
    world.run(acme.pull("applications")).unwrap();
    live_on(&world, &acme);
    assert_eq!(linked(&world, &acme, "a1"), to.to_string());
    assert_eq!(moved(&world, &acme), [(from.to_string(), to.to_string())]);
}

/// Two prospects are converted in one moment, one of them into a confidential job. The application
/// that is shown may have become of either, so neither path follows it.
#[test]
fn two_prospects_never_live_on_as_one_application() {
    let world = world(|_| {});
    let acme = world.connect();
    let jobs = open_jobs(&world);
    let pools = world.sandbox.rows("prospect_pools");
    let in_pool = |key: &str, at: usize| {
        json!({"key": key, "kind": "prospect",
        "pool": pools[at]["name"]})
    };
    let two = json!({"applications": [in_pool("a1", 0), in_pool("a2", 1)]});
    bring(&world, &acme, &ada(&two));
    converge(&world, &acme, 3);
    world.run(acme.pull("applications")).unwrap();
    pass(&world, 3_600_000);
    hide_job(&world, jobs[1]);
    for (key, job_id) in [("a1", jobs[1]), ("a2", jobs[0])] {
        let application_id = linked(&world, &acme, key).parse().unwrap();
        recruiter(&world, &Recruiter::Convert { application_id, job_id });
    }
    let before = ["a1", "a2"].map(|key| linked(&world, &acme, key));
    pass(&world, 3_600_000);
    world.run(acme.pull("applications")).unwrap();
    live_on(&world, &acme);
    assert_eq!(moved(&world, &acme), []);
    assert_eq!(["a1", "a2"].map(|key| linked(&world, &acme, key)), before);
}

/// A recruiter removes a tag and adds it again. The plan links the path to the new record, which
/// the old one did not become.
#[test]
fn a_record_that_a_plan_finds_in_place_of_another_was_not_moved() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({"tags": ["warm"]})));
    converge(&world, &acme, 3);
    let candidate_id = id_of(&the_candidate(&world, ADA));
    let tie = || id_of(&world.sandbox.rows_of_candidate("applied_candidate_tags", candidate_id)[0]);
    let before = tie();
    pass(&world, 3_600_000);
    let tag = || "warm".to_owned();
    world.sandbox.recruiter(&Recruiter::RemoveTag { candidate_id, tag: tag() }).unwrap();
    world.sandbox.recruiter(&Recruiter::AddTag { candidate_id, tag: tag() }).unwrap();
    assert_ne!(tie(), before);
    pass(&world, 3_600_000);
    world.run(acme.sweep("applied_tags", SweepOptions::default())).unwrap();
    declare(&world, &acme, &[ada(&json!({"tags": ["warm"], "title": "Countess"}))]);
    live_on(&world, &acme);
    let links = world.run(acme.links("ref-1")).unwrap();
    assert!(links.iter().any(|link| link.remote.id == tie().to_string()), "{links:?}");
    let changes: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
    let moved: Vec<&Change> =
        changes.iter().filter(|change| change.what == ChangeWhat::Moved).collect();
    assert!(moved.is_empty(), "{moved:?}");
}
