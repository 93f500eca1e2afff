//! Partners: the clients of vendors with many customers, what users allowed them, and the codes and
//! token pairs that follow.
//!
//! A partner uses the authorization code grant and nothing else (harvest-v3.md §2.1, D-partner). A
//! user allows the partner some scopes on the page that [`authorize`] serves; that is a
//! [`Consent`]. Its code buys the first pair of access and refresh token, each refresh token the
//! next pair. Scopes of a consent never grow (D-scope): a scope removed from the client goes from
//! every consent at once, and one added later needs a new consent. Bounds: [`CONSENTS_MAX`], and
//! those of [`codes`] and [`pairs`]. Left out: sign-in, introspection, logos.

pub(crate) mod authorize;
mod codes;
mod page;
mod pairs;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::access::all_scopes;
use crate::model::Model;
use crate::quirks::Quirks;
use crate::schema::Kind;
use crate::token_error::TokenError;
use crate::{Pkce, ReusedRefresh};
use codes::{Binding, Codes, Redeemed};
use pairs::Pairs;
pub use pairs::{PairState, TokenPair};

/// The most consents that are stored; the oldest is revoked to make room.
const CONSENTS_MAX: usize = 10_000;
/// The name of a partner that has none of its own.
const NAME: &str = "Sandbox Partner";

/// A partner's client. Greenhouse registers it by mail: name, scopes, redirect URIs
/// (harvest-v3.md §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerClient {
    /// The client id.
    pub id: String,
    /// The client secret. Control calls accept it and never show it.
    #[serde(skip_serializing)]
    pub secret: String,
    /// The name that the consent page shows.
    #[serde(default = "name")]
    pub name: String,
    /// The redirect URIs; a request must name one of them exactly.
    pub redirect_uris: Vec<String>,
    /// The scopes that it may ask for.
    #[serde(default = "all_scopes")]
    pub scopes: BTreeSet<String>,
}

impl PartnerClient {
    /// Makes a client with one redirect URI that may ask for every scope.
    #[must_use]
    pub fn new(id: &str, secret: &str, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            name: name(),
            redirect_uris: vec![redirect_uri.to_owned()],
            scopes: all_scopes(),
        }
    }
}

fn name() -> String {
    NAME.to_owned()
}

/// The user that a partner's tokens act as (harvest-v3.md §2.3, D-help).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActsAs {
    /// The integration's own user, which stays when the consenting user leaves.
    ServiceAccount,
    /// The consenting user.
    Myself,
}

/// What a user allowed a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// The consent's number, from 1.
    pub id: u64,
    /// The partner's client.
    pub client_id: String,
    /// The user who consented.
    pub user_id: i64,
    /// Their choice.
    pub acts_as: ActsAs,
    /// The user that the tokens act as.
    pub sub: i64,
    /// The scopes; fewer than allowed, once the client lost some.
    pub scopes: BTreeSet<String>,
    /// The time, in milliseconds since 1970.
    pub given_ms: i64,
    /// The time at which it was revoked.
    pub revoked_ms: Option<i64>,
}

/// A right to a new pair, proven by a code or a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entitled {
    pub(crate) consent: u64,
    pub(crate) sub: i64,
    /// The pair that the new one replaces.
    replaces: Option<u64>,
}

/// A refused code or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) error: TokenError,
    /// The consent that the attempt ended.
    pub(crate) revoked: Option<u64>,
}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        Self { error, revoked: None }
    }
}

/// The context of a token request of a partner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) model: &'a Model,
    pub(crate) quirks: &'a Quirks,
    pub(crate) client_id: &'a str,
}

/// The answer of the consenting user.
#[derive(Debug, Clone, Copy)]
struct Choice {
    user_id: i64,
    acts_as: ActsAs,
    sub: i64,
}

/// Every partner, consent, code and pair.
#[derive(Debug)]
pub(crate) struct Partners {
    clients: Vec<PartnerClient>,
    consents: BTreeMap<u64, Consent>,
    codes: Codes,
    pairs: Pairs,
    /// What codes and refresh tokens are made of, besides their number: one company's differ from
    /// another's.
    seed: u64,
    serial: u64,
}

impl Partners {
    pub(crate) fn new(clients: Vec<PartnerClient>, seed: u64) -> Self {
        Self {
            clients,
            consents: BTreeMap::new(),
            codes: Codes::default(),
            pairs: Pairs::default(),
            seed,
            serial: 0,
        }
    }

    pub(crate) fn clients(&self) -> &[PartnerClient] {
        &self.clients
    }

    pub(crate) fn client(&self, id: &str) -> Option<&PartnerClient> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// Adds a client, or replaces the one with its id. Consents lose the scopes that it lost.
    pub(crate) fn set_client(&mut self, client: PartnerClient) {
        for consent in self.consents.values_mut().filter(|held| held.client_id == client.id) {
            consent.scopes.retain(|scope| client.scopes.contains(scope));
        }
        self.clients.retain(|held| held.id != client.id);
        self.clients.push(client);
    }

    /// Removes a scope from a client and its consents. Returns whether the client had it.
    pub(crate) fn remove_scope(&mut self, client_id: &str, scope: &str) -> bool {
        let Some(client) = self.clients.iter_mut().find(|client| client.id == client_id) else {
            return false;
        };
        let had = client.scopes.remove(scope);
        for consent in self.consents.values_mut().filter(|held| held.client_id == client_id) {
            consent.scopes.remove(scope);
        }
        had
    }

