//! Postings, which are jobs and their public form, and requisitions, which are openings.

use crate::common::{CONFIDENTIALITY, OVERLAP_MS, changing, filled, one, reference, version};
use atsync_adapter::kit::*;
use atsync_adapter::model::unified::Ref;
use serde::Deserialize;

pub(crate) const JOBS: Kind = Kind::of::<Posting>("jobs")
    .fields(&[
        "title",
        "requisition_id",
        "state",
        "confidential",
        "departments",
        "offices",
        "created_at",
        "updated_at",
    ])
    .expected(&["title", "state", "created_at"])
    .list(changing("/postings").query(&[CONFIDENTIALITY]))
    .overlap_ms(OVERLAP_MS)
    .fetch(one("/postings/{id}"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .confidential()
    .permission("postings:read");

pub(crate) const POSTINGS: Kind = Kind::of::<Posting>("postings")
    .fields(&["job", "title", "live", "internal", "url", "content", "created_at", "updated_at"])
    .inside("jobs")
    .permission("postings:read");

pub(crate) const OPENINGS: Kind = Kind::of::<Requisition>("openings")
    .fields(&["job", "external_id", "state", "opened_at", "closed_at", "created_at", "updated_at"])
    .list(changing("/requisitions").query(&[CONFIDENTIALITY]))
    .overlap_ms(OVERLAP_MS)
    .fetch(one("/requisitions/{id}"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .permission("requisitions:read");

const STATES: Words = Words(&[
    ("published", "open"),
    ("internal", "open"),
    ("closed", "closed"),
    ("rejected", "closed"),
    ("draft", "draft"),
    ("pending", "draft"),
]);

/// An opening is open or closed; one that waits for its approval is not open yet.
const STATUSES: Words =
    Words(&[("open", "open"), ("onHold", "open"), ("draft", "closed"), ("closed", "closed")]);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Posting {
    id: Id,
    text: Got<String>,
    state: Got<String>,
    confidentiality: Got<String>,
    categories: Got<Categories>,
    req_code: Got<String>,
    urls: Got<Urls>,
    content: Got<Content>,
    created_at: Got<Millis>,
    updated_at: Got<Millis>,
}

#[derive(Clone, Deserialize)]
struct Categories {
    department: Got<String>,
    location: Got<String>,
}

#[derive(Deserialize)]
struct Urls {
    show: Got<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    description_html: Got<String>,
}

/// A department or an office, which Lever names by text alone.
fn named(text: Got<String>) -> Got<Vec<Ref<'static>>> {
    filled(text).map(|name| vec![Ref { id: None, name: Some(name.into()) }])
}

impl Row for Posting {
    fn record(self, _: &Source<'_>) -> Record {
        let is = |word: &'static str| self.state.clone().map(|state| state == word).or_value(false);
        let public = Record::of("postings", self.id.clone())
            .version(&version(&self.updated_at))
            .value("job", self.id.clone().reference())
            .field("title", self.text.clone())
            .field("live", is("published"))
            .field("internal", is("internal"))
            .field("url", self.urls.and_then(|urls| urls.show))
            .field("content", self.content.and_then(|content| content.description_html))
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at);
        let categories = self.categories;
        let is_confidential = |word: String| word == "confidential";
        let confidential = self.confidentiality.map(is_confidential).or_value(false);
        Record::new(self.id)
            .version(&version(&self.updated_at))
            .field("title", self.text)
            .field("requisition_id", self.req_code)
            .field("state", self.state.word(&STATES).or_value(word("other")))
            .field("confidential", confidential)
            .field("departments", named(categories.clone().and_then(|all| all.department)))
            .field("offices", named(categories.and_then(|all| all.location)))
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at)
            .and(public)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Requisition {
    id: Id,
    requisition_code: Got<String>,
    status: Got<String>,
    postings: Got<Vec<Id>>,
    created_at: Got<Millis>,
    updated_at: Got<Millis>,
    closed_at: Got<Millis>,
}

impl Row for Requisition {
    fn record(self, _: &Source<'_>) -> Record {
        let job = self.postings.and_then(|postings| Got::from(postings.into_iter().next()));
        Record::new(self.id)
            .version(&version(&self.updated_at))
            .field("job", reference(job))
            .field("external_id", self.requisition_code)
            .field("state", self.status.word(&STATUSES).or_value(word("other")))
            .field("opened_at", self.created_at)
            .field("closed_at", self.closed_at)
            .field("created_at", self.created_at)
            .field("updated_at", self.updated_at)
    }
}
