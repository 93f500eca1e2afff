//! The token endpoint: client credentials for the customer's own client, authorization code and
//! refresh for partners, and access tokens in the form of JWTs that are valid for an hour.
//!
//! A client may not use the other kind's grants (harvest-v3.md §2.1): `unauthorized_client`. Access
//! tokens are stored rather than verified: a token that the sandbox did not issue since its start
//! is a 401, and so is an expired one. The signature part is random. Bound: [`TOKENS_MAX`]. Codes
//! and refresh tokens are [`crate::partner`]'s. Left out: narrowing scopes by a refresh.

use std::collections::HashMap;

use atsync_sandbox::{Answer, Params, Repeated, Request, format_ms, pairs};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::GrantParameters;
use crate::access::Access;
use crate::model::Model;
use crate::partner::{Asking, Partners};
use crate::quirks::{Quirks, TokenExpiry};
use crate::schema::Kind;
use crate::token_error::TokenError;

/// The lifetime of a token, documented and recorded.
const LIFETIME_MS: i64 = 3_600_000;
/// The most tokens that are stored; far more than a run issues within an hour.
const TOKENS_MAX: usize = 10_000;

/// The customer's own client, which may use the client credentials grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: String,
}

/// An issued token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Issued {
    pub(crate) sub: i64,
    /// The consent that the token comes from, if it is a partner's.
    pub(crate) consent: Option<u64>,
    expires_ms: i64,
}

/// Every token issued since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    issued: HashMap<String, Issued>,
    serial: u64,
}

/// The context of a token request.
pub(crate) struct TokenContext<'a> {
    pub(crate) model: &'a Model,
    pub(crate) quirks: &'a Quirks,
    pub(crate) access: &'a Access,
    pub(crate) client: &'a Client,
    pub(crate) partners: &'a mut Partners,
}

/// The authenticated client.
enum Caller {
    Custom,
    /// A partner, by its client id.
    Partner(String),
}

impl Tokens {
    /// Answers `POST /token`.
    pub(crate) fn serve(
        &mut self,
        context: &mut TokenContext<'_>,
        request: &Request<'_>,
    ) -> Answer {
        if request.method != "POST" {
            return Answer::value(404, &json!({"message": "Resource not found"}));
        }
        let granted = match caller(context, request.header("authorization")) {
            Some(Caller::Custom) => self.custom(context, request),
            Some(Caller::Partner(id)) => self.partner(context, &id, request),
            None => Err(TokenError::InvalidClient),
        };
        match granted {
            Ok(answer) => Answer::value(200, &answer),
            Err(error) => error.answer(context.quirks),
        }
    }

    /// Serves the customer's own client.
    fn custom(
        &mut self,
        context: &TokenContext<'_>,
        request: &Request<'_>,
    ) -> Result<Value, TokenError> {
        let form = pairs(&String::from_utf8_lossy(request.body));
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match field("grant_type") {
            None => return Err(TokenError::InvalidRequest),
            Some("client_credentials") => {}
            Some("authorization_code" | "refresh_token") => {
                return Err(TokenError::UnauthorizedClient);
            }
            Some(_) => return Err(TokenError::UnsupportedGrantType),
        }
        let sub = match field("sub") {
            None => context.model.service_user_id,
            Some(text) => {
                let known = text.parse().ok().filter(|id| context.model.has(Kind::Users, *id));
                known
                    .filter(|id| !context.model.flag(Kind::Users, *id, "deactivated"))
                    .ok_or(TokenError::InvalidGrant)?
            }
        };
        Ok(self.issue(context, sub, None))
    }

