//! Connections: list, read, check, pull, sweep, plan, apply.
//!
//! A check, pull, sweep or plan ends when its caller leaves; what it has committed stays. An apply
//! does not: it runs in a task, so that a caller who leaves cuts no write.

use super::answers;
use super::audit::deed::Deed;
use super::body::{Given, GivenIfAny, PageOf, Query, ROWS_DEFAULT};
use super::caller::Caller;
use super::health::Condition;
use super::problem::{Problem, ProblemType};
use super::served::{Listed, Served};
use super::set_up::SetUp;
use crate::listed::RefusalView;
use atsync::{Connection, PlanOf, SweepOptions};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// Connections of one page.
const ROWS_MAX: usize = 1_000;

/// A page of connections.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectionPage {
    connections: Vec<ConnectionView>,
    /// The `cursor` of the next page; none when this is the last one.
    next: Option<String>,
}

/// A connection.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectionView {
    name: String,
    /// The adapter's name; none while the connection cannot be opened.
    adapter: Option<String>,
    /// The adapter's version.
    version: Option<String>,
    /// SHA-256 of the adapter's component.
    component: Option<String>,
    /// Why it does not run the newest version of its adapter.
    refused_adapter: Option<RefusalView>,
    /// Whether every condition holds.
    healthy: bool,
    conditions: Vec<Condition>,
}

impl From<Listed> for ConnectionView {
    fn from(listed: Listed) -> Self {
        let manifest = listed.connection.as_ref().map(Connection::manifest);
        Self {
            name: listed.name,
            adapter: manifest.map(|manifest| manifest.name.clone()),
            version: manifest.map(|manifest| manifest.version.clone()),
            component: listed
                .connection
                .as_ref()
                .and_then(Connection::component)
                .map(str::to_owned),
            refused_adapter: listed.refusal.as_ref().map(RefusalView::from),
            healthy: listed.is_healthy,
            conditions: listed.conditions,
        }
    }
}

/// Lists the connections that the token may use, in the order of their names.
#[utoipa::path(get, path = "/v1/connections",
    operation_id = "list_connections", params(PageOf), tag = "connections", responses(
    (status = 200, body = ConnectionPage),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Query(page): Query<PageOf>,
) -> Result<Json<ConnectionPage>, Problem> {
    let limit = page.limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("limit is 1 to {ROWS_MAX}")));
    }
    let mut all: Vec<ConnectionView> = served
        .listed(&caller)
        .into_iter()
        .filter(|listed| page.cursor.as_ref().is_none_or(|after| listed.name > *after))
        .take(limit.saturating_add(1))
        .map(ConnectionView::from)
        .collect();
    let has_more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| has_more).map(|last| last.name.clone());
    Ok(Json(ConnectionPage { connections: all, next }))
}

/// Reads a connection.
#[utoipa::path(get, path = "/v1/connections/{connection}",
    operation_id = "read_connection", tag = "connections", responses(
    (status = 200, body = ConnectionView),
))]
pub(super) async fn read(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<ConnectionView>, Problem> {
    Ok(Json(served.one(&name)?.into()))
}

/// Where the ATS sends the webhooks of a connection.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookView {
    /// The path of the URL, which cannot be guessed; before it comes the address that the ATS
    /// reaches this server by. None when the connection has no webhook secret.
    path: Option<String>,
    /// The whole URL; none when the path is none, or this server listens on no address.
    url: Option<String>,
    /// Who sets the webhooks up: the connection `by_itself`, or a person `by_hand`. None while that
    /// is not known.
    set_up: Option<SetUp>,
    /// Where a person creates them in the ATS.
    by_hand_at: Option<String>,
    /// The events that are read, as the ATS names them; each needs a webhook.
    events: Vec<String>,
}

/// Reads where the ATS sends the webhooks of a connection.
#[utoipa::path(get, path = "/v1/connections/{connection}/webhook",
    operation_id = "read_webhook", tag = "connections",
    responses((status = 200, body = WebhookView)))]
