//! Section A: duplicate writes and lost writes.

use super::{
    ADA, ada, ada_with_everything, apply, blocked, bodies, bring, converge, count, declare,
    email_of, id_of, open_jobs, pass, plain_candidates, plan, recruiter, the_candidate, world,
    world_with_stages,
};
use atsync::internals::plan::words;
use atsync_greenhouse_sandbox::{
    CreateAnswer, Fault, FaultKind, FromStage, Recruiter, RepeatedTag,
};
use atsync_tests::World;
use serde_json::{Value, json};

const FAULTS: [FaultKind; 10] = [
    FaultKind::DropBefore,
    FaultKind::DropAfter,
    FaultKind::AppliedThen { status: 502 },
    FaultKind::AppliedThen { status: 504 },
    FaultKind::NotApplied { status: 500 },
    FaultKind::NotApplied { status: 503 },
    FaultKind::Truncate { bytes: 10 },
    FaultKind::Html,
    FaultKind::InvalidJson,
    FaultKind::TooManyRequests,
];

fn exactly_one_of_everything(world: &World) {
    let candidate = id_of(&the_candidate(world, ADA));
    assert_eq!(world.sandbox.applications_of(candidate).len(), 2);
    assert_eq!(world.sandbox.notes_of(candidate).len(), 1);
    assert_eq!(world.sandbox.rows_of_candidate("applied_candidate_tags", candidate).len(), 1);
    assert_eq!(world.sandbox.rows_of_candidate("attachments", candidate).len(), 1);
    let tags = world.sandbox.rows("candidate_tags");
    assert_eq!(tags.iter().filter(|tag| tag["name"] == "brand new tag").count(), 1);
}

/// Entry 1, and 49: every kind of create, under every fault that leaves open whether it happened.
#[test]
fn a_create_makes_exactly_one_record_whatever_its_answer() {
    let creates = [
        "candidates",
        "candidate_tags",
        "applied_candidate_tags",
        "notes",
        "applications",
        "attachments",
    ];
    for create in creates {
        for fault in FAULTS {
            println!("{create} meets {fault:?}");
            let world = world(|_| {});
            let acme = world.connect();
            if create.ends_with("tags") {
                // A new candidate's create carries its tags; on an existing one they are created
                // one by one.
                bring(&world, &acme, &ada(&json!({})));
            }
            world.sandbox.faults().add(Fault::once("POST", &format!("/v3/{create}"), fault));
            bring(&world, &acme, &ada_with_everything(&world));
            assert_eq!(world.sandbox.faults().rules()[0].times, Some(0), "the fault never fired");
            converge(&world, &acme, 4);
            exactly_one_of_everything(&world);
        }
    }
}

/// Entry 1: a write that may have arrived is never sent again before the settle window is over,
/// however long the answer takes.
#[test]
fn a_failed_create_is_not_sent_again_before_a_probe_could_have_shown_it() {
    let world = world(|_| {});
    let acme = world.connect();
    world.sandbox.faults().add(Fault::once(
        "POST",
        "/v3/candidates",
        FaultKind::NotApplied { status: 500 },
    ));
    bring(&world, &acme, &ada(&json!({})));
    let sent: Vec<i64> = world
        .sandbox
        .requests()
        .iter()
        .filter(|request| request.method == "POST" && request.path == "/v3/candidates")
        .map(|request| request.at_ms)
        .collect();
    assert_eq!(sent.len(), 2, "one failed, one made it");
    assert!(sent[1] - sent[0] >= 120_000, "sent again after {} ms", sent[1] - sent[0]);
    the_candidate(&world, ADA);
}

/// Entry 2: two candidates with the address are a condition to report, never a coin flip.
#[test]
fn two_candidates_with_one_address_block_the_record_and_are_both_named() {
    let world = world(|_| {});
    let acme = world.connect();
    let twins = &plain_candidates(&world)[..2];
    for twin in twins {
        recruiter(
            &world,
            &Recruiter::EditEmail { candidate_id: *twin, from: None, to: ADA.to_uppercase() },
        );
    }
    declare(&world, &acme, &[ada(&json!({"title": "Countess"}))]);
    let planned = plan(&world, &acme);
    assert!(planned.is_empty());
    for twin in twins {
        assert!(blocked(&planned).contains(&twin.to_string()), "{}", blocked(&planned));
    }
    apply(&world, &acme, &planned);
    assert_eq!(world.written(), Vec::<String>::new());
}

