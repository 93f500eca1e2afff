//! Webhooks of a connection that a customer made on the connect page: set up by itself after a
//! consent, and by hand with any other credential.

use crate::customer::{Browser, Vendor, client_table};
use crate::serve_support::Answer;
use atsync_greenhouse_sandbox::{NewWebhook, Recruiter};
use serde_json::{Value, json};

/// Asks until it is known who sets the webhooks up.
async fn set_up(vendor: &Vendor, name: &str) -> Value {
    loop {
        let view = vendor.served.get(&format!("/v1/connections/{name}/webhook")).await;
        if view.status == 200 && !view.json()["set_up"].is_null() {
            return view.json();
        }
    }
}

/// Consents, and returns the page that it leads to.
async fn consented(vendor: &Vendor, link: &str, browser: &mut Browser) -> Answer {
    let back = browser.decided(vendor, link, "allow").await;
    let answer = browser.get(vendor, &back).await;
    browser.follow(vendor, answer).await
}

/// A change of a recruiter arrives in the feed before the next pull, which is minutes away.
async fn arrives(vendor: &Vendor, name: &str) {
    let sandbox = vendor.served.site.sandbox();
    let status = vendor.served.get(&format!("/v1/connections/{name}/status")).await.json();
    let last = status["changes_last"].as_u64().unwrap();
    let candidate_id = sandbox.rows("candidates")[0]["id"].as_i64().unwrap();
    let (first_name, last_name) = ("Hypatia".to_owned(), "Renamed".to_owned());
    sandbox.recruiter(&Recruiter::Rename { candidate_id, first_name, last_name }).unwrap();
    let feed = format!("/v1/connections/{name}/changes?after={last}&wait=30");
    let mut feed = vendor.served.get(&feed).await.json();
    let is_it = |change: &Value| change["after"]["name"]["first"] == "Hypatia";
    while !feed["changes"].as_array().unwrap().iter().any(is_it) {
        let last = feed["changes"].as_array().unwrap().last();
        let last = last.unwrap_or_else(|| panic!("it does not arrive"));
        let path = format!("/v1/connections/{name}/changes?after={}&wait=30", last["serial"]);
        feed = vendor.served.get(&path).await.json();
    }
}

