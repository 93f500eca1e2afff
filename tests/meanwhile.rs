//! A fact that the engine learns between two steps of one record applies to the second one.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets. While a sync applies a record of many steps, a fate strikes the candidate and
//! the engine fetches what its webhook names. The fate strikes at every step in turn.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::internals::journal::IntentState;
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{Clock, Connection, Person, PlanOf};
use atsync::{ConditionType, Reason};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired};
use futures_util::TryStreamExt;
use futures_util::future::join;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ADA: &str = "ada@example.com";
/// Never reached.
const NEVER: usize = 1_000;

fn ada(more: &Value) -> String {
    let mut record =
        json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record.to_string()
}

/// A record with a step of each sort for an existing candidate.
fn steps(world: &World) -> Value {
    let jobs = world.sandbox.rows("jobs");
    let open = jobs.iter().filter(|job| job["status"] == "open" && job["is_template"] != true);
    let jobs: Vec<String> = open.map(|job| job["id"].to_string()).take(2).collect();
    json!({
        "company": "Analytical Engines",
        "tags": ["Mathematician", "Poet"],
        "notes": [{"key": "n1", "body": "Met."}, {"key": "n2", "body": "Met again."}],
        "applications": [
            {"key": "a1", "job": {"id": jobs[0]}}, {"key": "a2", "job": {"id": jobs[1]}},
        ],
    })
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Anonymised,
    /// The ATS's own rows do not show it: only the webhook names it.
    AnonymisedInPart,
    Deleted,
}

impl Fate {
    fn deed(self, candidate_id: i64) -> Recruiter {
        match self {
            Self::Anonymised => Recruiter::Anonymise { candidate_id, fields: Vec::new() },
            Self::AnonymisedInPart => Recruiter::Anonymise {
                candidate_id,
                fields: vec!["notes".into(), "headline".into()],
            },
            Self::Deleted => Recruiter::DeleteCandidate { candidate_id },
        }
    }

    fn hint(self, candidate_id: i64) -> Hint {
        let candidate = RemoteRef::new("candidates", candidate_id.to_string());
        match self {
            Self::Anonymised | Self::AnonymisedInPart => Hint::Erased(candidate),
            Self::Deleted => Hint::Deleted(candidate),
        }
    }
}

fn condition(world: &World, acme: &Connection, kind: ConditionType) -> Option<Reason> {
    let row = world.run(acme.desired("ada")).unwrap().unwrap();
    let found = row
        .status
        .conditions
        .into_iter()
        .find(|condition| condition.kind == kind && condition.status);
    found.map(|condition| condition.reason)
}

/// A sync during which, at its write of this number, the fate strikes and the engine learns of it.
/// Returns how many writes were made, how many had left by then, and the world.
fn struck_at(fate: Option<Fate>, at: usize) -> (usize, usize, World) {
    let world = World::new(1, 12);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&json!({}))))).unwrap();
    world.run(acme.sync()).unwrap();
    world.clock.set(world.clock.now_ms() + 3_600_000);
    world.run(acme.declare(&desired(&ada(&steps(&world))))).unwrap();
    world.sandbox.clear_logs();
    let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
    let writes = Arc::new(AtomicUsize::new(0));
    let (seen, sandbox) = (Arc::clone(&writes), world.sandbox.clone());
    world.wire.meddle(move |request| {
        if request.method != "GET"
            && request.url.path() != "/token"
            && seen.fetch_add(1, Ordering::SeqCst) == at
        {
            sandbox.recruiter(&fate.unwrap().deed(id)).unwrap();
        }
        None
    });
    let learning = async {
        let Some(fate) = fate else { return usize::MAX };
        while writes.load(Ordering::SeqCst) <= at {
            world.clock.sleep(1).await;
        }
        acme.hint(fate.hint(id)).await.unwrap();
        let open = acme.open_intents().await.unwrap();
        let on_its_way = open.iter().filter(|intent| intent.state == IntentState::Sending).count();
        writes.load(Ordering::SeqCst) + on_its_way
    };
    let (synced, left) = world.run(join(acme.sync(), learning));
    synced.unwrap();
    (writes.load(Ordering::SeqCst), left, world)
}