/// Entry 2: creation races are expected.
#[test]
fn a_candidate_that_a_recruiter_created_after_the_plan_is_adopted() {
    let world = world(|_| {});
    let acme = world.connect();
    declare(&world, &acme, &[ada(&json!({}))]);
    let planned = plan(&world, &acme);
    assert_eq!(planned.writes(), 1);
    let other = plain_candidates(&world)[0];
    recruiter(&world, &Recruiter::EditEmail { candidate_id: other, from: None, to: ADA.into() });
    let report = apply(&world, &acme, &planned);
    assert_eq!(report.count("adopted"), 1);
    assert_eq!(id_of(&the_candidate(&world, ADA)), other);
    assert_eq!(count(&world, "POST", "/v3/candidates"), 0);
}

/// Entry 2: two referrals of one candidate in one batch create one candidate.
#[test]
fn two_desired_records_with_one_address_make_one_candidate() {
    let world = world(|_| {});
    let acme = world.connect();
    let mut second = ada(&json!({}));
    second["key"] = json!("ref-2");
    declare(&world, &acme, &[ada(&json!({})), second]);
    let planned = plan(&world, &acme);
    assert!(blocked(&planned).contains("DuplicateDesired"), "{}", blocked(&planned));
    apply(&world, &acme, &planned);
    the_candidate(&world, ADA);
}

/// Entry 3: a created record does not show for a while, with its answer received or lost, under
/// each form of the answer.
#[test]
fn a_create_that_does_not_show_yet_is_neither_lost_nor_repeated() {
    for answer in [CreateAnswer::Wrapped, CreateAnswer::Bare, CreateAnswer::Stub] {
        for lost in [false, true] {
            println!("{answer:?}, answer lost: {lost}");
            let world = world(|quirks| {
                quirks.create_answer = answer;
                quirks.visibility_delay_ms = 60_000;
            });
            let acme = world.connect();
            if lost {
                world.sandbox.faults().add(Fault::once(
                    "POST",
                    "/v3/candidates",
                    FaultKind::DropAfter,
                ));
            }
            let job = open_jobs(&world)[0].to_string();
            declare(
                &world,
                &acme,
                &[ada(&json!({"applications": [{"key": "a1", "job": {"id": job}}]}))],
            );
            for _ in 0..4 {
                let planned = plan(&world, &acme);
                apply(&world, &acme, &planned);
            }
            converge(&world, &acme, 4);
            let candidate = id_of(&the_candidate(&world, ADA));
            assert_eq!(world.sandbox.applications_of(candidate).len(), 1);
        }
    }
}

/// Entry 4: PATCH replaces lists. An entry that a recruiter added between the plan and the apply
/// survives, in its order, and only what differs is sent.
#[test]
fn an_address_that_a_recruiter_added_between_plan_and_apply_survives() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({"phones": ["+44 20 1234"]})));
    let candidate = id_of(&the_candidate(&world, ADA));
    declare(
        &world,
        &acme,
        &[ada(&json!({"emails": [ADA, "ada@work.example"], "phones": ["+44 20 1234"]}))],
    );
    let planned = plan(&world, &acme);
    recruiter(
        &world,
        &Recruiter::EditEmail {
            candidate_id: candidate,
            from: None,
            to: "hers@example.org".into(),
        },
    );
    recruiter(&world, &Recruiter::AddTag { candidate_id: candidate, tag: "hers".into() });
    world.sandbox.clear_logs();
    apply(&world, &acme, &planned);
    let row = world.sandbox.row("candidates", candidate).unwrap();
    let emails: Vec<&str> = row["email_addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["value"].as_str().unwrap())
        .collect();
    assert_eq!(emails, [ADA, "hers@example.org", "ada@work.example"]);
    assert_eq!(row["tags"], json!(["hers"]));
    let sent = bodies(&world, "PATCH", "/v3/candidates");
    assert_eq!(sent.len(), 1);
    let members: Vec<&String> = sent[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["email_addresses"], "the smallest set of attributes");
    converge(&world, &acme, 2);
}

