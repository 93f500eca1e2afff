//! What an adapter is and can do, as constant data.

use super::{Account, Hook, Kind, Operation, Permission, check};
use crate::Manifest;
use crate::contract::Failure;
use crate::model::manifest::{
    AuthRule, BasicHalf, Carry, ChangeRule, FieldMode, FieldRule, KindRule, OperationRule,
    Origin as OriginRule, OriginBase, Permission as PermissionRule, RateRule, ResetReading,
    SafeRequest, ScanRule, SideEffect,
};
use serde_json::{Map, Value, json};
use std::panic::Location;

/// A named origin of requests.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub(crate) name: &'static str,
    pub(crate) url: &'static str,
    hint: &'static str,
    pub(crate) credential: bool,
}

impl Origin {
    /// An origin that always has this URL, unless the operator overrides it.
    #[track_caller]
    pub const fn fixed(name: &'static str, url: &'static str) -> Self {
        check::is_name("origins", name);
        check::is_url(name, url);
        Self { name, url, hint: "", credential: false }
    }

    /// An origin whose URL the operator gives: where to find it, in a sentence.
    #[track_caller]
    pub const fn operator(name: &'static str, hint: &'static str) -> Self {
        check::is_name("origins", name);
        Self { name, url: "", hint, credential: false }
    }

    /// Requests to it carry the credential: needed only where there are several origins.
    pub const fn credential(mut self) -> Self {
        self.credential = true;
        self
    }
}

/// An auth scheme that the host must offer.
#[derive(Clone, Copy, Debug)]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// HTTP Basic with the key as the user name and an empty password.
    BasicUsername,
    /// HTTP Basic with the key as the password of this user.
    BasicPassword(&'static str),
    /// A header of its own, with a text before the key.
    Header(&'static str, &'static str),
    /// OAuth2 authorization code.
    Code {
        /// The origin of both endpoints.
        origin: &'static str,
        /// Where a person consents.
        authorize: &'static str,
        /// Where codes and refresh tokens are exchanged.
        token: &'static str,
        /// The scopes to request.
        scopes: &'static [&'static str],
    },
    /// OAuth2 client credentials.
    Client {
        /// The origin of the token endpoint.
        origin: &'static str,
        /// Its path.
        token: &'static str,
    },
}

/// One bucket of a rate limit.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub(crate) name: &'static str,
    limit: u32,
    window_ms: u64,
    pub(crate) origins: &'static [&'static str],
    limit_header: Option<&'static str>,
    remaining_header: Option<&'static str>,
    concurrency: Option<u32>,
}

impl Rate {
    /// So many requests to the first origin in each window.
    #[track_caller]
    pub const fn new(name: &'static str, limit: u32, window_ms: u64) -> Self {
        check::is_name("rates", name);
        check::is_rate(name, limit, window_ms);
        Self {
            name,
            limit,
            window_ms,
            origins: &[],
            limit_header: None,
            remaining_header: None,
            concurrency: None,
        }
    }

    /// It counts the requests to these origins instead.
    pub const fn origins(mut self, names: &'static [&'static str]) -> Self {
        self.origins = names;
        self
    }

    /// Names the headers, in lower case, with the limit and with what remains.
    #[track_caller]
    pub const fn headers(mut self, limit: &'static str, remaining: &'static str) -> Self {
        check::is_header(limit);
        check::is_header(remaining);
        self.limit_header = Some(limit);
        self.remaining_header = Some(remaining);
        self
    }

    /// Sets how many requests may be under way at once.
    pub const fn at_once(mut self, requests: u32) -> Self {
        self.concurrency = Some(requests);
        self
    }
}

/// A setting of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub(crate) name: &'static str,
    of: &'static str,
    about: &'static str,
    words: &'static [&'static str],
    required: bool,
}

impl Setting {
    #[track_caller]
    const fn new(name: &'static str, of: &'static str, about: &'static str) -> Self {
        check::is_name("settings", name);
        Self { name, of, about, words: &[], required: false }
    }

