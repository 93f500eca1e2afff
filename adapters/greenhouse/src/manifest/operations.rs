//! The operations, and how each behaves (harvest-v3.md §7, §9).
//!
//! No endpoint takes an idempotency key (§7 \[2nd\]), so creates are `probeable`, or `keyed` where
//! Greenhouse itself refuses a second record: a tag's name and a user's address (permissions.md
//! §5). [`REFUSED`] lists the statuses that mean "refused, nothing changed". Operations that change
//! the stage or outcome of an application can mail the candidate and are off until the connection
//! opts in.
//!
//! Left out: deleting, merging and anonymising candidates, and deleting applications and custom
//! fields. These cannot be undone.

use atsync_adapter::manifest::{
    Carry, EffectClass, FieldMode, FieldRule, OperationRule, SettingIs, SideEffect, SideEffectKind,
};
use atsync_model::kinds;

/// The statuses that prove that Greenhouse changed nothing. It answers 401 and 429 before it
/// carries out a request (pitfalls.md E49); 403, 404 and 422 refuse it (harvest-v3.md §6). 400 and
/// 409 are not documented, so they leave the write in doubt.
const REFUSED: &[u16] = &[401, 403, 404, 422, 429];
/// The time after the write in which a probe may miss the record. v1 documented minutes for
/// candidates and applications, and a poll every half minute (§7 [?]).
const SETTLE_SLOW_MS: u64 = 120_000;
/// The same for other records. Arbitrary.
const SETTLE_QUICK_MS: u64 = 30_000;

use EffectClass::{Idempotent, Keyed, Probeable};
use FieldMode::{CreateOnly, ReplaceAll, Set, SetOrClear};

/// Describes the first application in the request for a new candidate.
fn carry(when: &str, members: &[&str]) -> Carry {
    let mut carry = Carry::new(kinds::APPLICATIONS, members.iter().copied());
    carry.when = Some(when.to_owned());
    carry
}

/// The members that differ between operations.
struct Rule {
    name: &'static str,
    class: EffectClass,
    fields: &'static [(&'static str, FieldMode)],
    /// The scopes without their prefix.
    scopes: &'static [&'static str],
    calls: u32,
}

/// Builds the rules of all operations.
pub(super) fn operations() -> Vec<OperationRule> {
    let mut all: Vec<OperationRule> = RULES.iter().map(rule).collect();
    for operation in &mut all {
        adorn(operation);
    }
    all
}

