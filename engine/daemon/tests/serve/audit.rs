//! The audit log over HTTP: what leaves an entry, what is in it, and what outlives what.

use crate::attacks::{SERVE, ask, filled, routes};
use crate::cli_support::Site;
use crate::serve_support::{OTHER, Served, TOKEN};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The key of a record that names its candidate.
const KEY: &str = "ada@new.example.com";

/// The entries after a number, as `query` filters them.
async fn entries(served: &Served, query: &str) -> Vec<Value> {
    loop {
        let page = ask(served, TOKEN, &format!("GET /v1/audit?{query}"), "").await;
        assert_eq!(page.status, 200, "{page:?}");
        let entries = page.json()["entries"].as_array().unwrap().clone();
        // The answer to a declaration does not wait for its result.
        if entries.iter().all(|entry| entry["result"] != "underway") {
            return entries;
        }
    }
}

/// The number of the last entry.
async fn last(served: &Served) -> u64 {
    ask(served, TOKEN, "GET /v1/audit?limit=1000", "").await.json()["next"].as_u64().unwrap()
}

/// The parts of an entry that a test compares.
fn brief(entry: &Value) -> (&str, &str, &str) {
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    (text("by"), text("what"), text("result"))
}

#[tokio::test]
async fn each_changing_operation_of_the_api_leaves_one_entry_with_its_id_and_a_reading_one_none() {
    let served = Served::start(SERVE).await;
    let document = ask(&served, TOKEN, "GET /openapi.json", "").await.json();
    let mut acts = BTreeSet::new();
    for (method, path) in routes(&served).await {
        let before = last(&served).await;
        let line = format!("{method} {}", filled(&path, "acme"));
        let answer = ask(&served, TOKEN, &line, "").await;
        let found = entries(&served, &format!("after={before}")).await;
        if method == "GET" {
            assert_eq!(found, Vec::<Value>::new(), "{line}");
            continue;
        }
        let [entry] = found.as_slice() else { panic!("{line}: {answer:?}: {found:?}") };
        let operation = &document["paths"][&path][&method.to_lowercase()]["operationId"];
        assert_eq!(&entry["what"], operation, "{line}");
        assert_eq!((&entry["by"], &entry["who"]), (&json!("token"), &json!("operator")), "{line}");
        if path.contains("{connection}") {
            assert_eq!(entry["connection"], "acme", "{line}");
        }
        let request = format!("x-request-id: {}", entry["request"].as_str().unwrap());
        assert!(answer.head.contains(&request), "{line}: {answer:?}");
        if answer.status < 400 {
            assert_eq!(entry["result"], "done", "{line}: {entry}");
        } else {
            assert_eq!(
                (&entry["result"], &entry["problem"]),
                (&json!("refused"), &json!(answer.problem())),
                "{line}: {entry}"
            );
        }
        assert!(acts.insert(operation.to_string()), "{operation} is the act of two operations");
    }
    assert!(acts.len() >= 23, "{acts:?}");
}

