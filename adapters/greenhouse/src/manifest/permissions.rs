//! The rights that an administrator grants (permissions.md §2, §3): one scope per endpoint, and the
//! source that is set up by hand.
//!
//! List scopes follow from the kinds. A scope is optional when the connection is useful without it,
//! which holds for all but candidates, applications and jobs. Left out: the irreversible scopes
//! that permissions.md §3 advises against, and those that no kind or operation uses. The scopes of
//! raw kinds are neither asked for nor checked unless a connection reads the kind.

use crate::kinds::{KINDS, Kind};
use crate::raw::RAW;
use crate::register;
use atsync_adapter::manifest::Permission;
use atsync_model::kinds as names;

/// The pseudo-permission for the vendor's own source.
pub(crate) const SETUP_SOURCE: &str = "setup:source";

/// The place where a customer ticks a scope (harvest-v3.md §2.1 \[ok\]). Greenhouse registers a
/// partner's scopes, and "Connect" grants them.
const SCOPES_AT: &str = "Configure > Dev Center > API Credentials > (your Harvest V3 credential) > \
    Scopes; for partners, the Connect button";
/// The place where a scope is granted that partners alone can have (webhooks.md §6).
const PARTNERS_AT: &str = "the Connect button of a partner; a customer's own credential cannot \
    have it";
/// The place where the source is added (permissions.md §2, line m).
const SOURCES_AT: &str = "Configure > Custom Options > Sources > Prospecting";

/// The permissions of writes: scope without prefix, label, and what fails without it.
const WRITES: &[(&str, &str, &str)] = &[
    ("candidates:create", "Create candidates", "New candidates cannot be created."),
    (
        "candidates:update",
        "Edit candidates",
        "Names, addresses and custom fields of candidates cannot be changed.",
    ),
    (
        "applications:create",
        "Create applications",
        "An existing candidate cannot get an application or become a prospect.",
    ),
    (
        "applications:update",
        "Edit applications",
        "Source, referrer, recruiter and custom fields of applications cannot be changed.",
    ),
    (
        "applications:move",
        "Move applications",
        "Applications cannot be moved to another stage or job.",
    ),
    ("applications:reject", "Reject applications", "Applications cannot be rejected."),
    ("applications:unreject", "Unreject applications", "A rejection cannot be taken back."),
    ("applications:hire", "Hire", "Applications cannot be marked as hired."),
    (
        "applications:convert_to_candidate",
        "Convert prospects",
        "Prospects cannot be turned into candidates on a job.",
    ),
    (
        "rejection_details:update",
        "Edit rejection details",
        "The reason of a rejection cannot be corrected.",
    ),
    ("notes:create", "Create notes", "Notes cannot be added to candidates."),
    (
        "candidate_tags:create",
        "Create candidate tags",
        "Tags that do not exist yet cannot be used.",
    ),
    ("applied_candidate_tags:create", "Tag candidates", "Candidates cannot be tagged."),
    (
        "applied_candidate_tags:destroy",
        "Untag candidates",
        "Tags cannot be removed from candidates.",
    ),
    (
        "candidate_educations:create",
        "Create candidate educations",
        "Educations cannot be added to candidates.",
    ),
    (
        "candidate_educations:destroy",
        "Destroy candidate educations",
        "Educations that the engine added cannot be removed.",
    ),
    (
        "candidate_employments:create",
        "Create candidate employments",
        "Employments cannot be added to candidates.",
    ),
    (
        "candidate_employments:destroy",
        "Destroy candidate employments",
        "Employments that the engine added cannot be removed.",
    ),
    ("attachments:create", "Add attachments", "Files cannot be attached to applications."),
    ("users:create", "Create users", "Employees without a Greenhouse account cannot be invited."),
    ("custom_fields:create", "Create custom fields", "Custom fields have to be created by hand."),
    ("custom_fields:update", "Edit custom fields", "Custom fields have to be edited by hand."),
    (
        "custom_field_options:create",
        "Create custom field options",
        "New values of select fields have to be added by hand.",
    ),
    (
        "custom_field_options:update",
        "Edit custom field options",
        "Values of select fields have to be edited by hand.",
    ),
];

/// Lists every permission: for reads, for writes, for the set-up.
pub(super) fn permissions() -> Vec<Permission> {
    let mut all: Vec<Permission> = KINDS.iter().map(list).collect();
    all.extend(WRITES.iter().map(|(scope, label, without_it)| {
        optional(Permission::new(format!("harvest:{scope}"), *label, SCOPES_AT, *without_it))
    }));
    all.extend(register::SCOPES.iter().map(|(scope, label, without_it)| {
        optional(Permission::new(*scope, *label, PARTNERS_AT, *without_it))
    }));
    let of_webhooks = |scope: &str| register::SCOPES.iter().any(|(known, ..)| *known == scope);
    all.extend(RAW.iter().filter(|kind| !of_webhooks(&kind.permission())).map(raw));
    all.push(optional(Permission::new(
        SETUP_SOURCE,
        "Your source is switched on",
        SOURCES_AT,
        "New candidates carry no source or a wrong one, and referrals are not credited.",
    )));
    all
}

