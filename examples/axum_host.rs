//! The engine behind an HTTP service in axum: declare, plan, apply, list, page, schedules,
//! webhooks, status, permissions, and the consent of a customer.
//!
//! It is a sketch of a host without authentication, so put it behind a proxy that authenticates. It
//! runs against a Greenhouse sandbox in this process. `acme` has a credential of its own and is
//! open from the start. `globex` is connected by a person who consents: the browser is sent to the
//! ATS and comes back with a code, and the tokens are sealed in the engine's store. A cookie leads
//! the same browser, and no other one, to the consent that it began.
//!
//! ```text
//! PUT  /referrals/{key}            declare a record
//! GET  /referrals?cursor=          the declared records, page by page
//! GET  /plan                       the planned writes
//! POST /apply                      apply them
//! GET  /candidates?email=&cursor=  the observed candidates
//! POST /hooks/greenhouse           webhooks of the ATS, stored before they are answered
//! GET  /status                     what the store knows of the connection
//! GET  /permissions                what the credential may do
//! GET  /connect                    sends the browser to the consent of `globex`
//! GET  /connect/callback           where the ATS sends the browser back to
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use atsync::{
    Adapter, CheckResult, ComponentHost, Connection, ConnectionOptions, Credential, Cron, Crons,
    DesiredCandidate, Engine, ErrorKind, Filter, HostOptions, PlanOf, SealKeys, Secret, Status,
    TokenKeeper, Vault,
};
use atsync_greenhouse_sandbox::{PartnerClient, Sandbox, SandboxOptions, TokenExpiry};
use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of one page.
const PAGE_ROWS: usize = 50;

type Failure = Box<dyn Error + Send + Sync>;

/// The client that the vendor registered with the ATS, and where the ATS sends browsers back to.
const CLIENT: (&str, &str) = ("partner-id", "partner-secret-of-the-vendor");
const CALLBACK: &str = "http://127.0.0.1:8080/connect/callback";
/// The key of the secrets in the store: 32 bytes in hexadecimal.
const SEAL_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Consents that are under way at most.
const CONSENTS_MAX: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = Sandbox::start(company()).await?;
    let engine = Engine::builder().build()?;
    let host = Host::open(&engine, &sandbox.base_url(), Secret::new("hook secret")).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://{}/plan", listener.local_addr()?);
    let host = Arc::new(host);
    let stop = tokio::sync::Notify::new();
    let service = async {
        let served = axum::serve(listener, router(Arc::clone(&host)));
        let served = served.with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) });
        let served = served.await;
        // After the last request the schedules end, with the writes under way.
        stop.notify_one();
        served
    };
    let (served, ended) = tokio::join!(service, host.schedules(stop.notified()));
    engine.close().await?;
    ended?;
    Ok(served?)
}

/// The company in the sandbox, with the vendor's client.
pub(crate) fn company() -> SandboxOptions {
    let mut options = SandboxOptions::sized(1, 50);
    options.partners = vec![PartnerClient::new(CLIENT.0, CLIENT.1, CALLBACK)];
    options.quirks.token_expiry = TokenExpiry::ExpiresIn;
    options
}

/// What the handlers share.
pub(crate) struct Host {
    engine: Engine,
    acme: Connection,
    globex: ConnectionOptions,
    /// The connection, once a person consented.
    globex_open: tokio::sync::Mutex<Option<Connection>>,
    /// What to remember of each consent under way, by the cookie of its browser.
    consents: Mutex<HashMap<String, Secret>>,
}

impl Host {
    /// Opens what is open from the start.
    pub(crate) async fn open(
        engine: &Engine,
        origin: &str,
        webhook_secret: Secret,
    ) -> Result<Self, Failure> {
        let adapter = adapter().await?;
        let acme = connect(engine, &adapter, origin, webhook_secret).await?;
        // A real host reads the key from its environment and keeps it out of its backups.
        let keys = SealKeys::new([Secret::new(SEAL_KEY)])?;
        let keeper = VaultKeeper { vault: engine.vault(keys), connection: "globex".to_owned() };
        let credential = Credential::AuthorizationCode {
            client_id: CLIENT.0.into(),
            client_secret: Secret::new(CLIENT.1),
            keeper: Arc::new(keeper),
        };
        let globex = for_sandbox(ConnectionOptions::new("globex", adapter, credential), origin);
        let (globex_open, consents) = Default::default();
        Ok(Self { engine: engine.clone(), acme, globex, globex_open, consents })
    }

