//! Finds the events of one write, by comparing its records before and after.

use atsync_sandbox::{Document, Touched};
use serde_json::{Value, json};

use crate::model::{Model, text};

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) action: &'static str,
    pub(super) data: Value,
    /// The origin of its opportunity, which a webhook's condition may name.
    pub(super) origin: Option<String>,
}

/// Lists the events of a write.
pub(super) fn of(model: &Model, touched: &[Touched]) -> Vec<Event> {
    let mut events = Vec::new();
    for one in touched {
        let after = model.get(one.collection, &one.id);
        match one.collection {
            "applications" if one.before.is_none() => {
                events.extend(after.map(|after| application(model, after)));
            }
            "contacts" => events.extend(contact(one, after)),
            "opportunities" => opportunity(model, one, after, &mut events),
            _ => {}
        }
    }
    events
}

fn contact(touched: &Touched, after: Option<&Document>) -> Option<Event> {
    let data = json!({"contactId": touched.id});
    let action = match (&touched.before, after) {
        (None, Some(_)) => "contactCreated",
        (Some(before), Some(after)) if before != after => "contactUpdated",
        _ => return None,
    };
    Some(Event { action, data, origin: None })
}

fn application(model: &Model, after: &Document) -> Event {
    let id = text(after, "opportunityId").unwrap_or_default();
    let held = model.get("opportunities", id);
    let data = json!({"applicationId": after.get("id"), "opportunityId": id, "candidateId": id,
        "contactId": held.and_then(|held| held.get("contact"))});
    let origin = held.and_then(|held| text(held, "origin")).map(str::to_owned);
    Event { action: "applicationCreated", data, origin }
}

fn opportunity(model: &Model, touched: &Touched, after: Option<&Document>, out: &mut Vec<Event>) {
    let Some(before) = &touched.before else { return };
    let of = after.unwrap_or(before);
    let origin = text(of, "origin").map(str::to_owned);
    let mut push = |action: &'static str, more: Value| {
        let mut data = json!({"opportunityId": touched.id, "candidateId": touched.id,
            "contactId": of.get("contact")});
        if let (Some(map), Value::Object(more)) = (data.as_object_mut(), more) {
            map.extend(more);
        }
        out.push(Event { action, data, origin: origin.clone() });
    };
    let Some(after) = after else {
        push("candidateDeleted", json!({}));
        return;
    };
    if before.get("stage") != after.get("stage") {
        let more = json!({"fromStageId": before.get("stage"), "toStageId": after.get("stage")});
        push("candidateStageChange", more);
    }
    if before.get("archived") != after.get("archived") {
        let more =
            json!({"fromArchived": before.get("archived"), "toArchived": after.get("archived")});
        push("candidateArchiveChange", more);
        let reason = after.get("archived").and_then(|held| held.get("reason")?.as_str());
        let hires = reason.and_then(|reason| model.text("archive_reasons", reason, "type"));
        if hires == Some("hired") {
            push("candidateHired", json!({}));
        }
    }
}
