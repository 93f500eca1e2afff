//! The adapter for Lever's Data API v1.
//!
//! An opportunity is an application, the contact behind it the candidate, a posting a job and, in
//! its public form, a posting. Contacts cannot be listed, so candidates come with opportunities;
//! those are listed with both expanded. A rejection and a hire are both archived opportunities, and
//! the account's one reason of the type `hired` tells them apart. It also identifies the account.
//!
//! The order of the list of opportunities changes when somebody moves a candidate, so a walk proves
//! no deletion. A write's answer lacks the contact's data, so nothing of it is used but ids.
//! `REFERENCE.md` has the source of each fact.
//!
//! Left out: audit events, and the contents of files.

mod account;
mod common;
mod jobs;
mod lists;
mod notes;
mod people;
mod permissions;
mod raw;
mod write;

use atsync_adapter::kit::*;

/// The adapter. It has no state.
#[derive(Debug)]
pub struct Lever;

atsync_adapter::adapter!(Lever);

impl Adapter for Lever {
    const ABOUT: About = About::new("lever", env!("CARGO_PKG_VERSION"))
        .title("Lever")
        .origins(&[Origin::fixed("api", "https://api.lever.co/v1")])
        .auth(&[Auth::BasicUsername])
        .rates(&[Rate::new("key", 10, 1000)])
        .settings(&[
            Setting::text(
                "perform_as",
                "The id of the Lever user that new records name as their author. Writes need it.",
            ),
            Setting::one_of(
                "confidentiality",
                &["non-confidential", "confidential", "all"],
                "The records to read. The key must have the switch for confidential data.",
            ),
            Setting::flag("allow_stage_changes", "Applications may be moved."),
            Setting::flag("allow_outcomes", "Applications may be archived and hired."),
        ])
        .account(Account::by(account::identify))
        .permissions(permissions::ALL)
        .kinds(&[
            people::APPLICATIONS,
            people::CANDIDATES,
            people::REJECTIONS,
            people::APPLICATION_STAGES,
            jobs::JOBS,
            jobs::POSTINGS,
            jobs::OPENINGS,
            lists::STAGES,
            lists::REJECT_REASONS,
            lists::SOURCES,
            lists::TAGS,
            lists::USERS,
            notes::NOTES,
            notes::ATTACHMENTS,
            raw::FEEDBACK,
            raw::INTERVIEWS,
            raw::PANELS,
            raw::OFFERS,
            raw::REFERRALS,
            raw::FORMS,
            raw::FILES,
            raw::REQUISITIONS,
            raw::REQUISITION_FIELDS,
        ])
        .operations(write::ALL)
        .hook(Hook::new(
            // It covers no data, so a webhook is a hint alone.
            Signature::hmac_sha256(Piece::Member("/signature"))
                .over(&[Piece::Member("/token"), Piece::Member("/triggeredAt")])
                .signed_at(Piece::Member("/triggeredAt")),
            hints,
        ))
        .lossy(&[
            "Lever has one name per person; its parts are written at creation and read back as a \
             whole.",
            "Who rejected a candidate and a typed referrer are unknown to Lever.",
            "People have no custom fields in Lever; the values of profile forms are not read.",
            "Tags belong to a candidacy, not to the person, and are not read; tags and links are \
             written at creation alone.",
            "The order of stages is not read, since Lever shows it by position alone.",
        ]);
}

/// Every event names the opportunity, and most the contact. A test of the connection names none.
fn hints(event: &mut Event<'_>) {
    if event.text("/event") == "candidateDeleted" {
        return event.deleted("applications", "/data/opportunityId");
    }
    event.changed("applications", "/data/opportunityId");
    event.changed("candidates", "/data/contactId");
}