    /// Runs the schedules until `stop`. Each connection pulls jobs at three in the night of its
    /// customer, and candidates every quarter of an hour; a jitter spreads many customers.
    pub(crate) async fn schedules(&self, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let connections = [(self.acme.clone(), crons()?)];
        let early = Engine::run(connections, stop, |name, round| {
            if let Some((error, wait_ms)) = round.failure() {
                println!("{name}: {error}; again in {wait_ms} ms");
            }
        });
        for (name, error) in early.await? {
            println!("{name} ended early: {error}");
        }
        Ok(())
    }
}

/// When a connection pulls, and how long it keeps old rows.
fn crons() -> Result<Crons, Failure> {
    let daily = Cron::parse("0 3 * * *")?.in_zone("Europe/Berlin")?;
    let often = Cron::parse("*/15 * * * *")?;
    let day_ms = 24 * 3_600_000;
    Ok(Crons::of_pulls([("jobs".to_owned(), daily), ("candidates".to_owned(), often)])
        .with_jitter(60_000)
        .with_retention(Some(90 * day_ms), Some(400 * day_ms)))
}

/// Keeps the tokens of a consent sealed in the engine's store.
#[derive(Debug)]
struct VaultKeeper {
    vault: Vault,
    connection: String,
}

impl TokenKeeper for VaultKeeper {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        let loaded = self.vault.get(&self.connection, "consent");
        loaded.map(|loaded| loaded.map_err(|error| error.to_string())).boxed()
    }

    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        let stored = self.vault.put(&self.connection, "consent", text);
        stored.map(|stored| stored.map_err(|error| error.to_string())).boxed()
    }
}

/// The service.
pub(crate) fn router(host: Arc<Host>) -> Router {
    Router::new()
        .route("/referrals/{key}", put(declare))
        .route("/referrals", get(referrals))
        .route("/plan", get(plan))
        .route("/apply", post(apply))
        .route("/candidates", get(candidates))
        .route("/hooks/greenhouse", post(hook))
        .route("/status", get(status))
        .route("/permissions", get(permissions))
        .route("/connect", get(begin))
        .route("/connect/callback", get(finish))
        .with_state(host)
}

/// An engine's error as an HTTP response.
struct Refusal(atsync::Error);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.0.kind() {
            ErrorKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.0.to_string() }))).into_response()
    }
}

impl From<atsync::Error> for Refusal {
    fn from(error: atsync::Error) -> Self {
        Self(error)
    }
}

async fn declare(
    State(host): State<Arc<Host>>,
    Path(key): Path<String>,
    Json(mut record): Json<DesiredCandidate>,
) -> Result<Json<Value>, Refusal> {
    record.key = key;
    let report = host.acme.declare(&[record]).await?;
    // An erased candidate is neither stored nor written: the response says so.
    Ok(Json(json!({ "created": report.created, "changed": report.changed,
            "erased": report.erased })))
}

async fn referrals(
    State(host): State<Arc<Host>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let page = host.acme.desired_page(asked.get("cursor").map(String::as_str), PAGE_ROWS).await?;
    let keys: Vec<String> = page.rows.into_iter().map(|row| row.key).collect();
    Ok(Json(json!({ "keys": keys, "next": page.next })))
}

async fn plan(State(host): State<Arc<Host>>) -> Result<String, Refusal> {
    let plan = host.acme.plan(PlanOf::Dirty).await?;
    Ok(plan.to_string())
}

async fn apply(State(host): State<Arc<Host>>) -> Result<Json<Value>, Refusal> {
    let (plan, report) = host.acme.sync().await?;
    Ok(Json(json!({ "planned": plan.writes(), "in_step": report.in_step,
            "not_in_step": report.not_in_step })))
}

async fn candidates(
    State(host): State<Arc<Host>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let filter = asked.get("email").map_or(Filter::All, |email| Filter::Email(email.clone()));
    let cursor = asked.get("cursor").map(String::as_str);
    let page = host.acme.observed_page("candidates", &filter, cursor, PAGE_ROWS).await?;
    let rows = page
        .rows
        .iter()
        .map(|row| json!({ "id": row.id, "record": row.body.parse::<Value>().ok() }));
    Ok(Json(json!({ "rows": rows.collect::<Vec<_>>(), "next": page.next })))
}

