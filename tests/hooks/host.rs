//! The host of these tests: a receiver of webhooks, an engine behind it, a sandbox that sends.

use atsync::model::contract::Hint;
use atsync::{
    Connection, ConnectionOptions, Credential, Engine, HintEnd, Received, Secret, Verdict,
};
use atsync_greenhouse_sandbox::{
    HookState, NewWebhook, Recruiter, RunningSandbox, Sandbox, SandboxOptions,
};
use atsync_tests::native_greenhouse;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

pub(crate) const SECRET: &str = "hook secret of acme";

/// The kinds that webhooks cover, with their collections.
const KINDS: [(&str, &str); 7] = [
    ("departments", "departments"),
    ("offices", "offices"),
    ("jobs", "jobs"),
    ("stages", "job_interview_stages"),
    ("postings", "job_posts"),
    ("candidates", "candidates"),
    ("applications", "applications"),
];
/// Members that change without an event.
const STAMPS: [&str; 2] = ["last_activity_at", "updated_at"];

/// How the receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// It passes each delivery to the engine and answers what the engine says.
    Works,
    /// It answers 503 and the engine sees nothing.
    Down,
    /// The engine sees the delivery, and the answer is lost on its way.
    AnswersLost,
}

/// A delivery as it arrived, and what the engine made of it.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) received: Received,
}

impl Arrival {
    pub(crate) fn action(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["action"].as_str().unwrap().to_owned()
    }
}

#[derive(Debug)]
struct Receiver {
    acme: Connection,
    behaviour: Mutex<Behaviour>,
    arrivals: Mutex<Vec<Arrival>>,
}

/// See the module.
pub(crate) struct Host {
    pub(crate) server: RunningSandbox,
    pub(crate) acme: Connection,
    receiver: Arc<Receiver>,
    url: String,
    service: JoinHandle<()>,
    _engine: Engine,
}

impl Host {
    /// A host that pulled everything once, with a webhook for each of these events (all, if none is
    /// named).
    pub(crate) async fn hearing(events: &[&str]) -> Self {
        let options = SandboxOptions { rate_limit: 100_000, ..SandboxOptions::sized(3, 30) };
        let server = Sandbox::start(options).await.unwrap();
        let engine = Engine::builder().build().unwrap();
        let acme = engine.connect(connection(&server)).await.unwrap();
        for (kind, _) in KINDS {
            acme.pull(kind).await.unwrap();
        }
        let receiver = Arc::new(Receiver {
            acme: acme.clone(),
            behaviour: Mutex::new(Behaviour::Works),
            arrivals: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks/acme", listener.local_addr().unwrap());
        let router =
            Router::new().route("/hooks/acme", post(receive)).with_state(Arc::clone(&receiver));
        let service = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let host = Self { server, acme, receiver, url, service, _engine: engine };
        host.listen(events);
        host.settled().await;
        let pings = host.arrivals();
        let enabled = host.sandbox().webhooks();
        assert_eq!(pings.len(), enabled.len());
        assert!(enabled.iter().all(|webhook| webhook["deactivated"] == false));
        assert!(pings.iter().all(|ping| ping.received.verdict == Verdict::Accepted(Vec::new())));
        host.agrees("the start").await;
        host
    }

    fn listen(&self, events: &[&str]) {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        let webhook = NewWebhook { events, ..NewWebhook::new(&self.url, SECRET) };
        self.sandbox().add_webhook(&webhook).unwrap();
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.server.sandbox()
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.receiver.behaviour.lock().unwrap() = behaviour;
    }

    /// The deliveries that arrived so far.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.receiver.arrivals.lock().unwrap().clone()
    }

    /// Waits until all that is due was attempted.
    pub(crate) async fn settled(&self) {
        self.server.hooks_settled().await;
    }

    /// Carries out a change of a recruiter and waits for its deliveries. Returns the id that the
    /// change answers, and what arrived.
    pub(crate) async fn done(&self, deed: &Recruiter) -> (i64, Vec<Arrival>) {
        let before = self.arrivals().len();
        let answer = self.sandbox().recruiter(deed).unwrap();
        self.settled().await;
        (answer["id"].as_i64().unwrap(), self.arrivals().split_off(before))
    }

    /// Delivers by hand.
    pub(crate) async fn deliver(&self, headers: &[(String, String)], body: &[u8]) -> Received {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.acme.receive(headers, body).await.unwrap()
    }

    /// The number of the newest change event.
    pub(crate) async fn serial(&self) -> u64 {
        let changes: Vec<_> = self.acme.changes(0).try_collect().await.unwrap();
        changes.last().map_or(0, |change| change.serial)
    }

    /// Lists where the store differs from the sandbox.
    pub(crate) async fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, collection) in KINDS {
            let mut cursor: Option<String> = None;
            let mut held = Map::new();
            loop {
                let page = self
                    .acme
                    .observed_page(kind, &atsync::Filter::All, cursor.as_deref(), 500)
                    .await
                    .unwrap();
                for row in page.rows {
                    let raw: Value = serde_json::from_str(row.raw.as_deref().unwrap()).unwrap();
                    held.insert(row.id, raw);
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            for row in self.sandbox().rows(collection) {
                let id = row["id"].to_string();
                match held.remove(&id) {
                    None => found.push(format!("{kind}/{id} is not observed")),
                    Some(seen) if bare(&seen) != bare(&row) => {
                        found.push(format!("{kind}/{id} is observed as {seen}, not as {row}"));
                    }
                    Some(_) => {}
                }
            }
            found.extend(held.keys().map(|id| format!("{kind}/{id} is gone, and observed")));
        }
        found
    }

    /// Fails unless the store is as the sandbox.
    pub(crate) async fn agrees(&self, after: &str) {
        let found = self.differences().await;
        assert!(found.is_empty(), "after {after}: {found:#?}");
    }

    /// Fails unless every delivery so far was answered 200.
    pub(crate) fn all_delivered(&self) {
        let all = self.sandbox().hook_deliveries();
        let open: Vec<_> =
            all.iter().filter(|delivery| delivery.state != HookState::Delivered).collect();
        assert!(open.is_empty(), "{open:#?}");
    }

    pub(crate) async fn end(self) {
        self.service.abort();
        self.server.shutdown().await;
    }
}

fn connection(server: &RunningSandbox) -> ConnectionOptions {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", native_greenhouse(), credential);
    options.webhook_secrets = vec![Secret::new(SECRET)];
    for origin in ["api", "auth"] {
        options.origins.insert(origin.into(), server.base_url());
    }
    options.allow_private_network = true;
    options
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let behaviour = *receiver.behaviour.lock().unwrap();
    if behaviour == Behaviour::Down {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let received = receiver.acme.receive(&headers, &body).await.unwrap();
    let status = StatusCode::from_u16(received.status).unwrap();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
    let arrival = Arrival { headers: headers.collect(), body: body.to_vec(), received };
    receiver.arrivals.lock().unwrap().push(arrival);
    if behaviour == Behaviour::AnswersLost { StatusCode::BAD_GATEWAY } else { status }
}

/// A row without the stamps.
fn bare(row: &Value) -> Map<String, Value> {
    let mut row = row.as_object().unwrap().clone();
    row.retain(|name, _| !STAMPS.contains(&name.as_str()));
    row
}

/// The hints of an arrival with their ends.
pub(crate) fn ends(arrival: &Arrival) -> Vec<(Hint, HintEnd)> {
    match &arrival.received.verdict {
        Verdict::Accepted(ends) => ends.clone(),
        other => panic!("{other:?}"),
    }
}
