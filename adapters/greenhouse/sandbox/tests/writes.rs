//! The laws of writing: repeated requests, replaced lists, refusals, and the state after each
//! lifecycle call.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_greenhouse_sandbox::{
    CreateAnswer, CustomFieldsPatch, DeleteAnswer, ErrorShape, FromStage, Recruiter, RepeatedTag,
    UserCreation,
};
use common::{World, id, ids};
use serde_json::{Value, json};

fn field_id(world: &World, key: &str, of: &str) -> i64 {
    let fields = world.list(&format!("/v3/custom_fields?name_key={key}&field_type={of}"));
    id(fields.first().expect("a field"))
}

fn option_id(world: &World, key: &str, label: &str) -> i64 {
    let options =
        world.list(&format!("/v3/custom_field_options?custom_field_key={key}&active=true"));
    options.iter().find(|option| option["name"] == label).map(id).expect("an option")
}

#[test]
fn a_repeated_create_creates_again() {
    let world = World::new();
    let first = world.create_candidate("again@example.com");
    let second = world.create_candidate("again@example.com");
    assert!(second > first);
    assert_eq!(world.sandbox.creates("candidates"), 2);
    let note = json!({"candidate_id": first, "body": "Twice", "note_type": "NOTE",
        "visibility": "private"});
    assert_eq!(
        world.post("/v3/notes", note.clone()).body_json()["visibility"],
        "privately_visible"
    );
    assert_eq!(world.post("/v3/notes", note).status, 201);
    assert_eq!(world.sandbox.notes_of(first).len(), 2);
}

#[test]
fn a_create_answers_wrapped_bare_or_with_a_stub() {
    let world = World::new();
    let body = json!({"first_name": "A", "last_name": "B",
        "application": {"job_id": world.open_job(0).0}});
    let wrapped = world.post("/v3/candidates", body.clone()).body_json();
    assert_eq!(wrapped["application"]["candidate_id"], wrapped["candidate"]["id"]);
    assert_eq!(wrapped["application"]["status"], "in_process");
    world.sandbox.set_quirks(|quirks| quirks.create_answer = CreateAnswer::Bare);
    assert!(world.post("/v3/candidates", body.clone()).body_json()["email_addresses"].is_array());
    world.sandbox.set_quirks(|quirks| quirks.create_answer = CreateAnswer::Stub);
    let stub = world.post("/v3/candidates", body).body_json();
    assert!(stub["message"].is_string() && stub.get("first_name").is_none());
}

#[test]
fn a_refused_create_leaves_no_trace() {
    let world = World::new();
    let good = json!({"first_name": "A", "last_name": "B"});
    for (key, value) in [
        ("surprise", json!(1)),
        ("first_name", Value::Null),
        ("email_addresses", json!([{"value": "a@b.c", "type": "home"}])),
        ("phone_numbers", json!([{"value": "1", "type": "fax"}])),
        ("social_media_addresses", json!([{"value": "x", "type": "other"}])),
        ("custom_fields", json!([{"name_key": "no_such_field", "value": "x"}])),
        ("application", json!({"job_id": 1})),
        ("application", json!({"prospect": true, "job_id": world.open_job(0).0})),
        (
            "application",
            json!({"job_id": world.open_job(0).0, "referrer_id": world.sandbox.service_user_id()}),
        ),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let answer = world.post("/v3/candidates", body.clone());
        assert_eq!(answer.status, 422, "{body}");
    }
    assert_eq!(world.sandbox.writes().len(), 0);
    assert_eq!(world.send("POST", "/v3/candidates", &json!("no object")).status, 422);
}

