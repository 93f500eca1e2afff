//! OAuth2 client credentials (RFC 6749 §4.4): one token per credential and form, fetched once for
//! all callers.
//!
//! - *Shared*: sessions with the same token URL, client, secret and form fields use one
//!   [`TokenSource`] from the [`Tokens`] registry, because an ATS may end a token when it issues a
//!   new one.
//! - *Single-flight*: the holder of the lock fetches; the others use its token. Before expiry one
//!   request renews, and the others use the old token. A source that has just failed returns the
//!   same failure for a while instead of asking again.
//! - *Terminal or not*: only the error codes of RFC 6749 §5.2 in a 400 or 401 need a person.
//!   Everything else is temporary.
//! - *Expiry*: `expires_in` before `expires_at` (relative, so no clocks are compared); `expires_at`
//!   is relative to the answer's own `date`; with neither a token has a short life, never that of
//!   one request.
//!
//! Cancellation: dropping a fetch is harmless here, since nothing rotates. [`super::rotating`] does
//! it another way.

use super::auth::{Authenticator, Ticket, address, digest, sent_as};
use super::endpoint::{Answer, Client, Endpoint, TokenMeans};
use super::hold::Hold;
use super::in_use::InUse;
use super::redact::Redactor;
use super::token::{Token, read_issued};
use super::{NotSent, WireRequest};
use crate::secret::Secret;
use crate::tidy::Tidy;
use atsync_model::contract::{Grant, Response};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Tokens that are removed from replies.
const TOKENS_KEPT: usize = 4;
/// Unused token sources that are kept. Arbitrary.
const SOURCES_KEPT: usize = 4_096;

/// The parameters of a token request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client.
    pub client: Client,
    /// Further form fields.
    pub form: Vec<(String, String)>,
}

/// Fetches, keeps and renews one token.
#[derive(Debug)]
pub struct TokenSource {
    endpoint: Endpoint,
    form: Vec<(String, String)>,
    in_use: InUse,
    fetching: tokio::sync::Mutex<Fetching>,
}

/// The state of the one that fetches.
#[derive(Debug, Default)]
struct Fetching {
    hold: Hold,
    generation: u64,
}

