//! The session of one connection: builds requests, proves, authenticates, paces and sends them, and
//! repeats those that are safe to repeat.
//!
//! # Expected flow
//! 1. The request becomes a draft: URL built and proven, headers checked, body written. A broken
//!    rule ends here as [`NotSent::Malformed`], a place outside of the grant as
//!    [`NotSent::Refused`].
//! 2. A credential is fetched if needed; the rate budgets of the origin admit the request; the
//!    credential is added. The sender may still stop it at this moment ([`Gate`]).
//! 3. The transport exchanges it; the budgets record how it ended.
//! 4. [`super::retry`] decides whether it is repeated.
//!
//! # Guarantees
//! An `unsafe` or `consuming` request reaches the ATS's application at most once per call, unless
//! it was answered 401 or 429, which mean that it was not executed. Requests go only to the granted
//! origins, and the credential only to those that are named for it. No PUT, PATCH or DELETE is
//! repeated, whatever effect it declares. No credential, body or header value is logged. No reply
//! shows a live secret ([`super::redact`]).
//!
//! # Bounds
//! Repeats per call are bounded, and so are the wait for the budget
//! ([`SessionOptions::wait_ms_max`]) and each exchange. A connection whose ATS fails pauses: see
//! [`super::breaker`]. Left out: what an answer means.

use super::auth::{AuthConfig, Authenticator, FixedKey, Ticket};
use super::body::{self, BodySecret};
use super::breaker::{self, Breaker};
use super::budget::Ended;
use super::budgets::{Budget, Budgets, Permit};
use super::endpoint::{Client, TokenMeans};
use super::headers::check_headers;
use super::held::Held;
use super::oauth::{ClientCredentials, Tokens};
use super::retry::{Next, Tries, next};
use super::rotating::{Code, Consents};
use super::url::{build_url, check_origin};
use super::{Delivery, Gate, NotSent, Priority, Transport, WireRequest, limits, method};
use crate::clock::{Clock, shown_ms};
use crate::entropy::Entropy;
use crate::secret::Secret;
use atsync_model::contract::{Effect, Grant, Path, Request, Target};
use atsync_model::manifest::RateRule;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use url::Url;

/// How long a call waits for the rate budget by default.
pub const WAIT_MS_MAX_DEFAULT: u64 = 120_000;

/// Clocks that differ by less count as equal: an answer's date has whole seconds, and answers take
/// time to arrive.
const CLOCKS_AGREE_MS: u64 = 10_000;
/// An ATS's clock that differs by more is ignored: it is set to another day, or ours is, and it is
/// unknown which.
pub const CLOCK_SANE_MS: u64 = 24 * 3_600_000;
/// No answer had a date yet.
const UNDATED: i64 = i64::MIN;
/// How often a token may expire while its request waits for the budget, before the call fails.
const CLEAR_ROUNDS_MAX: usize = 3;

/// The state that the sessions of a process share: budgets and tokens, each by credential. Use one
/// with one transport, clock and entropy.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Rate budgets.
    pub budgets: Arc<Budgets>,
    /// OAuth2 tokens of client credentials.
    pub tokens: Arc<Tokens>,
    /// OAuth2 tokens of consents.
    pub consents: Arc<Consents>,
}

/// The options of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The connection's name, for logs.
    pub connection: String,
    /// The granted origins by the manifest's names, base path included.
    pub origins: BTreeMap<String, Url>,
    /// The operator allows private, loopback and link-local addresses, and with them clear-text
    /// `http`.
    pub private_network: bool,
    /// The credential.
    pub auth: AuthConfig,
    /// The names of the origins whose requests carry the credential.
    pub credential_origins: BTreeSet<String>,
    /// Further secrets that a reply must not show, such as those of webhooks.
    pub secrets: Vec<Secret>,
    /// The manifest's rate rules.
    pub rules: Vec<RateRule>,
    /// How long one call waits for the rate budget, all its repeats together.
    pub wait_ms_max: u64,
}

