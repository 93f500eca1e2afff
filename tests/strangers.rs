//! No other candidate is ever matched: an address that only looks like the declared one, or that
//! Unicode folds to it, belongs to another candidate.
//!
//! Method: more than two hundred addresses that differ from one by letters that fold to its
//! letters, are invisible, or look alike; each belongs to a candidate of the sandbox, whose search
//! is made to return another candidate for every address that it is asked for.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::internals::index;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Cause, Erasure, Guard, ObservedWrite, PageCommit, Store};
use atsync::model::desired::Desired;
use atsync::{Clock as _, ErrorKind, Person, SystemEntropy};
use atsync_greenhouse_sandbox::{FaultKind, Recruiter};
use atsync_tests::{Meddle, World, desired};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use unicode_normalization::UnicodeNormalization as _;

const MARK: &str = "mark.k0123@example.com";
/// Cyrillic, Greek and other letters that look like these.
const ALIKE: &str = "\
    \u{430}a\u{441}c\u{435}e\u{43e}o\u{440}p\u{445}x\u{43c}m\u{43a}k\u{3ba}k\u{3bf}o\u{3b1}a\u{3c1}p\
    \u{433}r\u{131}l\u{4cf}l\u{5e0}l\u{3f2}c\u{584}p\u{578}n\u{1d0b}k\u{1d0d}m\u{1d00}a\u{280}r\u{2da}0\
    \u{ed0}o\u{1040}o\u{39c}m\u{39a}k\u{391}a\u{395}e\u{3a1}p";
/// Invisible characters.
const NOTHING: &str = "\
    \u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\u{2060}\
    \u{2061}\u{2066}\u{2069}\u{206f}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{e0001}\u{e0041}";

/// Addresses of other candidates.
fn strangers() -> Vec<String> {
    let folds = |letter: char, plain: char| {
        let case = letter.to_lowercase().chain(letter.to_uppercase()).collect::<String>();
        let composed = format!("{}{}", letter.to_string().nfkc(), case.nfkc());
        composed.to_ascii_lowercase().contains(plain)
    };
    let mut found = BTreeSet::new();
    for letter in ('\u{80}'..='\u{1ffff}').filter(|letter| !letter.is_whitespace()) {
        found.extend(
            MARK.chars()
                .filter(|plain| folds(letter, *plain))
                .map(|plain| MARK.replacen(plain, &letter.to_string(), 1)),
        );
    }
    let alike: Vec<char> = ALIKE.chars().collect();
    for pair in alike.chunks_exact(2) {
        found.extend(
            MARK.contains(pair[1]).then(|| MARK.replacen(pair[1], &pair[0].to_string(), 1)),
        );
    }
    for letter in NOTHING.chars() {
        found.insert(MARK.replacen('.', &format!("{letter}."), 1));
        found.insert(format!("{letter}{MARK}"));
    }
    found.into_iter().collect()
}

fn page(emails: &[String]) -> PageCommit {
    let record = |(at, email): (usize, &String)| ObservedWrite {
        id: at.to_string(),
        version: None,
        body: json!({"emails": [{"value": email}]}).to_string(),
        raw: None,
        mask: 0,
    };
    PageCommit {
        kind: "candidates".to_owned(),
        parent: None,
        records: emails.iter().enumerate().map(record).collect(),
        masks: vec![vec!["emails".to_owned()]],
        gone: Vec::new(),
        moved: Vec::new(),
        scan: None,
        sweep: None,
        cause: Cause::Observed,
        applied_by: Default::default(),
        now_ms: 1_000,
    }
}

#[tokio::test]
async fn no_other_candidate_is_found_in_the_index_or_removed_by_an_erasure() {
    let directory = tempfile::tempdir().unwrap();
    let file =
        RedbStore::open(&directory.path().join("s.redb"), RedbOptions::default(), &SystemEntropy)
            .unwrap();
    let strangers = strangers();
    assert!(strangers.len() >= 200, "{}", strangers.len());
    println!("{} strangers", strangers.len());
    let count = u64::try_from(strangers.len()).unwrap();
    for store in [&MemoryStore::default() as &dyn Store, &file] {
        store.commit_page(&Guard::sole("acme"), page(&strangers)).await.unwrap();
        assert!(
            store.lookup("acme", "candidates", index::EMAIL, MARK, 9).await.unwrap().is_empty()
        );
        for (at, email) in strangers.iter().enumerate() {
            let found = store.lookup("acme", "candidates", index::EMAIL, email, 9).await.unwrap();
            assert_eq!(
                found.iter().map(|row| row.id.clone()).collect::<Vec<_>>(),
                [at.to_string()],
                "{email:?}"
            );
        }
        // An erasure by address removes and blocks no other candidate.
        let erasure =
            Erasure { addresses: [MARK.to_owned()].into(), now_ms: 2_000, ..Erasure::default() };
        let report = store.erase(&Guard::sole("acme"), erasure).await.unwrap();
        assert_eq!((report.observed, report.kept_away), (0, 1), "{report:?}");
        let again: Vec<String> = strangers.iter().map(|email| email.to_ascii_uppercase()).collect();
        store.commit_page(&Guard::sole("acme"), page(&again)).await.unwrap();
        assert_eq!(
            store.observed_counts("acme").await.unwrap(),
            [("candidates".to_owned(), count)]
        );
        store.commit_page(&Guard::sole("acme"), page(&[MARK.to_ascii_uppercase()])).await.unwrap();
        let rows = store.observed_page("acme", "candidates", None, 1).await.unwrap();
        assert!(!rows[0].body.contains("MARK.K0123@EXAMPLE.COM"), "an erased candidate stays away");
    }
}

