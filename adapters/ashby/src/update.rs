//! The update of a candidate: `candidate.update`, and `customField.setValues` for its own fields.
//!
//! Ashby has no request for all of it. The first request takes the name, the primary addresses, the
//! links as a whole and one further e-mail address; each further address needs a request, since it
//! is appended; custom values have an address of their own. Every request sends only what a fresh
//! read does not show, so the write can be sent again after any of them.
//!
//! Ashby removes no e-mail address and no telephone number: the primary one can be replaced. A
//! removal that is none, and a second number, are left out with a warning.

use crate::custom::Values;
use crate::custom_write::{self, Custom};
use crate::value::full;
use atsync_adapter::kit::*;
use atsync_adapter::model::normal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    set: Set,
    #[serde(default)]
    add: Lists,
    #[serde(default)]
    remove: Lists,
    #[serde(default)]
    custom_fields: Vec<Custom>,
    #[serde(default)]
    seen: Map<String, Value>,
}

#[derive(Default, Deserialize)]
struct Set {
    name: Option<Name>,
}

#[derive(Deserialize)]
struct Name {
    first: Option<String>,
    last: Option<String>,
}

#[derive(Default, Deserialize)]
struct Lists {
    #[serde(default)]
    emails: Vec<Entry>,
    #[serde(default)]
    phones: Vec<Entry>,
    #[serde(default)]
    links: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    value: String,
}

/// The candidate as a fresh read shows it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    #[serde(default)]
    name: Option<String>,
    email_addresses: Vec<Address>,
    phone_numbers: Vec<Address>,
    social_links: Vec<Link>,
    #[serde(default)]
    custom_fields: Option<Values>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    value: String,
    #[serde(default)]
    is_primary: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct Link {
    #[serde(rename = "type")]
    kind: String,
    url: String,
}

/// What of a change is still to be sent.
#[derive(Default)]
struct Rest {
    /// Bodies of `candidate.update`, without the candidate.
    parts: Vec<Map<String, Value>>,
    custom: Vec<Value>,
    warnings: Vec<String>,
}

/// The hosts of links, and Ashby's word for each.
const HOSTS: &[(&str, &str)] = &[
    ("linkedin.com", "LinkedIn"),
    ("github.com", "GitHub"),
    ("twitter.com", "Twitter"),
    ("x.com", "Twitter"),
    ("medium.com", "Medium"),
    ("stackoverflow.com", "StackOverflow"),
    ("youtube.com", "YouTube"),
    ("codepen.io", "CodePen"),
];

/// Ashby's word for a link.
pub(crate) fn link_type(url: &str) -> &'static str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let is = |known: &str| {
        host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    HOSTS.iter().find(|(known, _)| is(known)).map_or("Website", |(_, word)| word)
}

fn now(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Now, Stop> {
    let asked = json!({"id": op.target()});
    ats.read(Ask::post("/candidate.info").json(&asked), |answer| answer.get("/results"))
}

/// One list of addresses: what becomes its primary entry, and what is appended.
struct Addresses<'a> {
    primary: Option<&'a str>,
    others: Vec<&'a str>,
    /// A removal that Ashby cannot carry out.
    stays: bool,
}

fn addresses<'a>(
    held: &[Address],
    add: &'a [Entry],
    remove: &[Entry],
    form: fn(&str) -> String,
) -> Addresses<'a> {
    let is_held = |value: &str| held.iter().any(|held| form(&held.value) == form(value));
    let is_removed = |value: &str| remove.iter().any(|gone| form(&gone.value) == form(value));
    // An entry that is removed and added changes its type alone, which Ashby does not take.
    let is_added = |value: &str| add.iter().any(|new| form(&new.value) == form(value));
    let mut new = add.iter().map(|new| new.value.as_str()).filter(|value| !is_held(value));
    let first = held.iter().find(|one| one.is_primary);
    let is_replaced = first.is_none_or(|one| is_removed(&one.value) && !is_added(&one.value));
    let primary = if is_replaced { new.next() } else { None };
    let stays = held.iter().any(|one| {
        let goes = one.is_primary && primary.is_some();
        is_removed(&one.value) && !is_added(&one.value) && !goes
    });
    Addresses { primary, others: new.collect(), stays }
}

