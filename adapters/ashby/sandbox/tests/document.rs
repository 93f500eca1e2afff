//! The sandbox against Ashby's own OpenAPI document, and the reference's list of what a simulator
//! must do.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, dead_code, reason = "tests")]

#[path = "../../openapi/schema.rs"]
mod schema;

use atsync_ashby_sandbox::*;
use base64::Engine as _;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_790_000_000_000;

struct World {
    sandbox: Sandbox,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(NOW_MS);
        let options = SandboxOptions {
            clock: clock.clock(),
            rate_limit: 100_000,
            ..SandboxOptions::sized(7, 150)
        };
        Self { sandbox: Sandbox::new(options), clock }
    }

    fn whole(&self, path: &str, body: &Value) -> Answer {
        let key = base64::engine::general_purpose::STANDARD.encode("sandbox-key:");
        let headers = [
            ("authorization".to_owned(), format!("Basic {key}")),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let (path, body) = (format!("/{path}"), body.to_string());
        self.sandbox.handle(&Request {
            method: "POST",
            path_and_query: &path,
            headers: &headers,
            body: body.as_bytes(),
        })
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        let answer = self.whole(path, body);
        assert_eq!(answer.status, 200, "{path}");
        answer.body_json()
    }

    fn refused(&self, path: &str, body: &Value) -> String {
        let answer = self.call(path, body);
        assert_eq!(answer["success"], false, "{path} {answer}");
        answer["errorInfo"]["code"].as_str().unwrap().to_owned()
    }

    fn results(&self, path: &str, body: &Value) -> Value {
        let answer = self.call(path, body);
        assert_eq!(answer["success"], true, "{path} {answer}");
        answer["results"].clone()
    }

    /// The ids of a pass, and its token.
    fn pass(&self, path: &str, token: Option<&str>, limit: u32) -> (Vec<String>, String) {
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let mut body = json!({"limit": limit});
            if let Some(token) = token {
                body["syncToken"] = token.into();
            }
            if let Some(cursor) = cursor {
                body["cursor"] = cursor;
            }
            let page = self.call(path, &body);
            assert_eq!(page["success"], true, "{page}");
            let rows = page["results"].as_array().unwrap().iter();
            ids.extend(rows.map(|row| row["id"].as_str().unwrap().to_owned()));
            if page["moreDataAvailable"] == false {
                return (ids, page["syncToken"].as_str().unwrap().to_owned());
            }
            assert!(page["syncToken"].is_null(), "a token on the last page alone");
            cursor = Some(page["nextCursor"].clone());
        }
    }
}

