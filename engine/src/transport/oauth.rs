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
//! RFC 6749 §2.3.1 wants client id and secret form-encoded inside Basic. Many servers take them
//! raw, and some clients send them so. For text without reserved characters both are the same;
//! where they differ, the encoded form is tried first, and after `invalid_client` the raw form
//! once; the one that worked is remembered.
//!
//! Cancellation: dropping a fetch is harmless here, since nothing rotates. The authorization code
//! flow must not do it this way.

use super::auth::{Authenticator, Ticket, basic, digest, sent_as, set_header};
use super::budget::{Ended, REST_MS_MAX, retry_after_ms};
use super::budgets::Budget;
use super::headers::check_value;
use super::redact::Redactor;
use super::token::{Token, error_code, read_token};
use super::{Delivery, NotSent, Priority, Transport, WireRequest};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::secret::Secret;
use crate::tidy::Tidy;
use atsync_model::contract::{Grant, Response};
use futures_util::future::BoxFuture;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use url::Url;

/// How long a request for a token may wait for the token endpoint's budget.
const TOKEN_WAIT_MS_MAX: u64 = 60_000;
/// The first pause after a failure; doubled with each further one.
const HOLD_MS_MIN: u64 = 1_000;
/// The longest pause after failures.
const HOLD_MS_MAX: u64 = 60_000;
/// How long after a refusal the credential is tried again: a person may have corrected it in the
/// ATS.
const HOLD_REFUSED_MS: u64 = 60_000;
/// A token is not used in its last moments, since a request takes time to arrive.
const LAST_MOMENTS_MS: u64 = 5_000;
/// How long a renewed token that was refused at once is not renewed again.
const RENEWED_IN_VAIN_MS: u64 = 30_000;
/// Tokens that are removed from replies: the one in use, and earlier ones, which requests under way
/// still have.
const TOKENS_KEPT: usize = 4;
/// Unused token sources that are kept. Arbitrary.
const SOURCES_KEPT: usize = 4_096;

/// The parameters of a token request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The token endpoint, proven to lie within a granted origin.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// Further form fields.
    pub form: Vec<(String, String)>,
    /// Whether the token endpoint may lie on the private network.
    pub private_network: bool,
}

/// The parts that a token source uses.
#[derive(Clone, Debug)]
pub struct TokenMeans {
    /// Sends the requests for tokens.
    pub transport: Arc<dyn Transport>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for jitter.
    pub entropy: Arc<dyn Entropy>,
    /// The token endpoint's own budgets.
    pub budgets: Vec<Arc<Budget>>,
}

/// Fetches, keeps and renews one token.
#[derive(Debug)]
pub struct TokenSource {
    ask: ClientCredentials,
    means: TokenMeans,
    current: RwLock<Option<Arc<Token>>>,
    /// The last tokens, and how many there were.
    given: Mutex<(u64, VecDeque<Secret>)>,
    fetching: tokio::sync::Mutex<Failure>,
    requests: AtomicU64,
    /// The raw spelling of id and secret is the one that works.
    raw: AtomicBool,
}

/// The last failure, and until when it is returned.
#[derive(Debug, Default)]
struct Failure {
    why: Option<NotSent>,
    until_ms: u64,
    strikes: u32,
    generation: u64,
}

impl TokenSource {
    /// A source that has no token yet.
    pub fn new(ask: ClientCredentials, means: TokenMeans) -> Self {
        Self {
            ask,
            means,
            current: RwLock::default(),
            given: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
            requests: AtomicU64::new(0),
            raw: AtomicBool::new(false),
        }
    }

