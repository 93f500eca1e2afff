//! Merges on merges: whatever the order of the ids and wherever the engine was killed, links end at
//! the last winner, and the feed reports the merges in the order in which they happened.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox. After each merge the
//! engine reads the applications, which show the merge, and dies at a chosen write to its store, so
//! that leads accumulate; the last life runs undisturbed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::{Change, ChangeWhat, Store};
use atsync::model::kinds;
use atsync::testing::ManualClock;
use atsync::{Clock, SweepOptions};
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{Recruiter, Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, Death, StoreUpset, UpsetStore, World, desired, native_greenhouse};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::sync::Arc;

/// Writes to the store within a life, beyond those it has.
const WRITES_MAX: u64 = 7;

struct Stage {
    world: World,
    store: Arc<UpsetStore>,
}

fn stage() -> Stage {
    let clock = ManualClock::at(BEGIN_MS);
    let mut options = SandboxOptions::sized(3, 24);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    let death = Arc::<Death>::default();
    let store = UpsetStore::new(Arc::new(MemoryStore::default()), Arc::clone(&death));
    let stored = Arc::clone(&store) as Arc<dyn Store>;
    Stage {
        world: World::mortal(Sandbox::new(options), clock, stored, native_greenhouse(), death),
        store,
    }
}

/// Candidates with an application and an address of their own, in the order of their ids.
fn candidates(world: &World) -> Vec<(i64, String)> {
    let rows = world.sandbox.rows("candidates");
    let plain = rows.iter().filter(|row| row["private"] == false && row["anonymized_at"].is_null());
    let known = plain.filter_map(|row| {
        let (id, email) = (row["id"].as_i64()?, row["email_addresses"][0]["value"].as_str()?);
        let jobs = world.sandbox.applications_of(id);
        let alone = world.sandbox.candidates_by_email(email).len() == 1 && !jobs.is_empty();
        alone.then(|| (id, email.to_owned()))
    });
    let mut candidates: Vec<(i64, String)> = known.collect();
    candidates.sort();
    candidates
}

/// One history: the candidates at these positions are merged in turn, and each life but the last
/// dies at the write of this number.
fn history(places: &[usize], dies_at: u64, upset: StoreUpset) -> Result<(), String> {
    let Stage { mut world, store } = stage();
    let candidates = candidates(&world);
    let chain: Vec<i64> = places.iter().map(|place| candidates[*place].0).collect();
    let email = &candidates[places[0]].1;
    let acme = world.connect();
    for kind in [kinds::CANDIDATES, kinds::APPLICATIONS] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    world
        .run(acme.declare(&desired(&json!({"key": "one", "emails": [email]}).to_string())))
        .unwrap();
    world.run(acme.sync()).unwrap();
    assert_eq!(world.run(acme.links("one")).unwrap()[0].remote.id, chain[0].to_string());
    drop(acme);
    for pair in chain.windows(2) {
        world.clock.set(world.clock.now_ms() + 60_000);
        let merge = Recruiter::Merge { candidate_id: pair[1], secondary_candidate_id: pair[0] };
        world.sandbox.recruiter(&merge).unwrap();
        world.clock.set(world.clock.now_ms() + 60_000);
        world.restart();
        let written = store.writes();
        store.upset(move |number, _| (number == written + dies_at).then_some(upset));
        // Whether it dies depends on how many writes it has.
        let _: Option<()> = world.live(async {
            let acme = world.engine().connect(world.options()).await.unwrap();
            acme.pull(kinds::APPLICATIONS).await.unwrap();
        });
        store.spare();
    }
    world.restart();
    let acme = world.connect();
    for kind in [kinds::APPLICATIONS, kinds::CANDIDATES] {
        world.run(acme.pull(kind)).unwrap();
        world.run(acme.sweep(kind, SweepOptions::default())).unwrap();
    }
    world.run(acme.sync()).unwrap();
    let last = chain.last().unwrap().to_string();
    let links = world.run(acme.links("one")).unwrap();
    if links[0].remote.id != last {
        return Err(format!("the link ends at {}, not at {last}", links[0].remote.id));
    }
    let changes: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
    let of = |what: ChangeWhat| {
        changes.iter().filter(move |change| change.kind == kinds::CANDIDATES && change.what == what)
    };
    let place = |id: &str| chain.iter().position(|known| known.to_string() == id);
    if let Some(deleted) = of(ChangeWhat::Deleted).find(|change| place(&change.id).is_some()) {
        return Err(format!("{} is reported as deleted", deleted.id));
    }
    // A reader of the feed that follows the first candidate arrives at the last, and is never led
    // to a candidate that was merged before.
    let mut at = chain[0].to_string();
    let mut latest = 0;
    for change in of(ChangeWhat::Moved) {
        let to = change.after.get("id").and_then(Value::as_str).unwrap_or_default();
        let (Some(from), Some(place_to)) = (place(&change.id), place(to)) else {
            return Err(format!("{} is reported as moved to {to}", change.id));
        };
        if place_to <= from || place_to < latest {
            return Err(format!("{} to {to} is reported too late", change.id));
        }
        latest = place_to;
        if change.id == at {
            at = to.to_owned();
        }
    }
    if at == last { Ok(()) } else { Err(format!("the feed leads to {at}, not to {last}")) }
}

fn orders(of: usize) -> Vec<Vec<usize>> {
    if of == 1 {
        return vec![vec![0]];
    }
    let shorter = orders(of - 1);
    (0..of)
        .flat_map(|at| {
            shorter.iter().map(move |order| {
                let mut order = order.clone();
                order.insert(at, of - 1);
                order
            })
        })
        .collect()
}

#[test]
fn a_chain_of_merges_ends_at_the_last_winner_in_order_wherever_the_engine_is_killed() {
    let mut broken = Vec::new();
    for length in [2, 3, 4] {
        for order in orders(length) {
            for dies_at in 0..=WRITES_MAX {
                // 0: no life dies.
                for upset in [StoreUpset::DieBefore, StoreUpset::DieAfter] {
                    // The long chains need one kind of death only, and the writes that ingest a
                    // page.
                    if length == 4 && (upset == StoreUpset::DieBefore || dies_at > 3) {
                        continue;
                    }
                    let law = history(&order, dies_at, upset);
                    broken.extend(
                        law.err().map(|law| format!("{order:?}, {upset:?} at {dies_at}: {law}")),
                    );
                }
            }
        }
    }
    assert!(broken.is_empty(), "{} broken laws\n{}", broken.len(), broken.join("\n"));
}