const RULES: &[Rule] = &[
    Rule {
        name: "candidates.create",
        class: Probeable,
        fields: &[
            ("name", CreateOnly),
            ("emails", CreateOnly),
            ("phones", CreateOnly),
            ("links", CreateOnly),
            ("addresses", CreateOnly),
            ("company", CreateOnly),
            ("title", CreateOnly),
            ("private", CreateOnly),
            ("tags", CreateOnly),
            ("custom_fields", CreateOnly),
            ("application", CreateOnly),
        ],
        scopes: &["candidates:create", "candidates:list"],
        calls: 1,
    },
    Rule {
        name: "candidates.update",
        class: Idempotent,
        // PATCH replaces whole lists (pitfalls.md A4, A5): the adapter reads the target again and
        // sends the merge.
        fields: &[
            ("name", Set),
            ("emails", ReplaceAll),
            ("phones", ReplaceAll),
            ("links", ReplaceAll),
            ("addresses", ReplaceAll),
            ("company", SetOrClear),
            ("title", SetOrClear),
            ("private", Set),
            ("custom_fields", ReplaceAll),
            ("reading", Set),
            ("may_leave_out", Set),
            ("must_show", Set),
            ("seen", Set),
        ],
        scopes: &["candidates:update", "candidates:list"],
        calls: 2,
    },
    Rule {
        name: "applications.create",
        class: Probeable,
        fields: &[
            ("candidate", CreateOnly),
            ("kind", CreateOnly),
            ("job", CreateOnly),
            ("jobs", CreateOnly),
            ("stage", CreateOnly),
            ("pool", CreateOnly),
            ("pool_stage", CreateOnly),
            ("owner", CreateOnly),
            ("source", CreateOnly),
            ("referrer", CreateOnly),
            ("recruiter", CreateOnly),
            ("coordinator", CreateOnly),
            ("custom_fields", CreateOnly),
        ],
        scopes: &["applications:create", "applications:list", "candidates:list"],
        calls: 2,
    },
    Rule {
        name: "applications.update",
        class: Idempotent,
        fields: &[
            // openapi: ids without null, so they cannot be cleared.
            ("source", Set),
            ("referrer", Set),
            ("recruiter", Set),
            ("coordinator", Set),
            ("pool", Set),
            ("custom_fields", ReplaceAll),
            ("reading", Set),
            ("may_leave_out", Set),
            ("must_show", Set),
            ("seen", Set),
        ],
        scopes: &["applications:update", "applications:list"],
        calls: 2,
    },
    Rule {
        name: "applications.move",
        class: Probeable,
        // `reading`: which id `from_stage_id` is; see `write::lifecycle`.
        fields: &[("to_stage", Set), ("to_job", Set), ("reading", Set), ("seen", Set)],
        scopes: &["applications:move", "applications:list"],
        calls: 2,
    },
    Rule {
        name: "applications.reject",
        class: Probeable,
        fields: &[("reason", Set), ("note", CreateOnly), ("seen", Set)],
        scopes: &["applications:reject", "applications:list"],
        calls: 2,
    },
    Rule {
        name: "applications.unreject",
        class: Probeable,
        fields: &[("seen", Set)],
        scopes: &["applications:unreject", "applications:list"],
        calls: 2,
    },
    Rule {
        name: "applications.hire",
        class: Probeable,
        fields: &[
            ("opening", Set),
            ("start_on", Set),
            ("close_reason", Set),
            ("reading", Set),
            ("seen", Set),
        ],
        // The adapter counts the openings when the input names none.
        scopes: &["applications:hire", "applications:list", "openings:list"],
        calls: 2,
    },
    Rule {
        name: "applications.convert",
        class: Probeable,
        fields: &[("job", Set), ("stage", Set)],
        scopes: &["applications:convert_to_candidate", "applications:list"],
        calls: 2,
    },
    Rule {
        name: "rejections.update",
        class: Idempotent,
        fields: &[
            ("reason", Set),
            ("custom_fields", ReplaceAll),
            ("reading", Set),
            ("may_leave_out", Set),
            ("must_show", Set),
            ("seen", Set),
        ],
        scopes: &["rejection_details:update", "rejection_details:list"],
        calls: 2,
    },
    Rule {
        name: "notes.create",
        class: Probeable,
        fields: &[
            ("candidate", CreateOnly),
            ("application", CreateOnly),
            ("author", CreateOnly),
            ("body", CreateOnly),
            ("visibility", CreateOnly),
        ],
        scopes: &["notes:create", "notes:list", "candidates:list"],
        calls: 2,
    },
    Rule {
        name: "tags.create",
        class: Keyed,
        fields: &[("name", CreateOnly)],
        scopes: &["candidate_tags:create", "candidate_tags:list"],
        calls: 1,
    },
    Rule {
        name: "applied_tags.create",
        class: Probeable,
        fields: &[("candidate", CreateOnly), ("tag", CreateOnly)],
        scopes: &[
            "applied_candidate_tags:create",
            "applied_candidate_tags:list",
            "candidates:list",
        ],
        calls: 3,
    },
    Rule {
        name: "applied_tags.delete",
        class: Idempotent,
        fields: &[],
        scopes: &["applied_candidate_tags:destroy", "applied_candidate_tags:list"],
        calls: 1,
    },
    Rule {
        name: "educations.create",
        class: Probeable,
        fields: &[
            ("candidate", CreateOnly),
            ("school", CreateOnly),
            ("degree", CreateOnly),
            ("discipline", CreateOnly),
            ("started_on", CreateOnly),
            ("ended_on", CreateOnly),
            // The form of the dates; see `write::background`.
            ("reading", CreateOnly),
        ],
        scopes: &[
            "candidate_educations:create",
            "candidate_educations:list",
            "candidates:list",
            "custom_field_options:list",
        ],
        calls: 5,
    },
    Rule {
        name: "educations.destroy",
        class: Idempotent,
        fields: &[("seen", Set)],
        scopes: &[
            "candidate_educations:destroy",
            "candidate_educations:list",
            "custom_field_options:list",
        ],
        calls: 3,
    },
    Rule {
        name: "employments.create",
        class: Probeable,
        fields: &[
            ("candidate", CreateOnly),
            ("company", CreateOnly),
            ("title", CreateOnly),
            ("started_on", CreateOnly),
            ("ended_on", CreateOnly),
        ],
        scopes: &["candidate_employments:create", "candidate_employments:list", "candidates:list"],
        calls: 2,
    },
    Rule {
        name: "employments.destroy",
        class: Idempotent,
        fields: &[("seen", Set)],
        scopes: &["candidate_employments:destroy", "candidate_employments:list"],
        calls: 2,
    },
    Rule {
        name: "attachments.create",
        class: Probeable,
        fields: &[
            ("application", CreateOnly),
            ("filename", CreateOnly),
            ("type", CreateOnly),
            ("url", CreateOnly),
            ("content_base64", CreateOnly),
            ("visibility", CreateOnly),
        ],
        scopes: &["attachments:create", "attachments:list", "applications:list"],
        calls: 2,
    },
    Rule {
        name: "users.create",
        class: Keyed,
        fields: &[
            ("first", CreateOnly),
            ("last", CreateOnly),
            ("email", CreateOnly),
            ("job_title", CreateOnly),
            ("employee_id", CreateOnly),
            ("invite", CreateOnly),
            ("reading", CreateOnly),
        ],
        scopes: &["users:create", "users:list"],
        calls: 1,
    },
    Rule {
        name: "custom_fields.create",
        class: Probeable,
        fields: &[
            ("name", CreateOnly),
            ("applies_to", CreateOnly),
            ("type", CreateOnly),
            ("private", CreateOnly),
            ("description", CreateOnly),
            ("options", CreateOnly),
        ],
        scopes: &["custom_fields:create", "custom_fields:list"],
        calls: 1,
    },
    Rule {
        name: "custom_fields.update",
        class: Idempotent,
        fields: &[("name", Set), ("private", Set), ("description", SetOrClear)],
        scopes: &["custom_fields:update", "custom_fields:list"],
        calls: 2,
    },
    Rule {
        name: "custom_field_options.create",
        class: Probeable,
        fields: &[
            ("custom_field", CreateOnly),
            ("name", CreateOnly),
            ("order", CreateOnly),
            ("external_id", CreateOnly),
        ],
        scopes: &["custom_field_options:create", "custom_field_options:list"],
        calls: 1,
    },
    Rule {
        name: "custom_field_options.update",
        class: Idempotent,
        fields: &[("name", Set), ("order", Set), ("external_id", SetOrClear)],
        scopes: &["custom_field_options:update", "custom_field_options:list"],
        calls: 2,
    },
];

