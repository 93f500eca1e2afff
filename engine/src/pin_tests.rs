//! A component that was swapped, against a transport that counts requests.

use super::*;
use crate::adapter::{AdapterError, manifest_check};
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::store::memory::MemoryStore;
use crate::testing::{ManualClock, Scripted, answer};
use crate::{Connection, ConnectionOptions, Credential, Engine};
use atsync_model::contract::{
    Body, Continuation, Effect, Failure, Given, Path, Reply, Request, Send, Step, Target, Task,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Sends each task's request to its own origin, whatever its name is.
#[derive(Debug)]
struct Component {
    manifest: Manifest,
    hash: &'static str,
    is_vouched_for: bool,
    asks: (&'static str, &'static str),
}

impl Adapter for Component {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn code_hash(&self) -> Option<&str> {
        Some(self.hash)
    }

    fn is_vouched_for(&self) -> bool {
        self.is_vouched_for
    }

    fn start(&self, _task: Task, _given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let (method, path) = self.asks;
        let request = Request {
            origin: "api".into(),
            method: method.into(),
            target: Target::Path(Path { path: path.into(), query: Vec::new() }),
            headers: Vec::new(),
            body: Body::None,
        };
        Ok(Ok(Step::Send(Send {
            request,
            state: Vec::new(),
            effect: Effect::Safe,
            secrets: Vec::new(),
        })))
    }

    fn resume(
        &self,
        _: Continuation,
        _: Given,
        _: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        Ok(Err(Failure::Protocol("no more is asked".into())))
    }
}

fn sound() -> Value {
    json!({
        "name": "ats", "version": "1.0.0", "title": "ATS", "contract": "ats:adapter@0.1.0",
        "origins": [
            {"name": "api", "base": {"how": "fixed", "url": "https://api.ats.test"},
                "credential": true},
            {"name": "auth", "base": {"how": "fixed", "url": "https://auth.ats.test"},
                "credential": false},
        ],
        "auth": [{"scheme": "oauth2-client-credentials", "token_origin": "auth",
            "token_path": "/token"}],
        "safe": [{"method": "POST", "origin": "api", "path": "/*.list/*/ids"}],
        "kinds": [{"name": "jobs", "scan": {"how": "list"}, "page_max": 10, "fields": []}],
        "permissions": [{"id": "read", "label": "Read", "grant_at": "there",
            "without_it": "nothing"}]
    })
}

fn component(manifest: &Value, hash: &'static str) -> Component {
    let manifest = manifest_check::read(&manifest.to_string()).unwrap();
    Component { manifest, hash, is_vouched_for: true, asks: ("GET", "/jobs") }
}

struct World {
    engine: Engine,
    transport: Arc<Scripted>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(1_778_507_624_000);
        let token = r#"{"access_token":"t0ken","expires_in":3600}"#;
        let transport = Scripted::new(&clock, move |_, _| (0, answer(200, &[], token)));
        let engine = Engine::builder()
            .store(Arc::new(MemoryStore::default()))
            .transport(transport.clone())
            .clock(clock)
            .build()
            .unwrap();
        Self { engine, transport }
    }

    fn sent(&self) -> usize {
        self.transport.seen(<[_]>::len)
    }

    async fn connect(
        &self,
        adapter: Component,
        change: impl FnOnce(&mut ConnectionOptions),
    ) -> Result<Connection, Error> {
        let credential = Credential::ClientCredentials {
            client_id: "id".to_owned(),
            client_secret: Secret::new("s3cret"),
        };
        let mut options = ConnectionOptions::new("acme", Arc::new(adapter), credential);
        change(&mut options);
        self.engine.connect(options).await
    }
}

