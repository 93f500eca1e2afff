//! A whole adapter in one file: for "Plainlist", an ATS that does not exist.
//!
//! It reads jobs, candidates and their notes, adds notes, checks a permission and reads webhooks.
//! Copy this crate to start an adapter; the README beside it says how to test and build it. From
//! top to bottom: what the adapter is, as data; then for each kind its rows; then the write and the
//! webhooks.

use atsync_adapter::contract::{Applied, Probed};
use atsync_adapter::kit::{
    About, Account, Adapter, Ask, Ats, Auth, Clock, DeleteSign, EffectClass, Event, Fetch,
    FieldMode, Got, Hook, Id, Kind, List, Op, Operation, Origin, Permission, Piece, Rate, Record,
    Row, Setting, Signature, Source, Stop, Time, Words, contact, word,
};
use atsync_adapter::model::unified::Name;
use serde::{Deserialize, Serialize};

/// The adapter. It has no state.
#[derive(Debug)]
pub struct Plainlist;

atsync_adapter::adapter!(Plainlist);

impl Adapter for Plainlist {
    const ABOUT: About = About::new("plainlist", env!("CARGO_PKG_VERSION"))
        .title("Plainlist (imaginary)")
        .origins(&[Origin::fixed("api", "https://plainlist.example")])
        .auth(&[Auth::Bearer])
        .rates(&[Rate::new("api", 50, 10_000)])
        .settings(&[Setting::text("author", "The id of the user who is named as author of notes")])
        .account(Account::at(Ask::get("/account"), "/id"))
        .permissions(&[
            Permission::new("people", "Read people")
                .grant_at("Settings > API keys > Scopes")
                .without_it("Candidates and their notes are not read")
                .ask(Ask::get("/people").query(&[("per_page", "1")])),
            Permission::new("notes:write", "Write notes")
                .grant_at("Settings > API keys > Scopes")
                .without_it("Notes are not added")
                .optional(),
        ])
        .kinds(&[JOBS, CANDIDATES, NOTES])
        .operations(&[ADD_NOTE])
        .hook(Hook::new(
            Signature::hmac_sha256(Piece::Header("x-plainlist-signature")).prefix("sha256="),
            hints,
        ))
        .lossy(&["A job has no departments or offices"]);
}

const MINUTE_MS: u64 = 60_000;

// ------------------------------------------------------------------------------------------- jobs

const JOBS: Kind = Kind::of::<Job>("jobs")
    .fields(&["title", "state", "updated_at"])
    .expected(&["title", "state"])
    .list(List::get("/jobs").rows("/jobs").pages("page").size("per_page", 100))
    .absence_proves();

/// Plainlist's words for the states of a job, and the unified ones. Others become `other`.
const STATES: Words = Words(&[("live", "open"), ("closed", "closed"), ("draft", "draft")]);

/// A job as Plainlist writes it. A member in [`Got`] may be absent, null, or of a bad shape, and
/// costs nothing but its field; members that are not read are left out.
#[derive(Deserialize)]
struct Job {
    id: Id,
    title: Got<String>,
    status: Got<String>,
    updated_at: Got<Time>,
}

impl Row for Job {
    fn record(self, _: &Source<'_>) -> Record {
        Record::new(self.id)
            .version(&self.updated_at)
            .field("title", self.title)
            .field("state", self.status.word(&STATES))
            .field("updated_at", self.updated_at)
    }
}

// ------------------------------------------------------------------------------------- candidates

const CANDIDATES: Kind = Kind::of::<Person>("candidates")
    .fields(&["name", "emails", "company", "created_at", "updated_at"])
    .expected(&["name", "emails"])
    .list(
        List::get("/people")
            .rows("/people")
            .size("per_page", 100)
            .cursor("after", "/next")
            .window(Clock::Rfc3339, &[("updated_from", "{from}"), ("updated_to", "{to}")]),
    )
    .overlap_ms(5 * MINUTE_MS)
    .fetch(Fetch::get("/people/{id}"))
    .deletes(&[DeleteSign::GoneOnFetch, DeleteSign::Hook])
    .permission("people");

