//! `/v1/audit`: the log over HTTP, the oldest entries first, so that a program can follow it.

use super::act::Act;
use super::entry::By;
use super::log::Head;
use super::read::{self, Filter, Numbered, Page, ROWS_MAX};
use crate::serve::body::{Query, ROWS_DEFAULT, number};
use crate::serve::caller::Caller;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::served::Served;
use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The parameters of a page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct LogOf {
    /// Entries after this number: `next` of the page before.
    #[serde(default, deserialize_with = "number")]
    after: u64,
    /// Entries of the page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only those of this connection.
    #[param(max_length = 200)]
    connection: Option<String>,
    /// Only those of the token of this name, or of the link of this id.
    #[param(max_length = 200)]
    who: Option<String>,
    /// Only those of callers who were known so.
    by: Option<By>,
    /// Only those of this act.
    what: Option<Act>,
    /// Only those about the desired record of this key; needs `connection`.
    key: Option<String>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct AuditPage {
    /// In the order of their numbers.
    entries: Vec<Numbered>,
    /// `after` of the next page; of the last one, too, which may have more entries later.
    next: u64,
    /// Whether there is more now.
    more: bool,
    /// Entries up to this number do not change any more: each act before it has its result.
    settled: u64,
    /// Entries up to `next` that are left out, since this version cannot read them.
    unreadable: u64,
}

/// Refuses a caller who may not use all connections.
pub(in crate::serve) fn unlimited(caller: &Caller) -> Result<(), Problem> {
    if caller.is_limited() {
        return Err(Problem::new(
            ProblemType::Forbidden,
            "a token that is limited to connections does not read the audit log",
        ));
    }
    Ok(())
}

/// Reads a page of the newest entries, for people.
///
/// # Errors
/// When a parameter is too long, or the store fails.
pub(in crate::serve) async fn newest(
    served: &Served,
    before: Option<u64>,
    limit: usize,
    filter: &Filter,
) -> Result<Page, Problem> {
    let engine = served.running()?.engine;
    checked(filter)?;
    served.refusals.write(&served.audit, &engine).await;
    let underway = served.audit.underway();
    let is_underway = |number| underway.has(number);
    Ok(read::before(&engine, before, limit, (filter, &is_underway)).await?)
}

fn checked(filter: &Filter) -> Result<(), Problem> {
    match filter.too_long() {
        Some(name) => Err(Problem::invalid(name, "no entry has a text of more than 200 bytes")),
        None => Ok(()),
    }
}

/// The digest by which entries name a record.
///
/// # Errors
/// When the log has no digests: then no entry is known to be about the record.
fn digest(head: Option<&Head>, connection: &str, key: &str) -> Result<String, Problem> {
    head.and_then(|head| head.digest(connection, key)).ok_or_else(|| {
        let why = "the entries name no records, since the system gave no randomness when the log \
                   began; read them by `connection`, `what` and time";
        Problem::new(ProblemType::NotSupported, why)
    })
}

/// Reads the audit log: who did what, when, and how it ended.
#[utoipa::path(get, path = "/v1/audit", operation_id = "read_audit", params(LogOf),
    tag = "operations", responses((status = 200, body = AuditPage)))]
pub(in crate::serve) async fn page(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<LogOf>,
) -> Result<Json<AuditPage>, Problem> {
    unlimited(&caller)?;
    let limit = asked.limit.unwrap_or(ROWS_DEFAULT);
    if !(1..=ROWS_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("limit is 1 to {ROWS_MAX}")));
    }
    let engine = served.running()?.engine;
    let record = match (&asked.key, &asked.connection) {
        (None, _) => None,
        (Some(_), None) => return Err(Problem::invalid("key", "`key` needs `connection`")),
        (Some(key), Some(name)) => Some(digest(served.audit.head().as_ref(), name, key)?),
    };
    let filter = Filter {
        connection: asked.connection,
        who: asked.who,
        by: asked.by,
        what: asked.what,
        record,
    };
    checked(&filter)?;
    served.refusals.write(&served.audit, &engine).await;
    // Before the page: what ends meanwhile is settled the next time.
    let settled = served.audit.settled().saturating_sub(1);
    let underway = served.audit.underway();
    let is_underway = |number| underway.has(number);
    let page = read::after(&engine, asked.after, limit, (&filter, &is_underway)).await?;
    let Page { entries, looked: next, has_more: more, unreadable } = page;
    Ok(Json(AuditPage { entries, next, more, settled, unreadable }))
}

#[cfg(test)]
mod tests {
    use super::digest;
    use crate::serve::audit::log::Head;
    use crate::serve::problem::ProblemType;

    #[test]
    fn a_key_without_a_digest_is_refused_and_does_not_show_the_entries_of_other_records() {
        for head in [None, Some(&Head::default())] {
            let refused = digest(head, "acme", "a").unwrap_err();
            assert_eq!(refused.what(), ProblemType::NotSupported);
        }
    }
}