    /// A text, with a sentence about it.
    #[track_caller]
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, "string", about)
    }

    /// A flag, with a sentence about it.
    #[track_caller]
    pub const fn flag(name: &'static str, about: &'static str) -> Self {
        Self::new(name, "boolean", about)
    }

    /// A whole number, with a sentence about it.
    #[track_caller]
    pub const fn number(name: &'static str, about: &'static str) -> Self {
        Self::new(name, "integer", about)
    }

    /// One of these words, with a sentence about it.
    #[track_caller]
    pub const fn one_of(
        name: &'static str,
        words: &'static [&'static str],
        about: &'static str,
    ) -> Self {
        let mut setting = Self::new(name, "string", about);
        setting.words = words;
        setting
    }

    /// A connection cannot be set up without it.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn is_flag(&self) -> bool {
        check::is_same(self.of, "boolean")
    }

    fn schema(&self) -> Value {
        let mut schema = json!({ "type": self.of, "description": self.about });
        if let (Some(members), false) = (schema.as_object_mut(), self.words.is_empty()) {
            members.insert("enum".into(), json!(self.words));
        }
        schema
    }
}

/// What an adapter is and can do.
///
/// Each function of the builder checks what it is given, and [`adapter!`](crate::adapter) how the
/// parts fit, while the adapter is compiled. A mistake is a compile error that names the member and
/// the author's line.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) title: &'static str,
    pub(crate) origins: &'static [Origin],
    pub(crate) auth: &'static [Auth],
    pub(crate) safe: &'static [&'static str],
    pub(crate) rates: &'static [Rate],
    pub(crate) kinds: &'static [Kind],
    pub(crate) operations: &'static [Operation],
    pub(crate) permissions: &'static [Permission],
    pub(crate) settings: &'static [Setting],
    pub(crate) account: Option<Account>,
    pub(crate) hook: Option<Hook>,
    pub(crate) lossy: &'static [&'static str],
    pub(crate) at: &'static Location<'static>,
}

