//! Adds and deletes notes. A note cannot be edited.

use atsync_sandbox::{Answer, Request};
use serde_json::{Value, json};

use super::{Writing, data};
use crate::body::Body;
use crate::model::text;
use crate::quirks::NoteMoves;
use crate::refusal::Refusal;
use crate::render::Render;

pub(super) fn add_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    opportunity: &str,
    thread: Option<&str>,
) -> Result<Answer, Refusal> {
    let form = "value!:text secret:bool score:any notifyFollowers:bool createdAt:ms";
    let body = Body::read(request, form)?;
    let value = body.text("value").unwrap_or_default();
    if value.trim().is_empty() {
        return Err(Refusal::bad("\"value\" must not be empty"));
    }
    let at_ms = context.client_time(body.int("createdAt"));
    let secret = body.get("secret") == Some(&Value::Bool(true));
    let id = match thread {
        None => add(context, opportunity, value, at_ms, secret),
        Some(note) => {
            let held = context.model.get("notes", note);
            let held = held.filter(|held| text(held, "_opportunity") == Some(opportunity));
            let fields = held.ok_or(Refusal::NotFound("Note"))?.get("fields").cloned();
            let mut fields = fields.and_then(|held| held.as_array().cloned()).unwrap_or_default();
            fields.push(field(context, opportunity, value, at_ms));
            context.model.set("notes", note, json!({"fields": fields}));
            touched(context, opportunity);
            note.to_owned()
        }
    };
    let render = Render { model: context.model, unknown_field: context.quirks.unknown_field };
    let mut shown =
        context.model.get("notes", &id).map(|held| render.plain(held)).unwrap_or_default();
    if let Some(map) = shown.as_object_mut() {
        map.insert("noteId".to_owned(), id.into());
    }
    Ok(data(201, &shown))
}

fn field(context: &Writing<'_>, opportunity: &str, value: &str, at_ms: i64) -> Value {
    let stage = context.model.text("opportunities", opportunity, "stage");
    json!({"type": "note", "text": "Comment", "value": value, "score": null, "stage": stage,
        "user": context.actor, "createdAt": at_ms})
}

/// A note moves the opportunity's last interaction, and nothing else unless the switch says so.
fn touched(context: &mut Writing<'_>, opportunity: &str) {
    let now_ms = context.model.now_ms();
    let members = match context.quirks.note_moves {
        NoteMoves::LastInteraction => json!({"lastInteractionAt": now_ms}),
        NoteMoves::UpdatedAt => json!({"lastInteractionAt": now_ms, "updatedAt": now_ms}),
    };
    context.model.set("opportunities", opportunity, members);
}

/// Adds a note. Returns its id.
pub(crate) fn add(
    context: &mut Writing<'_>,
    opportunity: &str,
    value: &str,
    at_ms: i64,
    secret: bool,
) -> String {
    let field = field(context, opportunity, value, at_ms);
    let members = json!({"text": "Note", "fields": [field], "user": context.actor,
        "secret": secret, "completedAt": at_ms, "createdAt": at_ms, "deletedAt": null,
        "_opportunity": opportunity});
    let id = context.model.add("notes", members);
    touched(context, opportunity);
    id
}

pub(super) fn delete(
    context: &mut Writing<'_>,
    opportunity: &str,
    id: &str,
) -> Result<Answer, Refusal> {
    if context.model.text("notes", id, "_opportunity") != Some(opportunity) {
        return Err(Refusal::NotFound("Note"));
    }
    context.model.documents.remove("notes", id);
    touched(context, opportunity);
    Ok(Answer::no_content())
}