#[test]
fn a_422_takes_every_shape_in_turn() {
    let world = World::new();
    let shapes: Vec<Value> = (0..4).map(|_| world.get("/v3/jobs?per_page=0").body_json()).collect();
    assert_eq!(
        shapes[0],
        json!({"message": "Unprocessable Content",
            "errors": ["per_page must be between 1 and 500"]})
    );
    assert_eq!(shapes[1]["errors"][0], json!({"per_page": "must be between 1 and 500"}));
    assert!(shapes[2].get("message").is_none() && shapes[2]["errors"][0].is_string());
    assert!(shapes[3].get("message").is_none() && shapes[3]["errors"][0].is_object());
    world.sandbox.set_quirks(|quirks| quirks.error_shape = ErrorShape::V1);
    assert_eq!(world.get("/v3/jobs?per_page=0").body_json()["errors"][0]["field"], "per_page");
}

#[test]
fn a_patch_replaces_whole_lists_and_leaves_the_rest() {
    let world = World::new();
    let candidate = world.create_candidate("one@example.com");
    let path = format!("/v3/candidates/{candidate}");
    let patch = json!({"email_addresses": [{"value": "two@example.com", "type": "work"}],
        "tags": ["Alumni", "brand new"],
        "is_private": true, "company": "Analytical"});
    let row = world.patch(&path, patch).body_json();
    assert_eq!(row["email_addresses"], json!([{"value": "two@example.com", "type": "work"}]));
    assert_eq!(
        (&row["first_name"], &row["private"], &row["tags"]),
        (&json!("Ada"), &json!(true), &json!(["Alumni", "brand new"]))
    );
    let row = world
        .patch(&path, json!({"tags": ["Alumni"], "email_addresses": [], "company": ""}))
        .body_json();
    assert_eq!(
        (&row["tags"], &row["email_addresses"], &row["company"]),
        (&json!(["Alumni"]), &json!([]), &Value::Null)
    );
    assert_eq!(
        world.list(&format!("/v3/applied_candidate_tags?candidate_ids={candidate}")).len(),
        1
    );
    assert_eq!(world.list("/v3/candidates?tag=brand%20new").len(), 0);
}

#[test]
fn selects_are_written_as_ids_and_read_as_labels() {
    let world = World::new();
    let candidate = world.create_candidate("select@example.com");
    let path = format!("/v3/candidates/{candidate}");
    let (senior, german) =
        (option_id(&world, "seniority", "Senior"), option_id(&world, "languages", "Deutsch"));
    let list = json!({"custom_fields": [{"name_key": "seniority", "value": senior},
        {"custom_field_id": field_id(&world, "languages", "candidate"), "value": [german]},
        {"name_key": "external_ref", "value": "cand-1"}]});
    let fields = world.patch(&path, list).body_json()["custom_fields"].clone();
    assert_eq!(
        fields["seniority"],
        json!({"name": "Seniority", "type": "single_select", "value": "Senior"})
    );
    assert_eq!(fields["languages"]["value"], json!(["Deutsch"]));
    assert_eq!(
        ids(&world.list(&format!("/v3/candidates?custom_field_option_id={german}&ids={candidate}"))),
        [candidate]
    );
    world.patch(&format!("/v3/custom_field_options/{senior}"), json!({"name": "Very Senior"}));
    assert_eq!(
        world.sandbox.row("candidates", candidate).expect("a row")["custom_fields"]["seniority"]["value"],
        "Very Senior"
    );
    for value in [json!("Senior"), json!(german), json!([senior])] {
        let body = json!({"custom_fields": [{"name_key": "seniority", "value": value}]});
        assert_eq!(world.patch(&path, body).status, 422);
    }
}

