//! Workable by its description, over answers composed from its reference, and over the rows of its
//! sandbox.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use atsync_adapter::contract::*;
use atsync_adapter::model::unified;
use atsync_described::{baked, interpret, read, validate};
use serde_json::{Value, json};

const DESCRIPTION: &str = include_str!("../workable.yaml");
/// The time of every task, in milliseconds.
const NOW_MS: u64 = 1_790_000_000_000;

struct Workable {
    baked: String,
    settings: Value,
}

fn workable() -> Workable {
    let read = read(DESCRIPTION).unwrap_or_else(|error| panic!("{error}"));
    let settings = json!({"subdomain": "acme", "member_id": "1f0001"});
    Workable { baked: baked(&read.description).unwrap(), settings }
}

impl Workable {
    fn given(&self) -> Given {
        Given {
            now_ms: NOW_MS,
            settings: self.settings.to_string(),
            tenant: Some("{}".into()),
            mark: Some(Mark { text: "mark".into(), time_ms: NOW_MS }),
            grant: None,
        }
    }

    fn start(&self, task: Task) -> Result<Step, Failure> {
        interpret::start(&self.baked, &[], task, &self.given())
    }

    fn resume(&self, state: Vec<u8>, reply: Reply) -> Result<Step, Failure> {
        interpret::resume(&self.baked, &[], state, &self.given(), reply)
    }

    /// Runs a task with these answers, and returns its requests as text, the last body that was
    /// sent, and the result.
    fn run(&self, task: Task, answers: &[(u16, Value)]) -> Ran {
        let mut answers = answers.iter();
        let mut ran = Ran { sent: vec![], unsafe_count: 0, body: Value::Null, end: None };
        let mut step = self.start(task);
        loop {
            match step {
                Err(failure) => ran.end = Some(Err(failure)),
                Ok(Step::Done(outcome)) => ran.end = Some(Ok(outcome)),
                Ok(Step::Send(send)) => {
                    let (status, body) = answers.next().expect("a further answer");
                    ran.note(&send);
                    let body = match body {
                        // The answers without JSON.
                        Value::String(text) => text.clone().into_bytes(),
                        body => body.to_string().into_bytes(),
                    };
                    let response = Response { status: *status, headers: Vec::new(), body };
                    step = self.resume(send.state, Reply::Response(response));
                    continue;
                }
                Ok(_) => panic!("no such step is expected"),
            }
            return ran;
        }
    }
}

struct Ran {
    sent: Vec<String>,
    unsafe_count: usize,
    body: Value,
    end: Option<Result<Outcome, Failure>>,
}

impl Ran {
    fn note(&mut self, send: &Send) {
        let Target::Path(path) = &send.request.target else { panic!("a path") };
        let query: Vec<String> =
            path.query.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let method = &send.request.method;
        self.sent.push(format!("{method} {}{mark}{}", path.path, query.join("&")));
        self.unsafe_count += usize::from(send.effect == Effect::Unsafe);
        if let Body::Json(text) = &send.request.body {
            self.body = serde_json::from_str(text).unwrap();
        }
    }

    fn end(self) -> Result<Outcome, Failure> {
        self.end.unwrap()
    }

    fn page(self) -> Page {
        match self.end() {
            Ok(Outcome::Page(page)) => page,
            other => panic!("{other:?}"),
        }
    }

    fn written(self) -> Written {
        match self.end() {
            Ok(Outcome::Written(written)) => written,
            other => panic!("{other:?}"),
        }
    }

    fn probed(self) -> Probed {
        match self.end() {
            Ok(Outcome::Probed(probed)) => probed,
            other => panic!("{other:?}"),
        }
    }
}

fn scan(kind: &str) -> Scan {
    Scan { kind: kind.into(), parent: None, since: Since::Everything, cursor: None, page_size: 100 }
}

fn under(kind: &str, job: &str) -> Scan {
    Scan { parent: Some(RemoteRef::new("jobs", job)), ..scan(kind) }
}

fn of<'p>(page: &'p Page, kind: &str) -> Vec<&'p Item> {
    page.items.iter().filter(|item| item.kind == kind).collect()
}

