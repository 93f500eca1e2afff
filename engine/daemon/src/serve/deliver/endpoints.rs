//! Endpoints of webhooks out: listed, made, replaced, removed while the server runs.
//!
//! A new endpoint, and a connection that its filter newly has, begin at the present end of the
//! feed; a connection that is made later begins at its first change. A replay sends earlier ones.
//!
//! A token that is limited to connections has no endpoints: what an endpoint gets is not limited by
//! the token that made it.

use super::super::audit::deed::Deed;
use super::super::body::Given;
use super::super::caller::Caller;
use super::super::problem::{Problem, ProblemType};
use super::super::served::Served;
use super::super::tasks;
use super::book;
use super::courier::start;
use super::endpoint::{Disabled, ENDPOINTS_MAX, Endpoint, checked, checked_filter};
use super::signing;
use crate::made::is_stale;
use crate::open::Opened;
use atsync::{Clock, Entropy, Secret, SystemClock, SystemEntropy};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// An endpoint to make, or in place of another one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct NewEndpoint {
    /// Where deliveries are sent: https, or http to a private address where the configuration
    /// allows it.
    url: String,
    /// `whsec_` and base64 of 24 to 64 bytes. A new endpoint without one gets one, which is shown
    /// once; a replacement without one keeps the present one.
    secret: Option<String>,
    /// The kinds that are sent; none for all.
    kinds: Option<Vec<String>>,
    /// The connections whose changes are sent; none for all.
    connections: Option<Vec<String>>,
    /// Whether anything is sent. While it is not, changes wait in the feed.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// An endpoint, without its secret.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct EndpointView {
    pub(in crate::serve) id: String,
    pub(in crate::serve) url: String,
    pub(in crate::serve) kinds: Option<Vec<String>>,
    pub(in crate::serve) connections: Option<Vec<String>>,
    pub(in crate::serve) enabled: bool,
    /// Why it was disabled, where it was not by a user.
    pub(in crate::serve) disabled: Option<Disabled>,
    pub(in crate::serve) created_ms: u64,
}

/// The endpoints.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct EndpointList {
    endpoints: Vec<EndpointView>,
}

/// An endpoint that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct MadeEndpoint {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// The secret that was made for it. It is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

pub(super) fn view(id: &str, endpoint: Endpoint) -> EndpointView {
    let Endpoint { url, kinds, connections, enabled, disabled, created_ms, .. } = endpoint;
    EndpointView { id: id.to_owned(), url, kinds, connections, enabled, disabled, created_ms }
}

/// Refuses a caller who may not use all connections.
pub(in crate::serve) fn unlimited(caller: &Caller) -> Result<(), Problem> {
    if caller.is_limited() {
        return Err(Problem::new(
            ProblemType::Forbidden,
            "a token that is limited to connections has no webhook endpoints",
        ));
    }
    Ok(())
}

pub(super) fn opened(served: &Served) -> Result<Opened, Problem> {
    let stopping = || Problem::new(ProblemType::Stopping, "the server is stopping");
    served.opened().ok_or_else(stopping)
}

/// An endpoint that is there.
pub(super) fn known(served: &Served, id: &str) -> Result<Endpoint, Problem> {
    let found = served.deliveries.one(id).map(|(endpoint, _)| endpoint);
    found.ok_or_else(|| {
        let detail = "there is no such endpoint; GET /v1/webhook-endpoints lists them";
        Problem::new(ProblemType::NoSuchRecord, detail)
    })
}

/// All endpoints, in the order of their ids.
pub(in crate::serve) fn all(served: &Served) -> Vec<EndpointView> {
    let all = served.deliveries.endpoints().into_iter();
    all.map(|(id, endpoint)| view(&id, endpoint)).collect()
}

/// One endpoint.
///
/// # Errors
/// When there is none.
pub(in crate::serve) fn one(served: &Served, id: &str) -> Result<EndpointView, Problem> {
    Ok(view(id, known(served, id)?))
}

/// Stores a changed endpoint and knows it from now on.
pub(super) async fn replace(
    served: &Served,
    opened: &Opened,
    id: &str,
    (before, endpoint): (&Endpoint, Endpoint),
) -> Result<(), Problem> {
    let stored = book::put(&opened.engine, id, Some(before), &endpoint).await;
    stored.map_err(|error| {
        if is_stale(&error) {
            let detail = "the endpoint was changed meanwhile; read it again";
            return Problem::new(ProblemType::PreconditionFailed, detail);
        }
        error.into()
    })?;
    served.deliveries.set(id, endpoint);
    Ok(())
}

