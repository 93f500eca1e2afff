//! Sends the requests of an adapter: over HTTP, or out of recorded answers.
//!
//! A [`Courier`] is what stands between a task and an ATS. [`HttpCourier`] builds the URL, adds the
//! credential and sends; it is written apart from the engine's session, so that a rule which one of
//! them forgets shows. It repeats nothing, and sends a request that changes something only to this
//! machine or to a host that the caller names. Left out: rate budgets (a sandbox has room, and what
//! is recorded is little) and consent by authorization code.

use atsync::model::contract::{Body, Effect, Field, Request, Response, Target};
use atsync::model::manifest::{AuthRule, BasicHalf, Manifest, OriginBase};
use atsync::{Delivery, Secret, Transport, WireRequest};
use base64::Engine as _;
use futures_util::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Mutex;
use url::{Host, Url};

/// What a query keeps as it is.
pub(crate) const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Takes a request to an ATS and brings its answer.
pub trait Courier: Debug + Send + Sync {
    /// Sends a request once.
    ///
    /// The error is a sentence: the request was refused here, did not arrive, or no complete answer
    /// came.
    fn send<'a>(
        &'a self,
        request: &'a Request,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, String>>;
}

/// A credential, which an adapter never sees.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(with = "Written")]
pub enum Credential {
    /// None: requests carry nothing.
    #[default]
    None,
    /// A key, sent as the manifest's first scheme for a key says.
    Key(Secret),
    /// OAuth2 client credentials.
    Client {
        /// The client's id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
    /// An access token that a consent gave.
    Token(Secret),
}

/// A credential, which the adapter never sees.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    /// None: requests carry nothing.
    None,
    /// A key, sent as the manifest's first scheme for a key says.
    Key(String),
    /// OAuth2 client credentials.
    Client {
        /// The client's id.
        id: String,
        /// Its secret.
        secret: String,
    },
    /// An access token that a consent gave.
    Token(String),
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(from)? {
            Written::None => Self::None,
            Written::Key(key) => Self::Key(Secret::new(key)),
            Written::Client { id, secret } => Self::Client { id, secret: Secret::new(secret) },
            Written::Token(token) => Self::Token(Secret::new(token)),
        })
    }
}

/// Where requests go, and what they may do there.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    /// The URL of each origin. One that is missing has the manifest's own.
    pub origins: BTreeMap<String, Url>,
    /// The URL of every origin that `origins` does not name: a sandbox.
    pub base: Option<Url>,
    /// What authenticates.
    pub credential: Credential,
    /// The connection's settings, some of which may go into a token request.
    pub settings: Map<String, Value>,
    /// Hosts that requests may change something at, beside this machine.
    pub writable: Vec<String>,
}

/// Sends over HTTP.
#[derive(Debug)]
pub struct HttpCourier {
    transport: Arc<dyn Transport>,
    manifest: Manifest,
    destination: Destination,
    token: Mutex<Option<Secret>>,
}

impl HttpCourier {
    /// For an adapter and a destination.
    pub fn new(
        transport: Arc<dyn Transport>,
        manifest: Manifest,
        destination: Destination,
    ) -> Self {
        Self { transport, manifest, destination, token: Mutex::default() }
    }

    /// The URL of an origin.
    ///
    /// # Errors
    /// A sentence, when the manifest has no URL for it and none was given.
    pub fn origin(&self, name: &str) -> Result<Url, String> {
        let Destination { origins, base, .. } = &self.destination;
        if let Some(url) = origins.get(name).or(base.as_ref()) {
            return Ok(url.clone());
        }
        let origin = self.manifest.origin(name);
        match origin.map(|origin| &origin.base) {
            Some(OriginBase::Fixed { url }) => {
                Url::parse(url).map_err(|error| format!("the origin {name} is no URL: {error}"))
            }
            Some(_) => Err(format!("the URL of the origin {name} is not known; name it")),
            None => Err(format!("the manifest has no origin {name}")),
        }
    }

