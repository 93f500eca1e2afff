//! Entries about the identity of a record: merged, converted, anonymised, hidden, deleted, hired,
//! rejected. The engine never undoes a recruiter's change by accident.

use super::{
    ADA, ada, apply, blocked, bring, converge, count, declare, id_of, open_jobs, pass,
    plain_candidates, plan, recruiter, the_candidate, world, world_with_stages,
};
use atsync_greenhouse_sandbox::{CreateAnswer, Fault, FaultKind, FromStage, Recruiter, Rows};
use atsync_tests::World;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

fn with_application(world: &World, more: &Value) -> Value {
    let mut application = json!({"key": "a1", "job": {"id": open_jobs(world)[0].to_string()}});
    application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ada(&json!({"applications": [application]}))
}

/// Plans and applies a few times over some hours.
pub(crate) fn live_on(world: &World, acme: &atsync::Connection) {
    for _ in 0..3 {
        let planned = plan(world, acme);
        apply(world, acme, &planned);
        pass(world, 3_600_000);
    }
}

/// Entry 8: the loser's id dies without a redirect. Neither the candidate nor the application is
/// created again, and the winner is not written to by a guess.
#[test]
fn a_candidate_that_was_merged_away_is_not_created_again() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &with_application(&world, &json!({"source": "Acme Referrals"})));
    let loser = id_of(&the_candidate(&world, ADA));
    let application = id_of(&world.sandbox.applications_of(loser)[0]);
    let winner = plain_candidates(&world)[0];
    recruiter(&world, &Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser });
    let before = (world.sandbox.count("candidates"), world.sandbox.count("applications"));
    world.sandbox.clear_logs();
    live_on(&world, &acme);
    assert_eq!((world.sandbox.count("candidates"), world.sandbox.count("applications")), before);
    assert_eq!(
        world.sandbox.row("applications", application).unwrap()["candidate_id"].as_i64(),
        Some(winner)
    );
    assert_eq!(count(&world, "POST", "/v3/candidates"), 0);
    assert_eq!(count(&world, "POST", "/v3/applications"), 0);
}

/// Entry 2: for a candidate with the address and another name, nothing shows whether they are the
/// created one. It does not matter: the engine adopts them, creates no other, and needs no decision
/// of a user.
#[test]
fn a_candidate_renamed_while_its_create_is_in_doubt_is_adopted() {
    let world = world(|_| {});
    let acme = world.connect();
    world.sandbox.faults().add(Fault::once(
        "POST",
        "/v3/candidates",
        FaultKind::AppliedThen { status: 504 },
    ));
    let sandbox = world.sandbox.clone();
    world.wire.edit(move |request, _| {
        if request.method == "POST" && request.url.path() == "/v3/candidates" {
            let candidate_id = id_of(&sandbox.candidates_by_email(ADA)[0]);
            let (first_name, last_name) = ("Augusta".to_owned(), "King".to_owned());
            sandbox.recruiter(&Recruiter::Rename { candidate_id, first_name, last_name }).unwrap();
        }
    });
    bring(&world, &acme, &ada(&json!({})));
    assert_eq!(count(&world, "POST", "/v3/candidates"), 1);
    converge(&world, &acme, 4);
    let made = the_candidate(&world, ADA);
    assert_eq!(made["last_name"], "King");
    let links = world.run(acme.links("ref-1")).unwrap();
    assert_eq!(links[0].remote.id, id_of(&made).to_string());
    assert_eq!(count(&world, "POST", "/v3/candidates"), 0);
    assert!(world.run(acme.open_intents()).unwrap().is_empty());
}