impl About {
    /// An adapter of this name and version: `env!("CARGO_PKG_VERSION")`, as a rule.
    #[track_caller]
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        check::is_adapter(name, version);
        Self {
            name,
            version,
            title: name,
            origins: &[],
            auth: &[],
            safe: &[],
            rates: &[],
            kinds: &[],
            operations: &[],
            permissions: &[],
            settings: &[],
            account: None,
            hook: None,
            lossy: &[],
            at: Location::caller(),
        }
    }

    /// Sets the title, for people.
    pub const fn title(mut self, text: &'static str) -> Self {
        self.title = text;
        self
    }

    /// Lists the origins that it sends requests to; the first one is meant where none is named.
    pub const fn origins(mut self, all: &'static [Origin]) -> Self {
        self.origins = all;
        self
    }

    /// Lists the auth schemes that it can work with, best first.
    pub const fn auth(mut self, all: &'static [Auth]) -> Self {
        self.auth = all;
        self
    }

    /// Lists the paths of POST requests to the first origin that change no record and that only
    /// functions send; a segment `*` stands for any one. Those of lists, fetches, permissions and
    /// the account are known.
    #[track_caller]
    pub const fn safe(mut self, paths: &'static [&'static str]) -> Self {
        check::are_paths("safe", paths);
        self.safe = paths;
        self
    }

    /// Lists the ATS's rate limits.
    pub const fn rates(mut self, all: &'static [Rate]) -> Self {
        self.rates = all;
        self
    }

    /// Lists the kinds that it reads.
    pub const fn kinds(mut self, all: &'static [Kind]) -> Self {
        self.kinds = all;
        self
    }

    /// Lists the operations that it can do.
    pub const fn operations(mut self, all: &'static [Operation]) -> Self {
        self.operations = all;
        self
    }

    /// Lists the rights that an administrator grants.
    pub const fn permissions(mut self, all: &'static [Permission]) -> Self {
        self.permissions = all;
        self
    }

    /// Lists the settings of a connection.
    pub const fn settings(mut self, all: &'static [Setting]) -> Self {
        self.settings = all;
        self
    }

    /// Says how the account that a credential belongs to is identified.
    pub const fn account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// Says how webhooks are signed and read.
    pub const fn hook(mut self, hook: Hook) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Lists what the unified model has and the ATS lacks, in sentences.
    pub const fn lossy(mut self, all: &'static [&'static str]) -> Self {
        self.lossy = all;
        self
    }

    /// Refuses data whose parts do not fit each other. For [`adapter!`](crate::adapter).
    #[doc(hidden)]
    #[track_caller]
    pub const fn check(&self) {
        super::check_all::about(self);
    }

    pub(crate) fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    pub(crate) fn known(&self, name: &str) -> Result<&Kind, Failure> {
        self.kind(name).ok_or_else(|| none("kind", name))
    }

    pub(crate) fn operation(&self, name: &str) -> Result<&Operation, Failure> {
        self.operations.iter().find(|rule| rule.name == name).ok_or_else(|| none("operation", name))
    }

    pub(crate) fn permission(&self, id: &str) -> Result<&Permission, Failure> {
        self.permissions.iter().find(|rule| rule.id == id).ok_or_else(|| none("permission", id))
    }

    pub(crate) fn first_origin(&self) -> &'static str {
        self.origins.first().map_or("", |origin| origin.name)
    }

    /// Whether a POST of a function is listed as safe.
    pub(crate) fn is_safe(&self, ask: &super::Ask) -> bool {
        let (origin, path) = (ask.origin, pattern(ask.path));
        self.safe_requests().iter().any(|request| {
            (origin.is_empty() || request.origin == origin)
                && request.covers(ask.method, &request.origin, &path)
        })
    }

    /// The POST requests that change nothing.
    fn safe_requests(&self) -> Vec<SafeRequest> {
        let lists = self.kinds.iter().flat_map(|kind| kind.lists.iter().flatten());
        let asks = lists.map(|list| list.ask);
        let asks = asks.chain(self.kinds.iter().filter_map(|kind| Some(kind.fetch?.ask)));
        let asks = asks.chain(self.permissions.iter().filter_map(|one| match one.how {
            super::permission::How::Ask(ask) => Some(ask),
            _ => None,
        }));
        let asks = asks.chain(self.account.and_then(|account| match account.0 {
            super::permission::By::Ask(ask, _) => Some(ask),
            super::permission::By::Function(_) => None,
        }));
        let mut all: Vec<SafeRequest> = Vec::new();
        let of = |origin: &'static str| {
            if origin.is_empty() { self.first_origin() } else { origin }
        };
        let posts = asks.filter(|ask| ask.method == "POST");
        let posts = posts.map(|ask| SafeRequest::post(of(ask.origin), pattern(ask.path)));
        let listed = self.safe.iter().map(|path| SafeRequest::post(self.first_origin(), *path));
        for request in posts.chain(listed) {
            if !all.contains(&request) {
                all.push(request);
            }
        }
        all
    }

    /// The manifest that says the same.
    pub fn manifest(&self) -> Manifest {
        let mut manifest = Manifest::new(self.name, self.version);
        manifest.title = self.title.to_owned();
        manifest.origins = self.origins.iter().map(Origin::rule).collect();
        manifest.auth = self.auth.iter().map(Auth::rule).collect();
        manifest.safe = self.safe_requests();
        manifest.rates = self.rates.iter().map(|rate| rate.rule(self.first_origin())).collect();
        manifest.kinds = self.kinds.iter().map(Kind::rule).collect();
        manifest.operations = self.operations.iter().map(Operation::rule).collect();
        manifest.permissions = self.permissions.iter().map(Permission::rule).collect();
        manifest.describes_tenant = self.account.is_some();
        manifest.settings_schema = self.schema();
        manifest.lossy = self.lossy.iter().map(|text| (*text).to_owned()).collect();
        manifest
    }

    fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.settings.iter().map(|one| (one.name.to_owned(), one.schema())).collect();
        let required: Vec<&str> =
            self.settings.iter().filter(|one| one.required).map(|one| one.name).collect();
        let mut schema =
            json!({ "type": "object", "additionalProperties": false, "properties": properties });
        if let (Some(members), false) = (schema.as_object_mut(), required.is_empty()) {
            members.insert("required".into(), json!(required));
        }
        schema
    }
}

fn none(what: &str, name: &str) -> Failure {
    Failure::Bug(format!("a task of a {what} that the manifest does not list: {name}"))
}

/// A path with `*` for each segment that has a placeholder.
fn pattern(path: &str) -> String {
    let segments: Vec<&str> =
        path.split('/').map(|part| if part.contains('{') { "*" } else { part }).collect();
    segments.join("/")
}

fn owned(all: &[&str]) -> Vec<String> {
    all.iter().map(|&text| text.to_owned()).collect()
}

impl Origin {
    fn rule(&self) -> OriginRule {
        let mut rule = match self.url {
            "" => OriginRule::new(self.name, OriginBase::Operator { hint: self.hint.to_owned() }),
            url => OriginRule::fixed(self.name, url),
        };
        rule.credential = self.credential;
        rule
    }
}

