//! Makes, replaces and removes connections while the server runs, and reads the configuration
//! again.
//!
//! A connection comes from the file or from here, never from both. One from here is tried out over
//! a store in memory before it is stored, so that a wrong setting changes nothing. Its secrets are
//! sealed before they reach the store, and no answer shows them.
//!
//! Adapters are those of this program and of the folder that its operator keeps: a path would let
//! a caller load another file of this machine.

use super::audit::deed::Deed;
use super::body::{Given, Query, matches};
use super::caller::Caller;
use super::problem::{Problem, ProblemType};
use super::served::{Reloaded, Served};
use crate::config::Config;
use crate::config::made::Made;
use crate::config::period::Jitter;
use crate::config::scheme::Scheme;
use crate::config::timing::{Retention, TimeZone};
use crate::made::{self, MadeSecrets};
use crate::makeable::{self, Unmakeable};
use crate::open::Opened;
use atsync::{Clock, ErrorKind, Secret, SystemClock, WebhooksReport};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// How long the webhooks of a connection are waited for when it is removed.
const WEBHOOKS_REMOVED_MS_MAX: u64 = 15_000;

/// A connection to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Making {
    /// The name of a built-in adapter, or of one of the adapters' folder.
    adapter: String,
    /// The credential. A replacement without one keeps the present credential and webhook secret.
    #[serde(default, deserialize_with = "unquoted")]
    auth: Option<MakingAuth>,
    /// Origins that differ from the adapter's, by name.
    #[serde(default)]
    origins: BTreeMap<String, String>,
    /// Accepts another version of the adapter that declares more, or lacks what the connection
    /// uses: the token that its refusal shows.
    accept: Option<String>,
    /// The adapter's settings.
    #[serde(default)]
    settings: Map<String, Value>,
    /// Cron expressions of pulls, by kind. Without one, kinds are pulled every five to fifteen
    /// minutes.
    #[serde(default)]
    schedule: BTreeMap<String, String>,
    /// Cron expressions of sweeps, by kind.
    #[serde(default)]
    sweeps: BTreeMap<String, String>,
    /// The time zone of both, by its name in the tz database; UTC without one.
    #[schema(value_type = Option<String>)]
    timezone: Option<TimeZone>,
    /// Up to how much later than its times a schedule is due, as `30s`; a minute without one.
    #[schema(value_type = Option<String>)]
    jitter: Option<Jitter>,
    /// How long old rows are kept; for good without it.
    #[serde(default)]
    retention: Retention,
    /// Whether private addresses and clear text are allowed; the configuration must allow it too.
    #[serde(default)]
    allow_private_network: bool,
    /// The secret that the ATS signs webhooks with. Given with `auth`.
    #[serde(default, deserialize_with = "unquoted")]
    webhook_secret: Option<String>,
}

/// Reads a member that has secrets: a refusal does not quote its value.
fn unquoted<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<T, D::Error> {
    T::deserialize(Value::deserialize(from)?).map_err(|_| {
        Error::custom(
            "a member with secrets has a wrong type, value or member: `auth` is an object with \
             `scheme` and the texts `client_id`, `client_secret`, `key`; `webhook_secret` is a \
             text",
        )
    })
}

/// A credential. Its secrets are sealed and never shown again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakingAuth {
    scheme: Scheme,
    client_id: Option<String>,
    client_secret: Option<String>,
    key: Option<String>,
}

/// The connection that was made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeView {
    name: String,
    /// Rises with each change; the value of `ETag`.
    revision: u64,
}

impl Making {
    /// The record and its secrets, as the successor of another record.
    fn record(self, before: Option<&Made>) -> Result<(Made, MadeSecrets), Problem> {
        let revision = before.map_or(0, |before| before.revision).saturating_add(1);
        let leads_elsewhere = before.is_some_and(|before| {
            before.adapter != self.adapter
                || before.origins != self.origins
                || before.allow_private_network != self.allow_private_network
        });
        let secret = |text: Option<String>| text.map(Secret::new);
        let (scheme, client_id, secrets, given, has_webhook_secret) = match (self.auth, before) {
            (Some(auth), _) if auth.scheme == Scheme::AuthorizationCode => {
                return Err(Problem::invalid(
                    "/auth/scheme",
                    "a consent is given on the connect page: POST /v1/connect-links makes the link",
                ));
            }
            (Some(auth), _) => {
                let given = MadeSecrets {
                    client_secret: secret(auth.client_secret),
                    key: secret(auth.key),
                    webhook: secret(self.webhook_secret),
                };
                let has_webhook = given.webhook.is_some();
                (auth.scheme, auth.client_id, made::draw(), given, has_webhook)
            }
            (None, Some(_)) if self.webhook_secret.is_some() => {
                return Err(Problem::invalid(
                    "/webhook_secret",
                    "a webhook secret is given together with `auth`",
                ));
            }
            (None, Some(_)) if leads_elsewhere => {
                return Err(Problem::invalid(
                    "/auth",
                    "a credential is not sent to other origins than those it was given for; give \
                     it again, together with them",
                ));
            }
            (None, Some(before)) => (
                before.scheme,
                before.client_id.clone(),
                before.secrets,
                MadeSecrets::default(),
                before.has_webhook_secret,
            ),
            (None, None) => {
                return Err(Problem::invalid("/auth", "a new connection needs a credential"));
            }
        };
        let is_consent = scheme == Scheme::AuthorizationCode;
        let record = Made {
            adapter: self.adapter,
            scheme,
            client_id,
            client: before.filter(|_| is_consent).and_then(|before| before.client.clone()),
            origins: self.origins,
            accept: self.accept,
            settings: self.settings,
            schedule: self.schedule,
            sweeps: self.sweeps,
            timezone: self.timezone,
            jitter: self.jitter,
            retention: self.retention,
            allow_private_network: self.allow_private_network,
            has_webhook_secret,
            revision,
            secrets,
        };
        Ok((record, given))
    }
}

