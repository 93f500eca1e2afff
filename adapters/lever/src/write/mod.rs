//! The writes that Lever can do, and how each is found again.
//!
//! A create is marked by `createdAt`, which a client may choose to the millisecond. Where Lever
//! stores it, a probe finds that create alone; where it does not, the content decides. A change is
//! preceded by a read, since Lever has no condition for it, and nothing of its answer is used: the
//! contact's data are missing there.
//!
//! Left out: tags, sources and links of a candidacy that exists, since the unified model has one
//! list of tags and of links for the person; the name, which is read as a whole; files.

mod application;
mod candidate;
mod note;

use crate::account;
use atsync_adapter::kit::*;
use serde::{Deserialize, Serialize};

/// Statuses that change nothing. 5xx and a lost answer leave a write in doubt.
const REFUSED: &[u16] = &[400, 401, 403, 404, 422, 429];
/// How long a create may take to show in a search.
const VISIBLE_WITHIN_MS: u64 = 60_000;
/// Who is named as the author: every create and every change of an opportunity needs it.
const ACTOR: &[(&str, &str)] = &[("perform_as", "{settings.perform_as}")];
const WRITES_OPPORTUNITIES: &[&str] = &["opportunities:write", "opportunities:read"];
const SEEN: (&str, FieldMode) = ("seen", FieldMode::Set);

pub(crate) const ALL: &[Operation] = &[
    candidate::CREATE,
    candidate::UPDATE,
    application::CREATE,
    application::MOVE,
    application::REJECT,
    application::UNREJECT,
    application::HIRE,
    application::UNHIRE,
    note::CREATE,
];

#[derive(Deserialize)]
struct Settings {
    perform_as: Option<String>,
}

/// Refuses a write before anything is sent where no author is set.
fn needs_actor(ats: &Ats<'_>) -> Result<(), Failure> {
    let settings: Settings = ats.settings()?;
    if settings.perform_as.is_none_or(|id| id.is_empty()) {
        let message = "set `perform_as` to the id of a Lever user";
        return Err(Failure::Misconfigured(message.into()));
    }
    Ok(())
}

fn mark(op: &Op<'_>) -> Option<u64> {
    op.mark().map(|mark| mark.time_ms)
}

/// A row of a search: one that is marked is the one; without a mark, what has the same content.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Match {
    is_marked: bool,
    /// The ids that the probe returns, main one first.
    ids: Vec<String>,
}

impl Match {
    /// As an id, which is what a search keeps of a row.
    fn id(&self) -> Id {
        let word = if self.is_marked { "marked" } else { "same" };
        Id::join(std::iter::once(word).chain(self.ids.iter().map(String::as_str)))
    }

    fn of(id: &Id) -> Self {
        let mut parts = id.as_str().split('/');
        let is_marked = parts.next() == Some("marked");
        Self { is_marked, ids: parts.map(str::to_owned).collect() }
    }
}

/// The rows that count: the marked ones, or all where none is.
fn best(found: &[Id]) -> Vec<Match> {
    let mut all: Vec<Match> = found.iter().map(Match::of).collect();
    if all.iter().any(|one| one.is_marked) {
        all.retain(|one| one.is_marked);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The result of a search whose rows have one id each.
fn single(op: &Op<'_>, found: &[Id], whole: impl Fn(&str) -> Id) -> Probed {
    let all = best(found);
    let ids: Vec<Id> = all.iter().filter_map(|one| one.ids.first()).map(|id| whole(id)).collect();
    match (all.first(), ids.first()) {
        (Some(one), Some(id)) if one.is_marked && ids.len() == 1 => op.marked(id.clone()),
        _ => op.matched(ids),
    }
}

/// A contact of an input, which may be a text alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Address {
    Bare(String),
    Typed {
        value: String,
        #[serde(rename = "type", default)]
        kind: Option<String>,
    },
}

impl Address {
    fn value(&self) -> &str {
        match self {
            Self::Bare(value) | Self::Typed { value, .. } => value,
        }
    }

    fn kind(&self) -> Option<&str> {
        match self {
            Self::Bare(_) => None,
            Self::Typed { kind, .. } => kind.as_deref(),
        }
    }
}

fn values(all: &[Address]) -> Vec<String> {
    let texts = all.iter().map(Address::value).filter(|text| !text.trim().is_empty());
    texts.map(str::to_owned).collect()
}

/// A number as Lever takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Phone {
    value: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

/// The unified types of numbers in Lever's words; it lacks some.
fn phones(all: &[Address]) -> Vec<Phone> {
    let kind = |kind: Option<&str>| match kind {
        Some("mobile" | "personal") => "mobile",
        Some("home") => "home",
        Some("work") => "work",
        Some("skype") => "skype",
        _ => "other",
    };
    let all = all.iter().filter(|one| !one.value().trim().is_empty());
    all.map(|one| Phone { value: one.value().to_owned(), kind: kind(one.kind()) }).collect()
}

fn hired(ats: &Ats<'_>) -> Result<String, Failure> {
    account::hired(ats.given()).ok_or_else(|| {
        Failure::Misconfigured("the account's archive reason for hires is not known".into())
    })
}
