//! A referral product in one file: employees refer candidates by a form and see how each referral
//! goes; an administrator of the customer connects the ATS.
//!
//! ```text
//! GET  /                  the form, and each referral with its state
//! POST /referrals         declares a candidate with an application and a note
//! GET  /connect           sends the administrator's browser to the ATS, to consent
//! GET  /connect/callback  where the ATS sends the browser back to
//! POST /hooks/{part}      webhooks of the ATS
//! ```
//!
//! The engine's store is the only database. A referral is durable when its form is answered, also
//! before the customer has connected an ATS; the schedules write it. Left out: who the employees
//! are, so put it behind a proxy that authenticates. `docs/guide/src/embed.md` explains each part.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use atsync::model::unified::Application;
use atsync::{
    ComponentHost, ConditionType, Connection, ConnectionOptions, Credential, Cron, Crons,
    DesiredCandidate, DesiredRow, Engine, ErrorKind, HostOptions, RemoteRef, SealKeys, Secret,
    TokenKeeper, Vault,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::{TryFutureExt, TryStreamExt};
use maud::html;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Referrals on the page, and consents under way, at most.
const ROWS: usize = 100;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let engine = Engine::builder().store_file("referrals.redb")?.build()?;
    let host = Host::open(&engine, |name| std::env::var(name).ok()).await?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on http://127.0.0.1:8080");
    serve(Arc::new(host), listener, tokio::signal::ctrl_c().map(drop)).await?;
    Ok(engine.close().await?)
}

/// What the handlers share.
pub(crate) struct Host {
    engine: Engine,
    options: ConnectionOptions,
    acme: Connection,
    /// Where browsers and the ATS reach this host.
    url: String,
    /// What to remember of each consent under way, by the cookie of its browser.
    consents: Mutex<HashMap<String, Secret>>,
    /// What the feed says of each referral, by its key.
    news: Mutex<HashMap<String, String>>,
}

impl Host {
    /// Opens the customer's connection, as the environment says. Nothing is sent, so the customer
    /// may not have consented yet.
    pub(crate) async fn open(
        engine: &Engine,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let var = |name| environment(name).ok_or_else(|| format!("set the variable {name}"));
        let greenhouse = atsync_adapters_bundled::bundled("greenhouse").ok_or("not bundled")?;
        let components = ComponentHost::new(HostOptions::default())?;
        let adapter = Arc::new(components.load("greenhouse", greenhouse)?.vouched());
        // The OAuth client that the ATS registered for this product, and the key that seals the
        // customer's tokens: 32 bytes in hexadecimal.
        let (client_id, client_secret) = (var("CLIENT_ID")?, Secret::new(var("CLIENT_SECRET")?));
        let keys = SealKeys::new([Secret::new(var("SEAL_KEY")?)])?;
        let keeper = Arc::new(Keeper(engine.vault(keys)));
        let credential = Credential::AuthorizationCode { client_id, client_secret, keeper };
        let mut options = ConnectionOptions::new("acme", adapter, credential);
        options.webhook_secrets = vec![Secret::new(var("HOOK_SECRET")?)];
        if let Some(sandbox) = environment("SANDBOX") {
            options.origins = ["api", "auth"].map(|name| (name.into(), sandbox.clone())).into();
            options.allow_private_network = true;
        }
        let acme = engine.connect(options.clone()).await?;
        let (consents, news) = Default::default();
        Ok(Self { engine: engine.clone(), options, acme, url: var("HOST_URL")?, consents, news })
    }
}

/// Keeps the tokens of the consent sealed in the engine's store.
#[derive(Debug)]
struct Keeper(Vault);

impl TokenKeeper for Keeper {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        self.0.get("acme", "consent").map_err(|error| error.to_string()).boxed()
    }

    fn store<'a>(&'a self, tokens: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        self.0.put("acme", "consent", tokens).map_err(|error| error.to_string()).boxed()
    }
}

