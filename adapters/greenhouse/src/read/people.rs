//! Reads candidates and their tags, users and their addresses, referrers.
//!
//! A candidate's contacts have no id and, for social profiles, no type (harvest-v3.md §9.1). A row
//! of the stub arm has `message` and no names; it is "neither a deletion nor an empty candidate"
//! (§7 [?]), so it becomes a [`Read::Stub`]. A candidate whose names are both blank was anonymised,
//! wholly or in part (pitfalls.md B25), since nothing else removes both names. `can_email: false`
//! means that no mail may be sent.

use super::custom::{CustomMap, named, values};
use super::{Read, Unreadable, record, word};
use crate::wire::{Address, ContactRow, Got, Id, Label, Lacking, Str, Time, row};
use crate::write::words::ContactList;
use atsync_adapter::rows::Element;
use atsync_model::unified::{
    AppliedTag, Candidate, Contact, Name, Named, Privacy, Ref, Text, User, UserEmail, Word,
};
use std::borrow::Cow;

row!(
    /// harvest-v3.md §9.1.
    CandidateRow {
        first_name: Str<'a>, last_name: Str<'a>, preferred_name: Str<'a>, company: Str<'a>,
            title: Str<'a>, private: bool,
        can_email not null: bool,
        time_zone: Str<'a>, last_activity_at: Time<'a>, created_at: Time<'a>, updated_at: Time<'a>,
        email_addresses not null: Vec<ContactRow<'a>>, phone_numbers not null: Vec<ContactRow<'a>>,
        addresses not null: Vec<ContactRow<'a>>, website_addresses not null: Vec<ContactRow<'a>>,
        social_media_addresses not null: Vec<ContactRow<'a>>, tags not null: Vec<Label<'a>>,
            linked_user_ids not null: Vec<Id<'a>>,
        custom_fields: CustomMap<'a>, message: Str<'a>,
    }
);
/// The members of a candidate that the reader reads.
pub(crate) const CANDIDATE_READS: &[&str] = CandidateRow::READS;
/// Its flags and lists that are never null.
pub(crate) const CANDIDATE_NEVER_NULL: &[&str] = CandidateRow::NEVER_NULL;
/// The unified fields of a candidate.
pub(crate) const CANDIDATE_FIELDS: &[&str] = &[
    "name",
    "emails",
    "phones",
    "addresses",
    "links",
    "company",
    "title",
    "time_zone",
    "tags",
    "privacy",
    "linked_users",
    "custom_fields",
    "odd_forms",
    "last_activity_at",
    "created_at",
    "updated_at",
];

