//! The form of a description: what its author writes, as types.
//!
//! Every member is documented here, and the published JSON Schema
//! (`adapters/described/description.schema.json`) is generated from these comments. Unknown members
//! are refused, so that a misspelt one is not ignored. A *field* is mapped by an expression
//! ([`Expr`]); a *request* is text with expressions between `{{` and `}}` ([`Template`]).
//!
//! Left out: what a name in an expression means (`crate::expression`), and every check that needs
//! more than one member (`crate::validate`).

mod hook;
mod kind;
mod operation;
mod outcome;
mod request;
mod text;

pub use hook::{Handshake, Hint, Hook, Signature, SignatureAlgorithm, SignatureEncoding};
pub use kind::{
    Fetch, Field, Inside, Kind, List, LongReference, Paging, Place, RefForm, Reference, Times,
    Token, Window,
};
pub use operation::{
    FieldWriting, Link, Operation, OperationField, Probe, ProbeCertainty, Refusal, Step,
};
pub use outcome::{OutcomeRule, StatusRange, Statuses, Then};
pub use request::{Method, Request};
pub use text::{Expr, Mapping, Template};

use atsync_model::manifest::{AuthRule, FormRule, Origin, RateRule, Sunset};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An adapter for one Applicant Tracking System, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The adapter's name: lower-case letters, digits and `-`. Stored with each connection, so it
    /// never changes.
    pub name: String,
    /// The adapter's own version (semver).
    pub version: String,
    /// The name of the ATS, for people.
    pub title: String,
    /// Where requests go. The first one is the origin of every request that names none.
    pub origins: Vec<Origin>,
    /// The auth schemes that the ATS accepts, best first. The engine keeps the credential.
    pub auth: Vec<AuthRule>,
    /// The ATS's rate limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateRule>,
    /// JSON Schema of the connection's settings: an object. Left out: there are none. Expressions
    /// read them as `settings.<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, serde_json::Value>>,
    /// What the unified model has and the ATS lacks, in sentences. The plan shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lossy: Vec<String>,
    /// The fields whose values the ATS compares by a coarser form than the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<FormRule>,
    /// The ends that the vendor has announced of what the adapter uses. The engine warns in time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sunsets: Vec<Sunset>,
    /// How the ATS writes times, in rows and in the parameters of windows.
    #[serde(default)]
    pub times: Times,
    /// The ATS's own words in an answer that refuses: an expression over `reply`, such as
    /// `reply.message`. Messages quote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Expr>,
    /// What every list has in common. A list's own members replace these.
    #[serde(default)]
    pub lists: Lists,
    /// What answers mean, for every request. The rules of a kind, an operation or a permission come
    /// first, then these, then the usual reading of the status: 401 `auth`, 403 `denied`, 404
    /// `not-found`, 409 `conflict`, 410 `gone`, 400, 413 and 422 `invalid`, 429 `throttled`, 408
    /// and 5xx `unavailable`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
    /// The statuses of an answer to a changing request that mean: refused, nothing was changed.
    /// Any other status that no rule of `outcomes` covers leaves the write in doubt.
    #[serde(default = "usual_refusals")]
    pub refused: Vec<u16>,
    /// The kinds of records that are read, by their unified name; or, for lists that the model has
    /// no kind for, by a name that begins with `raw_`.
    pub kinds: BTreeMap<String, Kind>,
    /// The operations that can be written, by name: `candidates.create`. `wit/operations.md` lists
    /// them with their input.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operations: BTreeMap<String, Operation>,
    /// The rights that an administrator grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// How the customer is identified. Required of an adapter with operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Tenant>,
    /// How webhooks are verified, and which records they suggest to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Hook>,
    /// Names of functions that expressions call and that are written in Rust. A description with
    /// one cannot be baked into the generic component: a Rust crate includes it with these
    /// functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escapes: Vec<String>,
}

/// What every list has in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// Where the rows lie in the answer: member names joined by dots. Left out or empty: the answer
    /// is the list itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// How the next page is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// The parameter with the number of rows per page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// The most rows per page; 100 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_max: Option<u32>,
    /// Where the parameters of paging, size and windows are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Place>,
    /// The time by which windows overlap, in milliseconds, because change times are written late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_ms: Option<u64>,
}

/// A right that an administrator grants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// Stable, the ATS's own name where it has one.
    pub id: String,
    /// As the administrator sees it.
    pub label: String,
    /// Where it is granted, as a path through the ATS's screens.
    pub grant_at: String,
    /// What will not work without it.
    pub without_it: String,
    /// Whether the connection is of use without it.
    #[serde(default)]
    pub optional: bool,
    /// A harmless request that shows whether it is granted. Left out: it cannot be found out
    /// without changing something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}

/// A request that shows whether a permission is granted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The request. It changes nothing.
    pub request: Request,
    /// What answers mean, with the words `granted`, `missing`, `actor`, `refused` and `unknown`.
    /// By default a 2xx means `granted` and 403 `missing`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
}

/// How a customer is identified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "host", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The request whose answer shows it.
    pub request: Request,
    /// What answers mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
    /// A text that is the same for as long as the credential belongs to the same customer: an
    /// expression over `reply`.
    pub fingerprint: Expr,
    /// What later tasks read as `tenant`: expressions over `reply`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Mapping>,
}

/// The statuses that mean a refusal for nearly every ATS.
fn usual_refusals() -> Vec<u16> {
    vec![400, 401, 403, 404, 422, 429]
}
