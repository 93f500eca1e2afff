//! Candidates, with the tags and files that come in their rows; notes.

use crate::custom::{Values, values};
use crate::value::{Named, Person, changes, pages, sparse};
use atsync_adapter::kit::*;
use atsync_adapter::model::unified::{Contact, Name, Word};
use serde::Deserialize;

pub(crate) const CANDIDATES: Kind = Kind::of::<Candidate>("candidates")
    .fields(&[
        "name",
        "emails",
        "phones",
        "links",
        "addresses",
        "company",
        "title",
        "time_zone",
        "tags",
        "custom_fields",
        "created_at",
        "updated_at",
    ])
    .expected(&["name", "emails", "phones", "links"])
    .list(changes("/candidate.list", "{}"))
    .fetch(Fetch::by(Ask::post("/candidate.info").body(r#"{"id": "{id}"}"#)).at("/results"))
    .deletes(&[DeleteSign::GoneOnFetch, DeleteSign::Hook])
    .permission("candidatesRead");

pub(crate) const APPLIED_TAGS: Kind = Kind::of::<Candidate>("applied_tags")
    .fields(&["candidate", "tag"])
    .inside("candidates")
    .permission("candidatesRead");

pub(crate) const ATTACHMENTS: Kind = Kind::of::<Candidate>("attachments")
    .fields(&["candidate", "filename", "type"])
    .inside("candidates")
    .permission("candidatesRead");

/// Ashby's words for the type of an address or number.
const TYPES: Words = Words(&[("Personal", "personal"), ("Work", "work"), ("Other", "other")]);

/// Ashby's words for the type of a link.
const LINKS: Words = Words(&[
    ("LinkedIn", "social"),
    ("GitHub", "social"),
    ("Twitter", "social"),
    ("Medium", "blog"),
    ("StackOverflow", "social"),
    ("YouTube", "social"),
    ("CodePen", "portfolio"),
    ("Website", "other"),
]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Candidate {
    id: Id,
    name: Got<String>,
    email_addresses: Got<Vec<Address>>,
    phone_numbers: Got<Vec<Address>>,
    social_links: Got<Vec<Social>>,
    location: Got<Place>,
    company: Got<String>,
    position: Got<String>,
    timezone: Got<String>,
    tags: Got<Vec<Named>>,
    resume_file_handle: Got<File>,
    file_handles: Got<Vec<File>>,
    custom_fields: Got<Values>,
    created_at: Got<Time>,
    updated_at: Got<Time>,
}

#[derive(Deserialize)]
struct Address {
    value: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default, rename = "isPrimary")]
    is_primary: bool,
}

#[derive(Deserialize)]
struct Social {
    url: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    location_summary: Got<String>,
}

#[derive(Deserialize)]
struct File {
    id: Id,
    #[serde(default)]
    name: Option<String>,
}

/// Contacts, the primary one first.
fn contacts(all: Vec<Address>) -> Vec<Contact<'static>> {
    let (first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.is_primary);
    let kind = |kind: Option<String>| kind.map(|kind| TYPES.read(kind));
    first.into_iter().chain(rest).map(|one| contact(one.value, kind(one.kind))).collect()
}

impl Row for Candidate {
    fn record(self, _: &Source<'_>) -> Record {
        let id = self.id.as_str();
        let whole = |name: String| Name { full: Some(name.into()), ..Name::default() };
        let link = |one: Social| contact(one.url, one.kind.map(|kind| LINKS.read(kind)));
        let mut others = Vec::new();
        for tag in self.tags.as_ref().into_iter().flatten() {
            let tag_id = tag.id.clone();
            others.push(
                Record::of("applied_tags", Id::join([id, tag_id.as_str()]))
                    .value("candidate", self.id.clone().reference())
                    .value("tag", tag_id.reference()),
            );
        }
        let resume = self.resume_file_handle.as_ref().map(|file| file.id.clone());
        // The résumé is among the files as a rule; which of both readings holds is not documented.
        let files = self.file_handles.as_ref().into_iter().flatten();
        let apart = self.resume_file_handle.as_ref();
        let is_among = |file: &File| {
            self.file_handles.as_ref().is_some_and(|all| all.iter().any(|one| one.id == file.id))
        };
        for file in files.chain(apart.filter(|file| !is_among(file))) {
            let is_resume = resume.as_ref() == Some(&file.id);
            let kind: Word<'_> = word(if is_resume { "resume" } else { "other" });
            others.push(
                Record::of("attachments", Id::join([id, file.id.as_str()]))
                    .value("candidate", self.id.clone().reference())
                    .value("filename", file.name.as_deref())
                    .value("type", kind),
            );
        }
        let record = Record::new(self.id)
            .without("applied_tags", &self.tags)
            .without("attachments", &self.file_handles)
            .without("attachments", &self.resume_file_handle)
            .version(&self.updated_at)
            .field("name", self.name.map(whole))
            .field("emails", self.email_addresses.map(contacts))
            .field("phones", self.phone_numbers.map(contacts))
            .field(
                "links",
                self.social_links.map(|all| all.into_iter().map(link).collect::<Vec<_>>()),
            )
            .field(
                "addresses",
                sparse(self.location)
                    .and_then(|place| place.location_summary)
                    .map(|text| vec![contact(text, None)]),
            )
            .field("company", sparse(self.company))
            .field("title", sparse(self.position))
            .field("time_zone", sparse(self.timezone))
            .field(
                "tags",
                self.tags.map(|all| all.into_iter().map(Named::reference).collect::<Vec<_>>()),
            )
            .field("custom_fields", self.custom_fields.map(values))
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at);
        others.into_iter().fold(record, Record::and)
    }
}

// ------------------------------------------------------------------------------------------ notes
pub(crate) const NOTES: Kind = Kind::of::<Note>("notes")
    .fields(&["candidate", "author", "type", "visibility", "body", "created_at"])
    .expected(&["author", "visibility"])
    .under("candidates")
    .list(pages("/candidate.listNotes", r#"{"candidateId": "{parent}"}"#))
    .permission("candidatesRead");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Note {
    pub(crate) id: Id,
    pub(crate) content: Got<String>,
    is_private: Got<bool>,
    author: Got<Person>,
    pub(crate) created_at: Got<Time>,
}

impl Row for Note {
    fn record(self, source: &Source<'_>) -> Record {
        let seen = |is_private: bool| word(if is_private { "private" } else { "public" });
        Record::new(self.id)
            .value("candidate", Id::from(source.parent_id()).reference())
            .value("type", word("note"))
            .field("author", self.author.map(Person::reference))
            .field("visibility", self.is_private.map(seen))
            .field("body", sparse(self.content))
            .field("created_at", self.created_at)
    }
}
