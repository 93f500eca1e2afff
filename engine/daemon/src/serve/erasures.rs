//! Erasing a candidate: everything that the store has of them goes, and their import is blocked.
//!
//! The answer has numbers alone. Left out: the ATS, where the candidate is deleted by its user.

use super::body::Given;
use super::problem::Problem;
use super::served::Served;
use atsync::{ErasureReport, Person};
use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The candidate, by exactly one of the members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasing {
    /// The key of their desired record.
    key: Option<String>,
    /// Their id in the ATS.
    candidate: Option<String>,
    /// An e-mail address that they alone have.
    email: Option<String>,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
pub(super) struct ErasedView {
    /// Desired records.
    desired: u64,
    /// Observed records.
    observed: u64,
    /// Links.
    links: u64,
    /// Intents whose content is gone.
    intents: u64,
    /// Changes of the feed whose content is gone.
    changes: u64,
    /// Addresses that another candidate has too; these block no import.
    addresses_shared: u64,
}

/// Whether an import was blocked.
#[derive(Serialize, ToSchema)]
pub(super) struct UndoneView {
    /// It was, and is allowed again.
    undone: bool,
}

impl Erasing {
    fn person(&self) -> Result<Person, Problem> {
        match (&self.key, &self.candidate, &self.email) {
            (Some(key), None, None) => Ok(Person::Key(key.clone())),
            (None, Some(id), None) => Ok(Person::Candidate(id.clone())),
            (None, None, Some(email)) => Ok(Person::Email(email.clone())),
            _ => Err(Problem::invalid(
                "",
                "name the candidate by one of `key`, `candidate`, `email`",
            )),
        }
    }
}

impl From<ErasureReport> for ErasedView {
    fn from(report: ErasureReport) -> Self {
        Self {
            desired: report.desired,
            observed: report.observed,
            links: report.links,
            intents: report.intents,
            changes: report.changes,
            addresses_shared: report.addresses_shared,
        }
    }
}

/// Erases a candidate from the store, and blocks their import. It cannot be brought back. It does
/// not change the ATS: delete the candidate there too.
///
/// A candidate of whom nothing is stored is blocked all the same. Unused parts of the store's file
/// may hold the bytes until it is compacted.
#[utoipa::path(post, path = "/v1/connections/{connection}/erasures",
    operation_id = "erase", tag = "records", request_body = Erasing, responses(
    (status = 200, body = ErasedView),
))]
pub(super) async fn erase(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Given(erasing): Given<Erasing>,
) -> Result<Json<ErasedView>, Problem> {
    let connection = served.connection(&name)?;
    Ok(Json(connection.erase(&erasing.person()?).await?.into()))
}

/// Allows the import of a candidate again who was erased under this key, id or address. What was
/// erased does not come back; pull with `full`, or declare the candidate.
#[utoipa::path(post, path = "/v1/connections/{connection}/erasures/undo",
    operation_id = "undo_erasure", tag = "records", request_body = Erasing, responses(
    (status = 200, body = UndoneView),
))]
pub(super) async fn undo(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    Given(erasing): Given<Erasing>,
) -> Result<Json<UndoneView>, Problem> {
    let connection = served.connection(&name)?;
    let undone = connection.undo_erasure(&erasing.person()?).await?;
    Ok(Json(UndoneView { undone }))
}
