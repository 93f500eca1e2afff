//! Observed records: pages of a kind, and one of them.

use super::body::{Query, ROWS_DEFAULT, WORD_BYTES_MAX, number_if_any};
use super::connections::has_kind;
use super::problem::{Problem, ProblemType};
use super::served::Served;
use atsync::{Filter, ObservedRow};
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// An observed record.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordView {
    kind: String,
    /// Its id in the ATS.
    id: String,
    /// The ATS's own version of it, where it has one.
    version: Option<String>,
    /// It was deleted in the ATS.
    gone: bool,
    /// When a change was last read, in milliseconds since 1970.
    changed_ms: u64,
    /// The unified record.
    #[schema(value_type = Object)]
    body: Box<RawValue>,
    /// The ATS's own JSON, with `raw=true`, where the store has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    raw: Option<Box<RawValue>>,
}

impl RecordView {
    fn of(row: ObservedRow, with_raw: bool) -> Result<Self, Problem> {
        let text = |json: String| {
            RawValue::from_string(json).map_err(|error| {
                Problem::new(
                    ProblemType::StoreFailed,
                    format!("{} {} in the store cannot be read: {error}", row.kind, row.id),
                )
            })
        };
        let raw = row.raw.filter(|_| with_raw).map(text).transpose()?;
        let body = text(row.body)?;
        Ok(Self {
            body,
            raw,
            version: row.version,
            gone: row.gone,
            changed_ms: row.changed_ms,
            kind: row.kind,
            id: row.id,
        })
    }
}

/// A page of observed records.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordPage {
    records: Vec<RecordView>,
    /// The `cursor` of the next page; none when this is the last one.
    next: Option<String>,
}

/// The parameters of a page. At most one of the filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageOf {
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// With the ATS's own JSON.
    #[serde(default)]
    raw: bool,
    /// Those with this e-mail address.
    email: Option<String>,
    /// Those with this name.
    name: Option<String>,
    /// Those of this candidate, by id.
    candidate: Option<String>,
    /// Those in this record, by id.
    parent: Option<String>,
    /// Those of this user, by id.
    user: Option<String>,
    /// Those with this key.
    key: Option<String>,
    /// Those of which a change was read at this time or later, in milliseconds since 1970. It looks
    /// through the records of the page, which has no index for it: a page may have fewer rows than
    /// `limit`, or none, and a `next`. The feed has changes without a search.
    #[serde(default, deserialize_with = "number_if_any")]
    updated_after: Option<u64>,
}

impl PageOf {
    fn filter(&self) -> Result<Filter, Problem> {
        let texts = [&self.email, &self.name, &self.candidate, &self.parent, &self.user, &self.key];
        if texts.into_iter().flatten().any(|text| text.len() > WORD_BYTES_MAX) {
            let detail = format!("a filter has at most {WORD_BYTES_MAX} bytes");
            return Err(Problem::invalid("query", detail));
        }
        let given = [
            self.email.clone().map(Filter::Email),
            self.name.clone().map(Filter::Name),
            self.candidate.clone().map(Filter::Candidate),
            self.parent.clone().map(Filter::Parent),
            self.user.clone().map(Filter::User),
            self.key.clone().map(Filter::Key),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (None, _) => Ok(Filter::All),
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Problem::invalid("query", "a page has one filter at most")),
        }
    }
}

/// Lists observed records of a kind in the order of their ids. Deleted ones are left out.
#[utoipa::path(get, path = "/v1/connections/{connection}/records/{kind}",
    operation_id = "list_records", params(PageOf),
    tag = "records", responses(
    (status = 200, body = RecordPage),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Path((name, kind)): Path<(String, String)>,
    Query(page): Query<PageOf>,
) -> Result<Json<RecordPage>, Problem> {
    let connection = served.connection(&name)?;
    has_kind(&connection, &kind)?;
    let (filter, limit) = (page.filter()?, page.limit.unwrap_or(ROWS_DEFAULT));
    let rows = connection.observed_page(&kind, &filter, page.cursor.as_deref(), limit).await?;
    let from_ms = page.updated_after.unwrap_or(0);
    let recent = rows.rows.into_iter().filter(|row| row.changed_ms >= from_ms);
    let records = recent.map(|row| RecordView::of(row, page.raw));
    Ok(Json(RecordPage { records: records.collect::<Result<_, _>>()?, next: rows.next }))
}

/// The parameters of a record.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OneOf {
    /// With the ATS's own JSON.
    #[serde(default)]
    raw: bool,
}

/// Reads an observed record; a deleted one has `gone`.
#[utoipa::path(get, path = "/v1/connections/{connection}/records/{kind}/{id}",
    operation_id = "read_record", params(OneOf),
    tag = "records", responses(
    (status = 200, body = RecordView),
))]
pub(super) async fn read(
    State(served): State<Arc<Served>>,
    Path((name, kind, id)): Path<(String, String, String)>,
    Query(one): Query<OneOf>,
) -> Result<Json<RecordView>, Problem> {
    let connection = served.connection(&name)?;
    has_kind(&connection, &kind)?;
    let row = connection.observed_one(&kind, &id).await?;
    let row = row.ok_or_else(|| {
        Problem::new(ProblemType::NoSuchRecord, "the store has no record of this kind and id")
    })?;
    Ok(Json(RecordView::of(row, one.raw)?))
}