    fn remember(&self, token: &Token) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, tokens) = &mut *given;
        *count = count.saturating_add(1);
        tokens.push_back(sent_as(token.header.expose()));
        tokens.drain(..tokens.len().saturating_sub(TOKENS_KEPT));
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The present token, if a request that leaves now arrives before it ends.
    fn usable(&self) -> Option<Arc<Token>> {
        let now_ms = self.means.clock.steady_ms();
        self.current().filter(|token| token.usable(now_ms, LAST_MOMENTS_MS))
    }

    async fn prepare(&self) -> Result<(), NotSent> {
        if let Some(token) = self.usable() {
            if self.means.clock.steady_ms() < token.renew_at_ms {
                return Ok(());
            }
            // One request renews early, and its failure does no harm yet; the others use the
            // present token.
            if let Ok(mut failure) = self.fetching.try_lock() {
                let _ = self.fetch(&mut failure, false).await;
            }
            return Ok(());
        }
        let mut failure = self.fetching.lock().await;
        match self.usable() {
            Some(_) => Ok(()),
            None => self.fetch(&mut failure, false).await.map(|_| ()),
        }
    }

    async fn replace(&self, used: &Ticket) -> Result<bool, NotSent> {
        let mut failure = self.fetching.lock().await;
        if let Some(token) = self.current() {
            if token.generation != used.generation() {
                return Ok(true);
            }
            let age_ms = self.means.clock.steady_ms().saturating_sub(token.fetched_ms);
            if token.renewed
                && !token.accepted.load(Ordering::Relaxed)
                && age_ms < RENEWED_IN_VAIN_MS
            {
                return Ok(false);
            }
        }
        self.fetch(&mut failure, true).await.map(|_| true)
    }

    /// Fetches with the lock held.
    async fn fetch(&self, failure: &mut Failure, renewed: bool) -> Result<Arc<Token>, NotSent> {
        if let Some(why) =
            failure.why.clone().filter(|_| self.means.clock.steady_ms() < failure.until_ms)
        {
            return Err(why);
        }
        match self.ask_encoded_then_raw().await {
            Ok((response, asked_ms)) => {
                failure.generation += 1;
                let (entropy, wall_ms) = (self.means.entropy.as_ref(), self.means.clock.now_ms());
                let token = read_token(&response, failure.generation, asked_ms, wall_ms, entropy);
                match token {
                    Ok(token) => {
                        *failure = Failure { generation: failure.generation, ..Failure::default() };
                        self.remember(&token);
                        // The rights in the answer reach the adapter.
                        let redactor = Redactor::new(&self.secrets());
                        let grant = redacted(&redactor, &token.grant);
                        let token = Arc::new(Token { renewed, grant, ..token });
                        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
                            Some(Arc::clone(&token));
                        Ok(token)
                    }
                    Err(why) => Err(self.note(failure, why)),
                }
            }
            Err(why) => Err(self.note(failure, why)),
        }
    }

    /// Lets the next request ask for a token at once although the credential was refused.
    async fn lift(&self) {
        let mut failure = self.fetching.lock().await;
        if matches!(failure.why, Some(NotSent::Auth(_))) {
            failure.why = None;
            failure.until_ms = 0;
        }
    }

    fn note(&self, failure: &mut Failure, why: NotSent) -> NotSent {
        let now_ms = self.means.clock.steady_ms();
        failure.strikes = failure.strikes.saturating_add(1);
        let grown_ms =
            HOLD_MS_MIN.saturating_mul(1 << (failure.strikes - 1).min(16)).min(HOLD_MS_MAX);
        let hold_until_ms = now_ms
            .saturating_add(grown_ms / 2)
            .saturating_add(self.means.entropy.below(grown_ms / 2));
        failure.until_ms = match &why {
            NotSent::Auth(_) => now_ms.saturating_add(HOLD_REFUSED_MS),
            NotSent::Throttled { until_ms } | NotSent::Open { until_ms } => {
                let left_ms = until_ms.saturating_sub(self.means.clock.now_ms()).min(REST_MS_MAX);
                now_ms.saturating_add(left_ms).max(hold_until_ms)
            }
            NotSent::Refused(_)
            | NotSent::Moot(_)
            | NotSent::Unreachable(_)
            | NotSent::Replaced => hold_until_ms,
        };
        failure.why = Some(why.clone());
        why
    }

    async fn ask_encoded_then_raw(&self) -> Result<(Response, u64), NotSent> {
        let (id, secret) = (&self.ask.client_id, self.ask.client_secret.expose());
        let raw_header = (!id.contains(':')).then(|| basic(id, secret));
        let encoded_header = basic(&form_encode(id), &form_encode(secret));
        if let Some(raw_header) = raw_header.as_ref().filter(|_| self.raw.load(Ordering::Relaxed)) {
            return self.judge(self.send(raw_header).await?);
        }
        let answer = self.send(&encoded_header).await?;
        let mistaken = matches!(answer.0.status, 400 | 401)
            && error_code(&answer.0.body).as_deref() == Some("invalid_client");
        match raw_header.filter(|header| mistaken && *header != encoded_header) {
            Some(raw_header) => {
                let judged = self.judge(self.send(&raw_header).await?)?;
                self.raw.store(true, Ordering::Relaxed);
                Ok(judged)
            }
            None => self.judge(answer),
        }
    }

    /// One request to the token endpoint; a complete answer or a temporary reason.
    async fn send(&self, authorization: &Secret) -> Result<(Response, u64), NotSent> {
        let deadline_ms = self.means.clock.steady_ms().saturating_add(TOKEN_WAIT_MS_MAX);
        let mut permits = Vec::with_capacity(self.means.budgets.len());
        for budget in &self.means.budgets {
            let permit = budget.acquire(Priority::Interactive, deadline_ms).await;
            permits.push(
                permit.map_err(|exhausted| NotSent::Throttled { until_ms: exhausted.until_ms })?,
            );
        }
        let asked_ms = self.means.clock.steady_ms();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let delivery = self.means.transport.exchange(self.request(authorization)).await;
        let ended = match &delivery {
            Delivery::Answered(response) => {
                Ended::Answered { status: response.status, headers: &response.headers }
            }
            Delivery::NotSent(_) => Ended::NotSent,
            Delivery::Unclear(_) => Ended::Unclear,
        };
        permits.into_iter().for_each(|permit| permit.settle(ended));
        match delivery {
            Delivery::Answered(response) => Ok((response, asked_ms)),
            Delivery::NotSent(why) => Err(why),
            Delivery::Unclear(why) => {
                Err(NotSent::Unreachable(format!("the token endpoint gave no answer: {why}")))
            }
        }
    }

    fn request(&self, authorization: &Secret) -> WireRequest {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.extend_pairs(&self.ask.form);
        let mut request = WireRequest {
            method: "POST".to_owned(),
            url: self.ask.token_url.clone(),
            headers: vec![
                ("accept".to_owned(), "application/json".to_owned()),
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ],
            body: form.finish().into_bytes(),
            private_network: self.ask.private_network,
        };
        set_header(&mut request, "authorization", authorization.expose());
        request
    }

    fn judge(&self, (response, asked_ms): (Response, u64)) -> Result<(Response, u64), NotSent> {
        let now_ms = self.means.clock.now_ms();
        match response.status {
            200..=299 => Ok((response, asked_ms)),
            429 => {
                let wait_ms =
                    retry_after_ms(&response.headers, now_ms).unwrap_or(0).max(HOLD_MS_MIN);
                Err(NotSent::Throttled { until_ms: now_ms.saturating_add(wait_ms) })
            }
            // Too early, or too slow: the same request may be answered next time.
            status @ (408 | 425 | 500..=599) => Err(NotSent::Unreachable(format!(
                "the token endpoint answered {status}: {}",
                self.said(response)
            ))),
            // Any other answer refuses the credential or the endpoint, and so it would the same
            // request. It is retried all the same, after a long pause.
            status => Err(NotSent::Auth(format!(
                "the token endpoint answered {status}: {}",
                self.said(response)
            ))),
        }
    }

    fn said(&self, mut response: Response) -> String {
        Redactor::new(&self.secrets()).response(&mut response);
        said(&response)
    }
}

