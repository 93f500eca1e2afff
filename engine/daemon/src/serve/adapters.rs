//! The adapters: what a connection can use, what runs, and what was refused.

use super::caller::Caller;
use super::problem::Problem;
use super::served::Served;
use crate::listed::{AdapterView, listed};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The adapters.
#[derive(Serialize, ToSchema)]
pub(super) struct AdapterList {
    adapters: Vec<AdapterView>,
}

/// Lists the adapters: built in, in the folder, and used by connections of the token.
#[utoipa::path(get, path = "/v1/adapters",
    operation_id = "list_adapters", tag = "connections", responses(
    (status = 200, body = AdapterList),
))]
pub(super) async fn list(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<AdapterList>, Problem> {
    let opened = served.running()?;
    drop(served);
    let mut adapters = listed(&opened, |name| caller.may_use(name)).await;
    if caller.is_limited() {
        adapters.iter_mut().for_each(AdapterView::hide_files);
        adapters.retain(AdapterView::is_for_all);
    }
    Ok(Json(AdapterList { adapters }))
}
