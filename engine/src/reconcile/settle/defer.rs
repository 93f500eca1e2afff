//! Keeps a write in doubt: until the next probe, or until a person decides.

use super::Settler;
use crate::error::Error;
use crate::journal::{GivenUpBy, Intent, IntentState, Moment, look_again_ms};
use crate::reconcile::requests::TaskError;

/// How one turn over an open intent ended.
pub(super) enum Turn {
    Closed,
    Again {
        at_ms: u64,
    },
    /// The record is absent; its parents are confirmed at this time.
    Absent {
        at_ms: u64,
    },
    /// A person decides.
    Blocked,
}

impl Settler {
    /// Defers an intent whose probe or resend failed. Connection errors abort the settling; errors
    /// of one intent defer that intent, since one record must not stop all others.
    pub(super) async fn defer_failed(
        &self,
        intent: &Intent,
        error: TaskError,
    ) -> Result<Turn, Error> {
        let what = format!("whether {} happened cannot be told", intent.operation);
        let failure = self.requests.own_failure(error, &what).await?;
        let reason = format!("{what}: {}", self.requests.explain_own(&failure));
        self.defer(intent, reason).await
    }

    /// Keeps an intent in doubt for a reason; the wait until the next probe doubles.
    pub(super) async fn defer(&self, intent: &Intent, reason: String) -> Result<Turn, Error> {
        let at_ms = self.context.clock.now_ms().saturating_add(look_again_ms(probes(intent)));
        let to = IntentState::InDoubt {
            reason,
            probe_after_ms: at_ms,
            probes: probes(intent).saturating_add(1),
            blocked: false,
            absent: None,
        };
        self.executor.advance(intent, to, Vec::new(), false).await?;
        Ok(Turn::Again { at_ms })
    }

    /// Abandons an intent whose target or parent no longer exists.
    pub(super) async fn abandon(&self, intent: &Intent, reason: String) -> Result<Turn, Error> {
        self.abandon_by(intent, reason, GivenUpBy::Engine).await
    }

    /// As [`Self::abandon`]; `by` decides the steps that the intent blocks.
    pub(super) async fn abandon_by(
        &self,
        intent: &Intent,
        reason: String,
        by: GivenUpBy,
    ) -> Result<Turn, Error> {
        let to = IntentState::Abandoned { reason, by };
        self.executor.advance(intent, to, Vec::new(), false).await?;
        Ok(Turn::Closed)
    }

    pub(super) async fn block(&self, intent: &Intent, reason: String) -> Result<Turn, Error> {
        let to = IntentState::InDoubt {
            reason,
            probe_after_ms: self.context.clock.now_ms(),
            probes: probes(intent).saturating_add(1),
            blocked: true,
            absent: None,
        };
        self.executor.advance(intent, to, Vec::new(), false).await?;
        Ok(Turn::Blocked)
    }

    /// Keeps an intent in doubt until the next probe.
    pub(super) async fn probe_later(&self, intent: &Intent, wait_ms: u64) -> Result<Turn, Error> {
        self.probe_later_since(intent, wait_ms, None).await
    }

    /// As [`Self::probe_later`]; `absent` is when a probe first found nothing.
    pub(super) async fn probe_later_since(
        &self,
        intent: &Intent,
        wait_ms: u64,
        absent: Option<Moment>,
    ) -> Result<Turn, Error> {
        let at_ms = self.context.clock.now_ms().saturating_add(wait_ms);
        let to = IntentState::InDoubt {
            reason: reason_of(intent),
            probe_after_ms: at_ms,
            probes: probes(intent).saturating_add(1),
            blocked: false,
            absent,
        };
        self.executor.advance(intent, to, Vec::new(), false).await?;
        Ok(match absent {
            Some(_) => Turn::Absent { at_ms },
            None => Turn::Again { at_ms },
        })
    }
}

/// How often an intent was probed.
pub(super) fn probes(intent: &Intent) -> u32 {
    match intent.state {
        IntentState::InDoubt { probes, .. } => probes,
        _ => 0,
    }
}

fn reason_of(intent: &Intent) -> String {
    match &intent.state {
        IntentState::InDoubt { reason, .. } => reason.clone(),
        _ => String::new(),
    }
}
