//! What fires: every change of a recruiter and of the API that the reference names, and no other.

use crate::common::{World, id};
use crate::{Heard, actions, heard, hearing};
use atsync_greenhouse_sandbox::{HookDeletedIds, HookSourceName, Recruiter, Transfer};
use serde_json::{Value, json};

/// A candidate with an application to an open job, heard of.
fn applied(world: &World) -> (i64, i64) {
    let (job, _) = world.open_job(0);
    let application = world.apply("ada@example.com", job);
    heard(&world.sandbox);
    let row = world.sandbox.row("applications", application).unwrap();
    (application, row["candidate_id"].as_i64().unwrap())
}

fn done(world: &World, deed: &Recruiter) -> Vec<Heard> {
    world.sandbox.recruiter(deed).unwrap();
    heard(&world.sandbox)
}

fn values(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn each_step_of_an_application_fires_its_event_and_an_update() {
    let world = hearing(&[]);
    let (application, _) = applied(&world);
    let row = world.sandbox.row("applications", application).unwrap();
    let (_, stages) = world.open_job(0);
    let second = world.sandbox.row("job_interview_stages", stages[1]).unwrap();
    let application_id = application;
    let stage_name = second["name"].as_str().unwrap().to_owned();
    let all = done(&world, &Recruiter::Move { application_id, stage_name: stage_name.clone() });
    assert_eq!(actions(&all), ["candidate_stage_change", "application_updated"]);
    let moved = &all[0].payload["application"];
    assert_eq!(moved["id"], application);
    assert_eq!(
        moved["current_stage"],
        json!({"id": stages[1], "name": stage_name, "interviews": []})
    );
    assert_eq!((&moved["status"], &moved["prospect"]), (&json!("active"), &json!(false)));
    assert_eq!(moved["candidate"]["id"], row["candidate_id"]);
    assert_eq!(moved["jobs"][0]["id"], row["job_id"]);

    let all = done(&world, &Recruiter::Reject { application_id, rejection_reason_id: None });
    assert_eq!(actions(&all), ["reject_candidate", "application_updated"]);
    let rejected = &all[0].payload["application"];
    assert_eq!(rejected["status"], "rejected");
    assert!(rejected["rejection_reason"]["type"]["name"].is_string(), "{rejected}");

    let all = done(&world, &Recruiter::Unreject { application_id });
    assert_eq!(actions(&all), ["unreject_candidate", "application_updated"]);

    let all = done(&world, &Recruiter::Hire { application_id, opening_id: None });
    assert_eq!(actions(&all)[..2], ["hire_candidate", "application_updated"]);
    assert!(all[0].payload["application"]["offer"].is_object());
    assert_eq!(all[0].payload["application"]["status"], "hired");

    let all = done(&world, &Recruiter::Unhire { application_id });
    assert_eq!(actions(&all), ["unhire_candidate", "application_updated"]);
}

#[test]
fn the_same_change_through_the_api_fires_the_same() {
    let world = hearing(&[]);
    let (job, stages) = world.open_job(0);
    let candidate = world.create_candidate("ada@example.com");
    assert_eq!(heard(&world.sandbox), [], "a candidate without an application fires nothing");
    let answer = world.post("/v3/applications", json!({"candidate_id": candidate, "job_id": job}));
    let application = id(&answer.body_json());
    let all = heard(&world.sandbox);
    assert_eq!(actions(&all), ["new_candidate_application"]);
    assert_eq!(all[0].payload["application"]["candidate"]["id"], candidate);
    let path = format!("/v3/applications/{application}");
    let step = |path: String, body: Value| {
        assert!(world.post(&path, body).status < 300);
        actions(&heard(&world.sandbox)).join(" ")
    };
    let reasons = world.sandbox.rows("rejection_reasons");
    assert_eq!(
        step(format!("{path}/move"), json!({"from_stage_id": stages[0]})),
        "candidate_stage_change application_updated"
    );
    assert_eq!(
        step(format!("{path}/reject"), json!({"rejection_reason_id": reasons[0]["id"]})),
        "reject_candidate application_updated"
    );
    assert_eq!(
        step(format!("{path}/unreject"), json!({})),
        "unreject_candidate application_updated"
    );
    world.patch(&format!("/v3/candidates/{candidate}"), json!({"last_name": "King"}));
    assert_eq!(actions(&heard(&world.sandbox)), ["update_candidate"]);
    world.send("DELETE", &path, &Value::Null);
    let all = heard(&world.sandbox);
    assert_eq!(actions(&all), ["delete_application"]);
    let gone = &all[0].payload["application"];
    assert_eq!(
        (&gone["id"], &gone["candidate_id"], &gone["job_id"]),
        (&json!(application), &json!(candidate), &json!(job))
    );
    // A refused request fires nothing.
    assert_eq!(world.post(&format!("{path}/move"), json!({"from_stage_id": 1})).status, 404);
    assert_eq!(heard(&world.sandbox), []);
}

#[test]
fn a_candidate_fires_for_its_fields_and_not_for_notes_files_and_background() {
    let world = hearing(&[]);
    let (_, candidate_id) = applied(&world);
    let to = "new@example.com".to_owned();
    let all = done(&world, &Recruiter::EditEmail { candidate_id, from: None, to: to.clone() });
    assert_eq!(actions(&all), ["update_candidate"]);
    let emails = all[0].payload["candidate"]["email_addresses"].as_array().unwrap();
    assert!(emails.contains(&json!({"value": to, "type": "personal"})), "{emails:?}");
    let all = done(&world, &Recruiter::AddTag { candidate_id, tag: "Speaker".into() });
    assert_eq!(all[0].payload["candidate"]["tags"], json!(["Speaker"]));
    for deed in [
        Recruiter::AddNote { candidate_id, body: "Hm".into() },
        Recruiter::AddEmployment {
            candidate_id,
            company: "Acme".into(),
            title: "Smith".into(),
            started_on: "2020-01-01".into(),
            ended_on: None,
        },
    ] {
        assert_eq!(done(&world, &deed), [], "{deed:?}");
    }
    let all = done(&world, &Recruiter::DeleteCandidate { candidate_id });
    assert_eq!(actions(&all), ["delete_candidate"], "what goes with it is silent");
}

#[test]
fn custom_fields_are_worded_as_in_v1_and_private_ones_are_not_left_out() {
    let world = hearing(&["update_candidate"]);
    let (_, candidate_id) = applied(&world);
    let salary = json!({"amount": 100, "currency_code": "EUR"});
    let set = |name_key: &str, value: &Value| Recruiter::SetCustomField {
        collection: "candidates".into(),
        id: candidate_id,
        name_key: name_key.into(),
        value: value.clone(),
    };
    let all = done(&world, &set("salary_expectation", &salary));
    let fields = &all[0].payload["candidate"]["custom_fields"];
    let salary = &fields["salary_expectation"];
    assert_eq!(salary["value"]["unit"], "EUR", "{salary}");
    assert_eq!(fields["languages"]["value"], json!([]), "an unset list is empty");
    assert_eq!(fields["portfolio"]["value"], Value::Null);
    assert!(fields.get("old_rating").is_none(), "an archived field without a value is absent");
    let user = world.sandbox.rows("users")[2]["id"].clone();
    let all = done(&world, &set("buddy", &user));
    assert_eq!(all[0].payload["candidate"]["custom_fields"]["buddy"]["value"]["user_id"], user);
}

#[test]
fn a_deletion_lists_the_applications_that_go_with_it_under_either_name() {
    for (switch, name) in [
        (HookDeletedIds::DeletedApplicationIds, "deleted_application_ids"),
        (HookDeletedIds::ApplicationIds, "application_ids"),
    ] {
        let world = hearing(&[]);
        world.sandbox.set_quirks(|quirks| quirks.webhooks.deleted_ids = switch);
        let (application, candidate_id) = applied(&world);
        let all = done(&world, &Recruiter::DeleteCandidate { candidate_id });
        let person = &all[0].payload["person"];
        assert_eq!(
            (person["id"].as_i64(), &person[name]),
            (Some(candidate_id), &json!([application]))
        );
    }
}

#[test]
fn a_merge_fires_as_a_merge_or_where_none_hears_it_as_a_deletion() {
    let merge = |events: &[&str]| {
        let world = hearing(events);
        let (_, winner) = applied(&world);
        let loser = world.create_candidate("bob@example.com");
        heard(&world.sandbox);
        let deed = Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser };
        (done(&world, &deed), winner, loser)
    };
    let (all, winner, loser) = merge(&[]);
    assert_eq!(actions(&all), ["merge_candidate"], "the moved records are silent");
    let person = &all[0].payload["person"];
    assert_eq!((&person["id"], &person["new_candidate_id"]), (&json!(loser), &json!(winner)));
    let (all, _, loser) = merge(&["delete_candidate", "application_updated"]);
    assert_eq!(actions(&all), ["delete_candidate"]);
    assert_eq!(all[0].payload["person"]["id"], loser);
}

