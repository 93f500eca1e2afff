//! The manifest of an adapter: the JSON that `describe` returns.
//!
//! It is data, not code, so that the engine can validate, plan, count requests and explain without
//! calling the adapter. It states the *most* that the ATS allows; `check` narrows that per
//! connection. It is JSON rather than a WIT record because it grows with every release. Unknown
//! members are refused, so that a misspelt rule is not ignored. Left out: anything about one
//! customer, which is in the settings and the tenant catalogue.

mod making;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The contract that this version of the model describes.
pub const CONTRACT: &str = "ats:adapter@0.1.0";

/// The whole manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// Short and stable: lower-case letters, digits and `-`. Stored with the connection.
    pub name: String,
    /// The adapter's own version (semver).
    pub version: String,
    /// For people.
    pub title: String,
    /// The contract it was built against: `ats:adapter@0.1.0`.
    pub contract: String,
    /// The origins that it sends requests to.
    pub origins: Vec<Origin>,
    /// The auth schemes it can work with, best first.
    pub auth: Vec<AuthRule>,
    /// The POST requests that change no record; any other is the one changing request of a write.
    #[serde(default)]
    pub safe: Vec<SafeRequest>,
    /// The ATS's limits. Each request counts against every rule whose `origins` name its origin.
    #[serde(default)]
    pub rates: Vec<RateRule>,
    /// The kinds that can be read.
    pub kinds: Vec<KindRule>,
    /// The operations that can be written.
    #[serde(default)]
    pub operations: Vec<OperationRule>,
    /// The rights that an administrator grants.
    #[serde(default)]
    pub permissions: Vec<Permission>,
    /// The webhooks that the adapter registers by the ATS's API; none when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<WebhookRule>,
    /// The adapter answers the task `describe-tenant`: the engine asks before it reads or writes,
    /// so that it detects a credential of another customer. Required of an adapter that writes; one
    /// that only reads and leaves it out cannot distinguish customers.
    #[serde(default)]
    pub describes_tenant: bool,
    /// JSON Schema of the connection's settings.
    #[serde(default)]
    pub settings_schema: Value,
    /// What the unified model has and the ATS lacks, in sentences.
    #[serde(default)]
    pub lossy: Vec<String>,
    /// The fields whose values the ATS compares by a coarser form than [`crate::normal`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<FormRule>,
}

/// A field whose values the ATS compares by a coarser form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FormRule {
    /// The kind of the record.
    pub kind: String,
    /// Its field: `phones`, `links` or `addresses`. E-mail addresses have one form.
    pub field: String,
    /// The coarser form, applied to the usual one.
    pub form: Coarser,
}

/// A form by which more values are equal; see [`crate::normal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Coarser {
    /// Only the digits count.
    Digits,
    /// The case of letters does not count.
    Caseless,
    /// The number of blanks between words does not count.
    Squeezed,
}

/// A named origin of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Origin {
    /// The name that requests use.
    pub name: String,
    /// How its URL is known.
    pub base: OriginBase,
    /// Requests to it carry the credential. A single origin gets it without this; of several, those
    /// with `credential`. A token endpoint is named by its auth rule and needs none.
    #[serde(default)]
    pub credential: bool,
}

/// A request other than GET that may be sent, and repeated, like one: a read that the ATS takes by
/// POST, or an upload handle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SafeRequest {
    /// `POST`; nothing else can be listed.
    pub method: String,
    /// The name of its origin.
    pub origin: String,
    /// Its path, byte for byte; a segment `*` stands for any one segment.
    pub path: String,
}

impl SafeRequest {
    /// Whether it lists a request.
    pub fn covers(&self, method: &str, origin: &str, path: &str) -> bool {
        let (mut pattern, mut segments) = (self.path.split('/'), path.split('/'));
        let alike = loop {
            match (pattern.next(), segments.next()) {
                (None, None) => break true,
                (Some("*"), Some(segment)) if !segment.is_empty() => {}
                (Some(one), Some(other)) if one == other => {}
                _ => break false,
            }
        };
        alike && self.method == method && self.origin == origin
    }
}