impl TokenSource {
    /// A source that has no token yet.
    pub fn new(ask: ClientCredentials, means: TokenMeans) -> Self {
        Self {
            endpoint: Endpoint::new(ask.client, means),
            form: ask.form,
            in_use: InUse::new(TOKENS_KEPT),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The present token, if a request that leaves now arrives before it ends.
    fn usable(&self) -> Option<Arc<Token>> {
        self.in_use.usable(self.endpoint.means.clock.as_ref())
    }

    async fn prepare(&self) -> Result<(), NotSent> {
        if let Some(token) = self.usable() {
            if self.endpoint.means.clock.steady_ms() < token.renew_at_ms {
                return Ok(());
            }
            // One request renews early, and its failure does no harm yet; the others use the
            // present token.
            if let Ok(mut fetching) = self.fetching.try_lock() {
                let _ = self.fetch(&mut fetching, false).await;
            }
            return Ok(());
        }
        let mut fetching = self.fetching.lock().await;
        match self.usable() {
            Some(_) => Ok(()),
            None => self.fetch(&mut fetching, false).await.map(|_| ()),
        }
    }

    async fn replace(&self, used: &Ticket) -> Result<bool, NotSent> {
        let mut fetching = self.fetching.lock().await;
        if let Some(token) = self.in_use.current() {
            if token.generation != used.generation() {
                return Ok(true);
            }
            if token.is_renewed_in_vain(self.endpoint.means.clock.steady_ms()) {
                return Ok(false);
            }
        }
        self.fetch(&mut fetching, true).await.map(|_| true)
    }

    /// Fetches with the lock held.
    async fn fetch(&self, fetching: &mut Fetching, renewed: bool) -> Result<Arc<Token>, NotSent> {
        let means = &self.endpoint.means;
        if let Some(why) = fetching.hold.refuses(means.clock.steady_ms()) {
            return Err(why);
        }
        let fetched = match self.ask().await {
            Ok((response, asked_ms)) => {
                read_issued(&response, means.clock.now_ms()).map(|issued| (issued, asked_ms))
            }
            Err(why) => Err(why),
        };
        match fetched {
            Ok((issued, asked_ms)) => {
                fetching.generation += 1;
                fetching.hold.clear();
                let token = issued.token(fetching.generation, asked_ms, means.entropy.as_ref());
                self.in_use.remember(sent_as(token.header.expose()));
                // The rights in the answer reach the adapter.
                let grant = Redactor::new(&self.secrets()).grant(&token.grant);
                Ok(self.in_use.set(Token { renewed, grant, ..token }))
            }
            Err(why) => Err(fetching.hold.note(why, means.clock.as_ref(), means.entropy.as_ref())),
        }
    }

    /// Lets the next request ask for a token at once although the credential was refused.
    async fn lift(&self) {
        self.fetching.lock().await.hold.lift();
    }

    async fn ask(&self) -> Result<(Response, u64), NotSent> {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(self.form.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        match self.endpoint.ask(&form, &self.secrets()).await {
            Answer::Given(response, asked_ms) => Ok((response, asked_ms)),
            // So it would the same request. It is retried all the same, after a long pause.
            Answer::Refused(refusal) => Err(NotSent::Auth(refusal.text)),
            Answer::Throttled { until_ms } => Err(NotSent::Throttled { until_ms }),
            // The same request may be answered next time, and asking twice does no harm.
            Answer::Failed(why) => {
                Err(NotSent::Unreachable(format!("the token endpoint failed: {why}")))
            }
            Answer::Lost(why) => {
                Err(NotSent::Unreachable(format!("the token endpoint gave no answer: {why}")))
            }
            Answer::NotSent(why) => Err(why),
        }
    }
}

impl Authenticator for TokenSource {
    fn ready(&self) -> BoxFuture<'_, Result<(), NotSent>> {
        Box::pin(self.prepare())
    }

    fn authorize(&self, request: &mut WireRequest) -> Option<Ticket> {
        self.in_use.authorize(request, self.endpoint.means.clock.as_ref())
    }

    fn renew<'a>(&'a self, used: &'a Ticket) -> BoxFuture<'a, Result<bool, NotSent>> {
        Box::pin(self.replace(used))
    }

    fn end_pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.lift())
    }

    fn secrets(&self) -> Vec<Secret> {
        self.endpoint.client.secrets().into_iter().chain(self.in_use.secrets()).collect()
    }

    fn secrets_version(&self) -> u64 {
        self.in_use.version()
    }

    fn grant(&self) -> Option<Grant> {
        self.in_use.current().map(|token| token.grant.clone())
    }

    fn token_requests(&self) -> u64 {
        self.endpoint.requests()
    }
}

/// The token sources of a process.
#[derive(Debug)]
pub struct Tokens {
    known: Mutex<(HashMap<String, Arc<TokenSource>>, Tidy)>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { known: Mutex::new((HashMap::new(), Tidy::above(SOURCES_KEPT))) }
    }
}

impl Tokens {
    /// The source for a credential and form, created if there is none. A changed secret is another
    /// credential.
    ///
    /// # Errors
    /// A sentence when id and secret cannot stand in a header.
    pub fn of(
        &self,
        ask: ClientCredentials,
        means: TokenMeans,
    ) -> Result<Arc<TokenSource>, String> {
        let client = &ask.client;
        client.check()?;
        let sends = address(&means.transport);
        let mut parts = vec![
            sends.as_str(),
            client.token_url.as_str(),
            &client.client_id,
            client.client_secret.expose(),
        ];
        parts.push(if client.private_network { "private" } else { "public" });
        for (name, value) in &ask.form {
            parts.extend([name.as_str(), value.as_str()]);
        }
        let key = digest(&parts);
        let mut locked = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, tidy) = &mut *locked;
        if tidy.is_due(known.len()) {
            known.retain(|_, source| Arc::strong_count(source) > 1);
            tidy.walked(known.len());
        }
        Ok(Arc::clone(known.entry(key).or_insert_with(|| Arc::new(TokenSource::new(ask, means)))))
    }
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