#[tokio::test]
async fn after_a_consent_webhooks_set_themselves_up_and_go_with_the_connection() {
    let vendor = Vendor::with_client().await;
    let sandbox = vendor.served.site.sandbox().clone();
    let foreign = NewWebhook::new("http://127.0.0.1:9/someone", "s");
    sandbox.add_webhook(&foreign).unwrap();
    vendor.served.site.running.hooks_settled().await;
    let before = sandbox.webhooks();
    let (link, mut browser) = (vendor.linked("beta").await, Browser::default());
    let page = consented(&vendor, &link, &mut browser).await;
    assert!(page.body.contains("The connection works"), "{page:?}");
    assert!(page.body.contains("created by the connection itself"), "{page:?}");
    let view = set_up(&vendor, "beta").await;
    assert_eq!(view["set_up"], "by_itself", "{view}");
    vendor.served.site.running.hooks_settled().await;
    let url = view["url"].as_str().unwrap();
    let own = |one: &&Value| one["endpoint_url"] == url;
    let all = sandbox.webhooks();
    let events = view["events"].as_array().unwrap().len();
    assert_eq!(all.iter().filter(own).count(), events);
    assert!(all.iter().filter(own).all(|one| one["deactivated"] == false), "{all:#?}");
    vendor.pulled("beta").await;
    arrives(&vendor, "beta").await;
    // The secret is drawn here, and goes to the ATS alone.
    let sent = sandbox.requests();
    let creation = sent.iter().find(|one| one.method == "POST" && one.path == "/v3/webhooks");
    let body: Value = serde_json::from_str(&creation.unwrap().body).unwrap();
    let secret = body["secret_key"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 32 && !view.to_string().contains(&secret));
    vendor.hides(&[&secret]);
    let gone = vendor.served.ask("DELETE /v1/connections/beta", "", "").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(sandbox.webhooks(), before, "those of others stay");
    vendor.hides(&[&secret]);
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn webhooks_are_in_order_again_after_a_restart_with_another_address() {
    let vendor = Vendor::with_client().await;
    let sandbox = vendor.served.site.sandbox().clone();
    let (link, mut browser) = (vendor.linked("beta").await, Browser::default());
    consented(&vendor, &link, &mut browser).await;
    let events = set_up(&vendor, "beta").await["events"].as_array().unwrap().len();
    vendor.served.site.running.hooks_settled().await;
    let old = sandbox.webhooks();
    // Another port is another address. While it is down a recruiter's change disables nothing, and
    // a person deletes one.
    assert!(sandbox.remove_webhook(old[0]["id"].as_i64().unwrap()));
    let vendor = vendor.killed(&client_table("")).await;
    let url = set_up(&vendor, "beta").await["url"].clone();
    vendor.served.site.running.hooks_settled().await;
    let all = sandbox.webhooks();
    assert_eq!(all.len(), events, "none is double");
    assert!(
        all.iter().all(|one| one["endpoint_url"] == url && one["deactivated"] == false),
        "{all:#?}"
    );
    assert!(old.iter().all(|one| one["endpoint_url"] != url), "the address is another one");
    arrives(&vendor, "beta").await;
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_customers_own_credential_is_told_what_to_paste_where_and_that_works() {
    let vendor = Vendor::start("").await;
    let sandbox = vendor.served.site.sandbox().clone();
    let (link, mut browser) = (vendor.linked("beta").await, Browser::default());
    let page = browser.give(&vendor, &link, "sandbox-secret").await;
    assert!(page.body.contains("The connection works"), "{page:?}");
    let view = set_up(&vendor, "beta").await;
    assert_eq!(view["set_up"], "by_hand", "{view}");
    assert!(sandbox.webhooks().is_empty());
    let page = browser.get(&vendor, &link).await;
    assert!(page.body.contains("Configure &gt; Dev Center &gt; Web Hooks"), "{page:?}");
    assert!(page.body.contains("candidate_stage_change"), "{page:?}");
    let of = |name: &str| {
        let (_, rest) = page.body.split_once(&format!("<dt>{name}</dt>")).unwrap();
        let (_, rest) = rest.split_once("<code>").unwrap();
        rest.split_once("</code>").unwrap().0.to_owned()
    };
    let (url, secret) = (of("Endpoint URL"), of("Secret key"));
    assert_eq!(view["url"], json!(url));
    vendor.pulled("beta").await;
    sandbox.add_webhook(&NewWebhook::new(&url, &secret)).unwrap();
    vendor.served.site.running.hooks_settled().await;
    assert!(sandbox.webhooks().iter().all(|one| one["deactivated"] == false));
    arrives(&vendor, "beta").await;
    let beta = vendor.connection("beta").await.json();
    let arriving = beta["conditions"].as_array().unwrap();
    let arriving = arriving.iter().find(|one| one["type"] == "WebhooksArriving").unwrap();
    assert_eq!(arriving["status"], true, "{beta}");
    // Another browser does not see it, nor does the store or the log.
    assert!(!Browser::default().get(&vendor, &link).await.body.contains(&secret));
    vendor.hides(&[&secret]);
    assert_eq!(vendor.served.end().await, 0);
}

#[tokio::test]
async fn a_consent_without_the_scope_registers_nothing_and_is_well() {
    let table = client_table(
        ", scopes = [\"harvest:candidates:list\", \"harvest:applications:list\", \
         \"harvest:jobs:list\", \"harvest:users:list\"]",
    );
    let vendor = Vendor::start(&table).await;
    let (link, mut browser) = (vendor.linked("beta").await, Browser::default());
    consented(&vendor, &link, &mut browser).await;
    let view = set_up(&vendor, "beta").await;
    assert_eq!(view["set_up"], "by_hand", "{view}");
    assert!(vendor.served.site.sandbox().webhooks().is_empty());
    vendor.pulled("beta").await;
    let beta = vendor.connection("beta").await.json();
    let conditions = beta["conditions"].as_array().unwrap();
    assert!(conditions.iter().all(|one| one["type"] != "WebhooksArriving"), "{beta}");
    assert_eq!(vendor.served.end().await, 0);
}