fn body(item: &Item) -> Value {
    serde_json::from_str(&item.body).unwrap()
}

fn knows(page: &Page, item: &Item, field: &str) -> bool {
    page.masks[item.mask as usize].iter().any(|known| known == field)
}

fn operation(name: &str, input: &Value) -> Operation {
    Operation { name: name.into(), target: None, input: input.to_string() }
}

fn write(name: &str, input: &Value) -> Task {
    Task::Write(Write { operation: operation(name, input), observed: None })
}

fn probe(name: &str, input: &Value, first_sent_ms: Option<u64>) -> Task {
    Task::Probe(Probe { operation: operation(name, input), first_sent_ms })
}

/// A candidate as a list shows it.
fn listed() -> Value {
    json!({
        "id": "20417705", "name": "Ada Byron", "firstname": "Ada", "lastname": "Byron",
        "headline": null, "account": {"subdomain": "acme", "name": "Acme"},
        "job": {"shortcode": "GROOV005", "title": "Baker"},
        "stage": "Phone Screen", "stage_kind": "phone-screen",
        "disqualified": false, "disqualification_reason": null,
        "hired_at": null, "moved_to_offer_at": null, "sourced": false, "anonymized": false,
        "profile_url": "https://acme.workable.com/backend/jobs/1/candidates/9001",
        "address": "Berlin", "phone": "+49 30 1234", "email": "ada@example.com",
        "domain": null, "outlet": null, "common_source": "LinkedIn",
        "common_source_category": "Job Boards",
        "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z"
    })
}

/// The same, by itself.
fn detailed() -> Value {
    let mut row = listed();
    row["tags"] = json!(["night-shift"]);
    row["withdrew"] = json!(false);
    row["social_profiles"] = json!([{
        "type": "linkedin", "name": "LinkedIn", "username": "ada", "url": "https://l.example/ada"
    }]);
    row
}

fn ada() -> Value {
    json!({
        "name": {"first": "Ada", "last": "Byron"},
        "emails": [{"value": "ada@example.com", "type": "personal"}, {"value": "b@example.com"}],
        "phones": [{"value": "+49 30 1234", "type": "mobile"}],
        "application": {"kind": "application", "job": "GROOV005", "stage": "GROOV005/applied",
            "source": "Rosa Weber"}
    })
}

const OPEN_JOB: &str = r#"{"id": "1a0005", "shortcode": "GROOV005", "state": "published"}"#;

fn open_job() -> (u16, Value) {
    (200, serde_json::from_str(OPEN_JOB).unwrap())
}

#[test]
fn the_description_has_no_mistakes_and_no_escapes() {
    let read = read(DESCRIPTION).unwrap_or_else(|error| panic!("{error}"));
    validate(&read).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.description.escapes, Vec::<String>::new());
}

#[test]
fn a_page_of_candidates_gives_applications_people_and_rejections() {
    let mut rejected = listed();
    rejected["id"] = json!("2041770a");
    rejected["disqualified"] = json!(true);
    rejected["disqualification_reason"] = json!("Underqualified");
    let mut pooled = listed();
    pooled["id"] = json!("2041770b");
    pooled.as_object_mut().unwrap().remove("job");
    pooled["talent_pool"] = json!({"talent_pool_id": 7, "identifier": "x"});
    let rows = json!({"candidates": [listed(), rejected, pooled]});
    let ran = workable().run(Task::Scan(scan("applications")), &[(200, rows)]);
    assert_eq!(ran.sent, ["GET /candidates?limit=100"]);
    let page = ran.page();
    assert!(page.complete, "the last page has no `paging`");
    let applications = of(&page, "applications");
    assert_eq!(
        body(applications[0]),
        json!({
            "candidate": {"id": "20417705", "name": "Ada Byron"},
            "job": {"id": "GROOV005", "name": "Baker"}, "posting": {"id": "GROOV005"},
            "kind": "application", "outcome": {"value": "active"},
            "stage": {"name": "Phone Screen"},
            "source": {"id": "LinkedIn", "name": "LinkedIn"},
            "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z"
        })
    );
    assert_eq!(
        body(applications[1])["outcome"],
        json!({"value": "rejected", "source": "Underqualified"})
    );
    assert_eq!(body(applications[1])["reject_reason"], json!({"name": "Underqualified"}));
    assert_eq!(body(applications[2])["kind"], "prospect");
    assert!(!knows(&page, applications[2], "job"));
    for item in applications {
        serde_json::from_str::<unified::Application<'static>>(&item.body).unwrap();
    }
    let candidates = of(&page, "candidates");
    assert_eq!(candidates.len(), 3);
    assert_eq!(
        body(candidates[0]),
        json!({
            "name": {"first": "Ada", "last": "Byron"}, "emails": [{"value": "ada@example.com"}],
            "phones": [{"value": "+49 30 1234"}], "addresses": [{"value": "Berlin"}],
            "privacy": {"anonymized": false},
            "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z"
        })
    );
    assert!(!knows(&page, candidates[0], "tags"), "a list says nothing of tags");
    assert!(knows(&page, candidates[0], "headline"));
    serde_json::from_str::<unified::Candidate<'static>>(&candidates[0].body).unwrap();
    let rejections = of(&page, "rejections");
    assert_eq!(rejections.len(), 1);
    assert_eq!(
        body(rejections[0]),
        json!({"application": {"id": "2041770a"}, "reject_reason": {"name": "Underqualified"}})
    );
}

