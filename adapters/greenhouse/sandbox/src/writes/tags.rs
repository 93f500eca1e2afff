//! Tags: names unique within the organisation and case-sensitive, and their rows on candidates.

use serde_json::Value;

use super::{Done, WriteContext};
use crate::body::Body;
use crate::model::Touch;
use crate::model::cell::Cell;
use crate::quirks::RepeatedTag;
use crate::refusal::Refusal;
use crate::schema::Kind;

pub(super) fn create(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let body = Body::read(body, "name!:name")?;
    let name = body.text("name").unwrap_or_default();
    if !context.model.find_text(Kind::CandidateTags, "name", name).is_empty() {
        return Err(Refusal::invalid("name", "has already been taken"));
    }
    let id = context.model.insert(Kind::CandidateTags, &[("name", name.into())]);
    Ok(context.created(Kind::CandidateTags, id))
}

/// Removes a tag from every candidate.
pub(super) fn delete(context: &mut WriteContext<'_>, id: i64) -> Result<Done, Refusal> {
    context.must_find(Kind::CandidateTags, id)?;
    context.model.remove(Kind::CandidateTags, id);
    let touch = context.child_touch();
    for row in context.model.find(Kind::AppliedCandidateTags, "candidate_tag_id", id) {
        let candidate = context.model.int(Kind::AppliedCandidateTags, row, "candidate_id");
        context.model.remove(Kind::AppliedCandidateTags, row);
        if let Some(candidate) = candidate {
            context.model.refresh_tags(candidate, touch);
        }
    }
    Ok(context.deleted(id, "Candidate tag"))
}

pub(super) fn apply_request(context: &mut WriteContext<'_>, body: &[u8]) -> Result<Done, Refusal> {
    let body = Body::read(body, "candidate_id!:int candidate_tag_id!:int")?;
    let (candidate, tag) =
        (body.int("candidate_id").unwrap_or(0), body.int("candidate_tag_id").unwrap_or(0));
    context.must_know(Kind::Candidates, "candidate_id", Some(candidate))?;
    context.must_know(Kind::CandidateTags, "candidate_tag_id", Some(tag))?;
    if context.quirks.repeated_tag == RepeatedTag::Refuse
        && row_of(context, candidate, tag).is_some()
    {
        return Err(Refusal::invalid("candidate_tag_id", "has already been taken"));
    }
    let id = apply_tag(context, candidate, tag);
    Ok(context.created(Kind::AppliedCandidateTags, id))
}

fn row_of(context: &WriteContext<'_>, candidate: i64, tag: i64) -> Option<i64> {
    let rows = context.model.find(Kind::AppliedCandidateTags, "candidate_id", candidate);
    rows.into_iter().find(|row| {
        context.model.int(Kind::AppliedCandidateTags, *row, "candidate_tag_id") == Some(tag)
    })
}

/// Adds a tag to a candidate; a repeat adds another row.
pub(crate) fn apply_tag(context: &mut WriteContext<'_>, candidate: i64, tag: i64) -> i64 {
    let cells = [("candidate_id", Cell::Int(candidate)), ("candidate_tag_id", Cell::Int(tag))];
    let id = context.model.insert(Kind::AppliedCandidateTags, &cells);
    let touch = context.child_touch();
    context.model.refresh_tags(candidate, touch);
    id
}

pub(super) fn unapply(context: &mut WriteContext<'_>, id: i64) -> Result<Done, Refusal> {
    context.must_find(Kind::AppliedCandidateTags, id)?;
    let candidate = context.model.int(Kind::AppliedCandidateTags, id, "candidate_id").unwrap_or(0);
    context.model.remove(Kind::AppliedCandidateTags, id);
    let touch = context.child_touch();
    context.model.refresh_tags(candidate, touch);
    Ok(context.deleted(id, "Applied candidate tag"))
}

/// Returns the tag of that name, and creates it if there is none.
pub(crate) fn tag_named(context: &mut WriteContext<'_>, name: &str) -> i64 {
    let known = context.model.find_text(Kind::CandidateTags, "name", name).first().copied();
    known.unwrap_or_else(|| context.model.insert(Kind::CandidateTags, &[("name", name.into())]))
}

/// Replaces a candidate's tags by exactly these, as the member `tags` of a write does.
pub(super) fn replace(context: &mut WriteContext<'_>, candidate: i64, names: &[String]) {
    let wanted: Vec<i64> = names.iter().map(|name| tag_named(context, name)).collect();
    for row in context.model.find(Kind::AppliedCandidateTags, "candidate_id", candidate) {
        let tag = context.model.int(Kind::AppliedCandidateTags, row, "candidate_tag_id");
        if !tag.is_some_and(|tag| wanted.contains(&tag)) {
            context.model.remove(Kind::AppliedCandidateTags, row);
        }
    }
    for tag in wanted {
        if row_of(context, candidate, tag).is_none() {
            let cells =
                [("candidate_id", Cell::Int(candidate)), ("candidate_tag_id", Cell::Int(tag))];
            context.model.insert(Kind::AppliedCandidateTags, &cells);
        }
    }
    context.model.refresh_tags(candidate, Touch::Leave);
}

/// Returns the empty list of tags that a new candidate starts with.
pub(super) fn none() -> Cell {
    Cell::json(&Value::Array(Vec::new()))
}
