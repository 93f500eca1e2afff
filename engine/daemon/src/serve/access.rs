//! Who a request comes from, and what it may do: decided in one place, before routing.
//!
//! Three questions, in this order. Is the request for this server: `Host`, and `Origin` where a
//! browser sends one, must name an address or a name of it, so that a page of another origin cannot
//! use a browser on this machine. Who sends it: a bearer token, by its SHA-256, compared in
//! constant time against every known one. What may they do: the scope that the method and the path
//! need, and the connections of the token.
//!
//! The unix socket needs no token: its file mode admits this user alone. Without any token, in
//! the configuration or made at run time, the loopback address needs none either.
//!
//! A browser that asks for a page of the console sends the cookie of a session instead of a token.
//! The session remembers the token's hash alone, and each request asks anew what that token may do:
//! one that was removed or narrowed since ends or narrows its sessions at once.

use super::caller::Caller;
use super::known_tokens::Tokens;
use super::paths::{SIGN_IN, SIGN_OUT};
use super::problem::{Problem, ProblemType};
use crate::config::client;
use crate::config::serve::{Scope, ServeConfig};
use atsync::Secret;
use axum::http::{HeaderMap, Method, header};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// The bytes of the shortest token: 128 bits in hexadecimal. A shorter one can be guessed.
const TOKEN_BYTES_MIN: usize = 32;

/// Where a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// The unix socket beside the store.
    Socket,
    /// This address.
    Tcp(SocketAddr),
}

/// The SHA-256 of a token.
pub(super) type TokenMark = [u8; 32];

/// The user of a session of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignedIn {
    /// Signed in with the token of this hash.
    With(TokenMark),
    /// Without one, since there is no token.
    Locally,
}

/// The sender of a request to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    /// Any sender: the path is open to everyone.
    Open,
    /// A user without a session.
    Stranger,
    /// This one.
    By(Caller),
}

/// The known tokens, and the names of this server.
#[derive(Debug, Default)]
pub(crate) struct Access {
    hosts: Vec<String>,
    tokens: Vec<(TokenMark, Caller)>,
    made: Arc<Tokens>,
}

/// The access rules that hold now: a reload of the configuration replaces them.
#[derive(Clone, Debug)]
pub(super) struct Current(Arc<Mutex<Arc<Access>>>);

impl Current {
    pub(super) fn new(access: Access) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(access))))
    }

    pub(super) fn get(&self) -> Arc<Access> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, access: Access) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }
}

impl Access {
    /// Checks the tokens of a configuration.
    ///
    /// # Errors
    /// One sentence with the token's name.
    pub(crate) async fn check(config: &ServeConfig, directory: &Path) -> Result<(), String> {
        Self::with(config, directory, &Arc::default()).await.map(drop)
    }

    /// Reads the tokens of a configuration, which stand beside those that were made.
    ///
    /// # Errors
    /// One sentence with the token's name.
    pub(super) async fn with(
        config: &ServeConfig,
        directory: &Path,
        made: &Arc<Tokens>,
    ) -> Result<Self, String> {
        let public = config.public_url.as_deref().map(client::authority);
        let hosts = config.hosts.iter().map(String::as_str).chain(public);
        let hosts = hosts.map(str::to_ascii_lowercase).collect();
        let mut tokens = Vec::new();
        for (name, token) in &config.tokens {
            let caller = Caller::new(name, token.scope, token.connections.clone());
            for secret in &token.secret {
                let secret: Secret = secret
                    .read(directory)
                    .await
                    .map_err(|error| format!("serve.tokens.{name}.secret: {error}"))?;
                if secret.expose().len() < TOKEN_BYTES_MIN {
                    return Err(format!(
                        "serve.tokens.{name}.secret: it has fewer than {TOKEN_BYTES_MIN} \
                         characters and could be guessed; `openssl rand -hex 32` makes one"
                    ));
                }
                tokens.push((Sha256::digest(secret.expose()).into(), caller.clone()));
            }
        }
        Ok(Self { hosts, tokens, made: Arc::clone(made) })
    }

