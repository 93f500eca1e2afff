//! The register task: lists, creates, changes and removes webhooks.
//!
//! Greenhouse offers this to partners alone (openapi-v3.json, webhooks.md §6); a customer's own
//! credential is answered 403. One webhook is one event, one endpoint and one secret. The secret is
//! not in the requests of this module: the engine writes it in, as [`SECRET_MEMBER`].
//!
//! The OpenAPI document has no list, and the older reference has one \[2nd\]. So an answer to the
//! list that refuses it (400, 403, 404, 405, 422) means that there is none for this credential; a
//! missing right then shows in the request that follows.
//!
//! A ping that fails leaves a webhook disabled (webhooks.md §1), which a later list shows.
//!
//! Bounds: [`PAGES_MAX`] pages of the list. Left out: Basic authentication, further headers and the
//! recipient of errors; a webhook that is changed keeps those that a person set.

use crate::state::Continued;
use crate::write::row;
use crate::{answer, hook, request};
use atsync_adapter::contract::{
    Denied, Failure, Field, Outcome, Registered, Registering, Registration, Reply, Response, Step,
    Webhook,
};
use atsync_adapter::link;
use atsync_adapter::manifest::WebhookRule;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The member of a request's body that the engine writes the secret into.
const SECRET_MEMBER: &str = "secret_key";
/// The longest endpoint. Greenhouse states no limit \[?\]; 255 is the one of its other short texts.
const URL_BYTES_MAX: u32 = 255;
/// Where an admin creates webhooks by hand.
const BY_HAND_AT: &str = "Configure > Dev Center > Web Hooks";
/// How often Greenhouse tries a delivery, its documented most (webhooks.md §1 \[ok\]).
const ATTEMPTS: u32 = 7;
/// The collection.
const WEBHOOKS: &str = "webhooks";
/// The most pages of the list. One page of 500 is more than an account has; a continuation holds
/// some hundred webhooks.
const PAGES_MAX: u32 = 10;

/// The scopes, with a label and what fails without them.
pub(crate) const SCOPES: [(&str, &str, &str); 4] = [
    (
        "harvest:webhooks:list",
        "List webhooks",
        "A webhook that was disabled or removed is repaired within a day only.",
    ),
    ("harvest:webhooks:create", "Create webhooks", "Webhooks have to be created by hand."),
    (
        "harvest:webhooks:update",
        "Edit webhooks",
        "Webhooks that are disabled, or lead to an old address, have to be repaired by hand.",
    ),
    (
        "harvest:webhooks:destroy",
        "Delete webhooks",
        "Webhooks that are not needed any more have to be removed by hand.",
    ),
];

const LIST: &str = SCOPES[0].0;
const CREATE: &str = SCOPES[1].0;
const UPDATE: &str = SCOPES[2].0;
const DESTROY: &str = SCOPES[3].0;

/// The state of the task.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A page of the list was requested.
    List {
        pages: u32,
        link: Option<String>,
        seen: Vec<Seen>,
    },
    Create {
        event: String,
        url: String,
    },
    Change {
        id: String,
        event: String,
        url: String,
    },
    Remove,
}

impl Continued for State {
    const TASK: &str = "register";
}

/// A webhook of the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    id: String,
    event: String,
    url: String,
    active: bool,
}

/// The rule of the manifest.
pub(crate) fn rule() -> WebhookRule {
    let mut rule = WebhookRule::new(hook::EVENTS.iter().copied(), SECRET_MEMBER, BY_HAND_AT);
    rule.permissions = SCOPES.iter().map(|(scope, ..)| (*scope).to_owned()).collect();
    rule.url_bytes_max = URL_BYTES_MAX;
    rule
}

/// Sends the request.
pub(crate) fn start(task: Registering) -> Result<Step, Failure> {
    match task {
        Registering::List => page(1, None, Vec::new()),
        Registering::Create(webhook) => {
            let request = request::post(&[WEBHOOKS], body(&webhook));
            let Webhook { event, url } = webhook;
            request::changing(request, &State::Create { event, url })
        }
        Registering::Change(change) => {
            let id = known(change.id)?;
            let request = request::patch(WEBHOOKS, &id, body(&change.webhook));
            let Webhook { event, url } = change.webhook;
            request::changing(request, &State::Change { id, event, url })
        }
        Registering::Remove(id) => {
            request::changing(request::delete(WEBHOOKS, &known(id)?), &State::Remove)
        }
    }
}

