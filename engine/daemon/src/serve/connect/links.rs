//! `/v1/connect-links`: the host makes links for its customers' administrators.
//!
//! A link is shown once, with its token; lists have its id alone. Adapter, origins and settings are
//! tried when the link is made, so that a mistake is the host's to see, not the customer's. A token
//! that is limited to connections makes links for those alone.
//!
//! Bounds: [`LINKS_MAX`](super::link::LINKS_MAX) links, [`LIFE_MS_MAX`].

use super::link::{self, Link, NotMade, Phase, id_of};
use super::theme::Theme;
use crate::config::client::is_safe_url;
use crate::config::made::Made;
use crate::config::scheme::Scheme;
use crate::made::MadeSecrets;
use crate::makeable;
use crate::oauth_clients;
use crate::open::Opened;
use crate::serve::audit::deed::Deed;
use crate::serve::body::Given;
use crate::serve::caller::Caller;
use crate::serve::making::leads;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::served::Served;
use atsync::{Clock, Secret, SystemClock};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

const HOUR_MS: u64 = 60 * 60 * 1_000;
/// How long a link lasts when the request does not say, and at most: a week, and thirty days.
const LIFE_MS: u64 = 7 * 24 * HOUR_MS;
const LIFE_MS_MAX: u64 = 30 * 24 * HOUR_MS;
/// Bytes of the URL that the customer goes back to.
const RETURN_URL_BYTES_MAX: usize = 2_000;

/// A link to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct NewLink {
    /// The connection that is made, or gets another credential.
    connection: String,
    /// The name of a built-in adapter, or of one of the adapters' folder.
    adapter: String,
    /// The OAuth client of `[serve.clients]` that is consented to. Default: the only one of the
    /// adapter; without one the customer gives a credential of their own.
    client: Option<String>,
    /// Origins that differ from the adapter's, by name.
    #[serde(default)]
    origins: BTreeMap<String, String>,
    /// The adapter's settings.
    #[serde(default)]
    settings: Map<String, Value>,
    /// Whether private addresses and clear text are allowed; the configuration must allow it too.
    #[serde(default)]
    allow_private_network: bool,
    /// Where the customer goes back to: an `https` URL, or one of this machine.
    return_url: Option<String>,
    /// How the page looks.
    theme: Option<Theme>,
    /// How long the link lasts, in milliseconds. Default: seven days.
    #[schema(minimum = 60000, maximum = 2592000000_u64)]
    life_ms: Option<u64>,
}

/// A link that was made.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct MadeLink {
    /// For lists and its revocation.
    id: String,
    /// Where the customer goes. It is shown this once.
    url: String,
    ends_ms: u64,
}

/// A link, without its token.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct LinkView {
    id: String,
    connection: String,
    adapter: String,
    created_ms: u64,
    ends_ms: u64,
    /// `open`, `begun`, `used` or `ended`.
    state: &'static str,
    /// When it was used up.
    used_ms: Option<u64>,
}

/// The links that are known.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct LinkList {
    links: Vec<LinkView>,
}

fn running(served: &Served) -> Result<Opened, Problem> {
    let stopping = || Problem::new(ProblemType::Stopping, "the server is stopping");
    served.opened().ok_or_else(stopping)
}

/// The client that a new link leads to.
fn client(opened: &Opened, new: &NewLink) -> Result<Option<String>, Problem> {
    let clients = &opened.config.serve.clients;
    let mut fitting = clients.iter().filter(|(_, client)| client.adapter == new.adapter);
    match &new.client {
        Some(name) => match clients.get(name).filter(|client| client.adapter == new.adapter) {
            Some(_) => Ok(Some(name.clone())),
            None => {
                let why = "the table [serve.clients] has no client of this name and adapter";
                Err(Problem::invalid("/client", why))
            }
        },
        None => match (fitting.next(), fitting.next()) {
            (Some((name, _)), None) => Ok(Some(name.clone())),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => {
                let why = "the table [serve.clients] has several of this adapter; name one";
                Err(Problem::invalid("/client", why))
            }
        },
    }
}

fn link(new: NewLink, client: Option<String>) -> Result<Link, Problem> {
    if let Some(theme) = &new.theme {
        theme.check().map_err(|(pointer, why)| Problem::invalid(pointer, why))?;
    }
    let is_good = |url: &String| url.len() <= RETURN_URL_BYTES_MAX && is_safe_url(url);
    if new.return_url.as_ref().is_some_and(|url| !is_good(url)) {
        let why = format!(
            "it has to be an https URL, or an http URL of this machine, without user and fragment, \
             of at most {RETURN_URL_BYTES_MAX} characters"
        );
        return Err(Problem::invalid("/return_url", why));
    }
    let life_ms = new.life_ms.unwrap_or(LIFE_MS);
    if !(60_000..=LIFE_MS_MAX).contains(&life_ms) {
        let why = format!("a link lasts from 60000 to {LIFE_MS_MAX} milliseconds (thirty days)");
        return Err(Problem::invalid("/life_ms", why));
    }
    let created_ms = SystemClock.now_ms();
    Ok(Link {
        connection: new.connection,
        adapter: new.adapter,
        client,
        origins: new.origins,
        settings: new.settings,
        allow_private_network: new.allow_private_network,
        return_url: new.return_url,
        theme: new.theme,
        created_ms,
        ends_ms: created_ms.saturating_add(life_ms),
        browser: None,
        checked: None,
        used_ms: None,
    })
}

