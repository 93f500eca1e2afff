//! The connect page of `atsync serve`: a customer connects by a credential and by a consent, over
//! real sockets, against the sandbox.
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

#[path = "../cli_support/mod.rs"]
mod cli_support;
mod command;
mod customer;
#[path = "../serve_support/mod.rs"]
mod serve_support;
mod webhooks;

use atsync::{Engine, Note};
use customer::{Browser, CLIENT_SECRET, Vendor, client_table, location, raw};
use serde_json::{Value, json};
use serve_support::SEAL;

/// What is in clear in no place: what a customer, the vendor and the operator gave.
const SECRETS: &[&str] = &["sandbox-secret", CLIENT_SECRET, SEAL];

#[tokio::test]
async fn a_customer_gives_a_credential_and_the_link_is_used_up() {
    let vendor = Vendor::start("").await;
    let link = vendor.linked("beta").await;
    let mut browser = Browser::default();
    let page = browser.get(&vendor, &link).await;
    assert!(page.body.contains("Acme Referrals") && page.body.contains("Client ID"), "{page:?}");
    assert!(page.body.contains("Configure &gt; Dev Center"), "where to click: {page:?}");
    assert!(page.head.contains("samesite=lax") && page.head.contains("httponly"), "{page:?}");
    assert!(page.head.contains("form-action 'self'"), "{page:?}");
    let style = browser.get(&vendor, &format!("{link}/theme.css")).await;
    let (light, dark) = style.body.split_once("@media").unwrap();
    assert!(!light.contains("#ff8800") && dark.contains("#ff8800"), "{style:?}");
    let refused = browser.give(&vendor, &link, "wrong").await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("refused the credential"), "{refused:?}");
    assert_eq!(vendor.connection("beta").await.problem(), "no-such-connection");
    let given = browser.give(&vendor, &link, "sandbox-secret").await;
    assert!(given.body.contains("The connection works"), "{given:?}");
    vendor.pulled("beta").await;
    let finished = browser.send(&vendor, &link, "/finish", &[]).await;
    let done = browser.follow(&vendor, finished).await;
    assert!(done.body.contains("https://host.example/settings?done=1"), "{done:?}");
    // The one who used it sees that it is done; it does nothing more.
    assert_eq!(Browser::default().get(&vendor, &link).await.status, 410);
    let again = browser.send_with(&vendor, &format!("{link}/credential"), "x", &[]).await;
    assert_eq!(again.status, 410, "{again:?}");
    let listed = vendor.served.get("/v1/connect-links").await;
    assert_eq!(listed.json()["links"][0]["state"], "used");
    let token = link.strip_prefix("/connect/").unwrap();
    assert!(!listed.body.contains(token), "a list shows the token");
    vendor.hides(SECRETS);
    vendor.hides(&[token]);
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_missing_permission_is_listed_with_where_to_grant_it_and_heals() {
    let vendor = Vendor::start("").await;
    let sandbox = vendor.served.site.sandbox().clone();
    sandbox.set_access(|access| {
        access.scopes.remove("harvest:candidates:list");
    });
    let link = vendor.linked("beta").await;
    let mut browser = Browser::default();
    let page = browser.give(&vendor, &link, "sandbox-secret").await;
    assert!(page.body.contains("Something is missing"), "{page:?}");
    assert!(page.body.contains("harvest:candidates:list"), "{page:?}");
    assert!(page.body.contains("Harvest V3 credential"), "where to grant it: {page:?}");
    let unfinished = browser.send(&vendor, &link, "/finish", &[]).await;
    assert!(browser.follow(&vendor, unfinished).await.body.contains("Something is missing"));
    sandbox.set_access(|access| {
        access.scopes.insert("harvest:candidates:list".to_owned());
    });
    let checked = browser.send(&vendor, &link, "/check", &[]).await;
    let page = browser.follow(&vendor, checked).await;
    assert!(page.body.contains("The connection works"), "{page:?}");
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_customer_consents_and_every_callback_but_the_right_one_redeems_nothing() {
    let vendor = Vendor::with_client().await;
    let sandbox = vendor.served.site.sandbox().clone();
    let (link, other_link) = (vendor.linked("beta").await, vendor.linked("gamma").await);
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    let back = browser.decided(&vendor, &link, "allow").await;
    let others = other.decided(&vendor, &other_link, "allow").await;
    let part = |path: &str, name: &str| {
        let query = path.split_once('?').unwrap().1;
        let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        found.unwrap().to_owned()
    };
    let code = part(&back, "code");
    let state = part(&back, "state");
    for wrong in [
        format!("/connect/callback?code={code}"),
        format!("/connect/callback?code={code}&state="),
        format!("/connect/callback?code={code}&state=x{state}"),
        format!("/connect/callback?code={code}&state={state}&state={state}"),
        // Another customer's callback in this browser.
        others.clone(),
    ] {
        let refused = browser.get(&vendor, &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {refused:?}");
    }
    // The right callback in browsers that are not the link's.
    assert_eq!(other.get(&vendor, &back).await.status, 400);
    assert_eq!(Browser::default().get(&vendor, &back).await.status, 400);
    assert!(sandbox.token_pairs().is_empty(), "a code was redeemed");
    let right = browser.get(&vendor, &back).await;
    assert_eq!((right.status, location(&right)), (303, link.clone()), "{right:?}");
    let page = browser.follow(&vendor, right).await;
    assert!(page.body.contains("The connection works"), "{page:?}");
    assert_eq!(sandbox.token_pairs().len(), 1);
    // The callback once more.
    assert_eq!(browser.get(&vendor, &back).await.status, 400);
    vendor.pulled("beta").await;
    let finished = browser.send(&vendor, &link, "/finish", &[]).await;
    assert!(browser.follow(&vendor, finished).await.body.contains("Connected"));
    assert!(vendor.connection("beta").await.json()["healthy"].as_bool().unwrap());
    assert!(sandbox.consents().iter().all(|consent| consent.revoked_ms.is_none()));
    vendor.hides(SECRETS);
    vendor.hides(&[&code, &state, "refresh_token"]);
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_refused_consent_says_so_and_the_link_begins_anew() {
    let vendor = Vendor::with_client().await;
    let link = vendor.linked("beta").await;
    let mut browser = Browser::default();
    let back = browser.decided(&vendor, &link, "deny").await;
    let denied = browser.get(&vendor, &back).await;
    let page = browser.follow(&vendor, denied).await;
    assert!(page.body.contains("The consent was refused in Greenhouse"), "{page:?}");
    assert_eq!(vendor.connection("beta").await.problem(), "no-such-connection");
    let back = browser.decided(&vendor, &link, "allow").await;
    let right = browser.get(&vendor, &back).await;
    assert!(browser.follow(&vendor, right).await.body.contains("The connection works"));
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_kill_after_a_consent_leaves_a_usable_pair_and_a_kill_before_leaves_a_link_that_works() {
    let table = client_table("");
    let vendor = Vendor::with_client().await;
    let link = vendor.linked("beta").await;
    let mut browser = Browser::default();
    let back = browser.decided(&vendor, &link, "allow").await;
    // The state is lost with the process: its callback redeems nothing, and the link begins anew.
    let vendor = vendor.killed(&table).await;
    assert_eq!(browser.get(&vendor, &back).await.status, 400);
    assert!(vendor.served.site.sandbox().token_pairs().is_empty());
    let back = browser.decided(&vendor, &link, "allow").await;
    let right = browser.get(&vendor, &back).await;
    assert_eq!(right.status, 303, "{right:?}");
    let vendor = vendor.killed(&table).await;
    vendor.pulled("beta").await;
    let page = browser.get(&vendor, &link).await;
    assert!(page.body.contains("The connection works"), "the link goes on: {page:?}");
    let finished = browser.send(&vendor, &link, "/finish", &[]).await;
    assert!(browser.follow(&vendor, finished).await.body.contains("Connected"));
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_consent_replaces_a_key_and_a_consent_and_keeps_what_is_known() {
    let vendor = Vendor::with_client().await;
    let link = vendor.linked("beta").await;
    let mut browser = Browser::default();
    let given = browser.give(&vendor, &link, "sandbox-secret").await;
    assert!(given.body.contains("The connection works"), "{given:?}");
    vendor.pulled("beta").await;
    let declared = r#"{"name":{"first":"Ada","last":"Obi"},"emails":["ada@new.example.com"]}"#;
    let put = vendor.served.put("/v1/connections/beta/desired/a", declared).await;
    assert_eq!(put.status, 201, "{put:?}");
    for _ in 0..2 {
        let page = browser.get(&vendor, &format!("{link}?why=another")).await;
        assert!(page.body.contains("Allow it in Greenhouse"), "{page:?}");
        let proof = page.body.split_once("name=\"csrf\" value=\"").unwrap().1;
        let proof = proof.split('"').next().unwrap().to_owned();
        let back = browser.allowed_with(&vendor, &link, &proof).await;
        let right = browser.get(&vendor, &back).await;
        let page = browser.follow(&vendor, right).await;
        assert!(page.body.contains("The connection works"), "{page:?}");
    }
    let row = vendor.served.get("/v1/connections/beta/desired/a").await;
    assert_eq!(row.json()["record"]["emails"][0], "ada@new.example.com");
    let pulled = vendor.served.post("/v1/connections/beta/pull", r#"{"kinds":["jobs"]}"#).await;
    assert_eq!(pulled.status, 200, "{pulled:?}");
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_link_belongs_to_the_browser_that_sent_its_first_form_and_a_look_uses_nothing_up() {
    let vendor = Vendor::start("").await;
    let link = vendor.linked("beta").await;
    // A program that scans mail, and a stranger.
    let (mut stranger, mut browser) = (Browser::default(), Browser::default());
    assert_eq!(stranger.get(&vendor, &link).await.status, 200);
    let given = browser.give(&vendor, &link, "sandbox-secret").await;
    assert_eq!(given.status, 200, "{given:?}");
    assert_eq!(stranger.get(&vendor, &link).await.status, 403);
    let proof = "0".repeat(64);
    for form in ["/credential", "/consent", "/check", "/finish"] {
        let path = format!("{link}{form}");
        assert_eq!(stranger.send_with(&vendor, &path, &proof, &[]).await.status, 403, "{form}");
        // The right browser, sent by a page of another site.
        assert_eq!(browser.send_with(&vendor, &path, &proof, &[]).await.status, 403, "{form}");
    }
    let host = format!("host: {}\r\n", vendor.served.address);
    let (line, origin) = (format!("POST {link}/finish"), "origin: https://evil.example\r\n");
    assert_eq!(raw(&vendor, &line, &format!("{host}{origin}")).await.status, 403);
    // A link opens nothing else, and an unknown one opens nothing.
    for path in ["/connect/0000", "/connect/", &format!("{link}/other")] {
        assert_eq!(browser.get(&vendor, path).await.status, 404, "{path}");
    }
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_link_that_has_ended_or_was_revoked_does_nothing() {
    let vendor = Vendor::start("").await;
    let link = vendor.linked("beta").await;
    let revoked = vendor.linked("gamma").await;
    let links = vendor.served.get("/v1/connect-links").await.json();
    let of_gamma =
        links["links"].as_array().unwrap().iter().find(|one| one["connection"] == "gamma");
    let id = of_gamma.unwrap()["id"].as_str().unwrap().to_owned();
    let gone = vendor.served.ask(&format!("DELETE /v1/connect-links/{id}"), "", "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(Browser::default().get(&vendor, &revoked).await.status, 404);
    let (code, site) = vendor.served.ended().await;
    assert_eq!(code, 0);
    // Its time passes.
    let engine = Engine::builder().store_file(site.path("acme.redb")).unwrap().build().unwrap();
    let rows = engine.notes_page("connect-links", None, 10).await.unwrap();
    let (key, value) = rows.into_iter().next().unwrap();
    let mut stored: Value = serde_json::from_slice(&value).unwrap();
    stored["ends_ms"] = json!(1);
    let note = Note::put("connect-links", &key, serde_json::to_vec(&stored).unwrap());
    engine.put_notes(vec![note]).await.unwrap();
    engine.close().await.unwrap();
    let vendor = Vendor::start_at(site, "").await;
    let mut browser = Browser::default();
    assert_eq!(browser.get(&vendor, &link).await.status, 410);
    let sent = browser.send_with(&vendor, &format!("{link}/credential"), "x", &[]).await;
    assert_eq!(sent.status, 410, "{sent:?}");
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_link_that_could_not_work_or_leads_elsewhere_is_refused_when_it_is_made() {
    let vendor = Vendor::start("").await;
    let good = vendor.link("beta");
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let added = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (with("/return_url", json!("http://host.example/")), "/return_url"),
        (with("/return_url", json!("javascript:alert(1)")), "/return_url"),
        (with("/return_url", json!("https://a@host.example/")), "/return_url"),
        (with("/theme/colour", json!("red; } body { display: none")), "/theme/colour"),
        (with("/theme/name", json!("a\u{202e}b")), "/theme/name"),
        (added("theme", json!({ "name": "A", "logo": "PHN2Zz48L3N2Zz4=" })), "/theme/logo"),
        (added("life_ms", json!(2_592_000_001_u64)), "/life_ms"),
        (added("life_ms", json!(0)), "/life_ms"),
        (added("client", json!("vendor")), "/client"),
        (with("/adapter", json!("greenhuose")), "/adapter"),
        (with("/origins", json!({ "api": "ftp://x" })), ""),
        (added("settings", json!({ "sauce": 1 })), ""),
    ] {
        let refused = vendor.served.post("/v1/connect-links", &body.to_string()).await;
        assert_eq!((refused.status, refused.problem()), (422, "invalid".to_owned()), "{body}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{body}: {refused:?}");
    }
    assert!(
        vendor.served.get("/v1/connect-links").await.json()["links"].as_array().unwrap().is_empty()
    );
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn no_link_is_made_to_a_client_whose_secret_cannot_be_read_and_a_reload_reports_each() {
    let missing = client_table("").replace("CLIENT_SECRET", "NOT_SET");
    let other = missing.replace("clients.vendor", "clients.other").replace("greenhouse", "another");
    let vendor = Vendor::start(&format!("{missing}{other}")).await;
    let body = vendor.link("beta").to_string();
    let refused = vendor.served.post("/v1/connect-links", &body).await;
    assert_eq!((refused.status, refused.problem()), (409, "configuration".to_owned()));
    let names = "serve.clients.vendor.client_secret";
    assert!(refused.json()["detail"].as_str().unwrap().contains(names), "{refused:?}");
    let reloaded = vendor.served.post("/v1/reload", "").await.json();
    for names in [names, "serve.clients.other.client_secret"] {
        assert!(reloaded["refused"]["serve"].as_str().unwrap().contains(names), "{reloaded}");
        assert!(vendor.log.lock().unwrap().contains(names));
    }
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_credential_that_was_stored_is_not_reported_as_failed_by_a_reload_that_fails() {
    let vendor = Vendor::start("").await;
    let (link, again) = (vendor.linked("beta").await, vendor.linked("beta").await);
    Browser::default().give(&vendor, &link, "sandbox-secret").await;
    vendor.pulled("beta").await;
    let file = vendor.served.site.path("acme.toml");
    let other = std::fs::read_to_string(&file).unwrap().replace("acme.redb", "other.redb");
    vendor.served.site.write("acme.toml", &other);
    let given = Browser::default().give(&vendor, &again, "sandbox-secret").await;
    assert!(given.body.contains("The connection works"), "{given:?}");
    assert!(vendor.log.lock().unwrap().contains("another store needs a restart"));
}

#[tokio::test]
async fn what_a_customer_does_is_in_the_audit_log_by_the_id_of_the_link() {
    let vendor = Vendor::with_client().await;
    let (link, other) = (vendor.linked("beta").await, vendor.linked("gamma").await);
    let (mut browser, mut consenting) = (Browser::default(), Browser::default());
    browser.get(&vendor, &link).await;
    browser.give(&vendor, &link, "wrong").await;
    browser.give(&vendor, &link, "sandbox-secret").await;
    browser.send(&vendor, &link, "/finish", &[]).await;
    let back = consenting.decided(&vendor, &other, "allow").await;
    consenting.get(&vendor, &back).await;
    // Of strangers, whose requests are not of a link, nothing but their number is kept.
    for path in ["/connect/nothing/credential", "/connect/nothing/finish"] {
        browser.send_with(&vendor, path, "x", &[]).await;
    }
    Browser::default().get(&vendor, &back).await;
    let log = vendor.served.get("/v1/audit").await.json();
    let entries = log["entries"].as_array().unwrap();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let members = ["by", "what", "connection", "result", "problem"];
    let of = |entry: &Value| members.map(|name| text(entry, name));
    let found: Vec<[String; 5]> = entries.iter().map(of).collect();
    let expected = [
        ["local", "make_connect_link", "", "done", ""],
        ["local", "make_connect_link", "", "done", ""],
        ["link", "give_credential", "beta", "refused", "credential-refused"],
        ["link", "give_credential", "beta", "done", ""],
        ["link", "finish_link", "beta", "done", ""],
        ["link", "begin_consent", "gamma", "done", ""],
        ["link", "finish_consent", "gamma", "done", ""],
        ["stranger", "give_credential", "", "refused", "no-such-record"],
        ["stranger", "finish_consent", "", "refused", "forged-form"],
        ["stranger", "finish_link", "", "refused", "no-such-record"],
    ];
    assert_eq!(found, expected.map(|one| one.map(str::to_owned)));
    // The entry that made the link names the same id.
    for (made, used) in [(0, 2), (0, 3), (0, 4), (1, 5), (1, 6)] {
        assert_eq!(entries[made]["target"], entries[used]["who"]);
    }
    assert_eq!(text(&entries[0], "target").len(), 16);
    let token = link.strip_prefix("/connect/").unwrap();
    assert!(!log.to_string().contains(token), "the token of a link is in the log");
}
