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

    /// The collection of a kind, as the sandbox tells the conformance suite.
    fn collection(&self, kind: &str) -> String {
        let method = "GET";
        let path_and_query = "/_sandbox/stage";
        let asked = Sent { method, path_and_query, headers: &[], body: b"" };
        let stage = self.sandbox.handle(&asked).body_json();
        stage["kinds"][kind]["collection"].as_str().unwrap_or(kind).to_owned()
    }

    /// All items of a pass, and its checkpoint.
    fn pass(
        &self,
        kind: &str,
        parent: Option<&str>,
        since: &Since,
    ) -> (Vec<Item>, Option<Vec<u8>>) {
        let rule = Ashby::describe().kinds.into_iter().find(|rule| rule.name == kind).unwrap();
        let of = match rule.scan {
            ScanRule::ByParent { parent } => parent,
            _ => String::new(),
        };
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let parent = parent.map(|id| RemoteRef::new(&of, id));
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
        let collection = &world.collection(&kind.name);
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
fn every_raw_kind_has_a_row_with_what_it_names() {
    let world = World::new();
    let everything = Since::Everything;
    for kind in Ashby::describe().kinds.into_iter().filter(|kind| kind.raw) {
        let rows = match &kind.scan {
            ScanRule::List {} => world.pass(&kind.name, None, &everything).0,
            ScanRule::ByParent { parent } => {
                let (parents, _) = world.pass(parent, None, &everything);
                let mut rows = Vec::new();
                for one in parents.iter().filter(|item| item.kind == *parent) {
                    rows.extend(world.pass(&kind.name, Some(&one.id), &everything).0);
                }
                rows
            }
            _ => panic!("{} is read by no list", kind.name),
        };
        assert!(!rows.is_empty(), "{}", kind.name);
        for row in &rows {
            let body: Value = serde_json::from_str(&row.body).unwrap();
            assert_eq!(body["content"]["id"], row.id.as_str(), "{}", kind.name);
        }
    }
}

#[test]
fn sensitive_kinds_are_read_only_where_the_setting_names_them() {
    let manifest = Ashby::describe();
    let all = &manifest.settings_schema["properties"]["sensitive_kinds"]["items"]["enum"];
    for kind in &manifest.kinds {
        let is_sensitive = all.as_array().unwrap().iter().any(|one| one == kind.name.as_str());
        assert_eq!(kind.opt_in.as_deref(), is_sensitive.then_some("sensitive_kinds"));
    }
    assert_eq!(all.as_array().unwrap().len(), 5);
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

/// A candidate of two addresses and a link, the custom fields of candidates by type.
fn person(world: &World) -> (String, Vec<(String, Value)>) {
    let input = json!({"name": {"first": "Ada", "last": "Byron"},
        "emails": [{"value": "ada@x.example"}], "links": [{"value": "https://github.com/ada"}]});
    let id = made(world.write("candidates.create", None, &input));
    let fields = world.sandbox.rows("customFields").into_iter();
    let fields = fields.filter(|field| field["objectType"] == "Candidate");
    let values =
        fields.filter_map(|field| {
            let id = field["id"].as_str()?.to_owned();
            let options: Vec<Value> = field["selectableValues"].as_array().into_iter().flatten()
            .map(|one| json!({"id": format!("{id}/{}", one["value"].as_str().unwrap_or_default())}))
            .collect();
            let (kind, value) = match field["fieldType"].as_str()? {
                "String" => ("text", json!("a text")),
                "LongText" => ("long_text", json!("a long text")),
                "Boolean" => ("boolean", json!(true)),
                "Number" => ("number", json!(7)),
                "Date" => ("date", json!("2026-11-24")),
                "ValueSelect" => ("single", options.first()?.clone()),
                "MultiValueSelect" => ("multi", options.into()),
                "Currency" => ("money", json!({"amount": "1200.5", "currency": "EUR"})),
                _ => return None,
            };
            Some((id.clone(), json!({"key": id, "id": id, "type": kind, "value": value})))
        });
    (id, values.collect())
}

#[test]
fn a_candidate_is_updated_whole_by_one_write_and_only_where_it_differs() {
    let world = World::new();
    let (id, values) = person(&world);
    assert!(values.len() > 3);
    let custom: Vec<&Value> = values.iter().map(|(_, value)| value).collect();
    let target = || Some(RemoteRef::new("candidates", id.as_str()));
    let name = "candidates.update";
    let input = json!({
        "set": {"name": {"first": "Ada", "last": "Lovelace"}},
        "add": {"emails": [{"value": "ada@new.example"}, {"value": "b@x.example"},
                {"value": "c@x.example"}],
            "phones": [{"value": "+1 555 0100"}],
            "links": [{"value": "https://www.linkedin.com/in/ada"}]},
        "remove": {"emails": [{"value": "ADA@x.example"}],
            "links": [{"value": "https://github.com/ada"}]},
        "custom_fields": custom,
    });
    assert!(matches!(world.probe(name, target(), &input), Probed::Absent(_)));
    let before = world.sandbox.requests().len();
    let Written::Applied(applied) = world.write(name, target(), &input) else { panic!() };
    assert_eq!(applied.warnings, Vec::<String>::new());
    // A read; names with the first further address; the second one; custom values.
    assert_eq!(world.sandbox.requests().len() - before, 4);
    let row = world.sandbox.row("candidates", &id).unwrap();
    let emails: Vec<&str> = row["emailAddresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    assert_eq!(row["name"], "Ada Lovelace");
    assert_eq!(emails, ["ada@new.example", "b@x.example", "c@x.example"]);
    assert_eq!(row["phoneNumbers"][0]["value"], "+1 555 0100");
    let links = json!([{"type": "LinkedIn", "url": "https://www.linkedin.com/in/ada"}]);
    assert_eq!(row["socialLinks"], links);
    assert_eq!(row["customFields"].as_array().unwrap().len(), values.len());
    assert!(matches!(world.probe(name, target(), &input), Probed::Found(_)));
    assert!(matches!(world.write(name, target(), &input), Written::Unneeded(_)));
    // What is read is what was written.
    let fetch = Fetch { kind: "candidates".into(), ids: vec![id.clone()] };
    let Ok(Outcome::Fetched(fetched)) = world.run(Task::Fetch(fetch)) else { panic!() };
    let item = fetched.items.iter().find(|item| item.kind == "candidates").unwrap();
    let body: Value = serde_json::from_str(&item.body).unwrap();
    for (field, wanted) in &values {
        let (kind, shown) = (wanted["type"].as_str().unwrap(), &body["custom_fields"][field]);
        let same = atsync_adapter::model::normal::same(kind, &shown["value"], &wanted["value"]);
        assert!(same, "{kind} {shown}");
    }
    // Null clears.
    let (field, _) = &values[0];
    let clear = json!({"custom_fields": [{"key": field, "id": field, "type": "text",
        "value": null}]});
    let operation = Operation { name: name.into(), target: target(), input: clear.to_string() };
    let given = Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None };
    assert!(Ashby::start(Task::Write(Write { operation, observed: None }), &given).is_ok());
}

#[test]
fn an_update_that_stops_half_way_is_in_doubt_and_goes_on_when_it_is_sent_again() {
    let world = World::new();
    let (id, values) = person(&world);
    let target = || Some(RemoteRef::new("candidates", id.as_str()));
    let (name, (_, value)) = ("candidates.update", &values[0]);
    let mut wrong = value.clone();
    wrong["id"] = json!("00000000-0000-4000-8000-000000000000");
    let renamed = json!({"first": "Ada", "last": "King"});
    let input = |custom: &Value| json!({"set": {"name": renamed}, "custom_fields": [custom]});
    // The second request is refused: the first one stands, so the write is not refused.
    let end = world.write(name, target(), &input(&wrong));
    assert!(matches!(end, Written::Unclear(_)), "{end:?}");
    assert!(matches!(world.probe(name, target(), &input(&wrong)), Probed::Absent(_)));
    // Sent again, the refusal is that of its first request.
    let end = world.write(name, target(), &input(&wrong));
    assert!(matches!(end, Written::Refused(_)), "{end:?}");
    // The right one goes on with the rest alone.
    let before = world.sandbox.requests().len();
    assert!(matches!(world.write(name, target(), &input(value)), Written::Applied(_)));
    assert_eq!(world.sandbox.requests().len() - before, 2);
    assert_eq!(world.sandbox.row("candidates", &id).unwrap()["name"], "Ada King");
}

#[test]
fn what_ashby_cannot_change_is_left_out_with_a_warning_and_others_values_are_not_overwritten() {
    let world = World::new();
    let (id, values) = person(&world);
    let target = || Some(RemoteRef::new("candidates", id.as_str()));
    let name = "candidates.update";
    let input = json!({"set": {"name": {"last": "King"}},
        "add": {"phones": [{"value": "+1 555 0100"}, {"value": "+1 555 0101"}]},
        "remove": {"emails": [{"value": "ada@x.example"}]}});
    let Written::Applied(applied) = world.write(name, target(), &input) else { panic!() };
    assert_eq!(applied.warnings.len(), 3, "{:?}", applied.warnings);
    let row = world.sandbox.row("candidates", &id).unwrap();
    assert_eq!(row["name"], "Ada Byron", "a part of a name is none");
    assert!(matches!(world.probe(name, target(), &input), Probed::Found(_)));
    let (field, value) = values.iter().find(|(_, value)| value["type"] == "text").unwrap();
    let path = format!("custom_fields.{field}");
    let input = |seen: Value| json!({"custom_fields": [value], "seen": {path.as_str(): seen}});
    let operation = |seen: Value| {
        let input = input(seen).to_string();
        Task::Write(Write {
            operation: Operation { name: name.into(), target: target(), input },
            observed: None,
        })
    };
    let end = world.run(operation(json!(["another"])));
    assert!(matches!(end, Err(Failure::Conflict(_))), "{end:?}");
    let end = world.run(operation(json!([null, "a text"])));
    assert!(matches!(end, Ok(Outcome::Written(Written::Applied(_)))), "{end:?}");
}

#[test]
fn custom_values_of_an_application_are_written_with_its_source() {
    let world = World::new();
    let fields = world.sandbox.rows("customFields");
    let field = fields.iter().find(|field| field["objectType"] == "Application").unwrap();
    let (kind, value) = match field["fieldType"].as_str().unwrap() {
        "Boolean" => ("boolean", json!(true)),
        "Number" => ("number", json!(3)),
        "ValueSelect" => {
            let own = field["selectableValues"][0]["value"].as_str().unwrap();
            ("single", json!({"id": format!("{}/{own}", field["id"].as_str().unwrap())}))
        }
        _ => ("text", json!("a text")),
    };
    let active = world.sandbox.rows("applications").into_iter();
    let id = active.clone().next().unwrap()["id"].as_str().unwrap().to_owned();
    let source = world.sandbox.rows("sources").into_iter();
    let now = world.sandbox.row("applications", &id).unwrap()["source"]["id"].clone();
    let source = source.map(|one| one["id"].clone()).find(|one| *one != now).unwrap();
    let input = json!({"source": source, "custom_fields": [{"key": field["id"],
        "id": field["id"], "type": kind, "value": value}]});
    let target = || Some(RemoteRef::new("applications", id.as_str()));
    let name = "applications.update";
    assert!(matches!(world.write(name, target(), &input), Written::Applied(_)));
    assert!(matches!(world.write(name, target(), &input), Written::Unneeded(_)));
    assert!(matches!(world.probe(name, target(), &input), Probed::Found(_)));
    let row = world.sandbox.row("applications", &id).unwrap();
    assert_eq!(row["customFields"][0]["id"], field["id"]);
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