#[test]
fn custom_fields_not_sent_are_removed_or_kept_by_the_switch() {
    let world = World::new();
    let candidate = world.create_candidate("custom@example.com");
    let patch = |key: &str, value: Value| {
        let body = json!({"custom_fields": [{"name_key": key, "value": value}]});
        let row = world.patch(&format!("/v3/candidates/{candidate}"), body).body_json();
        row["custom_fields"].as_object().expect("a map").keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(patch("external_ref", json!("x")), ["external_ref"]);
    assert_eq!(patch("dialing_code", json!("+1")), ["dialing_code"]);
    world.sandbox.set_quirks(|quirks| quirks.custom_fields_patch = CustomFieldsPatch::Merge);
    assert_eq!(patch("external_ref", json!("x")), ["dialing_code", "external_ref"]);
    assert_eq!(patch("dialing_code", Value::Null), ["external_ref"]);
}

#[test]
fn a_candidates_stamp_moves_with_its_children_only_if_the_switch_says_so() {
    let world = World::new();
    let candidate = world.create_candidate("stamp@example.com");
    let stamp = || world.sandbox.row("candidates", candidate).expect("a row")["updated_at"].clone();
    let touch = |tag: &str| {
        world.clock.advance_ms(1_000);
        world
            .sandbox
            .recruiter(&Recruiter::AddTag { candidate_id: candidate, tag: tag.to_owned() })
            .expect("tagged");
        world
            .sandbox
            .recruiter(&Recruiter::AddNote { candidate_id: candidate, body: "Hm".to_owned() })
            .expect("noted");
    };
    let before = stamp();
    touch("Alumni");
    assert_eq!(stamp(), before);
    world.sandbox.set_quirks(|quirks| quirks.children_touch_candidate = true);
    touch("Intro");
    assert_ne!(stamp(), before);
}

#[test]
fn a_second_application_on_one_job_and_a_mixed_arm_are_refused() {
    let world = World::new();
    let (job, _) = world.open_job(0);
    let application = world.apply("twice@example.com", job);
    let candidate =
        world.sandbox.row("applications", application).expect("a row")["candidate_id"].clone();
    let again = |body: Value| world.post("/v3/applications", body).status;
    assert_eq!(again(json!({"candidate_id": candidate, "job_id": job})), 422);
    assert_eq!(again(json!({"candidate_id": candidate})), 422);
    assert_eq!(
        again(
            json!({"candidate_id": candidate, "job_id": world.open_job(1).0, "prospect_pool_id": 1})
        ),
        422
    );
    assert_eq!(again(json!({"candidate_id": candidate, "prospect": true})), 201);
    assert_eq!(again(json!({"candidate_id": candidate, "prospect": true})), 201);
    assert_eq!(world.sandbox.applications_of(candidate.as_i64().expect("an id")).len(), 3);
}

#[test]
fn move_compares_the_stage_before_it_swaps_it() {
    let world = World::new();
    let (job, stages) = world.open_job(0);
    let application = world.apply("move@example.com", job);
    let path = format!("/v3/applications/{application}/move");
    let row = || world.sandbox.row("applications", application).expect("a row");
    let own_row = row()["stage_id"].clone();
    assert_eq!(world.post(&path, json!({"to_stage_id": stages[1]})).status, 422);
    assert_eq!(
        world.post(&path, json!({"from_stage_id": stages[1], "to_stage_id": stages[2]})).status,
        422
    );
    assert_eq!(
        world.post(&path, json!({"from_stage_id": own_row, "to_stage_id": stages[1]})).status,
        422
    );
    let moved = world.post(&path, json!({"from_stage_id": stages[0], "to_stage_id": stages[2]}));
    assert_eq!((moved.status, moved.body.len()), (204, 0));
    assert_eq!(row()["job_interview_stage_id"], stages[2]);
    assert_eq!(world.post(&path, json!({"from_stage_id": stages[2]})).status, 204);
    assert_eq!(row()["job_interview_stage_id"], stages[3]);
    world.sandbox.set_quirks(|quirks| quirks.from_stage = FromStage::ApplicationStage);
    assert_eq!(
        world.post(&path, json!({"from_stage_id": stages[3], "to_stage_id": stages[0]})).status,
        422
    );
    assert_eq!(
        world
            .post(&path, json!({"from_stage_id": row()["stage_id"], "to_stage_id": stages[0]}))
            .status,
        204
    );
    let rows = world.list(&format!("/v3/application_stages?application_ids={application}"));
    assert_eq!(rows.len(), stages.len());
    assert_eq!(rows.iter().filter(|row| row["current"] == true).count(), 1);
    assert!(rows.iter().any(|row| row["entered_at"].is_null()), "stages not visited have no times");
}

#[test]
fn a_transfer_keeps_the_application_and_changes_its_job() {
    let world = World::new();
    let ((job, stages), (other, others)) = (world.open_job(0), world.open_job(1));
    let application = world.apply("transfer@example.com", job);
    let body = json!({"from_stage_id": stages[0], "to_job_id": other});
    assert_eq!(world.post(&format!("/v3/applications/{application}/move"), body).status, 204);
    let row = world.sandbox.row("applications", application).expect("a row");
    assert_eq!(
        (&row["job_id"], &row["job_interview_stage_id"]),
        (&json!(other), &json!(others[0]))
    );
}

#[test]
fn a_recruiters_transfer_follows_either_reading() {
    use atsync_greenhouse_sandbox::{Recruiter, Transfer};
    let world = World::new();
    let ((job, _), (other, others)) = (world.open_job(0), world.open_job(1));
    let application_id = world.apply("by-hand@example.com", job);
    let transfer = |application_id, job_id| {
        world
            .sandbox
            .recruiter(&Recruiter::Transfer { application_id, job_id })
            .expect("a transfer")["id"]
            .as_i64()
    };
    assert_eq!(transfer(application_id, other), Some(application_id));
    world.sandbox.set_quirks(|quirks| quirks.transfer = Transfer::NewId);
    let back = transfer(application_id, job).expect("an id");
    assert_ne!(back, application_id);
    assert_eq!(world.sandbox.row("applications", application_id), None);
    let row = world.sandbox.row("applications", back).expect("a row");
    assert_eq!(row["job_id"], json!(job));
    let again = transfer(back, other).expect("an id");
    let row = world.sandbox.row("applications", again).expect("a row");
    assert_eq!(
        (&row["job_id"], &row["job_interview_stage_id"]),
        (&json!(other), &json!(others[0]))
    );
    let refused =
        world.sandbox.recruiter(&Recruiter::Transfer { application_id: again, job_id: other });
    assert_eq!(
        refused,
        Err("to_job_id candidate already has an application on this job".to_owned())
    );
}

#[test]
fn a_rejection_needs_a_reason_and_can_be_removed() {
    let world = World::new();
    let application = world.apply("reject@example.com", world.open_job(0).0);
    let path = |verb: &str| format!("/v3/applications/{application}/{verb}");
    let reason = id(&world.list("/v3/rejection_reasons")[0]);
    let row = || world.sandbox.row("applications", application).expect("a row");
    assert_eq!(world.post(&path("reject"), json!({})).status, 422);
    assert_eq!(world.post(&path("reject"), json!({"rejection_reason_id": 1})).status, 422);
    assert_eq!(
        world
            .post(&path("reject"), json!({"rejection_reason_id": reason, "notes": "Not now"}))
            .status,
        204
    );
    assert_eq!(world.post(&path("reject"), json!({"rejection_reason_id": reason})).status, 422);
    assert_eq!(
        (row()["status"].as_str(), row()["rejection_reason_id"].as_i64()),
        (Some("rejected"), Some(reason))
    );
    let details = world.list(&format!("/v3/rejection_details?application_ids={application}"));
    assert!(details[0]["rejection_note_id"].is_i64());
    let current =
        world.list(&format!("/v3/application_stages?application_ids={application}&current=true"));
    assert_eq!(current.len(), 1, "rejection keeps the stage current");
    let other = id(&world.list("/v3/rejection_reasons")[1]);
    let patch = world.patch(
        &format!("/v3/rejection_details/{}", id(&details[0])),
        json!({"rejection_reason_id": other}),
    );
    assert_eq!((patch.status, row()["rejection_reason_id"].as_i64()), (200, Some(other)));
    assert_eq!(world.post(&path("unreject"), json!({})).status, 204);
    assert_eq!(world.post(&path("unreject"), json!({})).status, 422);
    assert_eq!(
        (row()["status"].as_str(), row()["rejected_at"].is_null()),
        (Some("in_process"), true)
    );
}

#[test]
fn a_hire_closes_an_opening_and_must_name_it_if_several_are_open() {
    let world = World::new();
    let openings = |job: i64| ids(&world.list(&format!("/v3/openings?job_ids={job}&open=true")));
    let (several, single) =
        (0..5).map(|nth| world.open_job(nth).0).fold((None, None), |(several, single), job| {
            if openings(job).len() > 1 {
                (several.or(Some(job)), single)
            } else {
                (several, single.or(Some(job)))
            }
        });
    let (several, single) = (several.expect("a job with several"), single.expect("a job with one"));
    let hire = |application: i64, body: Value| {
        world.post(&format!("/v3/applications/{application}/hire"), body).status
    };
    let first = world.apply("hire1@example.com", several);
    assert_eq!(hire(first, json!({})), 422);
    let opening = openings(several)[0];
    assert_eq!(
        hire(first, json!({"opening_id": opening, "start_date": "2026-12-01T00:00:00Z"})),
        204
    );
    assert_eq!(hire(first, json!({"opening_id": opening})), 422);
    assert!(!openings(several).contains(&opening));
    let row = world.sandbox.row("applications", first).expect("a row");
    assert_eq!((row["status"].as_str(), row["stage_id"].is_null()), (Some("hired"), true));
    let second = world.apply("hire2@example.com", single);
    assert_eq!(hire(second, json!({})), 204);
    assert_eq!(
        world.sandbox.row("jobs", single).expect("a row")["status"],
        "closed",
        "its last opening closed the job"
    );
}

#[test]
fn converting_a_prospect_makes_another_application() {
    let world = World::new();
    let (job, stages) = world.open_job(0);
    let (pool, stage) = {
        let stage = &world.list("/v3/prospect_pool_stages")[0];
        (stage["prospect_pool_id"].clone(), stage["id"].clone())
    };
    let body = json!({"first_name": "Pro", "last_name": "Spect",
        "application": {"prospect": true, "prospect_pool_id": pool, "prospect_pool_stage_id": stage,
            "job_ids": []}});
    let made = world.post("/v3/candidates", body).body_json()["application"].clone();
    let prospect = id(&made);
    assert_eq!(
        (&made["job_id"], &made["prospect"], &made["stage_id"]),
        (&Value::Null, &json!(true), &Value::Null)
    );
    let detail = &world.list(&format!("/v3/prospect_details?application_ids={prospect}"))[0];
    assert_eq!((&detail["pool_id"], &detail["pool_stage_id"]), (&pool, &stage));
    let path = format!("/v3/applications/{prospect}/convert_to_candidate");
    assert_eq!(world.post(&path, json!({})).status, 422);
    let answer = world.post(&path, json!({"job_id": job, "to_job_interview_stage_id": stages[1]}));
    let new = answer.body_json();
    assert_eq!(answer.status, 201);
    assert_ne!(id(&new), prospect);
    assert_eq!(
        (&new["prospect"], &new["job_interview_stage_id"]),
        (&json!(false), &json!(stages[1]))
    );
    assert_eq!(world.sandbox.row("applications", prospect).expect("a row")["status"], "converted");
    assert_eq!(world.post(&path, json!({"job_id": job})).status, 422);
}

#[test]
fn tags_are_unique_by_exact_name_and_their_rows_repeat() {
    let world = World::new();
    let candidate = world.create_candidate("tag@example.com");
    assert_eq!(world.post("/v3/candidate_tags", json!({"name": "Fresh"})).status, 201);
    assert_eq!(world.post("/v3/candidate_tags", json!({"name": "Fresh"})).status, 422);
    let tag = id(&world.post("/v3/candidate_tags", json!({"name": "fresh"})).body_json());
    let body = json!({"candidate_id": candidate, "candidate_tag_id": tag});
    let row = id(&world.post("/v3/applied_candidate_tags", body.clone()).body_json());
    assert_eq!(world.post("/v3/applied_candidate_tags", body.clone()).status, 201);
    world.sandbox.set_quirks(|quirks| quirks.repeated_tag = RepeatedTag::Refuse);
    assert_eq!(world.post("/v3/applied_candidate_tags", body).status, 422);
    assert_eq!(ids(&world.list("/v3/candidates?tag=fresh")), [candidate]);
    let answer = world.send("DELETE", &format!("/v3/applied_candidate_tags/{row}"), &Value::Null);
    assert_eq!((answer.status, answer.body_json()["id"].as_i64()), (200, Some(row)));
    world.sandbox.set_quirks(|quirks| quirks.delete_answer = DeleteAnswer::NoContent);
    assert_eq!(
        world.send("DELETE", &format!("/v3/candidate_tags/{tag}"), &Value::Null).status,
        204
    );
    assert_eq!(world.sandbox.row("candidates", candidate).expect("a row")["tags"], json!([]));
    assert_eq!(
        world.send("DELETE", &format!("/v3/candidate_tags/{tag}"), &Value::Null).status,
        404
    );
}

#[test]
fn attachments_belong_to_applications_and_a_new_resume_replaces_the_former() {
    let world = World::new();
    let application = world.apply("file@example.com", world.open_job(0).0);
    let attach = |more: Value| {
        let mut body =
            json!({"application_id": application, "filename": "cv.pdf", "type": "resume"});
        body.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        world.post("/v3/attachments", body).status
    };
    assert_eq!(attach(json!({})), 422);
    assert_eq!(attach(json!({"content": "aGk=", "url": "https://a.example/b"})), 422);
    assert_eq!(attach(json!({"content": "%%%"})), 422);
    assert_eq!(attach(json!({"content": "aGk=", "application_id": 1})), 422);
    assert_eq!(
        (attach(json!({"content": "aGk="})), attach(json!({"url": "https://a.example/b"}))),
        (201, 201)
    );
    assert_eq!(
        world.list(&format!("/v3/attachments?application_ids={application}&type=resume")).len(),
        1
    );
}

#[test]
fn user_emails_are_unique_and_creation_may_be_bulk_only() {
    let world = World::new();
    let body =
        json!({"first_name": "Erin", "last_name": "Smith", "primary_email": "erin@example.com"});
    assert_eq!(world.post("/v3/users", body.clone()).status, 201);
    let mut other = body.clone();
    other["primary_email"] = json!("ERIN@example.com");
    assert_eq!(world.post("/v3/users", other).status, 422);
    world.sandbox.set_quirks(|quirks| {
        quirks.user_creation = UserCreation::BulkOnly;
        quirks.bulk_delay_ms = 1_000;
    });
    assert_eq!(world.post("/v3/users", body.clone()).status, 404);
    let mut fresh = body.clone();
    fresh["primary_email"] = json!("fresh@example.com");
    let answer = world.post("/v3/users/bulk", json!({"data": [body, fresh]}));
    assert_eq!((answer.status, answer.body_json()["status"].as_str()), (202, Some("building")));
    let url = answer.body_json()["status_url"].as_str().expect("a path").to_owned();
    assert_eq!(world.get(&url).body_json()["status"], "building");
    world.clock.advance_ms(1_000);
    let done = world.get(&url).body_json();
    assert_eq!(
        (&done["status"], &done["success_count"], &done["failure_count"]),
        (&json!("completed"), &json!(1), &json!(1))
    );
    assert_eq!(world.list("/v3/user_emails?email=fresh@example.com").len(), 1);
}

#[test]
fn renaming_a_custom_field_keeps_its_key_and_archiving_frees_a_label() {
    let world = World::new();
    let body = json!({"name": "Is this new?", "field_type": "candidate",
        "value_type": "single_select",
        "custom_field_options": [{"name": "A"}]});
    let field = world.post("/v3/custom_fields", body.clone()).body_json();
    assert_eq!(field["name_key"], "is_this_new_");
    assert_eq!(world.post("/v3/custom_fields", body).status, 422);
    let path = format!("/v3/custom_fields/{}", id(&field));
    let renamed = world.patch(&path, json!({"name": "Renamed"})).body_json();
    assert_eq!(
        (&renamed["name"], &renamed["name_key"]),
        (&json!("Renamed"), &json!("is_this_new_"))
    );
    let option = option_id(&world, "is_this_new_", "A");
    let again = json!({"custom_field_id": id(&field), "name": "A"});
    assert_eq!(world.post("/v3/custom_field_options", again.clone()).status, 422);
    world.send("DELETE", &format!("/v3/custom_field_options/{option}"), &Value::Null);
    assert_eq!(world.post("/v3/custom_field_options", again).status, 201);
    assert_eq!(
        world.list(&format!("/v3/custom_field_options?custom_field_ids={}", id(&field))).len(),
        2
    );
}

#[test]
fn a_merge_ends_one_id_and_moves_its_records() {
    let world = World::new();
    let (job, _) = world.open_job(0);
    let application = world.apply("loser@example.com", job);
    let loser = world.sandbox.row("applications", application).expect("a row")["candidate_id"]
        .as_i64()
        .expect("an id");
    let winner = world.create_candidate("winner@example.com");
    let answer = world
        .post(&format!("/v3/candidates/{winner}/merge"), json!({"secondary_candidate_id": loser}));
    assert_eq!(
        (answer.status, answer.body_json()["email_addresses"].as_array().map(Vec::len)),
        (200, Some(2))
    );
    assert_eq!(world.list(&format!("/v3/candidates?ids={loser}")).len(), 0);
    assert_eq!(
        world.sandbox.row("applications", application).expect("a row")["candidate_id"],
        winner
    );
    assert_eq!(
        world.patch(&format!("/v3/candidates/{loser}"), json!({"company": "X"})).status,
        404
    );
}

#[test]
fn anonymising_blanks_the_named_groups_and_keeps_the_row() {
    let world = World::new();
    let candidate = world.create_candidate("gone@example.com");
    let path = format!("/v3/candidates/{candidate}/anonymize");
    assert_eq!(world.patch(&path, json!({"fields": ["shoe_size"]})).status, 422);
    let row = world.patch(&path, json!({"fields": ["full_name", "email_addresses"]})).body_json();
    assert_eq!((&row["first_name"], &row["email_addresses"]), (&Value::Null, &json!([])));
    assert_eq!(world.list("/v3/candidates?email=gone@example.com").len(), 0);
    assert_eq!(world.list(&format!("/v3/candidates?ids={candidate}")).len(), 1);
}

#[test]
fn deleting_a_candidate_deletes_its_rows() {
    let world = World::new();
    let application = world.apply("deleted@example.com", world.open_job(0).0);
    let candidate = world.sandbox.row("applications", application).expect("a row")["candidate_id"]
        .as_i64()
        .expect("an id");
    world
        .sandbox
        .recruiter(&Recruiter::DeleteCandidate { candidate_id: candidate })
        .expect("deleted");
    assert_eq!(world.list(&format!("/v3/candidates?ids={candidate}")).len(), 0);
    assert_eq!(world.list(&format!("/v3/applications?candidate_ids={candidate}")).len(), 0);
    assert_eq!(
        world.list(&format!("/v3/application_stages?application_ids={application}")).len(),
        0
    );
}

#[test]
fn a_recruiter_has_the_effects_of_the_api_and_is_logged_separately() {
    let world = World::new();
    let (job, _) = world.open_job(0);
    let application = world.apply("hand@example.com", job);
    let row = || world.sandbox.row("applications", application).expect("a row");
    let candidate = row()["candidate_id"].as_i64().expect("an id");
    world.sandbox.clear_logs();
    let deeds = [
        json!({"do": "move", "application_id": application, "stage_name": "Offer"}),
        json!({"do": "edit_email", "candidate_id": candidate, "from": "hand@example.com",
            "to": "new@example.com"}),
        json!({"do": "reject", "application_id": application}),
    ];
    for deed in deeds {
        let answer = world.post("/_sandbox/recruiter", deed.clone());
        assert_eq!(answer.status, 200, "{deed}: {}", answer.body_json());
    }
    assert_eq!(
        (row()["stage_name"].as_str(), row()["status"].as_str()),
        (Some("Offer"), Some("rejected"))
    );
    assert_eq!(ids(&world.sandbox.candidates_by_email("new@example.com")), [candidate]);
    assert!(
        world
            .sandbox
            .writes()
            .iter()
            .all(|write| write.writer == atsync_greenhouse_sandbox::Writer::Recruiter)
    );
    assert_eq!(
        world
            .post(
                "/_sandbox/recruiter",
                json!({"do": "move", "application_id": 1, "stage_name": "x"})
            )
            .status,
        400
    );
}

#[test]
fn private_fields_are_absent_where_the_actor_may_not_read_them() {
    let world = World::new();
    let with_salary = || {
        let rows = world.walk("/v3/candidates?per_page=500").0;
        rows.iter().filter(|row| row["custom_fields"].get("salary_expectation").is_some()).count()
    };
    assert!(with_salary() > 0);
    world.sandbox.set_quirks(|quirks| quirks.hide_private_fields = true);
    assert_eq!(with_salary(), 0);
}

#[test]
fn a_patch_that_changes_nothing_changes_the_stamp_unless_the_switch_says_otherwise() {
    let world = World::new();
    let candidate = world.create_candidate("echo@example.com");
    let patch = || {
        world.clock.advance_ms(1_000);
        let answer =
            world.patch(&format!("/v3/candidates/{candidate}"), json!({"first_name": "Ada"}));
        answer.body_json()["updated_at"].clone()
    };
    let first = patch();
    let second = patch();
    assert_ne!(first, second);
    world.sandbox.set_quirks(|quirks| quirks.unchanged_patch_is_silent = true);
    assert_eq!(patch(), second);
}

#[test]
fn an_application_may_start_in_a_later_stage_of_its_own_job() {
    let world = World::new();
    let ((job, stages), (_, others)) = (world.open_job(0), world.open_job(1));
    let candidate = world.create_candidate("later@example.com");
    let apply = |stage: i64| {
        world.post(
            "/v3/applications",
            json!({"candidate_id": candidate, "job_id": job, "initial_stage_id": stage}),
        )
    };
    assert_eq!(apply(others[0]).status, 422);
    assert_eq!(apply(stages[1]).body_json()["job_interview_stage_id"], stages[1]);
}

#[test]
fn a_recruiter_edits_one_custom_field_and_leaves_the_others() {
    let world = World::new();
    let candidate = world.create_candidate("screen@example.com");
    let edit = |key: &str, value: Value| {
        let deed = json!({"do": "set_custom_field", "collection": "candidates", "id": candidate,
            "name_key": key, "value": value});
        assert_eq!(world.post("/_sandbox/recruiter", deed).status, 200);
    };
    edit("external_ref", json!("x"));
    edit("seniority", json!(option_id(&world, "seniority", "Senior")));
    let fields =
        || world.sandbox.row("candidates", candidate).expect("a row")["custom_fields"].clone();
    assert_eq!(
        (&fields()["external_ref"]["value"], &fields()["seniority"]["value"]),
        (&json!("x"), &json!("Senior"))
    );
    edit("external_ref", Value::Null);
    assert_eq!(fields().as_object().map(serde_json::Map::len), Some(1));
}