fn rule(rule: &Rule) -> OperationRule {
    let mut operation = OperationRule::new(rule.name, rule.class);
    let kind = operation.kind.as_str();
    let slow = matches!(kind, kinds::CANDIDATES | kinds::APPLICATIONS | kinds::REJECTIONS);
    operation.fields = rule.fields.iter().map(|(name, mode)| field(name, *mode)).collect();
    operation.required = required(rule.name).iter().map(|member| (*member).to_owned()).collect();
    operation.refused_statuses = REFUSED.to_vec();
    operation.settle_window_ms = if slow { SETTLE_SLOW_MS } else { SETTLE_QUICK_MS };
    operation.permissions = rule.scopes.iter().map(|scope| format!("harvest:{scope}")).collect();
    operation.calls = rule.calls;
    operation
}

fn field(name: &str, mode: FieldMode) -> FieldRule {
    let mut rule = FieldRule::new(name, mode);
    if name == "custom_fields" && mode == ReplaceAll {
        // harvest-v3.md §7 [?]: the operator says whether a PATCH replaces the values or merges
        // them.
        rule.merged_when = Some(SettingIs::new("custom_fields_reading", "merge"));
        // No source documents a written form of a file (§9.11).
        rule.unwritable = vec!["file".to_owned()];
    }
    rule
}

