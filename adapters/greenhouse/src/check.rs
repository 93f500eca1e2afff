//! The check task: checks one permission, without changing Greenhouse.
//!
//! # Expected flow
//! A *list scope* is checked by reading one row. Greenhouse answers 403 both when the scope is
//! missing and when the acting user is not a Site Admin (harvest-v3.md §2.5, §2.7; pitfalls.md
//! D36), so the scopes in the token, or else reads of other collections, show the cause of a 403.
//! If another collection can be read, the actor is a Site Admin and the scope is missing; if all
//! are refused, the cause stays unknown. A non-admin may also get 200 and no rows (§2.5), so after
//! an empty answer the task reads the users, of which every account has some.
//!
//! A *write scope* cannot be checked without writing, and the answer to an empty body is unknown
//! (permissions.md §4 [?]). It is read from the token where the token names its scopes, and is
//! `unknown` otherwise.
//!
//! [`SETUP_SOURCE`] is not a scope: it is the source that an administrator adds by hand
//! (permissions.md §2, line m). The task finds it by name.
//!
//! # Caveats
//! Webhooks, suspended features and plans can refuse in the same way; the verdict's text quotes the
//! answer.

use crate::kinds;
use crate::manifest::{self, SETUP_SOURCE};
use crate::settings::Settings;
use crate::state::Continued;
use crate::{answer, register, request};
use atsync_adapter::contract::{
    Checked, Failure, Field, Given, Outcome, Reply, Response, Step, Verdict,
};
use atsync_adapter::link;
use serde::{Deserialize, Serialize};

/// The collections that are read when one is refused: each is readable in every account that grants
/// any scope.
const OTHERS: &[&str] = &["users", "jobs", "candidates", "applications", "departments"];
/// The most of these that one check reads. Four are enough, and the customer's other integrations
/// share the rate limit.
const OTHERS_MAX: usize = 4;
/// The most sources of a similar name that a verdict reports.
const NAMED_MAX: usize = 5;

/// The state of the check.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// The collection itself is read.
    Own {
        /// The collection.
        collection: String,
    },
    /// The collection was refused; the last collection of `tried` is read.
    Other {
        /// The refused one.
        collection: String,
        /// The collections read so far; all but the last were refused.
        tried: Vec<String>,
    },
    /// The collection has no rows; the users are read.
    Empty {
        /// The empty one.
        collection: String,
    },
    /// A page of sources is read.
    Sources {
        /// The ids of those with exactly the wanted name.
        exact: Vec<String>,
        /// The names that differ from it only in case or outer blanks.
        like: Vec<String>,
        /// The number of sources read so far.
        seen: usize,
        /// The page's URL; absent for the first.
        link: Option<String>,
    },
}

impl Continued for State {
    const TASK: &str = "check";
}

/// Begins a check with its first request, or with a verdict.
pub(crate) fn start(permission: &str, given: &Given) -> Result<Step, Failure> {
    if permission == SETUP_SOURCE {
        if Settings::of(given)?.source.is_none_or(|name| name.trim().is_empty()) {
            return done(
                Verdict::Unknown,
                "no source is named: set the connection's setting `source` to its name in \
                 Greenhouse"
                    .into(),
            );
        }
        return sources(Vec::new(), Vec::new(), 0, None);
    }
    if !manifest::permissions().iter().any(|known| known.id == permission) {
        return Err(Failure::Bug(format!(
            "a check of a permission that the manifest does not name: {permission}"
        )));
    }
    // Whether webhooks can be listed is judged like the other scopes of webhooks: for a credential
    // that has them, there may be no list.
    let is_of_webhooks = register::SCOPES.iter().any(|(scope, ..)| *scope == permission);
    match kinds::all().find(|kind| kind.permission() == permission && !is_of_webhooks) {
        Some(kind) => ask(kind.collection, State::Own { collection: kind.collection.to_owned() }),
        None => write_scope(permission, given),
    }
}

/// Continues a check with a reply.
pub(crate) fn resume(state: State, given: &Given, reply: Reply) -> Result<Step, Failure> {
    let response = answer::response(reply)?;
    match state {
        State::Own { collection } => own(collection, given, &response),
        State::Other { collection, tried } => other(collection, tried, &response),
        State::Empty { collection } => empty(&collection, &response),
        State::Sources { exact, like, seen, link } => {
            sources_page(given, (exact, like, seen, link), &response)
        }
    }
}

