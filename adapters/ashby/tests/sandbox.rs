//! The adapter against the sandbox, which was built from the reference alone; every request is
//! checked against Ashby's document where it lies beside the checkout.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(clippy::indexing_slicing, dead_code, reason = "tests")]

#[path = "../openapi/schema.rs"]
mod schema;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_adapter::manifest::ScanRule;
use atsync_ashby::Ashby;
use atsync_ashby_sandbox::{
    ClientTime, ManualClock, Recruiter, Request as Sent, Sandbox, SandboxOptions,
};
use base64::Engine as _;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_790_000_000_000;
const MARK_MS: u64 = 1_789_999_999_123;

struct World {
    sandbox: Sandbox,
    document: Option<schema::Document>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(NOW_MS).clock();
        let sized = SandboxOptions::sized(7, 120);
        let options = SandboxOptions { clock, rate_limit: 100_000, ..sized };
        Self { sandbox: Sandbox::new(options), document: schema::document() }
    }

    fn run(&self, task: Task) -> Result<Outcome, Failure> {
        let mark = Some(Mark { text: "m".into(), time_ms: MARK_MS });
        let given = Given { now_ms: 0, settings: "{}".into(), tenant: None, mark, grant: None };
        let mut step = Ashby::start(task, &given)?;
        loop {
            let send = match step {
                Step::Done(outcome) => return Ok(outcome),
                Step::Send(send) => send,
                other => panic!("{other:?}"),
            };
            let Target::Path(path) = send.request.target else { panic!("no path") };
            let Body::Json(body) = send.request.body else { panic!("no body") };
            if let Some(document) = &self.document {
                let value = serde_json::from_str(&body).unwrap();
                let faults = document.faults(document.request(&path.path), &value, true);
                assert!(faults.is_empty(), "{} {body}: {faults:?}", path.path);
            }
            let key = base64::engine::general_purpose::STANDARD.encode("sandbox-key:");
            let headers = [
                ("authorization".to_owned(), format!("Basic {key}")),
                ("content-type".to_owned(), "application/json".to_owned()),
            ];
            let answer = self.sandbox.handle(&Sent {
                method: &send.request.method,
                path_and_query: &path.path,
                headers: &headers,
                body: body.as_bytes(),
            });
            let headers =
                answer.headers.iter().map(|(name, value)| Field::new(name, value)).collect();
            let response = Response { status: answer.status, headers, body: answer.body };
            step = Ashby::resume(send.state, &given, Reply::Response(response))?;
        }
    }

    /// All items of a pass, and its checkpoint.
    fn pass(
        &self,
        kind: &str,
        parent: Option<&str>,
        since: &Since,
    ) -> (Vec<Item>, Option<Vec<u8>>) {
        let of = if matches!(kind, "stages") { "jobs" } else { "candidates" };
        let of = if kind == "application_stages" { "applications" } else { of };
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let parent = parent.map(|id| RemoteRef::new(of, id));
            let (kind, since) = (kind.to_owned(), since.clone());
            let scan = Scan { kind, parent, since, cursor, page_size: 40 };
            let Ok(Outcome::Page(page)) = self.run(Task::Scan(scan)) else { panic!("no page") };
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return (items, page.checkpoint);
            }
        }
    }

    fn write(&self, name: &str, target: Option<RemoteRef>, input: &Value) -> Written {
        let operation = Operation { name: name.into(), target, input: input.to_string() };
        match self.run(Task::Write(Write { operation, observed: None })) {
            Ok(Outcome::Written(written)) => written,
            other => panic!("{other:?}"),
        }
    }

    fn probe(&self, name: &str, target: Option<RemoteRef>, input: &Value) -> Probed {
        let operation = Operation { name: name.into(), target, input: input.to_string() };
        match self.run(Task::Probe(Probe { operation, first_sent_ms: Some(1) })) {
            Ok(Outcome::Probed(probed)) => probed,
            other => panic!("{other:?}"),
        }
    }
}

fn made(written: Written) -> String {
    let Written::Applied(applied) = written else { panic!("{written:?}") };
    applied.links[0].id.clone()
}

fn certainty(probed: &Probed) -> Option<Certainty> {
    let Probed::Found(found) = probed else { return None };
    Some(found.certainty)
}

