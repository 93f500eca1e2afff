//! Each way to prove an absence; the feed names which one it was.
//!
//! Method: as in the module above, with a manifest of another ATS: a kind that is listed only below
//! its parents, one that cannot be fetched by id, one of which a complete walk proves absence.

use super::{act, candidates, feed, id, later, sweep, told};
use atsync::internals::adapter::Adapter;
use atsync::internals::store::{Cause, ChangeWhat, HeldBy, Proof};
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{Connection, HintEnd, SweepOptions};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{Altered, BelowCandidates, World, native_greenhouse};
use serde_json::json;
use std::sync::Arc;

/// The differences of the notes' rule from Greenhouse's.
#[derive(Clone, Copy, Debug, Default)]
struct Ats {
    below_candidates: bool,
    no_fetch: bool,
    absence_proves: bool,
}

/// A world of an ATS that lists notes only below candidates, and its adapter.
fn below(seed: u64, ats: Ats) -> (World, Connection, i64, Arc<BelowCandidates>) {
    let adapter = BelowCandidates::wrap(altered(ats), "notes");
    let (world, acme, note) = world_with(seed, Arc::clone(&adapter) as Arc<dyn Adapter>);
    (world, acme, note, adapter)
}

fn altered(ats: Ats) -> Arc<dyn Adapter> {
    Altered::wrap(native_greenhouse(), |manifest| {
        let rule = manifest.kinds.iter_mut().find(|rule| rule.name == "notes").unwrap();
        rule.absence_proves = ats.absence_proves;
        if ats.no_fetch {
            rule.ids_max = 0;
        }
    })
}

/// A world of such an ATS, pulled an hour ago, and a note in it.
fn world(seed: u64, ats: Ats) -> (World, Connection, i64) {
    if ats.below_candidates {
        let (world, acme, note, _) = below(seed, ats);
        return (world, acme, note);
    }
    world_with(seed, altered(ats))
}