    /// The caller of a request, if it may be made.
    pub(super) fn admit(
        &self,
        door: Door,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        self.is_for_here(door, headers)?;
        // A webhook is authenticated by its path and its signature.
        let is_hook = path.starts_with(super::hooks::PREFIX);
        if is_hook && *method == Method::POST {
            return Ok(Caller::stranger());
        }
        let is_answered = matches!(path, "/livez" | "/readyz");
        let caller = match (door, self.has_tokens()) {
            (Door::Socket, _) | (Door::Tcp(_), false) => Caller::local(),
            (Door::Tcp(_), true) if is_answered => Caller::local(),
            (Door::Tcp(_), true) => self.sender(headers)?,
        };
        Self::allowed(&caller, method, path)?;
        Ok(caller)
    }

    /// The name of the token that a refused request has; none where it has no known one.
    pub(super) fn name_of(&self, headers: &HeaderMap) -> Option<String> {
        self.sender(headers).ok().map(|caller| caller.name)
    }

    /// The sender of a request to the console, if it may be made. `session` is that of its cookie.
    pub(super) fn visit(
        &self,
        door: Door,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        session: Option<SignedIn>,
    ) -> Result<Visit, Problem> {
        if door == Door::Socket {
            return Err(Problem::new(
                ProblemType::NoSuchRoute,
                "the console is at the address of `serve.listen`",
            ));
        }
        self.is_for_here(door, headers)?;
        // Every browser names the origin of a page that sends a form.
        if !is_reading(method) && !headers.contains_key(header::ORIGIN) {
            return Err(Problem::new(
                ProblemType::ForeignOrigin,
                "the form came without `Origin`; send it from a page of this console",
            ));
        }
        if is_open(path) {
            return Ok(Visit::Open);
        }
        let Some(caller) = session.and_then(|user| self.caller_of(user)) else {
            return Ok(Visit::Stranger);
        };
        Self::allowed(&caller, method, path)?;
        Ok(Visit::By(caller))
    }

    /// What the user of a session may do now; none when their token is no longer known.
    pub(super) fn caller_of(&self, user: SignedIn) -> Option<Caller> {
        match user {
            SignedIn::With(mark) => self.known(&mark),
            SignedIn::Locally => (!self.has_tokens()).then(Caller::local),
        }
    }

