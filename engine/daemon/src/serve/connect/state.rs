//! What the connect pages share.

use super::begun::AllBegun;
use crate::config::client::CALLBACK;
use crate::open::Opened;
use crate::serve::problem::{Problem, ProblemType};
use crate::serve::served::Served;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Checks at once: each sends some dozens of requests to an ATS.
const CHECKS_AT_ONCE: usize = 8;

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::serve) struct ConnectPages {
    pub(super) served: Arc<Served>,
    pub(super) begun: Arc<AllBegun>,
    checks: Arc<Semaphore>,
    /// Browsers reach this server through TLS alone.
    pub(super) is_secure: bool,
}

impl ConnectPages {
    pub(in crate::serve) fn new(served: Arc<Served>, is_secure: bool) -> Self {
        let checks = Arc::new(Semaphore::new(CHECKS_AT_ONCE));
        Self { served, begun: Arc::default(), checks, is_secure }
    }

    /// What runs.
    ///
    /// # Errors
    /// When the server stops.
    pub(super) fn opened(&self) -> Result<Opened, Problem> {
        self.served.running()
    }

    /// A place for requests to an ATS.
    ///
    /// # Errors
    /// When too many are under way.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy = "Too many connections are being checked at the moment; try it again.";
        Arc::clone(&self.checks)
            .try_acquire_owned()
            .map_err(|_| Problem::new(ProblemType::Busy, busy))
    }

    /// The redirect URI.
    ///
    /// # Errors
    /// When browsers cannot reach this server.
    pub(super) fn redirect_uri(&self) -> Result<String, Problem> {
        Ok(format!("{}{CALLBACK}", self.served.public_url()?))
    }
}
