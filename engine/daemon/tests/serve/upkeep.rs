//! Preconditions of declarations, and what an operator does to a connection or the store while the
//! server runs: pause, erase, back up, forget.

use crate::serve_support::{ADA, Served};
use serde_json::{Value, json};

const ACME: &str = "/v1/connections/acme";
const MAKING: &str = "seal_key = { env = \"SEAL\" }\nallow_private_network = true\n";

async fn put_if(served: &Served, condition: &str, body: &str) -> (u16, String) {
    let headers = format!("content-type: application/json\r\n{condition}\r\n");
    let put = served.ask(&format!("PUT {ACME}/desired/a"), &headers, body).await;
    let problem = if put.status < 300 { String::new() } else { put.problem() };
    (put.status, problem)
}

#[tokio::test]
async fn a_record_is_changed_only_with_the_generation_that_was_read() {
    let served = Served::start("").await;
    let refused = (412, "precondition-failed".to_owned());
    // A record is not abandoned while the schedules write it.
    assert_eq!(served.post(&format!("{ACME}/pause"), "").await.status, 200);
    assert_eq!(put_if(&served, "if-match: \"1\"", ADA).await, refused);
    assert_eq!(put_if(&served, "if-match: *", ADA).await, refused);
    assert_eq!(put_if(&served, "if-none-match: *", ADA).await.0, 201);
    assert_eq!(put_if(&served, "if-none-match: *", ADA).await, refused);
    let read = served.get(&format!("{ACME}/desired/a")).await;
    assert!(read.head.contains("etag: \"1\""), "{read:?}");
    let changed = ADA.replacen("Ada", "Augusta", 1);
    assert_eq!(put_if(&served, "if-match: \"1\"", &changed).await.0, 200);
    assert_eq!(put_if(&served, "if-match: \"1\"", ADA).await, refused);
    let row = served.get(&format!("{ACME}/desired/a")).await.json();
    assert_eq!(
        (&row["generation"], &row["record"]["name"]["first"]),
        (&json!(2), &json!("Augusta"))
    );
    // The lines of a header are one list.
    let lines = "if-none-match: \"9\"\r\nif-none-match: *";
    assert_eq!(put_if(&served, lines, ADA).await, refused);
    let delete = format!("DELETE {ACME}/desired/a");
    let stale = served.ask(&delete, "if-match: \"1\"\r\n", "").await;
    assert_eq!(stale.problem(), "precondition-failed");
    assert_eq!(served.ask(&delete, "if-match: \"2\"\r\n", "").await.status, 204);
    let named = ADA.replacen('{', "{\"key\":\"a\",", 1);
    let other = served.put(&format!("{ACME}/desired/b"), &named).await;
    assert_eq!(other.problem(), "invalid", "the key of the body is another");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn writes_are_paused_and_allowed_again_over_http() {
    let served = Served::start("").await;
    let paused = served.post(&format!("{ACME}/pause"), "").await.json();
    assert_eq!(paused, json!({ "paused": true, "were_paused": false }));
    assert_eq!(served.put(&format!("{ACME}/desired/a"), ADA).await.status, 201);
    let applied = served.post(&format!("{ACME}/apply"), "").await;
    assert_eq!(applied.status, 200, "{applied:?}");
    assert_eq!(served.site.sandbox().writes().len(), 0);
    let again = served.post(&format!("{ACME}/pause"), "").await.json();
    assert_eq!(again["were_paused"], true);
    let resumed = served.post(&format!("{ACME}/resume"), "").await.json();
    assert_eq!(resumed, json!({ "paused": false, "were_paused": true }));
    assert_eq!(served.post(&format!("{ACME}/apply"), "").await.status, 200);
    assert_eq!(served.site.sandbox().creates("candidates"), 1);
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_candidate_is_erased_and_the_erasure_undone_over_http() {
    let served = Served::start("").await;
    let erase =
        async |body: Value| served.post(&format!("{ACME}/erasures"), &body.to_string()).await;
    assert_eq!(served.put(&format!("{ACME}/desired/a"), ADA).await.status, 201);
    for wrong in [
        json!({}),
        json!({ "key": "a", "email": "ada@new.example.com" }),
        json!({ "key": "" }),
        json!({ "candidate": " " }),
        json!({ "key": "a".repeat(600) }),
    ] {
        assert_eq!(erase(wrong).await.problem(), "invalid");
    }
    let erased = erase(json!({ "key": "a" })).await.json();
    assert_eq!(erased["desired"], 1, "{erased}");
    assert_eq!(served.get(&format!("{ACME}/desired/a")).await.problem(), "no-such-record");
    let declared = served.put(&format!("{ACME}/desired/a"), ADA).await.json();
    assert_eq!(declared["erased"], 1, "{declared}");
    let undo = json!({ "key": "a" }).to_string();
    let undone = served.post(&format!("{ACME}/erasures/undo"), &undo).await.json();
    assert_eq!(undone["undone"], true, "{undone}");
    assert_eq!(served.put(&format!("{ACME}/desired/a"), ADA).await.status, 201);
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn records_are_filtered_by_the_time_of_their_change() {
    let served = Served::start("").await;
    let jobs = served.post(&format!("{ACME}/pull"), r#"{"kinds":["jobs"]}"#).await;
    assert_eq!(jobs.status, 200, "{jobs:?}");
    let all = served.get(&format!("{ACME}/records/jobs")).await.json();
    let changed = |row: &Value| row["changed_ms"].as_u64().unwrap();
    let rows = all["records"].as_array().unwrap();
    let newest = rows.iter().map(changed).max().unwrap();
    let since = async |ms: u64| {
        let page = served.get(&format!("{ACME}/records/jobs?updated_after={ms}")).await.json();
        page["records"].as_array().unwrap().len()
    };
    assert_eq!(since(0).await, rows.len());
    assert!(since(newest).await >= 1);
    assert_eq!(since(newest + 1).await, 0);
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_backup_is_a_file_that_restore_takes_and_leaves_nothing_beside_the_store() {
    let served = Served::start("").await;
    assert_eq!(served.put(&format!("{ACME}/desired/a"), ADA).await.status, 201);
    // What a killed process left.
    let left = served.site.path(".acme.redb.backup-0123456789ab");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("backup"), "half").unwrap();
    let backup = served.post("/v1/backups", "").await;
    assert_eq!(backup.status, 200, "{}", backup.head);
    let length = format!("content-length: {}", backup.bytes.len());
    assert!(backup.head.contains(&length), "{}", backup.head);
    let (code, site) = served.ended().await;
    assert_eq!(code, 0);
    let entries = std::fs::read_dir(site.directory.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let beside: Vec<_> = names.filter(|name| name.contains("backup")).collect();
    assert!(beside.is_empty(), "{beside:?}");
    std::fs::write(site.path("taken"), &backup.bytes).unwrap();
    std::fs::remove_file(site.path("acme.redb")).unwrap();
    let restored = site.run(&["restore", "taken"]).await;
    assert_eq!(restored.code, 0, "{restored:?}");
    let status = site.run(&["status", "acme", "--json"]).await;
    assert_eq!(status.json()[0]["desired"], 1, "{status:?}");
}

#[tokio::test]
async fn a_forgotten_connection_begins_anew_and_a_kept_one_goes_on() {
    let served = Served::start(MAKING).await;
    let beta = "/v1/connections/beta";
    let url = served.site.running.base_url();
    let body = json!({
        "adapter": "greenhouse",
        "auth": { "scheme": "oauth2-client-credentials", "client_id": "sandbox",
            "client_secret": "sandbox-secret" },
        "origins": { "api": url, "auth": url },
        "allow_private_network": true,
    })
    .to_string();
    let make = async || {
        assert_eq!(served.put(beta, &body).await.status, 201);
        let status = served.get(&format!("{beta}/status")).await.json();
        (status["desired"].as_u64().unwrap(), status["changes_last"].as_u64().unwrap())
    };
    let delete = async |query: &str| served.ask(&format!("DELETE {beta}{query}"), "", "").await;
    make().await;
    assert_eq!(served.put(&format!("{beta}/desired/a"), ADA).await.status, 201);
    let feed = served.get(&format!("{beta}/changes?after=0&wait=30")).await;
    assert!(!feed.json()["changes"].as_array().unwrap().is_empty(), "{feed:?}");
    assert_eq!(delete("").await.status, 204);
    let kept = make().await;
    assert!(kept.0 == 1 && kept.1 > 0, "{kept:?}");
    assert_eq!(delete("?forget=true").await.status, 204);
    assert_eq!(delete("?forget=true").await.problem(), "no-such-connection");
    let anew = make().await;
    assert!(anew.0 == 0 && anew.1 >= kept.1, "the serials go on: {kept:?} {anew:?}");
    let early = served.get(&format!("{beta}/changes?after=0")).await;
    assert_eq!(early.problem(), "changes-trimmed");
    // Deleted without, then forgotten by a second request or by the command line.
    assert_eq!(served.put(&format!("{beta}/desired/a"), ADA).await.status, 201);
    assert_eq!(delete("").await.status, 204);
    let command = served.site.run(&["forget-connection", "beta"]).await;
    assert!(command.code == 1 && command.err.contains("--yes"), "{command:?}");
    let open = served.site.run(&["forget-connection", "acme", "--yes"]).await;
    assert!(open.code == 1 && open.err.contains("is open"), "{open:?}");
    let done = served.site.run(&["forget-connection", "beta", "--yes"]).await;
    assert!(done.code == 0 && done.out.contains("forgotten"), "{done:?}");
    let in_vain = served.site.run(&["forget-connection", "beta", "--yes"]).await;
    assert!(in_vain.out.contains("Nothing is stored"), "{in_vain:?}");
    assert_eq!(served.end().await, 0);
}
