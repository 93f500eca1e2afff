//! The pages for those who operate the server: the audit log, and the deliveries of webhooks out.

use crate::browser::{Browser, encoded, location};
use crate::payloads::{PAYLOADS, escaped, foreign_markup};
use crate::serve_support::{OTHER, SEAL, Served, TOKEN};
use crate::{ACME, until};
use serde_json::{Value, json};

const AUDIT: &str = "/console/audit";
const WEBHOOKS: &str = "/console/webhooks";
const SERVE: &str = r#"
seal_key = { env = "SEAL" }
allow_private_network = true
tokens.operator = { secret = { env = "TOKEN" }, scope = "admin" }
tokens.writer = { secret = { env = "OTHER" }, scope = "write" }
tokens.tenant = { secret = { env = "SEAL" }, scope = "admin", connections = ["acme"] }
"#;

async fn ask(served: &Served, line: &str, body: &str) -> Value {
    let headers = format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    let answer = served.ask(line, &headers, body).await;
    assert!(answer.status < 300, "{line}: {answer:?}");
    answer.json()
}

/// What the log has: how callers were known, what, how it ended.
async fn acts(served: &Served, query: &str) -> Vec<[String; 3]> {
    let page = ask(served, &format!("GET /v1/audit?{query}"), "").await;
    let part = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let entries = page["entries"].as_array().unwrap().iter();
    entries.map(|one| ["by", "what", "result"].map(|name| part(one, name))).collect()
}

