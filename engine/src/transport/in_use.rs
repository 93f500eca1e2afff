//! The access token that a source uses, and the secrets that its replies may still show.
//!
//! Bound: a number of secrets that the source chooses. Left out: how a token is fetched.

use super::WireRequest;
use super::auth::{Ticket, set_header};
use super::token::Token;
use crate::clock::Clock;
use crate::secret::Secret;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A token is not used in its last moments, since a request takes time to arrive.
const LAST_MOMENTS_MS: u64 = 5_000;

/// See the module.
#[derive(Debug)]
pub(super) struct InUse {
    secrets_max: usize,
    current: RwLock<Option<Arc<Token>>>,
    /// How many secrets were given, and the last ones.
    given: Mutex<(u64, VecDeque<Secret>)>,
}

impl InUse {
    /// No token yet. So many secrets are removed from replies: of the token in use, and of earlier
    /// ones, which requests under way still have.
    pub(super) fn new(secrets_max: usize) -> Self {
        Self { secrets_max, current: RwLock::default(), given: Mutex::default() }
    }

    /// The newest token, whether it has ended or not.
    pub(super) fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest token, if a request that leaves now arrives before it ends.
    pub(super) fn usable(&self, clock: &dyn Clock) -> Option<Arc<Token>> {
        let now_ms = clock.steady_ms();
        self.current().filter(|token| token.usable(now_ms, LAST_MOMENTS_MS))
    }

    /// Uses a token from now on.
    pub(super) fn set(&self, token: Token) -> Arc<Token> {
        let token = Arc::new(token);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&token));
        token
    }

    /// Uses no token from now on.
    pub(super) fn unset(&self) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Removes a secret from replies from now on.
    pub(super) fn remember(&self, secret: Secret) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, secrets) = &mut *given;
        if secrets.contains(&secret) {
            return;
        }
        *count = count.saturating_add(1);
        secrets.push_back(secret);
        secrets.drain(..secrets.len().saturating_sub(self.secrets_max));
    }

    /// The remembered secrets.
    pub(super) fn secrets(&self) -> VecDeque<Secret> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Rises with every remembered secret.
    pub(super) fn version(&self) -> u64 {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Adds the token to a request; none if there is no usable one.
    pub(super) fn authorize(&self, request: &mut WireRequest, clock: &dyn Clock) -> Option<Ticket> {
        let token = self.usable(clock)?;
        set_header(request, "authorization", token.header.expose());
        let ticket = Ticket::new(token.generation, Arc::clone(&token.accepted));
        Some(ticket.of_consent(token.consent))
    }
}
