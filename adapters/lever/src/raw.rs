//! Raw kinds: what Lever lists below an opportunity and for the account that the unified model has
//! no shape for.

use crate::common::{self, CONFIDENTIALITY, list};
use atsync_adapter::kit::*;

/// A list below each opportunity.
const fn below(
    name: &'static str,
    path: &'static str,
    permission: &'static str,
    names: &'static [(&'static str, &'static str)],
) -> Kind {
    Kind::raw(name, names)
        .times("createdAt", "updatedAt")
        .under("applications")
        .list(list(path))
        .permission(permission)
}

pub(crate) const FEEDBACK: Kind = below(
    "raw_feedback",
    "/opportunities/{parent}/feedback",
    "feedback:read",
    &[("interview", "raw_interviews"), ("user", "users")],
);
pub(crate) const INTERVIEWS: Kind = below(
    "raw_interviews",
    "/opportunities/{parent}/interviews",
    "interviews:read",
    &[("panel", "raw_panels"), ("stage", "stages")],
);
pub(crate) const PANELS: Kind = below(
    "raw_panels",
    "/opportunities/{parent}/panels",
    "panels:read",
    &[("stage", "stages"), ("user", "users")],
);
pub(crate) const OFFERS: Kind = below(
    "raw_offers",
    "/opportunities/{parent}/offers",
    "offers:read",
    &[("creator", "users"), ("posting", "jobs")],
);
pub(crate) const REFERRALS: Kind = below(
    "raw_referrals",
    "/opportunities/{parent}/referrals",
    "referrals:read",
    &[("referrer", "users"), ("stage", "stages"), ("user", "users")],
);
pub(crate) const FORMS: Kind =
    below("raw_forms", "/opportunities/{parent}/forms", "forms:read", &[("user", "users")]);
pub(crate) const FILES: Kind =
    below("raw_files", "/opportunities/{parent}/files", "files:read", &[]);

/// Requisitions have the only custom fields of Lever; the unified openings leave them out.
pub(crate) const REQUISITIONS: Kind = Kind::raw(
    "raw_requisitions",
    &[
        ("hiringManager", "users"),
        ("offerIds", "raw_offers"),
        ("owner", "users"),
        ("postings", "jobs"),
    ],
)
.times("createdAt", "updatedAt")
.list(common::changing("/requisitions").query(&[CONFIDENTIALITY]))
.overlap_ms(common::OVERLAP_MS)
.permission("requisitions:read");

/// This list has no `hasNext` and one page.
pub(crate) const REQUISITION_FIELDS: Kind = Kind::raw("raw_requisition_fields", &[])
    .times("createdAt", "updatedAt")
    .list(List::get("/requisition_fields").rows("/data"))
    .permission("requisition_fields:read");