    /// Serves a partner's client.
    fn partner(
        &mut self,
        context: &mut TokenContext<'_>,
        client_id: &str,
        request: &Request<'_>,
    ) -> Result<Value, TokenError> {
        let body = String::from_utf8_lossy(request.body);
        let params = match context.quirks.grant_parameters {
            GrantParameters::Form => Params::read(&[&body]),
            GrantParameters::Query => Params::read(&[request.query()]),
            GrantParameters::Either => Params::read(&[&body, request.query()]),
        };
        let one = |name: &str| params.one(name).map_err(|Repeated| TokenError::InvalidRequest);
        let needed = |name: &str| one(name)?.ok_or(TokenError::InvalidRequest);
        let asking = Asking { model: context.model, quirks: context.quirks, client_id };
        let proven = match needed("grant_type")? {
            "authorization_code" => {
                let (code, uri) = (needed("code")?, needed("redirect_uri")?);
                let verifier = one("code_verifier")?;
                context.partners.redeem(asking, code, uri, verifier)
            }
            "refresh_token" => context.partners.refresh(asking, needed("refresh_token")?),
            "client_credentials" => return Err(TokenError::UnauthorizedClient),
            _ => return Err(TokenError::UnsupportedGrantType),
        };
        let entitled = proven.map_err(|refused| {
            if let Some(consent) = refused.revoked {
                self.revoke_consent(consent);
            }
            refused.error
        })?;
        let refresh_token = context.partners.issue(asking, &entitled);
        let mut answer = self.issue(context, entitled.sub, Some(entitled.consent));
        if let Some(map) = answer.as_object_mut() {
            map.insert("refresh_token".to_owned(), refresh_token.into());
        }
        Ok(answer)
    }

    fn issue(&mut self, context: &TokenContext<'_>, sub: i64, consent: Option<u64>) -> Value {
        let now_ms = context.model.now_ms;
        self.issued.retain(|_, issued| {
            let same = issued.sub == sub && issued.consent == consent;
            issued.expires_ms > now_ms && !(context.quirks.single_active_token && same)
        });
        if self.issued.len() >= TOKENS_MAX {
            self.issued.clear();
        }
        self.serial = self.serial.saturating_add(1);
        // Whole seconds, as the answer writes it.
        let expires_s = now_ms.saturating_add(LIFETIME_MS).div_euclid(1000);
        let mut payload = json!({"iss": "sandbox", "sub": sub.to_string(), "exp": expires_s,
            "jti": self.serial.to_string()});
        if context.quirks.scopes_in_token
            && let Some(map) = payload.as_object_mut()
        {
            let consent = consent.and_then(|id| context.partners.consent(id));
            let allowed = |scope: &&str| consent.is_none_or(|held| held.scopes.contains(*scope));
            let scopes: Vec<&str> =
                context.access.scopes.iter().map(String::as_str).filter(allowed).collect();
            map.insert("scope".to_owned(), scopes.join(" ").into());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let noise =
            URL_SAFE_NO_PAD.encode(atsync_sandbox::Rng::seeded(self.serial).next().to_be_bytes());
        let token =
            format!("{}.{}.{noise}", part(&json!({"alg": "none", "typ": "JWT"})), part(&payload));
        let expires_ms = expires_s.saturating_mul(1000);
        self.issued.insert(token.clone(), Issued { sub, consent, expires_ms });
        let expires_at = format_ms(expires_ms).replace(".000Z", "Z");
        let mut answer = json!({"token_type": "Bearer", "access_token": token});
        if let Some(map) = answer.as_object_mut() {
            if context.quirks.token_expiry != TokenExpiry::ExpiresIn {
                map.insert("expires_at".to_owned(), expires_at.into());
            }
            if context.quirks.token_expiry != TokenExpiry::ExpiresAt {
                map.insert("expires_in".to_owned(), (LIFETIME_MS / 1000).into());
            }
        }
        answer
    }

    /// Returns the acting user, if the request has a valid token.
    pub(crate) fn actor(&self, request: &Request<'_>, now_ms: i64) -> Option<Issued> {
        let token = request.header("authorization")?.strip_prefix("Bearer ")?;
        self.issued.get(token).copied().filter(|issued| issued.expires_ms > now_ms)
    }

    /// Ends the tokens of a consent.
    pub(crate) fn revoke_consent(&mut self, consent: u64) {
        self.issued.retain(|_, issued| issued.consent != Some(consent));
    }

    /// Ends every token.
    pub(crate) fn revoke_all(&mut self) {
        self.issued.clear();
    }
}

/// Returns the client that a request proves to be, by HTTP Basic.
fn caller(context: &TokenContext<'_>, header: Option<&str>) -> Option<Caller> {
    let basic = header.and_then(|header| header.strip_prefix("Basic "))?;
    let decoded = STANDARD.decode(basic.trim()).ok()?;
    let is = |id: &str, secret: &str| decoded == format!("{id}:{secret}").into_bytes();
    if is(&context.client.id, &context.client.secret) {
        return Some(Caller::Custom);
    }
    let mut partners = context.partners.clients().iter();
    partners
        .find(|client| is(&client.id, &client.secret))
        .map(|client| Caller::Partner(client.id.clone()))
}