/// Entry 9: converting creates a new application id. The engine's own conversion, whatever its
/// answer, creates one and follows it.
#[test]
fn a_conversion_creates_one_application_and_the_link_follows_it() {
    let faults = [
        None,
        Some(FaultKind::DropBefore),
        Some(FaultKind::DropAfter),
        Some(FaultKind::AppliedThen { status: 504 }),
        Some(FaultKind::Html),
    ];
    for fault in faults {
        println!("{fault:?}");
        let world = world_with_stages(|_| {});
        let acme = world.connect();
        bring(&world, &acme, &with_application(&world, &json!({"kind": "prospect"})));
        let candidate = id_of(&the_candidate(&world, ADA));
        let prospect = id_of(&world.sandbox.applications_of(candidate)[0]);
        if let Some(fault) = fault {
            let path = format!("/v3/applications/{prospect}/convert");
            world.sandbox.faults().add(Fault::once("POST", &path, fault));
        }
        bring(&world, &acme, &with_application(&world, &json!({})));
        converge(&world, &acme, 3);
        assert!(
            world.sandbox.faults().rules().iter().all(|rule| rule.times == Some(0)),
            "the fault never fired"
        );
        let rows = world.sandbox.applications_of(candidate);
        assert_eq!(rows.len(), 2);
        let links = world.run(acme.links("ref-1")).unwrap();
        let link = links.iter().find(|link| link.path == "ref-1/applications/a1").unwrap();
        assert_ne!(link.remote.id, prospect.to_string());
        let linked = world.sandbox.row("applications", link.remote.id.parse().unwrap()).unwrap();
        assert_eq!(
            (linked["prospect"].clone(), linked["status"].clone()),
            (json!(false), json!("in_process"))
        );
    }
}

/// Entry 9: a recruiter converts the prospect that the engine created. It is not created a second
/// time; the record that still declares a prospect changes nothing.
#[test]
fn a_prospect_that_a_recruiter_converted_is_not_created_again() {
    for tied in [true, false] {
        println!("tied to the job: {tied}");
        let world = world(|_| {});
        let acme = world.connect();
        let job = open_jobs(&world)[0];
        let record = if tied {
            with_application(&world, &json!({"kind": "prospect"}))
        } else {
            ada(&json!({"applications": [{"key": "a1", "kind": "prospect", "pool": "Alumni"}]}))
        };
        bring(&world, &acme, &record);
        let candidate = id_of(&the_candidate(&world, ADA));
        let prospect = id_of(&world.sandbox.applications_of(candidate)[0]);
        let new = recruiter(&world, &Recruiter::Convert { application_id: prospect, job_id: job });
        live_on(&world, &acme);
        let mut ids: Vec<i64> =
            world.sandbox.applications_of(candidate).iter().map(id_of).collect();
        ids.sort_unstable();
        assert_eq!(ids, [prospect, new]);
    }
}

/// Entry 9: the same for an application that the host declared all along.
#[test]
fn an_application_declared_on_a_converted_prospect_is_the_new_one() {
    let world = world_with_stages(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &with_application(&world, &json!({"kind": "prospect"})));
    let candidate = id_of(&the_candidate(&world, ADA));
    let prospect = id_of(&world.sandbox.applications_of(candidate)[0]);
    let deed = Recruiter::Convert { application_id: prospect, job_id: open_jobs(&world)[0] };
    let new = recruiter(&world, &deed);
    world.sandbox.clear_logs();
    bring(&world, &acme, &with_application(&world, &json!({})));
    converge(&world, &acme, 2);
    assert_eq!(world.sandbox.applications_of(candidate).len(), 2);
    let links = world.run(acme.links("ref-1")).unwrap();
    assert!(
        links
            .iter()
            .any(|link| link.path == "ref-1/applications/a1" && link.remote.id == new.to_string())
    );
}

/// Entry 25: data that were erased by law are not written back, whatever the policy, whether all of
/// them were blanked or only name and contacts.
#[test]
fn nothing_is_written_back_to_an_anonymised_candidate() {
    let groups = [
        "full_name",
        "email_addresses",
        "phone_numbers",
        "social_media_addresses",
        "website_addresses",
        "addresses",
    ];
    for fields in [Vec::new(), groups.map(str::to_owned).to_vec()] {
        println!("{fields:?}");
        let world = world(|_| {});
        let acme = world.connect();
        let everything = json!({"phones": ["+44 20 1234"], "title": "Countess",
            "custom_fields": {"external_ref": "ref-1"},
            "tags": ["t"], "policy": {"name": "enforce", "emails": "enforce", "phones": "enforce",
                "title": "enforce", "tags": "enforce"}});
        bring(&world, &acme, &ada(&everything));
        let candidate = id_of(&the_candidate(&world, ADA));
        recruiter(&world, &Recruiter::Anonymise { candidate_id: candidate, fields });
        let blank = world.sandbox.row("candidates", candidate).unwrap();
        world.sandbox.clear_logs();
        let planned = plan(&world, &acme);
        assert!(blocked(&planned).contains("anonymised"), "{}", blocked(&planned));
        live_on(&world, &acme);
        assert_eq!(world.written(), Vec::<String>::new());
        assert_eq!(world.sandbox.row("candidates", candidate).unwrap(), blank);
    }
}

