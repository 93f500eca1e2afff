//! Compares the adapter with Greenhouse's own OpenAPI document.
//!
//! Every body that the adapter sends is checked against the document's schema of that request,
//! every query parameter against its list, every flag and list that a reader reads against its
//! type. In the other direction, rows generated from the document's schemas must be read
//! completely. Facts and document: `openapi/schema.rs`; the conclusions: `REFERENCE.md`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../openapi/schema.rs"]
mod schema;
mod write_support;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::{
    Body, Fetch, Field, Given, Outcome, Problem, Registering, Reply, Response, Scan, Since, Step,
    Target, Task, Webhook, WebhookChange, Window,
};
use atsync_adapter::manifest::WebhookSecret;
use atsync_greenhouse::raw::RAW;
use atsync_greenhouse::{Greenhouse, kinds};
use schema::{facts, faults, is_nullable, types};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use write_support::{Asked, case, empty, reply};

/// Members of rows that readers read and the document does not have: newer, or older.
const BESIDE: &[(&str, &str)] = &[
    ("applications", "job_interview_stage_id"),
    ("applications", "rejection_reason_id"),
    ("candidates", "message"),
    // The adapter adds these to the ids of options; v1 had them in the row.
    ("candidate_educations", "school_name"),
    ("candidate_educations", "degree"),
    ("candidate_educations", "discipline"),
];

/// Returns the schema of a row; of a candidate, the arm that is not a stub.
fn row_schema(collection: &str) -> Value {
    let schema = facts()["rows"][collection].clone();
    assert!(schema.is_object(), "{collection} is not in the extract");
    schema["oneOf"].get(0).cloned().unwrap_or(schema)
}

#[test]
fn the_extract_agrees_with_the_document() {
    let Some(document) = schema::document() else { return };
    let facts = facts();
    let bare = |value: &Value| without_texts(value);
    for (collection, schema) in facts["rows"].as_object().unwrap() {
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let is_it = |name: &&String| {
            if *name == collection {
                return true;
            }
            let plural = name
                .strip_suffix('y')
                .map_or_else(|| format!("{name}s"), |stem| format!("{stem}ies"));
            plural == *collection
        };
        let name = schemas.keys().find(is_it).unwrap_or_else(|| panic!("{collection}"));
        assert_eq!(*schema, bare(&schemas[name]), "{collection}");
    }
    // Each schema but that of tokens is the row of a list, and each list has one.
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert_eq!(schemas.len(), facts["rows"].as_object().unwrap().len() + 1);
    let lists: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .filter_map(|path| path.strip_prefix("/v3/"))
        .filter(|path| !path.contains('{') && !path.ends_with("/bulk"))
        .collect();
    assert_eq!(lists, facts["rows"].as_object().unwrap().keys().map(String::as_str).collect());
    // Where the answer of a list is filled in, its rows are those of the schema.
    for (path, operations) in document["paths"].as_object().unwrap() {
        let answer = &operations["get"]["responses"]["200"]["content"]["application/json"];
        if let Some(collection) = path.strip_prefix("/v3/").filter(|_| answer.is_object()) {
            let row = bare(&answer["schema"]["items"]);
            assert_eq!(row, facts["rows"][collection], "{path}");
        }
    }
    for (request, schema) in facts["requests"].as_object().unwrap() {
        let (method, path) = request.split_once(' ').unwrap();
        let body = &document["paths"][path][method.to_lowercase()]["requestBody"]["content"]["application/json"]
            ["schema"];
        assert_eq!(*schema, bare(body), "{request}");
    }
    for (collection, names) in facts["queries"].as_object().unwrap() {
        let parameters =
            document["paths"][format!("/v3/{collection}")]["get"]["parameters"].as_array().unwrap();
        let mut known: Vec<&str> =
            parameters.iter().map(|one| one["name"].as_str().unwrap()).collect();
        known.sort_unstable();
        assert_eq!(*names, json!(known), "{collection}");
    }
}