/// Serves pages, keeps the ATS in step and follows the feed, until `stop`; then ends the write that
/// is under way, and begins no other.
pub(crate) async fn serve(
    host: Arc<Host>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let five = Cron::parse("*/5 * * * *")?;
    let pulls = ["jobs", "candidates", "applications"].map(|kind| (kind.to_owned(), five.clone()));
    let part = host.acme.webhook_path().unwrap_or_default();
    let hooks = Secret::new(format!("{}/hooks/{part}", host.url));
    let crons = Crons::of_pulls(pulls).with_webhooks(Some(hooks));
    let schedules = host.acme.run(crons, std::future::pending(), |round| {
        if let Some((error, wait_ms)) = round.failure() {
            eprintln!("{error}; again in {wait_ms} ms");
        }
    });
    let feed = tokio::spawn(follow(Arc::clone(&host)));
    let pages = async {
        let served = axum::serve(listener, router(Arc::clone(&host)));
        let served = served.with_graceful_shutdown(stop).await;
        host.acme.clone().close().await;
        served
    };
    let (served, ran) = tokio::join!(pages, schedules);
    feed.abort();
    ran?;
    Ok(served?)
}

fn router(host: Arc<Host>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/referrals", post(refer))
        .route("/connect", get(begin))
        .route("/connect/callback", get(finish))
        .route("/hooks/{part}", post(hook))
        .with_state(host)
}

/// An error as an HTTP response.
struct Refusal(StatusCode, String);

impl From<atsync::Error> for Refusal {
    fn from(error: atsync::Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Input => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Auth => StatusCode::FORBIDDEN,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

#[derive(Deserialize)]
struct Referral {
    first: String,
    last: String,
    email: String,
    job: String,
    by: String,
}

/// Declares a referral. Nothing is sent here: the ATS may be down, or not connected yet.
async fn refer(State(host): State<Arc<Host>>, RawForm(form): RawForm) -> Result<Redirect, Refusal> {
    let invalid = |error: &dyn std::fmt::Display| {
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("the form is not valid: {error}"))
    };
    let form: Referral = serde_urlencoded::from_bytes(&form).map_err(|error| invalid(&error))?;
    // The key is this host's name of the referral. The same address has the same key, so a form
    // that is sent twice makes no second candidate.
    let key = hex(form.email.trim().to_lowercase().as_bytes());
    if host.acme.desired(&key).await?.is_some() {
        return Err(Refusal(StatusCode::CONFLICT, "this candidate was referred before".into()));
    }
    let candidate: DesiredCandidate = serde_json::from_value(json!({
        "key": key,
        "name": { "first": form.first, "last": form.last },
        "emails": [form.email],
        "applications": [{ "key": "a", "job": form.job, "source": "Acme Referrals" }],
        "notes": [{ "key": "n", "body": format!("Referred by {}.", form.by) }],
    }))
    .map_err(|error| invalid(&error))?;
    host.acme.declare_if(&candidate, None).await?;
    Ok(Redirect::to("/"))
}

/// Follows the feed from its start, and keeps what became of each referral. A host with a database
/// writes there, in one transaction with the serial, and follows after that serial.
async fn follow(host: Arc<Host>) -> Result<(), atsync::Error> {
    let mut changes = std::pin::pin!(host.acme.follow_after(0));
    while let Some(change) = changes.try_next().await? {
        if change.kind != "applications" {
            continue;
        }
        let id = &change.id;
        let Some(now) = host.acme.observed_one_as::<Application<'_>>("applications", id).await?
        else {
            continue;
        };
        let stage = now.record.stage.and_then(|stage| stage.name).unwrap_or_default();
        let state = format!("{}: {stage}", now.record.outcome.value);
        // `linked_to` answers whose application it is: other candidates have no link.
        for link in host.acme.linked_to(&RemoteRef::new("applications", id)).await? {
            let key = link.path.split('/').next().unwrap_or_default().to_owned();
            host.news.lock().await.insert(key, state.clone());
        }
    }
    Ok(())
}

async fn index(State(host): State<Arc<Host>>) -> Result<Html<String>, Refusal> {
    let referrals = host.acme.desired_page(None, ROWS).await?.rows;
    let news = host.news.lock().await;
    let page = html! {
        h1 { "Refer a colleague" }
        form method="post" action="/referrals" {
            @for field in ["first", "last", "email", "job", "by"] {
                label { (field) " " input name=(field) required; } " "
            }
            button { "Refer" }
        }
        ul {
            @for row in &referrals { li { (name(row)) " – " (state(row, news.get(&row.key))) } }
        }
        a href="/connect" { "Connect the ATS" }
    };
    Ok(Html(page.into_string()))
}

fn name(row: &DesiredRow) -> String {
    let candidate = serde_json::from_str::<DesiredCandidate>(&row.body).unwrap_or_default();
    let name = candidate.name.unwrap_or_default();
    [name.first, name.last].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The state for the referrer: what blocks the referral, else the news of the ATS.
fn state<'a>(row: &'a DesiredRow, news: Option<&'a String>) -> &'a str {
    let mut conditions = row.status.conditions.iter().filter(|condition| condition.status);
    match conditions.find(|condition| condition.kind == ConditionType::Blocked) {
        Some(blocked) => &blocked.message,
        None => news.map_or("on its way", String::as_str),
    }
}

/// Begins a consent. What `begin_consent` gives belongs to this browser alone: a cookie names it.
async fn begin(State(host): State<Arc<Host>>) -> Result<Response, Refusal> {
    let callback = format!("{}/connect/callback", host.url);
    let start = host.engine.begin_consent(&host.options, &callback, &[]).await?;
    let id = hex(start.remember.expose().as_bytes());
    let mut consents = host.consents.lock().await;
    if consents.len() >= ROWS {
        consents.clear();
    }
    consents.insert(id.clone(), start.remember);
    // Behind TLS, add `Secure`.
    let cookie = format!("consent={id}; Path=/connect; Max-Age=600; HttpOnly; SameSite=Lax");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(start.url.expose())).into_response())
}

