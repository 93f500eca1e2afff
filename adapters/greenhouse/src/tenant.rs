//! The describe-tenant task: identifies the customer's account.
//!
//! Harvest v3 has no request for the account. The account's *oldest user* is stable and readable
//! with one scope: users are deactivated, never removed (no endpoint destroys one, harvest-v3.md
//! §9.10), and ids of different accounts differ. Lists come by falling id (§3.2), so the first time
//! the task lists all users, ids only; the catalogue stores the oldest one's creation time, and
//! from then on one request for users created until then is enough. Where users may not be read,
//! the task uses the oldest source, also when users become readable later: a fingerprint must not
//! change because a right did.
//!
//! An unreadable row is ignored: if it is the older one, the known record is still shown.
//!
//! Bounds: at most [`PAGES_MAX`] pages, beyond which the task fails rather than guess. Left out:
//! custom fields and stages; they are kinds.

use crate::state::Continued;
use crate::write::row;
use crate::{answer, request};
use atsync_adapter::contract::{Denied, Failure, Field, Given, Outcome, Reply, Step, Tenant};
use atsync_adapter::link;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most pages that are read: 100,000 users.
const PAGES_MAX: u32 = 200;

/// The record that identifies the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Basis {
    Users,
    Sources,
}

impl Basis {
    fn collection(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Sources => "sources",
        }
    }

    fn permission(self) -> &'static str {
        match self {
            Self::Users => "harvest:users:list",
            Self::Sources => "harvest:sources:list",
        }
    }
}

/// The catalogue that the engine stores and returns as `given.tenant`.
#[derive(Debug, Serialize, Deserialize)]
struct Catalogue {
    basis: Basis,
    oldest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
}

/// The state of the scan.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    basis: Basis,
    /// Whether the basis is final.
    settled: bool,
    /// Whether only the records up to the known oldest one were requested.
    narrow: bool,
    pages: u32,
    oldest: Option<Row>,
    link: Option<String>,
}

impl Continued for State {
    const TASK: &str = "tenant";
}

/// The needed members of a row.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    id: u64,
    created_at: Option<String>,
}

impl Row {
    fn read(row: &Value) -> Option<Self> {
        let id = row::id(row, "id")?.parse().ok()?;
        let created_at = row.get("created_at").and_then(Value::as_str).map(str::to_owned);
        Some(Self { id, created_at })
    }
}

/// Begins, with the single request if the oldest record is known.
pub(crate) fn start(given: &Given) -> Result<Step, Failure> {
    let known = catalogue(given);
    let basis = known.as_ref().map_or(Basis::Users, |known| known.basis);
    let settled = known.is_some();
    match known.and_then(|known| known.created_at) {
        Some(until) => ask(
            State { basis, settled, narrow: true, pages: 1, oldest: None, link: None },
            Some(until),
        ),
        None => walk(basis, settled),
    }
}

/// Continues with a reply.
pub(crate) fn resume(state: State, given: &Given, reply: Reply) -> Result<Step, Failure> {
    let response = answer::response(reply)?;
    if !(200..300).contains(&response.status) {
        return match answer::refusal(&response, state.basis.permission()) {
            Failure::Denied(_) if !state.settled && state.basis == Basis::Users => {
                walk(Basis::Sources, false)
            }
            Failure::Invalid(_) if state.link.is_some() => {
                Err(answer::cursor_refusal(&response, state.basis.permission()))
            }
            other => Err(other),
        };
    }
    let rows: Vec<Value> = answer::json(&response)?;
    let read: Vec<Row> = rows.iter().filter_map(Row::read).collect();
    if read.is_empty() && !rows.is_empty() {
        return Err(Failure::Protocol(format!(
            "no row of {} has an id that can be read",
            state.basis.collection()
        )));
    }
    let known = catalogue(given);
    // Ids of different accounts differ, so an account that shows the known record is the known
    // account, even if an older record appears.
    if let Some(known) =
        known.filter(|known| read.iter().any(|row| row.id.to_string() == known.oldest))
    {
        return Ok(recognised(&known));
    }
    let oldest = state.oldest.into_iter().chain(read).min_by_key(|row| row.id);
    match link::next(&response)? {
        Some(_) if state.pages >= PAGES_MAX => Err(Failure::Protocol(format!(
            "more than {PAGES_MAX} pages of {}",
            state.basis.collection()
        ))),
        Some(link) => {
            ask(State { pages: state.pages + 1, oldest, link: Some(link), ..state }, None)
        }
        None => match oldest {
            Some(_) if state.narrow => walk(state.basis, true),
            Some(oldest) => {
                let (oldest, created_at) = (oldest.id.to_string(), oldest.created_at);
                Ok(recognised(&Catalogue { basis: state.basis, oldest, created_at }))
            }
            None if state.narrow => walk(state.basis, true),
            None => Err(Failure::Denied(Denied {
                permission: state.basis.permission().to_owned(),
                message: format!(
                    "no {} are shown: the acting user is not a Site Admin",
                    state.basis.collection()
                ),
            })),
        },
    }
}

/// Returns the last millisecond of a time's second: Greenhouse may store finer times than it shows,
/// and a filter by the shown time would miss the row.
fn end_of_second(time: &str) -> String {
    match time.split_once('.') {
        Some((second, fraction)) => {
            format!("{second}.999{}", fraction.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => time.to_owned(),
    }
}

/// Reads the stored catalogue. Another version may have written an unreadable one; then the scan
/// finds the same answer.
fn catalogue(given: &Given) -> Option<Catalogue> {
    given.tenant.as_deref().and_then(|text| serde_json::from_str(text).ok())
}

fn recognised(known: &Catalogue) -> Step {
    let fingerprint = format!("greenhouse:{}:{}", known.basis.collection(), known.oldest);
    Step::Done(Outcome::Tenant(Tenant { fingerprint, catalogue: json!(known).to_string() }))
}

fn walk(basis: Basis, settled: bool) -> Result<Step, Failure> {
    ask(State { basis, settled, narrow: false, pages: 1, oldest: None, link: None }, None)
}

fn ask(state: State, until: Option<String>) -> Result<Step, Failure> {
    let request = match &state.link {
        Some(link) => request::follow(link.clone()),
        None => {
            let mut query = vec![
                Field::new("fields", "id,created_at"),
                Field::new("per_page", request::PER_PAGE_MAX.to_string()),
            ];
            if state.basis == Basis::Users {
                query.push(Field::new("show_service_accounts", "true"));
            }
            if let Some(until) = until {
                query.push(Field::new("created_at", format!("lte|{}", end_of_second(&until))));
            }
            request::get(state.basis.collection(), query)
        }
    };
    request::safe(request, &state)
}
