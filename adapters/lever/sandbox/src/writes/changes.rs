//! Changes opportunities: stage, archive, tags, sources, links.

use atsync_sandbox::{Answer, Request};
use serde_json::{Value, json};

use super::opportunities::distinct;
use super::{Writing, data};
use crate::body::Body;
use crate::model::{text, texts};
use crate::quirks::ChangeAnswer;
use crate::refusal::Refusal;
use crate::render::Seen;

impl Writing<'_> {
    fn changed(&self, id: &str) -> Answer {
        let seen = match self.quirks.change_answer {
            ChangeAnswer::Blanked => Seen::Blanked,
            ChangeAnswer::Whole => Seen::Whole,
        };
        data(200, &self.shown(id, seen))
    }
}

pub(super) fn move_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    id: &str,
) -> Result<Answer, Refusal> {
    let body = Body::read(request, "stage!:text")?;
    move_to(context, id, body.text("stage").unwrap_or_default())?;
    context.follow(id);
    Ok(context.changed(id))
}

/// Moves an opportunity. Moving it to the stage that it is in changes nothing.
pub(crate) fn move_to(context: &mut Writing<'_>, id: &str, stage: &str) -> Result<(), Refusal> {
    let Some(rank) = context.model.ranks().get(stage).copied() else {
        return Err(Refusal::bad("\"stage\" is not known"));
    };
    let Some(held) = context.model.get("opportunities", id) else { return Ok(()) };
    if text(held, "stage") == Some(stage) {
        return Ok(());
    }
    let now_ms = context.model.now_ms();
    let mut changes =
        held.get("stageChanges").and_then(Value::as_array).cloned().unwrap_or_default();
    changes.push(json!({"toStageId": stage, "toStageIndex": rank, "updatedAt": now_ms,
        "userId": context.actor}));
    let members = json!({"stage": stage, "stageChanges": changes, "lastAdvancedAt": now_ms});
    context.model.touch(id, members);
    Ok(())
}

pub(super) fn archive_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    id: &str,
) -> Result<Answer, Refusal> {
    let body = Body::read(request, "reason!:text? cleanInterviews:bool requisitionId:text?")?;
    archive(context, id, body.text("reason"), body.text("requisitionId"))?;
    context.follow(id);
    Ok(context.changed(id))
}

/// Archives an opportunity for a reason, or takes it out of the archive. Archiving it again for the
/// same reason changes nothing.
pub(crate) fn archive(
    context: &mut Writing<'_>,
    id: &str,
    reason: Option<&str>,
    requisition: Option<&str>,
) -> Result<(), Refusal> {
    let hires = match reason {
        Some(reason) => {
            let kind = context.model.text("archive_reasons", reason, "type");
            kind.ok_or_else(|| Refusal::bad("\"reason\" is not known"))? == "hired"
        }
        None => false,
    };
    if requisition.is_some_and(|id| !hires || !context.model.has("requisitions", id)) {
        return Err(Refusal::bad("\"requisitionId\" is not valid"));
    }
    let Some(held) = context.model.get("opportunities", id) else { return Ok(()) };
    let former = held.get("archived").and_then(Value::as_object);
    if former.and_then(|former| text(former, "reason")) == reason {
        return Ok(());
    }
    let applications = texts(held, "applications");
    let now_ms = context.model.now_ms();
    let archived =
        reason.map(|reason| json!({"reason": reason, "archivedAt": now_ms})).unwrap_or_default();
    context.model.touch(id, json!({"archived": archived}));
    for application in applications {
        let members = json!({"archived": archived, "requisitionForHire": requisition});
        context.model.set("applications", &application, members);
    }
    if let Some(requisition) = requisition {
        let held = context.model.get("requisitions", requisition);
        let hired = held.and_then(|held| held.get("headcountHired")?.as_i64()).unwrap_or(0);
        let members = json!({"headcountHired": hired.saturating_add(1), "updatedAt": now_ms});
        context.model.set("requisitions", requisition, members);
    }
    Ok(())
}

pub(super) fn list_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    id: &str,
    list: &'static str,
    adds: bool,
) -> Result<Answer, Refusal> {
    let body = Body::read(request, &format!("{list}!:texts"))?;
    let given = body.texts(list);
    let contact = context.model.text("opportunities", id, "contact").unwrap_or_default().to_owned();
    // Links belong to the contact.
    let (collection, of, member) = match list {
        "links" => ("contacts", contact.as_str(), "_links"),
        _ => ("opportunities", id, list),
    };
    let held =
        context.model.get(collection, of).map(|held| texts(held, member)).unwrap_or_default();
    let new = if adds {
        distinct([held.clone(), given].concat())
    } else {
        held.iter().filter(|one| !given.contains(one)).cloned().collect()
    };
    if new != held {
        let members: Value = [(member.to_owned(), json!(new))].into_iter().collect();
        if collection == "contacts" {
            context.model.set("contacts", &contact, members);
            context.touch_opportunities(&contact);
        } else {
            context.model.touch(id, members);
        }
    }
    context.follow(id);
    if list == "links" {
        return Ok(data(200, &context.shown(id, Seen::Whole)));
    }
    Ok(context.changed(id))
}
