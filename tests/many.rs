//! More records than one write of the store takes.

use atsync::ConditionType;
use atsync::PlanOf;
use atsync::internals::plan::{Plan, words};
use atsync::internals::store::limits::PAGE_RECORDS_MAX;
use atsync::internals::store::memory::MemoryStore;
use atsync::model::desired::{Desired, DesiredCandidate};
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::{UpsetStore, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn a_plan_can_have_more_records_than_one_write_of_the_store_takes() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let many = PAGE_RECORDS_MAX + 1;
    let records: Vec<DesiredCandidate> = (0..many)
        .map(|number| {
            let record = json!({
                "key": format!("r{number}"),
                "name": { "first": "Some", "last": "Body" },
                "emails": [format!("r{number}@new.example.com")],
                "applications": [{ "key": "a", "job": "No Such Job At All" }],
            });
            serde_json::from_value(record).unwrap()
        })
        .collect();
    assert_eq!(world.run(acme.declare(&records)).unwrap().created as usize, many);
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert_eq!((plan.planned as usize, plan.blocked().count(), plan.writes()), (many, many, 0));
    for key in ["r0".to_owned(), format!("r{}", many - 1)] {
        let row = world.run(acme.desired(&key)).unwrap().unwrap();
        assert!(
            row.status.conditions.iter().any(|condition| condition.kind == ConditionType::Blocked),
            "{row:?}"
        );
    }
}

/// A long plan drops facts from time to time that the store can return again (more than 5,000
/// facts). Its own decisions must outlast that: which addresses were claimed, which records of the
/// ATS were adopted. Method: the same records planned as a file, which drops nothing, and as
/// declared, which does; records of the same candidate, new or known, are far apart.
#[test]
fn a_plan_that_drops_facts_on_its_way_equals_the_plan_that_keeps_all() {
    let first = World::new(1, 60);
    let store = UpsetStore::new(Arc::new(MemoryStore::default()), Arc::default());
    let world = World::with(
        first.sandbox.clone(),
        Arc::clone(&first.clock),
        Arc::clone(&store) as _,
        Arc::clone(&first.adapter),
    );
    let candidates = world.sandbox.rows("candidates");
    let known: Vec<&str> = candidates
        .iter()
        .filter_map(|row| row["email_addresses"][0]["value"].as_str())
        .take(20)
        .collect();
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] != true && job["confidential"] != true
    };
    let job = jobs.iter().find(open).unwrap()["id"].to_string();
    let many = 4_000;
    let record = |number: usize| {
        let email = match number {
            // The first and the last mean candidates whom the ATS knows; in between are pairs that
            // mean one new candidate, far apart.
            number if number < 20 => known[number].to_owned(),
            number if number >= many - 20 => known[many - 1 - number].to_owned(),
            number => format!("n{}@new.example.com", number % (many - 1_000)),
        };
        let record = json!({
            "key": format!("r{number:05}"), "name": { "first": "Some", "last": "Body" },
                "emails": [email, format!("x{number}@new.example.com"),
                format!("y{number}@new.example.com")],
            "tags": [format!("tag {}", number % 7)],
                "applications": [{ "key": "a", "job": { "id": job } }],
        });
        Desired::from(serde_json::from_value::<DesiredCandidate>(record).unwrap())
    };
    let records: Vec<Desired> = (0..many).map(record).collect();
    let acme = world.connect();
    let asked = |of: PlanOf<'_>| {
        let before = store.lookups();
        let plan = world.run(acme.plan(of)).unwrap();
        (plan, store.lookups() - before)
    };
    let (whole, lookups) = asked(PlanOf::Records(&records));
    assert_eq!(world.run(acme.declare(&records)).unwrap().created as usize, many);
    let (forgetful, lookups_again) = asked(PlanOf::All);
    println!(
        "{lookups} lookups, and {lookups_again} with facts dropped; {}",
        words::summary(&whole)
    );
    assert!(lookups_again > lookups, "no fact was dropped, so nothing was tried");
    assert!(lookups > 5_000, "{lookups} facts are not enough");
    let reasons: BTreeSet<&str> = whole
        .records
        .iter()
        .flat_map(|record| &record.findings)
        .map(|finding| finding.reason.as_str())
        .collect();
    println!("{reasons:?}");
    assert!(whole.blocked().count() >= 900, "pairs block each other: {reasons:?}");
    for (one, other) in whole.records.iter().zip(&forgetful.records) {
        assert_eq!(one, other);
    }
    // The cost of planning is not part of the comparison.
    let said = |plan: &Plan| {
        let mut plan = plan.clone();
        plan.calls_made = 0;
        plan
    };
    assert_eq!(said(&whole), said(&forgetful));
}