impl NewEndpoint {
    /// Checks everything but the secret.
    fn check(&self, served: &Served, opened: &Opened) -> Result<(), Problem> {
        let allow_private = opened.config.serve.allow_private_network;
        checked(&self.url, allow_private).map_err(|why| Problem::invalid("/url", why))?;
        let refused = |pointer| move |why| Problem::invalid(pointer, why);
        checked_filter(self.kinds.as_deref()).map_err(refused("/kinds"))?;
        checked_filter(self.connections.as_deref()).map_err(refused("/connections"))?;
        for name in self.connections.iter().flatten() {
            if served.one(name).is_err() {
                let detail = format!("there is no connection {name:?}");
                return Err(Problem::invalid("/connections", detail));
            }
        }
        let listed = served.listed(&Caller::local()).into_iter();
        let open: Vec<_> = listed.filter_map(|one| one.connection).collect();
        for kind in self.kinds.iter().flatten() {
            let refusals: Vec<_> =
                open.iter().map_while(|one| one.check_kind(kind).err()).collect();
            if let Some(error) = refusals.first().filter(|_| refusals.len() == open.len()) {
                return Err(Problem::invalid("/kinds", error.to_string()));
            }
        }
        Ok(())
    }

    /// Its secret, where one is given.
    fn secret(&self, opened: &Opened) -> Result<Option<Secret>, Problem> {
        if !opened.vault.can_seal() {
            return Err(Problem::new(
                ProblemType::Configuration,
                "there is no key to seal secrets with, so none can be taken; name one as \
                 `seal_key` of the table [serve]",
            ));
        }
        let Some(given) = &self.secret else { return Ok(None) };
        let refused = || {
            Problem::invalid("/secret", "a secret is `whsec_` and base64 of 24 to 64 random bytes")
        };
        signing::read(given).map(Some).ok_or_else(refused)
    }
}

/// Has changes of the connections that are newly wanted sent from now on, and ends the offsets of
/// those that are not wanted any more.
async fn set_offsets(
    served: &Served,
    id: &str,
    (before, after): (Option<&Endpoint>, &Endpoint),
) -> Result<(), Problem> {
    let consumer = book::consumer(id);
    for listed in served.listed(&Caller::local()) {
        let Some(connection) = listed.connection else { continue };
        let name = &listed.name;
        let was_wanted = before.is_some_and(|before| before.wants_connection(name));
        match (was_wanted, after.wants_connection(name)) {
            (false, true) => {
                let last = connection.status().await?.changes_last;
                connection.acknowledge(&consumer, last).await?;
            }
            (true, false) => connection.end_consumer(&consumer).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Lists the endpoints; none shows its secret.
#[utoipa::path(get, path = "/v1/webhook-endpoints",
    operation_id = "list_webhook_endpoints", tag = "webhooks", responses(
    (status = 200, body = EndpointList),
))]
pub(in crate::serve) async fn list(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<EndpointList>, Problem> {
    unlimited(&caller)?;
    Ok(Json(EndpointList { endpoints: all(&served) }))
}

/// Makes an endpoint. Changes are sent to it from now on.
#[utoipa::path(post, path = "/v1/webhook-endpoints",
    operation_id = "make_webhook_endpoint", tag = "webhooks", request_body = NewEndpoint,
    responses((status = 201, body = MadeEndpoint)))]
