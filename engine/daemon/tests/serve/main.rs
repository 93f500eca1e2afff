//! The HTTP API of `atsync serve`, over real sockets, against the sandbox.
//!
//! Requests are written by hand, so that a test can send what no client would. Each answer is read
//! to its end; nothing waits for a time.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod adapters;
mod attacks;
mod audit;
#[path = "../cli_support/mod.rs"]
mod cli_support;
mod deliveries;
mod feeds;
mod hooks;
mod made;
mod receiver;
mod repeats;
#[path = "../serve_support/mod.rs"]
mod serve_support;
mod top;
mod upkeep;

use cli_support::Site;
use serde_json::{Value, json};
use serve_support::{ADA, OTHER, Served, TOKEN, exchange};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};

#[tokio::test]
async fn a_record_is_declared_planned_applied_and_seen_in_the_feed_over_http() {
    let served = Served::start("").await;
    let acme = "/v1/connections/acme";
    let last = served.get(&format!("{acme}/status")).await.json()["changes_last"].as_u64().unwrap();
    let declared = served.put(&format!("{acme}/desired/a"), ADA).await;
    assert_eq!(
        (declared.status, declared.json()["created"].as_u64()),
        (201, Some(1)),
        "{declared:?}"
    );
    let again = served.put(&format!("{acme}/desired/a"), ADA).await;
    assert_eq!((again.status, again.json()["unchanged"].as_u64()), (200, Some(1)), "{again:?}");
    let applied = served.post(&format!("{acme}/apply"), "").await;
    assert_eq!(applied.status, 200, "{applied:?}");
    // The schedules may apply it at the same time, and a first pull may still be in the feed.
    let (mut after, mut is_there) = (last, false);
    while !is_there {
        let page = served.get(&format!("{acme}/changes?after={after}&wait=30")).await.json();
        let changes = page["changes"].as_array().unwrap();
        is_there = changes.iter().any(|change| change["after"]["name"]["first"] == "Ada");
        after = changes.last().unwrap()["serial"].as_u64().unwrap();
    }
    let found = served.get(&format!("{acme}/records/candidates?email=ada@new.example.com")).await;
    assert_eq!(found.json()["records"].as_array().unwrap().len(), 1, "{found:?}");
    let row = served.get(&format!("{acme}/desired/a")).await.json();
    assert_eq!(
        (&row["generation"], &row["record"]["emails"][0]),
        (&json!(1), &json!("ada@new.example.com"))
    );
    let explained = served.get(&format!("{acme}/desired/a/explanation")).await;
    assert_eq!(explained.status, 200, "{explained:?}");
    assert_eq!(served.site.sandbox().writes().len(), 1);
    assert_eq!(served.ask(&format!("DELETE {acme}/desired/a"), "", "").await.status, 204);
    assert_eq!(served.get(&format!("{acme}/desired/a")).await.problem(), "no-such-record");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_batch_with_a_bad_line_is_refused_as_a_whole_with_the_lines_number() {
    let served = Served::start("").await;
    let desired = "/v1/connections/acme/desired";
    let refused = served.post(desired, "{\"key\":\"a\"}\n{\"key\":\"b\",\"naem\":1}\n").await;
    assert_eq!((refused.status, refused.problem()), (422, "invalid".to_owned()));
    assert_eq!(refused.json()["errors"][0]["pointer"], "line 2");
    assert_eq!(served.get(desired).await.json()["desired"], json!([]));
    let both = served.post(desired, "{\"key\":\"a\"}\n{\"key\":\"b\"}\n").await;
    assert_eq!(both.json()["created"], 2, "{both:?}");
    let first = served.get(&format!("{desired}?limit=1")).await.json();
    assert_eq!(first["desired"][0]["key"], "a");
    let next = first["next"].as_str().unwrap();
    let second = served.get(&format!("{desired}?limit=1&cursor={next}")).await.json();
    assert_eq!((&second["desired"][0]["key"], &second["next"]), (&json!("b"), &Value::Null));
}

#[tokio::test]
async fn a_stream_of_changes_goes_on_after_the_last_event_id() {
    let served = Served::start("").await;
    let path = "GET /v1/connections/acme/changes?after=0";
    let stream = TcpStream::connect(&served.address).await.unwrap();
    let mut stream = BufReader::new(stream);
    let head = format!(
        "{path} HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\nlast-event-id: 3\r\n\r\n",
        served.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut ids = Vec::new();
    while ids.len() < 3 {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).await.unwrap(), 0, "it ended after {ids:?}");
        ids.extend(line.strip_prefix("id: ").map(|id| id.trim().parse::<u64>().unwrap()));
    }
    assert_eq!(ids, [4, 5, 6]);
    // It ends at the stop.
    let ended = tokio::spawn(async move {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await
    });
    assert_eq!(served.end().await, 0);
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_a_client_gets_wrong_is_a_problem_that_names_it() {
    let served = Served::start("").await;
    let acme = "/v1/connections/acme";
    for (line, body, status, kind) in [
        ("GET /nothing", "", 404, "no-such-route"),
        ("GET /v1/connections/%FF", "", 422, "invalid"),
        ("PUT /v1/connections/acme/desired/%FF", ADA, 422, "invalid"),
        ("GET /v1/connections/beta", "", 404, "no-such-connection"),
        ("PATCH /v1/connections", "", 405, "method-not-allowed"),
        ("GET /v1/connections?limit=0", "", 422, "invalid"),
        ("GET /v1/connections?limt=1", "", 422, "invalid"),
        ("GET /v1/connections/acme/records/candidats", "", 404, "no-such-kind"),
        ("GET /v1/connections/acme/records/candidates?limit=1001", "", 422, "invalid"),
        ("GET /v1/connections/acme/records/candidates/none", "", 404, "no-such-record"),
        ("GET /v1/connections/acme/records/jobs?email=a@b.c", "", 422, "invalid"),
        ("GET /v1/connections/acme/changes?after=99999", "", 409, "changes-ahead"),
        ("GET /v1/connections/acme/changes?wait=61", "", 422, "invalid"),
        ("PUT /v1/connections/acme/desired/a", "[1]", 422, "invalid"),
        ("PUT /v1/connections/acme/desired/a", "{\"key\":\"b\"}", 422, "invalid"),
        ("PUT /v1/connections/acme/desired/a", "{", 422, "invalid"),
        ("POST /v1/connections/acme/pull", "{\"kinds\":[\"candidats\"]}", 404, "no-such-kind"),
        ("POST /v1/connections/acme/pull", "{}", 422, "invalid"),
        (
            "POST /v1/connections/acme/intents/77/resolve",
            "{\"decision\":\"retry\"}",
            404,
            "no-such-record",
        ),
        (
            "POST /v1/connections/acme/intents/x/resolve",
            "{\"decision\":\"retry\"}",
            404,
            "no-such-record",
        ),
        ("POST /v1/commands", "{}", 404, "no-such-route"),
    ] {
        let json = "content-type: application/json\r\n";
        let answer = served.ask(line, json, body).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, kind),
            "{line}: {answer:?}"
        );
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty(), "{line}");
    }
    let long = "k".repeat(600);
    for line in [
        format!("PUT {acme}/consumers/{long}"),
        format!("DELETE /v1/tokens/{long}"),
        format!("GET {acme}/records/candidates?email={long}@x.example"),
    ] {
        let json = "content-type: application/json\r\n";
        let answer = served.ask(&line, json, "{\"offset\":0}").await;
        assert_eq!((answer.status, answer.problem()), (422, "invalid".to_owned()), "{line}");
    }
    let put = format!("PUT {acme}/desired/a");
    let form = served.ask(&put, "content-type: text/plain\r\n", ADA).await;
    assert_eq!((form.status, form.problem()), (415, "wrong-media-type".to_owned()));
    let large = format!("{{\"key\":\"{}\"}}", "a".repeat(1024 * 1024));
    let large = served.put(&format!("{acme}/desired/a"), &large).await;
    assert_eq!((large.status, large.problem()), (413, "too-large".to_owned()));
    // Nothing of all that was stored or sent.
    assert_eq!(served.get(&format!("{acme}/desired")).await.json()["desired"], json!([]));
    assert!(served.site.sandbox().writes().is_empty());
}