impl Auth {
    fn rule(&self) -> AuthRule {
        let basic = |half, other: &str| AuthRule::BasicKey { half, other: other.to_owned() };
        match *self {
            Self::Bearer => AuthRule::Bearer {},
            Self::BasicUsername => basic(BasicHalf::Username, ""),
            Self::BasicPassword(user) => basic(BasicHalf::Password, user),
            Self::Header(name, prefix) => {
                AuthRule::Header { name: name.to_owned(), prefix: prefix.to_owned() }
            }
            Self::Code { origin, authorize, token, scopes } => AuthRule::Oauth2AuthorizationCode {
                token_origin: origin.to_owned(),
                authorize_path: authorize.to_owned(),
                token_path: token.to_owned(),
                scopes: owned(scopes),
                pkce: false,
                refresh_life_ms: None,
            },
            Self::Client { origin, token } => AuthRule::Oauth2ClientCredentials {
                token_origin: origin.to_owned(),
                token_path: token.to_owned(),
                form_settings: Vec::new(),
            },
        }
    }
}

impl Rate {
    fn rule(&self, first: &'static str) -> RateRule {
        let origins = if self.origins.is_empty() { vec![first] } else { self.origins.to_vec() };
        let mut rule = RateRule::new(self.name, origins, self.limit, self.window_ms);
        rule.limit_header = self.limit_header.map(str::to_owned);
        rule.remaining_header = self.remaining_header.map(str::to_owned);
        rule.reset = ResetReading::Ignore;
        rule.concurrency_max = self.concurrency;
        rule
    }
}

impl Kind {
    fn rule(&self) -> KindRule {
        let scan = match (self.parent, self.inside, self.lists[0]) {
            (Some(parent), _, _) => ScanRule::ByParent { parent: parent.to_owned() },
            (None, Some(kind), _) => ScanRule::Inside { kind: kind.to_owned() },
            (None, None, Some(_)) => ScanRule::List {},
            (None, None, None) => ScanRule::None {},
        };
        let fields = self.fields.iter().chain(self.extra).copied();
        let mut rule = KindRule::new(self.name, scan, fields);
        let lists = || self.lists.iter().flatten();
        if lists().next().is_some() {
            if lists().all(|list| !list.window.is_empty()) {
                rule.changes.push(ChangeRule::Window);
            }
            if lists().all(|list| list.token.is_some()) {
                rule.changes.push(ChangeRule::Token);
            }
        }
        rule.raw = self.raw.is_some();
        rule.overlap_ms = self.overlap_ms;
        rule.page_max = self.page_max();
        rule.ids_max = self.fetch.map_or(0, |fetch| fetch.many.map_or(1, |(_, _, most)| most));
        rule.absence_proves = self.absence_proves;
        rule.deletes = self.deletes.to_vec();
        rule.confidential = self.confidential;
        rule.visible_within_ms = self.visible_within_ms;
        rule.expected = owned(self.expected);
        rule.permission = Some(self.permission).filter(|id| !id.is_empty()).map(str::to_owned);
        rule.scope = self.scope.map(str::to_owned);
        rule
    }
}

impl Operation {
    fn rule(&self) -> OperationRule {
        let mut rule = OperationRule::new(self.name, self.class);
        if !self.materialises.is_empty() {
            rule.materialises = owned(self.materialises);
        }
        let carry = |(kind, members): &(&'static str, &[&'static str])| {
            Carry::new(*kind, members.iter().copied())
        };
        rule.may_carry = self.carries.iter().map(carry).collect();
        let field = |(name, mode): &(&'static str, FieldMode)| FieldRule::new(*name, *mode);
        rule.fields = self.members.iter().map(field).collect();
        rule.required = owned(self.required);
        rule.refused_statuses = self.refused.to_vec();
        rule.settle_window_ms = self.settle_ms;
        rule.side_effects =
            self.side_effects.iter().map(|(what, note)| SideEffect::new(*what, *note)).collect();
        rule.opt_in = self.opt_in.map(str::to_owned);
        rule.permissions = owned(self.permissions);
        rule.calls = self.calls;
        rule
    }
}

impl Permission {
    fn rule(&self) -> PermissionRule {
        let mut rule = PermissionRule::new(self.id, self.label, self.grant_at, self.without_it);
        rule.optional = self.optional;
        rule
    }
}