/// The links as they should become: everybody else's go back as they were read.
fn links(held: &[Link], add: &[Entry], remove: &[Entry]) -> Option<Vec<Link>> {
    let has = |all: &[Entry], url: &str| {
        all.iter().any(|one| normal::link(&one.value) == normal::link(url))
    };
    let mut all: Vec<Link> = held
        .iter()
        .filter(|link| !has(remove, &link.url) || has(add, &link.url))
        .cloned()
        .collect();
    for one in add {
        if !all.iter().any(|link| normal::link(&link.url) == normal::link(&one.value)) {
            all.push(Link { kind: link_type(&one.value).to_owned(), url: one.value.clone() });
        }
    }
    let is_same =
        all.len() == held.len() && all.iter().zip(held).all(|(one, other)| one.url == other.url);
    (!is_same).then_some(all)
}

fn rest(change: &Change, now: &Now) -> Result<Rest, Failure> {
    let mut rest = Rest::default();
    let mut part = Map::new();
    if let Some(name) = &change.set.name {
        match (name.first.as_deref(), name.last.as_deref()) {
            (Some(first), Some(last)) => {
                let whole = full(Some(first), Some(last)).unwrap_or_default();
                if normal::text(&whole) != normal::text(now.name.as_deref().unwrap_or_default()) {
                    part.insert("name".to_owned(), whole.into());
                }
            }
            _ => rest.warnings.push(
                "the name was left out: Ashby has one name, and the change has a part of it".into(),
            ),
        }
    }
    let (add, remove) = (&change.add, &change.remove);
    let emails = addresses(&now.email_addresses, &add.emails, &remove.emails, normal::email);
    let phones = addresses(&now.phone_numbers, &add.phones, &remove.phones, normal::phone);
    if let Some(email) = emails.primary {
        part.insert("email".to_owned(), email.into());
    }
    if let Some(phone) = phones.primary {
        part.insert("phoneNumber".to_owned(), phone.into());
    }
    if let Some(links) = links(&now.social_links, &add.links, &remove.links) {
        part.insert("socialLinks".to_owned(), json!(links));
    }
    let mut others = emails.others.into_iter();
    if let Some(email) = others.next() {
        part.insert("alternateEmail".to_owned(), email.into());
    }
    if !part.is_empty() {
        rest.parts.push(part);
    }
    for email in others {
        rest.parts.push(Map::from_iter([("alternateEmail".to_owned(), email.into())]));
    }
    if emails.stays {
        rest.warnings.push("an e-mail address stays: Ashby replaces the primary one alone".into());
    }
    if phones.stays {
        rest.warnings.push("a telephone number stays: Ashby replaces the primary one alone".into());
    }
    if !phones.others.is_empty() {
        rest.warnings.push("a further telephone number was left out: Ashby takes one".into());
    }
    let held = now.custom_fields.as_deref().unwrap_or_default();
    rest.custom = custom_write::missing(&change.custom_fields, held)?;
    Ok(rest)
}

/// Sends what the candidate does not show yet.
pub(crate) fn update_candidate(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let change: Change = op.input()?;
    let now = now(ats, op)?;
    let rest = rest(&change, &now)?;
    let held = now.custom_fields.as_deref().unwrap_or_default();
    custom_write::guard(&change.custom_fields, held, &change.seen)?;
    for part in rest.parts {
        let mut sent = json!({"candidateId": op.target(), "sendNotifications": false});
        if let Some(members) = sent.as_object_mut() {
            members.extend(part);
        }
        ats.send(Ask::post("/candidate.update").json(&sent), |answer| {
            answer.id("/results/id").map(String::from)
        })?;
    }
    custom_write::send(ats, op, "Candidate", &rest.custom)?;
    let mut done = op.done();
    done.warnings = rest.warnings;
    Ok(done)
}

/// Whether the candidate shows all of the change that Ashby can take.
pub(crate) fn is_candidate_updated(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let change: Change = op.input()?;
    let rest = rest(&change, &now(ats, op)?)?;
    Ok(op.shown(rest.parts.is_empty() && rest.custom.is_empty()))
}