    async fn deliver(&self, request: &Request, effect: Effect) -> Result<Response, String> {
        let origin = self.origin(&request.origin)?;
        let url = url(&origin, &request.target)?;
        if effect == Effect::Unsafe && !self.may_change(&url) {
            return Err(format!(
                "{} {} would change something at {}, which is not on this machine; it was not \
                 sent. Name the host with --allow-writes if it may be changed",
                request.method,
                url.path(),
                url.host_str().unwrap_or_default()
            ));
        }
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        for Field { name, value } in &request.headers {
            let name = name.to_ascii_lowercase();
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value.clone()));
        }
        let (content_type, body) = body(&request.body)?;
        if let Some(content_type) = content_type {
            headers.push(("content-type".to_owned(), content_type));
        }
        let carries = self.manifest.credential_origins().any(|name| name == request.origin);
        if carries && let Some(header) = self.authentication().await? {
            headers.push(header);
        }
        self.exchange(WireRequest {
            method: request.method.clone(),
            private_network: is_local(&url),
            url,
            headers,
            body,
        })
        .await
    }

    async fn exchange(&self, request: WireRequest) -> Result<Response, String> {
        let what = format!("{request:?}");
        match self.transport.exchange(request).await {
            Delivery::Answered(response) => Ok(response),
            Delivery::NotSent(why) => Err(format!("{what}: {why}")),
            Delivery::Unclear(why) => Err(format!("{what}: no complete answer came: {why}")),
            _ => Err(format!("{what}: no answer came")),
        }
    }

    /// Whether requests may change something at a URL.
    fn may_change(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        is_loopback(url) || self.destination.writable.iter().any(|named| named == host)
    }

    /// The header that authenticates.
    async fn authentication(&self) -> Result<Option<(String, String)>, String> {
        let authorization = |value: String| Ok(Some(("authorization".to_owned(), value)));
        let basic = |user: &str, password: &str| {
            let pair = format!("{user}:{password}");
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
        };
        match &self.destination.credential {
            Credential::None => Ok(None),
            Credential::Token(token) => authorization(format!("Bearer {}", token.expose())),
            Credential::Key(key) => {
                let key = key.expose();
                for rule in &self.manifest.auth {
                    match rule {
                        AuthRule::Bearer {} => return authorization(format!("Bearer {key}")),
                        AuthRule::BasicKey { half: BasicHalf::Username, other } => {
                            return authorization(basic(key, other));
                        }
                        AuthRule::BasicKey { half: BasicHalf::Password, other } => {
                            return authorization(basic(other, key));
                        }
                        AuthRule::Header { name, prefix } => {
                            return Ok(Some((name.to_ascii_lowercase(), format!("{prefix}{key}"))));
                        }
                        _ => {}
                    }
                }
                Err("the manifest has no scheme that takes a key".to_owned())
            }
            Credential::Client { id, secret } => {
                let mut token = self.token.lock().await;
                if token.is_none() {
                    let basic = basic(id, secret.expose());
                    *token = Some(Secret::new(self.new_token(basic).await?));
                }
                let token = token.as_ref().map_or("", |token| token.expose());
                authorization(format!("Bearer {token}"))
            }
        }
    }

    /// Requests a token with client credentials (RFC 6749 §4.4).
    async fn new_token(&self, basic: String) -> Result<String, String> {
        let rule = self.manifest.auth.iter().find_map(|rule| match rule {
            AuthRule::Oauth2ClientCredentials { token_origin, token_path, form_settings } => {
                Some((token_origin, token_path, form_settings))
            }
            _ => None,
        });
        let (origin, path, form_settings) =
            rule.ok_or("the manifest has no scheme that takes a client's id and secret")?;
        let mut form = vec![Field::new("grant_type", "client_credentials")];
        for setting in form_settings {
            if let Some(value) = self.destination.settings.get(&setting.setting) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                form.push(Field::new(&setting.field, text));
            }
        }
        let target =
            Target::Path(atsync::model::contract::Path { path: path.clone(), query: Vec::new() });
        let url = url(&self.origin(origin)?, &target)?;
        let response = self
            .exchange(WireRequest {
                method: "POST".to_owned(),
                private_network: is_local(&url),
                url,
                headers: vec![
                    ("authorization".to_owned(), basic),
                    ("content-type".to_owned(), FORM.to_owned()),
                ],
                body: encoded(&form).into_bytes(),
            })
            .await?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        answer.get("access_token").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            format!(
                "no token was given: the token endpoint answered with status {}; check the id and \
                 the secret",
                response.status
            )
        })
    }
}

impl Courier for HttpCourier {
    fn send<'a>(
        &'a self,
        request: &'a Request,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, String>> {
        Box::pin(self.deliver(request, effect))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn body(body: &Body) -> Result<(Option<String>, Vec<u8>), String> {
    Ok(match body {
        Body::None => (None, Vec::new()),
        Body::Json(text) => (Some("application/json".to_owned()), text.clone().into_bytes()),
        Body::Form(fields) => (Some(FORM.to_owned()), encoded(fields).into_bytes()),
        Body::Bytes((content_type, bytes)) => (Some(content_type.clone()), bytes.clone()),
        Body::Multipart(_) => return Err("multipart bodies are reserved".to_owned()),
    })
}

pub(crate) fn encoded(fields: &[Field]) -> String {
    let pair = |field: &Field| {
        let part = |text| utf8_percent_encode(text, UNRESERVED).to_string();
        format!("{}={}", part(field.name.as_str()), part(field.value.as_str()))
    };
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The URL of a request, proven to lie below its origin.
///
/// # Errors
/// A sentence, for a target that leaves it.
pub(crate) fn url(origin: &Url, target: &Target) -> Result<Url, String> {
    let root = origin.origin().ascii_serialization();
    let base = origin.path().trim_end_matches('/');
    let text = match target {
        Target::Path(path) => {
            is_plain(&path.path)?;
            let query = encoded(&path.query);
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{root}{base}{}{mark}{query}", path.path)
        }
        Target::Link(link) if link.starts_with('/') => format!("{root}{link}"),
        Target::Link(link) => link.clone(),
    };
    let url = Url::parse(&text).map_err(|error| format!("a request's URL is none: {error}"))?;
    is_plain(url.path())?;
    if url.origin() != origin.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err("a request leaves its origin".to_owned());
    }
    let below = url.path().strip_prefix(base);
    if below.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        return Err("a request leaves the base path of its origin".to_owned());
    }
    Ok(url)
}

