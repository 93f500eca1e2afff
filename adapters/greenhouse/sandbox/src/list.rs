//! Serves one page of a list: the cursor rule, the rows by falling id, and the `Link` to the next
//! page.
//!
//! This is keyset pagination: rows that are added during a scan do not shift pages, and a cursor
//! holds no snapshot. A page may hold fewer rows than requested only at the end of the list. The
//! query is checked in [`crate::query`].

use atsync_sandbox::{Answer, Request, cursor, pairs};
use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::model::render::View;
use crate::query::{self, ListQuery};
use crate::quirks::{LastLink, Quirks};
use crate::refusal::Refusal;
use crate::schema::{Endpoint, Kind};
use crate::sight::Sight;

/// The content of a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The original query, decoded.
    query: Vec<(String, String)>,
    /// The first id of the page.
    id: i64,
    page: u64,
    original_request_id: String,
    made_ms: i64,
    collection: String,
}

/// The context of a list besides the request.
pub(crate) struct ListContext<'a> {
    pub(crate) model: &'a Model,
    pub(crate) quirks: &'a Quirks,
    pub(crate) sight: Sight,
    pub(crate) request_id: &'a str,
}

/// Answers `GET /v3/<collection>`.
pub(crate) fn serve(
    context: &ListContext<'_>,
    endpoint: &Endpoint,
    request: &Request<'_>,
) -> Result<Answer, Refusal> {
    let pairs = pairs(request.query());
    let cursor = match pairs.iter().find(|(name, _)| name == "cursor") {
        Some(_) if pairs.len() > 1 => {
            return Err(Refusal::Cursor(
                "When passing a cursor, do not include other query params.",
            ));
        }
        Some((_, text)) => Some(open(context, endpoint, text)?),
        None => None,
    };
    let pairs = cursor.as_ref().map_or(pairs, |cursor| cursor.query.clone());
    let Some(kind) = Kind::named(endpoint.path) else {
        query::check(endpoint, &pairs).map_err(Refusal::Invalid)?;
        return Ok(with_link(Answer::json(200, b"[]".to_vec()), None, context.quirks));
    };
    let list = query::read(context.model, kind, endpoint, &pairs)?;
    let (body, next) =
        page(context, kind, &list, cursor.as_ref().map_or(i64::MAX, |cursor| cursor.id));
    let link = next.map(|id| {
        let cursor = Cursor {
            query: pairs,
            id,
            page: cursor.as_ref().map_or(2, |cursor| cursor.page.saturating_add(1)),
            original_request_id: cursor
                .map_or_else(|| context.request_id.to_owned(), |c| c.original_request_id),
            made_ms: context.model.now_ms,
            collection: endpoint.path.to_owned(),
        };
        let host = request.header("host").unwrap_or("harvest.sandbox.invalid");
        format!(
            "<http://{host}/v3/{}?cursor={}>; rel=\"next\"",
            endpoint.path,
            cursor::encode(&cursor)
        )
    });
    Ok(with_link(Answer::json(200, body), link, context.quirks))
}

fn open(context: &ListContext<'_>, endpoint: &Endpoint, text: &str) -> Result<Cursor, Refusal> {
    let cursor = cursor::decode(text).filter(|cursor: &Cursor| cursor.collection == endpoint.path);
    let cursor = cursor.ok_or(Refusal::Cursor("Invalid cursor."))?;
    let age_ms = context.model.now_ms.saturating_sub(cursor.made_ms);
    if context.quirks.cursor_lifetime_ms > 0 && age_ms > context.quirks.cursor_lifetime_ms {
        return Err(Refusal::Cursor("Cursor expired."));
    }
    Ok(cursor)
}

fn with_link(mut answer: Answer, next: Option<String>, quirks: &Quirks) -> Answer {
    match (next, quirks.last_link) {
        (Some(link), _) => answer.set_header("link", link),
        (None, LastLink::Empty) => answer.set_header("link", ""),
        (None, LastLink::Absent) => {}
    }
    answer
}

/// Returns the page's body and the id where the next page starts.
fn page(
    context: &ListContext<'_>,
    kind: Kind,
    list: &ListQuery,
    start: i64,
) -> (Vec<u8>, Option<i64>) {
    let model = context.model;
    let view = View {
        columns: list.columns.clone(),
        hide_private_fields: context.quirks.hide_private_fields,
        unknown_field: context.quirks.unknown_field,
        ..View::of(context.quirks)
    };
    let narrowed: Option<Vec<i64>> =
        list.tests.iter().filter_map(|test| test.narrowed(model, kind)).min_by_key(Vec::len);
    let Some(table) = model.table(kind) else { return (b"[]".to_vec(), None) };
    let mut body = Vec::with_capacity(list.per_page.saturating_mul(256));
    body.push(b'[');
    let mut served = 0_usize;
    for row in table.walk(narrowed.as_deref(), start, model.now_ms) {
        if !list.tests.iter().all(|test| test.passes(kind, row))
            || !context.sight.sees(model, kind, row)
        {
            continue;
        }
        if served == list.per_page {
            body.push(b']');
            return (body, Some(row.id));
        }
        if served > 0 {
            body.push(b',');
        }
        served = served.saturating_add(1);
        model.write_row(&mut body, kind, row, &view);
    }
    body.push(b']');
    (body, None)
}