#[tokio::test]
async fn a_swapped_component_sends_nothing_and_the_refusal_says_what_changed_and_how_to_accept_it()
{
    let changes: &[(&str, Value, &str)] = &[
        (
            "/origins/0/base/url",
            json!("https://evil.test"),
            "the origin api was https://api.ats.test and is https://evil.test",
        ),
        (
            "/origins/1/base/url",
            json!("https://evil.test"),
            "the origin auth was https://auth.ats.test",
        ),
        ("/origins/1/credential", json!(true), "an origin gets the credential that did not: auth"),
        (
            "/auth/0/token_origin",
            json!("api"),
            "a secret goes where it did not: the client's secret to api/token",
        ),
        ("/auth/0/token_path", json!("/log"), "the client's secret to auth/log"),
        ("/auth/0", json!({"scheme": "header", "name": "x-note"}), "the key in the header x-note"),
        (
            "/safe/0/path",
            json!("/candidates"),
            "a request counts as safe that did not: POST /candidates at api",
        ),
    ];
    for (place, value, words) in changes {
        let world = World::new();
        world.connect(component(&sound(), "one"), |_| {}).await.unwrap();
        let mut swapped = sound();
        *swapped.pointer_mut(place).unwrap() = value.clone();
        let error = world.connect(component(&swapped, "two"), |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let text = error.to_string();
        assert!(text.contains(words) && text.starts_with("acme: "), "{text}");
        assert_eq!(world.sent(), 0, "{place}");
        // The token of another declaration accepts nothing.
        assert!(
            world
                .connect(component(&swapped, "two"), |options| options.accept = Some("0123".into()))
                .await
                .is_err()
        );
        let word = text.split('"').nth(1).unwrap().to_owned();
        let accepted = world.connect(component(&swapped, "two"), |options| {
            options.accept = Some(word.clone());
            if place.ends_with("/0") {
                options.credential = Credential::Key(Secret::new("k"));
            }
        });
        accepted.await.unwrap();
        // The declaration is pinned now, so the token is not needed any more; the first declaration
        // would be a change.
        let later = world.connect(component(&swapped, "two"), |options| {
            if place.ends_with("/0") {
                options.credential = Credential::Key(Secret::new("k"));
            }
        });
        later.await.unwrap();
    }
}

#[tokio::test]
async fn an_origin_that_is_new_is_a_change() {
    let world = World::new();
    world.connect(component(&sound(), "one"), |_| {}).await.unwrap();
    let mut more = sound();
    more["origins"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "log", "base": {"how": "fixed", "url": "https://evil.test"}}));
    let text = world.connect(component(&more, "two"), |_| {}).await.unwrap_err().to_string();
    assert!(text.contains("the origin log is new: https://evil.test"), "{text}");
    assert_eq!(world.sent(), 0);
}

#[tokio::test]
async fn an_update_that_declares_the_same_or_less_is_accepted_and_its_code_is_kept() {
    let world = World::new();
    world.connect(component(&sound(), "one"), |_| {}).await.unwrap();
    let mut less = sound();
    less["version"] = json!("1.0.1");
    less["safe"] = json!([]);
    world.connect(component(&less, "two"), |_| {}).await.unwrap();
    let pin = world.engine.store().connection("acme").await.unwrap().unwrap().pin.unwrap();
    assert_eq!(pin.code.as_deref(), Some("two"));
    world.connect(component(&sound(), "one"), |_| {}).await.unwrap();
}

/// As [`sound`], with users of these fields.
fn with_users(fields: &[&str]) -> Value {
    let mut manifest = sound();
    let users = json!({"name": "users", "scan": {"how": "list"}, "page_max": 10, "fields": fields});
    manifest["kinds"].as_array_mut().unwrap().push(users);
    manifest
}

#[tokio::test]
async fn a_version_that_lacks_what_the_connection_uses_is_refused_until_exactly_that_is_accepted() {
    let world = World::new();
    let (whole, less) = (with_users(&["email", "first_name"]), with_users(&["email"]));
    let acme = world.connect(component(&whole, "one"), |_| {}).await.unwrap();
    // Nothing declares the field yet: an update that lacks it takes nothing away.
    world.connect(component(&less, "two"), |_| {}).await.unwrap();
    world.connect(component(&whole, "one"), |_| {}).await.unwrap();
    let user = r#"{"kind":"users","email":"a@b.c","name":{"first":"Ada","last":"Obi"}}"#;
    acme.declare(&crate::parse_desired("a user", user).unwrap()).await.unwrap();
    let error = world.connect(component(&less, "two"), |_| {}).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(text.contains("it does not read users.first_name;"), "{text}");
    assert_eq!(world.sent(), 0);
    // Another change than the accepted one is refused, and one token accepts both at once.
    let token = |text: &str| text.rsplit('"').nth(1).unwrap().to_owned();
    let mut both = less.clone();
    both["safe"][0]["path"] = json!("/candidates");
    let accepting = |token: String| {
        move |options: &mut ConnectionOptions| {
            options.accept = Some(token);
        }
    };
    let refused = world.connect(component(&both, "three"), accepting(token(&text))).await;
    let more = refused.unwrap_err().to_string();
    assert!(more.contains("counts as safe") && more.contains("users.first_name"), "{more}");
    assert_ne!(token(&more), token(&text));
    // A connection that reads the store alone changes and sends nothing, so it is opened.
    world.connect(component(&less, "two"), |options| options.store_only = true).await.unwrap();
    world.connect(component(&both, "three"), accepting(token(&more))).await.unwrap();
    world.connect(component(&both, "three"), |_| {}).await.unwrap();
}

