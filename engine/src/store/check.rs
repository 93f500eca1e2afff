//! The checks before a write. Pure; both stores use them.
//!
//! Every input has a limit ([`super::limits`]) and a shape. A refusal names the input and the
//! bound, never the content: ids and keys are the customer's, bodies are personal data.
//!
//! Left out: checks that need the stored rows (generations, open intents).

use super::erase::Circle;
use super::limits::{
    DECLARATION_RECORDS_MAX, KEY_BYTES_MAX, NOTE_BYTES_MAX, NOTES_MAX, PAGE_RECORDS_MAX,
    READ_ROWS_MAX, RECORD_BYTES_MAX,
};
use super::merge::Known;
use super::{
    Cause, Change, ChangeWhat, ConnectionRow, Declaration, Erasure, IntentAdvance, LinkRow, Mode,
    Note, ObservedWrite, PageCommit, Problems, StatusUpdate, StoreError,
};
use crate::journal::{GivenUpBy, Intent, IntentId, IntentState, Moment};
use crate::path::{self, Path};
use atsync_model::contract::{Mark, RemoteRef};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};

type Checked<T = ()> = Result<T, StoreError>;

fn bounded(what: &str, size: usize, max: usize) -> Checked {
    if size > max { Err(StoreError::TooLarge { what: what.to_owned(), size, max }) } else { Ok(()) }
}

/// Words that become part of a key: a connection, a kind, an id, a path.
pub(crate) fn words(words: &[(&str, &str)]) -> Checked {
    for (what, word) in words {
        bounded(&format!("bytes of {what}"), word.len(), KEY_BYTES_MAX)?;
    }
    Ok(())
}

/// A connection's name, and a word below it.
pub(crate) fn within(connection: &str, what: &str, word: &str) -> Checked {
    words(&[("a connection's name", connection), (what, word)])
}

/// A reference to a remote record.
pub(crate) fn remote(connection: &str, remote: &RemoteRef) -> Checked {
    words(&[
        ("a connection's name", connection),
        ("a kind", &remote.kind),
        ("a record's id", &remote.id),
    ])
}

/// The generation of a desired record that the caller has read; none when there was no record.
pub(crate) fn expected_generation(held: Option<u64>, expected: Option<u64>) -> Checked {
    if held == expected {
        return Ok(());
    }
    let is = |generation: Option<u64>| match generation {
        Some(generation) => format!("has generation {generation}"),
        None => "does not exist".to_owned(),
    };
    Err(StoreError::Stale(format!(
        "the desired record {}, and the caller expects that it {}; read it again",
        is(held),
        is(expected)
    )))
}

/// How many rows a read may ask for.
pub(crate) fn rows(rows_max: usize) -> Checked {
    bounded("rows of one read", rows_max, READ_ROWS_MAX)
}

/// A page. Returns its masks in the form in which they are stored.
pub(crate) fn page(connection: &str, page: &PageCommit) -> Checked<Vec<Known>> {
    words(&[
        ("a connection's name", connection),
        ("a kind", &page.kind),
        ("a parent's id", page.parent.as_deref().unwrap_or_default()),
    ])?;
    bounded(
        "records of one page",
        page.records.len().saturating_add(page.gone.len()).saturating_add(page.moved.len()),
        PAGE_RECORDS_MAX,
    )?;
    let masks = page.masks.iter().map(|mask| Known::of(mask)).collect::<Checked<Vec<_>>>()?;
    for record in &page.records {
        within(connection, "a record's id", &record.id)?;
        if record.id.is_empty() {
            return Err(StoreError::Invalid(format!("a record of {} has no id", page.kind)));
        }
        let size = record.body.len().saturating_add(record.raw.as_deref().map_or(0, str::len));
        bounded(
            &format!("bytes of the record {}/{}", page.kind, record.id),
            size,
            RECORD_BYTES_MAX,
        )?;
        bounded(
            "bytes of a record's version",
            record.version.as_deref().map_or(0, str::len),
            KEY_BYTES_MAX,
        )?;
        if record.mask >= masks.len() {
            return Err(StoreError::Invalid(format!(
                "the record {}/{} names mask {} of {}",
                page.kind,
                record.id,
                record.mask,
                masks.len()
            )));
        }
    }
    for id in &page.gone {
        within(connection, "a record's id", id)?;
    }
    let mut moving = HashSet::new();
    for moved in &page.moved {
        words(&[("a record's id", &moved.from), ("a record's id", &moved.to)])?;
        if moved.from == moved.to || moved.to.is_empty() {
            return Err(StoreError::Invalid(format!(
                "a record of {} cannot live on under its own id or none",
                page.kind
            )));
        }
        let shown = !moved.stays
            && (page.gone.contains(&moved.from)
                || page.records.iter().any(|record| record.id == moved.from));
        if shown || !moving.insert(moved.from.as_str()) {
            return Err(StoreError::Invalid(format!(
                "a page of {} says two things of a record that moves",
                page.kind
            )));
        }
    }
    Ok(masks)
}

