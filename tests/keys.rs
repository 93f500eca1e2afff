//! Keys that change places: an item stays the same item by its content, only new items are created,
//! nothing is lost, and nothing that is meant for one application is written to another.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox. Seeds drive hosts that
//! number the parts of a record: they shuffle, shorten and lengthen the declaration, and the keys
//! are the positions. Seeds are printed. `renamed.rs` covers a single key that changes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold, and a seed must be known"
)]

use atsync::Reason;
use atsync::internals::plan::words;
use atsync::internals::store::Guard;
use atsync::model::contract::RemoteRef;
use atsync::{Clock as _, Connection, PlanOf};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{Meddle, World, desired};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn world() -> World {
    World::new(1, 60)
}

fn rests(world: &World, acme: &Connection) {
    world.clock.set(world.clock.now_ms() + 600_000);
    let again = world.run(acme.plan(PlanOf::All)).unwrap();
    let odd = again.records.iter().flat_map(|record| &record.findings).next();
    assert!(again.is_empty() && odd.is_none(), "{}", words::plan(&again));
}

fn links(world: &World, acme: &Connection) -> BTreeMap<String, String> {
    let links = world.run(acme.links("ada")).unwrap();
    links.into_iter().map(|link| (link.path, link.remote.id)).collect()
}

fn id_of_ada(world: &World) -> i64 {
    world.sandbox.candidates_by_email("ada@example.com")[0]["id"].as_i64().unwrap()
}

/// Numbers of a linear congruence, for shuffles.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}

/// The contents that a host declares: a note's body, a file's name, an application's job. The keys
/// are positions.
#[derive(Clone, Default)]
struct Declaration {
    notes: Vec<String>,
    files: Vec<String>,
    /// Positions of jobs, one for each application.
    applications: Vec<usize>,
}

impl Declaration {
    /// Ada: the files are those of the application to the first job, and a note is about the
    /// application to each job.
    fn record(&self, jobs: &[String]) -> Value {
        let about = self.applications.iter().enumerate().map(|(at, job)| {
            json!({"key": format!("about{job}"), "body": format!("About {job}"),
                "application": at.to_string()})
        });
        let notes = self
            .notes
            .iter()
            .enumerate()
            .map(|(at, body)| json!({"key": at.to_string(), "body": body}));
        let files: Vec<Value> = (self.files.iter().enumerate())
            .map(|(at, name)| {
                let url = format!("https://files.example.com/{name}");
                json!({"key": at.to_string(), "filename": name, "type": "other", "url": url})
            })
            .collect();
        let applications: Vec<Value> = (self.applications.iter().enumerate())
            .map(|(at, job)| {
                let mut one = json!({"key": at.to_string(), "job": {"id": jobs[*job]},
                    "custom_fields": {"external_ref": job.to_string()}});
                if *job == 0 {
                    one["attachments"] = json!(files);
                }
                one
            })
            .collect();
        json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"},
            "emails": ["ada@example.com"],
            "notes": notes.chain(about).collect::<Vec<_>>(), "applications": applications})
    }

    /// One edit of a host: a shuffle, a new item at any position, or a removed one.
    fn edit(&mut self, chance: &mut Chance, new: &str) {
        match chance.below(6) {
            0 => chance.shuffle(&mut self.notes),
            1 => chance.shuffle(&mut self.files),
            2 => chance.shuffle(&mut self.applications),
            3 => self.notes.insert(chance.below(self.notes.len() + 1), format!("New {new}")),
            4 => self.files.insert(chance.below(self.files.len() + 1), format!("new-{new}.pdf")),
            _ => drop(
                (self.notes.len() > 1).then(|| self.notes.remove(chance.below(self.notes.len()))),
            ),
        }
    }
}