#[test]
fn an_anonymisation_names_the_fields() {
    let world = hearing(&[]);
    let (_, candidate_id) = applied(&world);
    let fields = vec!["full_name".to_owned(), "notes".to_owned()];
    let all = done(&world, &Recruiter::Anonymise { candidate_id, fields });
    assert_eq!(actions(&all), ["candidate_anonymized"]);
    assert_eq!(
        all[0].payload,
        json!({"candidate_id": candidate_id, "anonymized_fields": ["full_name", "notes"]})
    );
    let all = done(&world, &Recruiter::Anonymise { candidate_id, fields: Vec::new() });
    let named = all[0].payload["anonymized_fields"].as_array().unwrap();
    assert!(named.len() > 10 && named.contains(&json!("email_addresses")), "{named:?}");
}

#[test]
fn prospects_conversions_and_transfers_fire_for_the_application_that_is_new() {
    let world = hearing(&[]);
    let (job_id, _) = world.open_job(0);
    let deed = Recruiter::AddCandidate {
        first_name: "Ada".into(),
        last_name: "Byron".into(),
        email: None,
        job_id: None,
    };
    let all = done(&world, &deed);
    assert_eq!(actions(&all), ["new_prospect_application"]);
    assert_eq!(all[0].payload["application"]["jobs"], json!([]));
    let application_id = id(&all[0].payload["application"]);
    let all = done(&world, &Recruiter::Convert { application_id, job_id });
    let mut fired = actions(&all);
    fired.sort_unstable();
    assert_eq!(fired, ["application_updated", "new_candidate_application"]);
    let new = all.iter().find(|heard| heard.action == "new_candidate_application").unwrap();
    let application_id = id(&new.payload["application"]);
    world.sandbox.set_quirks(|quirks| quirks.transfer = Transfer::NewId);
    let (job_id, _) = world.open_job(1);
    let all = done(&world, &Recruiter::Transfer { application_id, job_id });
    let mut fired = actions(&all);
    fired.sort_unstable();
    assert_eq!(fired, ["delete_application", "new_candidate_application"]);
}