fn without_texts(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, member)| {
                !matches!(name.as_str(), "description" | "default") || member.is_object()
            })
            .map(|(name, member)| (name.clone(), without_texts(member)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(all) => all.iter().map(without_texts).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_member_that_is_read_is_documented_and_null_is_empty_only_where_it_may_be_null() {
    for kind in kinds::KINDS {
        let schema = row_schema(kind.collection);
        for member in kind.reads {
            if BESIDE.contains(&(kind.collection, member)) {
                continue;
            }
            let documented = &schema["properties"][*member];
            assert!(documented.is_object(), "{}.{member} is not documented", kind.collection);
            if types(documented).any(|word| word == "boolean" || word == "array") {
                let never_null = kind.never_null.contains(member);
                assert_eq!(never_null, !is_nullable(documented), "{}.{member}", kind.collection);
            }
        }
    }
}

/// Makes a value of a schema: with contents, or as empty as the schema allows.
fn sample(schema: &Value, filled: bool) -> Value {
    if !filled && is_nullable(schema) {
        return Value::Null;
    }
    if let Some(arms) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        return sample(&arms[0], filled);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().find(|word| !word.is_null()).unwrap().clone();
    }
    let word = types(schema).find(|word| *word != "null").unwrap_or("string");
    match word {
        "integer" | "number" => json!(4_033_591_002_u64),
        "boolean" => json!(false),
        "array" if filled => json!([sample(&schema["items"], true)]),
        "array" => json!([]),
        "object" if schema["additionalProperties"].is_object() => {
            if filled {
                json!({"a_key": {"name": "A", "type": "short_text", "value": "x"}})
            } else {
                json!({})
            }
        }
        "object" => whole(schema, filled),
        _ => match schema["format"].as_str() {
            Some("date-time") => json!("2024-01-01T12:30:30.000Z"),
            Some("date") => json!("2024-01-01"),
            Some("uri") => json!("https://example.com/x"),
            _ => json!("some text"),
        },
    }
}

fn whole(schema: &Value, filled: bool) -> Value {
    let members = schema["properties"].as_object().into_iter().flatten();
    members
        .map(|(name, member)| (name.clone(), sample(member, filled)))
        .collect::<Map<_, _>>()
        .into()
}

fn read(kind: &kinds::Kind, rows: &[Value]) -> (Vec<(Value, Vec<String>)>, Vec<Problem>) {
    let scan = Scan {
        kind: kind.name.into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 500,
    };
    let given = opted_in;
    let Ok(Step::Send(send)) = Greenhouse::start(Task::Scan(scan), &given()) else {
        panic!("a request")
    };
    let response = Response {
        status: 200,
        headers: vec![],
        body: Value::from(rows.to_vec()).to_string().into(),
    };
    let mut step = Greenhouse::resume(send.state, &given(), Reply::Response(response));
    while let Ok(Step::Send(send)) = step {
        let Target::Path(path) = &send.request.target else { panic!("a path") };
        assert_eq!(
            path.path, "/v3/custom_field_options",
            "only the names of options are requested"
        );
        let names = json!([{"id": 4_033_591_002_u64, "name": "some text"}]).to_string();
        let response = Response { status: 200, headers: vec![], body: names.into() };
        step = Greenhouse::resume(send.state, &given(), Reply::Response(response));
    }
    let (page, problems) = match step {
        Ok(Step::Done(Outcome::Page(page))) => (page, Vec::new()),
        Ok(Step::Done(Outcome::FlawedPage(flawed))) => flawed,
        other => panic!("{}: {other:?}", kind.name),
    };
    let read = page.items.iter().map(|item| {
        (
            serde_json::from_str(&item.body).unwrap(),
            page.masks[usize::try_from(item.mask).unwrap()].clone(),
        )
    });
    (read.collect(), problems)
}

fn given() -> Given {
    Given {
        now_ms: write_support::NOW_MS,
        settings: "{}".into(),
        tenant: None,
        mark: None,
        grant: None,
    }
}

/// A `given` whose settings name every sensitive kind.
fn opted_in() -> Given {
    let kinds: Vec<&str> = RAW.iter().filter(|kind| kind.sensitive).map(|kind| kind.name).collect();
    Given { settings: json!({"sensitive_kinds": kinds}).to_string(), ..given() }
}

/// Lists that the document does not have; the older reference does.
const BESIDE_LISTS: &[&str] = &["job_boards", "job_post_searchable_locations"];

#[test]
fn every_list_of_the_document_is_read() {
    let read: BTreeSet<&str> = kinds::all().map(|kind| kind.collection).collect();
    assert_eq!(read.len(), kinds::all().count(), "each by one kind");
    let facts = facts();
    let documented: BTreeSet<&str> =
        facts["rows"].as_object().unwrap().keys().map(String::as_str).collect();
    let beside: BTreeSet<&str> = BESIDE_LISTS.iter().copied().collect();
    assert_eq!(read, documented.union(&beside).copied().collect());
    assert_eq!((documented.len(), kinds::KINDS.len(), RAW.len()), (69, 29, 42));
}

/// Ids of rows that name no record of one kind, with the reason.
const NO_REFERENCES: &[(&str, &str)] = &[
    // An id of the calendar's.
    ("interviews", "external_event_id"),
    // What it names depends on another member.
    ("tracking_links", "related_post_id"),
];

#[test]
fn every_id_of_a_raw_row_is_a_reference_to_a_kind_that_is_read() {
    for kind in RAW.iter().filter(|kind| !BESIDE_LISTS.contains(&kind.collection)) {
        let schema = row_schema(kind.collection);
        let members = schema["properties"].as_object().unwrap();
        let named: BTreeSet<&str> = kind.references.iter().map(|(member, _)| *member).collect();
        let ids = members.keys().map(String::as_str).filter(|member| {
            (member.ends_with("_id") || member.ends_with("_ids"))
                && !NO_REFERENCES.contains(&(kind.collection, member))
        });
        assert_eq!(named, ids.collect(), "{}", kind.collection);
        for member in &named {
            let whole = types(&members[*member]).any(|word| word == "integer");
            assert!(whole, "{}.{member}", kind.collection);
        }
        for member in kind.never_kept {
            assert!(members.contains_key(*member), "{}.{member}", kind.collection);
        }
        for time in ["created_at", "updated_at"] {
            assert_eq!(members[time]["format"], "date-time", "{}", kind.collection);
        }
    }
    for (_, named) in RAW.iter().flat_map(|kind| kind.references) {
        assert!(kinds::named(named).is_some(), "{named}");
    }
}

#[test]
fn a_raw_row_as_in_the_official_schema_is_kept_whole_with_its_references() {
    for kind in RAW.iter().filter(|kind| !BESIDE_LISTS.contains(&kind.collection)) {
        let schema = row_schema(kind.collection);
        let rows = [whole(&schema, true), whole(&schema, false)];
        let (read, problems) = read(kind, &rows);
        assert_eq!(problems, [], "{}", kind.collection);
        for ((body, mask), row) in read.iter().zip(&rows) {
            assert_eq!(*mask, kind.fields(), "{}", kind.collection);
            let mut kept = row.clone();
            kind.never_kept
                .iter()
                .for_each(|member| drop(kept.as_object_mut().unwrap().remove(*member)));
            assert_eq!(body["content"], kept, "{}", kind.collection);
            assert_eq!(body["updated_at"], row["updated_at"]);
            let named = kind.references.iter().filter(|(member, _)| !row[*member].is_null());
            let named: Vec<Value> = named
                .map(|(member, of)| {
                    json!({"member": member, "kind": of, "id": row[*member].to_string()})
                })
                .collect();
            let found = body.get("references").cloned().unwrap_or(json!([]));
            assert_eq!(found, json!(named), "{}", kind.collection);
        }
    }
}

#[test]
fn a_row_as_in_the_official_schema_is_read_whole_whatever_the_kind() {
    for kind in kinds::KINDS {
        let schema = row_schema(kind.collection);
        let rows = [whole(&schema, true), whole(&schema, false)];
        for row in &rows {
            assert_eq!(
                faults(&schema, row),
                Vec::<String>::new(),
                "{}: the sample itself",
                kind.collection
            );
        }
        let (read, problems) = read(kind, &rows);
        assert_eq!(problems, [], "{}", kind.collection);
        assert_eq!(read.len(), 2, "{}", kind.collection);
        for (body, mask) in &read {
            let expected: Vec<&str> = kind.expected().collect();
            let missing: Vec<&&str> =
                expected.iter().filter(|field| !mask.contains(&(**field).to_owned())).collect();
            // A text that a record always has leaves its field unknown when it is null.
            let may_miss = ["name", "title", "key", "email", "filename", "outcome", "candidate"];
            let unexplained: Vec<_> =
                missing.iter().filter(|field| !may_miss.contains(**field)).collect();
            assert!(unexplained.is_empty(), "{}: {unexplained:?} of {body}", kind.collection);
        }
        let (_, mask) = &read[0];
        let known: Vec<&str> = kind
            .fields
            .iter()
            .copied()
            .filter(|field| mask.contains(&(*field).to_owned()))
            .collect();
        let unknown: Vec<&str> =
            kind.fields.iter().copied().filter(|field| !known.contains(field)).collect();
        assert!(
            unknown.iter().all(|field| kind.optional.contains(field)),
            "{}: {unknown:?}",
            kind.collection
        );
    }
}

#[test]
fn the_stage_of_an_official_row_is_known_by_its_name() {
    let kind = kinds::named("applications").unwrap();
    let mut row = whole(&row_schema("applications"), true);
    row["stage_name"] = json!("Application Review");
    assert!(row.get("job_interview_stage_id").is_none());
    let (read, _) = read(kind, &[row]);
    assert_eq!(read[0].0["stage"], json!({"name": "Application Review"}));
}

#[test]
fn every_query_parameter_is_documented() {
    let window = Window { from: "2026-01-01T00:00:00Z".into(), to: "2026-01-02T00:00:00Z".into() };
    for kind in kinds::all() {
        let Some(known) = facts()["queries"][kind.collection].as_array().cloned() else { continue };
        let scan = |since| {
            Task::Scan(Scan {
                kind: kind.name.into(),
                parent: None,
                since,
                cursor: None,
                page_size: 500,
            })
        };
        let fetch = Task::Fetch(Fetch { kind: kind.name.into(), ids: vec!["1".into()] });
        for task in [scan(Since::Everything), scan(Since::Window(window.clone())), fetch] {
            let Ok(Step::Send(send)) = Greenhouse::start(task, &opted_in()) else {
                panic!("a request")
            };
            let Target::Path(path) = send.request.target else { panic!("a path") };
            for Field { name, .. } in path.query {
                assert!(
                    known.contains(&json!(name)),
                    "{} has no parameter {name}",
                    kind.collection
                );
            }
        }
    }
}

fn row(more: Value) -> Value {
    let mut row = json!({
        "id": 2, "candidate_id": 1, "job_id": 5, "prospect": false, "status": "in_process",
            "stage_id": 900, "stage_name": "A",
        "source_id": 4, "referrer_id": null, "recruiter_id": null, "coordinator_id": null,
            "custom_fields": {},
    });
    for (name, value) in more.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// Returns every request with a body that the document describes completely, with every member
/// that the adapter can send.
fn sent() -> Vec<Asked> {
    let values = json!([
        {"key": "a", "id": "1", "type": "text", "value": "x"},
            {"key": "b", "id": "2", "type": "number", "value": 7},
        {"key": "c", "id": "3", "type": "boolean", "value": true},
            {"key": "d", "id": "4", "type": "single", "value": {"id": "9", "label": "L"}},
        {"key": "e", "id": "5", "type": "multi",
            "value": [{"id": "9", "label": "L"}, {"id": "10", "label": "M"}]},
        {"key": "f", "id": "6", "type": "money", "value": {"amount": "10.5", "currency": "EUR"}},
        {"key": "g", "id": "7", "type": "date", "value": "2026-12-01"},
            {"key": "h", "id": "8", "type": "user", "value": {"id": "3"}},
        {"key": "i", "id": "9", "type": "url", "value": "https://x.example"},
    ]);
    let stages = reply(
        200,
        json!([{"id": 900, "application_id": 2, "job_interview_stage_id": 60, "current": true}]),
    );
    let no_pool = || reply(200, json!([]));
    let prospect =
        || row(json!({"prospect": true, "job_id": null, "stage_id": null, "stage_name": null}));
    let on = |operation: &'static str, input: Value, row: Value, rest: Vec<Response>| {
        let mut replies = vec![reply(200, json!([row]))];
        replies.extend(rest);
        case(operation, input).on("applications", "2").replies(replies)
    };
    let user = json!({"first": "Erin", "last": "Smith", "email": "erin@example.com",
        "employee_id": "A1", "job_title": "CTO", "invite": true});
    let runs =
        vec![
        case(
            "applications.create",
            json!({"candidate": "1", "kind": "application", "job": "5", "stage": "6", "source": "4",
                "referrer": "7", "recruiter": "8",
                   "coordinator": "9", "custom_fields": values}),
        )
        .replies(vec![reply(201, json!({"id": 2}))])
        .of_parent()
        .write(),
        case(
            "applications.create",
            json!({"candidate": "1", "kind": "prospect", "job": "5", "jobs": ["6"], "pool": "31",
                "pool_stage": "77", "owner": "3", "source": "4",
                   "referrer": "7", "custom_fields": values}),
        )
        .replies(vec![reply(201, json!({"id": 2}))])
        .of_parent()
        .write(),
        on(
            "applications.update",
            json!({"source": "5", "referrer": "7", "recruiter": "8", "coordinator": "9",
                "custom_fields": values}),
            row(json!({})),
            vec![reply(200, row(json!({})))],
        )
        .write(),
        case("applications.update", json!({"pool": "31"}))
            .on("applications", "2")
            .replies(vec![no_pool(), reply(200, json!([prospect()])), reply(200, prospect())])
            .write(),
        on("applications.move", json!({"to_stage": "61"}), row(json!({})),
            vec![stages.clone(), empty(204)]).write(),
        on("applications.move", json!({"to_job": "6"}), row(json!({})),
            vec![stages, empty(204)]).write(),
        on("applications.reject", json!({"reason": "9", "note": "no"}), row(json!({})),
            vec![empty(204)]).write(),
        on("applications.unreject", json!({}), row(json!({"status": "rejected"})),
            vec![empty(204)]).write(),
        on(
            "applications.hire",
            json!({"opening": "70", "close_reason": "3", "start_on": "2026-12-01"}),
            row(json!({})),
            vec![empty(204)],
        )
        .write(),
        on("applications.convert", json!({"job": "5", "stage": "60"}), prospect(),
            vec![reply(200, json!({"id": 3}))]).write(),
        case("users.create", user.clone()).replies(vec![reply(201, json!({"id": 1}))]).write(),
        case("users.create", user)
            .settings(json!({"users_form": "bulk"}))
            .replies(vec![reply(202, json!({"bulk_action_uuid": "u", "status": "building",
                "status_url": "x"}))])
            .write(),
    ];
    runs.iter().map(|run| run.sent().clone()).collect()
}

#[test]
fn every_body_that_is_sent_fits_its_schema() {
    let requests = facts()["requests"].as_object().unwrap().clone();
    let mut seen = std::collections::BTreeSet::new();
    for asked in sent() {
        let line: Vec<String> = asked
            .line
            .split('/')
            .map(|part| {
                if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
                    "{id}".into()
                } else {
                    part.to_owned()
                }
            })
            .collect();
        let line = line.join("/");
        let schema = requests.get(&line).unwrap_or_else(|| panic!("{line} is not documented"));
        assert_eq!(faults(schema, &asked.body), Vec::<String>::new(), "{line} {}", asked.body);
        seen.insert(line);
    }
    let unused: Vec<&String> = requests.keys().filter(|request| !seen.contains(*request)).collect();
    // The adapter activates, deactivates and changes no users and creates them one by one; webhooks
    // are below.
    let may_be = ["activate", "PATCH /v3/users", "/v3/webhooks"];
    assert!(
        unused.iter().all(|request| may_be.iter().any(|part| request.contains(part))),
        "{unused:?}"
    );
}

