//! Changes contacts. Lists replace what was stored.

use atsync_sandbox::{Answer, Request};
use serde_json::{Map, Value, json};

use super::{Writing, data};
use crate::body::Body;
use crate::refusal::Refusal;
use crate::render::Render;

impl Writing<'_> {
    /// Sets `updatedAt` of a contact's opportunities, if the switch says so.
    pub(super) fn touch_opportunities(&mut self, contact: &str) {
        if self.quirks.contact_touches_opportunities {
            for opportunity in self.model.find("opportunities", "contact", contact) {
                self.model.touch(&opportunity, json!({}));
            }
        }
    }
}

pub(super) fn edit_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    id: &str,
) -> Result<Answer, Refusal> {
    let theirs = context.model.find("opportunities", "contact", id);
    if !theirs.iter().any(|one| context.must_find(one).is_ok()) {
        return Err(Refusal::NotFound("Contact"));
    }
    let form = "name:text headline:text location:any emails:texts phones:phones";
    let body = Body::read(request, form)?;
    let mut members = Map::new();
    for name in ["name", "headline", "emails", "phones"] {
        members.extend(body.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    match body.get("location") {
        Some(Value::String(name)) => {
            members.insert("location".to_owned(), json!({"name": name}));
        }
        Some(Value::Object(location)) if location.get("name").is_some_and(Value::is_string) => {
            members.insert("location".to_owned(), location.clone().into());
        }
        None => {}
        Some(_) => return Err(Refusal::bad("\"location\" is not valid")),
    }
    edit(context, id, members);
    let render = Render { model: context.model, unknown_field: context.quirks.unknown_field };
    let shown = context.model.get("contacts", id).map(|held| render.plain(held));
    Ok(data(200, &shown.unwrap_or_default()))
}

/// Sets members of a contact.
pub(crate) fn edit(context: &mut Writing<'_>, id: &str, members: Map<String, Value>) {
    context.model.set("contacts", id, members.into());
    context.touch_opportunities(id);
}

/// Merges one contact into another, as people do in the product: its opportunities change their
/// `contact`.
pub(crate) fn merge(context: &mut Writing<'_>, winner: &str, loser: &str) {
    for opportunity in context.model.find("opportunities", "contact", loser) {
        context.model.touch(&opportunity, json!({"contact": winner}));
    }
    context.model.set("contacts", loser, json!({"_mergedInto": winner, "emails": []}));
}