fn etag(revision: u64) -> String {
    format!("\"{revision}\"")
}

/// What runs, and the record of a made connection; refused when the connection is not to be changed
/// here.
async fn changeable(served: &Served, name: &str) -> Result<(Opened, Option<Made>), Problem> {
    let opened = served.running()?;
    let before = makeable::changeable(&opened, name).await?;
    Ok((opened, before))
}

impl From<Unmakeable> for Problem {
    fn from(why: Unmakeable) -> Self {
        let text = why.to_string();
        match why {
            Unmakeable::OfFile(..) => Self::new(ProblemType::DeclaredInFile, text),
            Unmakeable::NoKey(_) => Self::new(ProblemType::Configuration, text),
            Unmakeable::NoAdapter(..) => Self::invalid("/adapter", text),
            Unmakeable::PrivateNetwork(_) => Self::invalid("/allow_private_network", text),
            Unmakeable::Name => Self::invalid("/connection", text),
            Unmakeable::TooMany => Self::invalid("", text),
            Unmakeable::Store(error) => error.into(),
        }
    }
}

/// Makes a connection, or replaces one that was made here.
///
/// `If-None-Match: *` only makes, `If-Match` only replaces the given revision. It is refused as a
/// whole when adapter, origins, settings and credential do not fit together; nothing is sent to the
/// ATS.
#[utoipa::path(put, path = "/v1/connections/{connection}",
    operation_id = "put_connection", tag = "connections", params(
        ("If-Match" = Option<String>, Header, description = "The revision to replace"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only make"),
    ), request_body = Making, responses(
    (status = 200, body = MadeView), (status = 201, body = MadeView),
))]
pub(super) async fn put(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Given(making): Given<Making>,
) -> Result<Response, Problem> {
    leads(&caller, &making.origins, making.allow_private_network)?;
    if caller.is_limited() && making.accept.is_some() {
        let why = "a token that is limited to connections accepts no other version of an adapter";
        return Err(Problem::new(ProblemType::Forbidden, why));
    }
    let (opened, before) = changeable(&served, &name).await?;
    Config::read(&opened.config.path).map_err(|why| of_file(&caller, &why.to_string()))?;
    matches(&headers, before.as_ref().map(|before| etag(before.revision)).as_deref())?;
    let is_private = making.allow_private_network;
    makeable::check(&opened, &making.adapter, is_private, before.is_none())?;
    let (record, given) = making.record(before.as_ref())?;
    let known = match before.as_ref().filter(|before| before.secrets == record.secrets) {
        Some(before) => {
            let opened = made::secrets(&opened.vault, &name, before).await;
            Some(opened.map_err(|why| Problem::new(ProblemType::Configuration, why))?)
        }
        None => None,
    };
    let secrets = known.as_ref().unwrap_or(&given);
    let unfit = |why: String| Problem::invalid("", why);
    let credential = opened.credential_of(&name, &record, secrets).await.map_err(unfit)?;
    let trial = opened.try_out(&name, &record, credential, secrets.webhook.clone()).await;
    trial.map_err(|why| unfit(why.to_string()))?;
    let (is_new, revision) = (before.is_none(), record.revision);
    let stored = {
        let name = name.clone();
        // To its end, so that a caller who leaves does not part the record from its run.
        super::tasks::to_the_end(async move {
            // A connection that is being forgotten cannot be opened.
            let _making = served.making.lock().await;
            let change = (before.as_ref(), &record);
            made::put(&opened.engine, &opened.vault, &name, change, &given).await.map_err(stale)?;
            drop(opened);
            Ok::<_, Problem>(served.reload().await)
        })
        .await??
    };
    let stored = stored.map_err(|why| of_file(&caller, why.detail()))?;
    if let Some(why) = stored.refused.get(&name) {
        return Err(Problem::new(ProblemType::Configuration, why));
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = (status, Json(MadeView { name, revision })).into_response();
    if let Ok(tag) = HeaderValue::from_str(&etag(revision)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// What goes with a connection.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Deletion {
    /// Also what the store knows of it: records, declarations, links, writes, its feed.
    #[serde(default)]
    forget: bool,
}

/// Removes a connection that was made here, with its secrets, and the webhooks that it registered
/// in the ATS, where that answers within some seconds; the log says when it does not. What the
/// store knows of it stays, without `forget=true`: a connection of this name that is made later
/// goes on from there.
///
/// A connection that is forgotten begins anew when it is made again. Candidates who were erased
/// stay erased, and its feed goes on after the last serial. With `forget=true` the request may be
/// repeated until it succeeds.
#[utoipa::path(delete, path = "/v1/connections/{connection}",
    operation_id = "delete_connection", tag = "connections", params(Deletion,
    ("If-Match" = Option<String>, Header, description = "The revision to remove"),
), responses(
    (status = 204),
))]
pub(super) async fn delete(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Extension(deed): Extension<Deed>,
    Path(name): Path<String>,
    Query(Deletion { forget }): Query<Deletion>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    if forget {
        deed.about("forget");
    }
    let (opened, before) = changeable(&served, &name).await?;
    let tag = before.as_ref().map(|before| etag(before.revision));
    if before.is_none() && !forget {
        return Err(Problem::no_such_connection());
    }
    matches(&headers, tag.as_deref())?;
    super::tasks::to_the_end(async move {
        let engine = opened.engine.clone();
        if before.is_some() {
            remove_webhooks(&served, &name).await;
        }
        let _making = served.making.lock().await;
        if let Some(before) = &before {
            let removed = made::remove(&opened.engine, &opened.vault, &name, before).await;
            removed.map_err(stale)?;
            drop(opened);
            served.reload().await.map_err(|why| of_file(&caller, why.detail()))?;
        }
        let forgotten = if forget { engine.forget(&name).await? } else { 0 };
        // A repeat of a request that was cut between the two.
        let did = before.is_some() || forgotten > 0;
        if did { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::no_such_connection()) }
    })
    .await?
}