impl SessionOptions {
    /// Options without credential, rules and private network. A single origin is named for the
    /// credential; of several none is.
    pub fn new(connection: impl Into<String>, origins: BTreeMap<String, Url>) -> Self {
        let credential_origins =
            if origins.len() == 1 { origins.keys().cloned().collect() } else { BTreeSet::new() };
        Self {
            connection: connection.into(),
            origins,
            private_network: false,
            auth: AuthConfig::Nothing,
            credential_origins,
            secrets: Vec::new(),
            rules: Vec::new(),
            wait_ms_max: WAIT_MS_MAX_DEFAULT,
        }
    }
}

/// A session cannot be made from these options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// An origin cannot be granted.
    #[error("the origin `{name}` cannot be used: {reason}")]
    Origin {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The credential cannot be used.
    #[error("the credential cannot be used: {0}")]
    Auth(String),
}

/// The requests of a session so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Requests by origin, repeats included, those not sent left out.
    pub requests: BTreeMap<String, u64>,
    /// Requests for tokens, by all sessions that share the credential.
    pub token_requests: u64,
    /// How many of the requests were repeats.
    pub retries: u64,
    /// Answers with status 429.
    pub throttled: u64,
    /// Time spent waiting for rate budgets.
    pub waited_ms: u64,
    /// How many requests each rate budget still allows in its window, by the name of its rule.
    pub budget_left: BTreeMap<String, u32>,
}

/// The session of one connection. Cheap to share behind an [`Arc`].
#[derive(Debug)]
pub struct Session {
    connection: String,
    private_network: bool,
    wait_ms_max: u64,
    origins: BTreeMap<String, Origin>,
    secrets: Vec<Secret>,
    rules: Vec<RateRule>,
    shared: Shared,
    credential: RwLock<Arc<Held>>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    breaker: Breaker,
    retries: AtomicU64,
    throttled: AtomicU64,
    waited_ms: AtomicU64,
    /// How far the ATS's clock is ahead of ours, by its last dated answer.
    ats_ahead_ms: AtomicI64,
    /// The same as in the answer, however small it is; [`UNDATED`] before the first.
    ats_clock_ms: AtomicI64,
    /// The least of them; `i64::MAX` before the first.
    ats_clock_least_ms: AtomicI64,
}

#[derive(Debug)]
struct Origin {
    url: Url,
    /// Its requests carry the credential.
    credential: bool,
    requests: AtomicU64,
}

/// A gate that lets everything through.
struct Open;

impl Gate for Open {
    fn ask(&self, _: u64) -> BoxFuture<'_, Result<(), NotSent>> {
        std::future::ready(Ok(())).boxed()
    }
}

/// The credential that a request was sent with.
struct Sent {
    held: Arc<Held>,
    ticket: Ticket,
}

