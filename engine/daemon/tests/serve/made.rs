//! Connections that are made, replaced and removed over HTTP while the server runs.

use crate::serve_support::{SEAL, Served};
use serde_json::{Value, json};

const SERVE: &str = "seal_key = { env = \"SEAL\" }\nallow_private_network = true\n";

fn beta(served: &Served) -> Value {
    let url = served.site.running.base_url();
    json!({
        "adapter": "greenhouse",
        "auth": { "scheme": "oauth2-client-credentials", "client_id": "sandbox",
            "client_secret": "sandbox-secret" },
        "origins": { "api": url, "auth": url },
        "allow_private_network": true,
        "schedule": { "jobs": "*/15 * * * *" },
    })
}

/// Waits for the first pull of a connection.
async fn pulled(served: &Served, name: &str) {
    let feed = served.get(&format!("/v1/connections/{name}/changes?after=0&wait=30")).await;
    assert!(!feed.json()["changes"].as_array().unwrap().is_empty(), "{feed:?}");
}

#[tokio::test]
async fn a_made_connection_runs_at_once_outlives_the_process_and_shows_no_secret() {
    let served = Served::start(SERVE).await;
    let body = beta(&served).to_string();
    let made = served.put("/v1/connections/beta", &body).await;
    assert_eq!((made.status, made.json()["revision"].as_u64()), (201, Some(1)), "{made:?}");
    assert!(made.head.contains("etag: \"1\""), "{made:?}");
    pulled(&served, "beta").await;
    let acme = served.get("/v1/connections/acme").await.json();
    assert_eq!(acme["healthy"], true, "the other one goes on: {acme}");
    let (code, site) = served.ended().await;
    assert_eq!(code, 0);
    let stored = std::fs::read(site.path("acme.redb")).unwrap();
    let has = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!has("sandbox-secret") && !has(SEAL), "a secret is in the store in clear");
    let served = Served::again(site, SERVE).await;
    let mut again = served.get("/v1/connections/beta").await;
    // It is being opened.
    while again.status == 503 {
        again = served.get("/v1/connections/beta").await;
    }
    let again = again.json();
    assert_eq!(again["adapter"], "greenhouse", "{again}");
    assert_eq!(served.ask("DELETE /v1/connections/beta", "", "").await.status, 204);
    assert_eq!(served.get("/v1/connections/beta").await.problem(), "no-such-connection");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_change_of_a_connection_needs_the_tag_that_it_names_and_keeps_the_credential() {
    let served = Served::start(SERVE).await;
    let mut body = beta(&served);
    let put = async |headers: &str, body: &Value| {
        let headers = format!("content-type: application/json\r\n{headers}");
        served.ask("PUT /v1/connections/beta", &headers, &body.to_string()).await
    };
    assert_eq!(put("if-match: \"1\"\r\n", &body).await.problem(), "precondition-failed");
    assert_eq!(put("if-none-match: *\r\n", &body).await.status, 201);
    assert_eq!(put("if-none-match: *\r\n", &body).await.problem(), "precondition-failed");
    body["auth"].take();
    body["schedule"] = json!({ "jobs": "*/30 * * * *", "users": "0 * * * *" });
    let replaced = put("if-match: \"1\"\r\n", &body).await;
    assert_eq!((replaced.status, replaced.json()["revision"].as_u64()), (200, Some(2)));
    assert_eq!(put("if-match: \"1\"\r\n", &body).await.problem(), "precondition-failed");
    pulled(&served, "beta").await;
    let gone = served.ask("DELETE /v1/connections/beta", "if-match: \"1\"\r\n", "").await;
    assert_eq!(gone.problem(), "precondition-failed");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn what_cannot_run_is_refused_whole_and_changes_nothing() {
    let served = Served::start(SERVE).await;
    let good = beta(&served);
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, says) in [
        (with("/adapter", json!("../evil.wasm")), "no such adapter"),
        (with("/adapter", json!("greenhuose")), "no such adapter"),
        (with("/auth/scheme", json!("bearer")), "key"),
        (with("/auth/client_secret", Value::Null), "client_secret"),
        (with("/schedule", json!({ "jobs": "hourly" })), "hourly"),
        (with("/schedule", json!({ "jubs": "0 * * * *" })), "jubs"),
        (with("/origins", json!({ "api": "ftp://x" })), "origin"),
        (with("/auth", Value::Null), "credential"),
    ] {
        let refused = served.put("/v1/connections/beta", &body.to_string()).await;
        assert_eq!((refused.status, refused.problem()), (422, "invalid".to_owned()), "{body}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(says) && !detail.contains("sandbox-secret"), "{body}: {detail}");
    }
    let listed = served.get("/v1/connections").await.json();
    assert_eq!(listed["connections"].as_array().unwrap().len(), 1);
    let of_file = served.put("/v1/connections/acme", &good.to_string()).await;
    assert_eq!((of_file.status, of_file.problem()), (409, "declared-in-file".to_owned()));
    let of_file = served.ask("DELETE /v1/connections/acme", "", "").await;
    assert_eq!(of_file.problem(), "declared-in-file");
}

#[tokio::test]
async fn without_a_key_no_secret_is_taken() {
    let served = Served::start("allow_private_network = true\n").await;
    let refused = served.put("/v1/connections/beta", &beta(&served).to_string()).await;
    assert_eq!((refused.status, refused.problem()), (409, "configuration".to_owned()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("seal_key"), "{detail}");
}

#[tokio::test]
async fn a_reload_that_the_file_does_not_allow_changes_nothing_and_says_why() {
    let served = Served::start("").await;
    let good = std::fs::read_to_string(served.site.path("acme.toml")).unwrap();
    served.site.write("acme.toml", &good.replace("[connections.acme]", "[conections.acme]"));
    let refused = served.post("/v1/reload", "").await;
    assert_eq!((refused.status, refused.problem()), (409, "configuration".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("conections"), "{refused:?}");
    assert_eq!(served.get("/v1/connections/acme").await.json()["healthy"], true);
    served.site.write("acme.toml", &good);
    assert_eq!(served.post("/v1/reload", "").await.json()["refused"], json!({}));
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_connection_that_a_reload_refused_is_shown_until_the_file_has_it_no_more() {
    let served = Served::start("").await;
    let good = std::fs::read_to_string(served.site.path("acme.toml")).unwrap();
    let (_, acme) = good.split_once("[connections.acme]").unwrap();
    let (acme, _) = acme.split_once("[serve]").unwrap();
    let broken = acme.replace("adapter = ", "adapter = \"nope\" # ");
    served.site.write("acme.toml", &format!("{good}\n[connections.beta]{broken}"));
    let reloaded = served.post("/v1/reload", "").await.json();
    assert!(reloaded["refused"]["beta"].as_str().unwrap().contains("nope"), "{reloaded}");
    let status = served.get("/status").await;
    assert_eq!(status.status, 503, "{status:?}");
    assert_eq!(status.json()["unhealthy"], json!(["beta"]), "{status:?}");
    let beta = served.get("/v1/connections/beta").await.json();
    assert!(beta["conditions"].to_string().contains("nope"), "{beta}");
    let in_vain = served.get("/v1/connections/beta/status").await;
    assert_eq!(in_vain.problem(), "configuration", "it is not being opened");

    served.site.write("acme.toml", &good);
    assert_eq!(served.post("/v1/reload", "").await.json()["refused"], json!({}));
    assert_eq!(served.get("/status").await.status, 200);
    assert_eq!(served.get("/v1/connections/beta").await.problem(), "no-such-connection");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn secrets_are_sealed_anew_while_the_server_runs() {
    let served = Served::start(SERVE).await;
    let made = served.put("/v1/connections/beta", &beta(&served).to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let file = served.site.path("acme.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let new = "{ file = \"new.key\" }";
    served.site.write("new.key", &SEAL.chars().rev().collect::<String>());
    let old = "{ env = \"SEAL\" }";
    let both = text.replace(&format!("seal_key = {old}"), &format!("seal_key = [{new}, {old}]"));
    std::fs::write(&file, both).unwrap();
    assert_eq!(served.post("/v1/reload", "").await.json()["refused"], json!({}));
    let ran = served.site.run(&["secrets", "rekey"]).await;
    assert_eq!((ran.code, ran.out.starts_with("1 secret sealed anew")), (0, true), "{ran:?}");
    std::fs::write(&file, text.replace(old, new)).unwrap();
    assert_eq!(served.post("/v1/reload", "").await.json()["refused"], json!({}));
    let beta = served.get("/v1/connections/beta").await.json();
    assert_eq!(beta["adapter"], "greenhouse", "{beta}");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_credential_is_not_led_elsewhere_without_being_given_again() {
    let served = Served::start(SERVE).await;
    let mut body = beta(&served);
    let put = async |headers: &str, body: &Value| {
        let headers = format!("content-type: application/json\r\n{headers}");
        served.ask("PUT /v1/connections/beta", &headers, &body.to_string()).await
    };
    assert_eq!(put("", &body).await.status, 201);
    body["auth"].take();
    body["origins"] = json!({ "api": "http://127.0.0.1:9", "auth": "http://127.0.0.1:9" });
    let refused = put("", &body).await;
    assert_eq!((refused.status, refused.problem()), (422, "invalid".to_owned()), "{refused:?}");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/auth");
    // A token that is limited to connections names no place to send a credential to.
    let new = json!({ "name": "tenant", "scope": "admin", "connections": ["beta"] }).to_string();
    let token = served.post("/v1/tokens", &new).await.json()["token"].as_str().unwrap().to_owned();
    let with = format!("authorization: Bearer {token}\r\n");
    let refused = put(&with, &beta(&served)).await;
    assert_eq!((refused.status, refused.problem()), (403, "forbidden".to_owned()));
    let link = json!({ "connection": "beta", "adapter": "greenhouse",
        "origins": { "api": "http://127.0.0.1:9" }, "allow_private_network": true });
    let with = format!("{with}content-type: application/json\r\n");
    let refused = served.ask("POST /v1/connect-links", &with, &link.to_string()).await;
    assert_eq!(refused.problem(), "forbidden", "{refused:?}");
    assert_eq!(served.ask("POST /v1/reload", &with, "").await.problem(), "forbidden");
}

#[tokio::test]
async fn of_changes_at_once_one_holds_with_its_own_secrets() {
    let served = Served::start(SERVE).await;
    let good = beta(&served);
    let mut bad = good.clone();
    bad["auth"]["client_secret"] = json!("wrong");
    bad["webhook_secret"] = json!("of a refused change");
    let bodies: Vec<String> =
        (0..6).map(|at| if at == 2 { good.to_string() } else { bad.to_string() }).collect();
    let all = bodies.iter().map(|body| served.put("/v1/connections/beta", body));
    let answers = futures_util::future::join_all(all).await;
    let made: Vec<usize> = (0..6).filter(|at| answers[*at].status == 201).collect();
    assert_eq!(made.len(), 1, "{answers:?}");
    let others = answers.iter().filter(|answer| answer.status != 201);
    assert!(others.into_iter().all(|answer| answer.problem() == "precondition-failed"));
    let webhook = served.get("/v1/connections/beta/webhook").await.json();
    let check = served.post("/v1/connections/beta/check", "").await;
    let is_good = made == [2];
    assert_eq!(webhook["path"].is_null(), is_good, "{webhook}");
    assert_eq!(check.status == 200, is_good, "{check:?}");
}

#[tokio::test]
async fn an_open_stream_ends_when_a_token_is_revoked() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let served = Served::start("").await;
    let new = json!({ "name": "guest", "scope": "read" }).to_string();
    let token = served.post("/v1/tokens", &new).await.json()["token"].as_str().unwrap().to_owned();
    let mut streams = Vec::new();
    for path in ["/v1/changes", "/v1/connections/acme/changes"] {
        let mut stream = tokio::net::TcpStream::connect(&served.address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
             accept: text/event-stream\r\n\r\n",
            served.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        streams.push(stream);
    }
    let socket = tokio::net::UnixStream::connect(served.site.path("acme.redb.sock")).await;
    let line = "DELETE /v1/tokens/guest";
    let gone = crate::serve_support::exchange(socket.unwrap(), line, "", "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    for mut stream in streams {
        let mut rest = Vec::new();
        loop {
            let read = stream.read_buf(&mut rest).await.unwrap();
            // The last chunk.
            if read == 0 || rest.ends_with(b"0\r\n\r\n") {
                break;
            }
        }
    }
}