#[test]
fn jobs_posts_and_stages_fire_for_the_changes_that_the_reference_names() {
    let world = hearing(&[]);
    let add = |collection: &str, row: Value| {
        let deed = Recruiter::Add { collection: collection.into(), values: values(row) };
        let made = id(&world.sandbox.recruiter(&deed).unwrap());
        (made, actions(&heard(&world.sandbox)).join(" "))
    };
    let set = |collection: &str, id: i64, row: Value| {
        let collection = collection.to_owned();
        let all = done(&world, &Recruiter::Set { collection, id, values: values(row) });
        actions(&all).join(" ")
    };
    let delete = |collection: &str, id: i64| {
        let deed = Recruiter::Delete { collection: collection.into(), id };
        world.sandbox.recruiter(&deed).map(|_| heard(&world.sandbox))
    };
    let (job, fired) = add("jobs", json!({"name": "Smith", "status": "draft"}));
    assert_eq!(fired, "job_created");
    assert_eq!(set("jobs", job, json!({"status": "open"})), "job_approved job_updated");
    assert_eq!(set("jobs", job, json!({"notes": "urgent"})), "job_updated");
    assert_eq!(set("jobs", job, json!({"confidential": true})), "", "not a change that fires");
    let (post, fired) =
        add("job_posts", json!({"job_id": job, "title": "Smith", "active": true, "live": true}));
    assert_eq!(fired, "job_post_created");
    assert!(delete("job_posts", post).is_err(), "a live post cannot be deleted");
    world
        .sandbox
        .recruiter(&Recruiter::Set {
            collection: "job_posts".into(),
            id: post,
            values: values(json!({"live": false})),
        })
        .unwrap();
    let all = heard(&world.sandbox);
    assert_eq!((actions(&all), &all[0].payload["id"]), (vec!["job_post_updated"], &json!(post)));
    assert_eq!(all[0].payload["job_id"], job, "the payload has no wrapper");
    let all = delete("job_posts", post).unwrap();
    assert_eq!(all[0].payload["job_post"]["id"], post);
    assert_eq!(world.sandbox.row("job_posts", post).unwrap()["active"], false);
    let (stage, fired) =
        add("job_interview_stages", json!({"job_id": job, "name": "Talk", "active": true}));
    assert_eq!(fired, "", "only the removal of a stage fires");
    let all = delete("job_interview_stages", stage).unwrap();
    let gone = &all[0].payload["job_interview_stage"];
    assert_eq!((&gone["id"], &gone["job_id"]), (&json!(stage), &json!(job)));
    assert!(delete("jobs", job).is_err(), "an open job cannot be deleted");
    assert_eq!(actions(&done(&world, &Recruiter::CloseJob { job_id: job })), ["job_updated"]);
    let all = delete("jobs", job).unwrap();
    assert_eq!(actions(&all), ["job_deleted"], "posts and stages go silently with it");
    assert_eq!(all[0].payload["job"]["name"], "Smith");
    assert!(world.sandbox.rows_where("job_posts", "job_id", job).is_empty());
}