#[test]
fn every_answer_of_a_read_fits_the_document() {
    let Some(document) = schema::document() else { return };
    let world = World::new();
    let first = |path: &str| world.results(path, &json!({}))[0].clone();
    let (candidate, job) = (first("candidate.list"), first("job.list"));
    let plan = job["defaultInterviewPlanId"].clone();
    let application = first("application.list")["id"].clone();
    let schedule = first("interviewSchedule.list");
    let (booked, offer) = (schedule["applicationId"].clone(), first("offer.list"));
    let of = world.results("application.info", &json!({"applicationId": booked}));
    let of = json!({"candidateId": of["candidate"]["id"]});
    let users = world.results("user.list", &json!({"includeDeactivated": true}));
    let paused = |user: &&Value| {
        let of = json!({"userId": user["id"]});
        world
            .results("user.listInterviewerPauses", &of)
            .as_array()
            .is_some_and(|all| !all.is_empty())
    };
    let paused = users.as_array().unwrap().iter().find(paused).unwrap()["id"].clone();
    let mut found: Vec<String> = Vec::new();
    for (path, body) in [
        ("apiKey.info", json!({})),
        ("candidate.list", json!({})),
        ("candidate.info", json!({"id": candidate["id"]})),
        ("candidate.search", json!({"name": "a"})),
        ("candidate.listNotes", json!({"candidateId": candidate["id"]})),
        ("application.list", json!({})),
        ("application.info", json!({"applicationId": application})),
        ("application.listHistory", json!({"applicationId": application})),
        ("job.list", json!({"status": ["Draft", "Open", "Closed", "Archived"]})),
        ("job.info", json!({"id": job["id"]})),
        ("jobInterviewPlan.info", json!({"jobId": job["id"]})),
        ("interviewPlan.list", json!({})),
        ("interviewStage.list", json!({"interviewPlanId": plan})),
        ("opening.list", json!({})),
        ("jobPosting.list", json!({})),
        ("user.list", json!({"includeDeactivated": true})),
        ("department.list", json!({"includeArchived": true})),
        ("location.list", json!({})),
        ("candidateTag.list", json!({})),
        ("customField.list", json!({})),
        ("source.list", json!({})),
        ("archiveReason.list", json!({})),
        ("closeReason.list", json!({})),
        ("applicationHiringTeamRole.list", json!({})),
        ("application.listCriteriaEvaluations", json!({"applicationId": booked})),
        ("applicationFeedback.list", json!({})),
        ("feedbackFormDefinition.list", json!({"includeArchived": true})),
        ("surveyFormDefinition.list", json!({})),
        ("surveyRequest.list", json!({"surveyType": "CandidateExperience"})),
        ("surveySubmission.list", json!({"surveyType": "CandidateExperience"})),
        ("surveySubmission.list", json!({"surveyType": "Questionnaire"})),
        ("approval.list", json!({})),
        ("brand.list", json!({})),
        ("communicationTemplate.list", json!({})),
        ("hiringTeamRole.list", json!({"namesOnly": false})),
        ("sourceTrackingLink.list", json!({"includeDisabled": true})),
        ("user.listInterviewerPauses", json!({"userId": paused})),
        ("candidate.listClientInfo", of.clone()),
        ("candidate.listFraudChecks", of.clone()),
        ("project.list", json!({})),
        ("interview.list", json!({})),
        ("interviewSchedule.list", json!({})),
        ("interviewEvent.list", json!({"interviewScheduleId": schedule["id"]})),
        ("interviewStageGroup.list", json!({})),
        ("interviewerPool.list", json!({})),
        ("jobBoard.list", json!({})),
        ("jobTemplate.list", json!({})),
        ("offer.list", json!({})),
        ("offer.info", json!({"offerId": offer["id"]})),
        ("interview.info", json!({"id": first("interview.list")["id"]})),
        ("project.info", json!({"projectId": first("project.list")["id"]})),
        ("jobPosting.info", json!({"jobPostingId": first("jobPosting.list")["id"]})),
    ] {
        let faults = document.faults(document.request(&format!("/{path}")), &body, true);
        assert!(faults.is_empty(), "{path}: {faults:?}");
        let answer = world.call(path, &body);
        assert_eq!(answer["success"], true, "{path} {answer}");
        let rows = answer["results"].as_array().map(Vec::len);
        assert!(rows != Some(0) || path == "candidate.listNotes", "{path} has no row");
        let faults = document.faults(document.answer(&format!("/{path}")), &answer, false);
        found.extend(faults.into_iter().take(3).map(|fault| format!("{path} {fault}")));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn two_lists_have_more_rows_than_three_of_the_largest_pages() {
    let world = World::new();
    for path in ["interview.list", "project.list"] {
        assert!(world.pass(path, None, 100).0.len() > 300, "{path}");
    }
}

#[test]
fn a_change_shows_in_the_next_pass_even_one_during_a_pass() {
    let world = World::new();
    let (all, token) = world.pass("candidate.list", None, 40);
    assert_eq!(all.len(), world.sandbox.count("candidates"));
    let (none, _) = world.pass("candidate.list", Some(&token), 40);
    assert!(none.is_empty());
    world.results("candidate.update", &json!({"candidateId": all[3], "name": "Ada"}));
    let (changed, next) = world.pass("candidate.list", Some(&token), 40);
    assert_eq!(changed, [all[3].clone()]);
    // During a pass, a row that was already read.
    let page = world.call("candidate.list", &json!({"limit": 40}));
    world.results("candidate.update", &json!({"candidateId": all[0], "name": "Bea"}));
    let mut body = json!({"limit": 40, "cursor": page["nextCursor"]});
    let mut last = world.call("candidate.list", &body);
    while last["moreDataAvailable"] == true {
        body["cursor"] = last["nextCursor"].clone();
        last = world.call("candidate.list", &body);
    }
    let token = last["syncToken"].as_str().unwrap();
    assert_eq!(world.pass("candidate.list", Some(token), 40).0, [all[0].clone()]);
    // Deletions and merges are told by no list.
    let candidate_id = all[5].clone();
    world.sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id }).unwrap();
    let (after, _) = world.pass("candidate.list", None, 40);
    assert!(!after.contains(&all[5]));
    assert!(!world.pass("candidate.list", Some(&next), 40).0.contains(&all[5]));
    assert_eq!(world.refused("candidate.info", &json!({"id": all[5]})), "candidate_not_found");
}