#[test]
fn an_outcome_is_what_the_row_says_of_hire_withdrawal_and_rejection() {
    for (change, wanted) in [
        (json!({"hired_at": "2026-02-01T08:00:00Z", "disqualified": true}), "hired"),
        (json!({"stage_kind": "hired"}), "hired"),
        (json!({"disqualified": true}), "rejected"),
        (json!({"disqualified": true, "withdrew": false}), "rejected"),
        (json!({"disqualified": true, "withdrew": true}), "withdrawn"),
        (json!({"stage_kind": null}), "active"),
    ] {
        let mut row = listed();
        row.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let rows = json!({"candidates": [row]});
        let page = workable().run(Task::Scan(scan("applications")), &[(200, rows)]).page();
        assert_eq!(body(&page.items[0])["outcome"]["value"], wanted, "{change}");
    }
    // As rows were in 2022.
    let mut old = listed();
    for member in ["stage_kind", "anonymized"] {
        old.as_object_mut().unwrap().remove(member);
    }
    let rows = json!({"candidates": [old]});
    let page = workable().run(Task::Scan(scan("applications")), &[(200, rows)]).page();
    assert_eq!(body(&page.items[0])["outcome"]["value"], "active");
}

#[test]
fn the_next_page_is_requested_by_its_first_id_with_all_filters_again() {
    let window = Window { from: "2026-02-01T08:00:00Z".into(), to: "2026-02-02T08:00:00Z".into() };
    let task = Scan { since: Since::Window(window), page_size: 50, ..scan("applications") };
    // The path and the filters of the URL differ from those of the request.
    let next = "https://www.workable.com/spi/v3/accounts/acme/jobs/X/candidates\
                ?limit=50&since_id=2041770a&x=y";
    let answer = json!({"candidates": [listed()], "paging": {"next": next}});
    let ran = workable().run(Task::Scan(task.clone()), &[(200, answer)]);
    assert_eq!(ran.sent, ["GET /candidates?limit=50&updated_after=1769932800"]);
    let page = ran.page();
    assert!(!page.complete);
    let task = Scan { cursor: page.next, ..task };
    let ran = workable().run(Task::Scan(task.clone()), &[(200, json!({"candidates": []}))]);
    assert_eq!(ran.sent, ["GET /candidates?limit=50&updated_after=1769932800&since_id=2041770a"]);
    assert!(ran.page().complete);
    // A further page without an id would end the pass early; the same id would never end it.
    for next in ["https://acme.workable.com/spi/v3/candidates?page=2", next] {
        let answer = json!({"candidates": [], "paging": {"next": next}});
        let ran = workable().run(Task::Scan(task.clone()), &[(200, answer)]);
        assert!(matches!(ran.end(), Err(Failure::Protocol(_))), "{next}");
    }
}

