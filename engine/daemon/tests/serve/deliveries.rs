//! Webhooks out, over real HTTP: a receiver on a socket verifies each delivery with the library of
//! the Standard Webhooks project.

use crate::cli_support::Site;
use crate::receiver::{Got, Receiver, Reply, SECRET};
use crate::serve_support::{Served, exchange};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SERVE: &str = "seal_key = { env = \"SEAL\" }\nallow_private_network = true\n";
const ENDPOINTS: &str = "/v1/webhook-endpoints";

async fn accepting() -> Receiver {
    Receiver::start(|_, _| Reply::Status(204)).await
}

/// The serial of the newest change, when both kinds of the schedule were read.
async fn last(served: &Served) -> u64 {
    let acme = "/v1/connections/acme";
    for kind in ["jobs", "candidates"] {
        assert_eq!(served.post(&format!("{acme}/pull"), &pull(kind)).await.status, 200);
    }
    served.get(&format!("{acme}/status")).await.json()["changes_last"].as_u64().unwrap()
}

fn pull(kind: &str) -> String {
    json!({ "kinds": [kind] }).to_string()
}

/// Makes an endpoint, and returns its path.
async fn endpoint(served: &Served, receiver: &Receiver, more: Value) -> String {
    let mut new = json!({ "url": receiver.url, "secret": SECRET });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = served.post(ENDPOINTS, &new.to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json().get("secret"), None, "one that was given is not shown");
    format!("{ENDPOINTS}/{}", made.json()["id"].as_str().unwrap())
}

async fn replay(served: &Served, path: &str, after: u64) {
    let from = json!({ "connection": "acme", "after": after }).to_string();
    let replayed = served.post(&format!("{path}/replay"), &from).await;
    assert_eq!(replayed.status, 200, "{replayed:?}");
}

/// Asks until an answer is as it should be.
async fn until(served: &Served, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        let value = served.get(path).await.json();
        if is(&value) {
            return value;
        }
        assert!(began.elapsed().as_secs() < 60, "{value:#}");
    }
}

/// The changes of each record came in order, repeats aside.
fn are_in_order(got: &[Got]) {
    let mut newest: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut seen: BTreeMap<&str, &Got> = BTreeMap::new();
    for one in got {
        if let Some(before) = seen.insert(&one.id, one) {
            assert_eq!(before.body, one.body, "one id is one change");
            continue;
        }
        let newest = newest.entry(one.record()).or_default();
        assert!(*newest < one.serial, "{one:?} came after {newest}");
        *newest = one.serial;
    }
}

