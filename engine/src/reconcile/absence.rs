//! What it proves that something which hangs on another record does not show.
//!
//! A probe looks for a note on its candidate. When somebody merges that candidate into another, the
//! note goes along at once, while the ATS may go on showing the candidate for as long as the reads
//! of its kind lag behind. A probe in that time finds no note although there is one. So an absence
//! is believed only once each record that the creation names was read, by its id, so late that a
//! merge before the probe would show.
//!
//! # Bounds
//! One read of each record that the input names, and as long a wait as the slowest of their kinds
//! needs. A kind that cannot be read by id proves nothing and keeps nobody waiting.

use super::Reconciler;
use super::order::Order;
use crate::error::Error;
use crate::journal::{Intent, Moment};
use crate::store::Cause;
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whether what a creation hangs on was there when the creation was not.
pub(super) enum Absence {
    /// It was: what did not show had not happened.
    Proven,
    /// It is known after this time at the earliest.
    NotYet { left_ms: u64 },
    /// The ATS does not show this one, and it is not proven to be gone.
    Hidden(RemoteRef),
}

impl Reconciler {
    /// What an absence that was first seen at `since` proves.
    pub(super) async fn absence(&self, intent: &Intent, since: Moment) -> Result<Absence, Error> {
        let named = self.hung_on(intent);
        let manifest = self.adapter.manifest();
        let delay_ms = named
            .iter()
            .filter_map(|remote| manifest.kind(&remote.kind))
            .map(|rule| self.settle_window_ms.unwrap_or(rule.visible_within_ms))
            .max()
            .unwrap_or(0);
        let left_ms = since.left_ms(delay_ms, &self.now());
        if left_ms > 0 {
            return Ok(Absence::NotYet { left_ms });
        }
        for remote in named {
            if manifest.kind(&remote.kind).is_none_or(|rule| rule.ids_max == 0) {
                continue;
            }
            let ids = std::slice::from_ref(&remote.id);
            let missing =
                self.fetch(&remote.kind, ids, &BTreeMap::new(), Priority::Interactive).await?;
            if missing.is_empty() {
                continue;
            }
            let is_gone = match self.store.observed(&remote).await? {
                Some(row) => {
                    row.gone || self.prove_gone(&row, |proof| Cause::Doubted { proof }).await?
                }
                None => false,
            };
            if !is_gone {
                return Ok(Absence::Hidden(remote));
            }
        }
        Ok(Absence::Proven)
    }

    /// The records that a creation names.
    fn hung_on(&self, intent: &Intent) -> BTreeSet<RemoteRef> {
        if intent.target.is_some() {
            return BTreeSet::new();
        }
        match serde_json::from_str(&Order::of(intent).operation.input) {
            Ok(Value::Object(input)) => self.named(&input),
            _ => BTreeSet::new(),
        }
    }
}
