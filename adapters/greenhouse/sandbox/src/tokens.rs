//! The token endpoint: client credentials, and tokens in the form of JWTs that are valid for an
//! hour.
//!
//! Tokens are stored rather than verified: a token that the sandbox did not issue since its start
//! is a 401, and so is an expired one. The signature part is random. Bound: [`TOKENS_MAX`]. Left
//! out: authorization code and refresh grants.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::access::Access;
use crate::answer::{Answer, Request};
use crate::clock::format_ms;
use crate::model::Model;
use crate::query::pairs;
use crate::quirks::{Quirks, TokenExpiry};
use crate::schema::Kind;

/// The lifetime of a token, documented and recorded.
const LIFETIME_MS: i64 = 3_600_000;
/// The most tokens that are stored; far more than a run issues within an hour.
const TOKENS_MAX: usize = 10_000;

/// The client that may request tokens.
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
}

impl Tokens {
    /// Answers `POST /token`.
    pub(crate) fn serve(&mut self, context: &TokenContext<'_>, request: &Request<'_>) -> Answer {
        if request.method != "POST" {
            return Answer::value(404, &json!({"message": "Resource not found"}));
        }
        if !knows(context.client, request.header("authorization")) {
            return refuse(401, "invalid_client");
        }
        let form = pairs(&String::from_utf8_lossy(request.body));
        let field =
            |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match field("grant_type") {
            None => return refuse(400, "invalid_request"),
            Some("client_credentials") => {}
            Some(_) => return refuse(400, "unsupported_grant_type"),
        }
        let sub = match field("sub") {
            None => context.model.service_user_id,
            Some(text) => {
                let known = text.parse().ok().filter(|id| context.model.has(Kind::Users, *id));
                match known.filter(|id| !context.model.flag(Kind::Users, *id, "deactivated")) {
                    Some(id) => id,
                    None => return refuse(400, "invalid_grant"),
                }
            }
        };
        Answer::value(200, &self.issue(context, sub))
    }

    fn issue(&mut self, context: &TokenContext<'_>, sub: i64) -> Value {
        let now_ms = context.model.now_ms;
        self.issued.retain(|_, issued| {
            issued.expires_ms > now_ms && !(context.quirks.single_active_token && issued.sub == sub)
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
            let scopes: Vec<&str> = context.access.scopes.iter().map(String::as_str).collect();
            map.insert("scope".to_owned(), scopes.join(" ").into());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let noise =
            URL_SAFE_NO_PAD.encode(crate::rng::Rng::seeded(self.serial).next().to_be_bytes());
        let token =
            format!("{}.{}.{noise}", part(&json!({"alg": "none", "typ": "JWT"})), part(&payload));
        self.issued
            .insert(token.clone(), Issued { sub, expires_ms: expires_s.saturating_mul(1000) });
        let expires_at = format_ms(expires_s.saturating_mul(1000)).replace(".000Z", "Z");
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

    /// Ends every token.
    pub(crate) fn revoke_all(&mut self) {
        self.issued.clear();
    }
}

fn knows(client: &Client, header: Option<&str>) -> bool {
    let basic = header.and_then(|header| header.strip_prefix("Basic "));
    let decoded = basic.and_then(|text| STANDARD.decode(text.trim()).ok());
    decoded.is_some_and(|bytes| bytes == format!("{}:{}", client.id, client.secret).into_bytes())
}

fn refuse(status: u16, error: &str) -> Answer {
    Answer::value(status, &json!({"error": error}))
}