async fn status(State(host): State<Arc<Host>>) -> Result<Json<Status>, Refusal> {
    Ok(Json(host.acme.status().await?))
}

async fn permissions(State(host): State<Arc<Host>>) -> Result<Json<Vec<CheckResult>>, Refusal> {
    Ok(Json(host.acme.check().await?))
}

/// Begins the consent of `globex`.
async fn begin(State(host): State<Arc<Host>>) -> Result<Response, Refusal> {
    let start = host.engine.begin_consent(&host.globex, CALLBACK, &[]).await?;
    // It holds 256 random bits, so its digest cannot be guessed.
    let digest = Sha256::digest(start.remember.expose().as_bytes());
    let id: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut consents = host.consents.lock().unwrap_or_else(PoisonError::into_inner);
    if consents.len() >= CONSENTS_MAX {
        // The browsers under way must begin again.
        consents.clear();
    }
    consents.insert(id.clone(), start.remember);
    drop(consents);
    // A real host adds `Secure`.
    let cookie = format!("consent={id}; Path=/connect; Max-Age=600; HttpOnly; SameSite=Lax");
    let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, start.url.expose().to_owned())];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Finishes a consent, and runs the connection.
async fn finish(
    State(host): State<Arc<Host>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok());
    let id = cookies
        .into_iter()
        .flat_map(|cookies| cookies.split("; "))
        .find_map(|cookie| cookie.strip_prefix("consent="));
    let remembered =
        id.and_then(|id| host.consents.lock().unwrap_or_else(PoisonError::into_inner).remove(id));
    let Some(remembered) = remembered else {
        let why = json!({ "error": "this browser began no consent; begin at /connect" });
        return Ok((StatusCode::FORBIDDEN, Json(why)).into_response());
    };
    host.engine.finish_consent(&host.globex, &remembered, &query.unwrap_or_default()).await?;
    let mut open = host.globex_open.lock().await;
    let globex = match open.as_ref() {
        // A second consent.
        Some(globex) => {
            globex.replace_credential(host.globex.credential.clone()).await?;
            globex.clone()
        }
        None => {
            let globex = open.insert(host.engine.connect(host.globex.clone()).await?).clone();
            tokio::spawn(keep_in_step(globex.clone()));
            globex
        }
    };
    // The first call asks the ATS which customer consented.
    let permissions = globex.check().await?;
    Ok(Json(json!({ "connected": "globex", "permissions": permissions })).into_response())
}

/// Runs the schedules of one connection until the engine closes.
async fn keep_in_step(connection: Connection) {
    let Ok(crons) = crons() else { return };
    if let Err(error) = connection.run(crons, std::future::pending(), |_| {}).await {
        println!("{} ended early: {error}", connection.name());
    }
}

/// Accepts a webhook: what it names is stored when this answers, and fetched by the schedules.
/// Headers and bytes stay unchanged: parsed and rewritten, they would no longer match the
/// signature.
async fn hook(State(host): State<Arc<Host>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match host.acme.accept(&headers, body).await {
        Ok(received) => StatusCode::from_u16(received.status).unwrap_or(StatusCode::OK),
        // The ATS will deliver it again.
        Err(error) => {
            println!("a webhook was not processed: {error}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Loads the adapter, once for all connections.
async fn adapter() -> Result<Arc<dyn Adapter>, Failure> {
    let host = ComponentHost::new(HostOptions::default())?;
    let component = atsync_adapters_bundled::bundled("greenhouse")
        .ok_or("the Greenhouse adapter is not bundled")?;
    let adapter =
        tokio::task::spawn_blocking(move || host.load("greenhouse", component)).await??.vouched();
    Ok(Arc::new(adapter))
}

/// Opens the connection, with the secret that the ATS signs its webhooks with.
async fn connect(
    engine: &Engine,
    adapter: &Arc<dyn Adapter>,
    origin: &str,
    webhook_secret: Secret,
) -> Result<Connection, Failure> {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", Arc::clone(adapter), credential);
    options.webhook_secrets = vec![webhook_secret];
    Ok(engine.connect(for_sandbox(options, origin)).await?)
}

/// Only for a sandbox.
fn for_sandbox(mut options: ConnectionOptions, origin: &str) -> ConnectionOptions {
    options.origins =
        [("api".to_owned(), origin.to_owned()), ("auth".to_owned(), origin.to_owned())].into();
    options.allow_private_network = true;
    options
}