/// Makes a link, with which a customer's administrator connects their ATS. Its URL is shown this
/// once. Whoever has it can give the credential of this connection, until it is used or ends.
#[utoipa::path(post, path = "/v1/connect-links",
    operation_id = "make_connect_link", tag = "connect", request_body = NewLink,
    responses((status = 201, body = MadeLink),
))]
pub(in crate::serve) async fn make(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Extension(deed): Extension<Deed>,
    Given(new): Given<NewLink>,
) -> Result<(StatusCode, Json<MadeLink>), Problem> {
    if !caller.may_use(&new.connection) {
        return Err(Problem::no_such_connection());
    }
    leads(&caller, &new.origins, new.allow_private_network)?;
    let public_url = served.public_url()?;
    let opened = running(&served)?;
    let before = makeable::changeable(&opened, &new.connection).await?;
    makeable::check(&opened, &new.adapter, new.allow_private_network, before.is_none())?;
    if before.as_ref().is_some_and(|before| before.adapter != new.adapter) {
        return Err(Problem::invalid("/adapter", "the connection has another adapter"));
    }
    let client = client(&opened, &new)?;
    if let Some(name) = &client {
        // An administrator could not do anything about it on the page.
        let read = oauth_clients::read(&opened.config, name).await.transpose();
        read.map_err(|why| Problem::new(ProblemType::Configuration, why))?;
    }
    let link = link(new, client)?;
    try_out(&opened, &link, before).await?;
    let made = link::make(&opened.engine, &link).await;
    let (token, key) = made.map_err(|why| match why {
        NotMade::TooMany => {
            Problem::invalid("", format!("there are {} links already", link::LINKS_MAX))
        }
        NotMade::NoRandomness => {
            Problem::new(ProblemType::NoRandomness, "the system gives no randomness")
        }
        NotMade::Store(error) => error.into(),
    })?;
    deed.about(&id_of(&key));
    let url = format!("{public_url}/connect/{}", token.expose());
    Ok((StatusCode::CREATED, Json(MadeLink { id: id_of(&key), url, ends_ms: link.ends_ms })))
}

/// Connects over a store in memory with a credential that is none, to see what does not fit.
async fn try_out(opened: &Opened, link: &Link, before: Option<Made>) -> Result<(), Problem> {
    let unfit = |why: String| Problem::invalid("", why);
    let adapter = opened.adapter(&link.adapter).await.map_err(|why| unfit(why.to_string()))?;
    let scheme = super::fitting::scheme(adapter.manifest());
    let scheme = match (scheme, &link.client) {
        (Some(scheme), _) => scheme,
        (None, Some(_)) => Scheme::AuthorizationCode,
        (None, None) => {
            let why = "the adapter takes a consent alone; add a client to [serve.clients]";
            return Err(Problem::invalid("/client", why));
        }
    };
    let mut record = super::fitting::record(link, before.as_ref(), scheme);
    record.client.clone_from(&link.client);
    record.client_id = Some("not given yet".to_owned());
    let secret = || Some(Secret::new("not given yet"));
    let secrets = MadeSecrets { client_secret: secret(), key: secret(), webhook: None };
    let name = &link.connection;
    let credential = opened.credential_of(name, &record, &secrets).await.map_err(unfit)?;
    let trial = opened.try_out(name, &record, credential, None).await;
    trial.map(drop).map_err(|why| unfit(why.to_string()))
}

/// Lists the links: those that last, and those that ended within a day.
#[utoipa::path(get, path = "/v1/connect-links",
    operation_id = "list_connect_links", tag = "connect", responses(
    (status = 200, body = LinkList),
))]
pub(in crate::serve) async fn list(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<LinkList>, Problem> {
    let found = link::all(&running(&served)?.engine).await?;
    let theirs = found.into_iter().filter(|one| caller.may_use(&one.link.connection));
    let view = |one: link::Found| LinkView {
        id: id_of(&one.key),
        state: match (one.link.phase(), &one.link.browser) {
            (Phase::Used, _) => "used",
            (Phase::Ended, _) => "ended",
            (Phase::Open, Some(_)) => "begun",
            (Phase::Open, None) => "open",
        },
        connection: one.link.connection,
        adapter: one.link.adapter,
        created_ms: one.link.created_ms,
        ends_ms: one.link.ends_ms,
        used_ms: one.link.used_ms,
    };
    Ok(Json(LinkList { links: theirs.map(view).collect() }))
}

/// Revokes a link: it is not known from then on. What was connected with it stays.
#[utoipa::path(delete, path = "/v1/connect-links/{link}",
    operation_id = "revoke_connect_link", tag = "connect",
    responses((status = 204),
))]
pub(in crate::serve) async fn revoke(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let engine = running(&served)?.engine;
    let found = link::all(&engine).await?;
    let mut theirs = found.into_iter().filter(|one| caller.may_use(&one.link.connection));
    let none = || Problem::new(ProblemType::NoSuchRecord, "no link has this id");
    let one = theirs.find(|one| id_of(&one.key) == id).ok_or_else(none)?;
    one.remove(&engine).await?;
    Ok(StatusCode::NO_CONTENT)
}
