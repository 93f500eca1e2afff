//! [`Transport`] by reqwest: HTTP/1.1 over rustls, one exchange per call, classified by what the
//! socket did.
//!
//! # What counts as not sent
//! Only what happens before the first byte of the request is written: the egress policy, the name,
//! the connection, the TLS handshake. All of it happens inside the connector, and its errors carry
//! `is_connect()`. Everything later is [`Delivery::Unclear`], a reset on a kept connection
//! included: whether the other side read the request before it reset cannot be known.
//!
//! # What sends a request twice
//! Nothing that could arrive twice. From the sources of reqwest 0.13.5, hyper-util 0.1.21 and hyper
//! 1.12.0:
//! - reqwest has a retry layer. By default it repeats HTTP/2 refusals, `GOAWAY` with `NO_ERROR`
//!   among them, without comparing stream numbers. It is switched off (`retry::never`), and HTTP/2
//!   with it (`http1_only`): a feature that some other crate of the host enables in reqwest must
//!   not change what a write does.
//! - hyper-util's pool repeats a request when the connection it was handed to closed *before taking
//!   it from its queue*: the request itself comes back in the error (`TrySendError::take_message`).
//!   Once the dispatcher has taken it to write its head, it cannot come back, so at most one copy
//!   was ever begun. This one stays on; the public API of reqwest cannot switch it off.
//! - Redirects are answers.
//!
//! # Compression
//! The product asks for gzip and unpacks it here ([`super::gzip`]), not in reqwest: servers and
//! proxies label clear text as gzip, and with nothing to tell the two apart a complete answer to a
//! write would be lost. Its own unpacking is switched off, whatever features some other crate
//! enables.
//!
//! # What it does not do
//! No proxy from the environment: a proxy resolves names itself and would bypass the egress policy.
//! No cookies, no referer. A body without length or chunks ends where the connection does; TLS
//! proves that end (`close_notify`), clear text does not, so there it is unclear.

use super::egress::{Reach, refusal};
use super::headers::USER_AGENT;
use super::{Delivery, NotSent, Transport, WireRequest, gzip, limits};
use atsync_model::contract::{Field, Response};
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue,
    SET_COOKIE, TRANSFER_ENCODING,
};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The limits of a transport.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HttpOptions {
    /// How long name resolution, connection and TLS may take together; at most half of
    /// `exchange_timeout_ms`.
    pub connect_timeout_ms: u64,
    /// How long the whole exchange may take, the answer's body included.
    pub exchange_timeout_ms: u64,
    /// Bytes of an answer's body after decompression.
    pub response_bytes_max: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout_ms: limits::CONNECT_TIMEOUT_MS,
            exchange_timeout_ms: limits::EXCHANGE_TIMEOUT_MS,
            response_bytes_max: limits::RESPONSE_BODY_BYTES_MAX,
        }
    }
}

/// How long an idle connection is kept. Shorter than the shortest common default of servers (Node's
/// 5 s), so that a write is rarely sent on a connection that is being closed, which would leave it
/// in doubt.
const POOL_IDLE_MS: u64 = 4_000;
/// Idle connections per host; as many as a session has requests under way by default.
const POOL_IDLE_PER_HOST_MAX: usize = 16;

/// The engine's HTTP client. Cheap to share behind an [`Arc`]; one is enough for all connections.
pub struct HttpTransport {
    public: reqwest::Client,
    anywhere: reqwest::Client,
    private: reqwest::Client,
    response_bytes_max: usize,
    /// Why `https` cannot work on this machine (no root certificates); `None` when it can.
    tls_trouble: Option<String>,
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport")
            .field("response_bytes_max", &self.response_bytes_max)
            .finish_non_exhaustive()
    }
}

/// The client could not be built.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}; check the machine's TLS and root certificates")]
pub struct SetUpError(String);