    /// Whether a session needs a token.
    pub(super) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty() || self.made.were_made()
    }

    /// The user whom a token signs in.
    pub(super) fn sign_in(&self, token: &str) -> Option<SignedIn> {
        let mark = Sha256::digest(token.trim()).into();
        self.known(&mark).map(|_| SignedIn::With(mark))
    }

    /// Refuses what a caller may not do.
    fn allowed(caller: &Caller, method: &Method, path: &str) -> Result<(), Problem> {
        // What a token may not use is not there for it, whatever its scope.
        if named(path).is_some_and(|connection| !caller.may_use(&connection)) {
            return Err(Problem::no_such_connection());
        }
        if caller.is_limited() && is_of_all(path) {
            return Err(Problem::new(
                ProblemType::Forbidden,
                format!("{path} is about all connections, and the token is limited to some"),
            ));
        }
        let needed = needed(method, path);
        if caller.scope() < needed {
            return Err(Problem::new(
                ProblemType::Forbidden,
                format!("{method} {path} needs a token with the scope {:?}", needed.word()),
            ));
        }
        Ok(())
    }

    fn is_for_here(&self, door: Door, headers: &HeaderMap) -> Result<(), Problem> {
        let Door::Tcp(listen) = door else { return Ok(()) };
        let host = text(headers, header::HOST).unwrap_or_default();
        let origin = text(headers, header::ORIGIN);
        let of_origin = origin.map(|origin| origin.split_once("://").map_or("", |(_, rest)| rest));
        for name in std::iter::once(host).chain(of_origin) {
            if !self.is_here(listen, name) {
                return Err(Problem::new(
                    ProblemType::ForeignOrigin,
                    format!(
                        "{name:?} is no name of this server; a name that a proxy uses belongs into \
                         `hosts` of the table [serve]"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Whether a `Host` names this server.
    fn is_here(&self, listen: SocketAddr, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if self.hosts.contains(&host) {
            return true;
        }
        // A numeric address cannot be rebound by a name server.
        if host.parse::<SocketAddr>().is_ok_and(|named| named == listen) {
            return true;
        }
        listen.ip().is_loopback() && host == format!("localhost:{}", listen.port())
    }

    fn sender(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let refused = || {
            Problem::new(
                ProblemType::Unauthenticated,
                "send `Authorization: Bearer TOKEN` with a token of the table [serve.tokens] or of \
                 `atsync token create`",
            )
        };
        let given = text(headers, header::AUTHORIZATION).ok_or_else(refused)?;
        let token = given.split_once(' ').filter(|(how, _)| how.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or_else(refused)?;
        self.known(&Sha256::digest(token.trim()).into()).ok_or_else(refused)
    }

    fn known(&self, mark: &TokenMark) -> Option<Caller> {
        let mut found = None;
        // Every known token is compared, so that the time says nothing about them.
        for (known, caller) in &self.tokens {
            if bool::from(known.ct_eq(mark)) {
                found = Some(caller);
            }
        }
        found.cloned().or_else(|| self.made.caller(mark))
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The connection that a path names, decoded.
fn named(path: &str) -> Option<String> {
    let below = ["/v1/connections/", "/console/connections/"];
    let name = below.iter().find_map(|prefix| path.strip_prefix(prefix))?.split('/').next()?;
    Some(percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// Routes of the API that name no connection, and whose answers have those of the caller alone.
const FILTERED: [&str; 5] =
    ["/v1/connections", "/v1/changes", "/v1/adapters", "/v1/connect-links", "/v1/commands"];

/// Whether a route is about all connections, so that a caller who is limited to some is refused. A
/// route counts as one unless its path names a connection, or it is known to filter.
fn is_of_all(path: &str) -> bool {
    let is_below = |of: &str| {
        path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    path.starts_with("/v1/") && !FILTERED.iter().any(|of| is_below(of))
}

fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a page, or a file that it loads, is for everyone.
fn is_open(path: &str) -> bool {
    // A connect page asks for the token of its link itself.
    path == SIGN_IN || path.starts_with("/assets/") || super::connect::has(path)
}

/// Whether a path is below a connection, of the API or of the console: these parts behind its name,
/// of which an empty one stands for any.
pub(super) fn is_below(path: &str, parts: &[&str]) -> bool {
    let prefixes = ["/v1/connections/", "/console/connections/"];
    let below = prefixes.iter().find_map(|prefix| path.strip_prefix(prefix));
    let Some(below) = below else { return false };
    let mut given = below.split('/').skip(1);
    let is_as_said = parts
        .iter()
        .all(|part| given.next().is_some_and(|given| part.is_empty() || given == *part));
    is_as_said && given.next().is_none()
}

/// The scope that a request needs.
fn needed(method: &Method, path: &str) -> Scope {
    // What decides over writes that cannot be undone, or changes the server itself.
    let is_read = is_reading(method);
    let below = path.strip_prefix("/v1/connections/");
    // The connection itself: where it sends its credential, and what it may do.
    let is_connection = below.is_some_and(|below| !below.contains('/')) && !is_read;
    let is_for_admins = is_connection
        || is_below(path, &["intents", "", "resolve"])
        || is_below(path, &["webhook"])
        || is_below(path, &["erasures"])
        || is_below(path, &["erasures", "undo"])
        || path == "/v1/backups"
        || path == "/v1/reload"
        || path == "/v1/audit"
        || path == "/console/audit"
        || path == "/console/webhooks"
        || path.starts_with("/console/webhooks/")
        || path.starts_with("/v1/connect-links")
        || path.starts_with("/v1/tokens")
        || path.starts_with("/v1/webhook-endpoints");
    if is_for_admins {
        Scope::Admin
    } else if is_read || path == SIGN_OUT {
        Scope::Read
    } else {
        Scope::Write
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::ProblemType;
    use super::{Access, Caller, Door, Scope, SignedIn, Visit};
    use axum::http::{HeaderMap, HeaderValue, Method, header};
    use sha2::{Digest, Sha256};

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn tcp() -> Door {
        Door::Tcp("127.0.0.1:8470".parse().unwrap())
    }

    fn access(scope: Scope) -> Access {
        access_to(scope, Some(vec!["acme".to_owned()]))
    }

    fn access_to(scope: Scope, connections: Option<Vec<String>>) -> Access {
        let caller = Caller::new("host", scope, connections);
        Access {
            hosts: vec!["sync.example".to_owned()],
            tokens: vec![(Sha256::digest(TOKEN).into(), caller)],
            made: std::sync::Arc::default(),
        }
    }

    fn headers(all: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.insert(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn with_token(token: &str) -> HeaderMap {
        let bearer = format!("Bearer {token}");
        headers(&[(header::HOST, "127.0.0.1:8470"), (header::AUTHORIZATION, &bearer)])
    }

    fn refusal(access: &Access, method: &Method, path: &str, headers: &HeaderMap) -> ProblemType {
        access.admit(tcp(), method, path, headers).unwrap_err().what()
    }

    #[test]
    fn a_request_of_another_host_or_origin_is_refused_before_its_token_counts() {
        let access = access(Scope::Admin);
        for (host, origin) in [
            ("evil.example", None),
            ("127.0.0.1:8471", None),
            ("localhost:1", None),
            ("", None),
            ("127.0.0.1:8470", Some("https://evil.example")),
            ("127.0.0.1:8470", Some("null")),
            ("sync.example", Some("http://127.0.0.1.evil.example:8470")),
        ] {
            let mut all = vec![(header::HOST, host)];
            all.extend(origin.map(|origin| (header::ORIGIN, origin)));
            let given = refusal(&access, &Method::GET, "/v1/connections", &headers(&all));
            assert_eq!(given, ProblemType::ForeignOrigin, "{host} {origin:?}");
        }
        for host in ["127.0.0.1:8470", "localhost:8470", "SYNC.example"] {
            let mut given = with_token(TOKEN);
            given.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            assert!(access.admit(tcp(), &Method::GET, "/v1/connections", &given).is_ok(), "{host}");
        }
    }

    #[test]
    fn a_request_without_a_known_token_is_refused() {
        let access = access(Scope::Admin);
        let host = (header::HOST, "127.0.0.1:8470");
        for given in [
            headers(std::slice::from_ref(&host)),
            with_token(""),
            with_token("0123456789abcdef0123456789abcdee"),
            headers(&[host.clone(), (header::AUTHORIZATION, TOKEN)]),
            headers(&[host, (header::AUTHORIZATION, "Basic 0123456789abcdef0123456789abcdef")]),
        ] {
            let refused = refusal(&access, &Method::GET, "/v1/connections", &given);
            assert_eq!(refused, ProblemType::Unauthenticated);
        }
        let anyone = headers(&[(header::HOST, "127.0.0.1:8470")]);
        assert!(access.admit(tcp(), &Method::GET, "/livez", &anyone).is_ok());
    }

    #[test]
    fn a_scope_allows_what_it_includes() {
        use Scope::{Admin, Read, Write};
        let resolve = "/v1/connections/acme/intents/1/resolve";
        for (method, path, least) in [
            (Method::GET, "/v1/connections/acme", Read),
            (Method::PUT, "/v1/connections/acme/desired/a", Write),
            (Method::POST, "/v1/connections/acme/apply", Write),
            (Method::DELETE, "/v1/connections/acme/desired/a", Write),
            (Method::POST, resolve, Admin),
            (Method::PUT, "/v1/connections/acme/desired/resolve", Write),
            (Method::GET, "/v1/connections/acme/desired/webhook", Read),
            (Method::POST, "/v1/reload", Admin),
            (Method::GET, "/v1/tokens", Admin),
            (Method::DELETE, "/v1/tokens/a", Admin),
            (Method::PUT, "/v1/connections/acme", Admin),
            (Method::DELETE, "/v1/connections/acme", Admin),
            (Method::GET, "/v1/connections/acme/webhook", Admin),
        ] {
            for scope in [Read, Write, Admin] {
                let unlimited = access_to(scope, None);
                let ended = unlimited.admit(tcp(), &method, path, &with_token(TOKEN));
                assert_eq!(ended.is_ok(), scope >= least, "{method} {path} {scope:?}");
            }
        }
    }

    #[test]
    fn a_connection_of_another_token_is_not_there() {
        let access = access(Scope::Read);
        for path in ["/v1/connections/beta", "/v1/connections/%62eta/changes", "/v1/connections/"] {
            // Before the scope: a refusal by scope would say that the connection exists.
            let given = refusal(&access, &Method::POST, path, &with_token(TOKEN));
            assert_eq!(given, ProblemType::NoSuchConnection, "{path}");
        }
        let own = access.admit(tcp(), &Method::GET, "/v1/connections/%61cme", &with_token(TOKEN));
        assert!(own.is_ok());
    }

    fn visited(
        access: &Access,
        method: &Method,
        path: &str,
        session: Option<SignedIn>,
    ) -> Result<Visit, ProblemType> {
        let here = [(header::HOST, "127.0.0.1:8470"), (header::ORIGIN, "http://127.0.0.1:8470")];
        let visit = access.visit(tcp(), method, path, &headers(&here), session);
        visit.map_err(|problem| problem.what())
    }

    #[test]
    fn a_session_of_the_console_may_what_its_token_may_now() {
        use Scope::{Admin, Read, Write};
        let user = SignedIn::With(Sha256::digest(TOKEN).into());
        assert_eq!(access(Read).sign_in(TOKEN), Some(user));
        assert_eq!(access(Read).sign_in("0123456789abcdef0123456789abcdee"), None);
        for (method, path, least) in [
            (Method::GET, "/console", Read),
            (Method::GET, "/console/connections/acme", Read),
            (Method::POST, "/console/sign-out", Read),
            (Method::POST, "/console/connections/acme/plan", Write),
            (Method::POST, "/console/connections/acme/jobs/1/apply", Write),
            (Method::POST, "/console/connections/acme/intents/1/resolve", Admin),
        ] {
            for scope in [Read, Write, Admin] {
                let visit = visited(&access(scope), &method, path, Some(user));
                assert_eq!(visit.is_ok(), scope >= least, "{method} {path} {scope:?}");
            }
        }
        let theirs =
            visited(&access(Read), &Method::POST, "/console/connections/beta/plan", Some(user));
        assert_eq!(theirs, Err(ProblemType::NoSuchConnection));
        // A token that was removed ends its sessions, and one that is needed ends those without.
        let strange = SignedIn::With([0; 32]);
        for user in [None, Some(strange), Some(SignedIn::Locally)] {
            assert_eq!(
                visited(&access(Admin), &Method::GET, "/console", user),
                Ok(Visit::Stranger)
            );
        }
        let local = visited(&Access::default(), &Method::GET, "/console", Some(SignedIn::Locally));
        assert_eq!(local, Ok(Visit::By(Caller::local())));
    }

    #[test]
    fn a_form_without_an_origin_and_a_visit_by_the_socket_are_refused() {
        let host = headers(&[(header::HOST, "127.0.0.1:8470")]);
        let access = Access::default();
        let local = Some(SignedIn::Locally);
        let sent = access.visit(tcp(), &Method::POST, "/console/sign-in", &host, local);
        assert_eq!(sent.unwrap_err().what(), ProblemType::ForeignOrigin);
        let socket = access.visit(Door::Socket, &Method::GET, "/console", &host, local);
        assert_eq!(socket.unwrap_err().what(), ProblemType::NoSuchRoute);
        let open = access.visit(tcp(), &Method::GET, "/assets/style.css", &host, None);
        assert_eq!(open.unwrap(), Visit::Open);
    }

    #[test]
    fn the_socket_and_a_loopback_address_without_tokens_need_none() {
        let nothing = HeaderMap::new();
        let given = access(Scope::Read).admit(Door::Socket, &Method::POST, "/v1/reload", &nothing);
        assert_eq!(given.unwrap(), Caller::local());
        let host = headers(&[(header::HOST, "localhost:8470")]);
        assert!(Access::default().admit(tcp(), &Method::POST, "/v1/reload", &host).is_ok());
    }
}
