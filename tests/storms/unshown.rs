//! Writes that are answered as done and never show, or are taken back each time.

use super::*;

/// A wish, which requests carry it, and what takes its effect back.
struct Wish {
    what: &'static str,
    more: Value,
    sends: fn(&str, &str) -> bool,
    undo: Box<dyn Fn(&Sandbox) -> Recruiter + Send>,
}

fn set(sandbox: &Sandbox, column: &str, value: Value) -> Recruiter {
    let values = [(column.to_owned(), value)].into_iter().collect();
    Recruiter::Set { collection: "candidates".into(), id: the_person(sandbox), values }
}

fn wishes(world: &World) -> Vec<Wish> {
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] != true && job["confidential"] != true
    };
    let job = jobs.iter().find(open).unwrap()["id"].as_i64().unwrap();
    let stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
    let stage = |place: usize| stages[place]["name"].as_str().unwrap().to_owned();
    let first = stage(0);
    let patches =
        |method: &str, path: &str| method == "PATCH" && path.starts_with("/v3/candidates/");
    vec![
        Wish {
            what: "a field",
            more: json!({"title": "Countess", "policy": {"title": "enforce"}}),
            sends: patches,
            undo: Box::new(|sandbox| set(sandbox, "title", json!("By hand"))),
        },
        Wish {
            what: "a custom field, beside a field that takes",
            more: json!({"custom_fields": {"external_ref": "crm-1"}, "company": "Engines"}),
            sends: patches,
            undo: Box::new(|sandbox| Recruiter::SetCustomField {
                collection: "candidates".into(),
                id: the_person(sandbox),
                name_key: "external_ref".into(),
                value: json!("by hand"),
            }),
        },
        Wish {
            what: "an entry of a list",
            more: json!({"phones": ["+44 20 7946 0000"], "policy": {"phones": "enforce"}}),
            sends: patches,
            undo: Box::new(|sandbox| {
                set(sandbox, "phone_numbers", json!([{"value": "1", "type": "home"}]))
            }),
        },
        Wish {
            what: "a tag",
            more: json!({"tags": ["Countess"], "policy": {"tags": "enforce"}}),
            sends: |method, path| method == "POST" && path == "/v3/applied_candidate_tags",
            undo: Box::new(|sandbox| Recruiter::RemoveTag {
                candidate_id: the_person(sandbox),
                tag: "Countess".into(),
            }),
        },
        Wish {
            what: "a stage",
            more: json!({"policy": {"stage": "enforce"},
                "applications": [{"key": "a", "job": {"id": job.to_string()}, "stage": stage(1)}]}),
            sends: |method, path| method == "POST" && path.ends_with("/move"),
            undo: Box::new(move |sandbox| Recruiter::Move {
                application_id: sandbox.applications_of(the_person(sandbox))[0]["id"]
                    .as_i64()
                    .unwrap(),
                stage_name: first.clone(),
            }),
        },
    ]
}

/// A world in which Ada is there as she is without the wish, with its application where it has one.
fn there(wish: &Wish) -> (World, Connection) {
    let mut world = World::new(1, 12);
    world.settings.insert("stage_writes".to_owned(), Value::Bool(true));
    let acme = world.connect();
    let mut plain = json!({});
    if let Some(job) = wish.more["applications"][0].get("job") {
        plain["applications"] = json!([{"key": "a", "job": job}]);
    }
    world.run(acme.declare(&desired(&with(&plain)))).unwrap();
    world.run(acme.sync()).unwrap();
    // A value of somebody else's, since what was emptied is put back by no policy. A tag that is
    // not on cannot be taken off.
    let _ = world.sandbox.recruiter(&(wish.undo)(&world.sandbox));
    world.clock.set(world.clock.now_ms() + 60 * MINUTE_MS);
    world.run(acme.sync()).unwrap();
    world.sandbox.clear_logs();
    (world, acme)
}

fn sent_for(world: &World, wish: &Wish) -> usize {
    let requests = world.sandbox.requests();
    requests.iter().filter(|request| (wish.sends)(&request.method, &request.path)).count()
}