/// Entry 25: an erasure of some fields alone is one too. Only the blanks show it: no name is left,
/// or no contact.
#[test]
fn nothing_is_written_back_to_a_candidate_that_was_anonymised_in_part() {
    for (fields, is_blocked) in [
        (vec!["full_name"], true),
        (vec!["full_name", "phone_numbers"], true),
        (vec!["email_addresses", "phone_numbers"], false),
        (
            vec!["email_addresses", "phone_numbers", "headline", "tags", "custom_candidate_fields"],
            false,
        ),
    ] {
        println!("{fields:?}");
        let world = world(|_| {});
        let acme = world.connect();
        let everything = json!({"phones": ["+44 20 1234"], "title": "Countess",
            "custom_fields": {"external_ref": "ref-1"}, "tags": ["t"],
            "policy": {"name": "enforce", "emails": "enforce", "phones": "enforce",
                "title": "enforce", "tags": "enforce", "custom_fields": "enforce"}});
        bring(&world, &acme, &ada(&everything));
        let candidate = id_of(&the_candidate(&world, ADA));
        let fields = fields.into_iter().map(str::to_owned).collect();
        recruiter(&world, &Recruiter::Anonymise { candidate_id: candidate, fields });
        let blank = world.sandbox.row("candidates", candidate).unwrap();
        world.sandbox.clear_logs();
        let planned = plan(&world, &acme);
        assert_eq!(blocked(&planned).contains("anonymised"), is_blocked, "{}", blocked(&planned));
        live_on(&world, &acme);
        assert_eq!(world.written(), Vec::<String>::new());
        assert_eq!(world.sandbox.row("candidates", candidate).unwrap(), blank);
    }
}

/// Entry 7: a note posted for a deleted candidate would be an orphan that no user can delete.
#[test]
fn no_note_is_created_for_a_candidate_who_was_deleted_meanwhile() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({})));
    let candidate = id_of(&the_candidate(&world, ADA));
    declare(
        &world,
        &acme,
        &[ada(&json!({"notes": [{"key": "n1", "body": "Introduced by Sam."}], "tags": ["t"]}))],
    );
    let planned = plan(&world, &acme);
    assert!(!planned.is_empty());
    recruiter(&world, &Recruiter::DeleteCandidate { candidate_id: candidate });
    apply(&world, &acme, &planned);
    assert_eq!(world.sandbox.orphan_notes(), Vec::<Value>::new());
    assert_eq!(world.sandbox.creates("notes") + world.sandbox.creates("applied_candidate_tags"), 0);
}