#[tokio::test]
async fn every_change_arrives_signed_and_in_order_although_the_server_is_killed() {
    let receiver = accepting().await;
    let mut served = Served::start(SERVE).await;
    let last_serial = last(&served).await;
    assert!(last_serial > 60);
    let path = endpoint(&served, &receiver, json!({})).await;
    replay(&served, &path, 0).await;
    for count in [5, 40] {
        receiver.until(|got| got.len() >= count).await;
        served.child.start_kill().unwrap();
        served.child.wait().await.unwrap();
        served = Served::again(served.site, SERVE).await;
    }
    let newest = last(&served).await;
    let got = receiver.all_to(newest).await;
    are_in_order(&got);
    assert_eq!(got[0].body["connection"], "acme");
    assert!(got[0].body["type"].as_str().unwrap().ends_with(".created"), "{:?}", got[0]);
    // What was accepted before the last fifty is not sent again.
    assert!(got.len() < usize::try_from(newest).unwrap() + 2 * 51, "{}", got.len());
    let offset = |at: u64| move |view: &Value| view["connections"][0]["offset"] == at;
    let view = until(&served, &format!("{path}/deliveries"), offset(newest)).await;
    assert_eq!((&view["failures"], &view["given_up"]), (&json!(0), &json!([])), "{view}");
    // A later change is sent without a replay.
    let rows = served.site.sandbox().rows("candidates");
    let candidate_id = rows[0]["id"].as_i64().unwrap();
    let (first_name, last_name) = ("Hypatia".to_owned(), "Renamed".to_owned());
    let rename =
        atsync_greenhouse_sandbox::Recruiter::Rename { candidate_id, first_name, last_name };
    served.site.sandbox().recruiter(&rename).unwrap();
    let newest = last(&served).await;
    let got = receiver.all_to(newest).await;
    assert!(got.iter().any(|one| one.body["data"]["after"]["name"]["first"] == "Hypatia"));
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn a_change_that_is_refused_is_repeated_with_its_id_while_other_records_go_on() {
    let is_first = |got: &Got, before: &[Got]| !before.iter().any(|one| one.id == got.id);
    let receiver = Receiver::start(move |got, before| match got.serial {
        2 if is_first(got, before) => Reply::Status(500),
        _ => Reply::Status(200),
    })
    .await;
    let served = Served::start(SERVE).await;
    let newest = last(&served).await;
    let path = endpoint(&served, &receiver, json!({})).await;
    replay(&served, &path, 0).await;
    let got = receiver.all_to(newest).await;
    let second: Vec<&Got> = got.iter().filter(|one| one.serial == 2).collect();
    assert_eq!((second.len(), &second[0].id), (2, &second[1].id));
    let again = got.iter().rposition(|one| one.serial == 2).unwrap();
    assert!(got.iter().position(|one| one.serial == 3).unwrap() < again, "others went on");
    are_in_order(&got);
    let metrics = served.get("/metrics").await.body;
    for line in ["outcome=\"failed\"} 1\n", "webhook_endpoint_enabled{endpoint=\""] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    assert!(metrics.contains("atsync_deliveries_oldest_waiting_seconds{"), "{metrics}");
}

#[tokio::test]
async fn a_candidate_who_is_erased_is_in_no_later_delivery() {
    let receiver = Receiver::start(|got, _| match got.kind() {
        "candidates" => Reply::Status(500),
        _ => Reply::Status(204),
    })
    .await;
    let served = Served::start(SERVE).await;
    last(&served).await;
    let path = endpoint(&served, &receiver, json!({})).await;
    replay(&served, &path, 0).await;
    let got = receiver.until(|got| got.iter().any(|one| one.kind() == "candidates")).await;
    let refused = got.iter().find(|one| one.kind() == "candidates").unwrap();
    let email = refused.body["data"]["after"]["emails"][0]["value"].as_str().unwrap();
    let erased = served.site.run(&["erase", "acme", "--email", email, "--yes"]).await;
    assert_eq!(erased.code, 0, "{erased:?}");
    receiver.clear();
    receiver.answer(Reply::Status(204));
    let status = served.get("/v1/connections/acme/status").await.json();
    let newest = status["changes_last"].as_u64().unwrap();
    let offset = |view: &Value| view["connections"][0]["offset"] == newest;
    until(&served, &format!("{path}/deliveries"), offset).await;
    let got = receiver.got();
    assert!(got.iter().any(|one| one.kind() == "candidates"), "the others came");
    assert!(got.iter().all(|one| !one.body.to_string().contains(email)), "{got:?}");
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn an_endpoint_that_hangs_slows_neither_another_endpoint_nor_a_sync() {
    let (hanging, receiver) = (Receiver::start(|_, _| Reply::Hang).await, accepting().await);
    let served = Served::start(SERVE).await;
    let newest = last(&served).await;
    for receiver in [&hanging, &receiver] {
        let path = endpoint(&served, receiver, json!({})).await;
        replay(&served, &path, 0).await;
    }
    hanging.until(|got| got.len() == 1).await;
    receiver.all_to(newest).await;
    assert_eq!(last(&served).await, newest);
    assert_eq!(hanging.got().len(), 1, "its one exchange is still open");
    assert_eq!(served.end().await, 0, "a stop does not wait for it");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_private_address_is_refused() {
    let target = accepting().await;
    let receiver = accepting().await;
    receiver.answer(Reply::Redirect(target.url.clone()));
    let served = Served::start(SERVE).await;
    last(&served).await;
    let path = endpoint(&served, &receiver, json!({})).await;
    replay(&served, &path, 0).await;
    receiver.until(|got| got.len() >= 3).await;
    let failing = |view: &Value| view["failures"].as_u64() >= Some(3);
    let view = until(&served, &format!("{path}/deliveries"), failing).await;
    assert_eq!(view["last_failure"]["reason"], "redirect", "{view}");
    assert_eq!(view["last_failure"]["status"], 307, "{view}");
    assert!(target.got().is_empty());
    let (_, site) = served.ended().await;
    // The operator takes the private network back: nothing more is sent there.
    let count = receiver.got().len();
    let served = Served::again(site, "seal_key = { env = \"SEAL\" }\n").await;
    let refused = |view: &Value| view["last_failure"]["reason"] == "refused";
    until(&served, &format!("{path}/deliveries"), refused).await;
    assert_eq!(receiver.got().len(), count);
    let https = receiver.url.replace("http:", "https:");
    let private = json!({ "url": https, "secret": SECRET }).to_string();
    let made = served.post(ENDPOINTS, &private).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{ENDPOINTS}/{}", made.json()["id"].as_str().unwrap());
    replay(&served, &path, 0).await;
    let view = until(&served, &format!("{path}/deliveries"), refused).await;
    let detail = view["last_failure"]["detail"].as_str().unwrap();
    assert!(detail.contains("loopback"), "{detail}");
    let clear = json!({ "url": receiver.url }).to_string();
    assert_eq!(served.post(ENDPOINTS, &clear).await.problem(), "invalid");
}

#[tokio::test]
async fn a_receiver_that_is_gone_disables_its_endpoint_until_it_is_enabled() {
    let receiver = accepting().await;
    receiver.answer(Reply::Status(410));
    let served = Served::start(SERVE).await;
    let newest = last(&served).await;
    let path = endpoint(&served, &receiver, json!({})).await;
    replay(&served, &path, 0).await;
    let view = until(&served, &path, |view| view["enabled"] == false).await;
    assert_eq!(view["disabled"]["reason"], "gone", "{view}");
    assert_eq!(
        (&view["disabled"]["status"], &view["disabled"]["serial"]),
        (&json!(410), &json!(1))
    );
    assert_eq!(receiver.got().len(), 1);
    assert!(served.get("/metrics").await.body.contains("webhook_endpoint_enabled{endpoint=\""));
    // Also after a restart.
    let (_, site) = served.ended().await;
    let served = Served::again(site, SERVE).await;
    assert_eq!(served.get(&path).await.json()["enabled"], false);
    receiver.answer(Reply::Status(200));
    let enabled = served.post(&format!("{path}/enable"), "").await;
    assert_eq!((enabled.status, &enabled.json()["disabled"]), (200, &Value::Null), "{enabled:?}");
    receiver.all_to(newest).await;
}

#[tokio::test]
async fn a_filter_decides_what_is_sent_from_when_it_is_changed() {
    let receiver = accepting().await;
    let served = Served::start(SERVE).await;
    let newest = last(&served).await;
    let path = endpoint(&served, &receiver, json!({ "kinds": ["jobs"] })).await;
    let deliveries = format!("{path}/deliveries");
    // It begins at the end of the feed.
    let view = served.get(&deliveries).await.json();
    assert_eq!(view["connections"][0]["offset"], newest, "{view}");
    replay(&served, &path, 0).await;
    until(&served, &deliveries, |view| view["connections"][0]["offset"] == newest).await;
    let jobs = receiver.got();
    assert!(!jobs.is_empty() && jobs.iter().all(|one| one.kind() == "jobs"), "{jobs:#?}");
    receiver.clear();
    let flipped = json!({ "url": receiver.url, "kinds": ["candidates"], "connections": ["acme"] });
    let put = served.put(&path, &flipped.to_string()).await;
    assert_eq!(put.status, 200, "{put:?}");
    replay(&served, &path, 0).await;
    receiver.until(|got| got.len() >= 60).await;
    until(&served, &deliveries, |view| view["connections"][0]["offset"] == newest).await;
    assert!(receiver.got().iter().all(|one| one.kind() == "candidates"));
    // One that is not enabled keeps its place.
    receiver.clear();
    let disabled = json!({ "url": receiver.url, "enabled": false }).to_string();
    assert_eq!(served.put(&path, &disabled).await.json()["enabled"], false);
    replay(&served, &path, newest - 1).await;
    assert_eq!(served.post(&format!("{path}/enable"), "").await.status, 200);
    let got = receiver.until(|got| !got.is_empty()).await;
    assert_eq!(got[0].serial, newest);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_is_in_the_store_sealed_alone() {
    let served = Served::start(SERVE).await;
    let new = json!({ "url": "https://host.example/hooks" }).to_string();
    let made = served.post(ENDPOINTS, &new).await;
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let path = format!("{ENDPOINTS}/{}", made.json()["id"].as_str().unwrap());
    let given = json!({ "url": "https://host.example/hooks", "secret": SECRET }).to_string();
    assert_eq!(served.post(ENDPOINTS, &given).await.status, 201);
    for place in [ENDPOINTS, &path, &format!("{path}/deliveries"), "/status", "/metrics"] {
        let shown = served.get(place).await.body;
        assert!(!shown.contains("whsec_") && !shown.contains(&secret), "{place}: {shown}");
    }
    let (_, site) = served.ended().await;
    let stored = std::fs::read(site.path("acme.redb")).unwrap();
    for secret in [secret.as_str(), SECRET] {
        let bare = secret.strip_prefix("whsec_").unwrap();
        assert!(!stored.windows(bare.len()).any(|part| part == bare.as_bytes()));
    }
    let served = Served::again(site, SERVE).await;
    assert_eq!(served.ask(&format!("DELETE {path}"), "", "").await.status, 204);
    assert_eq!(served.get(&path).await.problem(), "no-such-record");
    assert_eq!(served.get(ENDPOINTS).await.json()["endpoints"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_an_endpoint_is_named_and_changes_nothing() {
    let served = Served::start(SERVE).await;
    let url = "https://host.example/hooks";
    for (body, pointer) in [
        (json!({ "url": "host.example" }), "/url"),
        (json!({ "url": "https://user:password@host.example/" }), "/url"),
        (json!({ "url": url, "secret": "hunter2" }), "/secret"),
        (json!({ "url": url, "kinds": [] }), "/kinds"),
        (json!({ "url": url, "kinds": ["jubs"] }), "/kinds"),
        (json!({ "url": url, "connections": ["beta"] }), "/connections"),
        (json!({ "url": url, "colour": "red" }), ""),
    ] {
        let refused = served.post(ENDPOINTS, &body.to_string()).await;
        assert_eq!((refused.status, refused.problem()), (422, "invalid".to_owned()), "{body}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused:?}");
        assert!(!refused.body.contains("hunter2"), "{refused:?}");
    }
    let new = json!({ "url": url }).to_string();
    let made = served.post(ENDPOINTS, &new).await.json();
    let id = made["id"].as_str().unwrap();
    for _ in 1..20 {
        assert_eq!(served.post(ENDPOINTS, &new).await.status, 201);
    }
    assert_eq!(served.post(ENDPOINTS, &new).await.problem(), "invalid");
    for (from, kind) in [
        (json!({ "connection": "beta", "after": 0 }), "no-such-connection"),
        (json!({ "connection": "acme", "after": u64::MAX }), "changes-ahead"),
    ] {
        let refused = served.post(&format!("{ENDPOINTS}/{id}/replay"), &from.to_string()).await;
        assert_eq!(refused.problem(), kind);
    }
    let consumer = format!("/v1/connections/acme/consumers/webhook-endpoint:{id}");
    assert_eq!(served.put(&consumer, "{\"offset\":1}").await.problem(), "invalid");
    assert_eq!(served.ask(&format!("DELETE {consumer}"), "", "").await.problem(), "invalid");
    assert_eq!(served.post(&format!("{ENDPOINTS}/none/enable"), "").await.status, 404);
    assert_eq!(served.end().await, 0);
}

#[tokio::test]
async fn endpoints_need_the_scope_admin_all_connections_and_a_key() {
    let site = Site::start().await;
    let tokens = "tokens.w = { secret = { env = \"TOKEN\" }, scope = \"write\" }\n\
        tokens.a = { secret = { env = \"OTHER\" }, scope = \"admin\", connections = [\"acme\"] }\n";
    let served = Served::start_at(site, tokens).await;
    let new = json!({ "url": "https://host.example/hooks" }).to_string();
    for token in [crate::serve_support::TOKEN, crate::serve_support::OTHER] {
        let with = format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        for line in ["GET", "POST"] {
            let refused = served.ask(&format!("{line} {ENDPOINTS}"), &with, &new).await;
            assert_eq!(refused.problem(), "forbidden", "{line} {refused:?}");
        }
        let metrics = served.ask("GET /metrics", &with, "").await.body;
        assert!(!metrics.contains("endpoint=\""), "{metrics}");
    }
    let stream = tokio::net::UnixStream::connect(served.site.path("acme.redb.sock")).await.unwrap();
    let headers = "host: localhost\r\ncontent-type: application/json\r\n";
    let refused = exchange(stream, &format!("POST {ENDPOINTS}"), headers, &new).await;
    assert_eq!(refused.problem(), "configuration");
    assert!(refused.body.contains("seal_key"), "{refused:?}");
}