/// Entry 6: entries have no ids; the ones of others keep value, type, spelling and position, and
/// the engine removes only its own.
#[test]
fn entries_that_the_engine_did_not_add_are_never_cleaned_up() {
    let world = world(|_| {});
    let acme = world.connect();
    let candidate = plain_candidates(&world)[0];
    let email = email_of(&world, candidate);
    let theirs = json!([{"value": "(020) 1234-5", "type": "work"},
        {"value": "+1 555 0100", "type": "home"}, {"value": "(020) 1234-5", "type": "home"}]);
    let values = json!({"phone_numbers": theirs}).as_object().unwrap().clone();
    recruiter(&world, &Recruiter::Set { collection: "candidates".into(), id: candidate, values });
    let record = |phones: Value| json!({"key": "ref-1", "emails": [email], "phones": phones});
    bring(
        &world,
        &acme,
        &record(json!(["+1 (555) 01-00", {"value": "+49 30 77", "type": "work"}])),
    );
    let phones = |world: &World| {
        world.sandbox.row("candidates", candidate).unwrap()["phone_numbers"].clone()
    };
    let mut with_ours = theirs.as_array().unwrap().clone();
    with_ours.push(json!({"value": "+49 30 77", "type": "work"}));
    assert_eq!(phones(&world), Value::Array(with_ours));
    converge(&world, &acme, 2);
    // The engine removes its own entry; it keeps the one that existed before, although the record
    // named it.
    bring(&world, &acme, &record(json!([])));
    assert_eq!(phones(&world), theirs);
}

/// Entry 7: a duplicate note would be permanent. On an existing candidate, for each visibility,
/// under every fault.
#[test]
fn a_note_is_created_once_whatever_its_answer() {
    for fault in FAULTS {
        println!("{fault:?}");
        let world = world(|_| {});
        let acme = world.connect();
        bring(&world, &acme, &ada(&json!({})));
        let candidate = id_of(&the_candidate(&world, ADA));
        world.sandbox.faults().add(Fault::once("POST", "/v3/notes", fault));
        let notes: Vec<Value> = ["public", "private", "admin_only"]
            .iter()
            .map(|word| {
                json!({"key": word, "body": format!("A {word} word.\nTwo lines."),
                "visibility": word})
            })
            .collect();
        bring(&world, &acme, &ada(&json!({"notes": notes})));
        converge(&world, &acme, 3);
        assert_eq!(world.sandbox.notes_of(candidate).len(), 3);
    }
}

/// Entry 7: a recruiter left the same text already, before the plan or since; the engine adopts it
/// as the note.
#[test]
fn an_existing_note_is_not_created_again() {
    for since_the_plan in [false, true] {
        let world = world(|_| {});
        let acme = world.connect();
        let candidate = plain_candidates(&world)[0];
        let record = json!({"key": "ref-1", "emails": [email_of(&world, candidate)],
            "notes": [{"key": "n", "body": "Introduced by Sam."}]});
        let before = world.sandbox.notes_of(candidate).len();
        let leave = || {
            recruiter(
                &world,
                &Recruiter::AddNote { candidate_id: candidate, body: "Introduced by Sam.".into() },
            )
        };
        if !since_the_plan {
            leave();
        }
        declare(&world, &acme, &[record]);
        let planned = plan(&world, &acme);
        if since_the_plan {
            leave();
        }
        apply(&world, &acme, &planned);
        assert_eq!(world.sandbox.notes_of(candidate).len(), before + 1);
        converge(&world, &acme, 1);
    }
}