#[test]
fn every_list_is_read_to_its_end_and_has_what_the_company_has() {
    let world = World::new();
    for kind in Ashby::describe().kinds {
        if !matches!(kind.scan, ScanRule::List {}) {
            continue;
        }
        let (items, checkpoint) = world.pass(&kind.name, None, &Since::Everything);
        let collection = match kind.name.as_str() {
            "postings" => "jobPostings",
            "offices" => "locations",
            "tags" => "candidateTags",
            "reject_reasons" => "archiveReasons",
            "close_reasons" => "closeReasons",
            "custom_fields" => "customFields",
            other => other,
        };
        let own = items.iter().filter(|item| item.kind == kind.name).count();
        assert_eq!(own, world.sandbox.count(collection), "{}", kind.name);
        if let Some(token) = checkpoint {
            let (changed, _) = world.pass(&kind.name, None, &Since::Token(token));
            assert!(changed.is_empty(), "{}", kind.name);
        }
    }
    let (jobs, _) = world.pass("jobs", None, &Since::Everything);
    let job = jobs.iter().find(|item| item.kind == "jobs").unwrap();
    let (stages, _) = world.pass("stages", Some(&job.id), &Since::Everything);
    assert!(stages.len() > 3 && stages.iter().all(|stage| stage.id.starts_with(&job.id)));
    let (applications, _) = world.pass("applications", None, &Since::Everything);
    let one = applications.iter().find(|item| item.kind == "applications").unwrap();
    assert!(!world.pass("application_stages", Some(&one.id), &Since::Everything).0.is_empty());
}

#[test]
fn a_recruiters_change_comes_with_the_token_and_a_merge_leaves_nothing() {
    let world = World::new();
    let (all, token) = world.pass("candidates", None, &Since::Everything);
    let ids: Vec<&str> =
        all.iter().filter(|item| item.kind == "candidates").map(|item| item.id.as_str()).collect();
    let (candidate_id, deleted_candidate_id) = (ids[0].to_owned(), ids[1].to_owned());
    world.sandbox.recruiter(&Recruiter::Merge { candidate_id, deleted_candidate_id }).unwrap();
    let (changed, _) = world.pass("candidates", None, &Since::Token(token.unwrap()));
    assert!(changed.iter().all(|item| item.id.starts_with(ids[0])) && !changed.is_empty());
    let fetch = Fetch { kind: "candidates".into(), ids: vec![ids[1].into()] };
    let Ok(Outcome::Fetched(fetched)) = world.run(Task::Fetch(fetch)) else { panic!() };
    assert_eq!(fetched.missing, [ids[1]]);
}

#[test]
fn a_created_candidate_is_found_by_its_mark_in_each_reading_of_created_at() {
    for (time, wanted) in [
        (ClientTime::Exact, Certainty::Marked),
        (ClientTime::WholeSeconds, Certainty::Matched),
        (ClientTime::Ignored, Certainty::Matched),
    ] {
        let world = World::new();
        world.sandbox.set_quirks(|quirks| quirks.client_time = time);
        let input = json!({"name": {"first": "Ada", "last": "Lovelace"},
            "emails": [{"value": "ada@x.example"}, {"value": "b@x.example"}],
            "phones": [{"value": "+1 555 0100"}],
            "links": [{"value": "https://github.com/ada"}]});
        assert_eq!(world.probe("candidates.create", None, &input), Probed::Absent(60_000));
        let id = made(world.write("candidates.create", None, &input));
        let row = world.sandbox.row("candidates", &id).unwrap();
        assert_eq!(
            (&row["name"], &row["socialLinks"][0]["type"]),
            (&json!("Ada Lovelace"), &json!("GitHub"))
        );
        assert_eq!(row["emailAddresses"].as_array().unwrap().len(), 2);
        assert_eq!(certainty(&world.probe("candidates.create", None, &input)), Some(wanted));
        // Without an address only the mark counts.
        let input = json!({"name": {"first": "Ada", "last": "Lovelace"}});
        let found = certainty(&world.probe("candidates.create", None, &input));
        assert_eq!(found.is_some(), time == ClientTime::Exact);
    }
}