pub(super) async fn webhook(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<WebhookView>, Problem> {
    let connection = served.connection(&name)?;
    let config = served.running()?.config;
    let url = super::hooks::url_of(&served, &config, &connection);
    let rule = connection.manifest().webhooks.as_ref();
    Ok(Json(WebhookView {
        path: super::hooks::path_of(&connection),
        url: url.map(|url| url.expose().to_owned()),
        set_up: served.set_up(&name),
        by_hand_at: rule.map(|rule| rule.by_hand_at.clone()),
        events: rule.map(|rule| rule.events.clone()).unwrap_or_default(),
    }))
}

/// Reads what the store knows of a connection: counts, records that are not in step, writes in
/// doubt.
#[utoipa::path(get, path = "/v1/connections/{connection}/status",
    operation_id = "read_status", tag = "connections", responses(
    (status = 200, body = answers::ConnectionStatus),
))]
pub(super) async fn status(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(json!(served.connection(&name)?.status().await?)))
}

/// Checks the permissions of the credential, in the ATS.
#[utoipa::path(post, path = "/v1/connections/{connection}/check", tag = "connections", responses(
    (status = 200, body = answers::Checked),
))]
pub(super) async fn check(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    let permissions = served.connection(&name)?.check().await?;
    Ok(Json(json!({ "permissions": permissions })))
}

/// What to pull.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pull {
    /// The kinds, for example `candidates`; one after the other.
    kinds: Vec<String>,
    /// Read everything again, not only what changed.
    #[serde(default)]
    full: bool,
}

/// Pulls kinds from the ATS now.
#[utoipa::path(post, path = "/v1/connections/{connection}/pull", tag = "connections",
    request_body = Pull, responses(
    (status = 200, body = answers::Pulled),
))]
pub(super) async fn pull(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    Given(pull): Given<Pull>,
) -> Result<Json<Value>, Problem> {
    let connection = served.connection(&name)?;
    for kind in &pull.kinds {
        has_kind(&connection, kind)?;
    }
    deed.about(&pull.kinds.join(","));
    let mut reports = Vec::new();
    for kind in &pull.kinds {
        reports.push(match pull.full {
            true => connection.pull_full(kind).await?,
            false => connection.pull(kind).await?,
        });
    }
    Ok(Json(json!({ "pulled": reports })))
}

/// Refuses a kind that the connection's adapter does not have.
pub(super) fn has_kind(connection: &Connection, kind: &str) -> Result<(), Problem> {
    let checked = connection.check_kind(kind);
    checked.map_err(|error| Problem::new(ProblemType::NoSuchKind, error.to_string()))
}

/// What to sweep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    /// The kind.
    kind: String,
}

/// Finds deletions of a kind: a complete scan, then a fetch of each missing record.
#[utoipa::path(post, path = "/v1/connections/{connection}/sweep", tag = "connections",
    request_body = Sweep, responses(
    (status = 200, body = answers::Swept),
))]
pub(super) async fn sweep(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    Given(sweep): Given<Sweep>,
) -> Result<Json<Value>, Problem> {
    let connection = served.connection(&name)?;
    has_kind(&connection, &sweep.kind)?;
    deed.about(&sweep.kind);
    let report = connection.sweep(&sweep.kind, SweepOptions::default()).await?;
    Ok(Json(json!({ "swept": report })))
}

/// Which records to plan.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Planned {
    /// All records, not only those that changed here or in the ATS since they were planned.
    #[serde(default)]
    all: bool,
}

impl Planned {
    fn of(&self) -> PlanOf<'static> {
        if self.all { PlanOf::All } else { PlanOf::Dirty }
    }
}

/// Plans the declared records, and writes nothing.
#[utoipa::path(post, path = "/v1/connections/{connection}/plan", tag = "connections",
    request_body = Option<Planned>, responses(
    (status = 200, body = answers::Planning),
))]
pub(super) async fn plan(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    GivenIfAny(planned): GivenIfAny<Planned>,
) -> Result<Json<Value>, Problem> {
    let connection = served.connection(&name)?;
    Ok(Json(json!(connection.plan(planned.of()).await?)))
}

/// Plans the declared records and writes what is missing, exactly once.
#[utoipa::path(post, path = "/v1/connections/{connection}/apply", tag = "connections",
    request_body = Option<Planned>, responses(
    (status = 200, body = answers::Applied),
))]
pub(super) async fn apply(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Extension(deed): Extension<Deed>,
    GivenIfAny(planned): GivenIfAny<Planned>,
) -> Result<Json<Value>, Problem> {
    let connection = served.connection(&name)?;
    drop(served);
    let applied = super::tasks::to_the_end(async move {
        let plan = connection.plan(planned.of()).await?;
        let report = connection.apply(&plan).await?;
        deed.counted(report.steps.len());
        Ok::<_, atsync::Error>(json!({ "plan": plan, "report": report }))
    });
    Ok(Json(applied.await??))
}