fn optional(mut permission: Permission) -> Permission {
    permission.optional = true;
    permission
}

fn list(kind: &Kind) -> Permission {
    let (label, without_it) = reading(kind.name);
    let permission = Permission::new(kind.permission(), label, SCOPES_AT, without_it);
    if [names::CANDIDATES, names::APPLICATIONS, names::JOBS].contains(&kind.name) {
        permission
    } else {
        optional(permission)
    }
}

/// The permission of a raw kind, in the words of its collection.
fn raw(kind: &Kind) -> Permission {
    let words = kind.collection.replace('_', " ");
    let (label, without_it) =
        (format!("List {words}"), format!("The raw kind {} cannot be read.", kind.name));
    optional(Permission::new(kind.permission(), label, SCOPES_AT, without_it))
}

/// Returns the label of a kind's list permission, and what fails without it.
fn reading(kind: &str) -> (&'static str, &'static str) {
    match kind {
        names::CANDIDATES => (
            "List candidates",
            "Candidates cannot be read or searched, so nothing can be written safely either.",
        ),
        names::APPLICATIONS => {
            ("List applications", "Applications, their stages and their outcomes stay unknown.")
        }
        names::JOBS => ("List jobs", "Jobs cannot be offered or resolved by name."),
        names::POSTINGS => ("List job posts", "Public texts and links of jobs stay unknown."),
        names::OPENINGS => ("List openings", "A hire cannot name its opening."),
        names::HIRING_MANAGERS => {
            ("List job hiring managers", "The hiring manager of a job stays unknown.")
        }
        names::JOB_OWNERS => {
            ("List job owners", "Recruiter, coordinator and sourcer of a job stay unknown.")
        }
        names::STAGES => ("List job interview stages", "Stages have ids but no names."),
        names::APPLICATION_STAGES => {
            ("List application stages", "When a candidate entered and left a stage stays unknown.")
        }
        names::REJECTIONS => (
            "List rejection details",
            "Why, when and by whom an application was rejected stays unknown.",
        ),
        names::REJECT_REASONS => (
            "List rejection reasons",
            "Applications cannot be rejected, and rejections have no names.",
        ),
        names::CLOSE_REASONS => {
            ("List close reasons", "A hire cannot name why its opening closes.")
        }
        names::SOURCES => {
            ("List sources", "Your own source cannot be found, so candidates carry none.")
        }
        names::REFERRERS => ("List referrers", "Employees cannot be credited with referrals."),
        names::TAGS => ("List candidate tags", "Tags cannot be resolved by name."),
        names::APPLIED_TAGS => (
            "List applied candidate tags",
            "The tags of a candidate cannot be seen, so none is added.",
        ),
        names::EDUCATIONS => (
            "List candidate educations",
            "Educations of candidates stay unknown, so none is added.",
        ),
        names::EMPLOYMENTS => (
            "List candidate employments",
            "Employments of candidates stay unknown, so none is added.",
        ),
        names::USERS => ("List users", "Employees cannot be matched with users."),
        names::USER_EMAILS => {
            ("List user e-mails", "Employees are matched by their main address only.")
        }
        names::DEPARTMENTS => ("List departments", "Departments of jobs have ids but no names."),
        names::OFFICES => ("List offices", "Offices of jobs have ids but no names."),
        names::NOTES => (
            "List notes",
            "Existing notes cannot be seen, so a user must decide each note in doubt.",
        ),
        names::ATTACHMENTS => ("List attachments", "Existing files cannot be seen."),
        names::POOLS => ("List prospect pools", "Prospects cannot be put into a pool."),
        names::POOL_STAGES => {
            ("List prospect pool stages", "Prospects cannot be put into a stage of a pool.")
        }
        names::POOL_PLACEMENTS => {
            ("List prospect details", "Which pool a prospect is in stays unknown.")
        }
        names::CUSTOM_FIELDS => {
            ("List custom fields", "Custom fields cannot be written, and their types stay unknown.")
        }
        names::CUSTOM_FIELD_OPTIONS => (
            "List custom field options",
            "Values of select fields cannot be written; schools, degrees and disciplines of \
                 educations stay unknown.",
        ),
        _ => ("List", "It cannot be read."),
    }
}