#[test]
fn positional_keys_can_be_shuffled_and_shifted_and_only_new_items_are_created() {
    for seed in 1..=16 {
        println!("seed {seed}");
        let mut chance = Chance(seed);
        let world = world();
        let acme = world.connect();
        let jobs = world.open_jobs();
        let mut declaration = Declaration {
            notes: vec!["One".to_owned(), "Two".to_owned(), "Three".to_owned()],
            files: vec!["a.pdf".to_owned(), "b.pdf".to_owned()],
            applications: vec![0, 1, 2],
        };
        world.bring(&acme, &declaration.record(&jobs));
        let ada = id_of_ada(&world);
        let mut ever: BTreeSet<String> =
            declaration.notes.iter().chain(&declaration.files).cloned().collect();
        for step in 0..12 {
            declaration.edit(&mut chance, &format!("{seed}-{step}"));
            ever.extend(declaration.notes.iter().chain(&declaration.files).cloned());
            world.bring(&acme, &declaration.record(&jobs));
            // Nothing duplicated, nothing lost: there is one of each text and of each file, and so
            // of each application.
            let notes: Vec<String> = texts(&world.sandbox.rows_of_candidate("notes", ada), "body");
            let files: Vec<String> =
                texts(&world.sandbox.rows_of_candidate("attachments", ada), "filename");
            let mut all: Vec<String> =
                notes.into_iter().filter(|body| !body.starts_with("About")).chain(files).collect();
            all.sort_unstable();
            assert_eq!(all, ever.iter().cloned().collect::<Vec<_>>(), "seed {seed} step {step}");
            let applications = world.sandbox.applications_of(ada);
            assert_eq!(applications.len(), 3);
            for application in &applications {
                let job = jobs.iter().position(|job| *job == job_of(application)).unwrap();
                assert_eq!(
                    application["custom_fields"]["external_ref"]["value"],
                    json!(job.to_string())
                );
            }
            // Each path is linked to the item that it declares.
            let links = links(&world, &acme);
            for (at, job) in declaration.applications.iter().enumerate() {
                let row = applications.iter().find(|row| job_of(row) == jobs[*job]).unwrap();
                assert_eq!(links[&format!("ada/applications/{at}")], row["id"].to_string());
            }
            for (at, body) in declaration.notes.iter().enumerate() {
                let notes = world.sandbox.rows_of_candidate("notes", ada);
                let row = notes.iter().find(|row| row["body"] == json!(body)).unwrap();
                assert_eq!(links[&format!("ada/notes/{at}")], row["id"].to_string());
            }
            rests(&world, &acme);
        }
    }
}

fn job_of(application: &Value) -> String {
    application["job_id"].to_string()
}