#[tokio::test]
async fn a_token_does_what_its_scope_and_its_connections_allow() {
    let tokens = r#"
tokens.host = { secret = { env = "TOKEN" }, scope = "write" }
tokens.guest = { secret = { env = "OTHER" }, scope = "read", connections = [] }
"#;
    let served = Served::start(tokens).await;
    let ask = async |token: &str, line: &str| {
        let headers =
            format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        served.ask(line, &headers, ADA).await
    };
    assert_eq!(served.get("/v1/connections").await.problem(), "unauthenticated");
    assert_eq!(served.get("/livez").await.status, 200);
    assert_eq!(ask("nothing", "GET /v1/connections").await.status, 401);
    assert_eq!(ask(TOKEN, "PUT /v1/connections/acme/desired/a").await.status, 201);
    let resolve = ask(TOKEN, "POST /v1/connections/acme/intents/1/resolve").await;
    assert_eq!((resolve.status, resolve.problem()), (403, "forbidden".to_owned()));
    // What is not for a token has the bytes of what is not there.
    let theirs = ask(OTHER, "GET /v1/connections/acme").await;
    let absent = ask(OTHER, "GET /v1/connections/none").await;
    let of_admin = ask(TOKEN, "GET /v1/connections/none").await;
    assert_eq!((theirs.status, &theirs.body), (404, &absent.body));
    assert_eq!(absent.body, of_admin.body);
    assert_eq!(ask(OTHER, "GET /v1/connections").await.json()["connections"], json!([]));
    assert_eq!(ask(OTHER, "GET /status").await.json()["connections"], 0);
    assert!(!ask(OTHER, "GET /metrics").await.body.contains("acme"));
    assert!(ask(TOKEN, "GET /metrics").await.body.contains("acme"));
    // The socket is for this user alone, and needs no token.
    let socket = served.site.path("acme.redb.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let stream = UnixStream::connect(&socket).await.unwrap();
    let all = exchange(stream, "GET /v1/connections", "host: x\r\n", "").await.json();
    assert_eq!(all["connections"][0]["name"], "acme");
}

#[tokio::test]
async fn a_page_of_another_origin_can_do_nothing() {
    let served = Served::start("").await;
    for headers in
        ["host: evil.example\r\n".to_owned(), "origin: https://evil.example\r\n".to_owned()]
    {
        let json = format!("{headers}content-type: application/json\r\n");
        let put = served.ask("PUT /v1/connections/acme/desired/a", &json, ADA).await;
        assert_eq!((put.status, put.problem()), (403, "foreign-origin".to_owned()));
    }
    assert_eq!(served.get("/v1/connections/acme/desired").await.json()["desired"], json!([]));
}

#[tokio::test]
async fn commands_work_through_the_process_that_holds_the_store() {
    let served = Served::start("").await;
    let site = &served.site;
    let status = site.run(&["status", "--json"]).await;
    assert_eq!(status.code, 0, "{status:?}");
    assert_eq!(status.json()[0]["connection"], "acme");
    site.write("r.json", &ADA.replacen('{', "{\"key\":\"a\",", 1));
    let plan = site.run(&["plan", "acme", "--desired", "r.json"]).await;
    assert_eq!(plan.code, 2, "{plan:?}");
    let apply = site.run(&["apply", "acme", "--desired", "r.json", "--yes"]).await;
    assert_eq!(apply.code, 0, "{apply:?}");
    assert!(apply.out.contains("1 write done"), "{apply:?}");
    let get = site.run(&["get", "acme", "candidates", "--json"]).await;
    assert_eq!(get.json().len(), 61, "{}", get.err);
    let explain = site.run(&["explain", "acme", "candidates", "a"]).await;
    assert_eq!(explain.code, 0, "{explain:?}");
    // Mistakes are the command's own.
    let unknown = site.run(&["pull", "acme", "--kinds", "candidats"]).await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.error().contains("did you mean `candidates`?"), "{unknown:?}");
    let missing = site.run(&["plan", "acme", "--desired", "none.json"]).await;
    assert!(missing.error().contains("none.json"), "{missing:?}");
    let unasked = site.run(&["apply", "acme", "--desired", "r.json"]).await;
    assert!(unasked.error().contains("add --yes"), "{unasked:?}");
    assert_eq!(site.sandbox().writes().len(), 1);
    // The same command in a process of its own prints the same.
    let within = site.run(&["get", "acme", "jobs"]).await;
    let (code, site) = served.ended().await;
    assert_eq!(code, 0);
    let alone = site.run(&["get", "acme", "jobs"]).await;
    assert_eq!((alone.code, alone.out), (within.code, within.out));
}