/// How the URL of an origin is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OriginBase {
    /// Always this one, unless the operator overrides it (a sandbox). Scheme, host, port, and a
    /// base path if any.
    Fixed {
        /// For example `https://api.example.com`.
        url: String,
    },
    /// The operator must give it, for example a customer's own subdomain.
    Operator {
        /// Where to find it, in a sentence.
        hint: String,
    },
    /// A reply names it; accepted only below one of these host suffixes. Reserved in 0.1.
    Discovered {
        /// For example `.bullhornstaffing.com`.
        suffixes: Vec<String>,
    },
}

/// An auth scheme that the host must offer. The adapter never sees a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AuthRule {
    /// OAuth2 client credentials (RFC 6749 §4.4), client authenticated by HTTP Basic.
    #[serde(rename = "oauth2-client-credentials")]
    Oauth2ClientCredentials {
        /// The origin of the token endpoint.
        token_origin: String,
        /// Its path.
        token_path: String,
        /// Further form fields, each filled from the connection's setting of that name when it is
        /// set.
        #[serde(default)]
        form_settings: Vec<FormSetting>,
    },
    /// OAuth2 authorization code (RFC 6749 §4.1) with refresh tokens, client authenticated by HTTP
    /// Basic.
    #[serde(rename = "oauth2-authorization-code")]
    Oauth2AuthorizationCode {
        /// The origin of both endpoints.
        token_origin: String,
        /// Where a person consents.
        authorize_path: String,
        /// Where codes and refresh tokens are exchanged.
        token_path: String,
        /// The scopes to request.
        #[serde(default)]
        scopes: Vec<String>,
        /// The ATS checks a code challenge (RFC 7636, method S256).
        #[serde(default)]
        pkce: bool,
        /// How long an unused refresh token lives at least, where that is known. A connection that
        /// is idle refreshes in half of this time.
        #[serde(default)]
        refresh_life_ms: Option<u64>,
    },
    /// HTTP Basic with the key as one half.
    BasicKey {
        /// Which half the key is.
        half: BasicHalf,
        /// The other half.
        #[serde(default)]
        other: String,
    },
    /// `Authorization: Bearer <key>`.
    Bearer {},
    /// A header of its own.
    Header {
        /// For example `X-SmartToken`.
        name: String,
        /// Written before the key, for example `Token token=`.
        #[serde(default)]
        prefix: String,
    },
    /// A query parameter. URLs are masked in every log. Reserved in 0.1.
    QueryParameter {
        /// Its name.
        name: String,
    },
    /// A login exchange that yields a header and perhaps an origin. Reserved in 0.1.
    LoginExchange {},
    /// SAML bearer assertion. Reserved in 0.1.
    SamlBearer {},
    /// A signature over each request. Reserved in 0.1.
    RequestSigning {},
    /// A placeholder inside the body. Reserved in 0.1.
    BodyPlaceholder {},
}

/// A form field filled from a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FormSetting {
    /// The form field.
    pub field: String,
    /// The setting.
    pub setting: String,
}

/// Which half of HTTP Basic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BasicHalf {
    /// The user name.
    Username,
    /// The password.
    Password,
}

/// One bucket of a rate limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RateRule {
    /// For messages and metrics.
    pub name: String,
    /// The origins whose requests it counts.
    pub origins: Vec<String>,
    /// The window's length.
    pub window_ms: u64,
    /// Windows begin at multiples of `window_ms` of the wall clock instead of sliding.
    #[serde(default)]
    pub aligned: bool,
    /// The limit to begin with, until an answer names it.
    pub limit_initial: u32,
    /// Header with the limit, in lower case.
    #[serde(default)]
    pub limit_header: Option<String>,
    /// Header with what remains.
    #[serde(default)]
    pub remaining_header: Option<String>,
    /// How to read the header that says when the window ends.
    #[serde(default)]
    pub reset: ResetReading,
    /// How many requests may be under way at once.
    #[serde(default)]
    pub concurrency_max: Option<u32>,
}

/// How to read a reset header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ResetReading {
    /// There is none, or it is wrong.
    #[default]
    Ignore,
    /// Seconds since 1970.
    EpochSeconds {
        /// In lower case.
        header: String,
    },
    /// Seconds from now.
    SecondsLeft {
        /// In lower case.
        header: String,
    },
}

