//! Candidates: created with an opportunity, since Lever has no person without one; and the
//! contact's addresses.

use super::{
    ACTOR, Address, Match, Phone, REFUSED, VISIBLE_WITHIN_MS, WRITES_OPPORTUNITIES, best, mark,
    needs_actor, phones, values,
};
use crate::common::{self, Expanded};
use crate::people::EXPAND;
use atsync_adapter::kit::*;
use atsync_adapter::model::normal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) const CREATE: Operation =
    Operation::new("candidates.create", EffectClass::Probeable, create)
        .members(&[
            ("name", FieldMode::CreateOnly),
            ("emails", FieldMode::CreateOnly),
            ("phones", FieldMode::CreateOnly),
            ("links", FieldMode::CreateOnly),
            ("tags", FieldMode::CreateOnly),
            ("application", FieldMode::CreateOnly),
        ])
        .required(&["name.last", "emails"])
        .refused(REFUSED)
        .makes(&["candidates", "applications"])
        .may_carry(&[("applications", &["kind", "job", "stage", "source"])])
        .permissions(WRITES_OPPORTUNITIES)
        .calls(2)
        .probe(find, VISIBLE_WITHIN_MS);

pub(super) const UPDATE: Operation =
    Operation::new("candidates.update", EffectClass::Idempotent, update)
        .members(&[("emails", FieldMode::ReplaceAll), ("phones", FieldMode::ReplaceAll)])
        .refused(REFUSED)
        .permissions(&["contacts:write", "contacts:read"])
        .calls(3)
        .probe(is_updated, 0);

#[derive(Deserialize)]
struct New {
    name: Parts,
    #[serde(default)]
    emails: Vec<Address>,
    #[serde(default)]
    phones: Vec<Address>,
    #[serde(default)]
    links: Vec<Address>,
    tags: Option<Vec<String>>,
    application: Option<NewApplication>,
}

#[derive(Deserialize)]
struct Parts {
    first: Option<String>,
    last: Option<String>,
}

#[derive(Deserialize)]
struct NewApplication {
    job: Option<String>,
    stage: Option<String>,
    source: Option<String>,
}

/// The body of `POST /opportunities`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    name: String,
    emails: Vec<String>,
    phones: Vec<Phone>,
    links: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    sources: Vec<String>,
    postings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<u64>,
}

fn create(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    needs_actor(ats)?;
    let new: New = op.input()?;
    let is_applied = new.application.is_some();
    let parts = [new.name.first, new.name.last].into_iter().flatten();
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    let (job, stage, source) =
        new.application.map_or((None, None, None), |of| (of.job, of.stage, of.source));
    let body = Body {
        name: parts.join(" "),
        emails: values(&new.emails),
        phones: phones(&new.phones),
        links: values(&new.links),
        tags: new.tags,
        sources: source.into_iter().collect(),
        postings: job.into_iter().collect(),
        stage,
        created_at: mark(op),
    };
    let ask = Ask::post("/opportunities").query(ACTOR).json(&body);
    let (person, opportunity, is_known) = ats.send(ask, |answer| {
        let person = answer.id("/data/contact").or_else(|_| answer.id("/data/contact/id"))?;
        let is_known = answer.at("/deduped").and_then(Value::as_bool).unwrap_or_default();
        Ok((String::from(person), String::from(answer.id("/data/id")?), is_known))
    })?;
    let mut applied = op.made(person);
    if is_applied {
        applied.links.push(op.link("applications", opportunity));
    }
    applied.deduplicated = is_known;
    Ok(applied)
}

/// Opportunities by an address of their contact.
const SEARCH: List = common::pages("/opportunities").query(EXPAND);

/// A row of the search for an address.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: Id,
    contact: Expanded<Person>,
    #[serde(default)]
    emails: Vec<Option<String>>,
    created_at: Option<u64>,
}

#[derive(Deserialize)]
struct Person {
    id: Id,
}

