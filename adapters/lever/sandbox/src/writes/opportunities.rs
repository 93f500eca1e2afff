//! Creates opportunities: by the API, and as an applicant does.
//!
//! A known e-mail address links the new opportunity to the oldest contact that has it; a second
//! opportunity is created all the same, even for the same posting.

use atsync_sandbox::{Answer, Request};
use serde_json::{Value, json};

use super::{Writing, data};
use crate::body::Body;
use crate::model::{text, texts};
use crate::quirks::KnownContact;
use crate::refusal::Refusal;
use crate::render::Seen;

const FORM: &str = "name:text headline:text location:text emails:texts phones:phones links:texts \
    tags:texts sources:texts origin:text stage:text owner:text followers:texts sourcedBy:text \
    postings:texts contact:text createdAt:ms archived:map";
const ORIGINS: [&str; 6] = ["applied", "sourced", "referred", "agency", "internal", "university"];
/// What an applicant fills in.
const APPLY: &str = "personalInformation!:list customQuestions:list eeoResponses:map urls:list \
    consent:map source:text ipAddress:text diversitySurvey:any";

/// The members of a new opportunity that were checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct New {
    pub(crate) name: Option<String>,
    pub(crate) headline: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) emails: Vec<String>,
    pub(crate) phones: Vec<Value>,
    pub(crate) links: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) sources: Vec<String>,
    pub(crate) origin: Option<String>,
    pub(crate) stage: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) sourced_by: Option<String>,
    pub(crate) followers: Vec<String>,
    pub(crate) posting: Option<String>,
    pub(crate) contact: Option<String>,
    pub(crate) created_ms: Option<i64>,
    pub(crate) archived: Value,
    /// The type of its application.
    pub(crate) kind: &'static str,
}

pub(super) fn create_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    by_owner: bool,
) -> Result<Answer, Refusal> {
    let body = Body::read(request, FORM)?;
    let postings = body.texts("postings");
    if postings.len() > 1 {
        return Err(Refusal::bad("\"postings\" must have at most one entry"));
    }
    let own = |name: &str| body.text(name).map(str::to_owned);
    let new = New {
        name: own("name"),
        headline: own("headline"),
        location: own("location"),
        emails: body.texts("emails"),
        phones: body.get("phones").and_then(Value::as_array).cloned().unwrap_or_default(),
        links: body.texts("links"),
        tags: body.texts("tags"),
        sources: body.texts("sources"),
        origin: own("origin"),
        stage: own("stage"),
        owner: own("owner"),
        sourced_by: own("sourcedBy"),
        followers: body.texts("followers"),
        posting: postings.into_iter().next(),
        contact: own("contact"),
        created_ms: body.int("createdAt"),
        archived: body.get("archived").cloned().unwrap_or_default(),
        kind: "user",
    };
    if by_owner {
        let posting = new.posting.as_deref().unwrap_or_default();
        let owner = context.model.text("postings", posting, "owner").map(str::to_owned);
        context.actor = Some(owner.ok_or_else(|| Refusal::bad("the posting has no owner"))?);
    }
    let (id, deduped) = create(context, new)?;
    let mut answer = json!({"data": context.shown(&id, Seen::Created)});
    if let (true, Some(map)) = (deduped, answer.as_object_mut()) {
        map.insert("deduped".to_owned(), true.into());
    }
    Ok(Answer::value(201, &answer))
}

