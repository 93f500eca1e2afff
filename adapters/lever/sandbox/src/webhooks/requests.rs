//! `/v1/webhooks`: the key's owner lists, creates, changes and deletes webhooks.

use atsync_sandbox::{Answer, Request};
use serde_json::json;

use super::{Webhooks, check_url, event_named, shown};
use crate::body::Body;
use crate::quirks::HookQuirks;
use crate::refusal::Refusal;

const FORM: &str = "event!:text url!:text configuration:map";
const UPDATE: &str = "event:text url:text configuration:map";

impl Webhooks {
    /// Answers a request that may be carried out. The list has no `hasNext`.
    pub(crate) fn serve(
        &mut self,
        request: &Request<'_>,
        segments: &[&str],
        quirks: &HookQuirks,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        let unknown = Refusal::NotFound("Webhook");
        match (request.method, segments) {
            ("GET", ["webhooks"]) => Ok(Answer::value(200, &json!({"data": self.list()}))),
            ("POST", ["webhooks"]) => {
                let body = Body::read(request, FORM)?;
                let event = event(&body)?;
                let url = body.text("url").unwrap_or_default();
                let made = self.add(event, url, conditions(&body), None, quirks, now_ms)?;
                Ok(Answer::value(201, &json!({"data": shown(&made, true)})))
            }
            ("PUT", ["webhooks", id]) => {
                let number = self.number(id).ok_or(unknown)?;
                let body = Body::read(request, UPDATE)?;
                let event = body.text("event").map(|_| event(&body)).transpose()?;
                let url = body.text("url").map(str::to_owned);
                if let Some(url) = &url {
                    check_url(url, quirks)?;
                }
                let held = self.all.get_mut(&number).ok_or(Refusal::NotFound("Webhook"))?;
                held.event = event.unwrap_or(held.event);
                held.url = url.unwrap_or_else(|| held.url.clone());
                if body.get("configuration").is_some() {
                    held.conditions = conditions(&body);
                }
                held.updated_ms = now_ms;
                Ok(Answer::value(200, &json!({"data": shown(held, false)})))
            }
            ("DELETE", ["webhooks", id]) => {
                if self.remove(id) {
                    Ok(Answer::no_content())
                } else {
                    Err(unknown)
                }
            }
            _ => Err(Refusal::NotFound("Resource")),
        }
    }
}

fn event(body: &Body) -> Result<&'static str, Refusal> {
    let named = body.text("event").and_then(event_named);
    named.ok_or_else(|| Refusal::bad("\"event\" is not valid"))
}

fn conditions(body: &Body) -> serde_json::Value {
    let given = body.get("configuration").and_then(|held| held.get("conditions")).cloned();
    given.unwrap_or_else(|| json!({}))
}