fn is_plain(path: &str) -> Result<(), String> {
    let is_dotted = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    if !path.starts_with('/')
        || path.contains("//")
        || path.contains(['\\', '?', '#'])
        || path.chars().any(char::is_control)
        || path.split('/').any(is_dotted)
    {
        return Err(
            "a request's path must begin with / and have no empty, `.` or `..` segment, no \
             backslash, no control character, no ? and no #"
                .to_owned(),
        );
    }
    Ok(())
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether a URL names this machine or an address of a private network.
fn is_local(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    is_loopback(url) || matches!(address, Some(IpAddr::V4(address)) if address.is_private())
}

#[cfg(test)]
mod tests {
    use super::{Courier, Destination, HttpCourier, url};
    use atsync::model::contract::{Body, Effect, Path, Request, Response, Target};
    use atsync::model::manifest::{Manifest, Origin};
    use atsync::{Delivery, Transport, WireRequest};
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use std::sync::Arc;
    use url::Url;

    /// Answers everything.
    #[derive(Debug)]
    struct Answers;

    impl Transport for Answers {
        fn exchange(&self, _: WireRequest) -> BoxFuture<'_, Delivery> {
            let response = Response { status: 200, headers: Vec::new(), body: Vec::new() };
            Box::pin(std::future::ready(Delivery::Answered(response)))
        }
    }

    fn sent(base: &str, writable: &[&str], effect: Effect) -> Result<Response, String> {
        let mut manifest = Manifest::new("acme", "0.1.0");
        manifest.origins = vec![Origin::fixed("api", "https://api.acme.com")];
        let destination = Destination {
            base: Some(Url::parse(base).unwrap()),
            writable: writable.iter().map(|host| (*host).to_owned()).collect(),
            ..Destination::default()
        };
        let courier = HttpCourier::new(Arc::new(Answers), manifest, destination);
        let target = Target::Path(Path { path: "/notes".into(), query: Vec::new() });
        let request = Request {
            origin: "api".into(),
            method: "POST".into(),
            target,
            headers: Vec::new(),
            body: Body::None,
        };
        let answer = courier.send(&request, effect).now_or_never();
        answer.unwrap()
    }

    #[test]
    fn a_request_that_changes_something_leaves_only_for_this_machine_or_a_named_host() {
        for here in ["http://127.0.0.1:8099", "http://localhost:1", "http://[::1]:8099"] {
            assert!(sent(here, &[], Effect::Unsafe).is_ok(), "{here}");
        }
        for there in ["https://api.acme.com", "http://10.0.0.1", "http://127.0.0.1.acme.com"] {
            assert!(sent(there, &[], Effect::Safe).is_ok(), "{there}");
            let refused = sent(there, &["acme.com"], Effect::Unsafe).unwrap_err();
            assert!(refused.contains("--allow-writes"), "{refused}");
        }
        assert!(sent("https://api.acme.com", &["api.acme.com"], Effect::Unsafe).is_ok());
    }

    #[test]
    fn a_request_stays_below_its_origin() {
        let origin = Url::parse("https://api.acme.com/v1").unwrap();
        let path =
            |path: &str| url(&origin, &Target::Path(Path { path: path.into(), query: Vec::new() }));
        assert_eq!(path("/jobs").unwrap().as_str(), "https://api.acme.com/v1/jobs");
        for bad in ["jobs", "//evil.com", "/../v2", "/a/%2e%2E/b", "/a?b", "/a#b", "/a\\b", "/\n"] {
            assert!(path(bad).is_err(), "{bad}");
        }
        let link = |link: &str| url(&origin, &Target::Link(link.into()));
        assert!(link("https://api.acme.com/v1/jobs?page=2").is_ok());
        for bad in [
            "https://evil.com/v1/jobs",
            "https://api.acme.com@evil.com/v1/jobs",
            "https://u:p@api.acme.com/v1/jobs",
            "http://api.acme.com/v1/jobs",
            "https://api.acme.com/v2/jobs",
            "//evil.com/v1",
        ] {
            assert!(link(bad).is_err(), "{bad}");
        }
    }
}