fn world_with(seed: u64, adapter: Arc<dyn Adapter>) -> (World, Connection, i64) {
    let mut world = World::new(seed, 30);
    world.adapter = adapter;
    let acme = world.connect();
    for (candidate_id, _) in candidates(&world).into_iter().take(5) {
        act(&world, &Recruiter::AddNote { candidate_id, body: "A word.".into() });
    }
    for kind in ["candidates", "applications", "notes"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    later(&world);
    let (candidate, _) = candidates(&world)[2];
    let note = id(&world.sandbox.notes_of(candidate)[0]);
    (world, acme, note)
}

fn remove(world: &World, note: i64) {
    act(world, &Recruiter::Remove { collection: "notes".into(), id: note });
}

/// The note's is the only deletion in the feed, with this proof.
fn assert_reported(world: &World, acme: &Connection, note: i64, cause: &Cause) {
    let deleted = told(world, acme, ChangeWhat::Deleted);
    let deleted: Vec<_> = deleted
        .iter()
        .map(|change| (change.kind.as_str(), change.id.clone(), &change.cause))
        .collect();
    assert_eq!(deleted, [("notes", note.to_string(), cause)]);
}

#[test]
fn a_record_listed_below_its_parent_is_confirmed_by_a_fetch() {
    let (world, acme, note) = world(60, Ats { below_candidates: true, ..Ats::default() });
    remove(&world, note);
    world.sandbox.clear_logs();
    let report = sweep(&world, &acme, "notes");
    assert_eq!((report.complete, report.suspected, report.confirmed), (true, 1, 1));
    assert_eq!(report.pages, 30, "one walk below each candidate");
    assert_reported(&world, &acme, note, &Cause::Swept { proof: Proof::Fetched });
}

#[test]
fn an_interrupted_sweep_below_parents_deletes_nothing_and_resumes_with_its_parent() {
    let (world, acme, note) = world(61, Ats { below_candidates: true, ..Ats::default() });
    remove(&world, note);
    let mut pages = 0;
    for turn in 1.. {
        let report = world.run(acme.sweep("notes", SweepOptions::default().pages_max(7))).unwrap();
        pages += report.pages;
        if report.complete {
            assert_eq!((turn, pages, report.confirmed), (5, 30, 1));
            break;
        }
        assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    }
}

#[test]
fn a_complete_walk_is_the_proof_where_the_manifest_says_so() {
    for below_candidates in [false, true] {
        println!("below candidates: {below_candidates}");
        let (world, acme, note) =
            world(62, Ats { below_candidates, no_fetch: true, absence_proves: true });
        remove(&world, note);
        let first = world.run(acme.sweep("notes", SweepOptions::default().pages_max(0))).unwrap();
        assert!(!first.complete && told(&world, &acme, ChangeWhat::Deleted).is_empty());
        let report = sweep(&world, &acme, "notes");
        assert_eq!((report.complete, report.confirmed, report.unproven), (true, 1, 0));
        assert_reported(&world, &acme, note, &Cause::Swept { proof: Proof::Walk });
    }
}

/// A parent that the ATS does not show any more, deleted or hidden: a fetch of its own proves the
/// deletion of a dependent record, never the walk, which could not read there; pulls and sweeps
/// still read the other parents.
#[test]
fn a_hidden_parent_stops_no_other_and_proves_no_deletion() {
    for no_fetch in [false, true] {
        println!("no fetch: {no_fetch}");
        let ats = Ats { below_candidates: true, no_fetch, absence_proves: true };
        let (world, acme, note, adapter) = below(67, ats);
        let of = |note: i64| world.sandbox.row("notes", note).unwrap()["candidate_id"].to_string();
        let parent = of(note);
        let elsewhere =
            world.sandbox.rows("notes").iter().map(id).find(|other| of(*other) != parent).unwrap();
        adapter.miss(&parent);
        let known = world.run(acme.pull_full("notes")).unwrap().records;
        assert!(known > 0, "the other parents are read");
        remove(&world, elsewhere);
        let report = sweep(&world, &acme, "notes");
        assert!(report.complete && report.suspected >= 2, "{report:?}");
        let deleted: Vec<String> =
            told(&world, &acme, ChangeWhat::Deleted).into_iter().map(|change| change.id).collect();
        if no_fetch {
            assert_eq!((report.unproven, deleted), (report.suspected, Vec::new()));
        } else {
            assert_eq!(
                (report.still_there, deleted),
                (report.suspected - 1, vec![elsewhere.to_string()])
            );
        }
    }
}

#[test]
fn an_empty_walk_proves_no_deletion() {
    let (world, acme, _) =
        world(63, Ats { no_fetch: true, absence_proves: true, ..Ats::default() });
    let notes: Vec<i64> = world.sandbox.rows("notes").iter().map(id).collect();
    notes.iter().for_each(|note| remove(&world, *note));
    let report = sweep(&world, &acme, "notes");
    assert_eq!(report.held_by, Some(HeldBy::Brake));
    assert!(report.held.unwrap().contains("the list was empty"));
    assert!(told(&world, &acme, ChangeWhat::Deleted).is_empty());
    let forced = world.run(acme.sweep("notes", SweepOptions::default().force(true))).unwrap();
    assert_eq!(forced.confirmed, notes.len() as u64);
}

#[test]
fn a_deletion_that_cannot_be_proven_is_not_reported() {
    let (world, acme, note) = world(64, Ats { no_fetch: true, ..Ats::default() });
    remove(&world, note);
    let before = feed(&world, &acme).len();
    let report = sweep(&world, &acme, "notes");
    assert_eq!((report.complete, report.unproven, report.confirmed), (true, 1, 0));
    assert_eq!(feed(&world, &acme).len(), before);
}

#[test]
fn a_webhook_alone_proves_the_deletion_of_a_kind_without_fetch() {
    let (world, acme, note) = world(65, Ats { no_fetch: true, ..Ats::default() });
    remove(&world, note);
    world.sandbox.clear_logs();
    for _ in 0..2 {
        let hint = Hint::Deleted(RemoteRef::new("notes", note.to_string()));
        assert_eq!(world.run(acme.hint(hint)).unwrap(), HintEnd::Gone);
    }
    assert_eq!(world.reads(), Vec::<String>::new(), "there is nothing to ask");
    assert_reported(&world, &acme, note, &Cause::Hinted { proof: Proof::Hook });
}

#[test]
fn a_webhook_and_a_fetch_prove_the_deletion_of_a_kind_with_fetch() {
    let (world, acme, note) = world(66, Ats::default());
    let hint = Hint::Deleted(RemoteRef::new("notes", note.to_string()));
    assert_eq!(world.run(acme.hint(hint.clone())).unwrap(), HintEnd::StillThere);
    remove(&world, note);
    assert_eq!(world.run(acme.hint(hint)).unwrap(), HintEnd::Gone);
    assert_reported(&world, &acme, note, &Cause::Hinted { proof: Proof::HookAndFetch });
}

/// The proof as consumers of the feed read it.
#[test]
fn the_feed_names_the_proof_of_a_deletion() {
    let words = |cause: Cause| serde_json::to_value(cause).unwrap();
    assert_eq!(
        words(Cause::Swept { proof: Proof::Walk }),
        json!({"cause": "swept", "proof": "walk"})
    );
    assert_eq!(
        words(Cause::Hinted { proof: Proof::HookAndFetch }),
        json!({"cause": "hinted", "proof": "hook_and_fetch"})
    );
    assert_eq!(
        words(Cause::Doubted { proof: Proof::Fetched }),
        json!({"cause": "doubted", "proof": "fetched"})
    );
}

#[test]
fn a_hint_of_a_merge_into_a_candidate_who_does_not_exist_moves_nothing() {
    let (world, acme) = super::pulled(66, 40);
    let everyone = candidates(&world);
    let (loser, winner) = (everyone[0].0, everyone[1].0);
    for candidate_id in [loser, winner] {
        act(&world, &Recruiter::DeleteCandidate { candidate_id });
    }
    later(&world);
    let of = |id: i64| RemoteRef::new("candidates", id.to_string());
    assert_eq!(
        world.run(acme.hint(Hint::Merged((of(loser), of(winner))))).unwrap(),
        HintEnd::StillThere
    );
    assert!(told(&world, &acme, ChangeWhat::Moved).is_empty());
}
