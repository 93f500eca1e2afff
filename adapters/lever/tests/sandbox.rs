//! The adapter over real HTTP against a server that behaves like Lever and shares no code with it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "helpers of tests fail like tests"
)]

mod common;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_adapter::kit::text_of;
use atsync_adapter::manifest::ScanRule;
use atsync_lever::Lever;
use atsync_lever_sandbox::{ClientTime, RunningSandbox, Sandbox, SandboxOptions, parse_fault};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{MARK_MS, probe, scan, write};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

struct World {
    running: RunningSandbox,
    given: Given,
}

impl World {
    async fn new() -> Self {
        let options = SandboxOptions { rate_limit: 100_000, ..SandboxOptions::sized(7, 60) };
        let running = Sandbox::start(options).await.expect("a free port");
        let mut world = Self { running, given: common::given() };
        let is_active = |user: &&Value| user["deactivatedAt"].is_null();
        let users = world.sandbox().rows("users");
        let user = users.iter().find(is_active).expect("a user")["id"].clone();
        world.given.settings = json!({ "perform_as": user }).to_string();
        let Ok(Outcome::Tenant(tenant)) = world.run(Task::DescribeTenant) else { panic!() };
        world.given.tenant = Some(tenant.catalogue);
        world
    }

    fn sandbox(&self) -> &Sandbox {
        self.running.sandbox()
    }

    /// Runs a task to its end; `None` where an answer is lost.
    fn try_run(&self, task: Task) -> Option<Result<Outcome, Failure>> {
        let mut step = Lever::start(task, &self.given);
        loop {
            match step {
                Err(failure) => return Some(Err(failure)),
                Ok(Step::Done(outcome)) => return Some(Ok(outcome)),
                Ok(Step::Send(send)) => {
                    let reply = Reply::Response(self.send(&send.request)?);
                    step = Lever::resume(send.state, &self.given, reply);
                }
                Ok(step) => panic!("no such step is expected: {step:?}"),
            }
        }
    }

    fn run(&self, task: Task) -> Result<Outcome, Failure> {
        self.try_run(task).expect("an answer")
    }

    fn send(&self, request: &Request) -> Option<Response> {
        let Target::Path(path) = &request.target else { panic!("no path") };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query: Vec<String> = path
            .query
            .iter()
            .map(|field| format!("{}={}", encoded(&field.name), encoded(&field.value)))
            .collect();
        let body = match &request.body {
            Body::Json(text) => text.as_str(),
            _ => "",
        };
        let key = STANDARD.encode("sandbox-key:");
        let text = format!(
            "{} /v1{}?{} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Basic {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n\
             {body}",
            request.method,
            path.path,
            query.join("&"),
            body.len()
        );
        let mut stream = TcpStream::connect(self.running.addr).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Response { status, headers: Vec::new(), body: answer[end + 4..].to_vec() })
    }

    /// Every record of a list and of the kinds inside it.
    fn walk(&self, kind: &str, parent: Option<&str>) -> Vec<Item> {
        let mut all = Vec::new();
        let parent = parent.map(|id| RemoteRef::new("applications", id));
        let mut task = Scan { parent, page_size: 7, ..scan(kind) };
        loop {
            match self.run(Task::Scan(task.clone())) {
                Ok(Outcome::Page(page)) => {
                    all.extend(page.items);
                    task.cursor = page.next;
                    if page.complete {
                        return all;
                    }
                }
                other => panic!("{kind}: {other:?}"),
            }
        }
    }

    fn fetch(&self, kind: &str, id: &str) -> Option<Value> {
        let task = Task::Fetch(Fetch { kind: kind.into(), ids: vec![id.into()] });
        let Ok(Outcome::Fetched(fetched)) = self.run(task) else { panic!("{kind} {id}") };
        assert_eq!(fetched.missing.is_empty(), !fetched.items.is_empty());
        fetched.items.first().map(|item| serde_json::from_str(&item.body).unwrap())
    }

    fn applied(&self, task: Task) -> Applied {
        match self.run(task) {
            Ok(Outcome::Written(Written::Applied(applied))) => applied,
            other => panic!("{other:?}"),
        }
    }

    fn probed(&self, task: Task) -> Probed {
        match self.run(task) {
            Ok(Outcome::Probed(probed)) => probed,
            other => panic!("{other:?}"),
        }
    }

    fn posting(&self) -> String {
        let open = |one: &&Value| {
            one["state"] == "published" && one["confidentiality"] == "non-confidential"
        };
        let all = self.sandbox().rows("postings");
        all.iter().find(open).unwrap()["id"].as_str().unwrap().to_owned()
    }

    fn ada(&self) -> Value {
        json!({
            "name": {"first": "Ada", "last": "Byron"},
            "emails": [{"value": "ada@example.com", "type": "personal"}],
            "phones": [{"value": "+44 20 1815", "type": "mobile"}],
            "application": {"kind": "application", "job": self.posting(), "stage": "applicant-new"}
        })
    }
}

