//! Reads back the records that a write made or changed.

use super::Ingest;
use crate::error::Error;
use crate::journal::IntentId;
use crate::reconcile::order::Touched;
use crate::reconcile::requests::concerns_kind;
use crate::reconcile::rows::remote;
use crate::store::limits::PAGE_RECORDS_MAX;
use crate::store::{Cause, PageCommit};
use crate::transport::Priority;
use std::collections::{BTreeMap, BTreeSet};

impl Ingest {
    /// Reads the touched records, so that the store holds what the ATS made of them. The events
    /// name the intents; a change that another user made in the same moment is part of the same
    /// event. A record that an intent deleted, and that the ATS no longer shows, is tombstoned by
    /// that intent.
    pub(crate) async fn read_back(&self, touched: Vec<Touched>) -> Result<(), Error> {
        let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut intents: BTreeMap<String, BTreeMap<String, IntentId>> = BTreeMap::new();
        let mut deleted = BTreeSet::new();
        for Touched { remote, intent, ended } in touched {
            if ended {
                deleted.insert(remote.clone());
            }
            if let Some(intent) = intent {
                intents.entry(remote.kind.clone()).or_default().insert(remote.id.clone(), intent);
            }
            kinds.entry(remote.kind).or_default().insert(remote.id);
        }
        for (kind, ids) in kinds {
            if self.context.manifest().kind(&kind).is_some() {
                let ids: Vec<String> = ids.into_iter().collect();
                let applied_by = intents.remove(&kind).unwrap_or_default();
                let mut missing = match self
                    .fetch(&kind, &ids, &applied_by, Priority::Incremental)
                    .await
                {
                    // The write succeeded all the same; a record that cannot be read is not
                    // compared.
                    Err(error) if concerns_kind(&error) => {
                        tracing::warn!(connection = %self.context.name, kind, "what was written \
                            cannot be read back");
                        continue;
                    }
                    fetched => fetched?,
                };
                missing.retain(|id| deleted.contains(&remote(&kind, id)));
                for gone in missing.chunks(PAGE_RECORDS_MAX) {
                    let page = self.page(kind.clone(), Vec::new(), &[], Cause::Asked);
                    self.commit(PageCommit {
                        gone: gone.to_vec(),
                        applied_by: applied_by.clone(),
                        ..page
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }
}
