//! `/v3/webhooks`: partners list, create, change and delete webhooks.
//!
//! Bodies and answers are those of openapi-v3.json. It has no list, and another source has one, so
//! the list answers the same rows, newest first, on one page, or 404 by a quirk.

use atsync_sandbox::{Answer, Request};
use serde_json::json;

use super::registry::Webhooks;
use super::webhook::{Webhook, event_named};
use crate::body::Body;
use crate::hook_quirks::HookQuirks;
use crate::refusal::Refusal;

/// The longest user name and password.
const BASIC_CHARS_MAX: usize = 255;
const CREATE: &str = "endpoint_url!:name name!:name event_action_type!:name secret_key!:name \
    max_attempts!:id deactivated:bool basic_auth_username:text basic_auth_password:text \
    additional_headers:text error_recipient_email:text";
const UPDATE: &str = "endpoint_url:name name:name event_action_type:name secret_key:name \
    max_attempts:id deactivated:bool basic_auth_username:text basic_auth_password:text \
    additional_headers:text error_recipient_email:text";

/// Returns the action of a request, as its scope names it.
pub(crate) fn action(request: &Request<'_>, segments: &[&str]) -> Option<&'static str> {
    match (request.method, segments) {
        ("GET", ["webhooks"]) => Some("list"),
        ("POST", ["webhooks"]) => Some("create"),
        ("PATCH", ["webhooks", _]) => Some("update"),
        ("DELETE", ["webhooks", _]) => Some("destroy"),
        _ => None,
    }
}

/// Answers a request that may be carried out.
pub(super) fn serve(
    webhooks: &mut Webhooks,
    quirks: &HookQuirks,
    now_ms: i64,
    request: &Request<'_>,
    segments: &[&str],
) -> Result<Answer, Refusal> {
    let id = || segments.get(1).and_then(|id| id.parse::<i64>().ok()).ok_or(Refusal::NotFound);
    match request.method {
        "GET" if quirks.no_list => Err(Refusal::NotFound),
        "GET" => {
            let mut answer = Answer::value(200, &json!(webhooks.list()));
            answer.set_header("link", "");
            Ok(answer)
        }
        "POST" => {
            let body = Body::read(request.body, CREATE)?;
            let text = |name: &str| body.text(name).unwrap_or_default();
            let event = event(text("event_action_type"))?;
            let webhook =
                Webhook::new(text("name"), text("endpoint_url"), text("secret_key"), event);
            let webhook = edited(webhook, &body)?;
            Ok(Answer::value(201, &webhooks.add(webhook, quirks, now_ms)?))
        }
        "PATCH" => {
            let webhook = webhooks.get(id()?).cloned().ok_or(Refusal::NotFound)?;
            let body = Body::read(request.body, UPDATE)?;
            let webhook = edited(webhook, &body)?;
            Ok(Answer::value(200, &webhooks.replace(webhook, quirks, now_ms)?))
        }
        _ => {
            let id = id()?;
            if !webhooks.remove(id) {
                return Err(Refusal::NotFound);
            }
            let message = format!("Webhook {id} deleted successfully");
            Ok(Answer::value(200, &json!({"message": message})))
        }
    }
}

fn event(name: &str) -> Result<&'static str, Refusal> {
    event_named(name)
        .ok_or_else(|| Refusal::invalid("event_action_type", "is not included in the list"))
}

/// Sets the members that a body has.
fn edited(mut webhook: Webhook, body: &Body) -> Result<Webhook, Refusal> {
    for (name, member) in [
        ("name", &mut webhook.name),
        ("endpoint_url", &mut webhook.endpoint_url),
        ("secret_key", &mut webhook.secret),
    ] {
        if let Some(text) = body.text(name) {
            text.clone_into(member);
        }
    }
    for (name, member) in [
        ("basic_auth_username", &mut webhook.basic_user),
        ("basic_auth_password", &mut webhook.basic_password),
        ("additional_headers", &mut webhook.additional_headers),
        ("error_recipient_email", &mut webhook.error_recipient),
    ] {
        if body.has(name) {
            let text = body.text(name);
            let too_long = text.is_some_and(|text| text.chars().count() > BASIC_CHARS_MAX);
            if too_long && name.starts_with("basic_auth") {
                return Err(Refusal::invalid(name, "is too long (maximum is 255 characters)"));
            }
            *member = text.map(str::to_owned);
        }
    }
    if let Some(name) = body.text("event_action_type") {
        webhook.event = event(name)?;
    }
    if let Some(attempts) = body.int("max_attempts") {
        webhook.max_attempts = u32::try_from(attempts)
            .ok()
            .filter(|attempts| *attempts > 0)
            .ok_or_else(|| Refusal::invalid("max_attempts", "must be greater than 0"))?;
    }
    webhook.deactivated = body.bool("deactivated").unwrap_or(webhook.deactivated);
    Ok(webhook)
}
