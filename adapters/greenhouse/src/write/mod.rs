//! The write task: safe reads, then at most one request that changes Greenhouse.
//!
//! A creation is sent at once, since the engine has probed before; one that belongs to a candidate
//! or application first confirms that its parent still exists. A change reads its target
//! immediately before it is sent: if the target has the desired values already, the write ends as
//! `unneeded`; if the target is not shown, as `not-found`; otherwise it sends the smallest
//! difference. No write sends twice: only an outcome follows the changing request.
//!
//! [`op`] lists the operations, [`input`] their inputs; [`candidate`], [`application`],
//! [`lifecycle`], [`records`] and [`background`] decide what to send; [`edit`] sends a PATCH,
//! [`options`] resolves the options of its custom fields; [`sent`] reads the reply to the changing
//! request. Bounds: each list is read up to [`PAGES_MAX`] pages; a continuation that would not fit
//! is refused before anything is sent.

pub(crate) mod application;
pub(crate) mod background;
pub(crate) mod candidate;
pub(crate) mod contacts;
pub(crate) mod custom;
pub(crate) mod edit;
pub(crate) mod input;
pub(crate) mod lifecycle;
pub(crate) mod members;
pub(crate) mod normal;
pub(crate) mod op;
pub(crate) mod options;
pub(crate) mod pages;
pub(crate) mod records;
pub(crate) mod row;
pub(crate) mod seen;
pub(crate) mod sent;
pub(crate) mod standing;
pub(crate) mod steps;
pub(crate) mod words;

use crate::answer;
use crate::kinds;
use crate::named::{self, Naming, Reading};
use crate::request;
use crate::settings::Settings;
use crate::state::Continued;
use atsync_adapter::contract::{Failure, Given, Reply, Request, Response, Step, Write, Written};
use background::{OptionIds, Resolved, Resolving};
use edit::{Begun, Edit};
use lifecycle::{Converting, Hiring};
use op::{Op, list_scope, removed_by, target_of};
use options::{Lookup, Next};
use sent::{Sent, applied, subject};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use standing::Standing;
use steps::{fits, outcome};

/// The most pages of a list that a write reads, 500 rows each. Arbitrary: far more than the records
/// of one candidate or job.
const PAGES_MAX: u32 = 10;

/// The state of a write between two steps: the request that was sent last.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum State {
    /// A page of options that a new education names by text.
    EducationOptions(Resolving),
    /// The row of the new record's parent. `options` are those that a new education names.
    Parent {
        op: Op,
        #[serde(default, skip_serializing_if = "OptionIds::is_empty")]
        options: OptionIds,
    },
    /// The target's row. `pool` is from prospect_details, for an edit that names a pool.
    Target { op: Op, pool: Option<String> },
    /// The row of what is to be removed, then the names of its options.
    Removing {
        op: Op,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        naming: Option<Naming>,
    },
    /// The pool of an application.
    Pool { op: Op },
    /// The stages of an application.
    Stages { op: Op, standing: Standing },
    /// The open openings of a job.
    Openings { op: Op, standing: Standing, open: Vec<Value>, pages: u32 },
    /// The other applications of a candidate.
    Siblings { op: Op, standing: Standing },
    /// The tags on a candidate.
    Tags { op: Op, pages: u32 },
    /// Definitions of custom fields.
    Definitions(Lookup),
    /// Options of custom fields.
    Options(Lookup),
    /// The target's row once more, after option ids were resolved.
    Again(Lookup),
}

impl Continued for State {
    const TASK: &str = "write";
}