#[tokio::test]
async fn an_entry_names_what_it_was_about_and_no_name_that_a_caller_made_up() {
    let served = Served::start(SERVE).await;
    let acme = "/v1/connections/acme";
    let made = ask(&served, TOKEN, "POST /v1/tokens", r#"{"name":"host","scope":"write"}"#).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let batch = "{\"key\":\"a\"}\n{\"key\":\"b\"}\n";
    for (line, body) in [
        (format!("POST {acme}/desired"), batch),
        (format!("PUT {acme}/desired/a"), "{}"),
        (format!("POST {acme}/pull"), r#"{"kinds":["jobs","candidates"]}"#),
        (format!("POST {acme}/pull"), r#"{"kinds":["Ada Byron"]}"#),
        (format!("PUT {acme}/consumers/reader"), r#"{"offset":0}"#),
        ("POST /v1/connections/ada@new.example.com/check".to_owned(), ""),
        (format!("DELETE {acme}/desired/ada@new.example.com"), ""),
    ] {
        ask(&served, &token, &line, body).await;
    }
    ask(&served, TOKEN, "DELETE /v1/tokens/Ada%20Byron", "").await;
    ask(&served, TOKEN, "DELETE /v1/tokens/host", "").await;
    let all = entries(&served, "limit=1000").await;
    let of = |entry: &Value| {
        let member = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        (member("who"), member("what"), member("connection"), member("target"), member("result"))
    };
    let expected = [
        ("operator", "make_token", "", "host", "done"),
        ("host", "declare_batch", "acme", "", "done"),
        ("host", "declare", "acme", "", "done"),
        ("host", "pull", "acme", "jobs,candidates", "done"),
        ("host", "pull", "acme", "", "refused"),
        ("host", "acknowledge", "acme", "reader", "done"),
        ("host", "check", "", "", "refused"),
        ("host", "abandon", "acme", "", "refused"),
        ("operator", "revoke_token", "", "", "refused"),
        ("operator", "revoke_token", "", "host", "done"),
    ];
    let found: Vec<_> = all.iter().map(of).collect();
    let expected = expected.map(|(who, what, connection, target, result)| {
        [who, what, connection, target, result].map(str::to_owned).into()
    });
    assert_eq!(found, expected);
    assert_eq!(all[1]["count"], 2);
    let numbers: Vec<u64> = all.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    assert!(all.is_sorted_by_key(|entry| entry["at_ms"].as_u64()), "{all:?}");
    // By the key of a record, which no entry has.
    assert_eq!(entries(&served, "connection=acme&key=a").await, [all[2].clone()]);
    let of_nobody = entries(&served, "connection=acme&key=nothing").await;
    assert_eq!(of_nobody, Vec::<Value>::new());
    assert_eq!(entries(&served, "who=operator&what=revoke_token").await.len(), 2);
    assert_eq!(entries(&served, "by=socket").await.len(), 0);
    let page = ask(&served, TOKEN, "GET /v1/audit?after=3&limit=2", "").await.json();
    assert_eq!((&page["next"], &page["more"]), (&json!(5), &json!(true)));
    assert_eq!((&page["entries"][0], &page["settled"]), (&all[3], &json!(10)));
    for bad in ["limit=0", "limit=1001", "key=a", "what=nothing", "whom=x"] {
        let refused = ask(&served, TOKEN, &format!("GET /v1/audit?{bad}"), "").await;
        assert_eq!(refused.problem(), "invalid", "{bad}");
    }
    let long = format!("GET /v1/audit?who={}", "a".repeat(201));
    assert_eq!(ask(&served, TOKEN, &long, "").await.problem(), "invalid");
    // The log is of all connections.
    assert_eq!(ask(&served, OTHER, "GET /v1/audit", "").await.problem(), "forbidden");
}

#[tokio::test]
async fn requests_that_are_refused_before_their_route_are_counted_in_one_entry_of_their_sort() {
    let served = Served::start(SERVE).await;
    let new = r#"{"name":"reader","scope":"read"}"#;
    let made = ask(&served, TOKEN, "POST /v1/tokens", new).await.json();
    let reader = made["token"].as_str().unwrap();
    let before = last(&served).await;
    for _ in 0..3 {
        let answer = ask(&served, reader, "POST /v1/connections/acme/pull", "").await;
        assert_eq!(answer.problem(), "forbidden");
        assert!(!answer.head.contains("x-request-id"), "{answer:?}");
    }
    for _ in 0..2 {
        let answer = ask(&served, "nothing", "POST /v1/reload", "").await;
        assert_eq!(answer.problem(), "unauthenticated");
    }
    ask(&served, reader, "PATCH /v1/connections", "").await;
    ask(&served, TOKEN, "POST /v1/nothing", "").await;
    let counted = entries(&served, &format!("after={before}")).await;
    let of = |what: &str| {
        let one = counted.iter().find(|entry| entry["what"] == what).unwrap();
        (one["by"].clone(), one["who"].clone(), one["problem"].clone(), one["count"].clone())
    };
    let expected = (json!("token"), json!("reader"), json!("forbidden"), json!(3));
    assert_eq!(of("pull"), expected);
    let expected = (json!("stranger"), Value::Null, json!("unauthenticated"), json!(2));
    assert_eq!(of("reload"), expected);
    // A refused request of no route is no act.
    assert_eq!(counted.len(), 3, "{counted:?}");
    let (_, site) = served.ended().await;
    let again = again(site).await;
    assert_eq!(entries(&again, &format!("after={before}")).await, counted);
}

#[tokio::test]
async fn an_entry_outlives_a_kill_after_its_answer_and_the_next_one_has_the_next_number() {
    let served = Served::start(SERVE).await;
    let acme = "/v1/connections/acme";
    for number in 0..5 {
        let line = format!("PUT {acme}/desired/k{number}");
        assert_eq!(ask(&served, TOKEN, &line, "{}").await.status, 201);
    }
    let new = r#"{"name":"host","scope":"write"}"#;
    assert_eq!(ask(&served, TOKEN, "POST /v1/tokens", new).await.status, 201);
    let Served { site, mut child, .. } = served;
    child.kill().await.unwrap();
    let again = again(site).await;
    let all = entries(&again, "").await;
    let what: Vec<&str> = all.iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["declare", "declare", "declare", "declare", "declare", "make_token"]);
    assert_eq!(brief(&all[5]), ("token", "make_token", "done"));
    // Of the last declaration the result may not have been written.
    let results = all.iter().map(|entry| entry["result"].as_str().unwrap());
    assert!(results.clone().all(|result| ["done", "unknown"].contains(&result)), "{all:?}");
    ask(&again, TOKEN, "POST /v1/reload", "").await;
    let next = entries(&again, "after=6").await;
    assert_eq!((brief(&next[0]), &next[0]["number"]), (("token", "reload", "done"), &json!(7)));
}

#[tokio::test]
async fn commands_reloads_by_signal_and_repeats_are_in_the_log_and_the_command_prints_it() {
    let served = Served::start(SERVE).await;
    let site = &served.site;
    assert_eq!(site.run(&["token", "create", "host"]).await.code, 0);
    assert_eq!(site.run(&["status"]).await.code, 0);
    assert_eq!(site.run(&["pull", "acme", "--kinds", "candidats"]).await.code, 1);
    assert_eq!(site.run(&["pause", "acme", KEY]).await.code, 1);
    let id = served.child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    while entries(&served, "what=reload").await.is_empty() {}
    let keyed = format!(
        "authorization: Bearer {TOKEN}\r\nidempotency-key: k\r\ncontent-type: application/json\r\n"
    );
    for _ in 0..2 {
        let pull = "POST /v1/connections/acme/pull";
        assert_eq!(served.ask(pull, &keyed, r#"{"kinds":["jobs"]}"#).await.status, 200);
    }
    let all = entries(&served, "").await;
    let found: Vec<_> = all.iter().map(brief).collect();
    assert_eq!(
        found,
        [
            ("socket", "make_token", "done"),
            ("socket", "pull", "failed"),
            ("socket", "pause", "failed"),
            ("signal", "reload", "done"),
            ("token", "pull", "done"),
            ("token", "pull", "replayed"),
        ]
    );
    assert_eq!((&all[0]["target"], &all[1]["connection"]), (&json!("host"), &json!("acme")));
    assert_eq!(entries(&served, &format!("connection=acme&key={KEY}")).await, [all[2].clone()]);
    let lines = site.run(&["audit", "--json"]).await;
    assert_eq!(lines.json(), all, "{lines:?}");
    let newest = site.run(&["audit", "--last", "2", "--connection", "acme"]).await;
    assert_eq!(newest.out.lines().count(), 2, "{newest:?}");
    assert!(newest.out.contains("token operator") && newest.out.contains("replayed"), "{newest:?}");
    let (_, site) = served.ended().await;
    let alone = site.run(&["audit", "--after", "3", "--json"]).await;
    assert_eq!(alone.json(), all[3..], "{alone:?}");
    let of_key = site.run(&["audit", "--connection", "acme", "--key", KEY, "--json"]).await;
    assert_eq!(of_key.json(), all[2..3]);
    let none = site.run(&["audit", "--who", "stranger"]).await;
    assert!(none.code == 0 && none.err.contains("no such entry"), "{none:?}");
}

/// Whether a file has a text.
fn has(site: &Site, text: &str) -> bool {
    let bytes = std::fs::read(site.path("acme.redb")).unwrap();
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn an_erasure_leaves_the_log_and_nothing_of_the_candidate_in_it_or_in_the_file() {
    let served = Served::start(SERVE).await;
    let record = json!({ "name": { "first": "Ada", "last": "Quaternion" }, "emails": [KEY] });
    let line = format!("PUT /v1/connections/acme/desired/{KEY}");
    assert_eq!(ask(&served, TOKEN, &line, &record.to_string()).await.status, 201);
    assert_eq!(ask(&served, TOKEN, "POST /v1/connections/acme/apply", "").await.status, 200);
    assert_eq!(ask(&served, TOKEN, &line, "{\"emails\":[1]}").await.status, 422);
    let site = &served.site;
    let erased = site.run(&["erase", "acme", "--key", KEY, "--yes"]).await;
    assert_eq!(erased.code, 0, "{erased:?}");
    let all = entries(&served, "").await;
    let found: Vec<_> = all.iter().map(brief).collect();
    let expected = [
        ("token", "declare", "done"),
        ("token", "apply", "done"),
        ("token", "declare", "refused"),
        ("socket", "erase", "done"),
    ];
    assert_eq!(found, expected);
    // Who knows the key finds what was about the record.
    let about = entries(&served, &format!("connection=acme&key={KEY}")).await;
    assert_eq!(about, [all[0].clone(), all[2].clone(), all[3].clone()]);
    let (_, site) = served.ended().await;
    let compact = site.run(&["compact"]).await;
    assert_eq!(compact.code, 0, "{compact:?}");
    let log = site.run(&["audit", "--json"]).await;
    assert_eq!(log.json(), all);
    for text in ["Quaternion", KEY, "ada@"] {
        assert!(!log.out.contains(text), "{text} is in {}", log.out);
        assert!(!has(&site, text), "{text} is in the file");
    }
}

/// Starts it again at a site where it ran before.
async fn again(site: Site) -> Served {
    Served::again(site, SERVE).await
}