#[test]
fn jobs_are_named_by_their_shortcode_and_come_with_their_postings() {
    let row = json!({
        "id": "1a0005", "title": "Baker", "full_title": "Baker - B1", "shortcode": "GROOV005",
        "code": "", "state": "closed", "sample": false, "confidential": true,
        "department": "Kitchen", "department_hierarchy": [{"id": 71, "name": "Kitchen"}],
        "url": "https://acme.workable.com/jobs/71",
        "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z"
    });
    let answer = json!({"jobs": [row.clone()]});
    let page = workable().run(Task::Scan(scan("jobs")), &[(200, answer)]).page();
    assert_eq!(
        body(of(&page, "jobs")[0]),
        json!({
            "title": "Baker", "state": {"value": "open", "source": "closed"}, "confidential": true,
            "departments": [{"name": "Kitchen"}],
            "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-02-01T08:00:00Z"
        })
    );
    assert_eq!(of(&page, "jobs")[0].id, "GROOV005");
    serde_json::from_str::<unified::Job<'static>>(&of(&page, "jobs")[0].body).unwrap();
    let posting = body(of(&page, "postings")[0]);
    assert_eq!((&posting["live"], &posting["internal"]), (&json!(false), &json!(true)));
    // By itself a job is no member of another object.
    let fetch = Fetch { kind: "jobs".into(), ids: vec!["GROOV005".into()] };
    let ran = workable().run(Task::Fetch(fetch.clone()), &[(200, row)]);
    assert_eq!(ran.sent, ["GET /jobs/GROOV005"]);
    let Outcome::Fetched(fetched) = ran.end().unwrap() else { panic!() };
    assert_eq!((fetched.items[0].id.as_str(), fetched.missing), ("GROOV005", vec![]));
    let ran = workable().run(Task::Fetch(fetch), &[(404, json!({"error": "Not found"}))]);
    let Outcome::Fetched(fetched) = ran.end().unwrap() else { panic!() };
    assert_eq!(fetched.missing, ["GROOV005"]);
}

#[test]
fn stages_reasons_departments_members_and_comments_are_read() {
    let workable = workable();
    let stages = json!({"stages": [
        {"id": 502, "identifier": "5b0002", "slug": "applied", "name": "Applied",
            "kind": "applied", "position": 1},
        // As it was in 2022.
        {"slug": "phone-screen", "name": "Phone Screen", "kind": "phone-screen", "position": 2}
    ]});
    let ran = workable.run(Task::Scan(under("stages", "GROOV005")), &[(200, stages)]);
    assert_eq!(ran.sent, ["GET /jobs/GROOV005/stages"]);
    let page = ran.page();
    let ids: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["GROOV005/applied", "GROOV005/phone-screen"]);
    assert_eq!(
        body(&page.items[1]),
        json!({"name": "Phone Screen", "parent": {"id": "GROOV005"}, "order": 2})
    );

    let reasons = json!([
        {"id": "4d0001", "description": "Too far", "candidate_withdrew": false, "position": 0},
        {"id": "4d0002", "description": "Another job", "candidate_withdrew": true, "position": 1}
    ]);
    let ran = workable.run(Task::Scan(scan("reject_reasons")), &[(200, reasons)]);
    assert_eq!(ran.sent, ["GET /disqualification_reasons"]);
    let page = ran.page();
    assert_eq!(body(&page.items[0])["type"]["value"], "organisation");
    assert_eq!(body(&page.items[1])["type"]["value"], "candidate");
    assert!(page.complete);

    let departments =
        json!([{"id": "3e0002", "name": "Pastry", "parent_id": "3e0001", "sample": false}]);
    let page = workable.run(Task::Scan(scan("departments")), &[(200, departments)]).page();
    assert_eq!(body(&page.items[0]), json!({"name": "Pastry", "parent": {"id": "3e0001"}}));

    let members = json!({"members": [{"id": "1f0001", "name": "Rosa Weber", "headline": "Recruiter",
        "email": "rosa@acme.example", "role": "admin", "active": true}]});
    let ran = workable.run(Task::Scan(scan("users")), &[(200, members)]);
    assert_eq!(ran.sent, ["GET /members?status=all&limit=100"]);
    assert_eq!(
        body(&ran.page().items[0]),
        json!({"name": "Rosa Weber", "email": "rosa@acme.example", "active": true,
            "job_title": "Recruiter", "site_admin": true})
    );

    let comment = json!({"id": "6c0002", "action": "comment", "stage_name": null,
        "candidate": {"id": "20417705", "name": "Ada Byron"}, "body": "Met at a fair",
        "member": {"id": "1f0001", "name": "Rosa Weber", "type": "member"},
        "created_at": "2026-01-02T08:00:00.120Z", "updated_at": "2026-01-02T08:00:00.120Z"});
    let with = |roles: Value| {
        let mut row = comment.clone();
        row["visibility_roles"] = roles;
        row
    };
    let rows = json!({"activities": [
        {"id": "6c0001", "action": "phone-screen",
            "candidate": {"id": "20417705", "name": "Ada Byron"}},
        comment, with(json!(["admin", "simple"])), with(json!(["admin", "hiring_manager"])),
        with(json!([]))
    ]});
    let ran = workable.run(Task::Scan(under("notes", "GROOV005")), &[(200, rows)]);
    assert_eq!(ran.sent, ["GET /jobs/GROOV005/activities?limit=100"]);
    let page = ran.page();
    assert_eq!(
        body(&page.items[0]),
        json!({
            "candidate": {"id": "20417705", "name": "Ada Byron"}, "application": {"id": "20417705"},
            "author": {"id": "1f0001", "name": "Rosa Weber"}, "type": {"value": "note"},
            "visibility": {"value": "public"}, "body": "Met at a fair",
            "created_at": "2026-01-02T08:00:00.120Z", "updated_at": "2026-01-02T08:00:00.120Z"
        })
    );
    assert_eq!(page.items[0].id, "20417705/6c0002");
    let seen: Vec<Value> =
        page.items.iter().map(|item| body(item)["visibility"]["value"].clone()).collect();
    assert_eq!(seen, ["public", "public", "private", "admin_only"]);
    serde_json::from_str::<unified::Note<'static>>(&page.items[0].body).unwrap();
}

