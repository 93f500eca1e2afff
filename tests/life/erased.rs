//! An erased candidate stays erased: in a pull, in a plan, and in the bytes of the file.

use super::*;
use atsync::Reason;

#[test]
fn an_erased_candidate_is_not_brought_back_by_a_full_pull_or_a_declaration() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let record = ada(&json!({"tags": ["vip"], "notes": [{"key": "n", "body": "Byron was here."}]}));
    assert!(sync(&world, &acme, &record).1.is_complete());
    for kind in ["candidates", "notes"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    let made = ada_id(&world);
    let before = world.run(acme.status()).unwrap().changes_last;
    let report = world.run(acme.erase(&Person::Email(ADA.into()))).unwrap();
    assert_eq!((report.desired, report.addresses_shared), (1, 0), "{report:?}");
    let told = feed(&world, &acme, before);
    assert!(told.iter().all(|change| change.what == ChangeWhat::Erased) && !told.is_empty());
    world.sandbox.clear_logs();
    for kind in ["candidates", "applications", "applied_tags", "notes"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    assert!(world.run(acme.observed_one("candidates", &made.to_string())).unwrap().is_none());
    let declared = world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    assert_eq!((declared.erased, declared.created), (1, 0));
    assert!(world.run(acme.sync()).unwrap().0.is_empty());
    assert_eq!(world.written(), Vec::<String>::new(), "the ATS is not touched");
    let everything = format!("{:?}", feed(&world, &acme, 0));
    assert!(!everything.contains(ADA) && !everything.contains("Byron"));
    assert!(world.run(acme.undo_erasure(&Person::Key("ref-1".into()))).unwrap());
    world.run(acme.pull_full("candidates")).unwrap();
    assert!(world.run(acme.observed_one("candidates", &made.to_string())).unwrap().is_some());
}

/// Her data in the file, as bytes: everything that was desired, observed, applied, attempted and
/// reported.
fn traces<'w>(path: &std::path::Path, more: &'w str) -> Vec<&'w str> {
    let bytes = std::fs::read(path).unwrap();
    let words = [
        ADA,
        "Byron",
        "Analytical",
        "+44 20 1234",
        "Byron was here",
        "new.home@example.com",
        "ada-resume.pdf",
        "ada-byron-cv",
        more,
    ];
    let held = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    words.iter().filter(held).copied().collect()
}