/// Removes the webhooks that a connection registered, while its credential is there. That is not
/// worth more than some seconds, since what they send is refused from then on and the ATS disables
/// them by itself.
async fn remove_webhooks(served: &Served, name: &str) {
    let Ok(connection) = served.connection(name) else { return };
    let removed = tokio::select! {
        removed = connection.remove_webhooks() => removed,
        () = SystemClock.sleep(WEBHOOKS_REMOVED_MS_MAX) => {
            Err(atsync::Error::new(ErrorKind::Unavailable, "it took too long"))
        }
    };
    match removed {
        Ok(report) if report.blocked.is_none() => {
            let count = report.removed;
            tracing::info!(connection = name, count, "its webhooks were removed from the ATS");
        }
        Ok(WebhooksReport { message, .. }) => {
            let why = message.unwrap_or_default();
            tracing::warn!(connection = name, why, "its webhooks are left in the ATS");
        }
        Err(error) => {
            tracing::warn!(connection = name, %error, "its webhooks may be left in the ATS");
        }
    }
}

/// Refuses to a limited caller what leads a credential to other places: the credential may be one
/// of the host's, which all its customers share.
///
/// # Errors
/// When the caller is limited to connections and names an origin or the private network.
pub(super) fn leads(
    caller: &Caller,
    origins: &BTreeMap<String, String>,
    private_network: bool,
) -> Result<(), Problem> {
    if caller.is_limited() && (!origins.is_empty() || private_network) {
        return Err(Problem::new(
            ProblemType::Forbidden,
            "a token that is limited to connections names no `origins` and no \
             `allow_private_network`",
        ));
    }
    Ok(())
}

/// A refusal for a mistake in the file, which may name other connections.
fn of_file(caller: &Caller, why: &str) -> Problem {
    let told = if caller.is_limited() {
        "the configuration cannot be read again; its operator can see why"
    } else {
        why
    };
    Problem::new(ProblemType::Configuration, told)
}

fn stale(error: atsync::Error) -> Problem {
    if made::is_stale(&error) {
        let detail = "the connection was changed meanwhile; read it again";
        return Problem::new(ProblemType::PreconditionFailed, detail);
    }
    error.into()
}

/// What a reload did.
#[derive(Serialize, ToSchema)]
pub(super) struct ReloadView {
    /// The connections that were refused, each with why; `serve` is the table, with one fault on
    /// each line.
    refused: BTreeMap<String, String>,
    /// The files of the adapters' folder that were refused, by name, each with why; the folder
    /// itself has the empty name.
    adapters: BTreeMap<String, String>,
}

/// Reads the configuration file, its secrets and the adapters' folder again, as SIGHUP does. A
/// mistake in a connection leaves that one unchanged; one in the file leaves all.
#[utoipa::path(post, path = "/v1/reload", tag = "operations", responses(
    (status = 200, body = ReloadView),
))]
pub(super) async fn reload(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<ReloadView>, Problem> {
    if caller.is_limited() {
        let detail = "a token that is limited to connections does not reload the configuration";
        return Err(Problem::new(ProblemType::Forbidden, detail));
    }
    let reloaded = served.reload().await?;
    let Reloaded { refused, adapters } = reloaded;
    Ok(Json(ReloadView { refused, adapters }))
}