#[test]
fn nothing_leaves_for_a_candidate_known_to_be_anonymised_or_deleted() {
    let (all, ..) = struck_at(None, NEVER);
    assert!(all >= 8, "{all} writes are not a step of each sort");
    for fate in [Fate::Anonymised, Fate::AnonymisedInPart, Fate::Deleted] {
        let mut stopped = 0;
        for at in 0..all {
            let (made, left, world) = struck_at(Some(fate), at);
            assert!(
                made <= left,
                "{fate:?} at {at}: {made} writes, {left} had left: {:?}",
                world.written()
            );
            stopped += all - made;
            let acme = world.connect();
            world.run(acme.sync()).unwrap();
            let reason = match fate {
                Fate::Anonymised | Fate::AnonymisedInPart => Reason::Anonymized,
                Fate::Deleted => Reason::Deleted,
            };
            assert_eq!(
                condition(&world, &acme, ConditionType::Blocked),
                Some(reason),
                "{fate:?} at {at}"
            );
            assert_eq!(world.run(acme.open_intents()).unwrap(), [], "{fate:?} at {at}");
            assert_eq!(world.written().len(), made, "{fate:?} at {at}: {:?}", world.written());
        }
        // Most writes after a fate were stopped, or this proves nothing.
        assert!(stopped >= all, "{fate:?}: {stopped} of {all}");
    }
}

/// An erasure waits for no write. The outcome of the one under way belongs to no record any more,
/// and ends neither the sync nor the write of another record.
#[test]
fn an_erasure_while_a_write_is_under_way_ends_no_other_work() {
    let mut under_way = 0;
    for at in 0..6 {
        let world = World::new(1, 12);
        let acme = world.connect();
        let bob = json!({"key": "bob", "name": {"first": "Bob", "last": "Bee"}}).to_string();
        let records = format!("{}\n{bob}", ada(&steps(&world)));
        world.run(acme.declare(&desired(&records))).unwrap();
        let slow = FaultKind::Slow { delay_ms: 5_000 };
        for path in
            ["/v3/candidates", "/v3/applications", "/v3/notes", "/v3/applied_candidate_tags"]
        {
            world.sandbox.faults().add(Fault::always(path, slow));
        }
        let erasing = async {
            while world.sandbox.writes().len() <= at {
                world.clock.sleep(1).await;
            }
            let open = acme.open_intents().await.unwrap();
            acme.erase(&Person::Key("ada".into())).await.unwrap();
            let is_hers = |path: &str| path == "ada" || path.starts_with("ada/");
            open.iter()
                .filter(|one| one.state == IntentState::Sending && is_hers(&one.path))
                .count()
        };
        let (synced, sending) = world.run(join(acme.sync(), erasing));
        synced.unwrap();
        under_way += sending;
        world.run(acme.sync()).unwrap();
        assert_eq!(world.run(acme.open_intents()).unwrap(), [], "{at}");
        let named = |name: &str| {
            world.sandbox.rows("candidates").iter().filter(|row| row["first_name"] == name).count()
        };
        assert!(named("Bob") == 1 && named("Ada") <= 1, "{at}: {:?}", world.written());
        world.run(acme.pull_full("candidates")).unwrap();
        let rows: Vec<_> = world.run(acme.observed("candidates").try_collect()).unwrap();
        assert!(rows.iter().all(|row| !row.body.contains(ADA)), "{at}");
    }
    assert!(under_way >= 3, "{under_way} writes were under way, or this proves nothing");
}

#[test]
fn an_application_that_a_merge_moved_to_an_anonymised_candidate_is_not_changed() {
    let world = World::new(1, 12);
    let acme = world.connect();
    let job = world.open_jobs()[0].clone();
    let wanted = |more: &Value| {
        let mut application = json!({"key": "a1", "job": {"id": job}});
        application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        desired(&ada(&json!({"applications": [application]})))
    };
    world.run(acme.declare(&wanted(&json!({})))).unwrap();
    world.run(acme.sync()).unwrap();
    let ada = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
    let others = world.sandbox.rows("candidates");
    let erased = others.iter().filter_map(|row| row["id"].as_i64()).find(|id| *id != ada).unwrap();
    world
        .sandbox
        .recruiter(&Recruiter::Anonymise { candidate_id: erased, fields: Vec::new() })
        .unwrap();
    world.clock.set(world.clock.now_ms() + 3_600_000);
    world.run(acme.pull_full("candidates")).unwrap();
    world.run(acme.declare(&wanted(&json!({"custom_fields": {"external_ref": "app-1"}})))).unwrap();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert_eq!(plan.writes(), 1);
    world
        .sandbox
        .recruiter(&Recruiter::Merge { candidate_id: erased, secondary_candidate_id: ada })
        .unwrap();
    world.clock.set(world.clock.now_ms() + 3_600_000);
    // Only the application shows that it belongs to another candidate by now.
    let moved = world.sandbox.applications_of(erased).last().unwrap()["id"].to_string();
    world.run(acme.hint(Hint::Changed(RemoteRef::new("applications", moved)))).unwrap();
    world.sandbox.clear_logs();
    world.run(acme.apply(&plan)).unwrap();
    assert_eq!(world.written(), Vec::<String>::new());
}