/// The test searches the file itself. A candidate was stored in it in every way: declared, created,
/// changed on both sides, merged into, written about, in doubt, planned and moved; then she is
/// erased and the file is rewritten.
#[test]
fn no_byte_of_an_erased_candidate_is_left_in_a_compacted_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("acme.redb");
    let mut options = RedbOptions::default();
    options.inline = true;
    let store = Arc::new(RedbStore::open(&path, options, SeededEntropy::new(1).as_ref()).unwrap());
    let first = World::new(1, 60);
    let world = World::with(
        first.sandbox.clone(),
        Arc::clone(&first.clock),
        store as _,
        Arc::clone(&first.adapter),
    );
    let acme = world.connect();
    let job = world
        .sandbox
        .rows("jobs")
        .into_iter()
        .find(|job| job["status"] == "open" && job["is_template"] != true);
    let record = ada(&json!({"company": "Analytical", "phones": ["+44 20 1234"], "tags": ["vip"],
        "notes": [{"key": "n", "body": "Byron was here."}],
        "applications": [{"key": "a1", "job": {"id": job.unwrap()["id"].to_string()},
            "attachments": [{"key": "cv", "type": "resume", "filename": "ada-resume.pdf",
                "url": "https://files.example.com/ada-byron-cv"}]}]}));
    let (plan, report) = sync(&world, &acme, &record);
    assert!(report.is_complete(), "{} {report:#?}", words::plan(&plan));
    let candidate_id = ada_id(&world);
    let (other, others) = addressed_candidate(&world);
    world.clock.set(world.clock.now_ms() + 3_600_000);
    world
        .sandbox
        .recruiter(&Recruiter::EditEmail {
            candidate_id,
            from: None,
            to: "new.home@example.com".into(),
        })
        .unwrap();
    world
        .sandbox
        .recruiter(&Recruiter::Merge { candidate_id, secondary_candidate_id: other })
        .unwrap();
    for kind in ["candidates", "applications", "applied_tags", "notes", "attachments"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    // One of her changes stays in doubt.
    let mut changed = record.clone();
    changed["title"] = json!("Countess Byron");
    world.run(acme.declare(&desired(&changed.to_string()))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    world.sandbox.faults().add(Fault::once("PATCH", "/v3/candidates", FaultKind::DropBefore));
    world.sandbox.faults().add(Fault::always("/v3/candidates", FaultKind::Unauthorized).after(2));
    drop(world.run(acme.apply(&plan)));
    world.sandbox.faults().clear();
    world.run(acme.acknowledge("mirror", 3)).unwrap();
    let report = world.run(acme.erase(&Person::Key("ref-1".into()))).unwrap();
    assert!(
        report.desired == 1 && report.observed > 3 && report.intents > 3 && report.changes > 3,
        "{report:?}"
    );
    drop((acme, world, first));

    let left = traces(&path, &others);
    println!("left in unused pages: {left:?}");
    assert!(
        left.contains(&ADA) && left.contains(&others.as_str()),
        "unused pages keep removed bytes, or this test proves nothing"
    );
    RedbStore::compact(&path, RedbOptions::default(), SeededEntropy::new(2).as_ref()).unwrap();
    assert_eq!(traces(&path, &others), Vec::<&str>::new());
    // The import stays blocked all the same.
    let store = RedbStore::open(&path, options, SeededEntropy::new(3).as_ref()).unwrap();
    let again = Declaration {
        key: "anew".into(),
        body: json!({"key": "anew", "emails": [ADA]}).to_string(),
    };
    let kept = futures_util::future::FutureExt::now_or_never(store.kept_away("acme", vec![again]))
        .unwrap();
    assert_eq!(kept.unwrap(), ["anew"]);
}

/// A plan that is shown and one that is applied agree: each names every erased candidate, and not
/// even the tag that only their record needs is created.
#[test]
fn a_plan_names_the_erased_candidates_and_does_nothing_for_them() {
    let world = World::new(1, 60);
    let acme = world.connect();
    assert!(sync(&world, &acme, &ada(&json!({}))).1.is_complete());
    world.run(acme.erase(&Person::Key("ref-1".into()))).unwrap();
    world.sandbox.clear_logs();
    let mut other = json!({"key": "ref-2", "name": {"first": "Bo", "last": "Li"},
        "emails": ["bo@example.com"]});
    // A new candidate's create carries its tags; on an existing one they are steps of their own.
    assert!(sync(&world, &acme, &other).1.is_complete());
    world.sandbox.clear_logs();
    other["tags"] = json!(["for both"]);
    let lines = format!("{}\n{}\n{other}", ada(&json!({"tags": ["hers alone", "for both"]})), {
        // The same candidate under another key.
        let mut again = ada(&json!({"tags": ["hers alone"]}));
        again["key"] = json!("again");
        again
    });
    let records = desired(&lines);
    let plan = world.run(acme.plan(PlanOf::Records(&records))).unwrap();
    for key in ["ref-1", "again"] {
        let planned = plan.records.iter().find(|record| record.key == key).unwrap();
        assert!(
            planned.steps.is_empty() && planned.note(Reason::CandidateErased).is_some(),
            "{}",
            words::plan(&plan)
        );
    }
    let shared: Vec<&str> = plan.shared.iter().map(|step| step.path.as_str()).collect();
    assert_eq!(
        (shared, plan.blocked().count()),
        (vec!["~tags/for both"], 0),
        "{}",
        words::plan(&plan)
    );
    assert_eq!(world.run(acme.declare(&records)).unwrap().erased, 2);
    let report = world.run(acme.apply(&plan)).unwrap();
    assert!(report.is_complete() && (report.in_step, report.not_in_step) == (1, 0), "{report:#?}");
    let tags = world.sandbox.rows("candidate_tags");
    assert!(
        tags.iter().any(|tag| tag["name"] == "for both")
            && tags.iter().all(|tag| tag["name"] != "hers alone")
    );
}

#[test]
fn no_shared_record_is_created_for_candidates_erased_after_the_plan() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let mut bo = json!({"key": "ref-2", "name": {"first": "Bo", "last": "Li"},
        "emails": ["bo@example.com"]});
    for bare in [&bo, &ada(&json!({}))] {
        assert!(sync(&world, &acme, bare).1.is_complete());
    }
    bo["tags"] = json!(["for both"]);
    let lines = format!("{}\n{bo}", ada(&json!({"tags": ["hers alone", "for both"]})));
    world.run(acme.declare(&desired(&lines))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert_eq!(plan.shared.len(), 2);
    world.run(acme.erase(&Person::Key("ref-1".into()))).unwrap();
    world.sandbox.clear_logs();
    world.run(acme.apply(&plan)).unwrap();
    let tags = world.sandbox.rows("candidate_tags");
    assert!(
        tags.iter().any(|tag| tag["name"] == "for both")
            && tags.iter().all(|tag| tag["name"] != "hers alone")
    );
    assert_eq!(tags_of(&world, ada_id(&world)), 0);
    let bo = world.sandbox.candidates_by_email("bo@example.com")[0]["id"].as_i64().unwrap();
    assert_eq!(tags_of(&world, bo), 1);
}