#[derive(Deserialize)]
struct Person {
    id: Id,
    first: Got<String>,
    last: Got<String>,
    email: Got<String>,
    employer: Got<Employer>,
    created_at: Got<Time>,
    updated_at: Got<Time>,
}

#[derive(Deserialize)]
struct Employer {
    name: Got<String>,
}

impl Row for Person {
    fn record(self, _: &Source<'_>) -> Record {
        let name = self.first.with(self.last).map(|(first, last)| Name {
            first: first.map(Into::into),
            last: last.map(Into::into),
            ..Name::default()
        });
        Record::new(self.id)
            .version(&self.updated_at)
            .field("name", name)
            .field("emails", self.email.map(|email| vec![contact(email, None)]))
            .field("company", self.employer.and_then(|employer| employer.name))
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at)
    }
}

// ------------------------------------------------------------------------------------------ notes

const NOTE_LIST: List = List::get("/people/{parent}/notes").rows("/notes");

const NOTES: Kind = Kind::of::<Note>("notes")
    .fields(&["candidate", "body", "type", "visibility", "created_at"])
    .expected(&["body"])
    .under("candidates")
    .list(NOTE_LIST)
    .permission("people");

#[derive(Deserialize)]
struct Note {
    id: Id,
    text: Got<String>,
    created_at: Got<Time>,
}

impl Row for Note {
    fn record(self, source: &Source<'_>) -> Record {
        Record::new(self.id)
            .value("candidate", Id::from(source.parent_id()).reference())
            .value("type", word("note"))
            .value("visibility", word("public"))
            .field("body", self.text)
            .field("created_at", self.created_at)
    }
}

const ADD_NOTE: Operation = Operation::new("notes.create", EffectClass::Probeable, add_note)
    .members(&[("candidate", FieldMode::CreateOnly), ("body", FieldMode::CreateOnly)])
    .required(&["candidate", "body"])
    .refused(&[400, 401, 403, 404, 422, 429])
    .permissions(&["notes:write"])
    .probe(find_note, 10_000);

/// The input of `notes.create`, which `wit/operations.md` describes.
#[derive(Deserialize)]
struct NewNote {
    candidate: String,
    body: String,
}

/// Sends the note, and reads the id that Plainlist gave it.
fn add_note(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    #[derive(Serialize)]
    struct Body<'a> {
        text: &'a str,
        author: Option<String>,
    }
    let (note, settings): (NewNote, Settings) = (op.input()?, ats.settings()?);
    let body = Body { text: &note.body, author: settings.author };
    let ask = Ask::post("/people/{candidate}/notes").with("candidate", note.candidate).json(&body);
    let id = ats.send(ask, |answer| answer.id("/id"))?;
    Ok(op.made(id))
}

#[derive(Deserialize)]
struct Settings {
    author: Option<String>,
}

/// Did it happen? A note of the same text is the one: notes have no field for a mark.
fn find_note(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let wanted: NewNote = op.input()?;
    let is_it = |note: Note| (note.text.as_ref() == Some(&wanted.body)).then_some(note.id);
    let found = ats.search(&NOTE_LIST, &[("parent", &wanted.candidate)], is_it)?;
    Ok(op.matched(found))
}

// --------------------------------------------------------------------------------------- webhooks

/// `{"event": "person.updated", "person": {"id": 7}}`. Hints lead to reads and are never state.
fn hints(event: &mut Event<'_>) {
    match event.text("/event") {
        "person.created" | "person.updated" => event.changed("candidates", "/person/id"),
        "person.deleted" => event.deleted("candidates", "/person/id"),
        "job.updated" => event.changed("jobs", "/job/id"),
        _ => {}
    }
}
