//! The adapter contract as plain data: the types of `wit/adapter.wit`, item for item.
//!
//! The types exist once. The engine passes them to and from a component (feature `component`
//! derives that), the SDK converts them at the guest's edge, and an adapter compiled natively
//! (tests, simulation) is called with them directly. The meaning of each item is documented in
//! `wit/adapter.wit`; the comments here say only what Rust adds. Left out: the manifest, which is
//! JSON and lives in [`crate::manifest`].

#![allow(missing_docs, reason = "wit/adapter.wit documents every item under the same name")]

#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

/// JSON text.
pub type Json = String;
/// An adapter's own bytes, opaque to the engine, at most [`CONTINUATION_BYTES_MAX`].
pub type Continuation = Vec<u8>;
/// The largest continuation that the engine keeps between two steps.
pub const CONTINUATION_BYTES_MAX: usize = 64 * 1024;

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct RemoteRef {
    pub kind: String,
    pub id: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mark {
    pub text: String,
    #[cfg_attr(feature = "component", component(name = "time-ms"))]
    pub time_ms: u64,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub scopes: Option<Vec<String>>,
    pub actor: Option<String>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    #[cfg_attr(feature = "component", component(name = "now-ms"))]
    pub now_ms: u64,
    pub settings: Json,
    pub tenant: Option<Json>,
    pub mark: Option<Mark>,
    pub grant: Option<Grant>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: String,
    pub to: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    #[cfg_attr(feature = "component", component(name = "everything"))]
    Everything,
    #[cfg_attr(feature = "component", component(name = "window"))]
    Window(Window),
    #[cfg_attr(feature = "component", component(name = "token"))]
    Token(Vec<u8>),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub kind: String,
    pub parent: Option<RemoteRef>,
    pub since: Since,
    pub cursor: Option<Vec<u8>>,
    #[cfg_attr(feature = "component", component(name = "page-size"))]
    pub page_size: u32,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    pub kind: String,
    pub ids: Vec<String>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub name: String,
    pub target: Option<RemoteRef>,
    pub input: Json,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub operation: Operation,
    #[cfg_attr(feature = "component", component(name = "first-sent-ms"))]
    pub first_sent_ms: Option<u64>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub operation: Operation,
    pub observed: Option<Json>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub value: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub headers: Vec<Field>,
    pub body: Vec<u8>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub event: String,
    pub url: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: String,
    pub event: String,
    pub url: String,
    pub active: bool,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookChange {
    pub id: String,
    pub webhook: Webhook,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registering {
    #[cfg_attr(feature = "component", component(name = "list"))]
    List,
    #[cfg_attr(feature = "component", component(name = "create"))]
    Create(Webhook),
    #[cfg_attr(feature = "component", component(name = "change"))]
    Change(WebhookChange),
    #[cfg_attr(feature = "component", component(name = "remove"))]
    Remove(String),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    #[cfg_attr(feature = "component", component(name = "scan"))]
    Scan(Scan),
    #[cfg_attr(feature = "component", component(name = "fetch"))]
    Fetch(Fetch),
    #[cfg_attr(feature = "component", component(name = "probe"))]
    Probe(Probe),
    #[cfg_attr(feature = "component", component(name = "write"))]
    Write(Write),
    #[cfg_attr(feature = "component", component(name = "check"))]
    Check(String),
    #[cfg_attr(feature = "component", component(name = "hook"))]
    Hook(Hook),
    #[cfg_attr(feature = "component", component(name = "describe-tenant"))]
    DescribeTenant,
    #[cfg_attr(feature = "component", component(name = "register"))]
    Register(Registering),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Effect {
    #[cfg_attr(feature = "component", component(name = "safe"))]
    Safe,
    #[cfg_attr(feature = "component", component(name = "scratch"))]
    Scratch,
    #[cfg_attr(feature = "component", component(name = "unsafe"))]
    Unsafe,
    #[cfg_attr(feature = "component", component(name = "consuming"))]
    Consuming,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub path: String,
    pub query: Vec<Field>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    #[cfg_attr(feature = "component", component(name = "path"))]
    Path(Path),
    #[cfg_attr(feature = "component", component(name = "link"))]
    Link(String),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    #[cfg_attr(feature = "component", component(name = "file-name"))]
    pub file_name: Option<String>,
    #[cfg_attr(feature = "component", component(name = "content-type"))]
    pub content_type: Option<String>,
    pub blob: Option<String>,
    pub bytes: Vec<u8>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    #[cfg_attr(feature = "component", component(name = "none"))]
    None,
    #[cfg_attr(feature = "component", component(name = "json"))]
    Json(Json),
    #[cfg_attr(feature = "component", component(name = "form"))]
    Form(Vec<Field>),
    #[cfg_attr(feature = "component", component(name = "bytes"))]
    Bytes((String, Vec<u8>)),
    #[cfg_attr(feature = "component", component(name = "multipart"))]
    Multipart(Vec<Part>),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub origin: String,
    pub method: String,
    pub target: Target,
    pub headers: Vec<Field>,
    pub body: Body,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplySecret {
    pub pointer: String,
    #[cfg_attr(feature = "component", component(name = "secret-name"))]
    pub secret_name: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    pub request: Request,
    pub state: Continuation,
    pub effect: Effect,
    pub secrets: Vec<ReplySecret>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    #[cfg_attr(feature = "component", component(name = "hmac-sha256"))]
    HmacSha256,
    #[cfg_attr(feature = "component", component(name = "hmac-sha1"))]
    HmacSha1,
    #[cfg_attr(feature = "component", component(name = "hmac-sha512"))]
    HmacSha512,
    #[cfg_attr(feature = "component", component(name = "plain"))]
    Plain,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    #[cfg_attr(feature = "component", component(name = "hex"))]
    Hex,
    #[cfg_attr(feature = "component", component(name = "base64"))]
    Base64,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    #[cfg_attr(feature = "component", component(name = "secret-name"))]
    pub secret_name: String,
    pub algorithm: Algorithm,
    pub message: Vec<u8>,
    pub candidates: Vec<String>,
    pub encoding: Encoding,
    pub state: Continuation,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    #[cfg_attr(feature = "component", component(name = "download"))]
    Download,
    #[cfg_attr(feature = "component", component(name = "upload"))]
    Upload,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    #[cfg_attr(feature = "component", component(name = "url-pointer"))]
    pub url_pointer: String,
    pub blob: String,
    pub direction: Direction,
    pub state: Continuation,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    #[cfg_attr(feature = "component", component(name = "send"))]
    Send(Send),
    #[cfg_attr(feature = "component", component(name = "verify"))]
    Verify(Verify),
    #[cfg_attr(feature = "component", component(name = "transfer"))]
    Transfer(Transfer),
    #[cfg_attr(feature = "component", component(name = "done"))]
    Done(Outcome),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<Field>,
    pub body: Vec<u8>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    #[cfg_attr(feature = "component", component(name = "response"))]
    Response(Response),
    #[cfg_attr(feature = "component", component(name = "verified"))]
    Verified(bool),
    #[cfg_attr(feature = "component", component(name = "transferred"))]
    Transferred(u64),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub offset: u32,
    pub length: u32,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub kind: String,
    pub id: String,
    pub version: Option<String>,
    pub mask: u32,
    pub body: Json,
    pub raw: Option<Span>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub items: Vec<Item>,
    pub masks: Vec<Vec<String>>,
    pub next: Option<Vec<u8>>,
    pub checkpoint: Option<Vec<u8>>,
    pub complete: bool,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub items: Vec<Item>,
    pub masks: Vec<Vec<String>>,
    pub missing: Vec<String>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: String,
    pub id: Option<String>,
    pub field: Option<String>,
    pub message: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub role: String,
    pub kind: String,
    pub id: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub links: Vec<Link>,
    pub deduplicated: bool,
    pub warnings: Vec<String>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    #[cfg_attr(feature = "component", component(name = "applied"))]
    Applied(Applied),
    #[cfg_attr(feature = "component", component(name = "refused"))]
    Refused(Failure),
    #[cfg_attr(feature = "component", component(name = "pending"))]
    Pending(String),
    #[cfg_attr(feature = "component", component(name = "unclear"))]
    Unclear(String),
    #[cfg_attr(feature = "component", component(name = "unneeded"))]
    Unneeded(Applied),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Certainty {
    #[cfg_attr(feature = "component", component(name = "marked"))]
    Marked,
    #[cfg_attr(feature = "component", component(name = "matched"))]
    Matched,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub links: Vec<Link>,
    pub certainty: Certainty,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    #[cfg_attr(feature = "component", component(name = "found"))]
    Found(Found),
    #[cfg_attr(feature = "component", component(name = "absent"))]
    Absent(u64),
    #[cfg_attr(feature = "component", component(name = "ambiguous"))]
    Ambiguous(Vec<RemoteRef>),
    #[cfg_attr(feature = "component", component(name = "blind"))]
    Blind(String),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    #[cfg_attr(feature = "component", component(name = "granted"))]
    Granted,
    #[cfg_attr(feature = "component", component(name = "missing"))]
    Missing,
    #[cfg_attr(feature = "component", component(name = "actor"))]
    Actor,
    #[cfg_attr(feature = "component", component(name = "refused"))]
    Refused,
    #[cfg_attr(feature = "component", component(name = "unknown"))]
    Unknown,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub verdict: Verdict,
    pub detail: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    #[cfg_attr(feature = "component", component(name = "changed"))]
    Changed(RemoteRef),
    #[cfg_attr(feature = "component", component(name = "deleted"))]
    Deleted(RemoteRef),
    #[cfg_attr(feature = "component", component(name = "merged"))]
    Merged((RemoteRef, RemoteRef)),
    #[cfg_attr(feature = "component", component(name = "erased"))]
    Erased(RemoteRef),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooked {
    pub answer: Response,
    pub hints: Vec<Hint>,
    #[cfg_attr(feature = "component", component(name = "signed-at-ms"))]
    pub signed_at_ms: Option<u64>,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub fingerprint: String,
    pub catalogue: Json,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    #[cfg_attr(feature = "component", component(name = "listed"))]
    Listed(Vec<Registered>),
    #[cfg_attr(feature = "component", component(name = "unlisted"))]
    Unlisted,
    #[cfg_attr(feature = "component", component(name = "kept"))]
    Kept(Registered),
    #[cfg_attr(feature = "component", component(name = "removed"))]
    Removed,
    #[cfg_attr(feature = "component", component(name = "refused"))]
    Refused(Failure),
    #[cfg_attr(feature = "component", component(name = "unclear"))]
    Unclear(String),
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    #[cfg_attr(feature = "component", component(name = "page"))]
    Page(Page),
    #[cfg_attr(feature = "component", component(name = "fetched"))]
    Fetched(Fetched),
    #[cfg_attr(feature = "component", component(name = "probed"))]
    Probed(Probed),
    #[cfg_attr(feature = "component", component(name = "written"))]
    Written(Written),
    #[cfg_attr(feature = "component", component(name = "checked"))]
    Checked(Checked),
    #[cfg_attr(feature = "component", component(name = "hooked"))]
    Hooked(Hooked),
    #[cfg_attr(feature = "component", component(name = "tenant"))]
    Tenant(Tenant),
    #[cfg_attr(feature = "component", component(name = "flawed-page"))]
    FlawedPage((Page, Vec<Problem>)),
    #[cfg_attr(feature = "component", component(name = "flawed-fetched"))]
    FlawedFetched((Fetched, Vec<Problem>)),
    #[cfg_attr(feature = "component", component(name = "registration"))]
    Registration(Registration),
}

impl Outcome {
    /// A page with its problems.
    pub fn page(page: Page, problems: Vec<Problem>) -> Self {
        if problems.is_empty() { Self::Page(page) } else { Self::FlawedPage((page, problems)) }
    }

    /// The result of a fetch, with its problems.
    pub fn fetched(fetched: Fetched, problems: Vec<Problem>) -> Self {
        if problems.is_empty() {
            Self::Fetched(fetched)
        } else {
            Self::FlawedFetched((fetched, problems))
        }
    }
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    pub permission: String,
    pub message: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    pub message: String,
    pub reading: String,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Restart {
    #[cfg_attr(feature = "component", component(name = "pass"))]
    Pass,
    #[cfg_attr(feature = "component", component(name = "everything"))]
    Everything,
}

#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    #[cfg_attr(feature = "component", component(name = "auth"))]
    Auth(String),
    #[cfg_attr(feature = "component", component(name = "denied"))]
    Denied(Denied),
    #[cfg_attr(feature = "component", component(name = "not-found"))]
    NotFound(String),
    #[cfg_attr(feature = "component", component(name = "gone"))]
    Gone(String),
    #[cfg_attr(feature = "component", component(name = "moved"))]
    Moved(RemoteRef),
    #[cfg_attr(feature = "component", component(name = "conflict"))]
    Conflict(String),
    #[cfg_attr(feature = "component", component(name = "misread"))]
    Misread(Misread),
    #[cfg_attr(feature = "component", component(name = "invalid"))]
    Invalid(Vec<FieldError>),
    #[cfg_attr(feature = "component", component(name = "misconfigured"))]
    Misconfigured(String),
    #[cfg_attr(feature = "component", component(name = "restart"))]
    Restart(Restart),
    #[cfg_attr(feature = "component", component(name = "throttled"))]
    Throttled(Option<u64>),
    #[cfg_attr(feature = "component", component(name = "quota"))]
    Quota(u64),
    #[cfg_attr(feature = "component", component(name = "unavailable"))]
    Unavailable(String),
    #[cfg_attr(feature = "component", component(name = "protocol"))]
    Protocol(String),
    #[cfg_attr(feature = "component", component(name = "bug"))]
    Bug(String),
}

impl Field {
    /// A name and a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl RemoteRef {
    /// A record of `kind` with the adapter's `id`.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

impl Problem {
    /// A row that cannot be read; `id` where it is known.
    pub fn row(kind: impl Into<String>, id: Option<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), id, field: None, message: message.into() }
    }

    /// A unified field of a record that cannot be read; the record's mask leaves the field out.
    pub fn field(
        kind: impl Into<String>,
        id: impl Into<String>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            id: Some(id.into()),
            field: Some(field.into()),
            message: message.into(),
        }
    }
}

impl std::fmt::Display for RemoteRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

impl Response {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }
}

/// Names joined by commas, for messages.
fn joined(errors: &[FieldError]) -> String {
    let mut text = String::new();
    for error in errors {
        if !text.is_empty() {
            text.push_str("; ");
        }
        if !error.field.is_empty() {
            text.push_str(&error.field);
            text.push_str(": ");
        }
        text.push_str(&error.message);
    }
    text
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auth(text) => write!(f, "the credential was not accepted: {text}"),
            Self::Denied(denied) if denied.permission.is_empty() => {
                write!(f, "not permitted: {}", denied.message)
            }
            Self::Denied(denied) => {
                write!(f, "not permitted ({}): {}", denied.permission, denied.message)
            }
            Self::NotFound(text) => write!(f, "not found: {text}"),
            Self::Gone(text) => write!(f, "deleted: {text}"),
            Self::Moved(to) => write!(f, "it lives on as {to}"),
            Self::Conflict(text) => write!(f, "it was changed meanwhile: {text}"),
            Self::Misread(misread) => f.write_str(&misread.message),
            Self::Invalid(errors) => write!(f, "not accepted: {}", joined(errors)),
            Self::Misconfigured(text) => write!(f, "the connection is set up wrongly: {text}"),
            Self::Restart(Restart::Pass) => f.write_str("the pass must begin again"),
            Self::Restart(Restart::Everything) => f.write_str("a full pass is needed"),
            Self::Throttled(Some(wait_ms)) => write!(f, "throttled for {wait_ms} ms"),
            Self::Throttled(None) => f.write_str("throttled"),
            Self::Quota(until_ms) => write!(f, "the quota is used up until {until_ms} ms"),
            Self::Unavailable(text) => write!(f, "the ATS is unavailable: {text}"),
            Self::Protocol(text) => write!(f, "the ATS answered out of its documentation: {text}"),
            Self::Bug(text) => write!(f, "the adapter met an impossible state: {text}"),
        }
    }
}
