//! Decides what the absence of a child record proves.
//!
//! A probe looks for a note on its candidate. A merge moves the note to another candidate at once,
//! while reads may return the former candidate until the visibility delay of its kind is over. A
//! probe within that delay misses a note that exists. So an absence is proven only when each record
//! that the create names was read by id, later than the visibility delay after the probe.
//!
//! # Bounds
//! One read per record that the input names; a wait of at most the longest visibility delay of
//! their kinds. A kind that cannot be fetched by id proves nothing and delays nothing.

use super::Settler;
use crate::error::Error;
use crate::journal::{Intent, Moment};
use crate::reconcile::order::Order;
use crate::reconcile::rows::named;
use crate::store::Cause;
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the parents of a create existed when the created record was absent.
pub(super) enum Absence {
    /// They did: the create did not happen.
    Proven,
    /// Not known before this time is over.
    NotYet { left_ms: u64 },
    /// The ATS does not return this parent, and it is not confirmed as deleted.
    Hidden(RemoteRef),
    /// The ATS has never returned this parent, although its visibility delay is over. Nothing
    /// stored can tell whether it was deleted, merged or hidden.
    NeverShown(RemoteRef),
}

impl Settler {
    /// What an absence that a probe first found at `since` proves.
    pub(super) async fn absence(&self, intent: &Intent, since: Moment) -> Result<Absence, Error> {
        let parents = self.parents_of(intent);
        let manifest = self.context.manifest();
        let delay_ms = parents
            .iter()
            .filter_map(|remote| manifest.kind(&remote.kind))
            .map(|rule| self.context.settle_window_ms.unwrap_or(rule.visible_within_ms))
            .max()
            .unwrap_or(0);
        let left_ms = since.left_ms(delay_ms, &self.context.moments.now());
        if left_ms > 0 {
            return Ok(Absence::NotYet { left_ms });
        }
        for remote in parents {
            if manifest.kind(&remote.kind).is_none_or(|rule| rule.ids_max == 0) {
                continue;
            }
            let ids = std::slice::from_ref(&remote.id);
            let missing = self
                .ingest
                .fetch(&remote.kind, ids, &BTreeMap::new(), Priority::Interactive)
                .await?;
            if missing.is_empty() {
                continue;
            }
            let is_gone = match self.context.store.observed(&remote).await? {
                Some(row) => {
                    row.gone
                        || self
                            .deletions
                            .confirm_deleted(&row, |proof| Cause::Doubted { proof })
                            .await?
                }
                None => return Ok(Absence::NeverShown(remote)),
            };
            if !is_gone {
                return Ok(Absence::Hidden(remote));
            }
        }
        Ok(Absence::Proven)
    }

    /// The records that the input of a create names.
    fn parents_of(&self, intent: &Intent) -> BTreeSet<RemoteRef> {
        if intent.target.is_some() {
            return BTreeSet::new();
        }
        match serde_json::from_str(&Order::of(intent).operation.input) {
            Ok(Value::Object(input)) => named(self.context.manifest(), &input),
            _ => BTreeSet::new(),
        }
    }
}