#[test]
fn a_department_goes_with_all_below_it_in_one_event() {
    let world = hearing(&[]);
    let add = |name: &str, parent: Option<i64>| {
        let row = values(json!({"name": name, "parent_id": parent}));
        let deed = Recruiter::Add { collection: "departments".into(), values: row };
        id(&world.sandbox.recruiter(&deed).unwrap())
    };
    let top = add("Top", None);
    let middle = add("Middle", Some(top));
    let low = add("Low", Some(middle));
    assert_eq!(heard(&world.sandbox), [], "the creation of a department fires nothing");
    let all = done(&world, &Recruiter::Delete { collection: "departments".into(), id: top });
    assert_eq!(actions(&all), ["department_deleted"]);
    let department = &all[0].payload["department"];
    let ids = (&department["id"], &department["child_ids"]);
    assert_eq!(ids, (&json!(top), &json!([middle, low])));
}

#[test]
fn a_removal_behind_the_screens_and_a_change_of_stamps_alone_fire_nothing() {
    let world = hearing(&[]);
    let (application, candidate_id) = applied(&world);
    let now = json!({"last_activity_at": "2026-11-24T10:00:00Z"});
    let deed =
        Recruiter::Set { collection: "candidates".into(), id: candidate_id, values: values(now) };
    assert_eq!(done(&world, &deed), []);
    let deed = Recruiter::Remove { collection: "applications".into(), id: application };
    assert_eq!(done(&world, &deed), []);
}

#[test]
fn the_name_of_a_source_comes_under_either_name() {
    for (switch, name) in
        [(HookSourceName::PublicName, "public_name"), (HookSourceName::Name, "name")]
    {
        let world = hearing(&["application_updated"]);
        world.sandbox.set_quirks(|quirks| quirks.webhooks.source_name = switch);
        let (application, _) = applied(&world);
        let source = &world.sandbox.rows("sources")[0];
        let body = json!({"source_id": source["id"]});
        assert_eq!(world.patch(&format!("/v3/applications/{application}"), body).status, 200);
        let all = heard(&world.sandbox);
        assert_eq!(all[0].payload["application"]["source"][name], source["name"]);
    }
}