/// Lists the members that Greenhouse requires (harvest-v3.md §9, each at its endpoint).
fn required(operation: &str) -> &'static [&'static str] {
    match operation {
        "candidates.create" => &["name.first", "name.last"],
        "applications.create" => &["candidate"],
        "applications.reject" => &["reason"],
        "applications.convert" => &["job"],
        "notes.create" => &["candidate", "body", "visibility"],
        "tags.create" => &["name"],
        "applied_tags.create" => &["candidate", "tag"],
        "educations.create" => &["candidate"],
        // Never null (openapi: candidate_employment).
        "employments.create" => &["candidate", "company", "title", "started_on"],
        "attachments.create" => &["application", "filename", "type"],
        "users.create" => &["first", "last", "email"],
        "custom_fields.create" => &["name", "applies_to", "type"],
        "custom_field_options.create" => &["custom_field", "name"],
        _ => &[],
    }
}

/// Adds the members that only some operations have.
fn adorn(operation: &mut OperationRule) {
    use SideEffectKind::{MailsCandidate, MailsUser, NotifiesTeam, StartsAutomation};
    let effect = |what, note: &str| SideEffect::new(what, note);
    let (opt_in, side_effects) = match operation.name.as_str() {
        "applications.move" => (
            Some("stage_writes"),
            // harvest-v3.md §7, pitfalls.md A13 [ok].
            vec![
                effect(
                    MailsCandidate,
                    "a stage-transition rule of the account may mail the candidate; this cannot be \
                     prevented",
                ),
                effect(StartsAutomation, "the application enters a stage, whose rules run"),
            ],
        ),
        "applications.convert" => (
            Some("stage_writes"),
            vec![effect(StartsAutomation, "the new application enters a stage, whose rules run")],
        ),
        "applications.hire" => (
            Some("stage_writes"),
            vec![effect(
                NotifiesTeam,
                "the opening closes, and with the last one perhaps the job; the hiring team may be \
                 notified",
            )],
        ),
        // harvest-v3.md §7: Greenhouse sends a mail only when `rejection_email` asks for one, and
        // the adapter never sends that member. No source says whether rules of the account send
        // one.
        "applications.reject" => (
            Some("stage_writes"),
            vec![effect(
                MailsCandidate,
                "no rejection mail is asked for, but the account's own rules run and may mail the \
                 candidate",
            )],
        ),
        "applications.unreject" => (
            Some("stage_writes"),
            vec![effect(StartsAutomation, "the application is in process again, in its stage")],
        ),
        "users.create" => (
            Some("user_invitations"),
            vec![effect(
                MailsUser,
                "the new user is mailed an invitation when `invite` is true; a seat may be used",
            )],
        ),
        _ => (None, Vec::new()),
    };
    operation.opt_in = opt_in.map(str::to_owned);
    operation.side_effects = side_effects;
    match operation.name.as_str() {
        // Neither arm takes custom fields; the prospect arm takes neither source nor referrer
        // (harvest-v3.md §9.1).
        "candidates.create" => {
            operation.may_carry = vec![
                carry(
                    "application",
                    &["kind", "job", "stage", "source", "referrer", "recruiter", "coordinator"],
                ),
                carry("prospect", &["kind", "job", "jobs", "pool", "pool_stage", "owner"]),
            ];
        }
        // A 405 says that this form of the endpoint does not exist (harvest-v3.md §9.10 [?]), so
        // nothing changed.
        "users.create" => operation.refused_statuses.push(405),
        // The prospect's application stays as `converted`; Greenhouse creates a new one
        // (harvest-v3.md §9.2).
        "applications.convert" => operation.materialises = vec![kinds::APPLICATIONS.to_owned()],
        _ => {}
    }
}