#[test]
fn an_application_is_fetched_as_the_list_shows_it_and_a_person_with_all_that_is_known() {
    let workable = workable();
    let fetch = |kind: &str| Task::Fetch(Fetch { kind: kind.into(), ids: vec!["20417705".into()] });
    let ran = workable.run(fetch("applications"), &[(200, json!({"candidates": [listed()]}))]);
    assert_eq!(ran.sent, ["GET /candidates?limit=1&max_id=20417705&since_id=20417705"]);
    let Outcome::Fetched(fetched) = ran.end().unwrap() else { panic!() };
    assert_eq!((fetched.items[0].id.as_str(), fetched.missing), ("20417705", vec![]));
    let ran = workable.run(fetch("applications"), &[(200, json!({"candidates": []}))]);
    let Outcome::Fetched(fetched) = ran.end().unwrap() else { panic!() };
    assert_eq!(fetched.missing, ["20417705"]);
    let ran = workable.run(fetch("candidates"), &[(200, json!({"candidate": detailed()}))]);
    assert_eq!(ran.sent, ["GET /candidates/20417705"]);
    let Outcome::Fetched(fetched) = ran.end().unwrap() else { panic!() };
    let person = body(&fetched.items[0]);
    assert_eq!(person["tags"], json!([{"id": "night-shift", "name": "night-shift"}]));
    assert_eq!(
        person["links"],
        json!([{
            "value": "https://l.example/ada", "type": {"value": "social", "source": "linkedin"}
        }])
    );
}