#[test]
fn no_other_candidate_is_planned_for_matched_by_a_probe_or_written_to() {
    let world = World::new(1, 420);
    let strangers = strangers();
    let rows = world.sandbox.rows("candidates");
    let plain =
        rows.iter().filter(|row| row["private"] != json!(true) && row["first_name"].is_string());
    let ids: Vec<i64> = plain.filter_map(|row| row["id"].as_i64()).collect();
    let mut held: Vec<i64> = Vec::new();
    for (id, email) in ids.iter().zip(&strangers) {
        let deed = Recruiter::EditEmail { candidate_id: *id, from: None, to: email.clone() };
        world.sandbox.recruiter(&deed).unwrap();
        held.push(*id);
    }
    assert!(held.len() >= 200, "{}", held.len());
    // For any address, the ATS's search returns other candidates: one, which would be matched, or
    // several, which would block the record. It never returns none.
    let shown: Vec<Value> =
        held.iter().map(|id| world.sandbox.row("candidates", *id).unwrap()).collect();
    let (mut at, probes) = (0, Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&probes);
    world.wire.edit_rows("/v3/candidates", move |request, rows| {
        if request.url.query_pairs().any(|(name, _)| name == "email") && rows.is_empty() {
            let count = if seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 1 } else { 7 };
            rows.extend(shown.iter().cycle().skip(at % shown.len()).take(count).cloned());
            at += count;
        }
    });
    let acme = world.connect();
    let records: Vec<Desired> = (0..60)
        .flat_map(|number| {
            // The first declares the address itself; the others declare addresses that no candidate
            // has.
            let email =
                if number == 0 { MARK.to_owned() } else { format!("nobody{number}@example.org") };
            desired(
                &json!({"key": format!("m{number}"), "name": {"first": "Mark", "last": "K"},
                    "emails": [email]})
                .to_string(),
            )
        })
        .collect();
    world.run(acme.declare(&records)).unwrap();
    let before = world.sandbox.count("candidates");
    for _ in 0..3 {
        world.run(acme.sync()).unwrap();
        world.clock.set(world.clock.now_ms() + 600_000);
    }
    assert_eq!(world.sandbox.count("candidates"), before + 60);
    assert!(probes.load(Ordering::Relaxed) >= 60);
    assert!(
        world.written().iter().all(|line| line == "POST /v3/candidates"),
        "{:?}",
        world.written()
    );
    for number in 0..60 {
        for link in world.run(acme.links(&format!("m{number}"))).unwrap() {
            assert!(!held.iter().any(|id| id.to_string() == link.remote.id), "{link:?}");
        }
    }
    let report = world.run(acme.erase(&Person::Email(MARK.to_ascii_uppercase()))).unwrap();
    assert_eq!(report.observed, 1, "{report:?}");
}

const ADA: &str = "ada.byron@example.com";

/// The answers to a search for Ada's address although no candidate has it: each other candidate
/// with the addresses of its row, or none if the row does not show them.
fn answers() -> Vec<(&'static str, Vec<Option<Value>>)> {
    let shows = |address: &str| Some(json!([{"value": address, "type": "personal"}]));
    vec![
        ("another address", vec![shows("chiara@example.org")]),
        ("the address with a prefix", vec![shows("xada.byron@example.com")]),
        ("the address with a suffix", vec![shows("ada.byron@example.com.au")]),
        ("no address at all", vec![Some(json!([]))]),
        (
            "several",
            vec![shows("chiara@example.org"), shows("xada.byron@example.com"), Some(json!([]))],
        ),
        ("no list", vec![None]),
        ("null for a list", vec![Some(json!(null))]),
        ("an entry without a value", vec![Some(json!([{"type": "personal"}]))]),
        ("one with a list and one without", vec![shows("chiara@example.org"), None]),
    ]
}

