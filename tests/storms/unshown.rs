//! Writes that are answered as done and never show, or that a recruiter reverts each time.

use super::*;

/// A declaration, the requests that carry it, and the recruiter's act that reverts it.
struct Declaration {
    what: &'static str,
    more: Value,
    sends: fn(&str, &str) -> bool,
    undo: Box<dyn Fn(&Sandbox) -> Recruiter + Send>,
}

fn set(sandbox: &Sandbox, column: &str, value: Value) -> Recruiter {
    let values = [(column.to_owned(), value)].into_iter().collect();
    Recruiter::Set { collection: "candidates".into(), id: the_candidate(sandbox), values }
}

fn declarations(world: &World) -> Vec<Declaration> {
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
        Declaration {
            what: "a field",
            more: json!({"title": "Countess", "policy": {"title": "enforce"}}),
            sends: patches,
            undo: Box::new(|sandbox| set(sandbox, "title", json!("By hand"))),
        },
        Declaration {
            what: "a custom field, beside a field that takes",
            more: json!({"custom_fields": {"external_ref": "crm-1"}, "company": "Engines"}),
            sends: patches,
            undo: Box::new(|sandbox| Recruiter::SetCustomField {
                collection: "candidates".into(),
                id: the_candidate(sandbox),
                name_key: "external_ref".into(),
                value: json!("by hand"),
            }),
        },
        Declaration {
            what: "an entry of a list",
            more: json!({"phones": ["+44 20 7946 0000"], "policy": {"phones": "enforce"}}),
            sends: patches,
            undo: Box::new(|sandbox| {
                set(sandbox, "phone_numbers", json!([{"value": "1", "type": "home"}]))
            }),
        },
        Declaration {
            what: "a tag",
            more: json!({"tags": ["Countess"], "policy": {"tags": "enforce"}}),
            sends: |method, path| method == "POST" && path == "/v3/applied_candidate_tags",
            undo: Box::new(|sandbox| Recruiter::RemoveTag {
                candidate_id: the_candidate(sandbox),
                tag: "Countess".into(),
            }),
        },
        Declaration {
            what: "a stage",
            more: json!({"policy": {"stage": "enforce"},
                "applications": [{"key": "a", "job": {"id": job.to_string()}, "stage": stage(1)}]}),
            sends: |method, path| method == "POST" && path.ends_with("/move"),
            undo: Box::new(move |sandbox| Recruiter::Move {
                application_id: sandbox.applications_of(the_candidate(sandbox))[0]["id"]
                    .as_i64()
                    .unwrap(),
                stage_name: first.clone(),
            }),
        },
    ]
}

/// A world in which Ada exists without the declared value, with its application if it has one.
fn there(declaration: &Declaration) -> (World, Connection) {
    let mut world = World::new(1, 12);
    world.settings.insert("stage_writes".to_owned(), Value::Bool(true));
    let acme = world.connect();
    let mut plain = json!({});
    if let Some(job) = declaration.more["applications"][0].get("job") {
        plain["applications"] = json!([{"key": "a", "job": job}]);
    }
    world.run(acme.declare(&desired(&with(&plain)))).unwrap();
    world.run(acme.sync()).unwrap();
    // A value of another user, since no policy fills a field that was emptied. A tag that is not
    // there cannot be removed.
    let _ = world.sandbox.recruiter(&(declaration.undo)(&world.sandbox));
    world.clock.set(world.clock.now_ms() + 60 * MINUTE_MS);
    world.run(acme.sync()).unwrap();
    world.sandbox.clear_logs();
    (world, acme)
}

fn sent_for(world: &World, declaration: &Declaration) -> usize {
    let requests = world.sandbox.requests();
    requests.iter().filter(|request| (declaration.sends)(&request.method, &request.path)).count()
}