/// The problems of a page.
pub(crate) fn problems(connection: &str, problems: &Problems) -> Checked {
    within(connection, "a kind", &problems.kind)?;
    bounded(
        "problems of one page",
        problems.met.len().saturating_add(problems.cured.len()),
        PAGE_RECORDS_MAX,
    )?;
    for met in &problems.met {
        problem(met.id.as_deref(), met.field.as_deref())?;
        bounded("bytes of a problem", met.message.len(), RECORD_BYTES_MAX)?;
    }
    problems.cured.iter().try_for_each(|(id, field)| problem(id.as_deref(), field.as_deref()))
}

fn problem(id: Option<&str>, field: Option<&str>) -> Checked {
    words(&[("a record's id", id.unwrap_or_default()), ("a field", field.unwrap_or_default())])
}

/// Records to declare. A key must not be empty and has neither `/`, which separates the parts of a
/// path, nor control characters.
pub(crate) fn declarations(connection: &str, records: &[Declaration]) -> Checked {
    bounded("records of one declaration", records.len(), DECLARATION_RECORDS_MAX)?;
    for record in records {
        within(connection, "a desired record's key", &record.key)?;
        if record.key.is_empty()
            || record.key.contains('/')
            || record.key.chars().any(char::is_control)
        {
            return Err(StoreError::Invalid(format!(
                "{:?} cannot be a desired record's key: it must not be empty and must have no `/` \
                 and no control characters",
                record.key
            )));
        }
        bounded(
            &format!("bytes of the desired record {}", record.key),
            record.body.len(),
            RECORD_BYTES_MAX,
        )?;
    }
    Ok(())
}

/// Statuses to write.
pub(crate) fn statuses(connection: &str, statuses: &[StatusUpdate]) -> Checked {
    bounded("statuses of one write", statuses.len(), PAGE_RECORDS_MAX)?;
    statuses.iter().try_for_each(|status| within(connection, "a desired record's key", &status.key))
}

/// Keys of desired records.
pub(crate) fn keys(connection: &str, keys: &[String]) -> Checked {
    bounded("keys of one write", keys.len(), PAGE_RECORDS_MAX)?;
    keys.iter().try_for_each(|key| within(connection, "a desired record's key", key))
}

/// Notes to write.
pub(crate) fn notes(connection: &str, notes: &[Note]) -> Checked {
    bounded("notes of one write", notes.len(), NOTES_MAX)?;
    for note in notes {
        note_of(connection, &note.area, &note.key)?;
        let size = note.value.as_ref().map_or(0, Vec::len);
        bounded("bytes of a note", size, NOTE_BYTES_MAX)?;
    }
    Ok(())
}

/// The place of one note.
pub(crate) fn note_of(connection: &str, area: &str, key: &str) -> Checked {
    words(&[("a connection's name", connection), ("a note's area", area), ("a note's key", key)])
}

/// Links to write.
pub(crate) fn links(connection: &str, links: &[LinkRow]) -> Checked {
    bounded("links of one write", links.len(), PAGE_RECORDS_MAX)?;
    for link in links {
        within(connection, "a path", &link.path)?;
        remote(connection, &link.remote)?;
    }
    Ok(())
}

/// An intent to open.
pub(crate) fn intent(connection: &str, intent: &Intent) -> Checked {
    within(connection, "a path", &intent.path)?;
    within(connection, "an operation's name", &intent.operation)?;
    bounded("bytes of an operation's input", intent.input.len(), RECORD_BYTES_MAX)
}

/// A change of an intent's state, as far as it can be checked without the intent.
pub(crate) fn advance(connection: &str, advance: &IntentAdvance) -> Checked {
    links(connection, &advance.links)?;
    bounded("change events of one step", advance.changes.len(), PAGE_RECORDS_MAX)?;
    advance.changes.iter().try_for_each(|change| {
        words(&[
            ("a connection's name", connection),
            ("a kind", &change.kind),
            ("a record's id", &change.id),
        ])
    })
}

/// Whether a desired record that stands at `held` (none: there is no such record) allows an intent
/// planned from `planned`.
pub(crate) fn generation(path: &str, held: Option<(u64, Mode)>, planned: u64) -> Checked {
    match held {
        // An item that several records share depends on none of their generations.
        _ if path::is_shared(path) => Ok(()),
        Some((_, Mode::Paused)) => Err(StoreError::Stale(format!(
            "the desired record of {path} is paused; resume it first"
        ))),
        Some((held, _)) if held == planned => Ok(()),
        Some((held, _)) => Err(StoreError::Stale(format!(
            "the plan for {path} was made from generation {planned}; the desired record has \
             generation {held} by now"
        ))),
        None => Err(StoreError::Stale(format!("there is no desired record for {path}"))),
    }
}

