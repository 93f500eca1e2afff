//! Section B: silent gaps when reading. The tests check that the store holds what the sandbox
//! holds.

use super::{
    ada, apply, bring, declare, id_of, open_jobs, pass, plain_candidates, plan, recruiter, world,
    world_of,
};
use atsync::internals::reconcile::Progress;
use atsync::{Connection, Engine};
use atsync_greenhouse_sandbox::{Fault, FaultKind, LastLink, Recruiter, Sandbox};
use atsync_tests::World;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every kind with a list, and its collection.
const KINDS: [(&str, &str); 25] = [
    ("departments", "departments"),
    ("offices", "offices"),
    ("users", "users"),
    ("user_emails", "user_emails"),
    ("sources", "sources"),
    ("referrers", "referrers"),
    ("reject_reasons", "rejection_reasons"),
    ("close_reasons", "close_reasons"),
    ("tags", "candidate_tags"),
    ("custom_fields", "custom_fields"),
    ("custom_field_options", "custom_field_options"),
    ("pools", "prospect_pools"),
    ("pool_stages", "prospect_pool_stages"),
    ("jobs", "jobs"),
    ("stages", "job_interview_stages"),
    ("postings", "job_posts"),
    ("openings", "openings"),
    ("candidates", "candidates"),
    ("applied_tags", "applied_candidate_tags"),
    ("applications", "applications"),
    ("application_stages", "application_stages"),
    ("rejections", "rejection_details"),
    ("pool_placements", "prospect_details"),
    ("notes", "notes"),
    ("attachments", "attachments"),
];

/// The store's records of a kind: id and raw row.
fn stored(world: &World, acme: &Connection, kind: &str) -> BTreeMap<String, Value> {
    let rows: Vec<_> = world.run(acme.observed(kind).try_collect()).unwrap();
    rows.into_iter()
        .map(|row: atsync::internals::store::ObservedRow| {
            let raw = row.raw.map_or(Value::Null, |raw| serde_json::from_str(&raw).unwrap());
            (row.id, raw)
        })
        .collect()
}

/// The sandbox's own rows, by id.
fn truth(world: &World, collection: &str) -> BTreeMap<String, Value> {
    world.sandbox.rows(collection).into_iter().map(|row| (row["id"].to_string(), row)).collect()
}

fn assert_mirrors(world: &World, acme: &Connection, kind: &str, collection: &str) {
    let (stored, truth) = (stored(world, acme, kind), truth(world, collection));
    assert_eq!(stored.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>(), "{kind}");
    for (id, row) in &truth {
        // Files are stored without their address, so without the raw row.
        if kind != "attachments" {
            assert_eq!(&stored[id], row, "{kind} {id}");
        }
    }
}

/// The parameters of each read, in order.
fn queries(world: &World, collection: &str) -> Vec<BTreeMap<String, String>> {
    let path = format!("/v3/{collection}");
    let requests = world.sandbox.requests();
    let reads = requests.iter().filter(|request| request.method == "GET" && request.path == path);
    reads.map(|request| url_pairs(&request.query)).collect()
}

fn url_pairs(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = value
                .replace("%7C", "|")
                .replace("%7c", "|")
                .replace("%3A", ":")
                .replace("%2C", ",");
            (name.to_owned(), decoded)
        })
        .collect()
}

/// A connection that runs a closure after each page.
fn connect_watched(world: &World, on_page: impl Fn(u32) + Send + Sync + 'static) -> Connection {
    let pages = AtomicU32::new(0);
    let mut options = world.options();
    options.progress = Arc::new(move |progress| {
        if let Progress::Page { .. } = progress {
            on_page(pages.fetch_add(1, Ordering::SeqCst) + 1);
        }
    });
    let engine = Engine::builder()
        .store(Arc::clone(&world.store))
        .transport(Arc::clone(&world.wire) as Arc<dyn atsync::internals::transport::Transport>)
        .clock(Arc::clone(&world.clock) as Arc<dyn atsync::Clock>)
        .entropy(atsync::testing::SeededEntropy::new(11))
        .build()
        .unwrap();
    world.run(engine.connect(options)).unwrap()
}

