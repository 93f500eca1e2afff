//! One source of rotating tokens: its flights, and what a session asks of it.
//!
//! A deed of the [`Core`] is a *flight*, which all callers share and which ends although they are
//! dropped ([`crate::transport::detached`]). At most one is under way. Without a runtime a flight
//! advances only while a caller polls it, so the core's lock is taken after the flight has ended.

use super::core::{Code, Core, Need};
use crate::reason::AuthReason;
use crate::secret::Secret;
use crate::transport::auth::{Authenticator, Ticket};
use crate::transport::detached::fly;
use crate::transport::endpoint::{Client, Endpoint, TokenMeans};
use crate::transport::keeper::TokenKeeper;
use crate::transport::{NotSent, WireRequest};
use atsync_model::contract::Grant;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

/// Flights that a caller begins or joins before it gives up. A flight of another caller may have
/// met another need.
const FLIGHTS_MAX: usize = 3;

type Flight = Shared<BoxFuture<'static, Result<(), NotSent>>>;

/// The tokens of one consent.
#[derive(Debug)]
pub struct RotatingSource {
    core: Arc<Core>,
    flight: Mutex<Option<Flight>>,
}

impl RotatingSource {
    pub(super) fn new(client: Client, keeper: Arc<dyn TokenKeeper>, means: TokenMeans) -> Self {
        let core = Core::new(keeper, Endpoint::new(client, means));
        Self { core: Arc::new(core), flight: Mutex::default() }
    }

    /// Uses this client from now on, if it is another one: its secret was replaced.
    pub(super) fn use_client(&self, client: Client, means: TokenMeans) {
        if self.core.endpoint().client != client {
            self.core.use_endpoint(Endpoint::new(client, means));
        }
    }

    fn under_way(flight: Option<&Flight>) -> Option<Flight> {
        // One that has ended can be peeked at.
        flight.filter(|flight| flight.peek().is_none()).cloned()
    }

    /// Joins the flight under way, or begins one; the second part says which. None when it is not
    /// needed.
    fn board<F>(
        &self,
        is_needed: impl FnOnce() -> bool,
        deed: impl FnOnce(Arc<Core>) -> F,
    ) -> Option<(Flight, bool)>
    where
        F: Future<Output = Result<(), NotSent>> + Send + 'static,
    {
        let mut slot = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = Self::under_way(slot.as_ref()) {
            return Some((flight, false));
        }
        if !is_needed() {
            return None;
        }
        // The keeper is the host's code; if it panics, the next caller begins another flight.
        let deed = AssertUnwindSafe(deed(Arc::clone(&self.core))).catch_unwind().map(|ended| {
            ended.unwrap_or_else(|_| {
                Err(NotSent::Consent {
                    reason: AuthReason::PairNotKept,
                    why: "the token keeper panicked; report it to its author".to_owned(),
                })
            })
        });
        let flight = fly(deed.boxed());
        *slot = Some(flight.clone());
        Some((flight, true))
    }

    fn get(&self, need: Need, is_needed: impl FnOnce() -> bool) -> Option<(Flight, bool)> {
        self.board(is_needed, |core| async move { core.get(need).await })
    }

    fn is_usable(&self) -> bool {
        let clock = &self.core.endpoint().means.clock;
        self.core.in_use.usable(clock.as_ref()).is_some()
    }

    async fn prepare(&self) -> Result<(), NotSent> {
        let clock = Arc::clone(&self.core.endpoint().means.clock);
        if let Some(token) = self.core.in_use.usable(clock.as_ref()) {
            if clock.steady_ms() >= token.renew_at_ms {
                // One request renews early, and its failure does no harm yet; the others use the
                // present token.
                if let Some((flight, true)) = self.get(Need::Fresh, || true) {
                    let _ = flight.await;
                }
            }
            if self.is_usable() {
                return Ok(());
            }
        }
        for _ in 0..FLIGHTS_MAX {
            let Some((flight, _)) = self.get(Need::Fresh, || !self.is_usable()) else {
                return Ok(());
            };
            let ended = flight.await;
            if self.is_usable() {
                return Ok(());
            }
            ended?;
        }
        Err(NotSent::Unreachable("each new access token ends at once".to_owned()))
    }