/// Official schema: an application has `stage_id` and `stage_name` and no `job_interview_stage_id`.
/// The engine reads its stage in both forms, the feed reports a move, and a declared stage is
/// reached and stays.
#[test]
fn a_stage_is_read_reported_and_reached_in_both_forms_of_an_application() {
    for rows in [Rows::Newer, Rows::Official] {
        for from_stage in [FromStage::JobInterviewStage, FromStage::ApplicationStage] {
            println!("{rows:?} {from_stage:?}");
            let world = world_with_stages(|quirks| {
                quirks.rows = rows;
                quirks.from_stage = from_stage;
                quirks.null_flags = true;
            });
            let acme = world.connect();
            let job = open_jobs(&world)[0];
            let stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
            let name = |at: usize| stages[at]["name"].as_str().unwrap().to_owned();
            let wanted = |stage: &str| {
                ada(&json!({"applications": [{"key": "a1", "job": {"id": job.to_string()},
                        "stage": stage}],
                    "custom_fields": {"external_ref": "ref-1"}, "policy": {"stage": "enforce"}}))
            };
            bring(&world, &acme, &wanted(&name(0)));
            converge(&world, &acme, 3);
            let candidate = id_of(&the_candidate(&world, ADA));
            let application = id_of(&world.sandbox.applications_of(candidate)[0]);
            let stands = || {
                world.sandbox.row("applications", application).unwrap()["stage_name"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            assert_eq!(stands(), name(0));
            recruiter(
                &world,
                &Recruiter::Move { application_id: application, stage_name: name(1) },
            );
            pass(&world, 60_000);
            world.run(acme.pull("applications")).unwrap();
            let changes: Vec<_> = world.run(acme.changes(0).try_collect()).unwrap();
            let told = format!("{changes:?}");
            assert!(told.contains(&name(1)), "the feed names the stage");
            bring(&world, &acme, &wanted(&name(2)));
            converge(&world, &acme, 3);
            assert_eq!(stands(), name(2));
        }
    }
}

/// Entry 25: erased between the plan and the apply; the read just before the write shows it.
#[test]
fn a_candidate_anonymised_between_plan_and_apply_is_left_alone() {
    let world = world(|_| {});
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({})));
    let candidate = id_of(&the_candidate(&world, ADA));
    declare(&world, &acme, &[ada(&json!({"phones": ["+44 20 1234"], "title": "Countess"}))]);
    let planned = plan(&world, &acme);
    recruiter(&world, &Recruiter::Anonymise { candidate_id: candidate, fields: Vec::new() });
    world.sandbox.clear_logs();
    apply(&world, &acme, &planned);
    assert_eq!(world.written(), Vec::<String>::new());
    assert_eq!(world.sandbox.row("candidates", candidate).unwrap()["phone_numbers"], json!([]));
}

/// Entries 24 and 26: hidden and deleted look alike. A linked record that does not show is neither
/// created again nor unlinked.
#[test]
fn a_linked_candidate_that_does_not_show_is_not_created_again() {
    for deleted in [true, false] {
        println!("deleted: {deleted}");
        let world = world(|_| {});
        let acme = world.connect();
        bring(&world, &acme, &with_application(&world, &json!({})));
        let candidate = id_of(&the_candidate(&world, ADA));
        if deleted {
            recruiter(&world, &Recruiter::DeleteCandidate { candidate_id: candidate });
        } else {
            let values = json!({"private": true}).as_object().unwrap().clone();
            recruiter(
                &world,
                &Recruiter::Set { collection: "candidates".into(), id: candidate, values },
            );
            world.sandbox.set_access(|access| access.sees_private_candidates = false);
        }
        let before = world.sandbox.count("candidates");
        world.sandbox.clear_logs();
        live_on(&world, &acme);
        declare(&world, &acme, &[with_application(&world, &json!({"source": "Acme Referrals"}))]);
        live_on(&world, &acme);
        assert_eq!(world.sandbox.count("candidates"), before);
        assert_eq!(world.written(), Vec::<String>::new());
    }
}

/// A recruiter's changes of an application.
type Deed = fn(i64, &World) -> Recruiter;