/// Judges a scope that only a write could check.
fn write_scope(permission: &str, given: &Given) -> Result<Step, Failure> {
    match named_in_token(permission, given) {
        Some(true) => done(
            Verdict::Granted,
            "the token names it; whether the acting user has the right shows only when it is used"
                .into(),
        ),
        Some(false) => done(
            Verdict::Missing,
            format!(
                "the token does not name it: tick \
            {permission} on the credential"
            ),
        ),
        None => done(
            Verdict::Unknown,
            "Greenhouse does not say what this token may do, and no documented request shows it \
             without a change of the account: see on the credential whether it is ticked"
                .into(),
        ),
    }
}

fn own(collection: String, given: &Given, response: &Response) -> Result<Step, Failure> {
    let permission = scope_of(&collection);
    match response.status {
        200..=299 if rows(response)? > 0 => done(Verdict::Granted, "it can be read".into()),
        200..=299 if collection == "users" => done(
            Verdict::Actor,
            actor_text(given, "no users are shown, and every account has some"),
        ),
        200..=299 => ask("users", State::Empty { collection }),
        403 => match named_in_token(&permission, given) {
            Some(true) => done(
                Verdict::Actor,
                actor_text(given, "the token names the scope, yet reading is refused"),
            ),
            Some(false) => done(
                Verdict::Missing,
                format!("the token does not name it: tick {permission} on the credential"),
            ),
            None => next_other(collection, Vec::new()),
        },
        // A missing collection or a refused parameter says nothing about rights.
        400 | 404 | 422 => done(
            Verdict::Unknown,
            format!("Greenhouse answered {}: {}", response.status, answer::said(response)),
        ),
        _ => Err(answer::refusal(response, &permission)),
    }
}

/// Reads the next of the other collections, or ends when all are refused.
fn next_other(collection: String, mut tried: Vec<String>) -> Result<Step, Failure> {
    let next = OTHERS
        .iter()
        .find(|other| **other != collection && !tried.iter().any(|known| known == *other));
    match next {
        Some(next) if tried.len() < OTHERS_MAX => {
            tried.push((*next).to_owned());
            ask(next, State::Other { collection, tried })
        }
        _ => done(
            Verdict::Refused,
            format!(
                "refused with 403, and so are {}: either none of these scopes is granted, or \
                     the acting user is not a Site Admin. Check the user first, then tick {} on \
                     the credential",
                tried.join(", "),
                scope_of(&collection)
            ),
        ),
    }
}

fn other(collection: String, tried: Vec<String>, response: &Response) -> Result<Step, Failure> {
    let permission = scope_of(&collection);
    match response.status {
        200..=299 if rows(response)? > 0 => done(
            Verdict::Missing,
            format!(
                "refused with 403 while {} can be read, so the scope is missing: tick \
                 {permission} on the credential",
                tried.last().map_or("another collection", String::as_str)
            ),
        ),
        // An actor without rights may get an empty list too, so even a 200 decides nothing.
        200..=299 | 400 | 403 | 404 | 422 => next_other(collection, tried),
        _ => Err(answer::refusal(response, &permission)),
    }
}

fn empty(collection: &str, response: &Response) -> Result<Step, Failure> {
    match response.status {
        200..=299 if rows(response)? > 0 => {
            done(Verdict::Granted, "it can be read; there are no rows".into())
        }
        200..=299 => done(
            Verdict::Actor,
            format!(
                "{collection} and users are both shown empty, and every account has users: the \
                acting user is not a Site Admin"
            ),
        ),
        400 | 403 | 404 | 422 => done(
            Verdict::Granted,
            "it can be read, but no rows are shown; if there should be some, the acting user is \
             not a Site Admin or may not see them"
                .into(),
        ),
        _ => Err(answer::refusal(response, &scope_of(collection))),
    }
}

/// Counts the rows of an answer.
fn rows(response: &Response) -> Result<usize, Failure> {
    atsync_adapter::rows::split(&response.body)
        .map(|rows| rows.len())
        .map_err(|error| answer::unreadable(response, &error))
}

/// The needed members of a source.
#[derive(Deserialize)]
struct SourceRow {
    id: serde_json::Number,
    name: Option<String>,
}