fn redacted(redactor: &Redactor, grant: &Grant) -> Grant {
    let clean = |text: &String| redactor.text(text).into_owned();
    Grant {
        scopes: grant.scopes.as_ref().map(|scopes| scopes.iter().map(clean).collect()),
        actor: grant.actor.as_ref().map(clean),
    }
}

/// The message for a refusal by the token endpoint. Of its body it has only an OAuth2 error code,
/// since a body may repeat the request.
fn said(response: &Response) -> String {
    if let Some(code) = error_code(&response.body) {
        return code;
    }
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| {
            header.value.chars().filter(|c| !c.is_control()).take(200).collect::<String>()
        })
    };
    if (300..400).contains(&response.status) {
        let to = header("location").unwrap_or_else(|| "nowhere".to_owned());
        let to = to.split('?').next().unwrap_or_default().to_owned();
        return format!(
            "a redirect to {to}, which is not followed; check the origin of the token endpoint"
        );
    }
    let what = match header("content-type") {
        _ if response.body.is_empty() => "an empty body".to_owned(),
        Some(kind) => format!("a body of type {kind}"),
        None => "a body of no stated type".to_owned(),
    };
    format!(
        "{what} without an OAuth2 error code; the credential is wrong, or something else than the \
         token \
         endpoint answered (a proxy, a wrong origin)"
    )
}

impl Authenticator for TokenSource {
    fn ready(&self) -> BoxFuture<'_, Result<(), NotSent>> {
        Box::pin(self.prepare())
    }

    fn authorize(&self, request: &mut WireRequest) -> Option<Ticket> {
        let token = self.usable()?;
        set_header(request, "authorization", token.header.expose());
        Some(Ticket::new(token.generation, Arc::clone(&token.accepted)))
    }

    fn renew<'a>(&'a self, used: &'a Ticket) -> BoxFuture<'a, Result<bool, NotSent>> {
        Box::pin(self.replace(used))
    }

    fn end_pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.lift())
    }

    fn secrets(&self) -> Vec<Secret> {
        let (id, secret) = (&self.ask.client_id, self.ask.client_secret.expose());
        let raw = sent_as(basic(id, secret).expose());
        let encoded = sent_as(basic(&form_encode(id), &form_encode(secret)).expose());
        let tokens = self.given.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        [self.ask.client_secret.clone(), raw, encoded].into_iter().chain(tokens).collect()
    }

    fn secrets_version(&self) -> u64 {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn grant(&self) -> Option<Grant> {
        self.current().map(|token| token.grant.clone())
    }

    fn token_requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
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
        if ask.client_id.is_empty() {
            return Err("the client id is empty".to_owned());
        }
        check_value("authorization", basic(&ask.client_id, ask.client_secret.expose()).expose())?;
        let mut parts = vec![ask.token_url.as_str(), &ask.client_id, ask.client_secret.expose()];
        parts.push(if ask.private_network { "private" } else { "public" });
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

fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