/// A request that lacks only its credential.
struct Draft<'a> {
    origin_name: &'a str,
    origin: &'a Origin,
    method: String,
    url: Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Session {
    /// Makes a session.
    ///
    /// # Errors
    /// [`SessionError`] when an origin or the credential cannot be used as given.
    pub fn new(
        options: SessionOptions,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        shared: &Shared,
    ) -> Result<Self, SessionError> {
        let mut origins = BTreeMap::new();
        for (name, url) in &options.origins {
            grantable(url, options.private_network)
                .map_err(|reason| SessionError::Origin { name: name.clone(), reason })?;
            origins.insert(
                name.clone(),
                Origin {
                    url: url.clone(),
                    credential: options.credential_origins.contains(name),
                    requests: AtomicU64::new(0),
                },
            );
        }
        let mut session = Self {
            connection: options.connection,
            private_network: options.private_network,
            wait_ms_max: options.wait_ms_max,
            origins,
            secrets: options.secrets,
            rules: options.rules,
            shared: shared.clone(),
            credential: RwLock::new(Arc::new(Held::new(
                Arc::new(FixedKey::none()),
                String::new(),
                BTreeMap::new(),
                &[],
            ))),
            transport,
            clock,
            entropy,
            breaker: Breaker::default(),
            retries: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            waited_ms: AtomicU64::new(0),
            ats_ahead_ms: AtomicI64::new(0),
            ats_clock_ms: AtomicI64::new(UNDATED),
            ats_clock_least_ms: AtomicI64::new(i64::MAX),
        };
        let held = session.held_by(&options.auth)?;
        session.credential = RwLock::new(Arc::new(held));
        Ok(session)
    }

    /// Replaces the credential: every request from now on leaves with the new one, repeats of
    /// requests under way included. A refusal of the same credential no longer counts: it is tried
    /// at once, since the host gives it again when something was corrected.
    ///
    /// # Errors
    /// [`SessionError::Auth`] when it cannot be used; then the old one stays in use.
    pub async fn replace_credential(&self, auth: &AuthConfig) -> Result<(), SessionError> {
        let mut held = self.held_by(auth)?;
        held.auth.end_pause().await;
        let mut credential = self.credential.write().unwrap_or_else(PoisonError::into_inner);
        held.number = credential.number.saturating_add(1);
        *credential = Arc::new(held);
        Ok(())
    }

    /// The number of the credential in use: 0 for the first, more for each replacement and for each
    /// other consent.
    pub(crate) fn credential_number(&self) -> u64 {
        let held = self.held();
        held.number(held.auth.consent())
    }

    /// Refreshes the tokens of a consent that were unused for long. Returns how long until it is to
    /// be called again; none for a credential that does not end unused.
    ///
    /// # Errors
    /// [`NotSent`] as for [`Authenticator::ready`].
    pub(crate) async fn keep_alive(&self) -> Result<Option<u64>, NotSent> {
        match &self.held().consent {
            Some((source, age_ms)) => source.keep_alive(*age_ms).await.map(Some),
            None => Ok(None),
        }
    }

    /// Completes when no refresh of a consent is under way.
    pub(crate) async fn settled(&self) {
        if let Some((source, _)) = &self.held().consent {
            source.settled().await;
        }
    }

    /// The token endpoint of a consent; none for another credential.
    pub(crate) fn token_url(&self) -> Option<String> {
        self.held().consent.as_ref().map(|(source, _)| source.token_url())
    }

    /// Exchanges a code for the first tokens of a consent.
    pub(crate) async fn redeem(&self, code: Code) -> Result<(), NotSent> {
        match &self.held().consent {
            Some((source, _)) => source.redeem(code).await,
            None => Err(NotSent::Refused("the credential takes no code".to_owned())),
        }
    }

    /// The mark of the credential in use.
    pub(crate) fn credential_mark(&self) -> String {
        self.held().mark.clone()
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.credential.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Prepares a credential and finds the budgets that it shares.
    fn held_by(&self, auth: &AuthConfig) -> Result<Held, SessionError> {
        let place =
            self.origins.values().map(|origin| origin.url.as_str()).collect::<Vec<_>>().join(" ");
        let (identity, mark) = (auth.identity(&place), auth.mark());
        let mut budgets = BTreeMap::new();
        let client = auth.client_identity(&place);
        for name in self.origins.keys() {
            let rules = rules_for(&self.rules, name);
            let identity = match &client {
                Some((token_origin, client)) if token_origin == name => client,
                _ => &identity,
            };
            let of = |rule| self.shared.budgets.of(identity, rule, &self.clock, &self.entropy);
            budgets.insert(name.clone(), rules.iter().map(of).collect::<Vec<_>>());
        }
        let mut consent = None;
        let auth: Arc<dyn Authenticator> = match auth {
            AuthConfig::ClientCredentials {
                token_origin,
                token_path,
                client_id,
                client_secret,
                form,
            } => {
                let client = self.client(token_origin, token_path, client_id, client_secret)?;
                let ask = ClientCredentials { client, form: form.clone() };
                let means = self.means(budgets.get(token_origin));
                self.shared.tokens.of(ask, means).map_err(SessionError::Auth)?
            }
            AuthConfig::AuthorizationCode {
                token_origin,
                token_path,
                client_id,
                client_secret,
                keeper,
                keep_alive_ms,
            } => {
                let client = self.client(token_origin, token_path, client_id, client_secret)?;
                let means = self.means(budgets.get(token_origin));
                let source = self.shared.consents.of(client, keeper, means);
                let source = source.map_err(SessionError::Auth)?;
                consent = Some((Arc::clone(&source), *keep_alive_ms));
                source
            }
            AuthConfig::Nothing
            | AuthConfig::BasicKey { .. }
            | AuthConfig::Bearer { .. }
            | AuthConfig::Header { .. } => {
                Arc::new(FixedKey::from_config(auth).map_err(SessionError::Auth)?)
            }
        };
        let mut held = Held::new(auth, mark, budgets, &self.secrets);
        held.consent = consent;
        Ok(held)
    }

    /// The client of a token endpoint.
    fn client(
        &self,
        token_origin: &str,
        token_path: &str,
        client_id: &str,
        client_secret: &Secret,
    ) -> Result<Client, SessionError> {
        let origin = self.origins.get(token_origin).ok_or_else(|| {
            SessionError::Auth(format!("the token origin `{token_origin}` is not granted"))
        })?;
        let target = Target::Path(Path { path: token_path.to_owned(), query: Vec::new() });
        Ok(Client {
            token_url: build_url(&origin.url, &target)
                .map_err(|error| SessionError::Auth(error.to_string()))?,
            client_id: client_id.to_owned(),
            client_secret: client_secret.clone(),
            private_network: self.private_network,
        })
    }

    fn means(&self, budgets: Option<&Vec<Arc<Budget>>>) -> TokenMeans {
        TokenMeans {
            transport: Arc::clone(&self.transport),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            budgets: budgets.cloned().unwrap_or_default(),
        }
    }

    /// Carries out one request of an adapter.
    ///
    /// # Cancellation
    /// Dropping the future may interrupt an exchange: treat it as [`Delivery::Unclear`].
    pub async fn execute(&self, request: &Request, effect: Effect, priority: Priority) -> Delivery {
        self.execute_through(&Open, request, effect, priority).await
    }

    /// As [`Self::execute`], for a request that a gate may still stop just before it leaves.
    pub(crate) async fn execute_through(
        &self,
        gate: &dyn Gate,
        request: &Request,
        effect: Effect,
        priority: Priority,
    ) -> Delivery {
        self.execute_sealed(gate, (request, None), effect, priority).await
    }

    /// As [`Self::execute_through`], with a secret in the body that the adapter did not see. It
    /// leaves only to an origin that gets the credential.
    pub(crate) async fn execute_sealed(
        &self,
        gate: &dyn Gate,
        (request, secret): (&Request, Option<&BodySecret>),
        effect: Effect,
        priority: Priority,
    ) -> Delivery {
        let draft = match self.draft(request, secret, effect) {
            Ok(draft) => draft,
            Err(reason) => return Delivery::NotSent(reason),
        };
        if let Err(until_ms) = self.breaker.enter(self.clock.steady_ms()) {
            let until_ms = shown_ms(self.clock.as_ref(), until_ms);
            return Delivery::NotSent(NotSent::Open { until_ms });
        }
        let delivery = self.repeat(gate, &draft, effect, priority).await;
        let ended = match &delivery {
            Delivery::Answered(response) if response.status < 500 => breaker::Ended::Well,
            Delivery::Answered(_)
            | Delivery::Unclear(_)
            | Delivery::NotSent(NotSent::Unreachable(_)) => breaker::Ended::Ill,
            Delivery::NotSent(_) => breaker::Ended::Neither,
        };
        self.breaker.ended(
            ended,
            self.clock.steady_ms(),
            self.entropy.below(breaker::OPEN_FIRST_MS),
        );
        delivery
    }

    /// One call with all its repeats.
    async fn repeat(
        &self,
        gate: &dyn Gate,
        draft: &Draft<'_>,
        effect: Effect,
        priority: Priority,
    ) -> Delivery {
        let deadline_ms = self.clock.steady_ms().saturating_add(self.wait_ms_max);
        let mut tries = Tries::default();
        let mut throttled: Option<Delivery> = None;
        loop {
            let (delivery, sent) =
                self.attempt(gate, draft, priority, deadline_ms, tries.throttled > 0).await;
            if let (Delivery::NotSent(NotSent::Throttled { .. }), Some(answered)) =
                (&delivery, throttled.take())
            {
                // It was answered, and is not repeated.
                return answered;
            }
            match next(effect, &delivery, tries, self.clock.now_ms()) {
                Next::HandOver => return delivery,
                Next::Renew => {
                    tries.renewed = true;
                    match self.renew(sent.as_ref()).await {
                        Ok(true) => {}
                        Ok(false) => return delivery,
                        Err(why) => return Delivery::NotSent(why),
                    }
                }
                Next::AwaitBudget => {
                    tries.throttled += 1;
                    throttled = Some(delivery);
                }
                Next::Rest(rest_ms)
                    if self.clock.steady_ms().saturating_add(rest_ms) > deadline_ms =>
                {
                    return delivery;
                }
                Next::Rest(rest_ms) => {
                    tries.throttled += 1;
                    throttled = Some(delivery);
                    crate::heartbeat::waits(rest_ms);
                    self.clock.sleep(rest_ms).await;
                    self.waited_ms.fetch_add(rest_ms, Ordering::Relaxed);
                }
                Next::Pause(pause_ms) => {
                    tries.failed += 1;
                    let half_ms = pause_ms / 2;
                    let more_ms = self.entropy.below(half_ms.saturating_add(1));
                    self.clock.sleep(half_ms.saturating_add(more_ms)).await;
                }
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The rights that the credential states; `None` when the scheme has none. Fetches a token if
    /// there is none.
    ///
    /// # Errors
    /// [`NotSent`] when no credential could be obtained.
    pub async fn grant(&self) -> Result<Option<Grant>, NotSent> {
        let held = self.held();
        held.auth.ready().await?;
        Ok(held.auth.grant())
    }

    /// How far the ATS's clock is ahead of ours (below nought: behind), as its last dated answer
    /// showed; nought before the first and while both agree within [`CLOCKS_AGREE_MS`]. Added to
    /// our times before they are compared with the ATS's, so that a wrong clock here does no harm.
    pub fn ats_ahead_ms(&self) -> i64 {
        self.ats_ahead_ms.load(Ordering::Relaxed)
    }

    /// How far the ATS's clock was ahead of ours in its last dated answer, to the second below;
    /// none before the first.
    pub fn ats_clock_ms(&self) -> Option<i64> {
        Some(self.ats_clock_ms.load(Ordering::Relaxed)).filter(|ahead_ms| *ahead_ms != UNDATED)
    }

    /// The least that the ATS's clock was ahead of ours in any dated answer of this session; none
    /// before the first.
    pub fn ats_clock_least_ms(&self) -> Option<i64> {
        Some(self.ats_clock_least_ms.load(Ordering::Relaxed))
            .filter(|ahead_ms| *ahead_ms != i64::MAX)
    }

    /// Now, by the ATS's clock as far as it is known. A guess: nothing durable is dated by it, and
    /// no wait ends by it.
    pub fn ats_now_ms(&self) -> u64 {
        self.clock.now_ms().saturating_add_signed(self.ats_ahead_ms())
    }

    /// What the session has cost so far.
    pub fn usage(&self) -> Usage {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            requests: self
                .origins
                .iter()
                .map(|(name, origin)| (name.clone(), read(&origin.requests)))
                .collect(),
            token_requests: self.held().auth.token_requests(),
            retries: read(&self.retries),
            throttled: read(&self.throttled),
            waited_ms: read(&self.waited_ms),
            budget_left: self.held().budget_left(),
        }
    }

    /// Whether private addresses and clear text are allowed.
    pub(crate) fn allows_private_network(&self) -> bool {
        self.private_network
    }

    fn draft(
        &self,
        request: &Request,
        secret: Option<&BodySecret>,
        effect: Effect,
    ) -> Result<Draft<'_>, NotSent> {
        let (origin_name, origin) =
            self.origins.get_key_value(&request.origin).ok_or_else(|| {
                let name = request.origin.escape_debug();
                NotSent::Refused(format!("the origin `{name}` is not granted"))
            })?;
        if !matches!(request.method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE") {
            let method = request.method.escape_debug();
            let why = format!("the method `{method}` is none of GET, POST, PUT, PATCH, DELETE");
            return Err(NotSent::Malformed(why));
        }
        method::repeatable(&request.method, effect).map_err(NotSent::Malformed)?;
        let url = build_url(&origin.url, &request.target)?;
        method::is_what_it_says(&url, &request.body).map_err(NotSent::Malformed)?;
        let mut headers = check_headers(&request.headers).map_err(NotSent::Malformed)?;
        if !headers.iter().any(|(name, _)| name == "accept") {
            headers.push(("accept".to_owned(), "application/json".to_owned()));
        }
        if secret.is_some() && !origin.credential {
            let why = format!("the origin `{origin_name}` gets no credential, so no secret");
            return Err(NotSent::Refused(why));
        }
        let (content_type, body) =
            body::written(&request.body, secret).map_err(NotSent::Malformed)?;
        if body.len() > limits::REQUEST_BODY_BYTES_MAX {
            let most = limits::REQUEST_BODY_BYTES_MAX;
            return Err(NotSent::Malformed(format!("a request body is at most {most} bytes long")));
        }
        headers.extend(content_type.map(|kind| ("content-type".to_owned(), kind)));
        Ok(Draft { origin_name, origin, method: request.method.clone(), url, headers, body })
    }

    /// One try. The second part is present when the request was sent with a credential.
    /// `is_throttled`: the call was answered 429 before, and the budget has paused for it.
    async fn attempt(
        &self,
        gate: &dyn Gate,
        draft: &Draft<'_>,
        priority: Priority,
        deadline_ms: u64,
        is_throttled: bool,
    ) -> (Delivery, Option<Sent>) {
        let mut wire = WireRequest {
            method: draft.method.clone(),
            url: draft.url.clone(),
            headers: draft.headers.clone(),
            body: draft.body.clone(),
            private_network: self.private_network,
        };
        let (permits, held, ticket) = loop {
            let held = self.held();
            match self.clear(&held, draft, &mut wire, priority, deadline_ms).await {
                Ok((permits, ticket)) => break (permits, held, ticket),
                // The old credential was refused while a new one was given.
                Err(NotSent::Auth(_) | NotSent::Consent { .. })
                    if !Arc::ptr_eq(&held, &self.held()) => {}
                Err(why) => return (Delivery::NotSent(why), None),
            }
        };
        let consent = ticket.as_ref().map_or_else(|| held.auth.consent(), Ticket::consent);
        if let Err(reason) = gate.ask(held.number(consent)).await {
            permits.into_iter().for_each(|permit| permit.settle(Ended::NotSent));
            return (Delivery::NotSent(reason), None);
        }
        let sent_ms = self.clock.steady_ms();
        crate::heartbeat::works();
        let mut delivery = self.transport.exchange(wire).await;
        // Before the adapter sees it, and through its messages failures, logs and the store.
        held.redactor().delivery(&mut delivery);
        let ended = match &delivery {
            Delivery::Answered(response) if response.status == 429 && is_throttled => {
                Ended::RefusedAgain { headers: &response.headers }
            }
            Delivery::Answered(response) => {
                Ended::Answered { status: response.status, headers: &response.headers }
            }
            Delivery::NotSent(_) => Ended::NotSent,
            Delivery::Unclear(_) => Ended::Unclear,
        };
        permits.into_iter().for_each(|permit| permit.settle(ended));
        let sent = ticket.map(|ticket| Sent { held, ticket });
        self.note(draft, &delivery, sent.as_ref(), sent_ms);
        (delivery, sent)
    }

    /// Credential and budget, in an order in which neither waits for the other while holding a lock
    /// or a place. No ticket for an origin that is not named for the credential: then none is
    /// fetched or added.
    async fn clear(
        &self,
        held: &Held,
        draft: &Draft<'_>,
        wire: &mut WireRequest,
        priority: Priority,
        deadline_ms: u64,
    ) -> Result<(Vec<Permit>, Option<Ticket>), NotSent> {
        for _ in 0..CLEAR_ROUNDS_MAX {
            if draft.origin.credential {
                held.auth.ready().await?;
            }
            let asked_ms = self.clock.steady_ms();
            crate::heartbeat::waits(deadline_ms.saturating_sub(asked_ms));
            let permits = acquire_all(held.budgets(draft.origin_name), priority, deadline_ms).await;
            self.waited_ms
                .fetch_add(self.clock.steady_ms().saturating_sub(asked_ms), Ordering::Relaxed);
            let permits = permits?;
            if !draft.origin.credential {
                return Ok((permits, None));
            }
            match held.auth.authorize(wire) {
                Some(ticket) => return Ok((permits, Some(ticket))),
                None => permits.into_iter().for_each(|permit| permit.settle(Ended::NotSent)),
            }
        }
        Err(NotSent::Unreachable(
            "the credential ends faster than the rate budget lets a request go".to_owned(),
        ))
    }

    fn learn_clock(&self, date_ms: Option<u64>) {
        let theirs = date_ms.and_then(|date_ms| i64::try_from(date_ms).ok());
        let (Some(theirs), Ok(ours)) = (theirs, i64::try_from(self.clock.now_ms())) else { return };
        let ahead_ms = theirs.saturating_sub(ours);
        self.ats_clock_ms.store(ahead_ms, Ordering::Relaxed);
        self.ats_clock_least_ms.fetch_min(ahead_ms, Ordering::Relaxed);
        let is_plausible = (CLOCKS_AGREE_MS + 1..=CLOCK_SANE_MS).contains(&ahead_ms.unsigned_abs());
        self.ats_ahead_ms.store(if is_plausible { ahead_ms } else { 0 }, Ordering::Relaxed);
    }

    fn note(&self, draft: &Draft<'_>, delivery: &Delivery, sent: Option<&Sent>, sent_ms: u64) {
        let word = match delivery {
            Delivery::Answered(response) => {
                self.learn_clock(super::budget::date(&response.headers));
                if let Some(sent) = sent.filter(|_| response.status != 401) {
                    sent.ticket.accept();
                }
                if response.status == 429 {
                    self.throttled.fetch_add(1, Ordering::Relaxed);
                }
                response.status.to_string()
            }
            Delivery::NotSent(_) => "not sent".to_owned(),
            Delivery::Unclear(_) => "unclear".to_owned(),
        };
        if !matches!(delivery, Delivery::NotSent(_)) {
            draft.origin.requests.fetch_add(1, Ordering::Relaxed);
        }
        tracing::debug!(
            connection = self.connection,
            method = draft.method,
            origin = draft.origin.url.origin().ascii_serialization(),
            path = draft.url.path(),
            outcome = word,
            duration_ms = self.clock.steady_ms().saturating_sub(sent_ms),
            "request"
        );
    }

    async fn renew(&self, sent: Option<&Sent>) -> Result<bool, NotSent> {
        match sent {
            // The credential was replaced while the request was under way: the new one has not been
            // refused.
            Some(sent) if !Arc::ptr_eq(&sent.held, &self.held()) => Ok(true),
            Some(sent) => sent.held.auth.renew(&sent.ticket).await,
            None => Ok(false),
        }
    }
}

async fn acquire_all(
    budgets: &[Arc<Budget>],
    priority: Priority,
    deadline_ms: u64,
) -> Result<Vec<Permit>, NotSent> {
    let mut permits: Vec<Permit> = Vec::with_capacity(budgets.len());
    for budget in budgets {
        match budget.acquire(priority, deadline_ms).await {
            Ok(permit) => permits.push(permit),
            Err(exhausted) => {
                permits.into_iter().for_each(|permit| permit.settle(Ended::NotSent));
                return Err(NotSent::Throttled { until_ms: exhausted.until_ms });
            }
        }
    }
    Ok(permits)
}

fn grantable(url: &Url, private_network: bool) -> Result<(), String> {
    check_origin(url)?;
    if url.scheme() == "http" && !private_network {
        return Err(super::CLEAR_TEXT.to_owned());
    }
    Ok(())
}

/// The rules of an origin; where the manifest has none, a rule that only obeys 429.
fn rules_for(rules: &[RateRule], origin: &str) -> Vec<RateRule> {
    let mut found: Vec<RateRule> = rules
        .iter()
        .filter(|rule| rule.origins.iter().any(|name| name == origin))
        .cloned()
        .collect();
    if found.is_empty() {
        let name = format!("{origin} (no rule)");
        found.push(RateRule::new(name, [origin], u32::MAX, 60_000));
    }
    found
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
