//! Begins a consent: the URL of the ATS's page, and what to remember.

use super::remembered::{CONSENT_LIFE_MS, Remembered};
use crate::credential::Credential;
use crate::engine::{ConnectionOptions, Engine};
use crate::error::{Error, ErrorKind};
use crate::near::did_you_mean;
use crate::secret::Secret;
use crate::transport::url::{UrlError, build_url};
use atsync_model::contract::{Field, Path, Target};
use atsync_model::manifest::{AuthRule, Manifest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

/// Bytes of a redirect URI; two of them must fit into one URL.
const REDIRECT_BYTES_MAX: usize = 2_000;
/// Bytes of a state, and of a code verifier, before they are written as text.
const RANDOM_BYTES: usize = 32;

/// A consent that was begun.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConsentStart {
    /// Where to send the browser. It carries the state, so it belongs into no log.
    pub url: Secret,
    /// What [`Engine::finish_consent`] needs again: a text of some kilobytes. Keep it where only
    /// the same browser session leads to it and no request can change it, and take it away when its
    /// callback arrives.
    pub remember: Secret,
    /// When the consent ends, in milliseconds since 1970.
    pub ends_ms: u64,
}

impl std::fmt::Debug for ConsentStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentStart").field("ends_ms", &self.ends_ms).finish_non_exhaustive()
    }
}

impl Engine {
    /// How long a consent may take, from [`Engine::begin_consent`] to the callback.
    pub const CONSENT_LIFE_MS: u64 = CONSENT_LIFE_MS;

    /// Begins a consent for a connection whose credential is
    /// [`Credential::AuthorizationCode`]. The connection need not be open. Nothing is sent.
    ///
    /// `redirect_uri` is where the ATS sends the browser afterwards, letter for letter as it is
    /// registered for the client. `scopes` are those to ask for; empty for all that the adapter
    /// uses, less those of raw kinds alone. Some ATS refuse the whole consent when the client may
    /// not ask for one of them.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] as for [`Engine::connect`], and when the redirect URI or a
    /// scope cannot be used.
    pub async fn begin_consent(
        &self,
        options: &ConnectionOptions,
        redirect_uri: &str,
        scopes: &[&str],
    ) -> Result<ConsentStart, Error> {
        let problem =
            |why: String| Error::new(ErrorKind::Configuration, format!("{}: {why}", options.name));
        let prepared = self.prepared(options).await?;
        let Credential::AuthorizationCode { client_id, .. } = &options.credential else {
            return Err(problem(NO_CONSENT.to_owned()));
        };
        check_redirect(redirect_uri).map_err(problem)?;
        let manifest = options.adapter.manifest();
        let rule = rule(manifest).ok_or_else(|| problem(NO_CONSENT.to_owned()))?;
        let scope = wanted(manifest, rule.scopes, scopes).map_err(problem)?;
        let state = self.random(&options.name)?;
        let verifier = if rule.pkce { Some(self.random(&options.name)?) } else { None };
        let challenge = verifier
            .as_ref()
            .map(|text| URL_SAFE_NO_PAD.encode(Sha256::digest(text.expose().as_bytes())));
        let mut query = vec![
            Field::new("response_type", "code"),
            Field::new("client_id", client_id.as_str()),
            Field::new("redirect_uri", redirect_uri),
        ];
        if !scope.is_empty() {
            query.push(Field::new("scope", scope));
        }
        query.push(Field::new("state", state.expose()));
        if let Some(challenge) = challenge {
            query.push(Field::new("code_challenge", challenge));
            query.push(Field::new("code_challenge_method", "S256"));
        }
        let origin = prepared
            .origin(rule.origin)
            .ok_or_else(|| problem(format!("the token origin `{}` is not granted", rule.origin)))?;
        let target = Target::Path(Path { path: rule.path.to_owned(), query });
        let unusable = |error: UrlError| problem(error.to_string());
        let url = build_url(origin, &target).map_err(unusable)?;
        let target = Target::Path(Path { path: rule.token_path.to_owned(), query: Vec::new() });
        let token_url = build_url(origin, &target).map_err(unusable)?;
        let ends_ms = self.clock().now_ms().saturating_add(CONSENT_LIFE_MS);
        let remembered = Remembered {
            connection: options.name.clone(),
            client_id: client_id.clone(),
            token_url: token_url.to_string(),
            redirect_uri: redirect_uri.to_owned(),
            state,
            verifier,
            ends_ms,
        };
        Ok(ConsentStart { url: Secret::new(url), remember: remembered.text(), ends_ms })
    }