#[tokio::test]
async fn acts_of_the_console_are_in_the_audit_log_which_an_unlimited_admin_reads() {
    let served = Served::start(SERVE).await;
    for _ in 0..2 {
        let wrong = Browser::default().send(&served, "/console/sign-in", &[("token", "x")]).await;
        assert_eq!(wrong.status, 403);
    }
    let operator = Browser::signed_in(&served, TOKEN).await;
    operator.follow(&served, &format!("{ACME}/plan"), &[]).await;
    operator.follow(&served, &format!("{ACME}/sweep"), &[("kind", "jobs")]).await;
    operator.submit(&served, &format!("{ACME}/intents/7/resolve"), &[("decision", "retry")]).await;
    operator.submit(&served, "/console/sign-out", &[]).await;
    let writer = Browser::signed_in(&served, OTHER).await;
    let refused = writer.submit(&served, &format!("{ACME}/intents/7/resolve"), &[]).await;
    assert_eq!(refused.status, 403);
    let console = |what: &str, result: &str| ["console", what, result].map(str::to_owned);
    let expected = [
        console("sign_in", "done"),
        console("plan", "done"),
        console("sweep", "done"),
        console("resolve", "refused"),
        console("sign_out", "done"),
        console("sign_in", "done"),
        // Counted, since the scope of the token does not allow it.
        console("resolve", "refused"),
    ];
    assert_eq!(acts(&served, "by=console").await, expected);
    let stranger = |what: &str| ["stranger", what, "refused"].map(str::to_owned);
    let counted = acts(&served, "by=stranger").await;
    assert_eq!(counted, [stranger("sign_in")]);
    let counted = ask(&served, "GET /v1/audit?what=resolve&who=writer", "").await;
    assert_eq!(counted["entries"][0]["problem"], "forbidden", "{counted}");
    // A job that was planned is named by the entry.
    let plans = ask(&served, "GET /v1/audit?what=plan", "").await;
    assert_eq!(plans["entries"][0]["target"].as_str().unwrap().len(), 32, "{plans}");
    let tenant = Browser::signed_in(&served, SEAL).await;
    for page in [AUDIT, WEBHOOKS, "/console/webhooks/1", "/console/webhooks/1/enable"] {
        for refused in [&writer, &tenant] {
            assert_eq!(refused.get(&served, page).await.status, 403, "{page}");
        }
    }
    for other in [&writer, &tenant] {
        assert!(!other.get(&served, "/console").await.body.contains(AUDIT));
    }
    for number in 0..60 {
        let line = format!("PUT /v1/connections/acme/consumers/c{number}");
        ask(&served, &line, "{\"offset\":0}").await;
    }
    let operator = Browser::signed_in(&served, TOKEN).await;
    assert!(operator.get(&served, "/console").await.body.contains(AUDIT));
    let page = operator.get(&served, AUDIT).await.body;
    for text in ["sign in", "operator", "console", "acknowledge", "c59", "Older entries"] {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
    let (_, older) = page.split_once("/console/audit?before=").unwrap();
    let older = older.split_once('"').unwrap().0.replace("&amp;", "&");
    let older = operator.get(&served, &format!("{AUDIT}?before={older}")).await.body;
    for text in ["c0<", "sweep", "sign out", "unauthenticated", "(2)", "Newest entries"] {
        assert!(older.contains(text), "{text} is missing in {older}");
    }
    assert!(!older.contains("c59") && !older.contains("Older entries"), "{older}");
    let of_writer = operator.get(&served, &format!("{AUDIT}?who=writer&connection=")).await.body;
    assert!(of_writer.contains("sign in") && !of_writer.contains("sweep"), "{of_writer}");
    for (query, status) in [("before=x", 422), ("befor=1", 422), ("before=0", 200)] {
        let answer = operator.get(&served, &format!("{AUDIT}?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn deliveries_are_sent_again_and_an_endpoint_is_enabled_after_a_confirmation() {
    let served = Served::start(SERVE).await;
    let operator = Browser::signed_in(&served, TOKEN).await;
    let empty = operator.get(&served, WEBHOOKS).await;
    assert!(empty.status == 200 && empty.body.contains("There is none."), "{empty:?}");
    // Nothing listens there.
    let new = json!({ "url": "http://127.0.0.1:9/hooks", "enabled": false, "kinds": ["jobs"] });
    let made = ask(&served, "POST /v1/webhook-endpoints", &new.to_string()).await;
    let id = made["id"].as_str().unwrap();
    let at = format!("{WEBHOOKS}/{id}");
    let list = operator.get(&served, WEBHOOKS).await.body;
    assert!(list.contains("127.0.0.1:9") && list.contains("by a user"), "{list}");
    let page = operator.get(&served, &at).await.body;
    for text in ["Enable it", "No change was given up.", "nothing waits", "acme", "jobs"] {
        assert!(page.contains(text), "{text} is missing in {page}");
    }
    let deliveries = format!("GET /v1/webhook-endpoints/{id}/deliveries");
    let view = ask(&served, &deliveries, "").await;
    let offset = view["connections"][0]["offset"].as_u64().unwrap();
    assert!(offset > 1);
    let again = format!("{at}/replay?connection=acme&after=0");
    let confirmation = operator.get(&served, &again).await;
    assert!(confirmation.body.contains(&format!("action=\"{at}/replay\"")), "{confirmation:?}");
    assert!(!confirmation.body.contains("skips"), "{confirmation:?}");
    for (query, status) in [
        ("connection=acme&after=99999999", 409),
        ("connection=none&after=0", 404),
        ("connection=acme&after=x", 422),
        ("connection=acme", 422),
    ] {
        let refused = operator.get(&served, &format!("{at}/replay?{query}")).await;
        assert_eq!(refused.status, status, "{query}: {refused:?}");
    }
    let fields = [("connection", "acme"), ("after", "0")];
    for path in ["replay", "enable"] {
        let path = format!("{at}/{path}");
        assert_eq!(operator.send(&served, &path, &fields).await.status, 403, "{path}");
    }
    assert_eq!(ask(&served, &deliveries, "").await["connections"][0]["offset"], offset);
    let sent = operator.submit(&served, &format!("{at}/replay"), &fields).await;
    assert_eq!((sent.status, location(&sent)), (303, at.clone()));
    assert_eq!(ask(&served, &deliveries, "").await["connections"][0]["offset"], 0);
    let skipping = format!("{at}/replay?connection=acme&after={offset}");
    let skipping = operator.get(&served, &skipping).await.body;
    assert!(skipping.contains("This skips changes."), "{skipping}");
    let enabling = operator.get(&served, &format!("{at}/enable")).await.body;
    assert!(enabling.contains("Cancel") && enabling.contains("127.0.0.1:9"), "{enabling}");
    let enabled = operator.submit(&served, &format!("{at}/enable"), &[]).await;
    assert_eq!((enabled.status, location(&enabled)), (303, at.clone()));
    let failing = until(&served, &operator, &at, "unreachable").await;
    assert!(failing.contains(">failing<") && failing.contains("Try it now"), "{failing}");
    let list = operator.get(&served, WEBHOOKS).await.body;
    assert!(list.contains("in a row") && !list.contains("nothing waits"), "{list}");
    assert_eq!(operator.get(&served, &format!("{WEBHOOKS}/none")).await.status, 404);
    let done = ask(&served, "GET /v1/audit?by=console&after=1", "").await;
    let of = |number: usize| {
        (done["entries"][number]["what"].clone(), done["entries"][number]["target"].clone())
    };
    let expected = |what: &str| (json!(what), json!(id));
    assert_eq!(
        (of(0), of(1)),
        (expected("replay_deliveries"), expected("enable_webhook_endpoint"))
    );
}

#[tokio::test]
async fn no_text_of_a_caller_is_markup_on_these_pages() {
    let served = Served::start(SERVE).await;
    let operator = Browser::signed_in(&served, TOKEN).await;
    for payload in PAYLOADS.iter().filter(|payload| payload.len() <= 100) {
        let new = json!({ "name": payload, "scope": "read" }).to_string();
        ask(&served, "POST /v1/tokens", &new).await;
    }
    for payload in &PAYLOADS[..10] {
        let url = format!("http://127.0.0.1:9/?{payload}");
        let new = json!({ "url": url, "enabled": false }).to_string();
        ask(&served, "POST /v1/webhook-endpoints", &new).await;
    }
    let mut pages = Vec::new();
    let mut paths = vec![AUDIT.to_owned(), format!("{AUDIT}?before=40"), WEBHOOKS.to_owned()];
    for payload in PAYLOADS {
        let given = encoded(payload);
        paths.push(format!("{AUDIT}?who={given}&connection={given}"));
        paths.push(format!("{WEBHOOKS}/{given}"));
    }
    let listed = ask(&served, "GET /v1/webhook-endpoints", "").await;
    for one in listed["endpoints"].as_array().unwrap() {
        let at = format!("{WEBHOOKS}/{}", one["id"].as_str().unwrap());
        paths.extend([
            at.clone(),
            format!("{at}/enable"),
            format!("{at}/replay?connection=acme&after=0"),
        ]);
    }
    for path in paths {
        let page = operator.get(&served, &path).await.body;
        assert_eq!(foreign_markup(&page), None, "{path}: {page}");
        pages.push(page);
    }
    let all = pages.concat();
    for payload in PAYLOADS {
        assert!(all.contains(&escaped(payload)), "{payload} is on no page");
    }
}