fn texts(rows: &[Value], member: &str) -> Vec<String> {
    rows.iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_item_that_is_declared_again_under_any_key_is_the_existing_one() {
    let world = world();
    let acme = world.connect();
    let jobs = world.open_jobs();
    let declaration = |notes: &[&str], applications: &[usize]| Declaration {
        notes: notes.iter().map(|body| (*body).to_owned()).collect(),
        applications: applications.to_vec(),
        files: vec!["cv.pdf".to_owned()],
    };
    world.bring(&acme, &declaration(&["One", "Two"], &[0, 1]).record(&jobs));
    let ada = id_of_ada(&world);
    for (notes, applications) in [
        (vec!["Two"], vec![1]),
        (vec![], vec![]),
        (vec!["One"], vec![0]),
        (vec!["Two", "One"], vec![1, 0]),
        (vec!["One", "Two"], vec![0, 1]),
    ] {
        world.bring(&acme, &declaration(&notes, &applications).record(&jobs));
        assert_eq!(world.written(), Vec::<String>::new(), "{notes:?} {applications:?}");
        rests(&world, &acme);
    }
    assert_eq!(world.sandbox.applications_of(ada).len(), 2);
    assert_eq!(world.sandbox.rows_of_candidate("notes", ada).len(), 4);
    // Under a released key, other content is a new item.
    world.bring(&acme, &declaration(&[], &[]).record(&jobs));
    world.bring(&acme, &declaration(&["Three"], &[2]).record(&jobs));
    assert_eq!(world.sandbox.applications_of(ada).len(), 3);
    assert_eq!(world.sandbox.rows_of_candidate("notes", ada).len(), 6);
    rests(&world, &acme);
}

#[test]
fn a_changed_item_under_the_same_key_is_no_rename_and_is_reported() {
    let world = world();
    let acme = world.connect();
    let jobs = world.open_jobs();
    let mut record =
        Declaration { notes: vec!["One".to_owned(), "Two".to_owned()], ..Declaration::default() }
            .record(&jobs);
    world.bring(&acme, &record);
    record["notes"][0]["body"] = json!("Another");
    let plan = world.bring(&acme, &record);
    assert!(
        plan.records[0].findings.iter().any(|finding| finding.reason == Reason::CannotChange),
        "{}",
        words::plan(&plan)
    );
    assert_eq!(world.written(), Vec::<String>::new());
}

/// A declaration that means another record than the one that its key is linked to: how that arises,
/// and what is declared then. The application is the first one of the record.
type Apart = (&'static str, fn(&World, &mut Value), fn(&World, &Connection, &mut Value));

fn pool(world: &World, at: usize) -> Value {
    json!({"id": world.sandbox.rows("prospect_pools")[at]["id"].to_string()})
}

fn make_prospect(world: &World, record: &mut Value) {
    record["applications"][0] = json!({"key": "a", "kind": "prospect", "pool": pool(world, 0)});
}

fn other_job(world: &World, _: &Connection, record: &mut Value) {
    record["applications"][0]["job"] = json!({"id": world.open_jobs()[3]});
}

const APART: [Apart; 6] = [
    ("another job", |_, _| (), other_job),
    (
        "another job than that of a link without a base",
        |_, _| (),
        |world, acme, record| {
            let links = world.run(acme.links("ada")).unwrap();
            let mut link =
                links.into_iter().find(|link| link.path == "ada/applications/a").unwrap();
            link.applied.clear();
            world.run(world.store.put_links(&Guard::sole("acme"), vec![link])).unwrap();
            other_job(world, acme, record);
        },
    ),
    (
        "a prospect instead of an application",
        |_, _| (),
        |world, _, record| make_prospect(world, record),
    ),
    ("another pool", make_prospect, |world, _, record| {
        record["applications"][0]["pool"] = pool(world, 1)
    }),
    (
        "another job of a prospect",
        |world, record| {
            make_prospect(world, record);
            record["applications"][0]["job"] = json!({"id": world.open_jobs()[0]});
        },
        other_job,
    ),
    ("a prospect that was converted to an unknown application", make_prospect, |world, _, _| {
        let ada = id_of_ada(world);
        let id = |row: &Value| row["id"].as_i64().unwrap();
        let prospect = id(&world.sandbox.applications_of(ada)[0]);
        let job_id = world.open_jobs()[0].parse().unwrap();
        world.sandbox.recruiter(&Recruiter::Convert { application_id: prospect, job_id }).unwrap();
        let made = world
            .sandbox
            .applications_of(ada)
            .iter()
            .map(id)
            .find(|made| *made != prospect)
            .unwrap();
        world.sandbox.recruiter(&Recruiter::DeleteApplication { application_id: made }).unwrap();
    }),
];

#[test]
fn no_write_targets_a_linked_record_that_is_not_the_declared_one() {
    for (name, before, then) in APART {
        for policy in ["yield", "enforce"] {
            println!("== {name} {policy}");
            let mut world = world();
            world.settings.insert("stage_writes".into(), json!(true));
            let acme = world.connect();
            let mut record = json!({
                "key": "ada", "name": {"first": "Ada", "last": "Byron"},
                    "emails": ["ada@example.com"],
                "applications": [{"key": "a", "job": {"id": world.open_jobs()[0]}}],
            });
            before(&world, &mut record);
            world.bring(&acme, &record);
            then(&world, &acme, &mut record);
            let ada = id_of_ada(&world);
            let held = |world: &World| {
                let rows = |kind: &str| world.sandbox.rows_of_candidate(kind, ada);
                (world.sandbox.applications_of(ada), rows("attachments"), rows("notes"))
            };
            let there = held(&world);
            let application = record["applications"][0].as_object_mut().unwrap();
            application.insert(
                "source".into(),
                json!({"id": world.sandbox.rows("sources")[1]["id"].to_string()}),
            );
            application.insert("custom_fields".into(), json!({"referral_strength": "Strong"}));
            application.insert(
                "attachments".into(),
                json!([{"key": "g", "filename": "more.pdf", "type": "other",
                "url": "https://files.example.com/more.pdf"}]),
            );
            if application.get("kind").is_none() {
                application.insert("outcome".into(), json!("rejected"));
            }
            record["notes"] = json!([{"key": "m", "body": "About it.", "application": "a"}]);
            record["title"] = json!("Countess");
            let fields = ["source", "custom_fields", "stage", "outcome"];
            record["policy"] =
                fields.iter().map(|field| ((*field).to_owned(), json!(policy))).collect();
            let plan = world.bring(&acme, &record);
            assert_eq!(held(&world), there, "{}", words::plan(&plan));
            for host in ["ada/applications/a", "ada/notes/m"] {
                let said = plan.records[0].findings.iter().any(|finding| finding.path == host);
                assert!(said, "{host}: {}", words::plan(&plan));
            }
            let silent = plan.records[0]
                .findings
                .iter()
                .find(|finding| finding.reason == Reason::NotPlanned);
            assert!(silent.is_none(), "{}", words::plan(&plan));
            // The candidate itself is still synced, and no step is retried over and over.
            assert_eq!(
                world.sandbox.candidates_by_email("ada@example.com")[0]["title"],
                "Countess"
            );
            world.bring(&acme, &record);
            assert_eq!(world.written(), Vec::<String>::new());
        }
    }
}

/// How notes and files are linked without having been created by their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Declared under the key of a new record, and found by the probe before their create.
    ByLook,
    /// The host linked them.
    ByHand,
}

#[test]
fn an_adopted_item_keeps_its_identity_when_keys_shift_before_the_next_plan() {
    for (found, wait_ms) in
        [Found::ByLook, Found::ByHand].into_iter().flat_map(|found| [(found, 1), (found, 31_000)])
    {
        println!("{found:?}, shifted {wait_ms} ms later");
        let world = world();
        // An update of the candidate shows late, so the record is not planned again between the
        // declarations.
        world.sandbox.set_quirks(|quirks| {
            quirks.visibility_delays_ms.insert("candidates".into(), 118_000);
        });
        let jobs = world.open_jobs();
        let acme = world.connect();
        let record = |places: &[&str], title: &str| {
            let notes = places.iter().map(|one| (*one).to_owned()).collect();
            let files = places.iter().map(|one| format!("{one}.pdf")).collect();
            let mut record = Declaration { notes, files, applications: vec![0] }.record(&jobs);
            record["title"] = json!(title);
            record["policy"] = json!({"title": "enforce"});
            record
        };
        world.bring(&acme, &record(&["one", "two"], "A"));
        let before = links(&world, &acme);
        world.clock.set(world.clock.now_ms() + 600_000);
        world.run(acme.abandon("ada")).unwrap();
        world
            .run(acme.declare(&desired(&record(&["new", "one", "two"], "B").to_string())))
            .unwrap();
        if found == Found::ByHand {
            let paths =
                ["ada", "ada/applications/0", "ada/notes/0", "ada/applications/0/attachments/0"];
            let paths =
                paths.into_iter().chain(["ada/notes/1", "ada/applications/0/attachments/1"]);
            let kinds =
                ["candidates", "applications", "notes", "attachments", "notes", "attachments"];
            for (path, kind) in paths.zip(kinds) {
                let shifted = match path.rsplit_once('/') {
                    Some((place, key)) if !place.ends_with("applications") => {
                        format!("{place}/{}", key.parse::<usize>().unwrap() + 1)
                    }
                    _ => path.to_owned(),
                };
                world.run(acme.link(&shifted, &RemoteRef::new(kind, &before[path]))).unwrap();
            }
        } else {
            world.run(acme.sync()).unwrap();
        }
        world.clock.set(world.clock.now_ms() + wait_ms);
        world
            .run(acme.declare(&desired(&record(&["one", "two", "new"], "C").to_string())))
            .unwrap();
        for _ in 0..4 {
            world.run(acme.sync()).unwrap();
            world.clock.set(world.clock.now_ms() + 600_000);
        }
        rests(&world, &acme);
        let after = links(&world, &acme);
        for path in before.keys() {
            assert_eq!(after[path], before[path], "{path}");
        }
        let ada = id_of_ada(&world);
        assert_eq!(world.sandbox.rows_of_candidate("notes", ada).len(), 4);
        assert_eq!(world.sandbox.rows_of_candidate("attachments", ada).len(), 3);
    }
}

/// An item whose create is in doubt, and whose key the host gives to another item before any probe.
#[test]
fn keys_that_shift_while_a_create_is_in_doubt_duplicate_nothing() {
    let first = Declaration {
        notes: vec!["one".into()],
        files: vec!["one.pdf".into()],
        applications: vec![0],
    };
    let shifted = Declaration {
        notes: vec!["new".into(), "one".into()],
        files: vec!["new.pdf".into(), "one.pdf".into()],
        ..first.clone()
    };
    for path in ["/v3/notes", "/v3/attachments"] {
        for late_ms in [0, 5_000, 25_000] {
            for wait_ms in [0, 1_000, 30_000, 3_600_000] {
                for by_sync in [true, false] {
                    println!(
                        "{path} shows after {late_ms} ms; the host comes back after {wait_ms} ms, \
                         by sync: {by_sync}"
                    );
                    let mut world = world();
                    let jobs = world.open_jobs();
                    let acme = world.connect();
                    world.bring(
                        &acme,
                        &Declaration { notes: Vec::new(), files: Vec::new(), ..first.clone() }
                            .record(&jobs),
                    );
                    world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = late_ms);
                    world.clock.set(world.clock.now_ms() + 600_000);
                    world.wire.meddle(move |request| {
                        (request.method == "POST" && request.url.path().ends_with(path))
                            .then_some(Meddle::DieAfter)
                    });
                    world.run(acme.declare(&desired(&first.record(&jobs).to_string()))).unwrap();
                    assert!(world.live(acme.sync()).is_none());
                    world.restart();
                    let acme = world.connect();
                    world.run(acme.declare(&desired(&shifted.record(&jobs).to_string()))).unwrap();
                    world.clock.set(world.clock.now_ms() + wait_ms);
                    for _ in 0..4 {
                        if by_sync {
                            world.run(acme.sync()).unwrap();
                        } else {
                            let plan = world.run(acme.plan(PlanOf::All)).unwrap();
                            world.run(acme.apply(&plan)).unwrap();
                        }
                        world.clock.set(world.clock.now_ms() + 600_000);
                    }
                    assert_eq!(world.run(acme.open_intents()).unwrap(), Vec::new());
                    let ada = id_of_ada(&world);
                    let bodies = world
                        .sandbox
                        .notes_of(ada)
                        .into_iter()
                        .map(|row| row["body"].as_str().unwrap().to_owned());
                    let mut bodies: Vec<String> =
                        bodies.filter(|body| ["one", "new"].contains(&body.as_str())).collect();
                    bodies.sort();
                    assert_eq!(bodies, ["new", "one"]);
                    let files = world.sandbox.rows_of_candidate("attachments", ada);
                    let mut files: Vec<&str> =
                        files.iter().filter_map(|row| row["filename"].as_str()).collect();
                    files.sort_unstable();
                    assert_eq!(files, ["new.pdf", "one.pdf"]);
                    rests(&world, &acme);
                }
            }
        }
    }
}
