//! Lists as writes and probes read them: a bare array of rows, and perhaps a next page.
//!
//! Rows stay untyped here, because each look needs a few members only. The last page has no `Link` header or an empty one
//! (harvest-v3.md §4 [ok]); a cursor travels alone. Each look has a bound on its pages, stated where it begins.

use crate::write::op::list_scope;
use crate::write::row;
use crate::{answer, request};
use atsync_adapter::contract::{Failure, Field, Request, Response};
use serde_json::Value;

/// One page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its rows.
    pub(crate) rows: Vec<Value>,
    /// The link to the next one.
    pub(crate) next: Option<String>,
}

/// Reads the answer to a look at a collection.
pub(crate) fn read(response: &Response, collection: &str) -> Result<Page, Failure> {
    answer::accepted(response, &list_scope(collection))?;
    Ok(Page { rows: answer::json(response)?, next: next(response) })
}

/// The first page of a filtered list, as large as pages get.
pub(crate) fn list(collection: &str, filters: &[(&str, &str)]) -> Request {
    let mut query: Vec<Field> = filters.iter().map(|(name, value)| Field::new(*name, *value)).collect();
    query.push(Field::new("per_page", request::PER_PAGE_MAX.to_string()));
    request::get(collection, query)
}

/// The row that was asked for by id.
pub(crate) fn only(rows: Vec<Value>, collection: &str, id: &str) -> Result<Value, Failure> {
    let found = rows.into_iter().find(|row| row::id(row, "id").as_deref() == Some(id));
    let why = "deleted, merged into another, or not visible to the acting user";
    found.ok_or_else(|| Failure::NotFound(format!("{id} of {collection} is not shown: {why}")))
}

/// The URL of `rel="next"`.
fn next(response: &Response) -> Option<String> {
    let header = response.header("link")?;
    header.split(',').find_map(|part| {
        let (url, attributes) = part.trim().strip_prefix('<')?.split_once('>')?;
        attributes.replace(' ', "").contains("rel=\"next\"").then(|| url.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_link_or_an_empty_one() {
        let page = |headers: Vec<Field>| {
            read(&Response { status: 200, headers, body: b"[{\"id\":1}]".to_vec() }, "jobs").unwrap().next
        };
        assert_eq!(page(vec![]), None);
        assert_eq!(page(vec![Field::new("link", "")]), None);
        let link = "<https://harvest.greenhouse.io/v3/jobs?cursor=x>; rel=\"next\"";
        assert_eq!(
            page(vec![Field::new("link", link)]).as_deref(),
            Some("https://harvest.greenhouse.io/v3/jobs?cursor=x")
        );
    }
}