#[test]
fn tokens_and_cursors_are_refused_by_their_codes() {
    let world = World::new();
    let (_, token) = world.pass("candidate.list", None, 100);
    let with = json!({"syncToken": token, "limit": 1});
    assert_eq!(world.refused("job.list", &with), "sync_token_invalid");
    assert_eq!(world.refused("job.list", &json!({"cursor": "x"})), "cursor_invalid");
    world.sandbox.set_quirks(|quirks| quirks.token_life_ms = 1000);
    world.sandbox.advance_ms(2000);
    assert_eq!(world.refused("candidate.list", &with), "sync_token_expired");
    world.sandbox.set_quirks(|quirks| {
        quirks.token_life_ms = 0;
        quirks.incremental_pages_max = 1;
        quirks.cursor_life_ms = 1000;
    });
    let (all, _) = world.pass("candidate.list", None, 100);
    for id in &all[..3] {
        world.results("candidate.update", &json!({"candidateId": id, "name": "Ada"}));
    }
    let mut body = with.clone();
    body["cursor"] = world.call("candidate.list", &with)["nextCursor"].clone();
    assert_eq!(world.refused("candidate.list", &body), "incremental_sync_too_large");
    world.sandbox.advance_ms(2000);
    assert_eq!(world.refused("candidate.list", &body), "next_cursor_expired");
}

#[test]
fn a_stage_of_another_plan_and_a_reason_out_of_place_are_refused_without_effect() {
    let world = World::new();
    let candidate = world.results("candidate.create", &json!({"name": "Ada"}))["id"].clone();
    let jobs = world.results("job.list", &json!({}));
    let [job, other] = [0, 1].map(|at| jobs[at]["id"].clone());
    let stages = |job: &Value| {
        world.results("jobInterviewPlan.info", &json!({"jobId": job}))["stages"].clone()
    };
    let of = |stages: &Value, kind: &str| {
        let all = stages.as_array().unwrap().iter();
        all.clone().find(|one| one["type"] == kind).unwrap()["id"].clone()
    };
    let (own, foreign) = (stages(&job), stages(&other));
    let made = json!({"candidateId": candidate, "jobId": job});
    let application = world.results("application.create", &made);
    assert_eq!(application["status"], "Lead");
    assert_eq!(world.results("application.create", &made)["status"], "Lead", "a second one");
    let id = application["id"].clone();
    let change = |stage: &Value, reason: Option<&Value>| {
        let mut body = json!({"applicationId": id, "interviewStageId": stage});
        if let Some(reason) = reason {
            body["archiveReasonId"] = reason.clone();
        }
        body
    };
    let reasons = world.results("archiveReason.list", &json!({}));
    let reason = &reasons[0]["id"];
    let path = "application.changeStage";
    assert_eq!(
        world.refused(path, &change(&of(&foreign, "Hired"), None)),
        "interview_stage_not_found"
    );
    assert_eq!(world.refused(path, &change(&of(&own, "Archived"), None)), "invalid_input");
    assert_eq!(world.refused(path, &change(&of(&own, "Hired"), Some(reason))), "invalid_input");
    let shown = world.results("application.info", &json!({"applicationId": id}));
    assert_eq!(shown["status"], "Lead");
    assert!(shown.get("archivedAt").is_none(), "left out, not null");
    let archived = world.results(path, &change(&of(&own, "Archived"), Some(reason)));
    assert_eq!(
        (&archived["status"], &archived["archiveReason"]["id"]),
        (&json!("Archived"), reason)
    );
    let opened = world.results(path, &change(&of(&own, "PreInterviewScreen"), None));
    assert_eq!(opened["status"], "Active");
}