/// One kind that can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KindRule {
    /// The unified kind, plural: `candidates`.
    pub name: String,
    /// Can it be listed, and how?
    pub scan: ScanRule,
    /// Which `since` a scan takes besides `everything`.
    #[serde(default)]
    pub changes: Vec<ChangeRule>,
    /// How far a window begins before the end of the last one, since change times are written late.
    #[serde(default)]
    pub overlap_ms: u64,
    /// The largest page.
    pub page_max: u32,
    /// How many ids one fetch takes; 0 when there is no fetch.
    #[serde(default)]
    pub ids_max: u32,
    /// Whether a complete scan proves that a record which it did not show is deleted. Rarely true.
    #[serde(default)]
    pub absence_proves: bool,
    /// How a deletion can be detected.
    #[serde(default)]
    pub deletes: Vec<DeleteSign>,
    /// Rows may become hidden from a credential that could see them before.
    #[serde(default)]
    pub confidential: bool,
    /// How long a write may take to show in reads of this kind.
    #[serde(default)]
    pub visible_within_ms: u64,
    /// The top fields of the unified record that this source can fill.
    pub fields: Vec<String>,
    /// Those of `fields` that every row fills, if only with an empty value. A page of several rows
    /// that leaves one out of every mask is reported: the ATS has renamed a member.
    #[serde(default)]
    pub expected: Vec<String>,
    /// The permission that reading it needs; an id of `permissions`.
    #[serde(default)]
    pub permission: Option<String>,
    /// Ids are unique only within a record of this kind.
    #[serde(default)]
    pub scope: Option<String>,
}

/// How a kind can be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScanRule {
    /// As a whole.
    List {},
    /// Only under each record of a parent kind.
    ByParent {
        /// The parent kind.
        parent: String,
    },
    /// It comes with the pages of another kind.
    Inside {
        /// The other kind.
        kind: String,
    },
    /// Not at all.
    None {},
}

/// A way to ask for changes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeRule {
    /// A closed window over the time of change.
    Window,
    /// A token from the end of the last pass.
    Token,
    /// A queue that removes what it returned. Reserved in 0.1.
    Queue,
}

/// How a deletion can be detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeleteSign {
    /// A list of deletions.
    Feed,
    /// A webhook.
    Hook,
    /// A fetch of the id returns nothing.
    GoneOnFetch,
    /// A complete scan does not show it.
    GoneFromWalk,
}

/// One operation that can be carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OperationRule {
    /// `<kind>.<verb>`, for example `candidates.create`.
    pub name: String,
    /// The kind of its target or of the created record.
    pub kind: String,
    /// In the words of a plan: `create`, `update`, `move`, …
    pub verb: String,
    /// How it behaves when repeated.
    pub class: EffectClass,
    /// The kinds that one request creates, main one first. Empty when it creates nothing.
    #[serde(default)]
    pub materialises: Vec<String>,
    /// What its input may include, to be created by the same request (`candidates.create` with its
    /// first application).
    #[serde(default)]
    pub may_carry: Vec<Carry>,
    /// The top members of its input and how each is written.
    #[serde(default)]
    pub fields: Vec<FieldRule>,
    /// Members of the input that must be there, dotted one level deep at most: `name.first`.
    #[serde(default)]
    pub required: Vec<String>,
    /// The statuses of the answer to its `unsafe` request that mean: refused, nothing changed. Any
    /// other 4xx is in doubt.
    pub refused_statuses: Vec<u16>,
    /// How long to wait before a probe can be trusted to see what was written.
    #[serde(default)]
    pub settle_window_ms: u64,
    /// Its side effects.
    #[serde(default)]
    pub side_effects: Vec<SideEffect>,
    /// A boolean setting that must be true before the engine will plan it.
    #[serde(default)]
    pub opt_in: Option<String>,
    /// The permissions that it needs, ids of `permissions`.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// How many requests it costs as a rule, probes and read-backs of the adapter included.
    pub calls: u32,
}

/// A record that the request for another one can create too. A record that needs a member which is
/// not listed gets a request of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Carry {
    /// Its kind.
    pub kind: String,
    /// Only when the member `kind` of its input is this word; absent: any.
    #[serde(default)]
    pub when: Option<String>,
    /// The members of its input that the request can take.
    pub members: Vec<String>,
}