/// Entries 59 and 60: hired, rejected, moved on or back, unrejected, transferred: a recruiter's
/// changes stand, whatever was declared.
#[test]
fn a_recruiters_change_of_an_application_is_not_reverted() {
    let deeds: [(&str, Deed); 3] = [
        ("hired", |application_id, _| Recruiter::Hire { application_id, opening_id: None }),
        ("rejected", |application_id, _| Recruiter::Reject {
            application_id,
            rejection_reason_id: None,
        }),
        ("moved", |application_id, world| Recruiter::Move {
            application_id,
            stage_name: super::writing::stage_at(world, open_jobs(world)[0], 2),
        }),
    ];
    let declarations =
        [json!({}), json!({"outcome": "active"}), json!({"source": "Acme Referrals"})];
    for (name, deed) in deeds {
        for declaration in &declarations {
            println!("{name}, declared {declaration}");
            let world = world_with_stages(|_| {});
            let acme = world.connect();
            let record = with_application(&world, declaration);
            bring(&world, &acme, &record);
            let candidate = id_of(&the_candidate(&world, ADA));
            let application = id_of(&world.sandbox.applications_of(candidate)[0]);
            let openings = world.sandbox.rows_where("openings", "job_id", open_jobs(&world)[0]);
            let opening = openings.iter().find(|opening| opening["open"] == true).map(id_of);
            let deed = match deed(application, &world) {
                Recruiter::Hire { application_id, .. } => {
                    Recruiter::Hire { application_id, opening_id: opening }
                }
                other => other,
            };
            recruiter(&world, &deed);
            let after = world.sandbox.row("applications", application).unwrap();
            world.sandbox.clear_logs();
            live_on(&world, &acme);
            assert_eq!(world.written(), Vec::<String>::new());
            assert_eq!(world.sandbox.row("applications", application).unwrap(), after);
        }
    }
}

/// Entry 59: a hire keeps the stage. A declared stage is not written to a hired application.
#[test]
fn a_hired_application_is_not_moved_to_its_declared_stage() {
    let world = world_with_stages(|_| {});
    let acme = world.connect();
    let job = open_jobs(&world)[0];
    let stage = super::writing::stage_at(&world, job, 0);
    bring(&world, &acme, &with_application(&world, &json!({"stage": stage})));
    let application = id_of(&world.sandbox.applications_of(id_of(&the_candidate(&world, ADA)))[0]);
    let openings = world.sandbox.rows_where("openings", "job_id", job);
    let opening = openings.iter().find(|opening| opening["open"] == true).map(id_of);
    recruiter(&world, &Recruiter::Hire { application_id: application, opening_id: opening });
    world.sandbox.clear_logs();
    live_on(&world, &acme);
    assert_eq!(world.written(), Vec::<String>::new());
    assert_eq!(world.sandbox.row("applications", application).unwrap()["status"], "hired");
}

/// Entry 60: the way back exists too. The engine does not reject again and again what a recruiter
/// unrejected.
#[test]
fn a_rejection_that_a_recruiter_reverted_is_restored_only_under_enforce() {
    for (policy, status) in [(Some("yield"), "in_process"), (Some("enforce"), "rejected")] {
        println!("{policy:?}");
        let world = world_with_stages(|_| {});
        let acme = world.connect();
        let mut record = with_application(
            &world,
            &json!({"outcome": "rejected", "reject_reason": "Took another offer"}),
        );
        if let Some(policy) = policy {
            record["policy"] = json!({"outcome": policy});
        }
        bring(&world, &acme, &record);
        converge(&world, &acme, 3);
        let application =
            id_of(&world.sandbox.applications_of(id_of(&the_candidate(&world, ADA)))[0]);
        assert_eq!(world.sandbox.row("applications", application).unwrap()["status"], "rejected");
        recruiter(&world, &Recruiter::Unreject { application_id: application });
        live_on(&world, &acme);
        assert_eq!(world.sandbox.row("applications", application).unwrap()["status"], status);
    }
}

/// Entry 60: a transfer keeps the application's id and changes its job. The link follows, and no
/// second application is created on the job it left.
#[test]
fn a_transferred_application_is_not_created_again_on_the_job_it_left() {
    let world = world(|quirks| quirks.create_answer = CreateAnswer::Wrapped);
    let acme = world.connect();
    bring(&world, &acme, &with_application(&world, &json!({})));
    let candidate = id_of(&the_candidate(&world, ADA));
    let application = id_of(&world.sandbox.applications_of(candidate)[0]);
    let other = open_jobs(&world)[1];
    let values = json!({"job_id": other}).as_object().unwrap().clone();
    recruiter(
        &world,
        &Recruiter::Set { collection: "applications".into(), id: application, values },
    );
    world.sandbox.clear_logs();
    live_on(&world, &acme);
    assert_eq!(world.sandbox.applications_of(candidate).len(), 1);
    assert_eq!(world.written(), Vec::<String>::new());
}