#[test]
fn creates_make_duplicates_alternates_append_and_links_replace() {
    let world = World::new();
    let body = json!({"name": "Ada", "email": "ada@example.com",
        "createdAt": "2026-05-11T13:53:44.123Z"});
    let id = world.results("candidate.create", &body)["id"].clone();
    world.results("candidate.create", &body);
    let found = world.results("candidate.search", &json!({"email": "ADA@example.com"}));
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(found[0]["createdAt"], "2026-05-11T13:53:44.123Z");
    let alternate = json!({"candidateId": id, "alternateEmail": "b@example.com"});
    world.results("candidate.update", &alternate);
    let twice = world.results("candidate.update", &alternate);
    assert_eq!(twice["emailAddresses"].as_array().unwrap().len(), 3);
    for url in ["https://github.com/a", "https://github.com/b"] {
        let links = json!([{"type": "GitHub", "url": url}]);
        let shown =
            world.results("candidate.update", &json!({"candidateId": id, "socialLinks": links}));
        assert_eq!(shown["socialLinks"], links);
    }
    let tag = |title: &str| world.results("candidateTag.create", &json!({"title": title}));
    assert_eq!(tag("Keen")["id"], tag("Keen")["id"]);
    assert_eq!(world.sandbox.creates("candidates"), 2);
}

#[test]
fn lists_without_paging_and_lists_without_its_members() {
    let world = World::new();
    let postings = world.call("jobPosting.list", &json!({}));
    assert!(postings.get("moreDataAvailable").is_none() && postings.get("syncToken").is_none());
    let sources = world.call("source.list", &json!({}));
    assert_eq!(sources["moreDataAvailable"], false);
    assert!(sources.get("syncToken").is_none());
    assert_eq!(world.refused("source.list", &json!({"limit": 3})), "invalid_input");
}

#[test]
fn keys_rights_and_throttles_have_their_own_statuses() {
    let world = World::new();
    let bare = |method: &str| {
        let (headers, body) = (&[][..], &b"{}"[..]);
        world.sandbox.handle(&Request { method, path_and_query: "/job.list", headers, body })
    };
    assert_eq!(bare("POST").status, 401);
    world.sandbox.set_access(|access| {
        access.scopes.remove("jobsRead");
    });
    let denied = world.whole("job.list", &json!({}));
    assert_eq!(denied.status, 403);
    assert_eq!(denied.body_json()["errorInfo"]["code"], "missing_endpoint_permission");
    assert!(denied.header("x-ashby-request-id").is_some());
    let scopes = world.results("apiKey.info", &json!({}))["scopes"].clone();
    assert!(scopes.as_array().unwrap().contains(&json!("candidates:read")));
    assert!(!scopes.as_array().unwrap().contains(&json!("jobs:read")));
    world.sandbox.set_access(|access| access.deactivated = true);
    assert_eq!(world.whole("candidate.list", &json!({})).status, 403);
    world.sandbox.set_access(|access| access.deactivated = false);
    world.sandbox.set_rate_limit(1);
    let again = || world.whole("candidate.list", &json!({}));
    let [_, _, throttled] = [again(), again(), again()];
    assert_eq!((throttled.status, throttled.header("x-ratelimit-scope")), (429, None));
    world.sandbox.set_quirks(|quirks| quirks.partner_throttle = true);
    let throttled = world.whole("candidate.list", &json!({}));
    assert_eq!(throttled.header("x-ratelimit-scope"), Some("integration-partner"));
}

#[test]
fn an_answer_lost_after_a_commit_leaves_the_record() {
    let world = World::new();
    world.sandbox.add_fault(parse_fault("POST /candidate.create drop_after x1").unwrap());
    let answer = world.whole("candidate.create", &json!({"name": "Ada Lost"}));
    assert_eq!(answer.delivery, Delivery::DropAfterApply);
    let found = world.results("candidate.search", &json!({"name": "ada lost"}));
    assert_eq!(found.as_array().unwrap().len(), 1);
}
