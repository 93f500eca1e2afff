//! A write in doubt about a record that was deleted: it ends by itself if a probe can prove the
//! deletion, and costs little if none can.
//!
//! Method: a change of a candidate that the engine created is on its way when the engine dies, so
//! that the next life has a write in doubt; then a fate strikes that candidate. The tests check the
//! journal, the feed and the requests by id that reached the sandbox.

use super::{HOUR_MS, act, blocked, id, later, told};
use atsync::Crons;
use atsync::internals::store::{Cause, ChangeWhat, LinkHow, Proof};
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{Clock, Connection, HintEnd};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{Meddle, World, desired};
use serde_json::json;

const EMAIL: &str = "ada@example.com";

/// A world in which the change of Ada's title is in doubt (it did not happen), and her id.
fn in_doubt(seed: u64) -> (World, i64) {
    let mut world = World::new(seed, 60);
    let acme = world.connect();
    for kind in ["candidates", "applications"] {
        world.run(acme.pull(kind)).unwrap();
    }
    let jobs = world.sandbox.rows("jobs");
    let open =
        jobs.iter().find(|job| job["status"] == "open" && job["is_template"] != true).unwrap();
    let ada = |title: &str| {
        let application = json!({"key": "a1", "job": {"id": id(open).to_string()}});
        json!({"key": "r1", "name": {"first": "Ada", "last": "Byron"}, "emails": [EMAIL],
            "title": title,
            "applications": [application]})
        .to_string()
    };
    world.run(acme.declare(&desired(&ada("Old")))).unwrap();
    world.run(acme.sync()).unwrap();
    later(&world);
    world.run(acme.declare(&desired(&ada("New")))).unwrap();
    world.wire.meddle(|request| (request.method == "PATCH").then_some(Meddle::DieBefore));
    assert!(world.live(acme.sync()).is_none(), "the engine dies with the change on its way");
    drop(acme);
    world.restart();
    later(&world);
    world.sandbox.clear_logs();
    let candidate = id(&world.sandbox.candidates_by_email(EMAIL)[0]);
    (world, candidate)
}

/// The same, and Ada is known to be private and no longer shown: nothing can prove whether she was
/// deleted.
fn in_doubt_and_hidden(seed: u64) -> (World, Connection, i64) {
    let (world, candidate) = in_doubt(seed);
    let acme = world.connect();
    let values = json!({"private": true}).as_object().unwrap().clone();
    act(&world, &Recruiter::Set { collection: "candidates".into(), id: candidate, values });
    world.run(acme.pull_full("candidates")).unwrap();
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    later(&world);
    world.sandbox.clear_logs();
    (world, acme, candidate)
}

/// The number of fetches of candidates by id since the logs were cleared.
fn fetches(world: &World) -> usize {
    let requests = world.sandbox.requests();
    requests
        .iter()
        .filter(|request| request.path == "/v3/candidates" && request.query.contains("ids="))
        .count()
}

fn open(world: &World, acme: &Connection) -> usize {
    world.run(acme.open_intents()).unwrap().len()
}

#[test]
fn a_write_in_doubt_about_a_candidate_who_was_deleted_ends_by_itself_and_the_deletion_is_reported()
{
    let (world, candidate_id) = in_doubt(30);
    act(&world, &Recruiter::DeleteCandidate { candidate_id });
    let acme = world.connect();
    world.run(acme.sync()).unwrap();
    assert_eq!(open(&world, &acme), 0);
    assert!(fetches(&world) <= 2, "one fetch, one proof: {:?}", world.reads());
    let deleted = told(&world, &acme, ChangeWhat::Deleted);
    let deleted: Vec<_> =
        deleted.iter().map(|change| (change.id.clone(), change.cause.clone())).collect();
    assert_eq!(deleted, [(candidate_id.to_string(), Cause::Doubted { proof: Proof::Fetched })]);
    assert_eq!(blocked(&world, &acme, "r1"), "Deleted");
    let story = world.run(acme.explain("r1")).unwrap();
    assert_eq!(story.intents[0].state, "abandoned", "{}", story.words());
    assert!(story.words().contains("proven to be gone"), "{}", story.words());
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn a_write_in_doubt_about_a_candidate_who_was_merged_continues_on_the_winner() {
    let (world, loser) = in_doubt(31);
    let rows = world.sandbox.rows("candidates");
    let winner =
        rows.iter().find(|row| row["private"] != true && id(row) != loser).map(id).unwrap();
    act(&world, &Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser });
    let acme = world.connect();
    world.run(acme.sync()).unwrap();
    assert_eq!(open(&world, &acme), 0);
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    assert_eq!(told(&world, &acme, ChangeWhat::Moved).len(), 1);
    let links = world.run(acme.links("r1")).unwrap();
    let candidate = links.iter().find(|link| link.path == "r1").unwrap();
    assert_eq!(
        (candidate.remote.id.clone(), candidate.how),
        (winner.to_string(), LinkHow::Followed)
    );
}

