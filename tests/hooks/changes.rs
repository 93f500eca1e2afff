//! Everything that a recruiter or an admin changes, one after the other, each observed at once.

use crate::host::{Host, ends};
use atsync::model::contract::{Hint, RemoteRef};
use atsync::{HintEnd, PlanOf, Verdict};
use atsync_greenhouse_sandbox::{Recruiter, Transfer};
use atsync_tests::desired;
use serde_json::{Map, Value, json};

fn values(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn actions(arrivals: &[crate::host::Arrival]) -> String {
    let mut names: Vec<String> = arrivals.iter().map(crate::host::Arrival::action).collect();
    names.sort();
    names.join(" ")
}

/// The open jobs that every user may see.
fn open_jobs(host: &Host) -> Vec<i64> {
    let jobs = host.sandbox().rows("jobs");
    let is_open = |job: &&Value| job["status"] == "open" && job["confidential"] == false;
    jobs.iter().filter(is_open).map(|job| job["id"].as_i64().unwrap()).collect()
}

async fn add_candidate(host: &Host, first_name: &str, job_id: Option<i64>) -> (i64, i64) {
    let deed = Recruiter::AddCandidate {
        first_name: first_name.into(),
        last_name: "Byron".into(),
        email: Some(format!("{first_name}@example.com")),
        job_id,
    };
    let (candidate, arrivals) = host.done(&deed).await;
    let event =
        if job_id.is_some() { "new_candidate_application" } else { "new_prospect_application" };
    assert_eq!(actions(&arrivals), event);
    host.agrees(event).await;
    let application = host.sandbox().applications_of(candidate)[0]["id"].as_i64().unwrap();
    (candidate, application)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_an_application_is_observed_within_its_delivery() {
    let host = Host::hearing(&[]).await;
    let jobs = open_jobs(&host);
    let (_, application_id) = add_candidate(&host, "ada", Some(jobs[0])).await;
    let (_, prospect) = add_candidate(&host, "bob", None).await;
    let stages = host.sandbox().rows_where("job_interview_stages", "job_id", jobs[0]);
    let second = stages.iter().find(|stage| stage["sort_order"] == 1).unwrap();
    let stage_name = second["name"].as_str().unwrap().to_owned();
    let openings = host.sandbox().rows_where("openings", "job_id", jobs[1]);
    let opening_id =
        openings.iter().find(|opening| opening["open"] == true).unwrap()["id"].as_i64();
    for (deed, events) in [
        (
            Recruiter::Move { application_id, stage_name },
            "application_updated candidate_stage_change",
        ),
        (
            Recruiter::Reject { application_id, rejection_reason_id: None },
            "application_updated reject_candidate",
        ),
        (Recruiter::Unreject { application_id }, "application_updated unreject_candidate"),
        (
            Recruiter::Transfer { application_id, job_id: jobs[1] },
            "application_updated candidate_stage_change",
        ),
        (Recruiter::Hire { application_id, opening_id }, "hire_candidate"),
        (Recruiter::Unhire { application_id }, "application_updated unhire_candidate"),
        (
            Recruiter::SetCustomField {
                collection: "applications".into(),
                id: application_id,
                name_key: "external_ref".into(),
                value: json!("ref-1"),
            },
            "application_updated",
        ),
        (
            Recruiter::Convert { application_id: prospect, job_id: jobs[0] },
            "application_updated new_candidate_application",
        ),
    ] {
        let (_, arrivals) = host.done(&deed).await;
        let fired = actions(&arrivals);
        // A hire may close its job, which is another event.
        let expected = events.split(' ').all(|event| fired.split(' ').any(|one| one == event));
        assert!(expected, "{deed:?}: {fired}");
        host.agrees(&format!("{deed:?}")).await;
    }
    host.sandbox().set_quirks(|quirks| quirks.transfer = Transfer::NewId);
    let deed = Recruiter::Transfer { application_id, job_id: jobs[2] };
    let (application_id, arrivals) = host.done(&deed).await;
    assert_eq!(actions(&arrivals), "delete_application new_candidate_application");
    host.agrees("a transfer with another id").await;
    host.done(&Recruiter::DeleteApplication { application_id }).await;
    host.agrees("a deleted application").await;
    host.all_delivered();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_a_candidate_is_observed_within_its_delivery() {
    let host = Host::hearing(&[]).await;
    let jobs = open_jobs(&host);
    let (candidate_id, _) = add_candidate(&host, "ada", Some(jobs[0])).await;
    let (other, _) = add_candidate(&host, "bob", Some(jobs[1])).await;
    let (third, applied) = add_candidate(&host, "cyd", Some(jobs[1])).await;
    for deed in [
        Recruiter::Rename { candidate_id, first_name: "A & <B>".into(), last_name: "Ü".into() },
        Recruiter::EditEmail { candidate_id, from: None, to: "other@example.com".into() },
        Recruiter::AddTag { candidate_id, tag: "Speaker".into() },
        Recruiter::RemoveTag { candidate_id, tag: "Speaker".into() },
        Recruiter::SetCustomField {
            collection: "candidates".into(),
            id: candidate_id,
            name_key: "years_of_experience".into(),
            value: json!(7),
        },
        Recruiter::Set {
            collection: "candidates".into(),
            id: candidate_id,
            values: values(json!({"private": true, "company": "Acme"})),
        },
    ] {
        let (_, arrivals) = host.done(&deed).await;
        assert_eq!(actions(&arrivals), "update_candidate", "{deed:?}");
        host.agrees(&format!("{deed:?}")).await;
    }
    let deed = Recruiter::Merge { candidate_id, secondary_candidate_id: other };
    let (_, arrivals) = host.done(&deed).await;
    let (loser, winner) = (other.to_string(), candidate_id.to_string());
    let merged =
        (RemoteRef::new("candidates", &loser), RemoteRef::new("candidates", winner.as_str()));
    assert_eq!(ends(&arrivals[0]), [(Hint::Merged(merged), HintEnd::Moved { to: winner })]);
    host.agrees("a merge").await;
    let fields = vec!["full_name".to_owned(), "email_addresses".to_owned()];
    let (_, arrivals) = host.done(&Recruiter::Anonymise { candidate_id, fields }).await;
    assert_eq!(ends(&arrivals[0])[0].1, HintEnd::TakenIn);
    host.agrees("an anonymisation").await;
    let (_, arrivals) = host.done(&Recruiter::DeleteCandidate { candidate_id: third }).await;
    assert_eq!(actions(&arrivals), "delete_candidate");
    let gone = ends(&arrivals[0]);
    assert_eq!(gone.len(), 2, "the candidate and its application {applied}");
    assert!(gone.iter().all(|(_, end)| *end == HintEnd::Gone), "{gone:?}");
    host.agrees("a deletion").await;
    host.all_delivered();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_fires_as_a_deletion_moves_the_candidate() {
    let host = Host::hearing(&["delete_candidate", "new_candidate_application"]).await;
    let jobs = open_jobs(&host);
    let (winner, _) = add_candidate(&host, "ada", Some(jobs[0])).await;
    let (loser, _) = add_candidate(&host, "bob", Some(jobs[1])).await;
    let deed = Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser };
    let (_, arrivals) = host.done(&deed).await;
    assert_eq!(actions(&arrivals), "delete_candidate");
    assert_eq!(ends(&arrivals[0])[0].1, HintEnd::Moved { to: winner.to_string() });
    let found = host.differences().await;
    // The winner's contacts, which the merge filled, wait for the next pull: no event names it.
    let only_the_winner =
        found.iter().all(|text| text.starts_with(&format!("candidates/{winner} ")));
    assert!(only_the_winner, "{found:#?}");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_the_set_up_is_observed_within_its_delivery() {
    let host = Host::hearing(&[]).await;
    let add = async |collection: &str, row: Value| {
        let deed = Recruiter::Add { collection: collection.into(), values: values(row) };
        host.done(&deed).await
    };
    let (job, arrivals) = add(
        "jobs",
        json!({"name": "Smith", "status": "draft",
        "confidential": false, "is_template": false}),
    )
    .await;
    assert_eq!(actions(&arrivals), "job_created");
    host.agrees("a new job").await;
    for row in [
        json!({"status": "open"}),
        json!({"name": "Blacksmith", "notes": "urgent"}),
        json!({"office_ids": [host.sandbox().rows("offices")[0]["id"]]}),
    ] {
        let deed =
            Recruiter::Set { collection: "jobs".into(), id: job, values: values(row.clone()) };
        host.done(&deed).await;
        host.agrees(&row.to_string()).await;
    }
    let post = json!({"job_id": job, "title": "Smith", "active": true, "live": true,
        "featured": false, "internal": false, "questions": []});
    let (post, arrivals) = add("job_posts", post).await;
    assert_eq!(actions(&arrivals), "job_post_created");
    host.agrees("a new post").await;
    for row in [json!({"live": false}), json!({"title": "Blacksmith"})] {
        let collection = "job_posts".to_owned();
        let deed = Recruiter::Set { collection, id: post, values: values(row) };
        let (_, arrivals) = host.done(&deed).await;
        assert_eq!(actions(&arrivals), "job_post_updated");
        host.agrees("a changed post").await;
    }
    let delete =
        |collection: &str, id: i64| Recruiter::Delete { collection: collection.into(), id };
    let (_, arrivals) = host.done(&delete("job_posts", post)).await;
    // Greenhouse still lists it, as inactive.
    assert_eq!(ends(&arrivals[0])[0].1, HintEnd::StillThere);
    host.agrees("a deleted post").await;
    let stage = host.sandbox().rows("job_interview_stages")[0]["id"].as_i64().unwrap();
    let (_, arrivals) = host.done(&delete("job_interview_stages", stage)).await;
    assert_eq!(actions(&arrivals), "job_interview_stage_deleted");
    host.agrees("a deleted stage").await;
    for (collection, kind, event) in [
        ("departments", "departments", "department_deleted"),
        ("offices", "offices", "office_deleted"),
    ] {
        let rows = host.sandbox().rows(collection);
        let parent =
            rows.iter().find(|row| rows.iter().any(|below| below["parent_id"] == row["id"]));
        let top = parent.unwrap_or(&rows[0])["id"].as_i64().unwrap();
        let (_, arrivals) = host.done(&delete(collection, top)).await;
        assert_eq!(actions(&arrivals), event);
        let gone = ends(&arrivals[0]);
        assert!(!gone.is_empty() && gone.iter().all(|(_, end)| *end == HintEnd::Gone), "{gone:?}");
        let row = host.acme.observed_one(kind, &top.to_string()).await.unwrap().unwrap();
        assert!(row.gone);
        host.agrees(event).await;
    }
    host.done(&Recruiter::CloseJob { job_id: job }).await;
    host.agrees("a closed job").await;
    let (_, arrivals) = host.done(&delete("jobs", job)).await;
    assert_eq!(actions(&arrivals), "job_deleted");
    let row = host.acme.observed_one("jobs", &job.to_string()).await.unwrap().unwrap();
    assert!(row.gone);
    // Its post went silently, so only a sweep will find that.
    let found = host.differences().await;
    assert_eq!(found, [format!("postings/{post} is gone, and observed")]);
    host.all_delivered();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_kinds_that_the_connection_does_not_read_are_accepted_and_lead_to_no_read() {
    let host = Host::hearing(&[]).await;
    host.sandbox().clear_logs();
    let before = host.arrivals().len();
    for (event, payload) in [
        ("offer_created", json!({"id": 7, "application_id": 8})),
        ("offer_updated", json!({"id": 7, "application_id": 8})),
        ("offer_approved", json!({"id": 7, "application_id": 8})),
        ("offer_deleted", json!({"offer": {"id": 7}})),
        ("interview_deleted", json!({"interview": {"id": 7}})),
        ("scorecard_deleted", json!({"scorecard": {"id": 7}})),
    ] {
        host.sandbox().fire_webhook(event, payload).unwrap();
    }
    host.settled().await;
    let arrivals = host.arrivals().split_off(before);
    assert_eq!(arrivals.len(), 6);
    for arrival in &arrivals {
        let Verdict::Accepted(ends) = &arrival.received.verdict else { panic!("{arrival:?}") };
        let is_left = ends.len() == 1 && ends[0].1 == HintEnd::NotRead;
        assert!(is_left, "{}: {ends:?}", arrival.action());
    }
    assert!(host.sandbox().requests().is_empty());
    host.all_delivered();
    host.end().await;
}

/// Greenhouse fires for the engine's own writes too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_of_the_engines_own_write_plans_nothing() {
    let host = Host::hearing(&[]).await;
    let job = open_jobs(&host)[0].to_string();
    let record = json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
        "emails": ["ada@referred.example.com"],
        "applications": [{"key": "a", "job": {"id": job}}]});
    host.acme.declare(&desired(&record.to_string())).await.unwrap();
    let (_, report) = host.acme.sync().await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    host.settled().await;
    let echoes = actions(&host.arrivals());
    assert!(echoes.contains("new_candidate_application"), "{echoes}");
    host.agrees("the engine's own writes").await;
    let plan = host.acme.plan(PlanOf::All).await.unwrap();
    assert_eq!(plan.writes(), 0, "{plan}");
    host.all_delivered();
    host.end().await;
}

/// A host without the secret must not answer 200, or Greenhouse would take the ping for a success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_that_another_secret_signed_disables_the_webhook() {
    let host = Host::hearing(&["update_candidate"]).await;
    let deliveries = host.sandbox().hook_deliveries().len();
    let url = host.sandbox().webhooks()[0]["endpoint_url"].as_str().unwrap().to_owned();
    let events = vec!["update_candidate".to_owned()];
    let other = atsync_greenhouse_sandbox::NewWebhook {
        events,
        ..atsync_greenhouse_sandbox::NewWebhook::new(&url, "another secret")
    };
    host.sandbox().add_webhook(&other).unwrap();
    host.settled().await;
    assert_eq!(host.sandbox().hook_deliveries().len(), deliveries + 1);
    let states: Vec<Value> =
        host.sandbox().webhooks().iter().map(|webhook| webhook["deactivated"].clone()).collect();
    assert_eq!(states, [json!(true), json!(false)]);
    host.end().await;
}
