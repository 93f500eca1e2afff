//! The network: how requests leave, and the only room that opens sockets.
//!
//! [`Transport`] is the bare exchange of one request and one answer, classified by what the socket
//! did. [`Session`] is above it for one connection: it builds the URL from granted origin and parts
//! and proves it, checks headers, authenticates, waits for the rate budget, and retries requests
//! that are safe to repeat. Every request of an adapter goes through a session.
//!
//! The modules: [`url`], [`headers`], [`body`], [`egress`], [`budget`] and [`retry`] are pure;
//! [`client`] is the socket; [`auth`], [`oauth`] and [`rotating`] authenticate, the latter two
//! through an [`endpoint`]; [`redact`] removes their secrets from replies; [`refusing`] sends
//! nothing; [`budgets`] waits; [`session`] puts them together.
//!
//! Bounds: see [`limits`]. Left out: what an answer means; the adapter reads it.

pub mod auth;
pub(crate) mod body;
pub mod breaker;
pub mod budget;
pub mod budgets;
pub mod client;
mod detached;
pub mod egress;
pub mod endpoint;
mod gzip;
pub mod headers;
mod held;
mod hold;
mod in_use;
pub mod keeper;
pub mod method;
pub mod oauth;
pub mod redact;
pub mod refusing;
pub mod retry;
pub mod rotating;
pub mod session;
mod token;
pub mod url;

pub use auth::{AuthConfig, Authenticator};
pub use client::{HttpOptions, HttpTransport};
pub use keeper::TokenKeeper;
pub use refusing::Refusing;
pub use session::{Session, SessionError, SessionOptions, Shared, Usage};

use crate::reason::AuthReason;
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
    /// How long making a connection may take.
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

/// The end of one request, as far as the transport alone knows it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// A complete answer arrived.
    Answered(Response),
    /// Nothing of the request can have reached the other side's application: no address, no
    /// connection, no TLS, refused by policy.
    NotSent(NotSent),
    /// The request may have arrived, and no complete answer did: time-out, reset, truncated or
    /// oversized answer.
    Unclear(String),
}

/// Why clear text is refused.
const CLEAR_TEXT: &str = "clear-text http is allowed on the private network only; use https, or \
    set `allow_private_network` \
    where the ATS is on this machine or network";

/// The reason why a request did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The grant, the credential's rules or the network's do not allow it: the configuration is
    /// wrong, or the ATS names another place. A repeat fails too.
    #[error("the request was refused: {0}")]
    Refused(String),
    /// The request itself breaks a rule, whatever the configuration: the adapter is wrong, or the
    /// ATS answered with a link that is none. A repeat fails too.
    #[error("the adapter made a request that breaks a rule, and it was not sent: {0}")]
    Malformed(String),
    /// It was cancelled before it left: its target was deleted, or the program is stopping.
    #[error("it did not leave: {0}")]
    Moot(String),
    /// The credential was replaced, and the customer of the new one is not confirmed yet.
    #[error(
        "the credential was replaced meanwhile, and whose it is has to be asked first; do the \
        same again"
    )]
    Replaced,
    /// The name, the address, the connection or TLS failed. A retry may succeed.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The ATS failed several times in a row, and the connection pauses.
    #[error("the ATS did not answer several times in a row; the connection rests until {}",
        crate::clock::rfc3339(*.until_ms))]
    Open {
        /// When it may be retried.
        until_ms: u64,
    },
    /// No credential could be obtained, and a person must act (a wrong secret, a revoked client, a
    /// wrong token endpoint).
    #[error("no credential could be had: {0}")]
    Auth(String),
    /// The consent of a person gives no credential.
    #[error("{why}")]
    Consent {
        /// The reason. It says whether a person must act.
        reason: AuthReason,
        /// The same and more, for people.
        why: String,
    },
    /// The rate budget does not allow it before this time, and the caller's wait ends earlier.
    #[error("the rate budget is used up until {}", crate::clock::rfc3339(*.until_ms))]
    Throttled {
        /// When it may be retried.
        until_ms: u64,
    },
}

/// One exchange with a server.
pub trait Transport: Debug + Send + Sync {
    /// Sends the request and waits for the complete answer. Does not follow redirects, does not
    /// retry.
    ///
    /// # Cancellation
    /// Dropping the future interrupts the exchange; the caller must then treat it as
    /// [`Delivery::Unclear`].
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery>;
}

/// Called when a request has its credential and its place in the budget, just before it leaves, and
/// before each repeat.
pub(crate) trait Gate: Send + Sync {
    /// Why it may no longer leave. `credential`: the number of the credential that it would leave
    /// with ([`session::Session::credential_number`]).
    fn ask(&self, credential: u64) -> BoxFuture<'_, Result<(), NotSent>>;
}

/// The purpose of a request, which orders the queue of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// A person waits, or a write must be settled. It may use the reserve.
    Interactive,
    /// Regular pulls.
    Incremental,
    /// First pulls and sweeps.
    Backfill,
}