/// Reads a candidate.
pub(crate) fn candidate<'a>(element: &Element<'a>) -> Result<Read, Unreadable> {
    let row = CandidateRow::read(element)?;
    let mut lacking = Lacking::default();
    if matches!(row.message, Got::Here(_)) && row.first_name.is_blank() && row.last_name.is_blank()
    {
        return Ok(Read::Stub(row.id.value().map(|id| id.0.into_owned())));
    }
    let name = Name {
        full: None,
        first: row.first_name.text("name", &mut lacking),
        last: row.last_name.text("name", &mut lacking),
        preferred: row.preferred_name.text("name", &mut lacking),
    };
    let (custom_fields, mut odd_forms) = values(row.custom_fields, &mut lacking);
    let mut contacts = |rows: Got<Vec<ContactRow<'a>>>, field: &'static str, list: ContactList| {
        let rows = rows.take(field, &mut lacking).unwrap_or_default();
        if let Some(why) =
            rows.iter().find_map(|row| list.oddity(&row.value, row.kind.as_deref(), row.more))
        {
            odd_forms.entry(Cow::Borrowed(field)).or_insert(Cow::Borrowed(why));
        }
        contacts(rows, if list == ContactList::Social { |_| None } else { contact_word })
    };
    let emails = contacts(row.email_addresses, "emails", ContactList::Emails);
    let phones = contacts(row.phone_numbers, "phones", ContactList::Phones);
    let addresses = contacts(row.addresses, "addresses", ContactList::Addresses);
    let mut links = contacts(row.website_addresses, "links", ContactList::Websites);
    links.extend(
        contacts(row.social_media_addresses, "links", ContactList::Social).into_iter().map(
            |mut contact| {
                contact.kind = Some(Word { value: Cow::Borrowed("social"), source: None });
                contact
            },
        ),
    );
    let is_nameless = name.first.is_none() && name.last.is_none() && !lacking.contains("name");
    let privacy = Privacy {
        private: row.private.take("privacy", &mut lacking),
        anonymized: is_nameless.then_some(true),
        do_not_contact: row.can_email.take("privacy", &mut lacking).map(|allowed| !allowed),
    };
    let unified = Candidate {
        name,
        emails,
        phones,
        addresses,
        links,
        company: row.company.text("company", &mut lacking),
        title: row.title.text("title", &mut lacking),
        headline: None,
        time_zone: row.time_zone.text("time_zone", &mut lacking),
        tags: row
            .tags
            .take("tags", &mut lacking)
            .unwrap_or_default()
            .into_iter()
            .map(|tag| named(tag.0))
            .collect(),
        privacy,
        linked_users: row.linked_user_ids.references("linked_users", &mut lacking),
        custom_fields,
        odd_forms,
        last_activity_at: row.last_activity_at.text("last_activity_at", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

fn contacts<'a>(
    rows: Vec<ContactRow<'a>>,
    known: fn(&str) -> Option<&'static str>,
) -> Vec<Contact<'a>> {
    let rows = rows.into_iter();
    rows.filter_map(|row| {
        let kind = row.kind.map(|kind| word(Some(kind), known));
        (!row.value.is_empty()).then_some(Contact { value: row.value, kind })
    })
    .collect()
}

/// Returns the unified type, which is Greenhouse's own word (harvest-v3.md §9.1).
fn contact_word(source: &str) -> Option<&'static str> {
    ["personal", "work", "home", "mobile", "skype", "company", "portfolio", "blog"]
        .into_iter()
        .find(|known| *known == source)
}

