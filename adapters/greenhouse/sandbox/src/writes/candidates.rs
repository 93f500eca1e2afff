//! Candidates: create (with at most one application), update (arrays replace), merge, anonymise,
//! destroy.
//!
//! Everything is checked before the first change, so a refusal has no effect.

use serde_json::{Value, json};

use super::{Done, WriteContext, applications, fields, tags};
use crate::body::Body;
use crate::model::Touch;
use crate::model::cell::Cell;
use crate::model::watch::Occurrence;
use crate::quirks::{CreateAnswer, OddValues};
use crate::refusal::Refusal;
use crate::schema::Kind;

const CREATE: &str = "first_name!:name last_name!:name preferred_name:text company:text title:text \
    time_zone:text \
    is_private:bool can_email:bool email_addresses:contacts(personal|work|other) \
    phone_numbers:contacts(home|work|mobile|skype|other) addresses:contacts(home|work|other) \
    website_addresses:contacts(personal|company|portfolio|blog|other) \
    social_media_addresses:socials tags:texts \
    linked_user_ids:ids custom_fields:list application:map";
const UPDATE: &str = "first_name:name last_name:name preferred_name:text company:text title:text \
    time_zone:text \
    is_private:bool can_email:bool email_addresses:contacts(personal|work|other) \
    phone_numbers:contacts(home|work|mobile|skype|other) addresses:contacts(home|work|other) \
    website_addresses:contacts(personal|company|portfolio|blog|other) \
    social_media_addresses:socials tags:texts \
    linked_user_ids:ids custom_fields:list";
const CONTACTS: [&str; 5] = [
    "email_addresses",
    "phone_numbers",
    "addresses",
    "website_addresses",
    "social_media_addresses",
];
/// The groups that an anonymisation may name; the reference gives two of them, the others are our
/// guess.
const GROUPS: &str = "full_name email_addresses phone_numbers addresses website_addresses \
    social_media_addresses \
    current_company headline tags custom_candidate_fields notes attachments education employment";

/// Creates a candidate with at most one application.
pub(crate) fn create(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let body = Body::read(body, CREATE)?;
    // Every check comes before the first change: a refusal leaves no trace.
    let application = body.get("application").filter(|value| !value.is_null());
    let application =
        application.map(|value| applications::check_nested(context, value)).transpose()?;
    let mut cells = vec![
        ("private", Cell::Bool(false)),
        ("can_email", Cell::Bool(true)),
        ("tags", tags::none()),
    ];
    cells.extend(CONTACTS.iter().map(|name| (*name, tags::none())));
    cells.push(("last_activity_at", Cell::Time(context.model.now_ms)));
    cells.extend(changed(context, &body, None)?);
    let id = context.model.insert(Kind::Candidates, &cells);
    if let Some(names) = body.texts("tags") {
        tags::replace(context, id, &names);
    }
    let application = application.map(|arm| applications::open(context, id, &arm));
    let candidate = context.seen(Kind::Candidates, id).unwrap_or_default();
    Ok(Done::Created(match context.quirks.create_answer {
        CreateAnswer::Bare => candidate,
        CreateAnswer::Stub => json!({"id": id, "message": "The candidate is being processed."}),
        CreateAnswer::Wrapped => {
            let application = application.and_then(|id| context.seen(Kind::Applications, id));
            json!({"candidate": candidate, "application": application})
        }
    }))
}

/// Builds the cells that a body sets, tags excepted.
fn changed(
    context: &WriteContext<'_>,
    body: &Body,
    id: Option<i64>,
) -> Result<Vec<(&'static str, Cell)>, Refusal> {
    let mut cells = Vec::new();
    for name in ["first_name", "last_name", "preferred_name", "company", "title", "time_zone"] {
        if body.has(name) {
            // An empty text clears.
            cells.push((name, body.text(name).filter(|text| !text.is_empty()).into()));
        }
    }
    for name in CONTACTS {
        if body.has(name) {
            let value = body
                .get(name)
                .filter(|value| !value.is_null())
                .cloned()
                .unwrap_or_else(|| json!([]));
            cells.push((name, Cell::json(&value)));
        }
    }
    if let Some(private) = body.bool("is_private") {
        cells.push(("private", private.into()));
    }
    if let Some(can_email) = body.bool("can_email") {
        cells.push(("can_email", can_email.into()));
    }
    if let Some(ids) = body.ids("linked_user_ids") {
        if ids.iter().any(|id| !context.model.has(Kind::Users, *id)) {
            return Err(Refusal::invalid("linked_user_ids", "contains an unknown user"));
        }
        cells.push(("linked_user_ids", ids.into()));
    }
    if let Some(list) = body.get("custom_fields").filter(|value| !value.is_null()) {
        let former =
            id.map_or(&Cell::Null, |id| context.model.cell(Kind::Candidates, id, "custom_fields"));
        cells.push((
            "custom_fields",
            fields::apply(context, "candidate", list, former, id.is_some())?,
        ));
    }
    Ok(cells)
}

pub(super) fn update(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Candidates, id)?;
    let takes_back = context.quirks.odd_values == OddValues::TakenBack;
    let held = |name: &str| {
        let name = CONTACTS.iter().find(|known| **known == name && takes_back);
        match name.map(|name| context.model.cell(Kind::Candidates, id, name).value()) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        }
    };
    let body = Body::read_over(body, UPDATE, held)?;
    let cells = changed(context, &body, Some(id))?;
    let same =
        cells.iter().all(|(name, cell)| context.model.cell(Kind::Candidates, id, name) == cell);
    let silent = same && !body.has("tags") && context.quirks.unchanged_patch_is_silent;
    context.model.set(
        Kind::Candidates,
        id,
        if silent { Touch::Leave } else { Touch::Stamp },
        &cells,
    );
    if let Some(names) = body.texts("tags") {
        tags::replace(context, id, &names);
    }
    Ok(context.shown(Kind::Candidates, id))
}