/// Begins a write.
pub(crate) fn start(write: Write, given: &Given) -> Result<Step, Failure> {
    let settings = Settings::of(given)?;
    let op = Op::decode(&write.operation)?;
    if matches!(op, Op::EducationCreate { .. } | Op::EmploymentCreate { .. }) {
        return resolve_options(Resolving::begin(op)?);
    }
    if let Some((collection, id)) = parent_of(&op) {
        // An invalid input is refused before the first request.
        let direct = child(&op, &OptionIds::new(), &settings)?;
        let request = kinds::by_ids(collection, &[id])?;
        let (op, options) = (op.clone(), OptionIds::new());
        let is_large = !matches!(op, Op::AppliedTagCreate { .. });
        return match ask(request, State::Parent { op, options }) {
            Ok(step) => Ok(step),
            // A file or note too large for a continuation is sent without confirming its parent.
            Err(_) if is_large => Ok(direct),
            Err(failure) => Err(failure),
        };
    }
    match &op {
        Op::CandidateCreate { input, .. } => {
            candidate::create(input, &settings, given.mark.as_ref())
        }
        Op::TagCreate { input, .. } => records::tag(input),
        op if removed_by(op).is_some() => match op.seen().filter(|seen| !seen.is_empty()) {
            Some(_) => read_target(op.clone(), |op| State::Removing { op, naming: None }),
            None => records::remove(op),
        },
        Op::UserCreate { input, .. } => records::user(input, &settings),
        Op::ApplicationCreate { input, .. } => application::create(input),
        Op::FieldCreate { input, .. } => records::field(input),
        Op::OptionCreate { input, .. } => records::option(input),
        Op::ApplicationUpdate { target, input } if input.pool.is_some() => {
            let request = pages::list("prospect_details", &[("application_ids", target)]);
            ask(request, State::Pool { op })
        }
        _ => read_target(op, |op| State::Target { op, pool: None }),
    }
}

/// Reads the reply to the changing request.
pub(crate) fn sent(sent: Sent, reply: Reply) -> Result<Step, Failure> {
    Ok(outcome(sent.read(&answer::response(reply)?)))
}

/// Continues a write.
pub(crate) fn resume(state: State, given: &Given, reply: Reply) -> Result<Step, Failure> {
    let settings = Settings::of(given)?;
    let response = answer::response(reply)?;
    match state {
        State::EducationOptions(resolving) => resolve_options(resolving.answered(&response)?),
        State::Parent { op, options } => {
            let (collection, id) = parent_of(&op).ok_or_else(misplaced)?;
            let row = pages::only(pages::read(&response, collection)?.rows, collection, id)?;
            if collection == "candidates" {
                candidate::writable(&row)?;
            }
            child(&op, &options, &settings)
        }
        State::Definitions(lookup) => look_up(lookup.definitions(&response)?),
        State::Options(lookup) => look_up(lookup.options(&response)?),
        State::Again(lookup) => {
            let (collection, id) = target_of(&lookup.op).ok_or_else(misplaced)?;
            let row = pages::only(pages::read(&response, collection)?.rows, collection, id)?;
            let edit = difference(&lookup.op, &row, lookup.pool.as_deref(), &settings)?
                .ok_or_else(misplaced)?;
            if !edit.is_done() {
                seen::unchanged(&lookup.op, &row)?;
            }
            edit.again(&lookup)
        }
        State::Pool { op } => {
            let rows = pages::read(&response, "prospect_details")?.rows;
            let pool = target_of(&op).and_then(|(_, id)| application::pool_of(&rows, id));
            read_target(op, |op| State::Target { op, pool })
        }
        State::Removing { op, naming } => remove(op, naming, &response),
        State::Target { op, pool } => {
            let (collection, id) = target_of(&op)
                .ok_or_else(|| Failure::Bug("a target of an operation without one".into()))?;
            let rows = pages::read(&response, collection)?.rows;
            let row = pages::only(rows, collection, id)?;
            decide(op, &row, pool, &settings)
        }
        State::Stages { op, standing } => {
            let standing =
                standing.with_stages(&pages::read(&response, "application_stages")?.rows);
            let Op::Move { input, .. } = &op else { return Err(misplaced()) };
            lifecycle::advance(&standing, input, &settings, true)?.ok_or_else(misplaced)
        }
        State::Openings { op, standing, mut open, pages } => {
            let page = pages::read(&response, "openings")?;
            open.extend(page.rows.iter().map(opening));
            if let Some(link) = page.next.filter(|_| pages < PAGES_MAX) {
                return ask(
                    request::follow(link),
                    State::Openings { op, standing, open, pages: pages + 1 },
                );
            }
            let Op::Hire { input, .. } = &op else { return Err(misplaced()) };
            match lifecycle::hire(&standing, input, &settings, Some(&open))? {
                Hiring::Step(step) => Ok(step),
                Hiring::NeedsOpenings(_) => Err(misplaced()),
            }
        }
        State::Siblings { op, standing } => {
            let rows = pages::read(&response, "applications")?.rows;
            let Op::Convert { input, .. } = &op else { return Err(misplaced()) };
            lifecycle::converted_already(&standing, input, &rows)
        }
        State::Tags { op, pages } => tags(op, pages, &response),
    }
}