fn rename(sandbox: &Sandbox, candidate_id: i64, last_name: &str) {
    sandbox
        .recruiter(&Recruiter::Rename {
            candidate_id,
            first_name: "New".into(),
            last_name: last_name.into(),
        })
        .unwrap();
}

/// Entries 21, 22, 29 and 31: the engine reads records that are hidden by default, reads rows with
/// unknown members, and keeps every row unchanged.
#[test]
fn every_row_of_every_kind_is_read_whole_and_no_switch_hides_any() {
    for unknown_field in [false, true] {
        println!("a field that no reference names: {unknown_field}");
        let world = world(|quirks| quirks.unknown_field = unknown_field);
        let acme = world.connect();
        for (kind, collection) in KINDS {
            world.run(acme.pull_full(kind)).unwrap();
            if unknown_field {
                let (stored, truth) = (stored(&world, &acme, kind), truth(&world, collection));
                assert_eq!(
                    stored.keys().collect::<Vec<_>>(),
                    truth.keys().collect::<Vec<_>>(),
                    "{kind}"
                );
            } else {
                assert_mirrors(&world, &acme, kind, collection);
            }
        }
        // Records that are hidden by default are among them.
        let has = |collection: &str, fits: fn(&Value) -> bool| {
            world.sandbox.rows(collection).iter().any(fits)
        };
        assert!(
            has("job_posts", |row| row["active"] == false)
                && has("job_posts", |row| row["active"] == true)
        );
        assert!(has("applications", |row| row["job_id"].is_null() && row["prospect"] == true));
        assert!(has("rejection_reasons", |row| row["name"] == "Withdrew"));
    }
}

/// Entry 15: pages come by id and not by time, and rows change while they are read. After the next
/// pull nothing is missing, whatever changed when.
#[test]
fn rows_that_change_while_the_pages_are_read_are_not_skipped() {
    let world = world_of(|options| options.company.candidates = 1_100);
    let ids = {
        let mut ids: Vec<i64> = world.sandbox.rows("candidates").iter().map(id_of).collect();
        ids.sort_unstable();
        ids
    };
    let (first, last) = (ids[0], ids[ids.len() - 1]);
    let sandbox = world.sandbox.clone();
    let acme = connect_watched(&world, move |page| {
        // After the first page of the first pass only, so that no later change of the row hides
        // that this one was missed.
        if page == 1 {
            rename(&sandbox, last, "Seen");
            rename(&sandbox, first, "ToCome");
        }
    });
    for _ in 0..3 {
        world.run(acme.pull("candidates")).unwrap();
        pass(&world, 60_000);
    }
    let quiet = world.connect();
    world.run(quiet.pull("candidates")).unwrap();
    assert_mirrors(&world, &quiet, "candidates", "candidates");
}

/// Entry 15: an interrupted pass moves no watermark; it resumes after its last page, and the next
/// one reads what changed meanwhile.
#[test]
fn an_interrupted_pass_resumes_and_skips_nothing() {
    let world = world_of(|options| options.company.candidates = 1_600);
    let acme = world.connect();
    world.sandbox.faults().add(Fault {
        times: None,
        ..Fault::once("GET", "/v3/candidates", FaultKind::NotApplied { status: 503 }).after(2)
    });
    world.run(acme.pull("candidates")).unwrap_err();
    let two_pages = stored(&world, &acme, "candidates").len();
    assert_eq!(two_pages, 1_000);
    assert!(world.run(acme.status()).unwrap().pulled_ms.is_empty());
    let changed = *world
        .sandbox
        .rows("candidates")
        .iter()
        .map(id_of)
        .collect::<BTreeSet<_>>()
        .last()
        .unwrap();
    rename(&world.sandbox, changed, "Meanwhile");
    world.sandbox.faults().clear();
    world.sandbox.clear_logs();
    let report = world.run(acme.pull("candidates")).unwrap();
    assert!(report.resumed);
    assert_eq!(queries(&world, "candidates").len(), 2, "only the pages that were left");
    pass(&world, 60_000);
    world.run(acme.pull("candidates")).unwrap();
    assert_mirrors(&world, &acme, "candidates", "candidates");
}