#[test]
fn a_candidate_is_created_in_a_job_and_gets_no_mail() {
    let made = json!({"status": "created", "candidate": detailed()});
    let ran = workable().run(write("candidates.create", &ada()), &[open_job(), (201, made)]);
    assert_eq!(ran.sent, ["GET /jobs/GROOV005", "POST /jobs/GROOV005/candidates?stage=applied"]);
    assert_eq!(ran.unsafe_count, 1);
    assert_eq!(
        ran.body,
        json!({"sourced": true, "candidate": {
            "firstname": "Ada", "lastname": "Byron", "email": "ada@example.com",
            "phone": "+49 30 1234", "domain": "Rosa Weber"
        }})
    );
    let link = |role: &str, kind: &str| Link {
        role: role.into(),
        kind: kind.into(),
        id: "20417705".into(),
    };
    let links = vec![link("subject", "candidates"), link("applications", "applications")];
    let applied = Applied { links, deduplicated: false, warnings: vec![] };
    assert_eq!(ran.written(), Written::Applied(applied));
    // One name, and the first stage of the job.
    let mut input = ada();
    input["name"] = json!({"last": "Ada"});
    input["application"] = json!({"job": "GROOV005"});
    let ran = workable().run(write("candidates.create", &input), &[open_job(), (500, json!({}))]);
    assert_eq!(ran.sent[1], "POST /jobs/GROOV005/candidates");
    let sent = &ran.body["candidate"];
    assert_eq!(
        (&sent["name"], sent.get("lastname"), sent.get("domain")),
        (&json!("Ada"), None, None)
    );
}

