//! The lists of the account that others refer to: stages, archive reasons, sources, tags, users.

use crate::common::{list, one};
use atsync_adapter::kit::*;
use serde::Deserialize;

pub(crate) const STAGES: Kind = Kind::of::<Stage>("stages")
    .fields(&["name"])
    .expected(&["name"])
    .list(list("/stages"))
    .absence_proves()
    .deletes(&[DeleteSign::GoneFromWalk])
    .permission("stages:read");

pub(crate) const REJECT_REASONS: Kind = Kind::of::<Reason>("reject_reasons")
    .fields(&["name", "active"])
    .expected(&["name"])
    .list(list("/archive_reasons").query(&[("type", "non-hired")]))
    .permission("archive_reasons:read");

pub(crate) const SOURCES: Kind =
    Kind::of::<Text>("sources").fields(&["name"]).list(list("/sources")).permission("sources:read");

pub(crate) const TAGS: Kind =
    Kind::of::<Text>("tags").fields(&["name"]).list(list("/tags")).permission("tags:read");

pub(crate) const USERS: Kind = Kind::of::<User>("users")
    .fields(&["name", "email", "active", "site_admin", "external_id", "job_title", "created_at"])
    .expected(&["name", "email"])
    .list(list("/users").query(&[("includeDeactivated", "true")]))
    .fetch(one("/users/{id}"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .permission("users:read");

/// Built-in stages have words as ids.
#[derive(Deserialize)]
pub(crate) struct Stage {
    id: Id,
    text: Got<String>,
}

impl Row for Stage {
    fn record(self, _: &Source<'_>) -> Record {
        Record::new(self.id).field("name", self.text)
    }
}

#[derive(Deserialize)]
pub(crate) struct Reason {
    id: Id,
    text: Got<String>,
    status: Got<String>,
    #[serde(rename = "type")]
    kind: Got<String>,
}

impl Row for Reason {
    fn record(self, _: &Source<'_>) -> Record {
        // The query leaves the reason for hires out, if the parameter is heeded.
        if self.kind.as_ref().is_some_and(|kind| kind == "hired") {
            return Record::none();
        }
        Record::new(self.id)
            .field("name", self.text)
            .field("active", self.status.map(|status| status == "active"))
    }
}

/// A tag or a source: it has no id, so its text is one.
#[derive(Deserialize)]
pub(crate) struct Text {
    text: String,
}

impl Row for Text {
    fn record(self, _: &Source<'_>) -> Record {
        Record::new(self.text.as_str()).value("name", self.text)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    id: Id,
    name: Got<String>,
    email: Got<String>,
    access_role: Got<String>,
    deactivated_at: Got<Millis>,
    external_directory_id: Got<String>,
    job_title: Got<String>,
    created_at: Got<Millis>,
}

impl Row for User {
    fn record(self, _: &Source<'_>) -> Record {
        let is_admin = |role: String| role == "super admin";
        Record::new(self.id)
            .field("name", self.name)
            .field("email", self.email)
            .field("active", self.deactivated_at.map(|_| false).or_value(true))
            .field("site_admin", self.access_role.map(is_admin).or_value(false))
            .field("external_id", self.external_directory_id)
            .field("job_title", self.job_title)
            .field("created_at", self.created_at)
    }
}