/// The results so far: exact ids, similar names, the number read, and the URL of this page.
type Found = (Vec<String>, Vec<String>, usize, Option<String>);

fn sources_page(given: &Given, found: Found, response: &Response) -> Result<Step, Failure> {
    let (mut exact, mut like, mut seen, link) = found;
    let wanted = Settings::of(given)?.source.unwrap_or_default();
    match response.status {
        200..=299 => {}
        403 => {
            return done(
                Verdict::Unknown,
                "the sources cannot be read: see the verdict on harvest:sources:list".into(),
            );
        }
        _ if link.is_some() => {
            return Err(answer::cursor_refusal(response, "harvest:sources:list"));
        }
        _ => return Err(answer::refusal(response, "harvest:sources:list")),
    }
    let rows: Vec<SourceRow> = answer::json(response)?;
    seen += rows.len();
    for row in rows {
        let name = row.name.unwrap_or_default();
        if name == wanted {
            exact.push(row.id.to_string());
        } else if like.len() < NAMED_MAX
            && name.trim().to_lowercase() == wanted.trim().to_lowercase()
        {
            like.push(name);
        }
    }
    exact.truncate(NAMED_MAX);
    match link::next(response)? {
        Some(next) if link.as_ref() == Some(&next) => {
            Err(Failure::Protocol("a page of sources has itself as the next page".into()))
        }
        Some(next) => sources(exact, like, seen, Some(next)),
        None => judged(&wanted, &exact, &like, seen),
    }
}

fn judged(wanted: &str, exact: &[String], like: &[String], seen: usize) -> Result<Step, Failure> {
    match exact {
        [id] => done(Verdict::Granted, format!("source \"{wanted}\" has id {id}")),
        [] if seen == 0 => done(
            Verdict::Unknown,
            "no sources are shown: the acting user may not be a Site Admin, or there are none"
                .into(),
        ),
        [] if like.is_empty() => done(
            Verdict::Missing,
            format!("none of {seen} sources is named \"{wanted}\": add it, or switch it on"),
        ),
        [] => done(
            Verdict::Missing,
            format!(
                "none of {seen} sources is named \"{wanted}\", but there is \"{}\": make setting \
                 and name equal",
                like.join("\", \"")
            ),
        ),
        several => done(
            Verdict::Missing,
            format!(
                "ambiguous: {} sources are named \"{wanted}\" (ids {}): rename or remove all but \
                 one",
                several.len(),
                several.join(", ")
            ),
        ),
    }
}

fn sources(
    exact: Vec<String>,
    like: Vec<String>,
    seen: usize,
    link: Option<String>,
) -> Result<Step, Failure> {
    let request = match &link {
        Some(link) => request::follow(link.clone()),
        None => {
            request::get("sources", vec![Field::new("per_page", request::PER_PAGE_MAX.to_string())])
        }
    };
    request::safe(request, &State::Sources { exact, like, seen, link })
}

/// Requests one row, with the parameters that the kind's scan uses, so that a built-in row counts.
fn ask(collection: &str, state: State) -> Result<Step, Failure> {
    let walk = kinds::of_collection(collection).and_then(|kind| kind.walks.first()).copied();
    let mut query: Vec<Field> =
        walk.unwrap_or_default().iter().map(|(name, value)| Field::new(*name, *value)).collect();
    query.push(Field::new("per_page", "1"));
    request::safe(request::get(collection, query), &state)
}

fn scope_of(collection: &str) -> String {
    kinds::of_collection(collection).map_or_else(String::new, kinds::Kind::permission)
}

/// Whether the token names a scope; `None` when it does not list its scopes.
fn named_in_token(permission: &str, given: &Given) -> Option<bool> {
    let scopes = given.grant.as_ref()?.scopes.as_ref()?;
    Some(scopes.iter().any(|scope| scope == permission))
}

fn actor_text(given: &Given, seen: &str) -> String {
    let actor = given.grant.as_ref().and_then(|grant| grant.actor.as_deref());
    let actor =
        actor.map_or_else(|| "the acting user".to_owned(), |id| format!("the acting user {id}"));
    format!(
        "{seen}: {actor} is not a Site Admin. Make that user one, or let the credential act as one"
    )
}

fn done(verdict: Verdict, detail: String) -> Result<Step, Failure> {
    Ok(Step::Done(Outcome::Checked(Checked { verdict, detail })))
}