/// How an operation behaves when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EffectClass {
    /// Sending it again changes nothing more.
    Idempotent,
    /// The ATS refuses or reuses a second one by a key of its own.
    Keyed,
    /// A second one creates a second object, but a probe shows whether the first one happened.
    Probeable,
    /// A second one does harm and no probe can be trusted: never sent again without a person's
    /// decision.
    Unsafe,
}

/// How one member of an operation's input is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FieldRule {
    /// The member.
    pub name: String,
    /// How it is written.
    pub mode: FieldMode,
    /// The connection's setting by which entries of a [`FieldMode::ReplaceAll`] field that are not
    /// sent stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_when: Option<SettingIs>,
    /// Of `custom_fields`: the types whose values the ATS shows and does not accept in any form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwritable: Vec<String>,
}

/// A setting with a certain value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SettingIs {
    /// The setting.
    pub setting: String,
    /// The value.
    pub value: Value,
}

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FieldMode {
    /// At creation only.
    CreateOnly,
    /// A value, never empty.
    Set,
    /// A value or nothing.
    SetOrClear,
    /// Entries are added.
    AppendOnly,
    /// Entries are added and removed one by one.
    AddRemove,
    /// The ATS takes the whole collection; the adapter reads it again and sends the merge.
    ReplaceAll,
}

/// A side effect of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SideEffect {
    /// What.
    pub what: SideEffectKind,
    /// A sentence for the plan.
    pub note: String,
}

/// The kinds of side effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SideEffectKind {
    /// A mail to the candidate.
    MailsCandidate,
    /// A mail to a user.
    MailsUser,
    /// A notification of the hiring team.
    NotifiesTeam,
    /// Automation rules of the customer.
    StartsAutomation,
}

/// The webhooks that an adapter registers by the ATS's API: one for each event, all with one URL
/// and one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WebhookRule {
    /// The events that the adapter reads hints from, as the ATS names them.
    pub events: Vec<String>,
    /// Who chooses the secret of a webhook.
    pub secret: WebhookSecret,
    /// The permissions that registering needs, ids of `permissions`.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The ATS sends only to `https`.
    #[serde(default)]
    pub https_only: bool,
    /// Bytes of the longest URL that the ATS takes.
    pub url_bytes_max: u32,
    /// Where a person creates webhooks by hand, as a path through the ATS's screens.
    pub by_hand_at: String,
}

/// Who chooses the secret of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum WebhookSecret {
    /// The engine: it writes the connection's secret into the request.
    Given {
        /// The member of the request's JSON body.
        member: String,
    },
    /// The ATS: its answer to the creation has it. Reserved in 0.1.
    Answered {},
}

/// A right that an administrator grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Permission {
    /// Stable, the ATS's own name where it has one: `harvest:candidates:list`.
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
}

impl OperationRule {
    /// The rule for a member of its input, or for the member that a dotted path begins with.
    pub fn field(&self, path: &str) -> Option<&FieldRule> {
        let top = path.split_once('.').map_or(path, |(top, _)| top);
        self.fields.iter().find(|field| field.name == top)
    }
}

impl Manifest {
    /// The rule for a kind.
    pub fn kind(&self, name: &str) -> Option<&KindRule> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// The rule for an operation.
    pub fn operation(&self, name: &str) -> Option<&OperationRule> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// A permission by its id.
    pub fn permission(&self, id: &str) -> Option<&Permission> {
        self.permissions.iter().find(|permission| permission.id == id)
    }

    /// The coarser form of a field, where the ATS has one.
    pub fn coarser(&self, kind: &str, field: &str) -> Option<Coarser> {
        self.forms
            .iter()
            .find(|rule| rule.kind == kind && rule.field == field)
            .map(|rule| rule.form)
    }

    /// The names of the origins whose requests carry the credential.
    pub fn credential_origins(&self) -> impl Iterator<Item = &str> {
        let only = self.origins.len() == 1;
        self.origins
            .iter()
            .filter(move |origin| only || origin.credential)
            .map(|origin| origin.name.as_str())
    }

    /// An origin by its name.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.origins.iter().find(|origin| origin.name == name)
    }
}