impl HttpTransport {
    /// Builds the clients. Root certificates are the system's; without any, only `http` origins on
    /// the private network work.
    ///
    /// Uses the process's rustls provider, and installs *ring* as such when there is none yet.
    ///
    /// # Errors
    /// When the client library refuses its own settings.
    pub fn new(options: HttpOptions) -> Result<Self, SetUpError> {
        // An error only means that the host has installed its own provider, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (tls_trouble, system_roots) = match build(options, Reach::Public, true) {
            Ok(_) => (None, true),
            Err(error) => (Some(chain(&error)), false),
        };
        let client =
            |reach| build(options, reach, system_roots).map_err(|error| SetUpError(chain(&error)));
        Ok(Self {
            public: client(Reach::Public)?,
            anywhere: client(Reach::Anywhere)?,
            private: client(Reach::Private)?,
            response_bytes_max: options.response_bytes_max,
            tls_trouble,
        })
    }

    /// The client whose resolver has the reach of this request.
    fn choose(&self, request: &WireRequest) -> Result<(&reqwest::Client, Reach), NotSent> {
        match (request.url.scheme(), request.private_network) {
            ("https", _) if self.tls_trouble.is_some() => Err(NotSent::Refused(format!(
                "TLS cannot be set up: {}; install the system's root certificates (as a rule the \
                 package ca-certificates)",
                self.tls_trouble.as_deref().unwrap_or_default()
            ))),
            ("https", false) => Ok((&self.public, Reach::Public)),
            ("https", true) => Ok((&self.anywhere, Reach::Anywhere)),
            ("http", true) => Ok((&self.private, Reach::Private)),
            ("http", false) => Err(NotSent::Refused(super::CLEAR_TEXT.to_owned())),
            (scheme, _) => Err(NotSent::Refused(format!("no transport for `{scheme}`; use https"))),
        }
    }

    async fn run(&self, request: WireRequest) -> Delivery {
        let clear_text = request.url.scheme() == "http";
        let prepared = self.choose(&request).and_then(|(client, reach)| {
            check_literal(&request.url, reach)?;
            prepare(client, request)
        });
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(why) => return Delivery::NotSent(why),
        };
        match prepared.send().await {
            Ok(response) => self.read(response, clear_text).await,
            Err(error) => classify(&error),
        }
    }

    /// From here on the request has arrived.
    async fn read(&self, mut response: reqwest::Response, clear_text: bool) -> Delivery {
        let status = response.status().as_u16();
        let bounded = response.headers().contains_key(CONTENT_LENGTH)
            || response.headers().contains_key(TRANSFER_ENCODING);
        let is_labelled = gzip::is_labelled(response.headers().get_all(CONTENT_ENCODING));
        let mut headers = fields(response.headers());
        if is_labelled {
            // They describe the body as received.
            headers
                .retain(|field| field.name != "content-encoding" && field.name != "content-length");
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk))
                    if body.len().saturating_add(chunk.len()) > self.response_bytes_max =>
                {
                    return Delivery::Unclear(format!(
                        "status {status}, then a body of more than {} bytes",
                        self.response_bytes_max
                    ));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    return Delivery::Unclear(format!(
                        "status {status}, then the body broke off: {}",
                        chain(&error)
                    ));
                }
            }
        }
        let is_packed = is_labelled && gzip::is_packed(&body);
        // A truncated compressed body does not unpack to its end; for clear text only its length
        // shows that.
        if clear_text && !bounded && !is_packed && !body.is_empty() {
            return Delivery::Unclear(format!(
                "status {status}, then a body whose end nothing marks"
            ));
        }
        let body =
            match if is_packed { gzip::unpacked(&body, self.response_bytes_max) } else { Ok(body) }
            {
                Ok(body) => body,
                Err(why) => return Delivery::Unclear(format!("status {status}, then {why}")),
            };
        Delivery::Answered(Response { status, headers, body })
    }
}

impl Transport for HttpTransport {
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            match crate::runtime::required() {
                Ok(()) => self.run(request).await,
                Err(why) => Delivery::NotSent(NotSent::Refused(why)),
            }
        })
    }
}

