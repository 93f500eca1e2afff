//! What SECURITY.md says of attacks on the HTTP API, on each route of the OpenAPI document.

use crate::cli_support::Site;
use crate::serve_support::{ADA, Answer, HOOK, OTHER, SEAL, Served, TOKEN};
use serde_json::{Value, json};

pub(crate) const SERVE: &str = r#"
seal_key = { env = "SEAL" }
allow_private_network = true
tokens.operator = { secret = { env = "TOKEN" }, scope = "admin" }
tokens.guest = { secret = { env = "OTHER" }, scope = "admin", connections = ["acme"] }
"#;
/// Routes that answer everyone.
const OPEN: [&str; 2] = ["/livez", "/readyz"];
/// Routes for operators, by the beginning of method and path, or by the end of the path.
const OPERATORS: [&str; 12] = [
    "PUT /v1/connections/{connection}",
    "DELETE /v1/connections/{connection}",
    "GET /v1/connections/{connection}/webhook",
    "POST /v1/connections/{connection}/intents/{intent}/resolve",
    "POST /v1/connections/{connection}/erasures",
    "POST /v1/connections/{connection}/erasures/undo",
    "/v1/backups",
    "POST /v1/reload",
    "/v1/audit",
    "/v1/connect-links",
    "/v1/tokens",
    "/v1/webhook-endpoints",
];

/// Every operation of the document: method and path.
pub(crate) async fn routes(served: &Served) -> Vec<(String, String)> {
    let document = ask(served, TOKEN, "GET /openapi.json", "").await.json();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
        let path = path.clone();
        methods.into_iter().map(move |method| (method.to_uppercase(), path.clone()))
    };
    let all: Vec<(String, String)> = paths.iter().flat_map(of).collect();
    assert!(all.len() >= 35, "{all:?}");
    all
}

