//! Reads pages of lists for writes and probes: an array of rows, and perhaps a next page.
//!
//! Rows stay untyped here, because each read needs only a few members. The last page has no `Link`
//! header or an empty one (harvest-v3.md §4 \[ok\]); a cursor allows no other parameter. The caller
//! bounds the number of pages.

use crate::write::op::list_scope;
use crate::write::row;
use crate::{answer, request};
use atsync_adapter::contract::{Failure, Field, Request, Response};
use atsync_adapter::link;
use serde_json::Value;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its rows.
    pub(crate) rows: Vec<Value>,
    /// The link to the next page.
    pub(crate) next: Option<String>,
}

/// Reads a page of a collection.
pub(crate) fn read(response: &Response, collection: &str) -> Result<Page, Failure> {
    answer::accepted(response, &list_scope(collection))?;
    let rows: Vec<Value> = answer::json(response)?;
    // A row without an id fails the read: skipping it could make a record count as absent, and be
    // created twice. Candidates' stubs pass, since their readers handle them.
    let is_stub = |row: &Value| collection == "candidates" && row::is_stub(row);
    // Details of a prospect are identified by their application.
    let id = if collection == "prospect_details" { "application_id" } else { "id" };
    if !rows.iter().all(|row| row::id(row, id).is_some() || is_stub(row)) {
        return Err(Failure::Protocol(format!("a row of {collection} has no id")));
    }
    Ok(Page { rows, next: link::next(response)? })
}

/// Requests the first page of a filtered list, of the largest size.
pub(crate) fn list(collection: &str, filters: &[(&str, &str)]) -> Request {
    let mut query: Vec<Field> =
        filters.iter().map(|(name, value)| Field::new(*name, *value)).collect();
    query.push(Field::new("per_page", request::PER_PAGE_MAX.to_string()));
    request::get(collection, query)
}

/// Selects the row that was requested by id.
pub(crate) fn only(rows: Vec<Value>, collection: &str, id: &str) -> Result<Value, Failure> {
    let found = rows.into_iter().find(|row| row::id(row, "id").as_deref() == Some(id));
    let why = "deleted, merged into another, or not visible to the acting user";
    found.ok_or_else(|| Failure::NotFound(format!("{id} of {collection} is not shown: {why}")))
}