pub(super) fn apply_request(
    context: &mut Writing<'_>,
    request: &Request<'_>,
    posting: &str,
) -> Result<Answer, Refusal> {
    let state = context.model.text("postings", posting, "state").map(str::to_owned);
    match state.as_deref() {
        None => return Err(Refusal::NotFound("Posting")),
        Some("published" | "internal") => {}
        Some(_) => return Err(Refusal::bad("the posting takes no applications")),
    }
    let body = Body::read(request, APPLY)?;
    let given = body.get("personalInformation").and_then(Value::as_array);
    let given = given.map_or(&[][..], Vec::as_slice);
    let value = |wanted: &str| {
        let named = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(wanted);
        given.iter().find(named)?.get("value")?.as_str().map(str::to_owned)
    };
    let name = value("fullName").or_else(|| value("name"));
    let name = name.or_else(|| Some(format!("{} {}", value("firstName")?, value("lastName")?)));
    let (Some(name), Some(email)) = (name, value("email")) else {
        return Err(Refusal::bad("\"personalInformation\" must have a name and an email"));
    };
    let phone = value("phone").map(|value| json!({"type": "mobile", "value": value}));
    let new = New {
        name: Some(name),
        emails: vec![email],
        phones: phone.into_iter().collect(),
        location: value("location"),
        sources: body.text("source").map(str::to_owned).into_iter().collect(),
        origin: Some("applied".to_owned()),
        stage: Some("applicant-new".to_owned()),
        posting: Some(posting.to_owned()),
        kind: "posting",
        ..New::default()
    };
    let (id, _) = create(context, new)?;
    let held = context.model.get("opportunities", &id);
    let applications = held.map(|held| texts(held, "applications")).unwrap_or_default();
    Ok(data(201, &json!({"applicationId": applications.first()})))
}

/// Refuses values that no opportunity may have.
fn check(context: &Writing<'_>, new: &New) -> Result<(), Refusal> {
    let known = |collection: &str, name: &str, id: Option<&String>| match id {
        Some(id) if !context.model.has(collection, id) => {
            Err(Refusal::bad(format!("\"{name}\" is not known")))
        }
        _ => Ok(()),
    };
    known("stages", "stage", new.stage.as_ref())?;
    known("users", "owner", new.owner.as_ref())?;
    known("users", "sourcedBy", new.sourced_by.as_ref())?;
    known("postings", "postings", new.posting.as_ref())?;
    known("contacts", "contact", new.contact.as_ref())?;
    for follower in &new.followers {
        known("users", "followers", Some(follower))?;
    }
    if new.origin.as_ref().is_some_and(|origin| !ORIGINS.contains(&origin.as_str())) {
        return Err(Refusal::bad("\"origin\" is not valid"));
    }
    if new.emails.iter().any(|email| !email.contains('@')) {
        return Err(Refusal::bad("\"emails\" has an entry that is not an e-mail address"));
    }
    if let Value::Object(archived) = &new.archived {
        let reason = text(archived, "reason").map(str::to_owned).unwrap_or_default();
        known("archive_reasons", "archived.reason", Some(&reason))?;
    }
    Ok(())
}

/// Creates an opportunity. Returns its id, and whether it belongs to a contact that was known by an
/// e-mail address.
pub(crate) fn create(context: &mut Writing<'_>, new: New) -> Result<(String, bool), Refusal> {
    check(context, &new)?;
    let by_email =
        new.emails.iter().find_map(|email| context.model.with_email(email).into_iter().next());
    let deduped = new.contact.is_none() && by_email.is_some();
    let contact = match new.contact.clone().or(by_email) {
        Some(contact) => {
            enrich(context, &contact, &new);
            contact
        }
        None => person(context, &new),
    };
    let (now_ms, created_ms) = (context.model.now_ms(), context.client_time(new.created_ms));
    let stage = new.stage.clone().unwrap_or_else(|| "lead-new".to_owned());
    let rank = context.model.ranks().get(&stage).copied();
    let change = json!({"toStageId": stage, "toStageIndex": rank, "updatedAt": created_ms,
        "userId": context.actor});
    let archived = match new.archived.as_object() {
        Some(given) => json!({"reason": given.get("reason"),
            "archivedAt": given.get("archivedAt").and_then(Value::as_i64).unwrap_or(now_ms)}),
        None => Value::Null,
    };
    let mut followers = new.followers.clone();
    if let Some(actor) = context.actor.clone().filter(|actor| !followers.contains(actor)) {
        followers.push(actor);
    }
    let id = context.model.next_id("opportunities");
    let posting = new.posting.clone();
    let application =
        posting.as_ref().map(|posting| application(context, &id, posting, &new, &archived));
    context.model.add_as(
        "opportunities",
        &id,
        json!({
            "contact": contact,
            "stage": stage,
            "archived": archived,
            "tags": distinct(new.tags),
            "sources": distinct(new.sources),
            "origin": new.origin.unwrap_or_else(|| "sourced".to_owned()),
            "sourcedBy": new.sourced_by.or_else(|| context.actor.clone()),
            "owner": new.owner,
            "followers": followers,
            "applications": application.into_iter().collect::<Vec<String>>(),
            "stageChanges": [change],
            "createdAt": created_ms,
            "updatedAt": now_ms,
            "lastInteractionAt": now_ms,
            "lastAdvancedAt": created_ms,
            "snoozedUntil": null,
            "confidentiality": "non-confidential",
            "isAnonymized": false,
            "dataProtection": null,
            "_posting": posting,
        }),
    );
    Ok((id, deduped))
}