/// The mark's time for a new intent: the one asked for, or the next above all that were used.
pub(crate) fn mark_time(asked_ms: u64, last_ms: u64) -> Checked<u64> {
    let free = last_ms
        .checked_add(1)
        .ok_or_else(|| StoreError::Stale("there is no later mark to give out".to_owned()))?;
    Ok(asked_ms.max(free))
}

/// The intent after a change of state, or why the change is not allowed.
pub(crate) fn step(held: &Intent, advance: &super::IntentAdvance) -> Checked<Intent> {
    let (attempt, to, at) = (advance.attempt, advance.to.clone(), advance.at);
    if held.attempt != attempt {
        return Err(StoreError::Stale(format!(
            "intent {} is at attempt {}, not at {attempt}",
            held.id, held.attempt
        )));
    }
    if !held.state.may_become(&to) {
        return Err(StoreError::Stale(format!(
            "intent {} is {}; it cannot become {}",
            held.id,
            held.state.word(),
            to.word()
        )));
    }
    let again = matches!(to, IntentState::Sending);
    let next = if again { attempt.saturating_add(1) } else { attempt };
    // An intent is written before its request waits for the budget; it is certain only that it had
    // left when the outcome became unknown.
    let doubted = matches!((&held.state, &to), (IntentState::Sending, IntentState::InDoubt { .. }));
    let last_sent = match (again, doubted) {
        (true, _) => at,
        (false, true) => at.later(held.last_sent),
        (false, false) => held.last_sent,
    };
    let tries = match &to {
        IntentState::InDoubt { reason, .. } if doubted => held.tried(last_sent.wall_ms, reason),
        _ => held.tries.clone(),
    };
    let sent_by = if again { &advance.sent_by } else { &held.sent_by }.clone();
    Ok(Intent { attempt: next, state: to, last_sent, changed: at, tries, sent_by, ..held.clone() })
}

/// The error for an intent that is not stored.
pub(crate) fn no_intent(id: u64) -> StoreError {
    StoreError::Stale(format!("there is no intent {id}"))
}

/// How a link follows a move. `taken`: another path leads to the new id already.
pub(crate) fn followed(link: LinkRow, to: &str, taken: bool) -> LinkRow {
    let how = if taken { super::LinkHow::Yielded } else { super::LinkHow::Followed };
    LinkRow { remote: RemoteRef { kind: link.remote.kind.clone(), id: to.to_owned() }, how, ..link }
}

/// The members of a move's event that name the new id.
pub(crate) fn lives_on_as(to: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::Map::from_iter([("id".to_owned(), serde_json::Value::String(to.to_owned()))])
}

/// The id that a record continues under, by an event of the engine's own.
pub(crate) fn told_move(change: &super::Change) -> Option<&str> {
    let id = change.after.get("id").and_then(serde_json::Value::as_str);
    id.filter(|_| change.what == super::ChangeWhat::Moved)
}

/// The intent as it is born: numbered, marked, `sending`, attempt 1.
pub(crate) fn born(intent: Intent, id: u64, mark_time_ms: u64) -> Intent {
    let mark = Mark { time_ms: mark_time_ms, ..intent.mark };
    Intent { id, mark, attempt: 1, state: IntentState::Sending, ..intent }
}

/// What is kept about a connection.
pub(crate) fn connection(connection: &str, row: &ConnectionRow) -> Checked {
    words(&[("a connection's name", connection)])?;
    bounded(
        "bytes of a tenant's catalogue",
        row.catalogue.as_deref().map_or(0, str::len),
        RECORD_BYTES_MAX,
    )
}

/// The records of a page, each id once: its last record, in the place of that. An id that the page
/// also calls gone is left out.
pub(crate) fn last_of_each(page: &PageCommit) -> impl Iterator<Item = &ObservedWrite> {
    let gone: HashSet<&str> = page.gone.iter().map(String::as_str).collect();
    let last: HashMap<&str, usize> =
        page.records.iter().enumerate().map(|(at, record)| (record.id.as_str(), at)).collect();
    let records = page.records.iter().enumerate();
    records
        .filter(move |(at, record)| {
            last.get(record.id.as_str()) == Some(at) && !gone.contains(record.id.as_str())
        })
        .map(|(_, record)| record)
}

/// Why the event of this record says it happened. `maker` is the intent that made a record which is
/// seen for the first time: the engine made it, whichever read shows it first.
pub(crate) fn cause(page: &PageCommit, id: &str, maker: Option<IntentId>) -> Cause {
    let intent = page.applied_by.get(id).copied().or(maker);
    intent.map_or_else(|| page.cause.clone(), |intent| Cause::Applied { intent })
}