/// Makes the search for candidates by address return these rows, with a creation time after every
/// send and with Ada's name.
fn answer_strangers(
    world: &World,
    answer: Vec<Option<Value>>,
    begun: &Arc<AtomicBool>,
) -> Vec<i64> {
    let rows = world.sandbox.rows("candidates");
    let plain = rows
        .into_iter()
        .filter(|row| row["private"] != json!(true) && row["first_name"].is_string());
    let strangers: Vec<Value> = plain.take(answer.len()).collect();
    let ids = strangers.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    let begun = Arc::clone(begun);
    world.wire.edit_rows("/v3/candidates", move |request, rows| {
        let is_search = request.url.query_pairs().any(|(name, _)| name == "email");
        if !is_search || !begun.load(Ordering::Relaxed) {
            return;
        }
        for (stranger, addresses) in strangers.iter().zip(&answer) {
            let mut row = stranger.clone();
            (row["first_name"], row["last_name"]) = (json!("Ada"), json!("Byron"));
            row["created_at"] = json!("2026-12-24T10:00:00.000Z");
            match addresses {
                Some(addresses) => row["email_addresses"] = addresses.clone(),
                None => drop(row.as_object_mut().unwrap().remove("email_addresses")),
            }
            rows.push(row);
        }
    });
    ids
}

/// A candidate who shows other addresses is another one, and one who shows none may be any: neither
/// the probe before a create nor the one that settles it adopts them.
#[test]
fn no_candidate_is_adopted_without_the_requested_address() {
    for loses in [false, true] {
        for (what, answer) in answers() {
            println!("== {what}, the first create is lost: {loses}");
            let is_shown = answer.iter().all(|addresses| {
                let all = addresses.as_ref().and_then(Value::as_array);
                all.is_some_and(|all| all.iter().all(|entry| entry["value"].is_string()))
            });
            let world = World::new(1, 24);
            let job =
                world.sandbox.rows("jobs").into_iter().find(|job| job["status"] == "open").unwrap();
            let acme = world.connect();
            let before = world.sandbox.count("candidates");
            let record = json!({
                "key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
                    "phones": ["+44 20 1234"],
                "tags": ["ours"], "notes": [{"key": "n1", "body": "Met at the fair."}],
                "applications": [{"key": "a", "job": {"id": job["id"].to_string()}}],
            });
            world.run(acme.declare(&desired(&record.to_string()))).unwrap();
            // The probe before finds none, the create does not arrive, which the engine cannot
            // know, and from then on the search returns other candidates; or it does so from the
            // beginning.
            let begun = Arc::new(AtomicBool::new(!loses));
            let strangers = answer_strangers(&world, answer, &begun);
            world.wire.meddle(move |request| {
                let is_first = request.method == "POST" && request.url.path() == "/v3/candidates";
                (is_first && !begun.swap(true, Ordering::Relaxed))
                    .then_some(Meddle::Fault(FaultKind::DropBefore))
            });
            let untouched: Vec<Value> =
                strangers.iter().map(|id| world.sandbox.row("candidates", *id).unwrap()).collect();
            let dependents = |id: &i64| {
                world.sandbox.notes_of(*id).len() + world.sandbox.applications_of(*id).len()
            };
            let dependents_before: Vec<usize> = strangers.iter().map(dependents).collect();
            for _ in 0..3 {
                world.run(acme.sync()).unwrap();
                world.clock.set(world.clock.now_ms() + 600_000);
            }
            let made = world.sandbox.count("candidates") - before;
            assert_eq!(made, usize::from(is_shown), "{what}: {:?}", world.written());
            for (id, row) in strangers.iter().zip(&untouched) {
                assert_eq!(
                    &world.sandbox.row("candidates", *id).unwrap(),
                    row,
                    "{what}: another candidate was written to"
                );
                let links = world.run(acme.links("ref-1")).unwrap();
                assert!(
                    !links.iter().any(|link| link.remote.id == id.to_string()),
                    "{what}: {links:?}"
                );
            }
            assert_eq!(
                strangers.iter().map(dependents).collect::<Vec<_>>(),
                dependents_before,
                "{what}"
            );
            if !is_shown {
                // The engine does not guess: the record is blocked with a message, and nothing is
                // created.
                let report = world.run(acme.sync()).unwrap().1;
                assert!(!report.is_complete(), "{what}: {report:#?}");
            }
        }
    }
}

