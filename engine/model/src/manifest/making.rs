//! How an adapter makes its manifest.
//!
//! Each type has a constructor that takes what every value needs; the other members have the
//! defaults of the JSON form, and are public, to be set afterwards. The types are
//! `#[non_exhaustive]`, so an adapter still compiles when a later version adds a member.
//!
//! Left out: checking; the engine checks a manifest when it loads the adapter.

use super::{
    CONTRACT, Carry, Coarser, EffectClass, FieldMode, FieldRule, FormRule, FormSetting, KindRule,
    Manifest, OperationRule, Origin, OriginBase, Permission, RateRule, ResetReading, SafeRequest,
    ScanRule, SettingIs, SideEffect, SideEffectKind, WebhookRule, WebhookSecret,
};
use crate::raw::{CONTENT, RAW_FIELDS};
use serde_json::Value;

fn owned<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

impl Manifest {
    /// A manifest of this version of the contract that offers nothing yet; its title is the name.
    ///
    /// ```
    /// use atsync_model::manifest::{AuthRule, KindRule, Manifest, Origin, ScanRule};
    ///
    /// let mut jobs = KindRule::new("jobs", ScanRule::List {}, ["title", "state"]);
    /// jobs.page_max = 500;
    /// let mut manifest = Manifest::new("plainlist", "0.1.0");
    /// manifest.origins = vec![Origin::fixed("api", "https://plainlist.example")];
    /// manifest.auth = vec![AuthRule::Bearer {}];
    /// manifest.kinds = vec![jobs];
    /// ```
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            title: name.clone(),
            name,
            version: version.into(),
            contract: CONTRACT.to_owned(),
            origins: Vec::new(),
            auth: Vec::new(),
            safe: Vec::new(),
            rates: Vec::new(),
            kinds: Vec::new(),
            operations: Vec::new(),
            permissions: Vec::new(),
            webhooks: None,
            describes_tenant: false,
            settings_schema: Value::Null,
            lossy: Vec::new(),
            forms: Vec::new(),
            sunsets: Vec::new(),
        }
    }
}

impl FormRule {
    /// A field of a kind with the coarser form of its values.
    pub fn new(kind: impl Into<String>, field: impl Into<String>, form: Coarser) -> Self {
        Self { kind: kind.into(), field: field.into(), form }
    }
}

impl Origin {
    /// An origin that does not carry the credential unless it is the only one.
    pub fn new(name: impl Into<String>, base: OriginBase) -> Self {
        Self { name: name.into(), base, credential: false }
    }

    /// An origin with this base URL, as [`Origin::new`].
    pub fn fixed(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(name, OriginBase::Fixed { url: url.into() })
    }
}

impl SafeRequest {
    /// A POST to this path of an origin.
    pub fn post(origin: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: "POST".to_owned(), origin: origin.into(), path: path.into() }
    }
}

impl FormSetting {
    /// A form field and the setting that fills it.
    pub fn new(field: impl Into<String>, setting: impl Into<String>) -> Self {
        Self { field: field.into(), setting: setting.into() }
    }
}

impl RateRule {
    /// So many requests to these origins in each window. The window slides, and no header corrects
    /// the limit.
    pub fn new<'a>(
        name: impl Into<String>,
        origins: impl IntoIterator<Item = &'a str>,
        limit_initial: u32,
        window_ms: u64,
    ) -> Self {
        Self {
            name: name.into(),
            origins: owned(origins),
            window_ms,
            aligned: false,
            limit_initial,
            limit_header: None,
            remaining_header: None,
            reset: ResetReading::Ignore,
            concurrency_max: None,
        }
    }
}

impl KindRule {
    /// A kind that is read in pages of at most 100 records with these fields. It has no fetch and
    /// no list of changes.
    pub fn new<'a>(
        name: impl Into<String>,
        scan: ScanRule,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            name: name.into(),
            scan,
            changes: Vec::new(),
            overlap_ms: 0,
            page_max: 100,
            ids_max: 0,
            absence_proves: false,
            deletes: Vec::new(),
            confidential: false,
            visible_within_ms: 0,
            fields: owned(fields),
            expected: Vec::new(),
            permission: None,
            scope: None,
            raw: false,
            opt_in: None,
        }
    }

    /// A raw kind, as [`KindRule::new`]. Every row has a content; whether every row has the times,
    /// the adapter adds to `expected`.
    pub fn raw(name: impl Into<String>, scan: ScanRule) -> Self {
        let mut rule = Self::new(name, scan, RAW_FIELDS.iter().copied());
        (rule.raw, rule.expected) = (true, vec![CONTENT.to_owned()]);
        rule
    }
}

impl OperationRule {
    /// An operation `<kind>.<verb>` that costs one request. A verb `create` materialises a record
    /// of the kind. It has no fields, and no status of an answer means that it was refused.
    pub fn new(name: impl Into<String>, class: EffectClass) -> Self {
        let name = name.into();
        let (kind, verb) = name.split_once('.').unwrap_or((&name, ""));
        let (kind, verb) = (kind.to_owned(), verb.to_owned());
        Self {
            materialises: if verb == "create" { vec![kind.clone()] } else { Vec::new() },
            name,
            kind,
            verb,
            class,
            may_carry: Vec::new(),
            fields: Vec::new(),
            required: Vec::new(),
            refused_statuses: Vec::new(),
            settle_window_ms: 0,
            side_effects: Vec::new(),
            opt_in: None,
            permissions: Vec::new(),
            calls: 1,
        }
    }
}

impl Carry {
    /// A record of this kind whose input has at most these members, whatever its `kind`.
    pub fn new<'a>(kind: impl Into<String>, members: impl IntoIterator<Item = &'a str>) -> Self {
        Self { kind: kind.into(), when: None, members: owned(members) }
    }
}

impl FieldRule {
    /// A member that is always written this way.
    pub fn new(name: impl Into<String>, mode: FieldMode) -> Self {
        Self { name: name.into(), mode, merged_when: None, unwritable: Vec::new() }
    }
}

impl SettingIs {
    /// A setting with this value.
    pub fn new(setting: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { setting: setting.into(), value: value.into() }
    }
}

impl SideEffect {
    /// A side effect, with a sentence about it for the plan.
    pub fn new(what: SideEffectKind, note: impl Into<String>) -> Self {
        Self { what, note: note.into() }
    }
}

impl WebhookRule {
    /// Webhooks for these events, whose secret the engine writes into this member of a request's
    /// body. They need no permission of their own; the ATS sends only to `https`, to URLs of up to
    /// 255 bytes.
    pub fn new<'a>(
        events: impl IntoIterator<Item = &'a str>,
        secret_member: impl Into<String>,
        by_hand_at: impl Into<String>,
    ) -> Self {
        Self {
            events: owned(events),
            secret: WebhookSecret::Given { member: secret_member.into() },
            permissions: Vec::new(),
            https_only: true,
            url_bytes_max: 255,
            by_hand_at: by_hand_at.into(),
        }
    }
}

impl Permission {
    /// A permission that the connection cannot do without: its id and label, where it is granted,
    /// and what does not work without it.
    pub fn new(
        id: impl Into<String>,
        label: impl Into<String>,
        grant_at: impl Into<String>,
        without_it: impl Into<String>,
    ) -> Self {
        let (id, label) = (id.into(), label.into());
        let (grant_at, without_it) = (grant_at.into(), without_it.into());
        Self { id, label, grant_at, without_it, optional: false }
    }
}