/// Entry 10: clients disagree which id `from_stage_id` is. Both readings get there, without a loop,
/// even if the operator has set the wrong one.
#[test]
fn a_move_succeeds_under_either_reading_of_its_stage_and_never_loops() {
    for from_stage in [FromStage::JobInterviewStage, FromStage::ApplicationStage] {
        for setting in [None, Some("stage-definition"), Some("application-stage")] {
            println!("{from_stage:?}, set to {setting:?}");
            let mut world = world_with_stages(|quirks| quirks.from_stage = from_stage);
            if let Some(setting) = setting {
                world.settings.insert("from_stage_reading".into(), json!(setting));
            }
            let acme = world.connect();
            let (job, stage) = (open_jobs(&world)[0], stage_at(&world, open_jobs(&world)[0], 1));
            let application = |stage: Value| {
                ada(&json!({"applications": [{"key": "a1", "job": {"id": job.to_string()},
                        "stage": stage}]}))
            };
            bring(&world, &acme, &application(Value::Null));
            world.sandbox.clear_logs();
            bring(&world, &acme, &application(json!(stage)));
            let candidate = id_of(&the_candidate(&world, ADA));
            assert_eq!(world.sandbox.applications_of(candidate)[0]["stage_name"], json!(stage));
            let moves = world.written().iter().filter(|line| line.ends_with("/move")).count();
            assert!((1..=2).contains(&moves), "{moves} moves were sent");
            converge(&world, &acme, 2);
        }
    }
}

/// Entry 10: a stage that a recruiter changed between plan and apply is not overwritten in a loop.
#[test]
fn a_move_that_greenhouse_refuses_is_tried_twice_at_most() {
    let world = world_with_stages(|_| {});
    let acme = world.connect();
    let job = open_jobs(&world)[0];
    let record = |stage: Value| {
        ada(&json!({"applications": [{"key": "a1", "job": {"id": job.to_string()},
                "stage": stage}]}))
    };
    bring(&world, &acme, &record(Value::Null));
    declare(&world, &acme, &[record(json!(stage_at(&world, job, 2)))]);
    let planned = plan(&world, &acme);
    let candidate = id_of(&the_candidate(&world, ADA));
    let application = id_of(&world.sandbox.applications_of(candidate)[0]);
    recruiter(
        &world,
        &Recruiter::Reject { application_id: application, rejection_reason_id: None },
    );
    world.sandbox.clear_logs();
    apply(&world, &acme, &planned);
    assert!(world.written().len() <= 2, "{:?}", world.written());
    assert_eq!(world.sandbox.row("applications", application).unwrap()["status"], "rejected");
}