/// Entry 15, and the cursor's unknown lifetime: an expired cursor makes the pass start again, and
/// nothing is lost.
#[test]
fn a_cursor_that_expired_between_two_runs_costs_pages_and_no_rows() {
    let world = world_of(|options| {
        options.company.candidates = 1_100;
        options.quirks.cursor_lifetime_ms = 60_000;
    });
    let acme = world.connect();
    world.sandbox.faults().add(Fault {
        times: None,
        ..Fault::once("GET", "/v3/candidates", FaultKind::NotApplied { status: 503 }).after(1)
    });
    world.run(acme.pull("candidates")).unwrap_err();
    world.sandbox.faults().clear();
    pass(&world, 3_600_000);
    world.run(acme.pull("candidates")).unwrap();
    assert_mirrors(&world, &acme, "candidates", "candidates");
}

/// Entries 16, 17 and 50: the cursor is sent alone, no page is larger than Greenhouse allows, and
/// the walk ends at its last page, empty `Link` or none, full or not, without a further request.
#[test]
fn a_walk_sends_its_cursor_alone_and_ends_with_the_last_page() {
    for last_link in [LastLink::Empty, LastLink::Absent] {
        for (candidates, pages) in [(499, 1), (500, 1), (501, 2), (1_000, 2), (1_100, 3)] {
            println!("{last_link:?}, {candidates} candidates");
            let world = world_of(|options| {
                options.company.candidates = candidates;
                options.quirks.last_link = last_link;
            });
            let acme = world.connect();
            world.run(acme.pull("candidates")).unwrap();
            let queries = queries(&world, "candidates");
            assert_eq!(queries.len(), pages);
            assert_eq!(queries[0]["per_page"], "500");
            for query in &queries[1..] {
                assert_eq!(query.keys().collect::<Vec<_>>(), ["cursor"]);
            }
            assert_eq!(stored(&world, &acme, "candidates").len(), candidates);
        }
    }
}

/// Entry 18: an incremental read requests one closed window on one field.
#[test]
fn an_incremental_read_asks_for_one_closed_window() {
    let world = world(|_| {});
    let acme = world.connect();
    for (kind, _) in KINDS {
        world.run(acme.pull(kind)).unwrap();
    }
    pass(&world, 3_600_000);
    world.sandbox.clear_logs();
    for (kind, collection) in KINDS {
        world.run(acme.pull(kind)).unwrap();
        for query in queries(&world, collection) {
            assert!(!query.contains_key("created_at"), "{query:?}");
            let window = &query["updated_at"];
            assert!(window.contains("gte|") && window.contains("|lte|"), "{kind}: {window}");
        }
    }
    assert!(
        world.sandbox.requests().iter().all(|request| request.status == 200),
        "a window was refused"
    );
}

/// Entry 19: a fetch requests fifty ids at a time, each once.
#[test]
fn more_than_fifty_ids_are_asked_for_in_parts_without_repeats() {
    let world = world(|_| {});
    let acme = world.connect();
    let job = open_jobs(&world)[0].to_string();
    let records: Vec<Value> = (0..120)
        .map(|n| {
            let mut record = ada(&json!({"applications": [{"key": "a", "job": {"id": job}}]}));
            record["key"] = json!(format!("r{n}"));
            record["emails"] = json!([format!("r{n}@example.com")]);
            record
        })
        .collect();
    declare(&world, &acme, &records);
    let planned = plan(&world, &acme);
    world.sandbox.clear_logs();
    let report = apply(&world, &acme, &planned);
    assert_eq!((report.in_step, report.not_in_step), (120, 0));
    for collection in ["candidates", "applications"] {
        let asked: Vec<Vec<String>> = queries(&world, collection)
            .iter()
            .filter_map(|query| query.get("ids"))
            .map(|ids| ids.split(',').map(str::to_owned).collect())
            .collect();
        assert!(asked.iter().all(|ids| ids.len() <= 50), "{collection}");
        let all: Vec<&String> = asked.iter().flatten().collect();
        assert_eq!(all.len(), 120, "{collection}");
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 120, "{collection}");
    }
}