/// Records that affect each other, as far apart as possible: two of one new candidate, two of one
/// that the ATS has, two hires into one opening, two custom fields of one name.
fn entangled(world: &World) -> Vec<Desired> {
    let known = world.sandbox.rows("candidates");
    let known = known.iter().find_map(|row| row["email_addresses"][0]["value"].as_str()).unwrap();
    let openings = world.sandbox.rows("openings");
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] != true && job["confidential"] != true
    };
    let job = jobs.iter().find(open).unwrap();
    let opening = openings
        .iter()
        .find(|opening| opening["job_id"] == job["id"] && opening["open"] == true)
        .unwrap();
    let hire = json!([{"key": "h", "job": {"id": job["id"].to_string()}, "outcome": "hired",
        "opening": {"id": opening["id"].to_string()}}]);
    let candidate = |key: &str, email: &str, applications: &Value| {
        let tags = if key.starts_with("known") { json!(["one tag"]) } else { json!([]) };
        json!({"key": key, "name": {"first": "Some", "last": "Body"}, "emails": [email],
            "tags": tags,
            "custom_fields": {"channel": "Portal"}, "applications": applications})
    };
    let field = |key: &str| {
        json!({"kind": "custom_fields", "key": key, "applies_to": "candidate",
        "type": "single", "name": "Channel", "options": ["Portal"]})
    };
    let none = json!([]);
    let mut all = vec![field("channel"), field("channel_too")];
    for half in ["1", "2"] {
        all.push(candidate(&format!("new{half}"), "one@new.example.com", &none));
        all.push(candidate(&format!("known{half}"), known, &none));
        all.push(candidate(&format!("hire{half}"), &format!("hire{half}@new.example.com"), &hire));
        all.push(candidate(
            &format!("plain{half}"),
            &format!("plain{half}@new.example.com"),
            &none,
        ));
    }
    let line = |record: Value| atsync_tests::desired(&record.to_string()).remove(0);
    all.into_iter().map(line).collect()
}

fn hiring_world() -> World {
    let mut world = World::new(1, 60);
    world.settings.insert("stage_writes".into(), json!(true));
    world
}

#[test]
fn a_plan_in_parts_equals_the_plan_of_all_for_any_parts() {
    let world = hiring_world();
    let acme = world.connect();
    let records = entangled(&world);
    let whole = world.run(acme.plan(PlanOf::Records(&records))).unwrap();
    let blocked: Vec<&str> = whole.blocked().map(|finding| finding.path.as_str()).collect();
    assert_eq!(blocked.len(), 4, "one of each pair: {}", words::plan(&whole));
    for size in 1..=records.len() {
        let mut planner = acme.planner();
        let mut parts = Vec::new();
        for some in records.chunks(size) {
            parts.extend(world.run(planner.plan(some)).unwrap().records);
        }
        assert_eq!(whole.records, parts, "in parts of {size}");
    }
}