/// The name of a stage of a job, by position.
pub(super) fn stage_at(world: &World, job: i64, place: usize) -> String {
    world.sandbox.rows_where("job_interview_stages", "job_id", job)[place]["name"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Entry 11: words differ between reading and writing. After an apply nothing differs, for every
/// field that can be declared, and it stays so.
#[test]
fn after_an_apply_the_plan_is_empty_for_every_field() {
    let world = world(|_| {});
    let acme = world.connect();
    let jobs = open_jobs(&world);
    let user =
        world.sandbox.rows("users").iter().find(|user| user["deactivated"] == false).unwrap()["id"]
            .to_string();
    let referrers = world.sandbox.rows("referrers");
    let referrer = referrers.iter().find(|row| row["user_id"].is_i64()).unwrap();
    let referrer_user = world.sandbox.row("users", referrer["user_id"].as_i64().unwrap()).unwrap();
    let record = ada(&json!({
        "name": {"first": "Ada", "last": "Byron", "preferred": "AAL"},
        "emails": ["Ada.Byron@Example.com", {"value": "ada@work.example", "type": "work"},
            {"value": "ada@x.example", "type": "other"}],
        "phones": ["+44 20 1234", {"value": "(030) 77 88", "type": "home"},
            {"value": "ada.skype", "type": "skype"}],
        "links": ["https://www.LinkedIn.com/in/ada/",
            {"value": "https://ada.example/blog", "type": "blog"},
            {"value": "ada.example", "type": "personal"}],
        "company": " Analytical ", "title": "Engineer", "private": false,
        "tags": ["New Tag", "new tag"],
        "notes": [{"key": "n1", "body": "one"},
            {"key": "n2", "body": "two", "visibility": "private"},
            {"key": "n3", "body": "three", "visibility": "admin_only", "application": "a1"}],
        "custom_fields": {
            "external_ref": "ref-1", "about": "Long\ntext", "needs_a_visa_": true,
                "seniority": "Senior", "languages": ["English", "Deutsch"],
            "salary_expectation": {"amount": "85000", "currency": "EUR"},
                "salary_range": {"min": "1", "max": "2.50", "currency": "USD"},
            "years_of_experience": 7.5, "hours_per_week": {"min": 20, "max": 40},
                "available_from": "2027-01-01",
            "portfolio": "https://ada.example", "buddy": user
        },
        "applications": [
            {"key": "a1", "job": {"id": jobs[0].to_string()}, "source": "Acme Referrals",
                "referrer": referrer_user["primary_email"],
             "custom_fields": {"external_ref": "app-1", "referral_strength": "Strong"}},
            {"key": "a2", "job": {"id": jobs[1].to_string()}, "source": "Referral"},
            {"key": "p1", "kind": "prospect", "pool": "Alumni", "pool_stage": "Contacted",
                "source": "Referral"},
            {"key": "p2", "kind": "prospect", "job": {"id": jobs[2].to_string()}}
        ]
    }));
    let report = bring(&world, &acme, &record);
    assert!(
        report.steps.iter().all(|step| step.end == atsync::internals::reconcile::StepEnd::Applied),
        "a step failed"
    );
    converge(&world, &acme, 3);
    pass(&world, 3_600_000);
    world.sandbox.clear_logs();
    let later = plan(&world, &acme);
    assert!(later.is_empty(), "{}", words::plan(&later));
    assert_eq!(later.records.iter().filter(|record| !record.findings.is_empty()).count(), 0);
}

/// Entry 11: fields set on an existing candidate, one update, then nothing.
#[test]
fn an_update_of_every_field_leaves_nothing_to_do() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({})));
    let record = ada(&json!({
        "name": {"first": "Augusta", "last": "King", "preferred": "AAL"},
        "emails": [ADA, {"value": "ada@work.example", "type": "work"}],
        "phones": [{"value": "(030) 77 88", "type": "home"}],
        "links": ["github.com/ada", {"value": "https://ada.example/", "type": "portfolio"}],
        "company": "Analytical", "title": "Engineer", "tags": ["x"],
        "custom_fields": {"external_ref": "ref-1", "seniority": "Mid", "languages": ["日本語"],
            "needs_a_visa_": false,
            "salary_expectation": {"amount": 5.5, "currency": "EUR"},
                "hours_per_week": {"min": "20", "max": "40"}}
    }));
    bring(&world, &acme, &record);
    world.sandbox.clear_logs();
    let again = plan(&world, &acme);
    assert!(again.is_empty());
    converge(&world, &acme, 1);
}

/// Entry 12: answers to a create come wrapped, bare or as a stub; the record is read back in each
/// case.
#[test]
fn the_answer_to_a_create_may_be_wrapped_bare_or_a_stub() {
    for answer in [CreateAnswer::Wrapped, CreateAnswer::Bare, CreateAnswer::Stub] {
        println!("{answer:?}");
        let world = world(|quirks| quirks.create_answer = answer);
        let acme = world.connect();
        bring(&world, &acme, &ada_with_everything(&world));
        converge(&world, &acme, 4);
        exactly_one_of_everything(&world);
        let id = the_candidate(&world, ADA)["id"].to_string();
        let row =
            world.run(acme.observed_one("candidates", &id)).unwrap().expect("it was read back");
        let body: Value = serde_json::from_str(&row.body).unwrap();
        assert_eq!(body["name"]["first"], "Ada");
    }
}