    /// 256 random bits, as text for URLs.
    fn random(&self, connection: &str) -> Result<Secret, Error> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        self.entropy().fill(bytes.as_mut());
        if bytes.iter().all(|byte| *byte == 0) {
            // What others can guess would let them finish a consent of their own here.
            let why = "the system gives no randomness, so no consent can begin; try again";
            return Err(Error::new(ErrorKind::Unavailable, format!("{connection}: {why}")));
        }
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }
}

/// The message where there is nothing to consent to.
const NO_CONSENT: &str =
    "a consent is for Credential::AuthorizationCode; give the connection that credential";

/// The members of a manifest's rule.
struct Rule<'m> {
    origin: &'m str,
    path: &'m str,
    token_path: &'m str,
    scopes: &'m [String],
    pkce: bool,
}

fn rule(manifest: &Manifest) -> Option<Rule<'_>> {
    manifest.auth.iter().find_map(|rule| match rule {
        AuthRule::Oauth2AuthorizationCode {
            token_origin,
            authorize_path,
            token_path,
            scopes,
            pkce,
            ..
        } => Some(Rule {
            origin: token_origin,
            path: authorize_path,
            token_path,
            scopes,
            pkce: *pkce,
        }),
        _ => None,
    })
}

/// The scopes to ask for, as one text.
fn wanted(manifest: &Manifest, known: &[String], wanted: &[&str]) -> Result<String, String> {
    if wanted.is_empty() {
        let usual = known.iter().filter(|scope| !manifest.is_for_raw_alone(scope));
        return Ok(usual.map(String::as_str).collect::<Vec<_>>().join(" "));
    }
    match wanted.iter().find(|scope| known.iter().all(|other| other != *scope)) {
        None => Ok(wanted.join(" ")),
        Some(scope) => {
            let hint = did_you_mean(scope, known.iter().map(String::as_str));
            let adapter = &manifest.name;
            Err(format!("the adapter {adapter} uses no scope {:?}{hint}; leave it out", scope))
        }
    }
}

/// Refuses a redirect URI that would show a code to others, or that no ATS takes.
fn check_redirect(uri: &str) -> Result<(), String> {
    let fault = |why: &str| Err(format!("the redirect URI {uri:?} {why}"));
    if uri.len() > REDIRECT_BYTES_MAX {
        return Err(format!("the redirect URI is longer than {REDIRECT_BYTES_MAX} bytes"));
    }
    let Ok(url) = Url::parse(uri) else {
        return fault("is no URL; give the one that is registered for the client");
    };
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return fault("holds other than visible ASCII characters; encode them");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return fault("has a fragment or a user; take it out");
    }
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_local => Ok(()),
        _ => fault("must begin with https://; http is for this machine alone"),
    }
}

#[cfg(test)]
mod tests {
    use super::{REDIRECT_BYTES_MAX, check_redirect, wanted};
    use atsync_model::Manifest;
    use atsync_model::manifest::{KindRule, ScanRule};

    #[test]
    fn a_scope_that_raw_kinds_alone_need_is_asked_for_only_by_name() {
        let mut manifest = Manifest::new("plainlist", "1.0.0");
        let mut jobs = KindRule::new("jobs", ScanRule::List {}, ["title"]);
        let mut offers = KindRule::raw("raw_offers", ScanRule::List {});
        let mut pays = KindRule::raw("raw_pays", ScanRule::List {});
        jobs.permission = Some("jobs".into());
        offers.permission = Some("offers".into());
        pays.permission = Some("jobs".into());
        manifest.kinds = vec![jobs, offers, pays];
        let known = ["jobs", "offers", "notes"].map(str::to_owned);
        assert_eq!(wanted(&manifest, &known, &[]).unwrap(), "jobs notes");
        assert_eq!(wanted(&manifest, &known, &["offers"]).unwrap(), "offers");
        assert!(wanted(&manifest, &known, &["offer"]).is_err());
    }

    #[test]
    fn a_redirect_uri_is_https_or_on_this_machine() {
        for uri in [
            "https://host.example/callback?tenant=7",
            "http://localhost:8080/cb",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
        ] {
            assert_eq!(check_redirect(uri), Ok(()), "{uri}");
        }
        for uri in [
            "http://host.example/cb",
            "http://localhost.host.example/cb",
            "https://host.example/cb#x",
            "https://user@host.example/cb",
            "https://host.example/a b",
            "https://host.example/\u{e9}",
            "javascript:alert(1)",
            "/callback",
            "",
        ] {
            assert!(check_redirect(uri).is_err(), "{uri}");
        }
        let long = format!("https://host.example/{}", "x".repeat(REDIRECT_BYTES_MAX));
        assert!(check_redirect(&long).unwrap_err().contains("2000 bytes"));
    }
}