/// Entries 20, 24 and 26: rows that a scan does not show, some of them or all, are not deleted:
/// rights may have changed, which moves no stamp. When they show again, nothing was lost.
#[test]
fn no_row_counts_as_deleted_because_a_scan_lacks_it() {
    let world = world(|_| {});
    let acme = world.connect();
    for kind in ["candidates", "jobs", "applications"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    let before = stored(&world, &acme, "candidates");
    let changes = world.run(acme.status()).unwrap().changes_last;
    world.sandbox.set_access(|access| {
        access.sees_private_candidates = false;
        access.sees_confidential_jobs = false;
    });
    let shown = world.run(acme.pull_full("candidates")).unwrap().records;
    assert!(usize::try_from(shown).unwrap() < before.len(), "some are hidden now");
    for kind in ["jobs", "applications"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    assert_eq!(stored(&world, &acme, "candidates"), before);
    assert_eq!(world.run(acme.status()).unwrap().changes_last, changes, "nothing was reported");
    let rows: Vec<_> = world.run(acme.observed("candidates").try_collect::<Vec<_>>()).unwrap();
    assert!(rows.iter().all(|row| !row.gone));
}

/// Entry 27: a child that changes need not move its parent's stamp. The engine reads each
/// collection by its own stamps, so it sees the change either way.
#[test]
fn a_childs_change_is_seen_whether_or_not_it_moves_the_parents_stamp() {
    for children_touch_candidate in [false, true] {
        println!("the parent moves: {children_touch_candidate}");
        let world = world(|quirks| quirks.children_touch_candidate = children_touch_candidate);
        let acme = world.connect();
        let candidate = plain_candidates(&world)[0];
        let kinds = [
            ("applied_tags", "applied_candidate_tags"),
            ("notes", "notes"),
            ("applications", "applications"),
            ("application_stages", "application_stages"),
        ];
        for (kind, _) in kinds {
            world.run(acme.pull(kind)).unwrap();
        }
        pass(&world, 600_000);
        recruiter(&world, &Recruiter::AddTag { candidate_id: candidate, tag: "theirs".into() });
        recruiter(&world, &Recruiter::AddNote { candidate_id: candidate, body: "A word.".into() });
        let application = world
            .sandbox
            .rows("applications")
            .into_iter()
            .find(|row| {
                row["status"] == "in_process" && row["job_id"].is_i64() && row["prospect"] == false
            })
            .unwrap();
        let stages = world.sandbox.rows_where(
            "job_interview_stages",
            "job_id",
            application["job_id"].as_i64().unwrap(),
        );
        let other = stages.iter().find(|stage| stage["name"] != application["stage_name"]).unwrap();
        let stage_name = other["name"].as_str().unwrap().to_owned();
        recruiter(&world, &Recruiter::Move { application_id: id_of(&application), stage_name });
        pass(&world, 600_000);
        for (kind, collection) in kinds {
            world.run(acme.pull(kind)).unwrap();
            assert_mirrors(&world, &acme, kind, collection);
        }
    }
}

/// Entry 27, from the host's side: a tag of ours that a recruiter removes is drift although the
/// candidate's stamp does not move.
#[test]
fn a_tag_that_a_recruiter_removed_is_not_added_again() {
    for children_touch_candidate in [false, true] {
        let world = world(|quirks| quirks.children_touch_candidate = children_touch_candidate);
        let acme = world.connect();
        bring(&world, &acme, &ada(&json!({"tags": ["ours"]})));
        let candidate = id_of(&super::the_candidate(&world, super::ADA));
        recruiter(&world, &Recruiter::RemoveTag { candidate_id: candidate, tag: "ours".into() });
        for _ in 0..3 {
            pass(&world, 600_000);
            let planned = plan(&world, &acme);
            apply(&world, &acme, &planned);
        }
        assert_eq!(world.sandbox.rows_of_candidate("applied_candidate_tags", candidate).len(), 0);
    }
}

/// Entry 28: the sandbox refuses parameters that no reference names, so a typo of ours could not
/// have synced the whole tenant unseen.
#[test]
fn no_request_of_a_pull_or_an_apply_is_refused_for_its_parameters() {
    let world = world(|_| {});
    let acme = world.connect();
    for (kind, _) in KINDS {
        world.run(acme.pull_full(kind)).unwrap();
        world.run(acme.pull(kind)).unwrap();
    }
    bring(&world, &acme, &super::ada_with_everything(&world));
    let refused: Vec<_> =
        world.sandbox.requests().into_iter().filter(|request| request.status >= 400).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