/// Did it happen? The opportunity with the mark is the one. Without it the person is known by the
/// address, and whether the application was created is left to the next read.
fn find(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let new: New = op.input()?;
    let emails = values(&new.emails);
    let Some(first) = emails.first() else {
        return Ok(Probed::Blind("a candidate without an e-mail address cannot be found".into()));
    };
    let wanted: Vec<String> = emails.iter().map(|email| normal::email(email)).collect();
    let mark = mark(op);
    let found = ats.search(&SEARCH, &[("email", first)], |row: Row| {
        let is_marked = mark.is_some() && row.created_at == mark;
        let has = |email: &String| wanted.contains(&normal::email(email));
        if !is_marked && !row.emails.iter().flatten().any(has) {
            return None;
        }
        let (Expanded::Id(person) | Expanded::Whole(Person { id: person })) = row.contact;
        let opportunity = is_marked.then(|| String::from(row.id));
        let ids = std::iter::once(String::from(person)).chain(opportunity).collect();
        Some(Match { is_marked, ids }.id())
    })?;
    let mut all = best(&found);
    if let [one] = all.as_mut_slice()
        && one.is_marked
        && let [person, opportunity] = one.ids.as_slice()
        && let Probed::Found(mut found) = op.marked(person.clone())
    {
        if new.application.is_some() {
            found.links.push(op.link("applications", opportunity.clone()));
        }
        return Ok(Probed::Found(found));
    }
    Ok(op.matched(
        all.into_iter().filter_map(|one| one.ids.into_iter().next()).map(Id::from).collect(),
    ))
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    add: Lists,
    #[serde(default)]
    remove: Lists,
}

#[derive(Default, Deserialize)]
struct Lists {
    #[serde(default)]
    emails: Vec<Address>,
    #[serde(default)]
    phones: Vec<Address>,
}

/// The lists of a contact, each entry as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    emails: Vec<Value>,
    phones: Vec<Value>,
}

/// A contact as it is before a change. A list that is not shown must not be replaced.
#[derive(Deserialize)]
struct Shown {
    emails: Got<Vec<Value>>,
    phones: Got<Vec<Value>>,
}

fn shown(list: Got<Vec<Value>>, name: &str) -> Result<Vec<Value>, Failure> {
    match list {
        Got::Here(list) => Ok(list),
        Got::Empty => Ok(Vec::new()),
        Got::Absent | Got::Bad(_) => {
            Err(Failure::Protocol(format!("the contact does not show its {name}")))
        }
    }
}

fn held(answer: &Answer<'_>) -> Result<Held, Failure> {
    let contact: Shown = answer.get("/data")?;
    Ok(Held {
        emails: shown(contact.emails, "e-mail addresses")?,
        phones: shown(contact.phones, "numbers")?,
    })
}

/// The lists as they should become.
fn wanted(held: &Held, change: &Change) -> Held {
    let added = values(&change.add.emails).into_iter().map(Value::from).collect();
    let numbers = phones(&change.add.phones).iter().map(number).collect();
    Held {
        emails: merged(&held.emails, added, &values(&change.remove.emails), normal::email),
        phones: merged(&held.phones, numbers, &values(&change.remove.phones), normal::phone),
    }
}

/// Lists replace what is there, so everybody else's entries are sent back.
fn update(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let change: Change = op.input()?;
    let held = ats.read(Ask::get("/contacts/{target}"), held)?;
    let wanted = wanted(&held, &change);
    if wanted != held {
        ats.send(Ask::put("/contacts/{target}").json(&wanted), |_| Ok(()))?;
    }
    Ok(op.done())
}

/// Did it happen? Then there is nothing left to change.
fn is_updated(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let change: Change = op.input()?;
    let held: Option<Held> =
        ats.read(Ask::get("/contacts/{target}").accepts(&[404]), |answer| {
            if answer.status() == 404 { Ok(None) } else { held(answer).map(Some) }
        })?;
    Ok(op.shown(held.is_some_and(|held| wanted(&held, &change) == held)))
}

fn number(phone: &Phone) -> Value {
    serde_json::json!({ "value": phone.value, "type": phone.kind })
}

/// The list as it should become. An entry that is added and removed is replaced in its place; what
/// is there already is not added again.
fn merged(
    held: &[Value],
    add: Vec<Value>,
    remove: &[String],
    form: fn(&str) -> String,
) -> Vec<Value> {
    let text = |entry: &Value| {
        let text = entry.as_str().or_else(|| entry.get("value")?.as_str());
        text.filter(|text| !text.trim().is_empty()).map(form)
    };
    let remove: Vec<String> = remove.iter().map(|text| form(text)).collect();
    let mut add: Vec<(Option<String>, Option<Value>)> =
        add.into_iter().map(|entry| (text(&entry), Some(entry))).collect();
    let mut made = Vec::new();
    for entry in held {
        let key = text(entry);
        let is_removed = key.as_ref().is_some_and(|key| remove.contains(key));
        let added = add.iter_mut().find(|(other, _)| key.is_some() && *other == key);
        match (added, is_removed) {
            (Some((_, added)), true) => made.extend(added.take()),
            (Some((_, added)), false) => {
                added.take();
                made.push(entry.clone());
            }
            (None, true) => {}
            (None, false) => made.push(entry.clone()),
        }
    }
    made.extend(add.into_iter().filter_map(|(_, entry)| entry));
    made
}