#[test]
fn an_application_is_made_moved_rejected_and_hired_once_each() {
    let world = World::new();
    let candidate =
        made(world.write("candidates.create", None, &json!({"name": {"first": "A", "last": "B"}})));
    let (jobs, _) = world.pass("jobs", None, &Since::Everything);
    let job = jobs.iter().find(|item| item.kind == "jobs").unwrap().id.clone();
    let (stages, _) = world.pass("stages", Some(&job), &Since::Everything);
    let input = json!({"candidate": candidate, "job": job, "stage": stages[1].id});
    assert!(matches!(world.probe("applications.create", None, &input), Probed::Absent(_)));
    let id = made(world.write("applications.create", None, &input));
    let probed = world.probe("applications.create", None, &input);
    assert_eq!(certainty(&probed), Some(Certainty::Marked));
    let target = || Some(RemoteRef::new("applications", id.as_str()));
    let source = world.sandbox.rows("sources")[0]["id"].clone();
    let reason = world.sandbox.rows("archiveReasons")[0]["id"].clone();
    let seen = json!({"stage": [stages[1].id]});
    let steps = [
        ("applications.move", json!({"to_stage": stages[2].id, "seen": seen})),
        ("applications.update", json!({"source": source})),
        ("applications.reject", json!({"reason": reason})),
        ("applications.unreject", json!({})),
        ("applications.hire", json!({})),
        ("applications.unhire", json!({})),
        ("applications.hire", json!({})),
    ];
    for (name, input) in &steps {
        assert!(matches!(world.probe(name, target(), input), Probed::Absent(_)), "{name}");
        assert!(matches!(world.write(name, target(), input), Written::Applied(_)), "{name}");
        assert!(matches!(world.write(name, target(), input), Written::Unneeded(_)), "{name}");
        assert!(matches!(world.probe(name, target(), input), Probed::Found(_)), "{name}");
    }
    assert_eq!(world.sandbox.row("applications", &id).unwrap()["status"], "Hired");
    // Somebody else moved it since the plan saw it.
    let (name, input) = &steps[0];
    let operation = Operation { name: (*name).into(), target: target(), input: input.to_string() };
    let end = world.run(Task::Write(Write { operation, observed: None }));
    assert!(matches!(end, Err(Failure::Conflict(_))), "{end:?}");
    // A stage of another job's plan is refused without effect.
    let other = jobs.iter().filter(|item| item.kind == "jobs").nth(1).unwrap().id.clone();
    let (foreign, _) = world.pass("stages", Some(&other), &Since::Everything);
    let end = world.write("applications.move", target(), &json!({"to_stage": foreign[1].id}));
    assert!(matches!(end, Written::Refused(Failure::Invalid(_))), "{end:?}");
}

#[test]
fn notes_and_tags_are_added_and_found() {
    let world = World::new();
    let candidate =
        made(world.write("candidates.create", None, &json!({"name": {"first": "A", "last": "B"}})));
    let note = json!({"candidate": candidate, "body": "Called", "visibility": "private"});
    assert!(matches!(world.probe("notes.create", None, &note), Probed::Absent(_)));
    made(world.write("notes.create", None, &note));
    assert_eq!(certainty(&world.probe("notes.create", None, &note)), Some(Certainty::Marked));
    let (notes, _) = world.pass("notes", Some(&candidate), &Since::Everything);
    assert!(notes[0].body.contains("private"));
    let tag = made(world.write("tags.create", None, &json!({"name": "Keen"})));
    assert_eq!(tag, made(world.write("tags.create", None, &json!({"name": "Keen"}))));
    let input = json!({"candidate": candidate, "tag": tag});
    let applied = made(world.write("applied_tags.create", None, &input));
    assert_eq!(applied, format!("{candidate}/{tag}"));
    let target = Some(RemoteRef::new("applied_tags", applied));
    world.write("applied_tags.delete", target, &json!({}));
    assert_eq!(world.sandbox.row("candidates", &candidate).unwrap()["tags"], json!([]));
}

#[test]
fn every_right_is_seen_and_seen_to_be_missing() {
    let world = World::new();
    let check = |id: &str| match world.run(Task::Check(id.into())) {
        Ok(Outcome::Checked(checked)) => checked.verdict,
        other => panic!("{other:?}"),
    };
    for permission in Ashby::describe().permissions {
        assert_eq!(check(&permission.id), Verdict::Granted, "{}", permission.id);
        world.sandbox.set_access(|access| {
            access.scopes.remove(&permission.id);
        });
        assert_eq!(check(&permission.id), Verdict::Missing, "{}", permission.id);
        world.sandbox.set_access(|access| {
            access.scopes.insert(permission.id.clone());
        });
    }
    let Ok(Outcome::Tenant(tenant)) = world.run(Task::DescribeTenant) else { panic!() };
    assert!(tenant.fingerprint.starts_with("ashby:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_over_real_http() {
    use std::io::{Read as _, Write as _};
    let running = Sandbox::start(SandboxOptions::sized(7, 40)).await.unwrap();
    let host = running.base_url().trim_start_matches("http://").to_owned();
    let given = Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None };
    let (kind, since) = ("candidates".to_owned(), Since::Everything);
    let scan = Scan { kind, parent: None, since, cursor: None, page_size: 100 };
    let Ok(Step::Send(send)) = Ashby::start(Task::Scan(scan), &given) else { panic!() };
    let (Target::Path(path), Body::Json(body)) = (send.request.target, send.request.body) else {
        panic!("no path or body")
    };
    let key = base64::engine::general_purpose::STANDARD.encode("sandbox-key:");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {key}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        path.path,
        body.len()
    );
    let read = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut read = String::new();
        stream.read_to_string(&mut read).unwrap();
        read
    });
    let read = read.await.unwrap();
    running.shutdown().await;
    let (head, body) = read.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let response = Response { status: 200, headers: Vec::new(), body: body.into() };
    let end = Ashby::resume(send.state, &given, Reply::Response(response));
    let Ok(Step::Done(Outcome::Page(page))) = end else { panic!("{end:?}") };
    assert_eq!(page.items.iter().filter(|item| item.kind == "candidates").count(), 40);
}
