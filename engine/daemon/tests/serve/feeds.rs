//! The feed over all connections, consumers, and tokens that are made at run time.

use crate::serve_support::Served;
use serde_json::{Value, json};

const SERVE: &str = "seal_key = { env = \"SEAL\" }\nallow_private_network = true\n";

#[tokio::test]
async fn one_feed_has_every_change_of_every_connection_once_and_in_order() {
    let served = Served::start(SERVE).await;
    let url = served.site.running.base_url();
    let beta = json!({
        "adapter": "greenhouse",
        "auth": { "scheme": "oauth2-client-credentials", "client_id": "sandbox",
            "client_secret": "sandbox-secret" },
        "origins": { "api": url, "auth": url },
        "allow_private_network": true,
        "schedule": { "jobs": "*/15 * * * *" },
    });
    let made = served.put("/v1/connections/beta", &beta.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let last = async |name: &str| {
        let status = served.get(&format!("/v1/connections/{name}/status")).await.json();
        status["changes_last"].as_u64().unwrap()
    };
    while last("beta").await == 0 {
        served.get("/v1/connections/beta/changes?after=0&wait=30").await;
    }
    let (mut seen, mut after) = ((0, 0), String::new());
    while seen != (last("acme").await, last("beta").await) {
        let page = served.get(&format!("/v1/changes?limit=7&wait=5{after}")).await.json();
        for change in page["changes"].as_array().unwrap() {
            let own = if change["connection"] == "acme" { &mut seen.0 } else { &mut seen.1 };
            *own += 1;
            assert_eq!(change["serial"], *own, "{change}");
        }
        after = format!("&after={}", page["next"].as_str().unwrap());
    }
    let refused = served.get("/v1/changes?after=nonsense").await;
    assert_eq!((refused.status, refused.problem()), (422, "invalid".to_owned()));
}

#[tokio::test]
async fn a_consumers_offset_is_kept_and_never_goes_back() {
    let served = Served::start("").await;
    let path = "/v1/connections/acme/consumers/host";
    let offset = |offset: u64| json!({ "offset": offset }).to_string();
    assert_eq!(served.get(path).await.json(), json!({ "offset": 0 }));
    assert_eq!(served.put(path, &offset(3)).await.json(), json!({ "offset": 3 }));
    assert_eq!(served.put(path, &offset(2)).await.json(), json!({ "offset": 3 }));
    assert_eq!(served.put(path, &offset(99_999)).await.problem(), "changes-ahead");
    assert_eq!(served.ask(&format!("DELETE {path}"), "", "").await.status, 204);
    assert_eq!(served.get(path).await.json(), json!({ "offset": 0 }));
}

#[tokio::test]
async fn a_token_is_shown_once_works_at_once_and_ends_when_it_is_revoked() {
    let served = Served::start("").await;
    // Without any token the loopback address needs none.
    let new = json!({ "name": "host", "scope": "write", "connections": ["acme"] }).to_string();
    let made = served.post("/v1/tokens", &new).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 64);
    // From now on it does.
    assert_eq!(served.get("/v1/connections").await.problem(), "unauthenticated");
    let with = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
    let listed = served.ask("GET /v1/connections", &with, "").await;
    assert_eq!(listed.json()["connections"].as_array().unwrap().len(), 1);
    for line in ["GET /v1/tokens", "POST /v1/tokens", "DELETE /v1/tokens/host"] {
        assert_eq!(served.ask(line, &with, &new).await.problem(), "forbidden", "{line}");
    }
    // The socket is this user's, and needs none.
    let socket = async |line: &str| {
        let stream = tokio::net::UnixStream::connect(served.site.path("acme.redb.sock")).await;
        let headers = "host: localhost\r\ncontent-type: application/json\r\n";
        crate::serve_support::exchange(stream.unwrap(), line, headers, &new).await
    };
    let again = socket("POST /v1/tokens").await;
    assert_eq!((again.status, again.problem()), (422, "invalid".to_owned()));
    let tokens: Value = socket("GET /v1/tokens").await.json();
    assert_eq!(tokens["tokens"][0]["name"], "host");
    assert!(!tokens.to_string().contains(&token));
    assert_eq!(socket("DELETE /v1/tokens/host").await.status, 204);
    // The address stays closed: the revocation may be the answer to a theft.
    assert_eq!(served.get("/v1/connections").await.problem(), "unauthenticated");
    let (_, site) = served.ended().await;
    let served = Served::again(site, "").await;
    assert_eq!(served.get("/v1/connections").await.problem(), "unauthenticated");
    let (_, site) = served.ended().await;
    let stored = std::fs::read(site.path("acme.redb")).unwrap();
    assert!(!stored.windows(token.len()).any(|part| part == token.as_bytes()));
}