    pub(crate) fn consents(&self) -> impl Iterator<Item = &Consent> {
        self.consents.values()
    }

    pub(crate) fn consent(&self, id: u64) -> Option<&Consent> {
        self.consents.get(&id)
    }

    /// Lists the pairs, oldest first.
    pub(crate) fn pairs(&self, now_ms: i64) -> Vec<TokenPair> {
        self.pairs.list(now_ms)
    }

    /// Returns the pair of a refresh token, without using it.
    pub(crate) fn pair_of(&self, refresh_token: &str, now_ms: i64) -> Option<TokenPair> {
        self.pairs.of(refresh_token, now_ms)
    }

    /// Revokes a consent with its code and pairs; the caller ends its access tokens. Returns
    /// whether it was in force.
    pub(crate) fn revoke(&mut self, id: u64, now_ms: i64) -> bool {
        self.pairs.end(id, now_ms);
        let consent = self.consents.get_mut(&id).filter(|consent| consent.revoked_ms.is_none());
        consent.is_some_and(|consent| consent.revoked_ms.replace(now_ms).is_none())
    }

    /// Records a consent and returns its code.
    fn allow(&mut self, choice: Choice, scopes: BTreeSet<String>, to: Binding, at: i64) -> String {
        if self.consents.len() >= CONSENTS_MAX
            && let Some((oldest, _)) = self.consents.pop_first()
        {
            self.pairs.end(oldest, at);
        }
        let code = self.opaque("code");
        let id = self.serial;
        let consent = Consent {
            id,
            client_id: to.client_id.clone(),
            user_id: choice.user_id,
            acts_as: choice.acts_as,
            sub: choice.sub,
            scopes,
            given_ms: at,
            revoked_ms: None,
        };
        self.consents.insert(id, consent);
        self.codes.add(code.clone(), to, id, at);
        code
    }

    /// Redeems a code. A second use revokes the consent (RFC 6749 §4.1.2).
    pub(crate) fn redeem(
        &mut self,
        asking: Asking<'_>,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<Entitled, Refused> {
        let now_ms = asking.model.now_ms;
        let verifier = match asking.quirks.pkce {
            Pkce::Checked => codes::Proof::Verifier(verifier),
            Pkce::Ignored => codes::Proof::Ignored,
        };
        let by = (asking.client_id, redirect_uri);
        match self.codes.redeem(code, by, verifier, now_ms) {
            Redeemed::Good(consent) => {
                let sub = self.sub(consent, asking.model)?;
                self.codes.use_up(code);
                Ok(Entitled { consent, sub, replaces: None })
            }
            Redeemed::Twice(consent) => {
                self.revoke(consent, now_ms);
                Err(Refused { error: TokenError::InvalidGrant, revoked: Some(consent) })
            }
            Redeemed::Bad => Err(TokenError::InvalidGrant.into()),
        }
    }

    /// Checks a refresh token. [`Partners::issue`] uses it up.
    pub(crate) fn refresh(
        &mut self,
        asking: Asking<'_>,
        refresh_token: &str,
    ) -> Result<Entitled, Refused> {
        let now_ms = asking.model.now_ms;
        let refused = Refused::from(TokenError::InvalidGrant);
        let pair = self.pair_of(refresh_token, now_ms).ok_or(refused)?;
        if pair.client_id != asking.client_id {
            return Err(refused);
        }
        if pair.state == PairState::Live {
            let sub = self.sub(pair.consent, asking.model)?;
            return Ok(Entitled { consent: pair.consent, sub, replaces: Some(pair.number) });
        }
        self.pairs.refuse(pair.number);
        let ends = pair.state == PairState::Rotated
            && asking.quirks.reused_refresh == ReusedRefresh::RevokesConsent;
        if ends {
            self.revoke(pair.consent, now_ms);
        }
        Err(Refused { revoked: ends.then_some(pair.consent), ..refused })
    }

    /// Returns the acting user of a consent that is in force. A user who left gets no token
    /// (pitfalls.md 37), and the attempt uses nothing up.
    fn sub(&self, consent: u64, model: &Model) -> Result<i64, Refused> {
        let consent = self.consents.get(&consent).filter(|consent| consent.revoked_ms.is_none());
        consent
            .map(|consent| consent.sub)
            .filter(|sub| model.has(Kind::Users, *sub))
            .filter(|sub| !model.flag(Kind::Users, *sub, "deactivated"))
            .ok_or_else(|| TokenError::InvalidGrant.into())
    }

    /// Issues the next pair and returns its refresh token; the one it replaces is dead.
    pub(crate) fn issue(&mut self, asking: Asking<'_>, entitled: &Entitled) -> String {
        let now_ms = asking.model.now_ms;
        let token = self.opaque("refresh");
        let pair = TokenPair {
            number: self.serial,
            consent: entitled.consent,
            client_id: asking.client_id.to_owned(),
            sub: entitled.sub,
            refresh_sha256: pairs::fingerprint(&token),
            replaces: entitled.replaces,
            issued_ms: now_ms,
            refresh_expires_ms: now_ms.saturating_add(asking.quirks.refresh_lifetime.ms()),
            state: PairState::Live,
            ended_ms: None,
            refused_uses: 0,
        };
        self.pairs.add(pair);
        token
    }

    /// Makes a text that cannot be guessed without the seed, and that a simulation repeats.
    fn opaque(&mut self, kind: &str) -> String {
        self.serial = self.serial.saturating_add(1);
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{kind} {} {}", self.seed, self.serial)))
    }
}