#[test]
fn a_write_answered_as_done_that_never_shows_is_sent_five_times_and_then_blocked() {
    let count = wishes(&World::new(1, 12)).len();
    for at in 0..count {
        let wish = wishes(&World::new(1, 12)).remove(at);
        let (mut world, acme) = there(&wish);
        let undoing = |world: &World| {
            let Wish { sends, undo, .. } = wishes(world).remove(at);
            let sandbox = world.sandbox.clone();
            world.wire.edit(move |request, response| {
                if sends(&request.method, request.url.path()) && response.status < 300 {
                    sandbox.recruiter(&undo(&sandbox)).unwrap();
                }
            });
        };
        undoing(&world);
        world.run(acme.declare(&desired(&with(&wish.more)))).unwrap();
        hours(&world, &acme, 1);
        drop(acme);
        world.restart();
        undoing(&world);
        let acme = world.connect();
        hours(&world, &acme, 2);
        let said = condition(&world, &acme, "ada");
        assert_eq!(
            sent_for(&world, &wish),
            usize::try_from(SENDS_MAX).unwrap(),
            "{}: {said}",
            wish.what
        );
        let words = "was sent 5 times and answered as done, and the ATS does not show it and waits \
            for a person";
        assert!(said.contains(words), "{}: {said}", wish.what);
        assert!(
            world.run(acme.status()).unwrap().not_in_step["ada"].contains("waits for a person"),
            "{}",
            wish.what
        );
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert!(plan.is_empty(), "{}", atsync::internals::plan::words::plan(&plan));
        assert!(atsync::internals::plan::words::plan(&plan).contains(words), "{}", wish.what);
        assert!(world.run(acme.explain("ada")).unwrap().words().contains(words), "{}", wish.what);
        // Each send is evidence.
        assert_eq!(
            said.split(" | ").next().unwrap().matches("not shown since").count(),
            5,
            "{said}"
        );
        // A person has it sent once more, and no oftener; then the ATS does what it says.
        let number: u64 = said
            .split("`Connection::resolve`, intent ")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let ended = world.run(acme.resolve(number, Resolution::Retry)).unwrap();
        assert!(matches!(ended.state, IntentState::Applied { .. }), "{ended:?}");
        hours(&world, &acme, 1);
        assert_eq!(sent_for(&world, &wish), 6, "{}", wish.what);
        world.wire.spare();
        world.run(acme.resolve(ended.id, Resolution::Retry)).unwrap();
        hours(&world, &acme, 1);
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert!(plan.is_empty(), "{}", atsync::internals::plan::words::plan(&plan));
        assert!(
            condition(&world, &acme, "ada").contains("the ATS holds what is desired"),
            "{}",
            wish.what
        );
        assert_eq!(sent_for(&world, &wish), 7, "{}", wish.what);
        // It showed: a doubtless intent is not sent again at a person's word.
        assert!(world.run(acme.resolve(ended.id, Resolution::Retry)).is_err(), "{}", wish.what);
    }
}

#[test]
fn an_enforced_value_that_a_recruiter_reverts_is_restored_each_time() {
    for wish in wishes(&World::new(1, 12)) {
        let (world, acme) = there(&wish);
        world.run(acme.declare(&desired(&with(&wish.more)))).unwrap();
        for round in 1..=8 {
            for _ in 0..3 {
                world.run(acme.sync()).unwrap();
                world.clock.set(world.clock.now_ms() + 20 * MINUTE_MS);
            }
            assert_eq!(
                sent_for(&world, &wish),
                round,
                "{}: {}",
                wish.what,
                condition(&world, &acme, "ada")
            );
            world.sandbox.recruiter(&(wish.undo)(&world.sandbox)).unwrap();
            world.run(acme.sweep("applied_tags", SweepOptions::default())).unwrap();
        }
    }
}

#[test]
fn a_changed_declaration_starts_anew_after_sends_that_did_not_show() {
    let wish = wishes(&World::new(1, 12)).remove(0);
    let (world, acme) = there(&wish);
    let (sandbox, undo) = (world.sandbox.clone(), wishes(&world).remove(0).undo);
    world.wire.edit(move |request, _| {
        if request.method == "PATCH" {
            sandbox.recruiter(&undo(&sandbox)).unwrap();
        }
    });
    for (title, sends) in [("Countess", 5), ("Lady", 10)] {
        let mut more = wish.more.clone();
        more["title"] = json!(title);
        world.run(acme.declare(&desired(&with(&more)))).unwrap();
        hours(&world, &acme, 2);
        assert_eq!(sent_for(&world, &wish), sends, "{title}");
    }
}
