//! The console of `atsync serve`, over real sockets, against the sandbox.
//!
//! Requests are written by hand, so that a test can send what no browser would; `../browser` has
//! the tests in a real one. Nothing waits for a time.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something does not hold"
)]

mod browser;
#[path = "../cli_support/mod.rs"]
mod cli_support;
mod operators;
mod payloads;
#[path = "../serve_support/mod.rs"]
mod serve_support;

use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter, Writer};
use browser::{Browser, encoded, header, location};
use cli_support::Site;
use payloads::{PAYLOADS, escaped, foreign_markup};
use serde_json::{Value, json};
use serve_support::{OTHER, Served, TOKEN};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const ACME: &str = "/console/connections/acme";
const TOKENS: &str = r#"
tokens.operator = { secret = { env = "TOKEN" }, scope = "admin" }
tokens.guest = { secret = { env = "OTHER" }, scope = "read", connections = [] }
"#;

/// Adds `atsync serve` with tokens `operator` (admin) and `guest` (read, no connection).
async fn with_tokens() -> Served {
    Served::start(TOKENS).await
}

async fn declare(served: &Served, key: &str, record: &Value) {
    let headers = format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    let line = format!("PUT /v1/connections/acme/desired/{}", encoded(key));
    let answer = served.ask(&line, &headers, &record.to_string()).await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

/// A record of which the host keeps the title.
fn ada() -> Value {
    json!({
        "name": {"first": "Ada", "last": "Obi"}, "emails": ["ada@new.example.com"],
        "title": "Engineer", "policy": {"title": "enforce"},
    })
}

/// Loads a page until it has this text; the schedules work meanwhile.
async fn until(served: &Served, browser: &Browser, path: &str, text: &str) -> String {
    for _ in 0..5_000 {
        let page = browser.get(served, path).await;
        if page.body.contains(text) {
            return page.body;
        }
    }
    panic!("{path} never shows {text:?}: {}", browser.get(served, path).await.body)
}

/// The number of the candidate with Ada's address in the ATS.
fn ada_in_ats(served: &Served) -> i64 {
    served.site.sandbox().candidates_by_email("ada@new.example.com")[0]["id"].as_i64().unwrap()
}

fn recruiter_sets_title(served: &Served, title: &str) {
    let deed = json!({
        "do": "set", "collection": "candidates", "id": ada_in_ats(served),
        "values": {"title": title},
    });
    let deed: Recruiter = serde_json::from_value(deed).unwrap();
    served.site.sandbox().recruiter(&deed).unwrap();
}

/// The writes that came through the API.
fn written(served: &Served) -> usize {
    let writes = served.site.sandbox().writes();
    writes.iter().filter(|write| write.writer == Writer::Api).count()
}

fn title_in_ats(served: &Served) -> Value {
    served.site.sandbox().row("candidates", ada_in_ats(served)).unwrap()["title"].clone()
}

#[tokio::test]
async fn a_user_signs_in_with_a_token_and_out_again() {
    let served = with_tokens().await;
    let nobody = Browser::default();
    for path in ["/console", ACME, "/console/connections/acme/feed"] {
        let answer = nobody.get(&served, path).await;
        assert_eq!((answer.status, location(&answer).as_str()), (303, "/console/sign-in"));
    }
    for token in ["", "nothing", "0123456789abcdef0123456789abcdee"] {
        let refused = nobody.send(&served, "/console/sign-in", &[("token", token)]).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert_eq!(header(&refused, "set-cookie"), None);
    }
    let answer = nobody.send(&served, "/console/sign-in", &[("token", TOKEN)]).await;
    let cookie = header(&answer, "set-cookie").unwrap();
    for part in ["path=/console;", "httponly", "samesite=strict"] {
        assert!(cookie.contains(part), "{part} is missing in {cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let operator = Browser::signed_in(&served, TOKEN).await;
    let page = operator.get(&served, "/console").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("operator") && page.body.contains(ACME), "{page:?}");
    // The cookie is nothing to the API.
    assert_eq!(operator.get(&served, "/v1/connections").await.status, 401);
    let out = operator.submit(&served, "/console/sign-out", &[]).await;
    assert_eq!((out.status, location(&out).as_str()), (303, "/console/sign-in"));
    assert_eq!(operator.get(&served, "/console").await.status, 303);
}

#[tokio::test]
async fn every_page_is_confined_and_its_files_are_embedded() {
    let served = Served::start("").await;
    let browser = Browser::local(&served).await;
    for path in ["/console", ACME, "/console/nothing", "/console/sign-in", "/assets/style.css"] {
        let page = browser.get(&served, path).await;
        let policy = header(&page, "content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(header(&page, "x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(header(&page, "referrer-policy"), Some("same-origin"), "{path}");
        let kept = header(&page, "cache-control").unwrap();
        assert_eq!(kept == "no-store", !path.starts_with("/assets"), "{path}: {kept}");
    }
    let page = browser.get(&served, ACME).await.body;
    for file in ["/assets/style.css", "/assets/script.js", "/assets/icon.svg"] {
        assert!(page.contains(file), "{file}");
        let file = served.get(file).await;
        assert!(file.status == 200 && file.body.len() > 100, "{file:?}");
    }
    assert_eq!(served.get("/assets/other.css").await.status, 404);
    assert_eq!(browser.get(&served, "/console/nothing").await.status, 404);
    assert_eq!(browser.get(&served, "/console/").await.status, 308);
    let wrong = browser.submit(&served, "/console", &[]).await;
    assert_eq!(wrong.status, 405);
    for refused in ["/console/nothing", "/console/connections/none"] {
        assert!(browser.get(&served, refused).await.body.starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn a_form_that_its_session_did_not_show_is_refused_and_changes_nothing() {
    let served = with_tokens().await;
    let operator = Browser::signed_in(&served, TOKEN).await;
    let other = Browser::signed_in(&served, TOKEN).await;
    let (own, theirs) = (operator.proof(&served).await, other.proof(&served).await);
    assert_ne!(own, theirs);
    let requests = served.site.sandbox().requests().len();
    let here = format!("origin: http://{}\r\n", served.address);
    let evil = "origin: https://evil.example\r\n".to_owned();
    let null = "origin: null\r\n".to_owned();
    let rebound = format!("host: evil.example\r\n{here}");
    for (path, fields) in [
        ("/plan", vec![]),
        ("/check", vec![]),
        ("/pull", vec![("kind", "candidates")]),
        ("/sweep", vec![("kind", "candidates")]),
        ("/jobs/1/apply", vec![]),
        ("/intents/1/resolve", vec![("decision", "retry")]),
    ] {
        let path = format!("{ACME}{path}");
        for (headers, proof) in [
            (&here, None),
            (&here, Some("")),
            (&here, Some("0000")),
            (&here, Some(theirs.as_str())),
            (&evil, Some(own.as_str())),
            (&null, Some(own.as_str())),
            (&rebound, Some(own.as_str())),
            (&String::new(), Some(own.as_str())),
        ] {
            let mut fields = fields.clone();
            fields.extend(proof.map(|proof| ("csrf", proof)));
            let answer = operator.send_from(&served, &path, headers, &fields).await;
            assert_eq!(answer.status, 403, "{path} {headers} {proof:?}: {answer:?}");
        }
        // A page of another origin can send text, or JSON, but no form that is read as one.
        let text = format!("{here}cookie: {}\r\ncontent-type: text/plain\r\n", operator.cookie);
        let body = format!("csrf={own}&kind=candidates");
        let answer = served.ask(&format!("POST {path}"), &text, &body).await;
        assert_eq!(answer.status, 415, "{answer:?}");
        let nobody = Browser::default().send(&served, &path, &[("csrf", &own)]).await;
        assert_eq!(nobody.status, 401, "{nobody:?}");
        let long = "x".repeat(20_000);
        let long = operator.submit(&served, &path, &[("kind", &long)]).await;
        assert_eq!(long.status, 413, "{long:?}");
    }
    let out = operator.send(&served, "/console/sign-out", &[("csrf", &theirs)]).await;
    assert_eq!(out.status, 403);
    let from = operator.send_from(&served, "/console/sign-in", &evil, &[("token", TOKEN)]).await;
    assert_eq!((from.status, header(&from, "set-cookie")), (403, None));
    assert_eq!(operator.get(&served, "/console").await.status, 200, "the session lasts");
    assert_eq!(served.site.sandbox().requests().len(), requests, "nothing was sent to the ATS");
}

#[tokio::test]
async fn without_tokens_a_form_needs_the_value_of_its_session_all_the_same() {
    let served = Served::start("").await;
    let (one, other) = (Browser::local(&served).await, Browser::local(&served).await);
    assert_ne!(one.cookie, other.cookie);
    let proof = other.proof(&served).await;
    let plan = format!("{ACME}/plan");
    for fields in [vec![], vec![("csrf", proof.as_str())]] {
        assert_eq!(one.send(&served, &plan, &fields).await.status, 403);
        assert_eq!(Browser::default().send(&served, &plan, &fields).await.status, 401);
    }
    assert_eq!(other.send(&served, &plan, &[("csrf", &proof)]).await.status, 303);
    assert_eq!(location(&one.get(&served, "/console/sign-in").await), "/console");
}

#[tokio::test]
async fn a_session_ends_when_its_token_leaves_the_configuration() {
    let served = with_tokens().await;
    let operator = Browser::signed_in(&served, TOKEN).await;
    let guest = Browser::signed_in(&served, OTHER).await;
    // A feed that is open ends too.
    let mut stream = BufReader::new(TcpStream::connect(&served.address).await.unwrap());
    let head = format!(
        "GET {ACME}/changes?after=0 HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n\r\n",
        served.address, operator.cookie
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert!(line.contains("200"), "{line}");
    let (_, rest) = TOKENS.split_once("tokens.guest").unwrap();
    let config = served.site.config();
    served.site.write(
        "acme.toml",
        &format!("{config}\n[serve]\nlisten = \"127.0.0.1:0\"\ntokens.guest{rest}"),
    );
    let id = served.child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(operator.get(&served, "/console").await.status, 303);
    assert_eq!(guest.get(&served, "/console").await.status, 200);
    let again = Browser::default().send(&served, "/console/sign-in", &[("token", TOKEN)]).await;
    assert_eq!(again.status, 403);
}

#[tokio::test]
async fn a_user_may_what_the_token_may() {
    let config = |scope: &str| {
        format!(
            "tokens.user = {{ secret = {{ env = \"TOKEN\" }}, scope = \"{scope}\" }}\n{OF_GUEST}"
        )
    };
    const OF_GUEST: &str =
        "tokens.guest = { secret = { env = \"OTHER\" }, scope = \"admin\", connections = [] }\n";
    for (scope, rank) in [("read", 0), ("write", 1), ("admin", 2)] {
        let served = Served::start(&config(scope)).await;
        let user = Browser::signed_in(&served, TOKEN).await;
        for path in ["", "/intents", "/records", "/record?key=none", "/feed"] {
            let page = user.get(&served, &format!("{ACME}{path}")).await;
            assert_eq!(page.status, 200, "{path}: {page:?}");
        }
        let overview = user.get(&served, ACME).await.body;
        assert_eq!(overview.contains(&format!("action=\"{ACME}/plan\"")), rank >= 1, "{scope}");
        for (path, fields, least) in [
            ("/plan", vec![], 1),
            ("/check", vec![], 1),
            ("/pull", vec![("kind", "jobs")], 1),
            ("/sweep", vec![("kind", "jobs")], 1),
            ("/jobs/none/apply", vec![], 1),
            ("/intents/7/resolve", vec![("decision", "retry")], 2),
        ] {
            let sent = user.submit(&served, &format!("{ACME}{path}"), &fields).await;
            assert_eq!(sent.status == 403, rank < least, "{scope} {path}: {sent:?}");
        }
        // A connection of another token is not there: the same page as of one that does not exist.
        let guest = Browser::signed_in(&served, OTHER).await;
        assert!(!guest.get(&served, "/console").await.body.contains("acme"));
        for path in ["", "/intents", "/records", "/feed", "/changes", "/jobs/1", "/intents/1"] {
            let theirs = guest.get(&served, &format!("{ACME}{path}")).await;
            let absent = guest.get(&served, &format!("/console/connections/none{path}")).await;
            assert_eq!((theirs.status, &theirs.body), (404, &absent.body), "{path}");
        }
    }
}

#[tokio::test]
async fn exactly_the_plan_that_was_shown_is_applied_and_once() {
    let served = Served::start("").await;
    let operator = Browser::local(&served).await;
    declare(&served, "a", &ada()).await;
    let record = format!("{ACME}/record?key=a");
    until(&served, &operator, &record, ">in step<").await;
    recruiter_sets_title(&served, "Baker");
    let writes = written(&served);
    let (plan, page) = operator.follow(&served, &format!("{ACME}/plan"), &[]).await;
    for text in ["candidates.update", "Baker", "Engineer", "Apply this plan", "Requests to the ATS"]
    {
        assert!(page.body.contains(text), "{text} is missing in {}", page.body);
    }
    assert_eq!(written(&served), writes, "a plan writes nothing");
    // The ATS moves after the plan was shown: what it would write is another change.
    recruiter_sets_title(&served, "Brewer");
    let apply = format!("{plan}/apply");
    let (_, moved) = operator.follow(&served, &apply, &[]).await;
    assert!(moved.body.contains("Nothing was written"), "{}", moved.body);
    assert_eq!(title_in_ats(&served), "Brewer");
    let (plan, page) = operator.follow(&served, &format!("{ACME}/plan"), &[]).await;
    assert!(page.body.contains("Brewer"), "{}", page.body);
    let (applied, report) = operator.follow(&served, &format!("{plan}/apply"), &[]).await;
    assert!(report.body.contains("1 of 1"), "{}", report.body);
    assert_eq!(title_in_ats(&served), "Engineer");
    // Again: it leads to what was done.
    let again = operator.submit(&served, &format!("{plan}/apply"), &[]).await;
    assert_eq!((again.status, location(&again)), (303, applied));
    assert_eq!(written(&served), writes + 1);
    let gone = operator.submit(&served, &format!("{ACME}/jobs/gone/apply"), &[]).await;
    assert!(gone.status == 404 && gone.body.contains("Plan again"), "{gone:?}");
}

#[tokio::test]
async fn a_write_in_doubt_is_decided_after_a_confirmation() {
    let served = Served::start("").await;
    let operator = Browser::local(&served).await;
    let people = [("a", "abandon"), ("b", "retry"), ("c", "adopt")];
    let existing = served.site.sandbox().rows("candidates")[0]["id"].as_i64().unwrap();
    for (key, decision) in people {
        let creates = served.site.sandbox().creates("candidates");
        let lost = Fault::once("POST", "/v3/candidates", FaultKind::DropBefore);
        served.site.sandbox().faults().add(lost);
        let record =
            json!({"name": {"first": key, "last": "Obi"}, "emails": [format!("{key}@x.example")]});
        declare(&served, key, &record).await;
        let list = until(&served, &operator, &format!("{ACME}/intents"), "candidates.create").await;
        let (_, number) = list.split_once("/intents/").unwrap();
        let number = number.split_once('"').unwrap().0;
        let at = format!("{ACME}/intents/{number}");
        let evidence = until(&served, &operator, &at, "It happened").await;
        for text in ["Evidence", "It happened", "It did not happen", "It stays unknown", key] {
            assert!(evidence.contains(text), "{text} is missing in {evidence}");
        }
        let query = format!("{at}/decide?decision={decision}&record={existing}&reason=asked");
        let confirmation = operator.get(&served, &query).await;
        assert!(confirmation.body.contains(&format!("{at}/resolve")), "{confirmation:?}");
        assert_eq!(served.site.sandbox().creates("candidates"), creates, "nothing was sent yet");
        let number = existing.to_string();
        let fields =
            [("decision", decision), ("record", number.as_str()), ("reason", "asked by ada")];
        let (_, page) = operator.follow(&served, &format!("{at}/resolve"), &fields).await;
        let (ended, sent) = match decision {
            "abandon" => ("asked by ada", 0),
            "retry" => ("applied", 1),
            _ => ("applied", 0),
        };
        assert!(page.body.contains(ended), "{decision}: {}", page.body);
        assert_eq!(served.site.sandbox().creates("candidates"), creates + sent, "{decision}");
        // It is decided.
        let again = operator.submit(&served, &format!("{at}/resolve"), &fields).await;
        assert!(decision == "retry" || again.status == 422, "{decision}: {again:?}");
    }
    let unnamed = operator.get(&served, &format!("{ACME}/intents/1/decide?decision=adopt")).await;
    assert_eq!(unnamed.status, 422, "{unnamed:?}");
}

#[tokio::test]
async fn pulls_checks_and_the_feed_show_what_the_ats_has() {
    let served = Served::start("").await;
    let operator = Browser::local(&served).await;
    let (_, checked) = operator.follow(&served, &format!("{ACME}/check"), &[]).await;
    assert!(checked.body.contains("harvest:candidates:list"), "{}", checked.body);
    let (_, swept) = operator.follow(&served, &format!("{ACME}/sweep"), &[("kind", "jobs")]).await;
    assert!(swept.body.contains("Rows seen"), "{}", swept.body);
    let row = served.site.sandbox().rows("candidates")[0].clone();
    let deed = Recruiter::Rename {
        candidate_id: row["id"].as_i64().unwrap(),
        first_name: "Zoë".into(),
        last_name: "Renamed".into(),
    };
    served.site.sandbox().recruiter(&deed).unwrap();
    let pull = format!("{ACME}/pull");
    let (_, pulled) = operator.follow(&served, &pull, &[("kind", "candidates")]).await;
    assert!(pulled.body.contains("Only what changed was read"), "{}", pulled.body);
    let feed = operator.get(&served, &format!("{ACME}/feed")).await.body;
    assert!(feed.contains("Zoë") && feed.contains("seen in the ATS"), "{feed}");
    let (_, older) = feed.split_once("/feed?before=").unwrap();
    let older = older.split_once('"').unwrap().0;
    let older = operator.get(&served, &format!("{ACME}/feed?before={older}")).await;
    assert!(older.status == 200 && older.body.contains("Newest changes"), "{older:?}");
    assert!(!older.body.contains("data-stream"), "only the newest page grows");
    for (path, status) in [("/feed?before=x", 422), ("/feed?befor=1", 422), ("/feed?before=0", 200)]
    {
        assert_eq!(operator.get(&served, &format!("{ACME}{path}")).await.status, status, "{path}");
    }
    let unknown = operator.submit(&served, &pull, &[("kind", "candidats")]).await;
    assert!(unknown.status == 404 && unknown.body.contains("candidates"), "{unknown:?}");
}

/// An ATS that gives a token, and answers each other request with an error whose text is every
/// payload.
async fn hostile_ats() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let (mut length, mut line) = (0, String::new());
                stream.read_line(&mut line).await.unwrap();
                let is_grant = line.contains("/token");
                line.clear();
                while stream.read_line(&mut line).await.unwrap_or(0) > 2 {
                    let lower = line.to_ascii_lowercase();
                    if let Some(bytes) = lower.strip_prefix("content-length: ") {
                        length = bytes.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.unwrap();
                let text = PAYLOADS.join(" ");
                let body = json!({
                    "error": text, "error_description": text, "message": text,
                    "errors": [{"message": text, "field": text}],
                })
                .to_string();
                let grant = json!({
                    "access_token": "t", "token_type": "Bearer", "expires_in": 3600,
                    "expires_at": "2999-01-01T00:00:00Z",
                });
                let (status, body) = match is_grant {
                    true => ("200 OK", grant.to_string()),
                    false => ("422 Unprocessable Entity", body),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                drop(stream.write_all(answer.as_bytes()).await);
            });
        }
    });
    url
}

#[tokio::test]
async fn no_text_from_outside_is_ever_markup() {
    let site = Site::start().await;
    // A connection whose name and failures are hostile, beside one whose records are.
    let (config, evil) = (site.config(), "<img src=x onerror=alert(1)>");
    let (_, of_acme) = config.split_once("[connections.acme]").unwrap();
    let of_evil = of_acme.replace(&site.running.base_url(), &hostile_ats().await);
    let config = format!("{config}\n[connections.\"{evil}\"]{of_evil}");
    let served = Served::start_with(site, &config, "").await;
    let operator = Browser::local(&served).await;
    for (payload, row) in PAYLOADS.iter().zip(served.site.sandbox().rows("candidates")) {
        let deed = Recruiter::Rename {
            candidate_id: row["id"].as_i64().unwrap(),
            first_name: (*payload).to_owned(),
            last_name: "Obi".to_owned(),
        };
        served.site.sandbox().recruiter(&deed).unwrap();
    }
    let keys: Vec<String> = PAYLOADS.iter().map(|payload| payload.replace('/', "|")).collect();
    for (payload, key) in PAYLOADS.iter().zip(&keys) {
        let record = json!({
            "name": {"first": payload, "last": payload}, "title": payload,
            "applications": [{"key": "a", "job": payload}],
        });
        declare(&served, key, &record).await;
    }
    let mut pages = vec![("/console".to_owned(), operator.get(&served, "/console").await.body)];
    let (_, pulled) =
        operator.follow(&served, &format!("{ACME}/pull"), &[("kind", "candidates")]).await;
    pages.push(("pull".to_owned(), pulled.body));
    let (_, plan) = operator.follow(&served, &format!("{ACME}/plan"), &[("all", "yes")]).await;
    pages.push(("plan".to_owned(), plan.body));
    let at_evil = format!("/console/connections/{}", encoded(evil));
    let failed = operator.follow(&served, &format!("{at_evil}/pull"), &[("kind", "jobs")]).await;
    pages.push(("failed pull".to_owned(), failed.1.body));
    let checked = operator.follow(&served, &format!("{at_evil}/check"), &[]).await;
    pages.push(("failed check".to_owned(), checked.1.body));
    let mut paths: Vec<String> = ["", "/intents", "/records", "/feed", "/record?key=%3Cb%3E"]
        .iter()
        .flat_map(|part| [format!("{ACME}{part}"), format!("{at_evil}{part}")])
        .collect();
    paths.extend(keys.iter().map(|key| format!("{ACME}/record?key={}", encoded(key))));
    paths.push(format!("/console/connections/{}", encoded("<script>alert(1)</script>")));
    paths.push(format!("{ACME}/intents/{}", encoded("<script>")));
    paths.push(format!("{ACME}/feed?{}=1", encoded("<script>")));
    for path in paths {
        let body = operator.get(&served, &path).await.body;
        pages.push((path, body));
    }
    for (path, page) in &pages {
        assert_eq!(foreign_markup(page), None, "{path}: {page}");
    }
    // Each payload was shown, as a text: in a name and in a key; the failures on the page of the
    // hostile connection.
    let all: String = pages.iter().map(|(_, page)| page.as_str()).collect();
    for (payload, key) in PAYLOADS.iter().zip(&keys) {
        // A message quotes it as Rust does.
        let quoted = escaped(format!("{payload:?}").trim_matches('"'));
        let is_shown = all.contains(&escaped(payload)) || all.contains(&quoted);
        assert!(is_shown, "{payload} is on no page");
        assert!(all.contains(&escaped(key)), "the key {key} is on no page");
    }
    let (_, of_evil) = pages.iter().find(|(path, _)| *path == at_evil).unwrap();
    assert!(of_evil.contains("&lt;script&gt;") && of_evil.contains("not pulling"), "{of_evil}");
}