fn build(
    options: HttpOptions,
    reach: Reach,
    system_roots: bool,
) -> Result<reqwest::Client, reqwest::Error> {
    // The time-out of the whole exchange does not show whether the connection was made, so it must
    // not be the first to end.
    let connect_timeout_ms = options.connect_timeout_ms.min(options.exchange_timeout_ms / 2);
    let builder = reqwest::Client::builder()
        .dns_resolver(Arc::new(GuardedResolver { reach }))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .no_gzip()
        .user_agent(USER_AGENT)
        .connect_timeout(Duration::from_millis(connect_timeout_ms))
        .timeout(Duration::from_millis(options.exchange_timeout_ms))
        .pool_idle_timeout(Duration::from_millis(POOL_IDLE_MS))
        .pool_max_idle_per_host(POOL_IDLE_PER_HOST_MAX);
    if system_roots { builder.build() } else { builder.tls_certs_only([]).build() }
}

/// A host that is an address is not resolved.
fn check_literal(url: &url::Url, reach: Reach) -> Result<(), NotSent> {
    let address = match url.host() {
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address),
        _ => return Ok(()),
    };
    match refusal(address, reach) {
        Some(why) => {
            let refused =
                EgressRefused { host: address.to_string(), why, help: help(address, reach) };
            Err(NotSent::Refused(refused.to_string()))
        }
        None => Ok(()),
    }
}

fn prepare(
    client: &reqwest::Client,
    request: WireRequest,
) -> Result<reqwest::RequestBuilder, NotSent> {
    let refused = |what: &str| NotSent::Refused(format!("{what} cannot be written"));
    let method = reqwest::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| refused("the method"))?;
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let key =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("a header's name"))?;
        let mut value =
            HeaderValue::from_str(value).map_err(|_| refused(&format!("the header `{name}`")))?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
    let builder = client.request(method, request.url).headers(headers);
    Ok(if request.body.is_empty() { builder } else { builder.body(request.body) })
}

/// The one place that decides between "not sent" and "unclear". When in doubt: unclear.
fn classify(error: &reqwest::Error) -> Delivery {
    if let Some(refused) = find::<EgressRefused>(error) {
        return Delivery::NotSent(NotSent::Refused(refused.to_string()));
    }
    if error.is_builder() {
        return Delivery::NotSent(NotSent::Refused(chain(error)));
    }
    if error.is_connect() {
        // The origin without path and query: those may contain data that no message should have.
        let place = error
            .url()
            .map(|url| format!("{}: ", url.origin().ascii_serialization()))
            .unwrap_or_default();
        Delivery::NotSent(NotSent::Unreachable(format!("{place}{}", chain(error))))
    } else {
        Delivery::Unclear(chain(error))
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The causes in one line. The outermost text of reqwest is left out: it shows the URL with its
/// query.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
        next = cause.source();
    }
    if text.is_empty() { "the client library gives no cause".to_owned() } else { text }
}

/// Names in lower case, in the order received. Cookies are removed: a session cookie is a
/// credential, and adapters see none.
fn fields(headers: &HeaderMap) -> Vec<Field> {
    headers
        .iter()
        .filter(|(name, _)| **name != SET_COOKIE)
        .map(|(name, value)| Field {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        })
        .collect()
}

/// A host without an address that may be connected to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the egress policy refuses {host}: it is {why}{help}")]
struct EgressRefused {
    host: String,
    why: &'static str,
    help: &'static str,
}

/// The help, where the operator can do something.
fn help(address: IpAddr, reach: Reach) -> &'static str {
    if reach == Reach::Public && refusal(address, Reach::Anywhere).is_none() {
        "; set `allow_private_network` if the ATS is on this machine or network"
    } else {
        ""
    }
}

/// Resolves by the system and returns only the addresses within reach; the connection goes to one
/// of those.
#[derive(Clone, Copy, Debug)]
struct GuardedResolver {
    reach: Reach,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let within: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| refusal(address.ip(), reach).is_none())
                .collect();
            let refused = found.first().and_then(|address| {
                let (host, help) = (name.as_str().to_owned(), help(address.ip(), reach));
                refusal(address.ip(), reach).map(|why| EgressRefused { host, why, help })
            });
            match refused {
                Some(refused) if within.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(within.into_iter()) as Addrs),
            }
        })
    }
}