/// A path with something for each parameter.
pub(crate) fn filled(path: &str, connection: &str) -> String {
    let part = |part: &str| match part {
        "{connection}" => connection.to_owned(),
        "{kind}" => "candidates".to_owned(),
        part if part.starts_with('{') => "1".to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

pub(crate) async fn ask(served: &Served, token: &str, line: &str, body: &str) -> Answer {
    let headers = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    served.ask(line, &headers, body).await
}

/// Makes a token with a scope.
async fn token(served: &Served, scope: &str) -> String {
    let body = json!({ "name": scope, "scope": scope }).to_string();
    let made = ask(served, TOKEN, "POST /v1/tokens", &body).await;
    made.json()["token"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned()
}

/// A site with two connections.
async fn two() -> (Site, String) {
    let site = Site::start().await;
    let config = site.config();
    let (_, acme) = config.split_once("[connections.acme]").unwrap();
    let both = format!("{config}\n[connections.beta]{acme}");
    (site, both)
}

#[tokio::test]
async fn each_route_refuses_a_request_without_a_token_and_one_of_a_lesser_scope() {
    let served = Served::start(SERVE).await;
    let (reader, writer) = (token(&served, "read").await, token(&served, "write").await);
    for (method, path) in routes(&served).await {
        let line = format!("{method} {}", filled(&path, "acme"));
        if OPEN.contains(&path.as_str()) {
            assert_eq!(served.ask(&line, "", "").await.status, 200, "{line}");
            continue;
        }
        for headers in ["", "authorization: Bearer 0123456789abcdef0123456789abcdee\r\n"] {
            let answer = served.ask(&line, headers, "").await;
            assert_eq!(answer.problem(), "unauthenticated", "{line}");
            assert!(answer.head.contains("www-authenticate: bearer"), "{line}: {answer:?}");
        }
        let operation = format!("{method} {path}");
        let is_for_operators = OPERATORS.contains(&operation.as_str())
            || OPERATORS.iter().any(|route| route.starts_with('/') && path.starts_with(route));
        let is_for_writers = method != "GET";
        for (token, is_allowed) in [
            (reader.as_str(), !is_for_operators && !is_for_writers),
            (&writer, !is_for_operators),
            (TOKEN, true),
        ] {
            let answer = ask(&served, token, &line, "").await;
            assert_eq!(answer.status != 403, is_allowed, "{line}: {answer:?}");
            assert!(is_allowed || answer.problem() == "forbidden", "{line}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn another_tenants_connection_has_the_bytes_of_an_absent_one_on_each_route() {
    let (site, config) = two().await;
    let served = Served::start_with(site, &config, SERVE).await;
    let undated = |answer: Answer| {
        let head = answer.head.lines().filter(|line| !line.starts_with("date:"));
        (answer.status, head.collect::<Vec<_>>().join("\n"), answer.body)
    };
    let mut count = 0;
    for (method, path) in routes(&served).await {
        if !path.contains("{connection}") {
            continue;
        }
        let theirs = ask(&served, OTHER, &format!("{method} {}", filled(&path, "beta")), "").await;
        let absent = ask(&served, OTHER, &format!("{method} {}", filled(&path, "none")), "").await;
        assert_eq!(theirs.problem(), "no-such-connection", "{method} {path}");
        assert_eq!(undated(theirs), undated(absent), "{method} {path}");
        count += 1;
    }
    assert!(count >= 24, "{count}");
    for path in ["/v1/connections", "/v1/changes", "/status", "/metrics"] {
        let body = ask(&served, OTHER, &format!("GET {path}"), "").await.body;
        assert!(!body.contains("beta"), "{path}: {body}");
        assert!(ask(&served, TOKEN, &format!("GET {path}"), "").await.status < 500);
    }
}

#[tokio::test]
async fn a_token_that_is_limited_to_connections_reaches_no_route_that_is_about_all() {
    let served = Served::start(SERVE).await;
    // These have what is the caller's alone; the test before reads them.
    let filtered = ["/v1/connections", "/v1/changes", "/v1/adapters", "/v1/connect-links"];
    let mut count = 0;
    for (method, path) in routes(&served).await {
        let is_filtered = filtered.iter().any(|of| path.starts_with(of));
        if is_filtered || !path.starts_with("/v1/") {
            continue;
        }
        let line = format!("{method} {}", filled(&path, "acme"));
        assert_eq!(ask(&served, OTHER, &line, "").await.problem(), "forbidden", "{line}");
        count += 1;
    }
    assert!(count >= 14, "{count}");
    for line in ["POST /v1/backups", "POST /v1/reload", "GET /v1/audit"] {
        assert_eq!(ask(&served, OTHER, line, "").await.problem(), "forbidden", "{line}");
    }
}

#[tokio::test]
async fn a_foreign_host_or_origin_reaches_no_route_and_changes_nothing() {
    let served = Served::start(SERVE).await;
    for (method, path) in routes(&served).await {
        let line = format!("{method} {}", filled(&path, "acme"));
        for foreign in ["host: evil.example\r\n", "origin: https://evil.example\r\n"] {
            let headers = format!(
                "{foreign}authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n"
            );
            let answer = served.ask(&line, &headers, ADA).await;
            assert_eq!(answer.problem(), "foreign-origin", "{line} {foreign}");
        }
    }
    let desired = ask(&served, TOKEN, "GET /v1/connections/acme/desired", "").await.json();
    assert_eq!(desired["desired"], json!([]));
    let tokens = ask(&served, TOKEN, "GET /v1/tokens", "").await.json();
    assert_eq!(tokens["tokens"], json!([]));
}

#[tokio::test]
async fn no_secret_is_in_an_answer_or_in_the_log() {
    const CANARY: &str = "canary-secret-0123456789";
    let site = Site::start().await;
    let config = format!("{}webhook_secret = {{ env = \"HOOK\" }}\n", site.config());
    let served = Served::start_logged(site, &config, SERVE, "trace").await;
    let url = served.site.running.base_url();
    let making = |adapter: &str, secret: &str| {
        json!({
            "adapter": adapter,
            "auth": { "scheme": "oauth2-client-credentials", "client_id": "sandbox",
                "client_secret": secret },
            "origins": { "api": url, "auth": url }, "allow_private_network": true,
            "webhook_secret": CANARY,
        })
        .to_string()
    };
    let beta = "PUT /v1/connections/beta";
    let mut answers = String::new();
    for (line, token, body) in [
        (beta, TOKEN, making("greenhouse", CANARY)),
        (beta, TOKEN, making("nothing", CANARY)),
        (beta, TOKEN, making("greenhouse", CANARY).replace("client_id", "id")),
        (beta, TOKEN, format!("{{\"auth\": \"{CANARY}\"")),
        ("GET /v1/connections/beta", TOKEN, String::new()),
        ("POST /v1/connections/beta/check", TOKEN, String::new()),
        ("POST /v1/connections/beta/pull", TOKEN, r#"{"kinds":["jobs"]}"#.to_owned()),
        ("POST /v1/connections/acme/check", TOKEN, String::new()),
        ("PUT /v1/connections/acme/desired/a", TOKEN, ADA.to_owned()),
        ("POST /v1/connections/acme/apply", TOKEN, String::new()),
        ("GET /v1/connections", OTHER, String::new()),
        ("GET /v1/connections", CANARY, String::new()),
        ("POST /hooks/acme/0", TOKEN, HOOK.to_owned()),
        ("POST /v1/reload", TOKEN, String::new()),
        ("GET /v1/tokens", TOKEN, String::new()),
        ("GET /status", TOKEN, String::new()),
        ("GET /metrics", TOKEN, String::new()),
    ] {
        let answer = ask(&served, token, line, &body).await;
        answers += &format!("{line}: {} {}\n{}\n", answer.status, answer.head, answer.body);
    }
    let made = token(&served, "write").await;
    ask(&served, &made, "GET /v1/connections", "").await;
    let path = ask(&served, TOKEN, "GET /v1/connections/acme/webhook", "").await.json();
    let path = path["path"].as_str().unwrap().to_owned();
    ask(&served, TOKEN, &format!("POST {path}"), "{}").await;
    let part = path.rsplit('/').next().unwrap();
    let said = std::sync::Arc::clone(&served.said);
    assert_eq!(served.end().await, 0);
    let said = said.lock().unwrap().clone();
    assert!(said.contains("request"), "the log is not complete: {said}");
    for secret in [CANARY, TOKEN, OTHER, SEAL, HOOK, "sandbox-secret", &made, part] {
        assert!(!answers.contains(secret), "{secret} is in {answers}");
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_a_batch_may_be_larger() {
    let served = Served::start(SERVE).await;
    let large = format!("{{\"name\": \"{}\"}}", "a".repeat(1024 * 1024));
    for line in ["PUT /v1/connections/acme/desired/a", "POST /v1/tokens"] {
        let answer = ask(&served, TOKEN, line, &large).await;
        assert_eq!((answer.status, answer.problem().as_str()), (413, "too-large"), "{line}");
    }
    let batch = ask(&served, TOKEN, "POST /v1/connections/acme/desired", &large).await;
    assert_eq!(batch.problem(), "invalid");
}

#[tokio::test]
async fn a_refusal_reaches_a_peer_whose_body_was_not_read() {
    let served = Served::start(SERVE).await;
    let body = format!("{{\"x\": \"{}\"}}", "x".repeat(60_000));
    for _ in 0..50 {
        let line = "PUT /v1/connections/acme/desired/a";
        let answer = served.ask(line, "content-type: application/json\r\n", &body).await;
        assert_eq!(answer.problem(), "unauthenticated");
    }
}