/// Leaves the first of equal texts.
pub(super) fn distinct(list: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in list {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

fn person(context: &mut Writing<'_>, new: &New) -> String {
    let now_ms = context.model.now_ms();
    context.model.add(
        "contacts",
        json!({
            "name": new.name.clone().unwrap_or_default(),
            "headline": new.headline.clone().unwrap_or_default(),
            "isAnonymized": false,
            "location": {"name": new.location.clone().unwrap_or_default()},
            "emails": distinct(new.emails.clone()),
            "phones": new.phones,
            "dataProtection": null,
            "_links": distinct(new.links.clone()),
            "_createdAt": now_ms,
        }),
    )
}

/// Merges what is given into a known contact.
fn enrich(context: &mut Writing<'_>, contact: &str, new: &New) {
    let rule = context.quirks.known_contact;
    let Some(held) = context.model.get("contacts", contact) else { return };
    if rule == KnownContact::Keeps {
        return;
    }
    let mut members = serde_json::Map::new();
    let replaces = rule == KnownContact::Replaces;
    for (name, given) in [("emails", &new.emails), ("_links", &new.links)] {
        let merged = if replaces && !given.is_empty() {
            given.clone()
        } else {
            distinct([texts(held, name), given.clone()].concat())
        };
        members.insert(name.to_owned(), json!(merged));
    }
    let mut phones = held.get("phones").and_then(Value::as_array).cloned().unwrap_or_default();
    if replaces && !new.phones.is_empty() {
        phones.clear();
    }
    for phone in &new.phones {
        if !phones.iter().any(|one| one.get("value") == phone.get("value")) {
            phones.push(phone.clone());
        }
    }
    members.insert("phones".to_owned(), phones.into());
    if replaces {
        for (name, given) in [("name", &new.name), ("headline", &new.headline)] {
            members.extend(given.as_ref().map(|given| (name.to_owned(), json!(given))));
        }
        let location = new.location.as_ref().map(|name| json!({"name": name}));
        members.extend(location.map(|location| ("location".to_owned(), location)));
    }
    context.model.set("contacts", contact, members.into());
}

fn application(
    context: &mut Writing<'_>,
    opportunity: &str,
    posting: &str,
    new: &New,
    archived: &Value,
) -> String {
    let held = context.model.get("postings", posting);
    let of_posting = |name: &str| held.and_then(|held| held.get(name)).cloned().unwrap_or_default();
    let members = json!({
        "type": if new.kind.is_empty() { "user" } else { new.kind },
        "opportunityId": opportunity,
        "candidateId": opportunity,
        "posting": posting,
        "postingOwner": of_posting("owner"),
        "postingHiringManager": of_posting("hiringManager"),
        "user": context.actor,
        "name": new.name,
        "email": new.emails.first(),
        "phone": new.phones.first(),
        "company": null,
        "links": new.links,
        "comments": null,
        "customQuestions": [],
        "archived": archived,
        "requisitionForHire": null,
        "createdAt": context.model.now_ms(),
        "ipAddress": null,
        "referer": null,
        "userAgent": null,
    });
    context.model.add("applications", members)
}