#[test]
fn a_sync_in_bounded_batches_does_the_same_as_one_of_all_records() {
    let outcome = |records_at_once: usize| {
        let world = hiring_world();
        let mut options = world.options();
        options.records_at_once = records_at_once;
        let acme = world.run(world.engine().connect(options)).unwrap();
        let records = entangled(&world);
        world.run(acme.declare(&records)).unwrap();
        world.sandbox.clear_logs();
        let (plan, report) = world.run(acme.sync()).unwrap();
        let requests: Vec<String> = world
            .sandbox
            .requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.path))
            .collect();
        let lists = requests.iter().filter(|request| *request == "GET /v3/candidates").count();
        println!(
            "{records_at_once} at once: {} requests, {lists} of candidates; {}",
            requests.len(),
            words::summary(&plan)
        );
        assert!(plan.records.len() <= records_at_once, "{}", plan.records.len());
        assert_eq!(plan.planned as usize, records.len());
        // Ids follow the order of creation, which differs in parts.
        let without_ids = |one: String| {
            one.split('/')
                .map(|part| if part.parse::<u64>().is_ok() { "…" } else { part })
                .collect::<Vec<_>>()
                .join("/")
        };
        let mut written: Vec<String> = world.written().into_iter().map(without_ids).collect();
        let fields = written.iter().position(|one| one == "POST /v3/custom_fields");
        let candidates = written.iter().position(|one| one == "POST /v3/candidates");
        assert!(fields < candidates, "the fields that values name are created first: {written:?}");
        written.sort();
        let mut steps: Vec<(String, String)> =
            report.steps.iter().map(|step| (step.path.clone(), step.operation.clone())).collect();
        steps.sort();
        let mut in_step = Vec::new();
        for record in &records {
            let row = world.run(acme.desired(&record.key())).unwrap().unwrap();
            in_step.push((
                record.key(),
                row.status
                    .conditions
                    .iter()
                    .any(|condition| condition.kind == ConditionType::Synced && condition.status),
            ));
        }
        (written, steps, in_step, (report.in_step, report.not_in_step))
    };
    let whole = outcome(5_000);
    assert_eq!(whole.3.1, 4, "{:?}", whole.2);
    for at_once in [1, 2, 3, 7] {
        assert_eq!(outcome(at_once), whole, "{at_once} at once");
    }
}

/// A create that failed, or is in doubt, is still the one that the next part must not repeat.
#[test]
fn a_claim_of_one_batch_holds_for_the_next_ones_although_applying_it_failed() {
    for fault in [
        FaultKind::NotApplied { status: 422 },
        FaultKind::NotApplied { status: 500 },
        FaultKind::DropBefore,
    ] {
        let world = World::new(1, 20);
        let mut options = world.options();
        options.records_at_once = 1;
        let acme = world.run(world.engine().connect(options)).unwrap();
        let candidate = |key: &str| {
            let record = json!({"key": key, "name": {"first": "Some", "last": "Body"},
                "emails": ["one@new.example.com"]});
            Desired::from(serde_json::from_value::<DesiredCandidate>(record).unwrap())
        };
        world.run(acme.declare(&[candidate("a"), candidate("b")])).unwrap();
        world.sandbox.faults().add(Fault::once("POST", "/v3/candidates", fault));
        world.run(acme.sync()).unwrap();
        let b = world.run(acme.desired("b")).unwrap().unwrap();
        let reasons: Vec<&str> =
            b.status.conditions.iter().map(|condition| condition.reason.as_str()).collect();
        assert!(reasons.contains(&"DuplicateDesired"), "{fault:?}: {:?}", b.status);
        assert_eq!(world.run(acme.links("b")).unwrap(), vec![], "{fault:?}");
    }
}

/// Two connections of one engine, each with a record of the same key.
#[test]
fn a_plan_is_carried_out_by_its_own_connection_only() {
    let world = World::new(1, 12);
    let acme = world.connect();
    let mut options = world.options();
    options.name = "other".to_owned();
    let other = world.run(world.engine().connect(options)).unwrap();
    let record = |first: &str, email: &str| {
        let record =
            json!({"key": "ref-1", "name": {"first": first, "last": "Byron"}, "emails": [email]});
        Desired::from(serde_json::from_value::<DesiredCandidate>(record).unwrap())
    };
    world.run(acme.declare(&[record("Ada", "ada@example.com")])).unwrap();
    world.run(other.declare(&[record("Bob", "bob@example.com")])).unwrap();
    let plan = world.run(other.plan(PlanOf::All)).unwrap();
    world.sandbox.clear_logs();
    let refused = world.run(acme.apply(&plan)).unwrap_err();
    assert!(
        refused.to_string().contains("acme") && refused.to_string().contains("`other`"),
        "{refused}"
    );
    assert_eq!((world.written(), world.reads()), (Vec::new(), Vec::new()), "nothing was sent");
}
