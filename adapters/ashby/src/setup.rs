//! What an organisation is set up with: users, departments, locations, sources, tags, reasons.

use crate::value::{Named, changes, full, once, sparse};
use atsync_adapter::kit::*;
use atsync_adapter::model::unified::Word;
use serde::Deserialize;

pub(crate) const USERS: Kind = Kind::of::<User>("users")
    .fields(&["name", "first_name", "last_name", "active", "site_admin", "email", "updated_at"])
    .expected(&["name", "active"])
    .list(changes("/user.list", r#"{"includeDeactivated": true}"#))
    .fetch(Fetch::by(Ask::post("/user.info").body(r#"{"userId": "{id}"}"#)).at("/results"))
    .deletes(&[DeleteSign::GoneOnFetch])
    .permission("organizationRead");

/// Every user can be credited with a referral.
pub(crate) const REFERRERS: Kind = Kind::of::<User>("referrers")
    .fields(&["name", "active", "user", "email", "updated_at"])
    .inside("users")
    .permission("organizationRead");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    id: Id,
    first_name: Got<String>,
    last_name: Got<String>,
    email: Got<String>,
    global_role: Got<String>,
    is_enabled: Got<bool>,
    updated_at: Got<Time>,
}

impl Row for User {
    fn record(self, _: &Source<'_>) -> Record {
        let name = self.first_name.clone().with(self.last_name.clone());
        let name =
            name.and_then(|(first, last)| Got::from(full(first.as_deref(), last.as_deref())));
        let email = sparse(self.email);
        let referrer = Record::of("referrers", self.id.clone())
            .field("name", name.clone())
            .field("active", self.is_enabled)
            .value("user", self.id.clone().reference())
            .field("email", email.clone())
            .field("updated_at", self.updated_at.clone());
        Record::new(self.id)
            .version(&self.updated_at)
            .field("name", name)
            .field("first_name", self.first_name)
            .field("last_name", self.last_name)
            .field("active", self.is_enabled)
            .field("site_admin", self.global_role.map(|role| role == "Organization Admin"))
            .field("email", email)
            .field("updated_at", self.updated_at)
            .and(referrer)
    }
}

// --------------------------------------------------------------------------------- the small kinds
const ARCHIVED_TOO: &str = r#"{"includeArchived": true}"#;

pub(crate) const DEPARTMENTS: Kind = Kind::of::<Small>("departments")
    .fields(&["name", "active", "parent", "created_at", "updated_at"])
    .expected(&["name", "active"])
    .list(changes("/department.list", ARCHIVED_TOO))
    .permission("organizationRead");

pub(crate) const OFFICES: Kind = Kind::of::<Small>("offices")
    .fields(&["name", "active", "parent", "location"])
    .expected(&["name", "active"])
    .list(changes(
        "/location.list",
        r#"{"includeArchived": true, "includeLocationHierarchy": true}"#,
    ))
    .permission("organizationRead");

pub(crate) const SOURCES: Kind = Kind::of::<Small>("sources")
    .fields(&["name", "active", "type"])
    .expected(&["name", "active"])
    .list(once("/source.list", ARCHIVED_TOO))
    .permission("hiringProcessMetadataRead");

pub(crate) const TAGS: Kind = Kind::of::<Small>("tags")
    .fields(&["name", "active"])
    .expected(&["name", "active"])
    .list(changes("/candidateTag.list", ARCHIVED_TOO))
    .permission("hiringProcessMetadataRead");

pub(crate) const REJECT_REASONS: Kind = Kind::of::<Small>("reject_reasons")
    .fields(&["name", "active", "type"])
    .expected(&["name", "active", "type"])
    .list(once("/archiveReason.list", ARCHIVED_TOO))
    .permission("hiringProcessMetadataRead");

pub(crate) const CLOSE_REASONS: Kind = Kind::of::<Small>("close_reasons")
    .fields(&["name", "active"])
    .expected(&["name", "active"])
    // Whether this list has pages differs between its request and its answer in the document.
    .list(once("/closeReason.list", ARCHIVED_TOO).cursor("cursor", "/nextCursor"))
    .permission("hiringProcessMetadataRead");

const REASONS: Words = Words(&[
    ("RejectedByOrg", "organisation"),
    ("RejectedByCandidate", "candidate"),
    ("Other", "other"),
]);

/// A row of a small kind: each has some of these members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Small {
    id: Id,
    name: Got<String>,
    title: Got<String>,
    text: Got<String>,
    reason_text: Got<String>,
    is_archived: Got<bool>,
    parent_id: Got<Id>,
    parent_location_id: Got<Id>,
    address: Got<Address>,
    reason_type: Got<String>,
    source_type: Got<Named>,
    created_at: Got<Time>,
    updated_at: Got<Time>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    postal_address: Got<Postal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Postal {
    address_locality: Got<String>,
    address_region: Got<String>,
    address_country: Got<String>,
}

impl Postal {
    fn text(self) -> String {
        let parts = [self.address_locality, self.address_region, self.address_country];
        let parts: Vec<String> = parts.into_iter().filter_map(Got::value).collect();
        parts.join(", ")
    }
}

impl Row for Small {
    fn record(self, source: &Source<'_>) -> Record {
        let record = Record::new(self.id)
            .version(&self.updated_at)
            .field("name", self.name.or(self.title).or(self.text).or(self.reason_text))
            .field("active", self.is_archived.map(|is_archived| !is_archived));
        match source.kind {
            "departments" => record
                .field("parent", sparse(self.parent_id).reference())
                .field("created_at", self.created_at)
                .field("updated_at", self.updated_at),
            "offices" => {
                let place = sparse(self.address).and_then(|address| sparse(address.postal_address));
                record
                    .field("parent", sparse(self.parent_location_id).reference())
                    .field("location", place.map(Postal::text))
            }
            "sources" => {
                let group =
                    |of: Named| Word { value: "other".into(), source: of.title.map(Into::into) };
                record.field("type", sparse(self.source_type).map(group))
            }
            "reject_reasons" => record.field("type", self.reason_type.word(&REASONS)),
            _ => record,
        }
    }
}