    async fn replace(&self, used: &Ticket) -> Result<bool, NotSent> {
        let generation = used.generation();
        for _ in 0..FLIGHTS_MAX {
            let clock = Arc::clone(&self.core.endpoint().means.clock);
            let now_ms = clock.steady_ms();
            let is_same = || {
                let token = self.core.in_use.current();
                token.is_none_or(|token| token.generation == generation)
            };
            let token = self.core.in_use.current();
            if token.is_some_and(|token| is_same() && token.is_renewed_in_vain(now_ms)) {
                return Ok(false);
            }
            let Some((flight, is_own)) = self.get(Need::Other(generation), is_same) else {
                return Ok(true);
            };
            let ended = flight.await;
            if is_own || !is_same() {
                return ended.map(|()| true);
            }
        }
        Ok(false)
    }

    /// Exchanges a code for the first pair of a consent, which the keeper stores. Like a refresh it
    /// ends although the caller is dropped.
    pub(crate) async fn redeem(&self, code: Code) -> Result<(), NotSent> {
        loop {
            let deed = |core: Arc<Core>| {
                let code = code.clone();
                async move { core.redeem(code).await }
            };
            match self.board(|| true, deed) {
                Some((flight, true)) => return flight.await,
                Some((flight, false)) => drop(flight.await),
                None => {}
            }
        }
    }

    /// Refreshes a pair that is older than this. Returns how long until it is.
    pub(crate) async fn keep_alive(&self, age_ms: u64) -> Result<u64, NotSent> {
        for _ in 0..FLIGHTS_MAX {
            if let Some((flight, is_own)) = self.get(Need::Younger(age_ms), || true) {
                let ended = flight.await;
                if is_own {
                    ended?;
                }
            }
            self.settled().await;
            let left_ms = age_ms.saturating_sub(self.core.age_ms().await);
            if left_ms > 0 {
                return Ok(left_ms);
            }
        }
        Err(NotSent::Unreachable("the refresh token is already old when it is new".to_owned()))
    }

    /// Whether it must not be forgotten: a flight is under way, or a pair is not stored yet.
    pub(super) fn is_busy(&self) -> bool {
        let slot = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        Self::under_way(slot.as_ref()).is_some() || self.core.has_unsaved()
    }

    /// The token endpoint.
    pub(crate) fn token_url(&self) -> String {
        self.core.endpoint().client.token_url.to_string()
    }

    /// Completes when no flight is under way.
    pub(crate) async fn settled(&self) {
        let flight = {
            let slot = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
            Self::under_way(slot.as_ref())
        };
        if let Some(flight) = flight {
            drop(flight.await);
        }
    }
}

impl Authenticator for RotatingSource {
    fn ready(&self) -> BoxFuture<'_, Result<(), NotSent>> {
        Box::pin(self.prepare())
    }

    fn authorize(&self, request: &mut WireRequest) -> Option<Ticket> {
        self.core.in_use.authorize(request, self.core.endpoint().means.clock.as_ref())
    }

    fn renew<'a>(&'a self, used: &'a Ticket) -> BoxFuture<'a, Result<bool, NotSent>> {
        Box::pin(self.replace(used))
    }

    fn end_pause(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.settled().await;
            self.core.lift().await;
        })
    }

    fn secrets(&self) -> Vec<Secret> {
        self.core.secrets()
    }

    fn secrets_version(&self) -> u64 {
        self.core.in_use.version()
    }

    fn grant(&self) -> Option<Grant> {
        self.core.in_use.current().map(|token| token.grant.clone())
    }

    fn consent(&self) -> u64 {
        self.core.consent()
    }

    fn token_requests(&self) -> u64 {
        self.core.endpoint().requests()
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