pub(in crate::serve) async fn make(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Extension(deed): Extension<Deed>,
    Given(new): Given<NewEndpoint>,
) -> Result<(StatusCode, Json<MadeEndpoint>), Problem> {
    unlimited(&caller)?;
    // To its end, so that a caller who leaves does not part the record from its task.
    tasks::to_the_end(async move {
        let _editing = served.deliveries.editing.lock().await;
        let opened = opened(&served)?;
        new.check(&served, &opened)?;
        if served.deliveries.endpoints().len() >= ENDPOINTS_MAX {
            let detail = format!("there are {ENDPOINTS_MAX} endpoints already; remove some");
            return Err(Problem::invalid("", detail));
        }
        let given = new.secret(&opened)?;
        let made = match given {
            Some(_) => None,
            None => Some(signing::made(&SystemEntropy).ok_or_else(|| {
                let detail = "the system has no randomness, so no secret can be made";
                Problem::new(ProblemType::NoRandomness, detail)
            })?),
        };
        let id = SystemEntropy.id();
        deed.about(&id);
        if let Some(secret) = given.as_ref().or(made.as_ref()) {
            book::seal(&opened.vault, &id, 1, secret).await?;
        }
        let endpoint = Endpoint {
            url: new.url,
            kinds: new.kinds,
            connections: new.connections,
            enabled: new.enabled,
            disabled: None,
            secret: 1,
            revision: 1,
            created_ms: SystemClock.now_ms(),
        };
        set_offsets(&served, &id, (None, &endpoint)).await?;
        book::put(&opened.engine, &id, None, &endpoint).await?;
        served.deliveries.set(&id, endpoint.clone());
        start(&served, &id).await;
        let secret = made.map(|secret| secret.expose().to_owned());
        let body = MadeEndpoint { endpoint: view(&id, endpoint), secret };
        Ok((StatusCode::CREATED, Json(body)))
    })
    .await?
}

/// Shows an endpoint.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{endpoint}",
    operation_id = "read_webhook_endpoint", tag = "webhooks", responses(
    (status = 200, body = EndpointView),
))]
pub(in crate::serve) async fn read(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<EndpointView>, Problem> {
    unlimited(&caller)?;
    Ok(Json(one(&served, &id)?))
}

/// Replaces an endpoint: URL, filter, whether it is enabled, and its secret if one is given. What
/// is sent at this moment may be sent again.
#[utoipa::path(put, path = "/v1/webhook-endpoints/{endpoint}",
    operation_id = "put_webhook_endpoint", tag = "webhooks",
    request_body = NewEndpoint, responses((status = 200, body = EndpointView)))]
pub(in crate::serve) async fn put(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Given(new): Given<NewEndpoint>,
) -> Result<Json<EndpointView>, Problem> {
    unlimited(&caller)?;
    tasks::to_the_end(async move {
        let _editing = served.deliveries.editing.lock().await;
        let opened = opened(&served)?;
        known(&served, &id)?;
        new.check(&served, &opened)?;
        let given = new.secret(&opened)?;
        served.deliveries.halt(&id).await;
        let put = replaced(&served, &opened, &id, new, given).await;
        // Also after a refusal it runs as before.
        start(&served, &id).await;
        put.map(|endpoint| Json(view(&id, endpoint)))
    })
    .await?
}

async fn replaced(
    served: &Served,
    opened: &Opened,
    id: &str,
    new: NewEndpoint,
    given: Option<Secret>,
) -> Result<Endpoint, Problem> {
    let before = known(served, id)?;
    let revision = before.revision.saturating_add(1);
    let secret = if given.is_some() { revision } else { before.secret };
    if let Some(given) = &given {
        book::seal(&opened.vault, id, secret, given).await?;
    }
    let endpoint = Endpoint {
        url: new.url,
        kinds: new.kinds,
        connections: new.connections,
        enabled: new.enabled,
        disabled: before.disabled.clone().filter(|_| !new.enabled),
        secret,
        revision,
        created_ms: before.created_ms,
    };
    set_offsets(served, id, (Some(&before), &endpoint)).await?;
    replace(served, opened, id, (&before, endpoint.clone())).await?;
    book::keep_secret(&opened.vault, id, secret).await?;
    Ok(endpoint)
}

/// Removes an endpoint with its secret and its offsets.
#[utoipa::path(delete, path = "/v1/webhook-endpoints/{endpoint}",
    operation_id = "delete_webhook_endpoint", tag = "webhooks", responses(
    (status = 204),
))]
pub(in crate::serve) async fn delete(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    unlimited(&caller)?;
    tasks::to_the_end(async move {
        let _editing = served.deliveries.editing.lock().await;
        let opened = opened(&served)?;
        known(&served, &id)?;
        served.deliveries.halt(&id).await;
        book::remove(&opened.engine, &opened.vault, &id).await?;
        served.deliveries.remove(&id);
        let listed = served.listed(&Caller::local()).into_iter();
        for connection in listed.filter_map(|one| one.connection) {
            connection.end_consumer(&book::consumer(&id)).await?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await?
}