#[tokio::test]
async fn the_schedules_run_where_no_socket_can_be_made() {
    let site = Site::start().await;
    let deep = "d".repeat(100);
    std::fs::create_dir(site.path(&deep)).unwrap();
    site.write("acme.toml", &site.config().replace("acme.redb", &format!("{deep}/acme.redb")));
    let mut command = site.command(&["run"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let note = notes.next_line().await.unwrap().unwrap();
    assert!(note.contains("other commands cannot use the store meanwhile"), "{note}");
    let mut rounds = BufReader::new(child.stdout.take().unwrap()).lines();
    while !rounds.next_line().await.unwrap().unwrap().contains("pulled jobs") {}
    // With an address the socket is a promise, so its lack is an error.
    let refused = site.run(&["serve"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
}

#[tokio::test]
async fn the_openapi_document_names_every_route_and_its_refusals() {
    let served = Served::start("").await;
    let document = served.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 17, "{:?}", paths.keys());
    let problem = &document["components"]["responses"]["ProblemDocument"]["content"];
    assert!(problem["application/problem+json"]["schema"].is_object(), "{problem}");
    let mut ids = std::collections::BTreeSet::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{method} {path}: {id} is the id of two operations");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let has_text = response.get("description").or(response.get("$ref")).is_some();
                assert!(has_text, "{method} {path} {status}");
            }
            let other = &operation["responses"]["default"]["$ref"];
            assert_eq!(other, "#/components/responses/ProblemDocument", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn metrics_count_rounds_and_requests_and_name_no_candidate() {
    let served = Served::start("").await;
    let text = served.get("/metrics").await.body;
    for line in [
        "atsync_rounds_total{connection=\"acme\",round=\"pull\",outcome=\"succeeded\"}",
        "atsync_condition{connection=\"acme\",condition=\"pulling\"} 1",
        "# HELP atsync_writes_total Writes that the ATS confirmed.\n",
        "# TYPE atsync_writes_total counter\n",
        "atsync_records_read_total{connection=\"acme\"}",
        "atsync_requests_total{connection=\"acme\"}",
        "atsync_intents_open{connection=\"acme\"} 0",
        "atsync_intents{connection=\"acme\",state=\"in_doubt\"} 0",
        "atsync_intents_in_doubt_oldest_seconds{connection=\"acme\"} 0",
        "atsync_desired_dirty{connection=\"acme\"} 0",
        "atsync_lag_seconds{connection=\"acme\"} ",
        "atsync_budget_left{connection=\"acme\",rule=\"",
        "atsync_heartbeat_age_seconds{loop=\"schedule\",connection=\"acme\"} ",
        "atsync_heartbeat_age_seconds{loop=\"writer\",connection=\"\"} ",
        "atsync_heartbeat_age_seconds{loop=\"reload\",connection=\"\"} 0.0",
        "atsync_condition{connection=\"acme\",condition=\"progressing\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    for row in served.site.sandbox().rows("candidates") {
        let name = row["last_name"].as_str().filter(|name| name.len() > 3);
        assert!(name.is_none_or(|name| !text.contains(name)), "{name:?} is in {text}");
    }
}

#[tokio::test]
async fn config_check_lists_every_fault_and_touches_neither_the_store_nor_the_ats() {
    let site = Site::start().await;
    let whole = site.run(&["config", "check"]).await;
    assert_eq!((whole.code, whole.out.as_str()), (0, "acme.toml: 1 connection, no fault\n"));
    let config = site.config();
    let other = config.replace("[connections.acme]", "[connections.beta]");
    let (_, other) = other.split_once("[connections.beta]").unwrap();
    let other = other.replace("candidates =", "candidats =");
    let third = other.replace("GH_SECRET", "NO_SECRET").replace("candidats", "candidates");
    let token = "[serve]\ntokens.a = { secret = { env = \"NO_TOKEN\" }, scope = \"read\" }\n";
    site.write(
        "acme.toml",
        &format!("{config}\n[connections.beta]{other}\n[connections.gamma]{third}\n{token}"),
    );
    let ran = site.run(&["config", "check"]).await;
    assert_eq!(ran.code, 1);
    for fault in ["NO_SECRET", "candidats", "NO_TOKEN"] {
        assert!(ran.err.contains(fault), "{fault} is missing in {ran:?}");
    }
    assert!(!site.path("acme.redb").exists());
    assert!(site.sandbox().requests().is_empty());
}

#[tokio::test]
async fn a_configuration_that_opens_the_api_to_others_without_a_token_is_refused() {
    let site = Site::start().await;
    site.write("acme.toml", &format!("{}\n[serve]\nlisten = \"0.0.0.0:0\"\n", site.config()));
    let ran = site.run(&["serve"]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.error().contains("must name a token"), "{ran:?}");
}