pub(super) fn delete(context: &mut WriteContext<'_>, id: i64) -> Result<Done, Refusal> {
    context.must_find(Kind::Candidates, id)?;
    destroy(context, id);
    Ok(context.deleted(id, "Candidate"))
}

/// The collections of records that belong to a candidate and to no application.
const CHILDREN: [Kind; 5] = [
    Kind::AppliedCandidateTags,
    Kind::Notes,
    Kind::Attachments,
    Kind::CandidateEducations,
    Kind::CandidateEmployments,
];

/// Removes a candidate with its applications, tags, notes, files and background.
pub(crate) fn destroy(context: &mut WriteContext<'_>, id: i64) {
    for application in context.model.find(Kind::Applications, "candidate_id", id) {
        applications::destroy(context, application);
    }
    for kind in CHILDREN {
        for row in context.model.find(kind, "candidate_id", id) {
            context.model.remove(kind, row);
        }
    }
    context.model.remove(Kind::Candidates, id);
}

pub(super) fn merge_request(
    context: &mut WriteContext<'_>,
    primary: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Candidates, primary)?;
    let body = Body::read(body, "secondary_candidate_id!:int")?;
    let secondary = body.int("secondary_candidate_id").unwrap_or(0);
    context.must_know(Kind::Candidates, "secondary_candidate_id", Some(secondary))?;
    if primary == secondary {
        return Err(Refusal::invalid("secondary_candidate_id", "must be another candidate"));
    }
    merge(context, primary, secondary);
    Ok(context.shown(Kind::Candidates, primary))
}

/// Merges two candidates: the secondary id stops existing, and its applications, notes, files, tags
/// and background get the primary one. No redirect remains.
pub(crate) fn merge(context: &mut WriteContext<'_>, primary: i64, secondary: i64) {
    let moved = [("candidate_id", Cell::Int(primary))];
    for kind in [Kind::Applications].into_iter().chain(CHILDREN) {
        for row in context.model.find(kind, "candidate_id", secondary) {
            context.model.set(kind, row, Touch::Stamp, &moved);
        }
    }
    for name in CONTACTS {
        let list = |id: i64| match context.model.cell(Kind::Candidates, id, name).value() {
            Value::Array(list) => list,
            _ => Vec::new(),
        };
        let (mut kept, added) = (list(primary), list(secondary));
        for entry in added {
            if !kept.iter().any(|held| held.get("value") == entry.get("value")) {
                kept.push(entry);
            }
        }
        context.model.set(
            Kind::Candidates,
            primary,
            Touch::Stamp,
            &[(name, Cell::json(&Value::Array(kept)))],
        );
    }
    context.model.watch.occurred(Occurrence::Merged { loser: secondary, winner: primary });
    context.model.remove(Kind::Candidates, secondary);
    context.model.refresh_tags(primary, Touch::Stamp);
}

pub(super) fn anonymise_request(
    context: &mut WriteContext<'_>,
    id: i64,
    body: &[u8],
) -> Result<Done, Refusal> {
    context.must_find(Kind::Candidates, id)?;
    let body = Body::read(body, "fields!:texts")?;
    let groups = body.texts("fields").unwrap_or_default();
    let known = |group: &String| GROUPS.split_whitespace().any(|word| word == group);
    if groups.is_empty() || !groups.iter().all(known) {
        return Err(Refusal::invalid("fields", "contains an unknown field"));
    }
    anonymise(context, id, &groups);
    Ok(context.shown(Kind::Candidates, id))
}

/// Blanks groups of fields irreversibly, or all of them if none is named.
pub(crate) fn anonymise(context: &mut WriteContext<'_>, id: i64, groups: &[String]) {
    let chosen = |group: &str| groups.is_empty() || groups.iter().any(|named| named == group);
    let fields = GROUPS.split_whitespace().filter(|group| chosen(group)).map(str::to_owned);
    context
        .model
        .watch
        .occurred(Occurrence::Anonymised { candidate: id, fields: fields.collect() });
    let mut cells = Vec::new();
    if chosen("full_name") {
        cells.extend(["first_name", "last_name", "preferred_name"].map(|name| (name, Cell::Null)));
    }
    cells.extend(CONTACTS.iter().filter(|name| chosen(name)).map(|name| (*name, tags::none())));
    if chosen("current_company") {
        cells.push(("company", Cell::Null));
    }
    if chosen("headline") {
        cells.push(("title", Cell::Null));
    }
    if chosen("custom_candidate_fields") {
        cells.push(("custom_fields", Cell::Fields(Box::default())));
    }
    context.model.set(Kind::Candidates, id, Touch::Stamp, &cells);
    for (group, kind) in [
        ("tags", Kind::AppliedCandidateTags),
        ("notes", Kind::Notes),
        ("attachments", Kind::Attachments),
        ("education", Kind::CandidateEducations),
        ("employment", Kind::CandidateEmployments),
    ] {
        if chosen(group) {
            for row in context.model.find(kind, "candidate_id", id) {
                context.model.remove(kind, row);
            }
        }
    }
    context.model.refresh_tags(id, Touch::Stamp);
}
