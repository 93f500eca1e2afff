//! The engine behind an HTTP service in axum: declare, plan, apply, list, page, receive webhooks.
//!
//! It is a sketch of a host without authentication, so put it behind a proxy that authenticates. It
//! runs against a Greenhouse sandbox in this process.
//!
//! ```text
//! PUT  /referrals/{key}            declare a record
//! GET  /referrals?cursor=          the declared records, page by page
//! GET  /plan                       the planned writes
//! POST /apply                      apply them
//! GET  /candidates?email=&cursor=  the observed candidates
//! POST /hooks/greenhouse           webhooks of the ATS
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use atsync::{
    ComponentHost, Connection, ConnectionOptions, Credential, DesiredCandidate, Engine, ErrorKind,
    Filter, HostOptions, PlanOf, Secret,
};
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

/// Rows of one page.
const PAGE_ROWS: usize = 50;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let sandbox = Sandbox::start(SandboxOptions::sized(1, 50)).await?;
    let engine = Engine::builder().build()?;
    let acme = connect(&engine, &sandbox.base_url(), Secret::new("hook secret")).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://{}/plan", listener.local_addr()?);
    axum::serve(listener, router(acme)).await?;
    Ok(())
}

/// The service. Its state is the connection: a handle is cheap to clone.
pub(crate) fn router(acme: Connection) -> Router {
    Router::new()
        .route("/referrals/{key}", put(declare))
        .route("/referrals", get(referrals))
        .route("/plan", get(plan))
        .route("/apply", post(apply))
        .route("/candidates", get(candidates))
        .route("/hooks/greenhouse", post(hook))
        .with_state(acme)
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
    State(acme): State<Connection>,
    Path(key): Path<String>,
    Json(mut record): Json<DesiredCandidate>,
) -> Result<Json<Value>, Refusal> {
    record.key = key;
    let report = acme.declare(&[record]).await?;
    // An erased candidate is neither stored nor written: the response says so.
    Ok(Json(json!({ "created": report.created, "changed": report.changed,
            "erased": report.erased })))
}

async fn referrals(
    State(acme): State<Connection>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let page = acme.desired_page(asked.get("cursor").map(String::as_str), PAGE_ROWS).await?;
    let keys: Vec<String> = page.rows.into_iter().map(|row| row.key).collect();
    Ok(Json(json!({ "keys": keys, "next": page.next })))
}

async fn plan(State(acme): State<Connection>) -> Result<String, Refusal> {
    let plan = acme.plan(PlanOf::Dirty).await?;
    Ok(plan.to_string())
}

async fn apply(State(acme): State<Connection>) -> Result<Json<Value>, Refusal> {
    let (plan, report) = acme.sync().await?;
    Ok(Json(json!({ "planned": plan.writes(), "in_step": report.in_step,
            "not_in_step": report.not_in_step })))
}

async fn candidates(
    State(acme): State<Connection>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Json<Value>, Refusal> {
    let filter = asked.get("email").map_or(Filter::All, |email| Filter::Email(email.clone()));
    let cursor = asked.get("cursor").map(String::as_str);
    let page = acme.observed_page("candidates", &filter, cursor, PAGE_ROWS).await?;
    let rows = page
        .rows
        .iter()
        .map(|row| json!({ "id": row.id, "record": row.body.parse::<Value>().ok() }));
    Ok(Json(json!({ "rows": rows.collect::<Vec<_>>(), "next": page.next })))
}

/// Receives a webhook. Headers and bytes stay unchanged: parsed and rewritten, they would no longer
/// match the signature.
async fn hook(State(acme): State<Connection>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match acme.receive(&headers, body).await {
        Ok(received) => StatusCode::from_u16(received.status).unwrap_or(StatusCode::OK),
        // The ATS will deliver it again.
        Err(error) => {
            println!("a webhook was not processed: {error}");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Opens the connection, with the secret that the ATS signs its webhooks with.
pub(crate) async fn connect(
    engine: &Engine,
    origin: &str,
    webhook_secret: Secret,
) -> Result<Connection, Failure> {
    let host = ComponentHost::new(HostOptions::default())?;
    let component = atsync_adapters_bundled::bundled("greenhouse")
        .ok_or("the Greenhouse adapter is not bundled")?;
    let adapter =
        tokio::task::spawn_blocking(move || host.load("greenhouse", component)).await??.vouched();
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new("acme", Arc::new(adapter), credential);
    options.webhook_secrets = vec![webhook_secret];
    // Only for a sandbox.
    options.origins =
        [("api".to_owned(), origin.to_owned()), ("auth".to_owned(), origin.to_owned())].into();
    options.allow_private_network = true;
    Ok(engine.connect(options).await?)
}