#[test]
fn a_write_answered_as_done_that_never_shows_is_sent_five_times_and_then_blocked() {
    let count = declarations(&World::new(1, 12)).len();
    for at in 0..count {
        let declaration = declarations(&World::new(1, 12)).remove(at);
        let (mut world, acme) = there(&declaration);
        let undoing = |world: &World| {
            let Declaration { sends, undo, .. } = declarations(world).remove(at);
            let sandbox = world.sandbox.clone();
            world.wire.edit(move |request, response| {
                if sends(&request.method, request.url.path()) && response.status < 300 {
                    sandbox.recruiter(&undo(&sandbox)).unwrap();
                }
            });
        };
        undoing(&world);
        world.run(acme.declare(&desired(&with(&declaration.more)))).unwrap();
        hours(&world, &acme, 1);
        drop(acme);
        world.restart();
        undoing(&world);
        let acme = world.connect();
        hours(&world, &acme, 2);
        let said = condition(&world, &acme, "ada");
        assert_eq!(
            sent_for(&world, &declaration),
            usize::try_from(SENDS_MAX).unwrap(),
            "{}: {said}",
            declaration.what
        );
        let words = "was sent 5 times and answered as done, and the ATS does not show it and waits \
            for a person";
        assert!(said.contains(words), "{}: {said}", declaration.what);
        assert!(
            world.run(acme.status()).unwrap().not_in_step["ada"].contains("waits for a person"),
            "{}",
            declaration.what
        );
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert!(plan.is_empty(), "{}", atsync::internals::plan::words::plan(&plan));
        assert!(
            atsync::internals::plan::words::plan(&plan).contains(words),
            "{}",
            declaration.what
        );
        assert!(
            world.run(acme.explain("ada")).unwrap().words().contains(words),
            "{}",
            declaration.what
        );
        // Each send is evidence.
        assert_eq!(
            said.split(" | ").next().unwrap().matches("not shown since").count(),
            5,
            "{said}"
        );
        // A user has it sent once more, and no oftener; then the ATS executes it.
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
        assert_eq!(sent_for(&world, &declaration), 6, "{}", declaration.what);
        world.wire.spare();
        world.run(acme.resolve(ended.id, Resolution::Retry)).unwrap();
        hours(&world, &acme, 1);
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert!(plan.is_empty(), "{}", atsync::internals::plan::words::plan(&plan));
        assert!(
            condition(&world, &acme, "ada").contains("the ATS holds what is desired"),
            "{}",
            declaration.what
        );
        assert_eq!(sent_for(&world, &declaration), 7, "{}", declaration.what);
        // It showed: an intent that is not in doubt is not sent again on a user's request.
        assert!(
            world.run(acme.resolve(ended.id, Resolution::Retry)).is_err(),
            "{}",
            declaration.what
        );
    }
}

#[test]
fn an_enforced_value_that_a_recruiter_reverts_is_restored_each_time() {
    for declaration in declarations(&World::new(1, 12)) {
        let (world, acme) = there(&declaration);
        world.run(acme.declare(&desired(&with(&declaration.more)))).unwrap();
        for round in 1..=8 {
            for _ in 0..3 {
                world.run(acme.sync()).unwrap();
                world.clock.set(world.clock.now_ms() + 20 * MINUTE_MS);
            }
            assert_eq!(
                sent_for(&world, &declaration),
                round,
                "{}: {}",
                declaration.what,
                condition(&world, &acme, "ada")
            );
            world.sandbox.recruiter(&(declaration.undo)(&world.sandbox)).unwrap();
            world.run(acme.sweep("applied_tags", SweepOptions::default())).unwrap();
        }
    }
}

#[test]
fn a_changed_declaration_starts_anew_after_sends_that_did_not_show() {
    let declaration = declarations(&World::new(1, 12)).remove(0);
    let (world, acme) = there(&declaration);
    let (sandbox, undo) = (world.sandbox.clone(), declarations(&world).remove(0).undo);
    world.wire.edit(move |request, _| {
        if request.method == "PATCH" {
            sandbox.recruiter(&undo(&sandbox)).unwrap();
        }
    });
    for (title, sends) in [("Countess", 5), ("Lady", 10)] {
        let mut more = declaration.more.clone();
        more["title"] = json!(title);
        world.run(acme.declare(&desired(&with(&more)))).unwrap();
        hours(&world, &acme, 2);
        assert_eq!(sent_for(&world, &declaration), sends, "{title}");
    }
}
