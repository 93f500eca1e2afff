//! The manifest of the adapter: what Greenhouse has and allows, as data.
//!
//! Origins, auth and rates are here; kinds follow from the table in [`crate::kinds`];
//! [`operations`] and [`permissions`] are lists of their own. Each figure cites its source. The
//! manifest states the most that Greenhouse allows; `check` narrows it per connection.
//!
//! Left out: each part of the reference that no kind or operation uses.

mod operations;
mod permissions;

pub(crate) use permissions::SETUP_SOURCE;

use crate::kinds::{self, Kind};
use crate::{register, request, settings};
use atsync_adapter::Manifest;
use atsync_adapter::manifest::{
    AuthRule, ChangeRule, Coarser, DeleteSign, FormRule, FormSetting, KindRule, Origin, Permission,
    RateRule, ScanRule,
};
use atsync_model::kinds::CANDIDATES;

/// The overlap of two scans for changes. Many processes write `updated_at`; Airbyte's connector
/// overlaps by an hour (harvest-v3.md §3.2 \[2nd\]).
const OVERLAP_MS: u64 = 60 * 60 * 1000;

/// The lifetime of a refresh token: the shorter one of the two that sources state
/// (harvest-v3.md §2.3 \[?\]).
const REFRESH_LIFE_MS: u64 = 24 * 60 * 60 * 1000;

/// The form by which Greenhouse's phone numbers are compared.
pub(crate) const PHONES: Coarser = Coarser::Digits;

/// Builds the whole manifest.
pub fn manifest() -> Manifest {
    let mut manifest = Manifest::new("greenhouse", env!("CARGO_PKG_VERSION"));
    manifest.title = "Greenhouse".into();
    manifest.origins = origins();
    manifest.auth = auth();
    manifest.rates = rates();
    manifest.kinds = kinds::all().map(kind).collect();
    manifest.operations = operations::operations();
    manifest.permissions = permissions();
    manifest.webhooks = Some(register::rule());
    manifest.describes_tenant = true;
    manifest.settings_schema = settings::schema();
    manifest.lossy = lossy();
    manifest.forms = forms();
    manifest
}

/// Lists every permission that a kind or an operation needs.
pub fn permissions() -> Vec<Permission> {
    permissions::permissions()
}

/// Lists the origins (harvest-v3.md §1 \[ok\]).
fn origins() -> Vec<Origin> {
    let mut api = Origin::fixed(request::API, "https://harvest.greenhouse.io");
    api.credential = true;
    vec![api, Origin::fixed(request::AUTH, "https://auth.greenhouse.io")]
}

/// Lists a customer's own credential, and a partner's (harvest-v3.md §2.1 \[ok\]). Neither may use
/// the other's grant.
fn auth() -> Vec<AuthRule> {
    let mut scopes: Vec<String> = permissions()
        .into_iter()
        .map(|permission| permission.id)
        .filter(|id| id.starts_with("harvest:"))
        .collect();
    scopes.sort_unstable();
    vec![
        AuthRule::Oauth2ClientCredentials {
            token_origin: request::AUTH.into(),
            token_path: "/token".into(),
            form_settings: vec![FormSetting::new("sub", "act_as")],
        },
        AuthRule::Oauth2AuthorizationCode {
            token_origin: request::AUTH.into(),
            authorize_path: "/authorize".into(),
            token_path: "/token".into(),
            scopes,
            // Not part of the guide, and clients disable it (harvest-v3.md §2.3).
            pkce: false,
            refresh_life_ms: Some(REFRESH_LIFE_MS),
        },
    ]
}

/// Lists the rate budgets (harvest-v3.md §5).
///
/// Windows of 30 s begin at the wall clock's half minutes (REC \[ok\]). The limit is not published
/// (75, 150 and 50 were seen), so the budget begins with the smallest and learns the limit from the
/// first answer. The reset header is always "now + 30 s", so it is ignored. The token endpoint has
/// its own budget, 60 in 60 s (§2.2 \[ok\]).
fn rates() -> Vec<RateRule> {
    let mut rates = vec![
        RateRule::new("harvest", [request::API], 50, 30_000),
        RateRule::new("token", [request::AUTH], 60, 60_000),
    ];
    for rate in &mut rates {
        rate.aligned = rate.name == "harvest";
        rate.limit_header = Some("x-ratelimit-limit".into());
        rate.remaining_header = Some("x-ratelimit-remaining".into());
    }
    rates
}

/// Builds the rule of a kind.
///
/// Every list takes `updated_at` (harvest-v3.md §3.2 \[2nd\]), with the exceptions that the table
/// of raw kinds names. No scan proves an absence, since rights hide rows (§2.5 \[ok\]); a fetch by
/// id does not return a deleted record (§8).
fn kind(kind: &Kind) -> KindRule {
    let mut deletes = Vec::new();
    if kind.ids_max > 0 {
        deletes.push(DeleteSign::GoneOnFetch);
    }
    if kind.hook {
        deletes.push(DeleteSign::Hook);
    }
    let mut rule = KindRule::new(kind.name, ScanRule::List {}, kind.fields().iter().copied());
    if kind.windowed {
        rule.changes = vec![ChangeRule::Window];
        rule.overlap_ms = OVERLAP_MS;
    }
    rule.page_max = kind.page_max;
    rule.ids_max = kind.ids_max;
    rule.deletes = deletes;
    rule.confidential = kind.confidential;
    rule.visible_within_ms = kind.visible_within_ms;
    rule.expected = kind.expected().map(str::to_owned).collect();
    rule.permission = Some(kind.permission());
    rule.scope = kind.scope.map(str::to_owned);
    rule.raw = kind.is_raw();
    rule.opt_in = kind.opt_in().map(str::to_owned);
    rule
}

/// Lists the normal forms. It is not documented how Greenhouse stores a phone number, so phone
/// numbers are compared by their digits.
fn forms() -> Vec<FormRule> {
    vec![FormRule::new(CANDIDATES, "phones", PHONES)]
}

fn lossy() -> Vec<String> {
    [
        "A rejected application does not say which side ended it; the type of its rejection \
         reason does, where the reason can be read.",
        "Sources, referrers and rejection reasons cannot be created, only referred to.",
        "Social profiles have no type; a link is written as one when its type is `social`, and as \
         a website otherwise.",
        "A new candidate cannot carry custom fields of its application, nor the source and \
         referrer of a prospect; an update must follow.",
        "Values of select fields are read as labels; two options of one field may share a label.",
        "Values of private custom fields that the acting user may not see are absent, as if \
         they were empty.",
        "Notes cannot be changed or removed.",
        "Educations and employments cannot be changed, only added and removed. School, degree and \
         discipline are options of the account: one that it does not have cannot be written.",
        "An employment begins and ends on days: of a month or a year, the first one is written.",
        "A file belongs to an application, and a new resume replaces the former one. The URL of a \
         file is never stored.",
        "Converting a prospect makes a new application; the old one stays as converted.",
        "Moving an application can mail the candidate, and Greenhouse offers no way to prevent it.",
        "Deleted and merged records leave no trace in lists.",
    ]
    .map(str::to_owned)
    .to_vec()
}