#[tokio::test]
async fn of_many_versions_the_store_keeps_the_latest() {
    let world = World::new();
    let name = |number: usize| -> &'static str { format!("{number:03}").leak() };
    for number in 0..205 {
        world.connect(component(&sound(), name(number)), |_| {}).await.unwrap();
    }
    let whole = crate::store::notes::WHOLE_STORE;
    let kept = world.engine.store().notes_page(whole, "abilities", None, 1_000).await.unwrap();
    assert_eq!(kept.len(), 200);
    assert!(kept.iter().any(|(code, _)| code == "204"), "the newest is there");
}

#[tokio::test]
async fn origins_of_the_operator_hide_no_change_of_the_adapter() {
    let world = World::new();
    let sandbox = |options: &mut ConnectionOptions| {
        options.origins.insert("api".to_owned(), "https://sandbox.test".to_owned());
    };
    world.connect(component(&sound(), "one"), sandbox).await.unwrap();
    // Without the operator's origins, the pinned origins are the manifest's at the first use.
    world.connect(component(&sound(), "one"), |_| {}).await.unwrap();
    let mut swapped = sound();
    swapped["origins"][0]["base"]["url"] = json!("https://evil.test");
    world.connect(component(&swapped, "two"), sandbox).await.unwrap();
    let text = world.connect(component(&swapped, "two"), |_| {}).await.unwrap_err().to_string();
    assert!(text.contains("was https://api.ats.test and is https://evil.test"), "{text}");
}

#[tokio::test]
async fn an_unvouched_component_gets_its_origins_from_the_operator() {
    let world = World::new();
    let stranger = || Component { is_vouched_for: false, ..component(&sound(), "one") };
    let text = world.connect(stranger(), |_| {}).await.unwrap_err().to_string();
    let line = r#"origins = { api = "https://api.ats.test", auth = "https://auth.ats.test" }"#;
    assert!(text.contains(line), "{text}");
    let given = |options: &mut ConnectionOptions| {
        for name in ["api", "auth"] {
            options.origins.insert(name.to_owned(), format!("https://{name}.ats.test"));
        }
    };
    world.connect(stranger(), given).await.unwrap();
    // Another component under the same name sends only where the operator said.
    let mut swapped = sound();
    swapped["origins"][0]["base"]["url"] = json!("https://evil.test");
    let evil = Component { is_vouched_for: false, ..component(&swapped, "two") };
    let connection = world.connect(evil, given).await.unwrap();
    connection.check().await.ok();
    world.transport.seen(|seen| {
        assert!(!seen.is_empty());
        assert!(
            seen.iter().all(|request| request.url.host_str().unwrap().ends_with(".ats.test")),
            "{seen:?}"
        );
    });
}

#[tokio::test]
async fn a_delete_or_an_unlisted_post_that_is_called_safe_is_never_sent() {
    for asks in [
        ("DELETE", "/candidates/1"),
        ("PUT", "/candidates/1"),
        ("PATCH", "/candidates/1"),
        ("POST", "/candidates"),
        ("POST", "/*.list/1/ids/more"),
        ("POST", "/*.list//ids"),
    ] {
        let world = World::new();
        let connection =
            world.connect(Component { asks, ..component(&sound(), "one") }, |_| {}).await.unwrap();
        let said = format!("{:?}", connection.check().await);
        let pulled = connection.pull_full("jobs").await.unwrap_err();
        assert_eq!(pulled.kind(), ErrorKind::Adapter, "{pulled}");
        assert!(pulled.to_string().contains("is called safe"), "{pulled}");
        let api = world
            .transport
            .seen(|seen| seen.iter().filter(|sent| sent.url.path() != "/token").count());
        assert_eq!(api, 0, "{asks:?}: {said}");
    }
}

#[tokio::test]
async fn a_post_that_the_manifest_lists_is_sent() {
    let world = World::new();
    let asks = ("POST", "/*.list/7/ids");
    let connection =
        world.connect(Component { asks, ..component(&sound(), "one") }, |_| {}).await.unwrap();
    connection.pull_full("jobs").await.unwrap_err();
    assert_eq!(
        world.transport.seen(|seen| seen.iter().filter(|sent| sent.url.path() == asks.1).count()),
        1
    );
}
