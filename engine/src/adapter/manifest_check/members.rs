//! Where each member of a manifest is enforced.

/// Where a member is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// When the manifest is loaded: [`super::check`], or the reading of its JSON.
    AtLoad,
    /// When a step is planned: the operation's rule decides which parts of it are possible
    /// ([`crate::plan`]).
    AtPlan,
    /// Against each answer: [`crate::adapter::check`], [`crate::adapter::promise`] and the task's
    /// guard.
    AtAnswer,
    /// Not enforced, with the reason.
    Unchecked(&'static str),
}

use Held::{AtAnswer, AtLoad, AtPlan, Unchecked};

/// Every member, by its path in the JSON, `[]` for the entries of a list; and where it is enforced.
pub const MEMBERS: &[(&str, &[Held])] = &[
    ("name", &[AtLoad]),
    ("version", &[AtLoad]),
    ("title", &[AtLoad]),
    ("contract", &[AtLoad]),
    ("origins[].name", &[AtLoad, AtAnswer]),
    ("origins[].base.how", &[AtLoad]),
    ("origins[].base.url", &[AtLoad]),
    ("origins[].credential", &[AtLoad]),
    ("safe[].method", &[AtLoad, AtAnswer]),
    ("safe[].origin", &[AtLoad, AtAnswer]),
    ("safe[].path", &[AtLoad, AtAnswer]),
    ("auth[].scheme", &[AtLoad]),
    ("auth[].token_origin", &[AtLoad]),
    ("auth[].token_path", &[AtLoad]),
    ("auth[].form_settings[].field", &[AtLoad]),
    ("auth[].form_settings[].setting", &[AtLoad]),
    ("rates[].name", &[AtLoad]),
    ("rates[].origins[]", &[AtLoad]),
    ("rates[].window_ms", &[AtLoad]),
    (
        "rates[].aligned",
        &[Unchecked("only the ATS knows when its windows begin; a 429 corrects the budget")],
    ),
    ("rates[].limit_initial", &[AtLoad]),
    ("rates[].limit_header", &[AtLoad]),
    ("rates[].remaining_header", &[AtLoad]),
    ("rates[].reset.how", &[AtLoad]),
    ("rates[].reset.header", &[AtLoad]),
    ("rates[].concurrency_max", &[AtLoad]),
    ("kinds[].name", &[AtLoad, AtAnswer]),
    ("kinds[].scan.how", &[AtLoad]),
    ("kinds[].scan.parent", &[AtLoad]),
    ("kinds[].changes[]", &[AtLoad]),
    ("kinds[].overlap_ms", &[AtLoad]),
    ("kinds[].page_max", &[AtLoad, AtAnswer]),
    ("kinds[].ids_max", &[AtLoad]),
    ("kinds[].absence_proves", &[AtLoad]),
    ("kinds[].deletes[]", &[AtLoad]),
    (
        "kinds[].confidential",
        &[Unchecked("only a second credential could show what one does not see")],
    ),
    ("kinds[].visible_within_ms", &[AtLoad]),
    ("kinds[].fields[]", &[AtLoad, AtAnswer]),
    ("kinds[].expected[]", &[AtLoad, AtAnswer]),
    ("kinds[].permission", &[AtLoad]),
    ("kinds[].scope", &[AtLoad]),
    ("kinds[].raw", &[AtLoad]),
    ("kinds[].opt_in", &[AtLoad]),
    ("operations[].name", &[AtLoad]),
    ("operations[].kind", &[AtLoad, AtAnswer]),
    ("operations[].verb", &[AtLoad]),
    (
        "operations[].class",
        &[Unchecked(
            "what repeating a write does is the ATS's; until a probe tells, the engine does not \
             repeat",
        )],
    ),
    ("operations[].materialises[]", &[AtLoad, AtAnswer]),
    ("operations[].may_carry[].kind", &[AtLoad]),
    ("operations[].may_carry[].when", &[AtLoad]),
    ("operations[].may_carry[].members[]", &[AtLoad, AtPlan]),
    ("operations[].fields[].name", &[AtLoad, AtPlan]),
    ("operations[].fields[].mode", &[AtLoad, AtPlan]),
    ("operations[].fields[].merged_when.setting", &[AtLoad]),
    ("operations[].fields[].merged_when.value", &[AtPlan]),
    ("operations[].fields[].unwritable[]", &[AtLoad, AtPlan]),
    ("operations[].required[]", &[AtLoad, AtPlan]),
    ("operations[].refused_statuses[]", &[AtLoad, AtAnswer]),
    ("operations[].settle_window_ms", &[AtLoad]),
    ("operations[].side_effects[].what", &[AtLoad]),
    ("operations[].side_effects[].note", &[AtLoad]),
    ("operations[].opt_in", &[AtLoad, AtPlan]),
    ("operations[].permissions[]", &[AtLoad]),
    ("operations[].calls", &[AtLoad]),
    ("permissions[].id", &[AtLoad, AtAnswer]),
    ("permissions[].label", &[AtLoad]),
    ("permissions[].grant_at", &[AtLoad]),
    ("permissions[].without_it", &[AtLoad]),
    (
        "permissions[].optional",
        &[Unchecked("of what use a connection is without a right is the author's judgement")],
    ),
    ("webhooks.events[]", &[AtLoad]),
    ("webhooks.secret.how", &[AtLoad]),
    ("webhooks.secret.member", &[AtLoad, AtAnswer]),
    ("webhooks.permissions[]", &[AtLoad]),
    (
        "webhooks.https_only",
        &[Unchecked("the engine holds its own URL to it; what the ATS takes only the ATS knows")],
    ),
    ("webhooks.url_bytes_max", &[AtLoad]),
    ("webhooks.by_hand_at", &[AtLoad]),
    ("settings_schema", &[AtLoad]),
    ("describes_tenant", &[AtLoad]),
    ("lossy[]", &[AtLoad]),
    ("forms[].kind", &[AtLoad]),
    ("forms[].field", &[AtLoad]),
    ("forms[].form", &[AtLoad]),
    ("sunsets[].api", &[AtLoad]),
    ("sunsets[].last_day", &[AtLoad]),
    ("sunsets[].announced_at", &[AtLoad]),
    ("sunsets[].instead", &[AtLoad]),
];