#[test]
fn an_inconclusive_write_in_doubt_is_probed_less_and_less_often_through_restarts() {
    let (mut world, mut acme, _) = in_doubt_and_hidden(32);
    for round in 0..24 * 12 {
        world.run(acme.sync()).unwrap();
        world.clock.set(world.clock.now_ms() + HOUR_MS / 12);
        if round % 40 == 39 {
            drop(acme);
            world.restart();
            acme = world.connect();
        }
    }
    let fetches_a_day = fetches(&world);
    println!("{fetches_a_day} fetches in {} hours", 24);
    // Twelve while the wait rises from a second to an hour, then one an hour.
    assert!((20..=40).contains(&fetches_a_day), "{fetches_a_day} fetches");
    assert_eq!(open(&world, &acme), 1);
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty(), "a hidden record is not deleted");
    assert_eq!(world.written(), Vec::<String>::new());

    // The explanation names the time of the next probe, and the engine keeps to it.
    let story = world.run(acme.explain("r1")).unwrap();
    let at_ms =
        story.next.iter().find(|next| next.what.contains("in doubt")).unwrap().at_ms.unwrap();
    assert!(
        at_ms > world.clock.now_ms() && at_ms <= world.clock.now_ms() + HOUR_MS,
        "{}",
        story.words()
    );
    assert!(story.words().contains("looked at again from"), "{}", story.words());
    assert_eq!(world.run(acme.status()).unwrap().next_look_ms, Some(at_ms));
    world.sandbox.set_access(|access| access.sees_private_candidates = true);
    world.clock.set(at_ms - 300_000);
    world.run(acme.settle_without_sending()).unwrap();
    assert_eq!((fetches(&world), open(&world, &acme)), (fetches_a_day, 1));
    world.clock.set(at_ms);
    world.run(acme.sync()).unwrap();
    assert_eq!(open(&world, &acme), 0);
    assert_eq!(world.sandbox.candidates_by_email(EMAIL)[0]["title"], "New");
}

#[test]
fn a_deletion_that_a_hint_proves_ends_the_wait_of_a_write_in_doubt() {
    let (world, acme, candidate_id) = in_doubt_and_hidden(33);
    world.run(acme.sync()).unwrap();
    let at_ms = world.run(acme.status()).unwrap().next_look_ms.unwrap();
    assert!(at_ms > world.clock.now_ms(), "it waits");
    act(&world, &Recruiter::DeleteCandidate { candidate_id });
    let hint = Hint::Deleted(RemoteRef::new("candidates", candidate_id.to_string()));
    assert_eq!(world.run(acme.hint(hint)).unwrap(), HintEnd::Gone);
    world.run(acme.settle_without_sending()).unwrap();
    assert!(world.clock.now_ms() < at_ms, "before its time");
    assert_eq!(open(&world, &acme), 0);
}

#[test]
fn a_running_connection_probes_a_write_in_doubt_when_its_wait_is_over() {
    let (world, acme, _) = in_doubt_and_hidden(34);
    let hours = 4;
    world.run(acme.run(Crons::default(), world.clock.sleep(hours * HOUR_MS), |_| {})).unwrap();
    let fetches = fetches(&world);
    println!("{fetches} fetches in {hours} hours");
    assert!((12..=18).contains(&fetches), "{fetches} fetches");
}