fn ids(items: &[Item], kind: &str) -> BTreeSet<String> {
    items.iter().filter(|item| item.kind == kind).map(|item| item.id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_is_read_to_its_end_without_a_problem() {
    let world = World::new().await;
    let shown = |collection: &str| -> BTreeSet<String> {
        let rows = world.sandbox().rows(collection);
        let open = rows.iter().filter(|row| row["confidentiality"] != "confidential");
        open.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let people = world.walk("applications", None);
    assert_eq!(ids(&people, "applications"), shown("opportunities"));
    let contacts: BTreeSet<String> = world
        .sandbox()
        .rows("opportunities")
        .iter()
        .filter(|row| row["confidentiality"] != "confidential")
        .map(|row| row["contact"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids(&people, "candidates"), contacts);
    assert!(!ids(&people, "rejections").is_empty());
    assert!(!ids(&people, "application_stages").is_empty());
    let jobs = world.walk("jobs", None);
    assert_eq!(ids(&jobs, "jobs"), shown("postings"));
    assert_eq!(ids(&jobs, "postings"), ids(&jobs, "jobs"));
    assert_eq!(ids(&world.walk("openings", None), "openings"), shown("requisitions"));
    assert_eq!(ids(&world.walk("users", None), "users"), shown("users"));
    let reasons = world.walk("reject_reasons", None);
    assert_eq!(reasons.len() + 1, world.sandbox().rows("archive_reasons").len());
    for kind in ["stages", "sources", "tags"] {
        assert!(!world.walk(kind, None).is_empty(), "{kind}");
    }
    let notes: usize = ids(&people, "applications")
        .iter()
        .map(|id| world.walk("notes", Some(id)).len() + world.walk("attachments", Some(id)).len())
        .sum();
    assert!(notes > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_kinds_are_the_rows_themselves_and_name_their_application() {
    let world = World::new().await;
    let mut feedback = 0;
    for application in ids(&world.walk("applications", None), "applications") {
        for rule in Lever::describe().kinds.into_iter().filter(|rule| rule.raw) {
            let parent = matches!(rule.scan, ScanRule::ByParent { .. });
            let items = world.walk(&rule.name, parent.then_some(application.as_str()));
            for item in items.iter().filter(|_| rule.name == "raw_feedback") {
                let body: Value = serde_json::from_str(&item.body).unwrap();
                assert_eq!(body["content"]["id"], item.id);
                assert_eq!(body["references"][0]["id"], application);
                feedback += 1;
            }
            assert!(parent || !items.is_empty(), "{}", rule.name);
        }
    }
    assert!(feedback > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_shows_what_changed_within_it_alone() {
    let world = World::new().await;
    let made = world.applied(write("candidates.create", None, world.ada()));
    let id = made.links[1].id.clone();
    let of = Some(("applications", id.as_str()));
    world.applied(write("applications.move", of, json!({"to_stage": "offer"})));
    let now_ms = world.sandbox().now_ms();
    let seen = |from_ms: i64, to_ms: i64| {
        let (from, to) = (text_of(now_ms + from_ms), text_of(now_ms + to_ms));
        let since = Since::Window(Window { from, to });
        let Ok(Outcome::Page(page)) = world.run(Task::Scan(Scan { since, ..scan("applications") }))
        else {
            panic!()
        };
        ids(&page.items, "applications").contains(&id)
    };
    assert!(seen(-60_000, 60_000));
    assert!(!seen(60_000, 120_000));
    assert!(!seen(-120_000, -60_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_walked_is_fetched_alike() {
    let world = World::new().await;
    for (list, kind) in
        [("applications", "applications"), ("applications", "candidates"), ("jobs", "jobs")]
    {
        let items = world.walk(list, None);
        let item = items.iter().find(|item| item.kind == kind).unwrap();
        let mut walked: Value = serde_json::from_str(&item.body).unwrap();
        // Only an opportunity shows the links of its contact.
        walked.as_object_mut().unwrap().remove("links");
        assert_eq!(world.fetch(kind, &item.id), Some(walked), "{kind}");
        assert_eq!(world.fetch(kind, "00000000-0000-4000-8000-000000000000"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_is_created_once_and_found_by_its_mark() {
    let world = World::new().await;
    let before = world.sandbox().count("opportunities");
    let none = world.probed(probe("candidates.create", None, world.ada()));
    assert!(matches!(none, Probed::Absent(_)));
    let applied = world.applied(write("candidates.create", None, world.ada()));
    assert!(!applied.deduplicated);
    let [person, application] = applied.links.as_slice() else { panic!("{applied:?}") };
    assert_eq!(world.sandbox().count("opportunities"), before + 1);
    let Probed::Found(found) = world.probed(probe("candidates.create", None, world.ada())) else {
        panic!()
    };
    assert_eq!((&found.links, found.certainty), (&applied.links, Certainty::Marked));
    let candidate = world.fetch("candidates", &person.id).unwrap();
    assert_eq!(candidate["name"], json!({"full": "Ada Byron"}));
    assert_eq!(candidate["emails"], json!([{"value": "ada@example.com"}]));
    let seen = world.fetch("applications", &application.id).unwrap();
    assert_eq!(seen["job"]["id"], world.posting());
    assert_eq!(seen["stage"]["id"], "applicant-new");
    assert_eq!(seen["candidate"]["id"], person.id);
    let again = world.applied(write("candidates.create", None, world.ada()));
    assert!(again.deduplicated, "Lever makes a second candidacy of a known person");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_whose_answer_is_lost_is_found_and_not_repeated() {
    let world = World::new().await;
    for (fault, is_made) in
        [("POST /v1/opportunities drop_after", true), ("POST /v1/opportunities drop_before", false)]
    {
        let Ok(fault) = parse_fault(fault) else { panic!("{:?}", parse_fault(fault)) };
        world.sandbox().add_fault(fault);
        let mut world_input = world.ada();
        world_input["emails"] = json!([{"value": format!("lost-{is_made}@example.com")}]);
        assert!(world.try_run(write("candidates.create", None, world_input.clone())).is_none());
        world.sandbox().clear_faults();
        match world.probed(probe("candidates.create", None, world_input)) {
            Probed::Found(found) if is_made => assert_eq!(found.certainty, Certainty::Marked),
            Probed::Absent(_) if !is_made => {}
            other => panic!("{is_made}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_is_found_by_its_content_where_lever_keeps_no_mark() {
    let world = World::new().await;
    world.sandbox().set_quirks(|quirks| quirks.client_time = ClientTime::Ignored);
    let made = world.applied(write("candidates.create", None, world.ada()));
    let Probed::Found(found) = world.probed(probe("candidates.create", None, world.ada())) else {
        panic!()
    };
    assert_eq!((&found.links[..], found.certainty), (&made.links[..1], Certainty::Matched));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_person_applies_again() {
    let world = World::new().await;
    let made = world.applied(write("candidates.create", None, world.ada()));
    let person = made.links[0].id.clone();
    let input = json!({"candidate": person, "kind": "prospect", "source": "Fair"});
    let mut world = world;
    world.given.mark = Some(Mark { text: "m".into(), time_ms: MARK_MS + 1 });
    let none = world.probed(probe("applications.create", None, input.clone()));
    assert!(matches!(none, Probed::Absent(_)), "{none:?}");
    let made = world.applied(write("applications.create", None, input.clone()));
    let Probed::Found(found) = world.probed(probe("applications.create", None, input)) else {
        panic!()
    };
    assert_eq!((&found.links, found.certainty), (&made.links, Certainty::Marked));
    let seen = world.fetch("applications", &made.links[0].id).unwrap();
    assert_eq!((&seen["kind"], &seen["candidate"]["id"]), (&json!("prospect"), &json!(person)));
    assert_eq!(seen["source"]["name"], "Fair");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_moved_rejected_reopened_and_hired() {
    let world = World::new().await;
    let made = world.applied(write("candidates.create", None, world.ada()));
    let id = made.links[1].id.clone();
    let of = Some(("applications", id.as_str()));
    let outcome = || world.fetch("applications", &id).unwrap()["outcome"]["value"].clone();
    let input = json!({"to_stage": "offer", "seen": {"stage": ["applicant-new", "offer"]}});
    world.applied(write("applications.move", of, input.clone()));
    assert_eq!(world.fetch("applications", &id).unwrap()["stage"]["id"], "offer");
    let Ok(Outcome::Written(Written::Unneeded(_))) =
        world.run(write("applications.move", of, input))
    else {
        panic!()
    };
    let changed = json!({"to_stage": "lead-new", "seen": {"stage": ["applicant-new"]}});
    assert!(matches!(
        world.run(write("applications.move", of, changed)),
        Err(Failure::Conflict(_))
    ));
    let reason = world.walk("reject_reasons", None)[0].id.clone();
    let input = json!({"reason": reason, "seen": {"outcome": ["active"]}});
    world.applied(write("applications.reject", of, input.clone()));
    assert_eq!(outcome(), "rejected");
    assert!(matches!(world.probed(probe("applications.reject", of, input)), Probed::Found(_)));
    world.applied(write("applications.unreject", of, json!({})));
    assert_eq!(outcome(), "active");
    world.applied(write("applications.hire", of, json!({})));
    assert_eq!(outcome(), "hired");
    world.applied(write("applications.unhire", of, json!({})));
    assert_eq!(outcome(), "active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_others_stay_when_one_is_added() {
    let world = World::new().await;
    let made = world.applied(write("candidates.create", None, world.ada()));
    let person = made.links[0].id.clone();
    let input = json!({"add": {"emails": [{"value": "byron@example.com"}]},
        "remove": {"phones": [{"value": "+44 20 1815"}]}});
    world.applied(write("candidates.update", Some(("candidates", &person)), input));
    let candidate = world.fetch("candidates", &person).unwrap();
    let emails = json!([{"value": "ada@example.com"}, {"value": "byron@example.com"}]);
    assert_eq!(candidate["emails"], emails);
    assert!(candidate.get("phones").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_added_once_and_found_again() {
    let world = World::new().await;
    let made = world.applied(write("candidates.create", None, world.ada()));
    let (person, application) = (made.links[0].id.clone(), made.links[1].id.clone());
    let input = json!({"candidate": person, "body": "Hello\nAda", "visibility": "private"});
    let made = world.applied(write("notes.create", None, input.clone()));
    let Probed::Found(found) = world.probed(probe("notes.create", None, input)) else { panic!() };
    assert_eq!((&found.links, found.certainty), (&made.links, Certainty::Marked));
    let notes = world.walk("notes", Some(&application));
    let note: Value = serde_json::from_str(&notes[0].body).unwrap();
    assert_eq!((&note["body"], &notes[0].id), (&json!("Hello\nAda"), &made.links[0].id));
    assert_eq!(note["visibility"]["value"], "private");
    assert_eq!(note["application"]["id"], application);
    assert_eq!(world.fetch("notes", &notes[0].id), Some(note));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_permission_is_seen_to_be_granted_and_missing() {
    let world = World::new().await;
    let verdict = |id: &str| match world.run(Task::Check(id.to_owned())) {
        Ok(Outcome::Checked(checked)) => checked.verdict,
        other => panic!("{id}: {other:?}"),
    };
    for permission in Lever::describe().permissions {
        let id = permission.id.as_str();
        if id.ends_with(":write") {
            assert_eq!(verdict(id), Verdict::Unknown, "{id}");
            continue;
        }
        assert_eq!(verdict(id), Verdict::Granted, "{id}");
        let scope = id.to_owned();
        world.sandbox().set_access(|access| assert!(access.scopes.remove(&scope), "{scope}"));
        assert_eq!(verdict(id), Verdict::Missing, "{id}");
        world.sandbox().set_access(|access| assert!(access.scopes.insert(scope.clone())));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confidential_records_come_only_when_the_setting_asks_for_them() {
    let mut world = World::new().await;
    let hidden = ids(&world.walk("applications", None), "applications").len();
    let mut settings: Value = serde_json::from_str(&world.given.settings).unwrap();
    settings["confidentiality"] = json!("all");
    world.given.settings = settings.to_string();
    let all = ids(&world.walk("applications", None), "applications").len();
    assert_eq!(all, world.sandbox().count("opportunities"));
    assert!(hidden <= all);
}
