//! The credential that a session uses, with all that depends on it.
//!
//! Bound: [`CONSENTS_MAX`]. Left out: how it is replaced, which is the session's.

use super::auth::Authenticator;
use super::budgets::Budget;
use super::redact::Redactor;
use super::rotating::RotatingSource;
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Consents of one credential in one process: more than a person gives.
const CONSENTS_MAX: u64 = 1 << 32;

/// The credential in use, and the budgets that are counted by it.
#[derive(Debug)]
pub(super) struct Held {
    /// How many credentials the session had before.
    pub(super) number: u64,
    pub(super) auth: Arc<dyn Authenticator>,
    /// The same as a consent, and the age at which its tokens are refreshed.
    pub(super) consent: Option<(Arc<RotatingSource>, u64)>,
    /// [`super::auth::AuthConfig::mark`].
    pub(super) mark: String,
    /// By the origin's name.
    budgets: BTreeMap<String, Vec<Arc<Budget>>>,
    /// Secrets besides the credential's.
    secrets: Vec<Secret>,
    /// Removes the secrets of this version from replies.
    redactor: RwLock<(u64, Redactor)>,
}

impl Held {
    pub(super) fn new(
        auth: Arc<dyn Authenticator>,
        mark: String,
        budgets: BTreeMap<String, Vec<Arc<Budget>>>,
        secrets: &[Secret],
    ) -> Self {
        let version = auth.secrets_version();
        let redactor = Redactor::new(auth.secrets().iter().chain(secrets));
        Self {
            number: 0,
            auth,
            consent: None,
            mark,
            budgets,
            secrets: secrets.to_vec(),
            redactor: RwLock::new((version, redactor)),
        }
    }

    /// Made again when a token was fetched.
    pub(super) fn redactor(&self) -> Redactor {
        let version = self.auth.secrets_version();
        {
            let made = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
            if made.0 == version {
                return made.1.clone();
            }
        }
        let redactor = Redactor::new(self.auth.secrets().iter().chain(&self.secrets));
        *self.redactor.write().unwrap_or_else(PoisonError::into_inner) =
            (version, redactor.clone());
        redactor
    }

    /// The number of the credential that a request leaves with, as one that rises: a credential may
    /// have several consents, one after the other.
    pub(super) fn number(&self, consent: u64) -> u64 {
        self.number.saturating_mul(CONSENTS_MAX).saturating_add(consent)
    }

    /// How many requests each budget still allows, by the name of its rule.
    pub(super) fn budget_left(&self) -> BTreeMap<String, u32> {
        let budgets = self.budgets.values().flatten();
        budgets.map(|budget| (budget.name().to_owned(), budget.level().1)).collect()
    }

    pub(super) fn budgets(&self, origin: &str) -> &[Arc<Budget>] {
        self.budgets.get(origin).map_or(&[], Vec::as_slice)
    }
}