/// Returns collection and id of a new record's parent, where Greenhouse accepts records of a
/// deleted parent.
///
/// A note that is posted for a deleted candidate becomes an orphan that cannot be deleted (live
/// probe, single source). For the other records the result is unknown, and each of them is as
/// permanent. So a read right before the write confirms the parent.
fn parent_of(op: &Op) -> Option<(&'static str, &str)> {
    match op {
        Op::NoteCreate { input, .. } => Some(("candidates", &input.candidate)),
        Op::ApplicationCreate { input, .. } => Some(("candidates", input.candidate.as_deref()?)),
        Op::AppliedTagCreate { input, .. } => Some(("candidates", &input.candidate)),
        Op::EducationCreate { input, .. } => Some(("candidates", &input.candidate)),
        Op::EmploymentCreate { input, .. } => Some(("candidates", &input.candidate)),
        Op::AttachmentCreate { input, .. } => Some(("applications", &input.application)),
        _ => None,
    }
}

/// Requests the options that a new education names, then the candidate.
fn resolve_options(resolved: Resolved) -> Result<Step, Failure> {
    match resolved {
        Resolved::Ask(request, resolving) => ask(request, State::EducationOptions(resolving)),
        Resolved::Done(op, options) => {
            let (collection, id) = parent_of(&op).ok_or_else(misplaced)?;
            let request = kinds::by_ids(collection, &[id])?;
            ask(request, State::Parent { op, options })
        }
    }
}

/// Builds the step that creates a record of a parent.
fn child(op: &Op, options: &OptionIds, settings: &Settings) -> Result<Step, Failure> {
    match op {
        Op::NoteCreate { input, .. } => records::note(input, settings),
        Op::ApplicationCreate { input, .. } => application::create(input),
        Op::AttachmentCreate { input, .. } => records::attachment(input),
        Op::EducationCreate { input, .. } => background::education(input, options, settings),
        Op::EmploymentCreate { input, .. } => background::employment(input),
        Op::AppliedTagCreate { input, .. } => {
            request::id_number("candidate", &input.candidate)?;
            request::id_number("tag", &input.tag)?;
            let request =
                pages::list("applied_candidate_tags", &[("candidate_ids", &input.candidate)]);
            ask(request, State::Tags { op: op.clone(), pages: 1 })
        }
        _ => Err(misplaced()),
    }
}

/// Decides what to send, given the target as just read.
fn decide(op: Op, row: &Value, pool: Option<String>, settings: &Settings) -> Result<Step, Failure> {
    if let Some(edit) = difference(&op, row, pool.as_deref(), settings)? {
        if !edit.is_done() {
            seen::unchanged(&op, row)?;
        }
        return match edit.begin(op, pool)? {
            Begun::Step(step) => Ok(*step),
            Begun::Lookup(next) => look_up(*next),
        };
    }
    seen::unchanged(&op, row)?;
    let standing = Standing::of(row);
    match &op {
        Op::Reject { input, .. } => lifecycle::reject(&standing, input),
        Op::Unreject { .. } => lifecycle::unreject(&standing),
        Op::Move { input, target } => {
            match lifecycle::advance(&standing, input, settings, false)? {
                Some(step) => Ok(step),
                None => {
                    let request = pages::list("application_stages", &[("application_ids", target)]);
                    ask(request, State::Stages { op, standing })
                }
            }
        }
        Op::Hire { input, .. } => match lifecycle::hire(&standing, input, settings, None)? {
            Hiring::Step(step) => Ok(step),
            Hiring::NeedsOpenings(job) => {
                let request = pages::list("openings", &[("job_ids", &job), ("open", "true")]);
                ask(request, State::Openings { op, standing, open: Vec::new(), pages: 1 })
            }
        },
        Op::Convert { input, .. } => match lifecycle::convert(&standing, input)? {
            Converting::Step(step) => Ok(step),
            Converting::NeedsSiblings(candidate) => {
                let request = pages::list("applications", &[("candidate_ids", &candidate)]);
                ask(request, State::Siblings { op, standing })
            }
        },
        _ => Err(misplaced()),
    }
}

