//! A partner: a consent, a receiver behind a port, and an engine whose connection registers its
//! webhooks itself.

use atsync::{
    Clock, Connection, ConnectionOptions, Credential, Delivery, Engine, HttpOptions, HttpTransport,
    MemoryStore, Secret, Store, TokenKeeper, Transport, WebhooksReport, WireRequest,
};
use atsync_greenhouse_sandbox::{
    self as sandbox, PartnerClient, RunningSandbox, Sandbox, SandboxOptions,
};
use atsync_tests::{BEGIN_MS, SetClock, native_greenhouse};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

const ID: &str = "partner-id";
const CLIENT_SECRET: &str = "partner-secret-of-the-vendor";
const BACK: &str = "https://host.example/back";
pub(crate) const SECRET: &str = "the webhook secret of acme";

#[derive(Default)]
struct Keeper(Mutex<Option<Secret>>);

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper")
    }
}

impl TokenKeeper for Keeper {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        std::future::ready(Ok(self.0.lock().unwrap().clone())).boxed()
    }

    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        *self.0.lock().unwrap() = Some(text.clone());
        std::future::ready(Ok(())).boxed()
    }
}

/// What the receiver does with a delivery.
#[derive(Debug, Default)]
struct Receiver {
    acme: Mutex<Option<Connection>>,
    is_down: Mutex<bool>,
}

/// See the module.
pub(crate) struct Partner {
    pub(crate) server: RunningSandbox,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) store: Arc<MemoryStore>,
    keeper: Arc<Keeper>,
    receiver: Arc<Receiver>,
    address: String,
    service: JoinHandle<()>,
}

impl Partner {
    /// A customer whose administrator has consented.
    pub(crate) async fn consented() -> Self {
        let clock = SetClock::new();
        let mut options = SandboxOptions { rate_limit: 100_000, ..SandboxOptions::sized(3, 12) };
        options.partners = vec![PartnerClient::new(ID, CLIENT_SECRET, BACK)];
        let time = Arc::clone(&clock);
        options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
        options.quirks.token_expiry = sandbox::TokenExpiry::ExpiresIn;
        let server = Sandbox::start(options).await.unwrap();
        let receiver = Arc::new(Receiver::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/hooks/{place}/{part}", post(receive))
            .with_state(Arc::clone(&receiver));
        let service = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (keeper, store) = (Arc::default(), Arc::default());
        let partner = Self { server, clock, store, keeper, receiver, address, service };
        partner.consent().await;
        partner
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.server.sandbox()
    }

    fn engine(&self) -> Engine {
        let builder = Engine::builder().store(Arc::clone(&self.store) as Arc<dyn Store>);
        builder.clock(Arc::clone(&self.clock) as Arc<dyn Clock>).build().unwrap()
    }

    /// Options of the customer's connection, with these webhook secrets.
    pub(crate) fn options(&self, secrets: &[&str]) -> ConnectionOptions {
        let credential = Credential::AuthorizationCode {
            client_id: ID.into(),
            client_secret: Secret::new(CLIENT_SECRET),
            keeper: Arc::clone(&self.keeper) as Arc<dyn TokenKeeper>,
        };
        let mut options = ConnectionOptions::new("acme", native_greenhouse(), credential);
        options.origins =
            ["api", "auth"].map(|name| (name.to_owned(), self.server.base_url())).into();
        options.allow_private_network = true;
        options.webhook_secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        options
    }

    async fn consent(&self) {
        let (engine, options) = (self.engine(), self.options(&[]));
        let start = engine.begin_consent(&options, BACK, &[]).await.unwrap();
        let (address, query) = start.url.expose().split_once('?').unwrap();
        let request = WireRequest {
            method: "POST".into(),
            url: address.parse().unwrap(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: format!("{query}&decision=allow&acts_as=service_account").into_bytes(),
            private_network: true,
        };
        let transport = HttpTransport::new(HttpOptions::default()).unwrap();
        let Delivery::Answered(response) = transport.exchange(request).await else {
            panic!("no answer");
        };
        let location = response.headers.iter().find(|header| header.name == "location").unwrap();
        let query = location.value.split_once('?').unwrap().1;
        engine.finish_consent(&options, &start.remember, query).await.unwrap();
    }

    /// Opens the connection, as a process does that starts; deliveries go to it from now on.
    pub(crate) async fn connect(&self, secrets: &[&str]) -> Connection {
        self.connect_as(self.options(secrets)).await
    }

    pub(crate) async fn connect_as(&self, options: ConnectionOptions) -> Connection {
        let acme = self.engine().connect(options).await.unwrap();
        *self.receiver.acme.lock().unwrap() = Some(acme.clone());
        acme
    }

    /// The URL of the host for a connection's webhooks, below a place.
    pub(crate) fn url(&self, acme: &Connection, place: &str) -> Secret {
        Secret::new(format!("{}/hooks/{place}/{}", self.address, acme.webhook_path().unwrap()))
    }

    /// Registers, and waits until the pings are answered.
    pub(crate) async fn register(&self, acme: &Connection) -> WebhooksReport {
        let report = acme.register_webhooks(&self.url(acme, "acme")).await.unwrap();
        self.server.hooks_settled().await;
        report
    }

    pub(crate) fn is_down(&self, is_down: bool) {
        *self.receiver.is_down.lock().unwrap() = is_down;
    }

    /// The webhooks of the ATS whose endpoint has this part.
    pub(crate) fn webhooks(&self, part: &str) -> Vec<Value> {
        let all = self.sandbox().webhooks().into_iter();
        all.filter(|one| one["endpoint_url"].as_str().unwrap().contains(part)).collect()
    }

    /// Fails unless each event has one active webhook to this place.
    pub(crate) fn has_each(&self, acme: &Connection, place: &str) {
        let all = self.webhooks(&format!("/hooks/{place}/"));
        assert!(all.iter().all(|one| one["deactivated"] == false), "{all:#?}");
        let event = |one: &Value| one["event_action_type"].as_str().unwrap().to_owned();
        let events: BTreeSet<String> = all.iter().map(event).collect();
        let wanted = &acme.manifest().webhooks.as_ref().unwrap().events;
        assert_eq!(events, wanted.iter().cloned().collect());
        assert_eq!(all.len(), wanted.len(), "one for each event");
    }

    /// Requests of a method to the endpoint of webhooks since the logs were cleared.
    pub(crate) fn asked(&self, method: &str) -> usize {
        let is_it = |request: &&sandbox::Logged| {
            request.method == method && request.path.starts_with("/v3/webhooks")
        };
        self.sandbox().requests().iter().filter(is_it).count()
    }

    pub(crate) async fn end(self) {
        self.service.abort();
        self.server.shutdown().await;
    }
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    Path((_, part)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let acme = receiver.acme.lock().unwrap().clone().unwrap();
    if *receiver.is_down.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if !acme.is_webhook_path(&part) {
        return StatusCode::UNAUTHORIZED;
    }
    // A closed connection receives nothing.
    let received = acme.receive(&headers, &body).await;
    received.map_or(StatusCode::SERVICE_UNAVAILABLE, |received| {
        StatusCode::from_u16(received.status).unwrap()
    })
}