row!(
    /// harvest-v3.md §9.4.
    AppliedTagRow { candidate_id: Id<'a>, candidate_tag_id: Id<'a>, created_at: Time<'a>,
        updated_at: Time<'a> }
);
/// The members of a tag on a candidate that the reader reads.
pub(crate) const APPLIED_TAG_READS: &[&str] = AppliedTagRow::READS;
/// Its flags and lists that are never null.
pub(crate) const APPLIED_TAG_NEVER_NULL: &[&str] = AppliedTagRow::NEVER_NULL;
/// The unified fields of a tag on a candidate.
pub(crate) const APPLIED_TAG_FIELDS: &[&str] = &["candidate", "tag", "created_at", "updated_at"];

/// Reads a tag on a candidate.
pub(crate) fn applied_tag(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = AppliedTagRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = AppliedTag {
        candidate: row.candidate_id.some_reference("candidate", &mut lacking),
        tag: row.candidate_tag_id.some_reference("tag", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.10. Left to the raw record: agency, interviewer tags.
    UserRow {
        first_name: Str<'a>, last_name: Str<'a>, name: Str<'a>, primary_email: Str<'a>,
            emails not null: Vec<Address<'a>>,
        employee_id: Str<'a>, job_title: Str<'a>, deactivated not null: bool,
            site_admin not null: bool,
        office_ids not null: Vec<Id<'a>>, department_ids not null: Vec<Id<'a>>,
            linked_candidate_ids not null: Vec<Id<'a>>,
        custom_fields: CustomMap<'a>, created_at: Time<'a>, updated_at: Time<'a>,
    }
);
/// The members of a user that the reader reads.
pub(crate) const USER_READS: &[&str] = UserRow::READS;
/// Its flags and lists that are never null.
pub(crate) const USER_NEVER_NULL: &[&str] = UserRow::NEVER_NULL;
/// The unified fields of a user.
pub(crate) const USER_FIELDS: &[&str] = &[
    "name",
    "first_name",
    "last_name",
    "active",
    "site_admin",
    "email",
    "emails",
    "external_id",
    "job_title",
    "departments",
    "offices",
    "linked_candidates",
    "custom_fields",
    "created_at",
    "updated_at",
];

/// Reads a user. A service user's main address is `""` (harvest-v3.md §9.10), which means none.
pub(crate) fn user(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = UserRow::read(element)?;
    let mut lacking = Lacking::default();
    let emails = row
        .emails
        .take("emails", &mut lacking)
        .unwrap_or_default()
        .into_iter()
        .map(|address| address.0);
    let emails: Vec<Text<'_>> = emails.filter(|address| !address.is_empty()).collect();
    let first_name = row.first_name.text("first_name", &mut lacking);
    let last_name = row.last_name.text("last_name", &mut lacking);
    let name = match (row.name, &first_name, &last_name) {
        // The whole name may be null (openapi: user.name); then its parts are used.
        (Got::Empty, Some(first), Some(last)) => Cow::Owned(format!("{first} {last}")),
        (Got::Empty, Some(one), None) | (Got::Empty, None, Some(one)) => one.clone(),
        (name, ..) => name.some_text("name", &mut lacking),
    };
    let unified = User {
        name,
        first_name,
        last_name,
        active: row.deactivated.take("active", &mut lacking).map(|deactivated| !deactivated),
        site_admin: row.site_admin.take("site_admin", &mut lacking),
        email: row.primary_email.text("email", &mut lacking),
        emails,
        external_id: row.employee_id.text("external_id", &mut lacking),
        job_title: row.job_title.text("job_title", &mut lacking),
        departments: row.department_ids.references("departments", &mut lacking),
        offices: row.office_ids.references("offices", &mut lacking),
        linked_candidates: row.linked_candidate_ids.references("linked_candidates", &mut lacking),
        custom_fields: values(row.custom_fields, &mut lacking).0,
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.10.
    UserEmailRow { user_id: Id<'a>, email: Str<'a>, verified not null: bool, created_at: Time<'a>,
        updated_at: Time<'a> }
);
/// The members of a user's address that the reader reads.
pub(crate) const USER_EMAIL_READS: &[&str] = UserEmailRow::READS;
/// Its flags and lists that are never null.
pub(crate) const USER_EMAIL_NEVER_NULL: &[&str] = UserEmailRow::NEVER_NULL;
/// The unified fields of a user's address.
pub(crate) const USER_EMAIL_FIELDS: &[&str] =
    &["user", "email", "verified", "created_at", "updated_at"];

/// Reads a user's address.
pub(crate) fn user_email(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = UserEmailRow::read(element)?;
    let mut lacking = Lacking::default();
    let unified = UserEmail {
        user: row.user_id.some_reference("user", &mut lacking),
        email: row.email.some_text("email", &mut lacking),
        verified: row.verified.take("verified", &mut lacking),
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}

row!(
    /// harvest-v3.md §9.9. A referrer's id is not a user's id.
    ReferrerRow { name: Str<'a>, user_id: Id<'a>, created_at: Time<'a>, updated_at: Time<'a> }
);
/// The members of a referrer that the reader reads.
pub(crate) const REFERRER_READS: &[&str] = ReferrerRow::READS;
/// Its flags and lists that are never null.
pub(crate) const REFERRER_NEVER_NULL: &[&str] = ReferrerRow::NEVER_NULL;
/// The unified fields of a referrer.
pub(crate) const REFERRER_FIELDS: &[&str] = &["name", "user", "created_at", "updated_at"];

/// Reads a referrer.
pub(crate) fn referrer(element: &Element<'_>) -> Result<Read, Unreadable> {
    let row = ReferrerRow::read(element)?;
    let mut lacking = Lacking::default();
    let user: Option<Ref<'_>> = row.user_id.reference("user", &mut lacking);
    let unified = Named {
        name: row.name.some_text("name", &mut lacking),
        user,
        created_at: row.created_at.text("created_at", &mut lacking),
        updated_at: row.updated_at.text("updated_at", &mut lacking),
        ..Named::default()
    };
    Ok(record(row.id, &unified, element, lacking)?.changed(unified.updated_at.as_ref()))
}
