//! Webhooks over HTTP: durable before they are answered, and refused cheaply.

use crate::serve_support::{HOOK, Served};
use atsync_greenhouse_sandbox::Recruiter;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(HOOK.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn start() -> Served {
    let site = crate::cli_support::Site::start().await;
    let config = format!("{}webhook_secret = {{ env = \"HOOK\" }}\n", site.config());
    Served::start_with(site, &config, "").await
}

/// The path that the connection's webhooks come by.
async fn path(served: &Served) -> String {
    let webhook = served.get("/v1/connections/acme/webhook").await.json();
    webhook["path"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_recruiters_change_is_in_the_feed_by_its_webhook_without_a_pull() {
    let served = start().await;
    let path = path(&served).await;
    let rows = served.site.sandbox().rows("candidates");
    let candidate_id = rows[0]["id"].as_i64().unwrap();
    let id = candidate_id;
    let status = served.get("/v1/connections/acme/status").await.json();
    let last = status["changes_last"].as_u64().unwrap();
    let (first_name, last_name) = ("Hypatia".to_owned(), "Renamed".to_owned());
    let rename = Recruiter::Rename { candidate_id, first_name, last_name };
    served.site.sandbox().recruiter(&rename).unwrap();
    let body =
        json!({"action": "update_candidate", "payload": {"candidate": {"id": id}}}).to_string();
    let headers = |event: &str| {
        format!("signature: sha256 {}\r\ngreenhouse-event-id: {event}\r\n", signature(&body))
    };
    for (event, status) in [("1", 200), ("1", 200), ("2", 200)] {
        let answer = served.ask(&format!("POST {path}"), &headers(event), &body).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{answer:?}");
    }
    let feed = format!("/v1/connections/acme/changes?after={last}&wait=30");
    let feed = served.get(&feed).await.json();
    assert_eq!(feed["changes"][0]["after"]["name"]["first"], "Hypatia", "{feed}");
    let acme = served.get("/v1/connections/acme").await.json();
    let conditions = acme["conditions"].as_array().unwrap();
    let arriving = conditions.iter().find(|one| one["type"] == "WebhooksArriving").unwrap();
    assert_eq!(arriving["status"], true, "{arriving}");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_webhook_that_is_not_for_here_is_refused_with_one_answer_and_reads_nothing() {
    let served = start().await;
    let path = path(&served).await;
    let id = served.site.sandbox().rows("candidates")[0]["id"].as_u64().unwrap();
    let body =
        json!({"action": "update_candidate", "payload": {"candidate": {"id": id}}}).to_string();
    let signed = format!("signature: sha256 {}\r\n", signature(&body));
    let wrong_part = path.replace(path.rsplit('/').next().unwrap(), &"0".repeat(32));
    let reads = served.site.sandbox().requests().len();
    for (path, headers, body) in [
        (wrong_part.as_str(), signed.as_str(), body.as_str()),
        ("/hooks/acme/", &signed, &body),
        ("/hooks/beta/00000000000000000000000000000000", &signed, &body),
        (&path, "", &body),
        (&path, "signature: sha256 00\r\n", &body),
        (&path, &signed, &format!("{body} ")),
    ] {
        let answer = served.ask(&format!("POST {path}"), headers, body).await;
        assert!(matches!(answer.status, 401 | 404), "{path} {headers}: {answer:?}");
        assert!(!answer.body.contains("acme"));
    }
    let large = " ".repeat(atsync::Connection::WEBHOOK_BODY_BYTES_MAX + 1);
    assert_eq!(served.ask(&format!("POST {path}"), &signed, &large).await.status, 413);
    // Only POST passes without a token of the API.
    assert_eq!(served.get(&path).await.status, 405);
    assert_eq!(served.site.sandbox().requests().len(), reads);
}