/// Whether an intent of one of [`makers`]' paths made the record of this link.
pub(crate) fn made(intent: &Intent, link: &LinkRow) -> bool {
    let is_made = matches!(link.how, super::LinkHow::Created | super::LinkHow::Probed);
    is_made
        && matches!(&intent.state, IntentState::Applied { links,
            .. } if links.contains(&link.remote))
}

/// The paths whose intents can have made what is linked to a path: its own, and those above it,
/// since what is below may be sent along.
pub(crate) fn makers(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once(path).chain(path::above(path))
}

/// Whether the feed still has what comes next for a reader.
pub(crate) fn still_there(after: u64, first: u64, last: u64) -> Checked {
    if after.saturating_add(1) < first {
        return Err(StoreError::ChangesGone { first });
    }
    is_within(after, last)
}

/// Whether a reader stands within the feed.
pub(crate) fn is_within(at: u64, last: u64) -> Checked {
    if at > last { Err(StoreError::ChangesAhead { last, at }) } else { Ok(()) }
}

/// The desired records that a step of an intent makes dirty: the next plan must see what it
/// brought.
pub(crate) fn moved_by(next: &Intent, links: &[LinkRow]) -> BTreeSet<String> {
    let mut keys: BTreeSet<String> =
        links.iter().map(|link| path::key(&link.path).to_owned()).collect();
    if !next.state.is_open() {
        keys.insert(path::key(&next.path).to_owned());
    }
    keys
}

/// What to erase. Its words become part of nothing that is stored, but they are compared with
/// keys.
pub(crate) fn erasure(connection: &str, erasure: &Erasure) -> Checked {
    let all = || erasure.keys.iter().chain(&erasure.candidates).chain(&erasure.addresses);
    bounded("names of one erasure", all().count(), PAGE_RECORDS_MAX)?;
    if all().next().is_none() {
        return Err(StoreError::Invalid(
            "an erasure must name a key, a candidate or an address".to_owned(),
        ));
    }
    all().try_for_each(|word| within(connection, "a name to erase", word))
}

/// The id that a record continues under, by an event.
pub(crate) fn moved_to(what: ChangeWhat, after: &Map<String, Value>) -> Option<&str> {
    if what == ChangeWhat::Moved { after.get("id").and_then(Value::as_str) } else { None }
}

/// The records that an intent is about.
pub(crate) fn remotes_of(intent: &Intent) -> impl Iterator<Item = &RemoteRef> {
    let links: &[RemoteRef] = match &intent.state {
        IntentState::Applied { links, .. } => links,
        _ => &[],
    };
    intent.target.iter().chain(links)
}

/// Whether an intent was emptied, because it was about an erased candidate.
pub(crate) fn is_emptied(intent: &Intent) -> bool {
    Path::of(&intent.path) == Path::Erased
}

/// The intent without personal data, if it is about a candidate of the circle. An open one is
/// abandoned.
pub(crate) fn emptied(
    intent: &Intent,
    circle: &Circle,
    erasure: u64,
    now_ms: u64,
) -> Option<Intent> {
    let concerns = circle.has_key(path::key(&intent.path))
        || remotes_of(intent).any(|remote| circle.has(&remote.kind, &remote.id));
    if !concerns {
        return None;
    }
    let reason = "the candidate was erased".to_owned();
    let state = match &intent.state {
        IntentState::Sending | IntentState::InDoubt { .. } | IntentState::Abandoned { .. } => {
            IntentState::Abandoned { reason, by: GivenUpBy::Host }
        }
        IntentState::Refused { passing, credential, .. } => {
            IntentState::Refused { reason, passing: *passing, credential: credential.clone() }
        }
        IntentState::NotSent { .. } => IntentState::NotSent { reason },
        applied @ IntentState::Applied { .. } => applied.clone(),
    };
    Some(Intent {
        path: path::erased(erasure),
        input: "{}".to_owned(),
        makes: Default::default(),
        applied: Default::default(),
        digest: String::new(),
        tries: Vec::new(),
        // A closed intent keeps its moment: for a time after it the ATS may not show the write.
        changed: if intent.state.is_open() { Moment::of_wall(now_ms) } else { intent.changed },
        state,
        ..intent.clone()
    })
}

/// The event that reports the erasure to readers with a copy.
pub(crate) fn erased(kind: &str, id: &str, at_ms: u64) -> Change {
    Change {
        serial: 0,
        at_ms,
        kind: kind.to_owned(),
        id: id.to_owned(),
        what: ChangeWhat::Erased,
        before: Map::new(),
        after: Map::new(),
        cause: Cause::Asked,
    }
}