#[test]
fn a_write_is_refused_or_in_doubt_as_its_answer_says() {
    let workable = workable();
    let note = json!({"candidate": "20417705", "body": "Hello"});
    let person = (200, json!({"candidate": detailed()}));
    let said = json!({"error": "is not a valid stage"});
    for (name, input, before) in [
        ("candidates.create", ada(), vec![open_job()]),
        ("notes.create", note, vec![person, open_job()]),
    ] {
        let run = |status: u16, body: Value| {
            let mut answers = before.clone();
            answers.push((status, body));
            workable.run(write(name, &input), &answers).written()
        };
        match run(422, said.clone()) {
            Written::Refused(Failure::Invalid(fields)) => {
                assert_eq!(fields[0].message, "is not a valid stage");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert!(matches!(run(404, said.clone()), Written::Refused(Failure::NotFound(_))));
        assert!(matches!(run(403, said.clone()), Written::Refused(Failure::Denied(_))));
        assert!(matches!(run(429, json!("")), Written::Refused(Failure::Throttled(None))));
        // The older answer to a comment, and answers that tell nothing.
        for (status, body) in [
            (201, json!("")),
            (200, json!(" ")),
            (201, json!({})),
            (500, json!({})),
            (302, json!("")),
        ] {
            let written = run(status, body.clone());
            assert!(matches!(written, Written::Unclear(_)), "{name} {status} {body}: {written:?}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_sent() {
    let workable = workable();
    let archived = (200, json!({"shortcode": "GROOV005", "state": "archived"}));
    let ran = workable.run(write("candidates.create", &ada()), std::slice::from_ref(&archived));
    assert_eq!(ran.unsafe_count, 0);
    let Err(Failure::Invalid(fields)) = ran.end() else { panic!() };
    assert_eq!(fields[0].field, "application.job");
    let mut input = ada();
    input["application"]["stage"] = json!("0A1B2C3D01/applied");
    let ran = workable.run(write("candidates.create", &input), &[open_job()]);
    assert_eq!(ran.unsafe_count, 0);
    let note = json!({"candidate": "20417705", "body": "Hello"});
    let person = (200, json!({"candidate": detailed()}));
    let ran = workable.run(write("notes.create", &note), &[person.clone(), archived]);
    assert_eq!(ran.unsafe_count, 0);
    let without = Workable { settings: json!({"subdomain": "acme"}), ..workable };
    let ran = without.run(write("notes.create", &note), &[person, open_job()]);
    assert_eq!(ran.unsafe_count, 0);
    assert!(matches!(ran.end(), Err(Failure::Misconfigured(_))));
}

#[test]
fn a_create_in_doubt_is_found_by_its_address_in_its_job() {
    let workable = workable();
    let run = |rows: Value| {
        let answer = json!({"candidates": rows});
        let ran = workable.run(probe("candidates.create", &ada(), Some(NOW_MS)), &[(200, answer)]);
        assert_eq!(ran.sent, ["GET /candidates?email=ada@example.com&shortcode=GROOV005"]);
        assert_eq!(ran.unsafe_count, 0);
        ran.probed()
    };
    let Probed::Found(found) = run(json!([listed()])) else { panic!() };
    assert_eq!(found.certainty, Certainty::Matched);
    let links: Vec<(&str, &str)> =
        found.links.iter().map(|link| (link.kind.as_str(), link.id.as_str())).collect();
    assert_eq!(links, [("candidates", "20417705"), ("applications", "20417705")]);
    // Rows that a filter which Workable did not apply would have kept out.
    let (mut other_job, mut other_address, mut second) = (listed(), listed(), listed());
    other_job["job"]["shortcode"] = json!("0A1B2C3D01");
    other_address["email"] = json!("grace@example.com");
    assert_eq!(run(json!([other_job, other_address])), Probed::Absent(60_000));
    second["id"] = json!("2041770a");
    assert!(matches!(run(json!([listed(), second])), Probed::Ambiguous(_)));
    // The job is unknown.
    let unknown = (404, json!({"error": "Not found"}));
    let ran = workable.run(probe("candidates.create", &ada(), None), &[unknown]);
    assert_eq!(ran.probed(), Probed::Absent(60_000));
}

#[test]
fn a_comment_is_written_by_the_member_and_found_by_its_text_since_it_was_sent() {
    let workable = workable();
    let person = (200, json!({"candidate": detailed()}));
    for (visibility, policy) in [
        ("public", None),
        ("private", Some(json!(["admin", "recruiting_admin", "hiring_manager"]))),
        ("admin_only", Some(json!([]))),
    ] {
        let input = json!({
            "candidate": "20417705", "application": "20417705", "body": "Hello\nthere",
            "visibility": visibility
        });
        let made = (201, json!({"id": "6c0009"}));
        let ran = workable.run(write("notes.create", &input), &[person.clone(), open_job(), made]);
        assert_eq!(ran.sent[2], "POST /candidates/20417705/comments");
        assert_eq!(ran.unsafe_count, 1);
        assert_eq!(ran.body["member_id"], "1f0001");
        assert_eq!(ran.body["comment"]["body"], "Hello\nthere");
        assert_eq!(ran.body["comment"].get("policy"), policy.as_ref());
        let Written::Applied(applied) = ran.written() else { panic!() };
        assert_eq!(applied.links[0].id, "20417705/6c0009");
    }
    // A candidate of the talent pool has no job.
    let mut pooled = detailed();
    pooled.as_object_mut().unwrap().remove("job");
    let input = json!({"candidate": "20417705", "body": "Hello"});
    let answers = [(200, json!({"candidate": pooled})), (201, json!({"id": "6c0009"}))];
    assert!(matches!(
        workable.run(write("notes.create", &input), &answers).written(),
        Written::Applied(_)
    ));

    let comment = |id: &str, action: &str, text: &str, at: &str| {
        json!({"id": id, "action": action, "body": text, "created_at": at,
            "member": {"id": "1f0001", "name": "Rosa Weber"}})
    };
    let rows = json!({"activities": [
        comment("6c0001", "applied", "Hello", "2026-09-21T14:13:21.120Z"),
        comment("6c0002", "comment", "Hello", "2026-02-01T08:00:00.120Z"),
        comment("6c0003", "comment", "Bye", "2026-09-21T14:13:21.120Z"),
        comment("6c0004", "comment", "Hello", "2026-09-21T14:13:21.120Z")
    ]});
    let task = probe("notes.create", &input, Some(NOW_MS));
    let ran = workable.run(task.clone(), &[(200, rows)]);
    assert_eq!(ran.sent, ["GET /candidates/20417705/activities?actions=comment&limit=100"]);
    let Probed::Found(found) = ran.probed() else { panic!() };
    assert_eq!(found.certainty, Certainty::Matched);
    assert_eq!(found.links[0].id, "20417705/6c0004");
    // The search goes on to its last page.
    let next =
        "https://acme.workable.com/spi/v3/candidates/20417705/activities?limit=100&since_id=6c0005";
    let first = json!({"activities": [], "paging": {"next": next}});
    let ran = workable.run(task, &[(200, first), (200, json!({"activities": []}))]);
    assert!(ran.sent[1].contains("since_id=6c0005"), "{:?}", ran.sent);
    assert_eq!(ran.probed(), Probed::Absent(60_000));
}

#[test]
fn a_wrong_subdomain_is_a_wrong_setting() {
    let workable = workable();
    let said = json!({"error": "Request subdomain does not match account subdomain"});
    for (task, status) in
        [(Task::Scan(scan("jobs")), 422), (Task::DescribeTenant, 422), (Task::DescribeTenant, 404)]
    {
        let end = workable.run(task, &[(status, said.clone())]).end();
        assert!(matches!(end, Err(Failure::Misconfigured(_))), "{end:?}");
    }
    let account = json!({"id": "16d9ab", "name": "Acme", "subdomain": "acme"});
    let ran = workable.run(Task::DescribeTenant, &[(200, account)]);
    assert_eq!(ran.sent, ["GET /accounts/acme"]);
    let Outcome::Tenant(tenant) = ran.end().unwrap() else { panic!() };
    assert_eq!(tenant.fingerprint, "16d9ab");
}

#[test]
fn a_scope_is_checked_by_a_harmless_read_where_it_can_be() {
    let workable = workable();
    let check = |id: &str, status: u16| {
        let ran = workable.run(Task::Check(id.into()), &[(status, json!({"error": "no"}))]);
        assert_eq!(ran.unsafe_count, 0);
        let Outcome::Checked(checked) = ran.end().unwrap() else { panic!() };
        checked.verdict
    };
    for id in ["r_jobs", "r_candidates", "r_account"] {
        assert_eq!(check(id, 200), Verdict::Granted);
        assert_eq!(check(id, 403), Verdict::Missing);
    }
    assert_eq!(check("w_candidates", 0), Verdict::Unknown);
    assert_eq!(check("w_comments", 0), Verdict::Unknown);
}

#[test]
fn a_webhook_is_verified_over_its_whole_body_and_hints_at_what_it_names() {
    let workable = workable();
    let step = |body: &str, headers: Vec<Field>| {
        workable.start(Task::Hook(Hook { headers, body: body.as_bytes().to_vec() })).unwrap()
    };
    let signed = || vec![Field::new("X-Workable-Signature", "00ffab")];
    let hints = |body: &Value| {
        let text = body.to_string();
        let Step::Verify(verify) = step(&text, signed()) else { panic!("{body}") };
        assert_eq!(verify.message, text.as_bytes());
        assert_eq!(verify.candidates, ["00ffab"]);
        let Step::Done(Outcome::Hooked(refused)) =
            workable.resume(verify.state.clone(), Reply::Verified(false)).unwrap()
        else {
            panic!()
        };
        assert_eq!((refused.answer.status, refused.hints), (401, vec![]));
        let Step::Done(Outcome::Hooked(hooked)) =
            workable.resume(verify.state, Reply::Verified(true)).unwrap()
        else {
            panic!()
        };
        assert_eq!(hooked.answer.status, 200);
        hooked.hints
    };
    let person = RemoteRef::new("candidates", "20417705");
    let application = RemoteRef::new("applications", "20417705");
    for event in ["candidate_created", "candidate_moved"] {
        assert_eq!(
            hints(&json!({"event_type": event, "id": "e1", "data": detailed()})),
            [Hint::Changed(application.clone()), Hint::Changed(person.clone())]
        );
    }
    assert_eq!(
        hints(&json!({"event_type": "candidate_deleted", "id": "e2", "data": {"id": "20417705"}})),
        [Hint::Deleted(application), Hint::Deleted(person)]
    );
    assert_eq!(
        hints(&json!({"event_type": "job_deleted", "id": "e3", "data": {"shortcode": "GROOV005"}})),
        [Hint::Deleted(RemoteRef::new("jobs", "GROOV005"))]
    );
    for other in [
        json!({"event_type": "employee_created", "id": "e4", "data": {"id": "20417705"}}),
        json!({"event_type": "job_deleted", "id": "e5", "data": {"id": "1a0005"}}),
        json!({}),
    ] {
        assert_eq!(hints(&other), []);
    }
    let Step::Done(Outcome::Hooked(hooked)) = step("{}", vec![]) else { panic!() };
    assert_eq!((hooked.answer.status, hooked.hints), (401, vec![]));
}