/// Entry 13: moves can mail the candidate. They are off until the connection opts in, and the plan
/// says so in either case.
#[test]
fn stages_and_outcomes_are_written_only_after_opting_in_and_the_plan_names_the_mail() {
    let job = |world: &World| open_jobs(world)[0];
    let declarations = [
        (json!({"stage": "replaced below"}), "may mail the candidate"),
        (
            json!({"outcome": "rejected", "reject_reason": "Took another offer"}),
            "may mail the candidate",
        ),
        (json!({"outcome": "hired"}), "the opening closes"),
    ];
    for (mut declaration, said) in declarations {
        for allowed in [false, true] {
            let world = if allowed { world_with_stages(|_| {}) } else { world(|_| {}) };
            if declaration.get("stage").is_some() {
                declaration["stage"] = json!(stage_at(&world, job(&world), 1));
            }
            let acme = world.connect();
            let mut application = json!({"key": "a1", "job": {"id": job(&world).to_string()}});
            bring(&world, &acme, &ada(&json!({"applications": [application]})));
            application.as_object_mut().unwrap().extend(declaration.as_object().unwrap().clone());
            declare(&world, &acme, &[ada(&json!({"applications": [application]}))]);
            world.sandbox.clear_logs();
            let planned = plan(&world, &acme);
            let words = words::plan(&planned).to_lowercase();
            assert!(words.contains(said), "{words}");
            if allowed {
                assert_eq!(planned.writes(), 1);
            } else {
                assert!(planned.is_empty());
                assert!(words.contains("stage_writes = true"), "{words}");
                apply(&world, &acme, &planned);
                assert_eq!(world.written(), Vec::<String>::new());
            }
        }
    }
}

/// Entry 14: a rejection needs a reason, and one that the tenant has; otherwise nothing is sent.
#[test]
fn a_rejection_without_a_known_reason_is_blocked_before_anything_is_sent() {
    let world = world_with_stages(|_| {});
    let acme = world.connect();
    let job = open_jobs(&world)[0].to_string();
    let record = |more: Value| {
        let mut application = json!({"key": "a1", "job": {"id": job}});
        application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ada(&json!({"applications": [application]}))
    };
    bring(&world, &acme, &record(json!({})));
    world.sandbox.clear_logs();
    for (declaration, said) in [
        (json!({"outcome": "rejected"}), "reject_reason"),
        (
            json!({"outcome": "rejected", "reject_reason": "Tok another offer"}),
            "did you mean \"Took another offer\"?",
        ),
        (json!({"outcome": "rejected", "reject_reason": {"id": "999999"}}), "999999"),
    ] {
        declare(&world, &acme, &[record(declaration)]);
        let planned = plan(&world, &acme);
        assert!(planned.is_empty());
        assert!(blocked(&planned).contains(said), "{}", blocked(&planned));
        apply(&world, &acme, &planned);
    }
    assert_eq!(world.written(), Vec::<String>::new());
    // A built-in one resolves too, although lists hide it by default.
    bring(&world, &acme, &record(json!({"outcome": "rejected", "reject_reason": "Withdrew"})));
    let candidate = id_of(&the_candidate(&world, ADA));
    assert_eq!(world.sandbox.applications_of(candidate)[0]["status"], "rejected");
    converge(&world, &acme, 2);
}

/// Entries 1 and 4: a tag added twice is one row, whether Greenhouse would refuse the second or
/// keep both.
#[test]
fn a_tag_is_added_once_whether_greenhouse_refuses_or_keeps_a_second_one() {
    for repeated in [RepeatedTag::AnotherRow, RepeatedTag::Refuse] {
        for fault in FAULTS {
            println!("{repeated:?} {fault:?}");
            let world = world(|quirks| quirks.repeated_tag = repeated);
            let acme = world.connect();
            bring(&world, &acme, &ada(&json!({})));
            let candidate = id_of(&the_candidate(&world, ADA));
            declare(&world, &acme, &[ada(&json!({"tags": ["t"]}))]);
            let planned = plan(&world, &acme);
            world.sandbox.faults().add(Fault::once("POST", "/v3/applied_candidate_tags", fault));
            apply(&world, &acme, &planned);
            converge(&world, &acme, 3);
            assert_eq!(
                world.sandbox.rows_of_candidate("applied_candidate_tags", candidate).len(),
                1
            );
        }
    }
}
