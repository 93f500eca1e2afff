//! How requests leave: the one room that talks to the network.
//!
//! [`Transport`] is the bare exchange of one request against one answer, judged by what the socket
//! did. [`Session`] stands above it for one connection: it builds the URL from granted origin and
//! parts and proves it, holds headers against the rules, authenticates, paces on the rate budget,
//! retries what is safe to retry. An adapter's request goes through a session and nothing else.
//!
//! The modules: [`url`], [`headers`], [`egress`], [`budget`] and [`retry`] are pure decisions;
//! [`client`] is the socket; [`auth`] and [`oauth`] know who we are; [`redact`] takes their secrets
//! out of what comes back; [`refusing`] sends nothing; [`budgets`] waits; [`session`] puts them
//! together.
//!
//! Bounds: see [`limits`]. Left out: what an answer means; that is the adapter's.

pub mod auth;
pub mod breaker;
pub mod budget;
pub mod budgets;
pub mod client;
pub mod egress;
mod gzip;
pub mod headers;
pub mod method;
pub mod oauth;
pub mod redact;
pub mod refusing;
pub mod retry;
pub mod session;
mod token;
pub mod url;

pub use auth::{AuthConfig, Authenticator, TokenKeeper};
pub use client::{HttpOptions, HttpTransport};
pub use refusing::Refusing;
pub use session::{Session, SessionError, SessionOptions, Shared, Usage};

use atsync_model::contract::Response;
use futures_util::future::BoxFuture;
use std::fmt::Debug;

/// The limits of an exchange.
pub mod limits {
    /// Bytes of a request body.
    pub const REQUEST_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Bytes of an answer's body after decompression.
    pub const RESPONSE_BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
    /// Bytes of a URL.
    pub const URL_BYTES_MAX: usize = 8 * 1024;
    /// Headers that an adapter may add.
    pub const HEADERS_MAX: usize = 32;
    /// Bytes of one header's value.
    pub const HEADER_VALUE_BYTES_MAX: usize = 8 * 1024;
    /// How long a connection may take to come about.
    pub const CONNECT_TIMEOUT_MS: u64 = 10_000;
    /// How long the whole exchange may take.
    pub const EXCHANGE_TIMEOUT_MS: u64 = 60_000;
}

/// A request as it leaves: absolute URL, all headers, credentials included. Its `Debug` shows
/// neither header values nor the body.
pub struct WireRequest {
    /// Upper-case method.
    pub method: String,
    /// Proven to lie within the granted origin.
    pub url: ::url::Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// The operator allows private, loopback and link-local addresses for this connection.
    pub private_network: bool,
}

impl Debug for WireRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}{}", self.method, self.url.origin().ascii_serialization(), self.url.path())
    }
}

/// What became of one request, from the facts of the transport alone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// A complete answer came.
    Answered(Response),
    /// Nothing of the request can have reached the other side's application: no address, no
    /// connection, no TLS, refused by policy.
    NotSent(NotSent),
    /// The request may have arrived, and no complete answer came: timeout, reset, cut or oversized
    /// answer.
    Unclear(String),
}

/// Why clear text is refused.
const CLEAR_TEXT: &str = "clear-text http is allowed on the private network only; use https, or \
    set `allow_private_network` \
    where the ATS is on this machine or network";

/// Why a request did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The request breaks a rule: the adapter's or the configuration's fault. Repeating it is no
    /// use.
    #[error("the request was refused: {0}")]
    Refused(String),
    /// When its turn came it was not wanted any more: what it changes is gone, or the program is
    /// stopping.
    #[error("it did not leave: {0}")]
    Moot(String),
    /// The credential was replaced, and which customer the new one belongs to is not known yet.
    #[error(
        "the credential was replaced meanwhile, and whose it is has to be asked first; do the \
        same again"
    )]
    Replaced,
    /// The name, the address, the connection or TLS failed. Another time it may work.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The other side was ill several times in a row, and the connection rests.
    #[error("the ATS did not answer several times in a row; the connection rests until {}",
        crate::clock::rfc3339(*.until_ms))]
    Open {
        /// When it may be tried again.
        until_ms: u64,
    },
    /// No credential could be had, and a person must act (a wrong secret, a revoked client, another
    /// place than the token endpoint).
    #[error("no credential could be had: {0}")]
    Auth(String),
    /// The rate budget does not allow it before this time, and the caller did not want to wait so
    /// long.
    #[error("the rate budget is used up until {}", crate::clock::rfc3339(*.until_ms))]
    Throttled {
        /// When it may be tried again.
        until_ms: u64,
    },
}

/// One exchange with the other side.
pub trait Transport: Debug + Send + Sync {
    /// Sends the request and waits for the complete answer. Does not follow redirects, does not
    /// retry.
    ///
    /// # Cancellation
    /// Dropping the future cuts the exchange; the caller must then hold it for
    /// [`Delivery::Unclear`].
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery>;
}

/// Asked when a request has its credential and its place in the budget, just before it leaves;
/// before each repeat anew.
pub(crate) trait Gate: Send + Sync {
    /// Why it may not leave any more. `credential`: the number of the credential that it would
    /// leave with ([`session::Session::credential_number`]).
    fn ask(&self, credential: u64) -> BoxFuture<'_, Result<(), NotSent>>;
}

/// Who waits for a request; orders the waiting when the budget is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person waits, or a write must be settled. May use the reserve.
    Interactive,
    /// Keeping in step.
    Incremental,
    /// First pulls and sweeps.
    Backfill,
}
