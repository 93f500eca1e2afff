//! The endpoints that a key is granted when it is made, each with a harmless read.
//!
//! Lever has no introspection, so the right to write cannot be checked without a write. Endpoints
//! below a record are asked for a record that does not exist: 404 means that they may be read.

use atsync_adapter::kit::*;

const GRANT_AT: &str = "Settings > Integrations and API > API credentials";
const ONE: &[(&str, &str)] = &[("limit", "1")];

const fn endpoint(id: &'static str, label: &'static str, without_it: &'static str) -> Permission {
    Permission::new(id, label).grant_at(GRANT_AT).without_it(without_it)
}

const fn first(path: &'static str) -> Ask {
    Ask::get(path).query(ONE)
}

const fn none(path: &'static str) -> Ask {
    Ask::get(path).accepts(&[404])
}

pub(crate) const ALL: &[Permission] = &[
    endpoint(
        "opportunities:read",
        "Opportunities, read",
        "Applications and candidates are not read.",
    )
    .ask(first("/opportunities")),
    endpoint(
        "contacts:read",
        "Contacts, read",
        "A candidate cannot be read by itself, so deletions are not confirmed.",
    )
    .ask(none("/contacts/00000000-0000-4000-8000-000000000000")),
    endpoint("postings:read", "Postings, read", "Jobs are not read.").ask(first("/postings")),
    endpoint("requisitions:read", "Requisitions, read", "Openings are not read.")
        .optional()
        .ask(first("/requisitions")),
    endpoint("stages:read", "Stages, read", "Stages have no names.").ask(first("/stages")),
    endpoint(
        "archive_reasons:read",
        "Archive reasons, read",
        "The account is not identified, and hires are not told from rejections.",
    )
    .ask(first("/archive_reasons")),
    endpoint("sources:read", "Sources, read", "Sources cannot be selected by name.")
        .optional()
        .ask(first("/sources")),
    endpoint("tags:read", "Tags, read", "Tags are not read.").optional().ask(first("/tags")),
    endpoint("users:read", "Users, read", "Recruiters and authors have no names.")
        .optional()
        .ask(first("/users")),
    endpoint(
        "notes:read",
        "Notes, read",
        "Notes are not read, and a note in doubt is decided by a user.",
    )
    .optional()
    .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/notes")),
    endpoint("resumes:read", "Resumes, read", "Files are not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/resumes")),
    endpoint(
        "opportunities:write",
        "Opportunities, write",
        "Nothing is created, moved or archived.",
    )
    .optional(),
    endpoint("contacts:write", "Contacts, write", "Candidates are not changed.").optional(),
    endpoint("notes:write", "Notes, write", "Notes are not added.").optional(),
    endpoint("feedback:read", "Feedback, read", "The raw kind `raw_feedback` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/feedback")),
    endpoint("interviews:read", "Interviews, read", "The raw kind `raw_interviews` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/interviews")),
    endpoint("panels:read", "Panels, read", "The raw kind `raw_panels` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/panels")),
    endpoint("offers:read", "Offers, read", "The raw kind `raw_offers` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/offers")),
    endpoint("referrals:read", "Referrals, read", "The raw kind `raw_referrals` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/referrals")),
    endpoint("forms:read", "Profile forms, read", "The raw kind `raw_forms` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/forms")),
    endpoint("files:read", "Files, read", "The raw kind `raw_files` is not read.")
        .optional()
        .ask(none("/opportunities/00000000-0000-4000-8000-000000000000/files")),
    endpoint(
        "requisition_fields:read",
        "Requisition fields, read",
        "The raw kind `raw_requisition_fields` is not read.",
    )
    .optional()
    .ask(Ask::get("/requisition_fields")),
];
