//! Probes a change: does an existing record show the result of the operation?
//!
//! The probe makes the same comparison as the write before it sends: no difference means that the
//! change happened, by this write or another. So the result is always `matched`. A record that is
//! not shown is `not-found`, except after a deletion, which this proves.

use super::next::{Next, Sent, absent, ambiguous, ask, found};
use crate::kinds::by_ids;
use crate::settings::Settings;
use crate::write::lifecycle;
use crate::write::op::{Op, removed_by, target_of};
use crate::write::sent::{converted_from, subject};
use crate::write::standing::{Standing, Status};
use crate::write::{self, application, pages, row};
use atsync_adapter::contract::{Certainty, Failure, Response};
use atsync_adapter::model::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A comparison, and its last request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Search {
    /// The pool, for an edit that names one.
    Pool(Op),
    /// The row.
    Row { op: Op, pool: Option<String> },
    /// The stages, for rows that do not name the stage definition.
    Stages { op: Op, standing: Standing },
    /// The applications of the candidate of a converted prospect.
    Siblings { op: Op, standing: Standing },
}

/// Starts the probe.
pub(super) fn begin(op: Op) -> Result<Next<Search>, Failure> {
    if let Op::ApplicationUpdate { target, input } = &op
        && input.pool.is_some()
    {
        let request = pages::list("prospect_details", &[("application_ids", target)]);
        return Ok(ask(request, Search::Pool(op)));
    }
    read(op, None)
}

fn read(op: Op, pool: Option<String>) -> Result<Next<Search>, Failure> {
    let (collection, id) = target_of(&op)
        .ok_or_else(|| Failure::Bug(format!("{} has no target to read", op.name())))?;
    let request = by_ids(collection, &[id])?;
    Ok(ask(request, Search::Row { op, pool }))
}

impl Search {
    /// Reads an answer.
    pub(super) fn next(
        self,
        response: &Response,
        sent: Sent,
        settings: &Settings,
    ) -> Result<Next<Search>, Failure> {
        match self {
            Self::Pool(op) => {
                let rows = pages::read(response, "prospect_details")?.rows;
                let pool = target_of(&op).and_then(|(_, id)| application::pool_of(&rows, id));
                read(op, pool)
            }
            Self::Row { op, pool } => compare(op, pool.as_deref(), response, settings),
            Self::Stages { op, standing } => {
                let standing =
                    standing.with_stages(&pages::read(response, "application_stages")?.rows);
                match &op {
                    Op::Move { input, .. } => Ok(verdict(&op, standing.is_at(input))),
                    _ => Err(Failure::Bug(
                        "stages were read for an operation that is not a move".into(),
                    )),
                }
            }
            Self::Siblings { op, standing } => {
                let rows: Vec<Value> = pages::read(response, "applications")?.rows;
                let rows: Vec<Value> =
                    rows.into_iter().filter(|row| sent.can_have_made(row)).collect();
                let Op::Convert { input, .. } = &op else {
                    return Err(Failure::Bug(
                        "siblings were read for an operation that is not a conversion".into(),
                    ));
                };
                match lifecycle::converted(&rows, &standing.id, &input.job).as_slice() {
                    [] => Ok(absent(kinds::APPLICATIONS)),
                    [new] => {
                        let links = vec![
                            subject(kinds::APPLICATIONS, new.id.clone()),
                            converted_from(standing.id),
                        ];
                        Ok(found(links, Certainty::Matched))
                    }
                    several => {
                        let ids: Vec<String> = several.iter().map(|new| new.id.clone()).collect();
                        Ok(ambiguous(kinds::APPLICATIONS, &ids))
                    }
                }
            }
        }
    }
}

/// Whether the row shows the result of the operation.
fn compare(
    op: Op,
    pool: Option<&str>,
    response: &Response,
    settings: &Settings,
) -> Result<Next<Search>, Failure> {
    let (collection, id) =
        target_of(&op).ok_or_else(|| Failure::Bug("the operation has no target".into()))?;
    let rows = pages::read(response, collection)?.rows;
    if let Some(kind) = removed_by(&op) {
        let there = rows.iter().any(|row| row::id(row, "id").as_deref() == Some(id));
        return Ok(if there { absent(kind) } else { found(Vec::new(), Certainty::Matched) });
    }
    let row = pages::only(rows, collection, id)?;
    let standing = Standing::of(&row);
    let update = match write::difference(&op, &row, pool, settings) {
        // The candidate is anonymised: the change did not happen, and the write will be refused.
        Err(Failure::Conflict(_)) => return Ok(verdict(&op, false)),
        update => update?,
    };
    if let Some(edit) = update {
        return Ok(verdict(&op, edit.is_done()));
    }
    let happened = match &op {
        Op::Reject { .. } => standing.status == Status::Rejected,
        Op::Unreject { .. } => standing.status == Status::UnderWay,
        Op::Hire { .. } => standing.status == Status::Hired,
        Op::Move { input, target } => {
            if standing.stage.is_none() && input.to_stage.is_some() {
                let request = pages::list("application_stages", &[("application_ids", target)]);
                return Ok(ask(request, Search::Stages { op, standing }));
            }
            standing.is_at(input)
        }
        Op::Convert { input, .. } => match (&standing.status, &standing.candidate) {
            (Status::Converted, Some(candidate)) => {
                let request = pages::list("applications", &[("candidate_ids", candidate)]);
                return Ok(ask(request, Search::Siblings { op, standing }));
            }
            _ => standing.prospect == Some(false) && standing.job.as_ref() == Some(&input.job),
        },
        _ => return Err(Failure::Bug(format!("{} has nothing to compare", op.name()))),
    };
    Ok(verdict(&op, happened))
}

fn verdict(op: &Op, happened: bool) -> Next<Search> {
    let (kind, id) = match op {
        Op::CandidateUpdate { target, .. } => (kinds::CANDIDATES, target),
        Op::RejectionUpdate { target, .. } => (kinds::REJECTIONS, target),
        Op::FieldUpdate { target, .. } => (kinds::CUSTOM_FIELDS, target),
        Op::OptionUpdate { target, .. } => (kinds::CUSTOM_FIELD_OPTIONS, target),
        Op::ApplicationUpdate { target, .. }
        | Op::Move { target, .. }
        | Op::Reject { target, .. }
        | Op::Unreject { target, .. }
        | Op::Hire { target, .. }
        | Op::Convert { target, .. } => (kinds::APPLICATIONS, target),
        _ => return absent(""),
    };
    if happened { found(vec![subject(kind, id.clone())], Certainty::Matched) } else { absent(kind) }
}