/// Finishes a consent, and says what the administrator still has to grant.
async fn finish(
    State(host): State<Arc<Host>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<String, Refusal> {
    let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok());
    let id = cookies.unwrap_or_default().split("; ").find_map(|one| one.strip_prefix("consent="));
    let remember = host.consents.lock().await.remove(id.unwrap_or_default());
    let remember = remember.ok_or_else(|| {
        Refusal(StatusCode::FORBIDDEN, "this browser began no consent: begin at /connect".into())
    })?;
    host.engine.finish_consent(&host.options, &remember, &query.unwrap_or_default()).await?;
    // The schedules go on at once, with what was declared meanwhile.
    host.acme.replace_credential(host.options.credential.clone()).await?;
    let mut page = "Connected.\n".to_owned();
    for one in host.acme.check().await? {
        if one.verdict != "granted" && !one.optional {
            page += &format!("{} is {}: {}\n", one.label, one.verdict, one.grant_at);
        }
    }
    Ok(page)
}

/// Accepts a webhook: what it names is stored when this answers, and fetched by the schedules.
/// Headers and bytes stay as they came, because the ATS signed them.
async fn hook(
    State(host): State<Arc<Host>>,
    Path(part): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if !host.acme.is_webhook_path(&part) {
        return StatusCode::NOT_FOUND;
    }
    match host.acme.accept(&headers, body).await {
        Ok(received) => StatusCode::from_u16(received.status).unwrap_or(StatusCode::OK),
        // The ATS will deliver it again.
        Err(error) => {
            eprintln!("a webhook was not accepted: {error}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// The SHA-256 of a text, in hexadecimal.
fn hex(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