/// Reads the answer.
pub(crate) fn resume(state: State, reply: Reply) -> Result<Step, Failure> {
    let response = answer::response(reply)?;
    let registration = match state {
        State::List { pages, link, seen } => return listed(pages, link, seen, &response),
        State::Create { event, url } => changed(&response, CREATE, |row| {
            let id = row::id(row, "id")?;
            Some(Registered { id, event, url, active: is_active(row) })
        }),
        State::Change { id, event, url } => changed(&response, UPDATE, |row| {
            Some(Registered { id, event, url, active: is_active(row) })
        }),
        State::Remove => match response.status {
            200..=299 => Registration::Removed,
            _ => refused(&response, DESTROY),
        },
    };
    Ok(Step::Done(Outcome::Registration(registration)))
}

fn known(id: String) -> Result<String, Failure> {
    let is_id = request::is_id(&id);
    if is_id { Ok(id) } else { Err(answer::invalid("id", "not an id of Greenhouse")) }
}

/// The body without the secret, which the engine writes in.
fn body(webhook: &Webhook) -> String {
    json!({
        "name": format!("atsync {}", webhook.event),
        "endpoint_url": webhook.url,
        "event_action_type": webhook.event,
        "max_attempts": ATTEMPTS,
        "deactivated": false,
    })
    .to_string()
}

fn page(pages: u32, link: Option<String>, seen: Vec<Seen>) -> Result<Step, Failure> {
    let request = match &link {
        Some(link) => request::follow(link.clone()),
        None => {
            let size = Field::new("per_page", request::PER_PAGE_MAX.to_string());
            request::get(WEBHOOKS, vec![size])
        }
    };
    request::safe(request, &State::List { pages, link, seen })
}

fn listed(
    pages: u32,
    link: Option<String>,
    mut seen: Vec<Seen>,
    response: &Response,
) -> Result<Step, Failure> {
    match response.status {
        200..=299 => {}
        400 | 403 | 404 | 405 | 422 if link.is_none() => {
            return Ok(Step::Done(Outcome::Registration(Registration::Unlisted)));
        }
        _ if link.is_some() => return Err(answer::cursor_refusal(response, LIST)),
        _ => return Err(answer::refusal(response, LIST)),
    }
    let rows: Vec<Value> = answer::json(response)?;
    seen.extend(rows.iter().filter_map(|row| {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let (event, url) = (text("event_action_type")?, text("endpoint_url")?);
        Some(Seen { id: row::id(row, "id")?, event, url, active: is_active(row) })
    }));
    match link::next(response)? {
        Some(next) if link.as_ref() == Some(&next) || pages >= PAGES_MAX => {
            Err(Failure::Protocol("the list of webhooks has no end".into()))
        }
        Some(next) => page(pages.saturating_add(1), Some(next), seen),
        None => {
            let all = seen.into_iter().map(|Seen { id, event, url, active }| Registered {
                id,
                event,
                url,
                active,
            });
            Ok(Step::Done(Outcome::Registration(Registration::Listed(all.collect()))))
        }
    }
}

fn is_active(row: &Value) -> bool {
    row.get("deactivated").and_then(Value::as_bool) != Some(true)
}

/// Reads the answer to a creation or a change. `read` reads its row.
fn changed(
    response: &Response,
    scope: &str,
    read: impl FnOnce(&Value) -> Option<Registered>,
) -> Registration {
    match response.status {
        200..=299 => {
            // A stub or an empty body is a success too (harvest-v3.md §6, §7).
            let row = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
            match read(&row) {
                Some(registered) => Registration::Kept(registered),
                None => Registration::Unclear(format!(
                    "status {}, and the answer names no webhook",
                    response.status
                )),
            }
        }
        _ => refused(response, scope),
    }
}

fn refused(response: &Response, scope: &str) -> Registration {
    match response.status {
        408 | 500..=599 => {
            Registration::Unclear(format!("status {}: {}", response.status, answer::said(response)))
        }
        // Not for this credential: the endpoint is for partners.
        404 | 405 if scope == CREATE => Registration::Refused(Failure::Denied(Denied {
            permission: scope.into(),
            message: answer::said(response),
        })),
        _ => Registration::Refused(answer::refusal(response, scope)),
    }
}