/// The same as for candidates: the adapter searches for users by their first address, then by any.
#[test]
fn no_user_is_adopted_without_the_requested_address() {
    const GRACE: &str = "grace@example.com";
    for loses in [false, true] {
        for address in [
            Some("chiara@example.org"),
            Some("xgrace@example.com"),
            Some("grace@example.com.au"),
            None,
        ] {
            println!("== {address:?}, the first create is lost: {loses}");
            let mut world = World::new(1, 12);
            world.settings.insert("user_invitations".into(), json!(true));
            let acme = world.connect();
            let before = world.sandbox.count("users");
            let grace = json!({"kind": "users", "email": GRACE,
                "name": {"first": "Grace", "last": "Hopper"}});
            world.run(acme.declare(&desired(&grace.to_string()))).unwrap();
            let stranger = world
                .sandbox
                .rows("users")
                .into_iter()
                .find(|row| row["deactivated"] != true)
                .unwrap();
            let id = stranger["id"].clone();
            let probes = Arc::new(AtomicUsize::new(0));
            let (seen, of) = (Arc::clone(&probes), id.clone());
            world.wire.edit(move |request, response| {
                let asks = |name: &str| request.url.query_pairs().any(|(asked, _)| asked == name);
                let mut row = match request.url.path() {
                    "/v3/users" if asks("primary_email") => stranger.clone(),
                    "/v3/user_emails" if asks("email") => {
                        json!({"id": 1, "user_id": of, "email": null})
                    }
                    _ => return,
                };
                seen.fetch_add(1, Ordering::Relaxed);
                for member in ["primary_email", "email", "emails"] {
                    let Some(shown) = row.get_mut(member) else { continue };
                    match address {
                        None => drop(row.as_object_mut().unwrap().remove(member)),
                        Some(address) if shown.is_array() => *shown = json!([address]),
                        Some(address) => *shown = json!(address),
                    }
                }
                if response.status == 200 {
                    let mut rows: Vec<Value> = serde_json::from_slice(&response.body).unwrap();
                    rows.push(row);
                    response.body = serde_json::to_vec(&rows).unwrap();
                }
            });
            let mut lost = !loses;
            world.wire.meddle(move |request| {
                let is_first =
                    !lost && request.method == "POST" && request.url.path() == "/v3/users";
                lost |= is_first;
                is_first.then_some(Meddle::Fault(FaultKind::DropBefore))
            });
            for _ in 0..3 {
                world.run(acme.sync()).unwrap();
                world.clock.set(world.clock.now_ms() + 600_000);
            }
            assert!(probes.load(Ordering::Relaxed) >= 2, "both searches gave another candidate");
            assert_eq!(
                world.sandbox.count("users"),
                before + 1,
                "{address:?}: {:?}",
                world.written()
            );
            for link in world.run(acme.links("@users.grace@example.com")).unwrap() {
                assert_ne!(link.remote.id, id.to_string(), "{address:?}");
            }
        }
    }
}

/// The adapter finds the credited user by address as well; a similar address does not match.
#[test]
fn no_user_with_a_similar_address_is_credited() {
    for alike in ["xsam.lee@example.com", "sam.lee@example.com.au", "am.lee@example.com"] {
        let world = World::new(1, 12);
        let user =
            world.sandbox.rows("users").into_iter().find(|row| row["deactivated"] != true).unwrap();
        let values =
            json!({"primary_email": alike, "emails": [alike]}).as_object().unwrap().clone();
        let deed =
            Recruiter::Set { collection: "users".into(), id: user["id"].as_i64().unwrap(), values };
        world.sandbox.recruiter(&deed).unwrap();
        let job =
            world.sandbox.rows("jobs").into_iter().find(|job| job["status"] == "open").unwrap();
        let acme = world.connect();
        let record = json!({
            "key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
            "applications": [{"key": "a", "job": {"id": job["id"].to_string()},
                "referrer": {"email": "sam.lee@example.com"}}],
        });
        world.run(acme.declare(&desired(&record.to_string()))).unwrap();
        let plan = world.run(acme.plan(atsync::PlanOf::All)).unwrap();
        let said: Vec<&str> = plan.blocked().map(|finding| finding.message.as_str()).collect();
        assert!(
            said.iter().any(|message| message.contains("no user of the ATS has the address")),
            "{alike}: {said:?}"
        );
        world.run(acme.apply(&plan)).unwrap();
        assert!(world.sandbox.candidates_by_email(ADA).iter().all(|row| {
            let applications = world.sandbox.applications_of(row["id"].as_i64().unwrap());
            applications.iter().all(|application| application["referrer_id"].is_null())
        }));
    }
}

#[test]
fn a_malformed_address_is_refused_and_not_guessed() {
    let world = World::new(1, 12);
    let acme = world.connect();
    for crooked in [
        "Ada <ada@example.com>",
        "ada@example.com, bob@example.com",
        "ada@example.com\nbob",
        "ada\u{200b}@example.com",
        "ada",
    ] {
        let refusal = world.run(acme.erase(&Person::Email(crooked.to_owned()))).unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Input, "{refusal}");
    }
}