#[test]
fn a_webhook_with_the_secret_of_the_engine_fits_its_schema_for_each_event() {
    let rule = Greenhouse::describe().webhooks.unwrap();
    let WebhookSecret::Given { member } = &rule.secret else { panic!("{:?}", rule.secret) };
    let url = "https://host.example/hooks/acme/1".to_owned();
    let settings = "{}".to_owned();
    let given = Given { now_ms: 1, settings, tenant: None, mark: None, grant: None };
    for event in &rule.events {
        let webhook = Webhook { event: event.clone(), url: url.clone() };
        let change = WebhookChange { id: "4001693002".into(), webhook: webhook.clone() };
        for (task, line) in [
            (Registering::Create(webhook), "POST /v3/webhooks"),
            (Registering::Change(change), "PATCH /v3/webhooks/{id}"),
        ] {
            let step = Greenhouse::start(Task::Register(task), &given);
            let Ok(Step::Send(send)) = step else { panic!("{step:?}") };
            let Body::Json(body) = &send.request.body else { panic!("no JSON") };
            let mut body: Value = serde_json::from_str(body).unwrap();
            assert!(body.get(member).is_none(), "the place of the secret is taken");
            body[member] = json!("secret of acme");
            assert_eq!(faults(&facts()["requests"][line], &body), Vec::<String>::new(), "{body}");
        }
    }
}

#[test]
fn the_check_finds_each_kind_of_fault() {
    let hire = &facts()["requests"]["POST /v3/applications/{id}/hire"];
    assert_eq!(
        faults(hire, &json!({"start_date": "2026-12-01T00:00:00Z", "close_reason_id": null})),
        Vec::<String>::new()
    );
    for wrong in [
        json!({"start_date": "2026-12-01"}),
        json!({"opening_id": null}),
        json!({"opening_id": "7"}),
        json!({"surprise": 1}),
    ] {
        assert_eq!(faults(hire, &wrong).len(), 1, "{wrong}");
    }
    let update = &facts()["requests"]["PATCH /v3/applications/{id}"];
    for wrong in [
        json!({"source_id": null}),
        json!({"custom_fields": [{"name_key": "a", "value": {"amount": 1}}]}),
    ] {
        assert!(!faults(update, &wrong).is_empty(), "{wrong}");
    }
}