/// Computes the remaining changes of an update; `None` for another operation.
pub(crate) fn difference(
    op: &Op,
    row: &Value,
    pool: Option<&str>,
    settings: &Settings,
) -> Result<Option<Edit>, Failure> {
    Ok(Some(match op {
        Op::CandidateUpdate { target, input } => {
            candidate::difference(target, input, row, settings)?
        }
        Op::ApplicationUpdate { target, input } => {
            application::difference(target, input, row, pool, settings)?
        }
        Op::RejectionUpdate { target, input } => {
            application::rejection_difference(target, input, row, settings)?
        }
        Op::FieldUpdate { target, input } => records::field_difference(target, input, row)?,
        Op::OptionUpdate { target, input } => records::option_difference(target, input, row)?,
        _ => return Ok(None),
    }))
}

/// Requests the next page of a lookup.
fn look_up(next: Next) -> Result<Step, Failure> {
    match next {
        Next::Definitions(request, lookup) => ask(request, State::Definitions(lookup)),
        Next::Options(request, lookup) => ask(request, State::Options(lookup)),
        Next::Done(lookup) => read_again(lookup),
    }
}

/// Requests the target's row once more, so that the read stays right before the write.
fn read_again(lookup: Lookup) -> Result<Step, Failure> {
    let (collection, id) = target_of(&lookup.op).ok_or_else(misplaced)?;
    let request = kinds::by_ids(collection, &[id])?;
    ask(request, State::Again(lookup))
}

/// Checks whether the candidate has the tag already: no document says that a second row is harmless
/// (permissions.md §2, line 13).
fn tags(op: Op, pages: u32, response: &Response) -> Result<Step, Failure> {
    let Op::AppliedTagCreate { input, .. } = &op else { return Err(misplaced()) };
    let page = pages::read(response, "applied_candidate_tags")?;
    if let Some(id) = records::applied_row(&page.rows, input) {
        let links = vec![subject(atsync_adapter::model::kinds::APPLIED_TAGS, id)];
        return Ok(outcome(Written::Unneeded(applied(links, Vec::new()))));
    }
    match page.next.filter(|_| pages < PAGES_MAX) {
        Some(link) => ask(request::follow(link), State::Tags { op, pages: pages + 1 }),
        None => records::applied_tag(input),
    }
}

/// Requests the target's row. There is no `GET /v3/<collection>/<id>`; the answer for a record that
/// is not shown is `[]` (harvest-v3.md §3).
fn read_target(op: Op, state: impl FnOnce(Op) -> State) -> Result<Step, Failure> {
    let (collection, id) = target_of(&op)
        .ok_or_else(|| Failure::Bug(format!("{} has no target to read", op.name())))?;
    let request = kinds::by_ids(collection, &[id])?;
    ask(request, state(op))
}

/// Removes a record that shows what the plan saw. The reader that made the plan's record reads it,
/// with the names of its options.
fn remove(op: Op, naming: Option<Naming>, response: &Response) -> Result<Step, Failure> {
    let (collection, _) = target_of(&op).ok_or_else(misplaced)?;
    let kind = kinds::of_collection(collection).ok_or_else(misplaced)?;
    // Unread names would hide a change.
    let asked = if naming.is_some() { "custom_field_options" } else { collection };
    answer::accepted(response, &list_scope(asked))?;
    match named::read(kind, response, naming)? {
        Reading::Ask(request, naming) => {
            ask(*request, State::Removing { op, naming: Some(naming) })
        }
        Reading::Done(rows) => {
            seen::still_there(&op, &rows)?;
            records::remove(&op)
        }
    }
}

/// Returns the members of an opening that a hire reads.
fn opening(row: &Value) -> Value {
    serde_json::json!({ "id": row.get("id"), "job_id": row.get("job_id"), "open": row.get("open") })
}

/// Sends a safe request. The state holds the input, which can be large, so its size is checked.
fn ask(request: Request, state: State) -> Result<Step, Failure> {
    fits(request::safe(request, &state)?)
}

fn misplaced() -> Failure {
    Failure::Bug("a reply to a step that this operation does not take".into())
}
