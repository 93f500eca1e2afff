//! Hints: what a webhook suggests, confirmed by a read.
//!
//! A hint names a record and never carries data, so acting on one twice, late or in the wrong order
//! is harmless: it is a read. A deletion needs the hook *and* a fetch that does not show the
//! record, or the hook alone where the kind cannot be asked for by id.
//!
//! The connection decides which raw and which sensitive kinds it reads; a hint at another one costs
//! no request.
//!
//! Left out: receiving and authenticating webhooks.

use super::Ingest;
use crate::error::{Error, ErrorKind};
use crate::store::{Cause, MovedTo, PageCommit, Proof, merge_anonymized};
use crate::transport::Priority;
use atsync_model::contract::{Hint, RemoteRef};
use atsync_model::resource::PERSON;
use serde::Serialize;
use std::collections::BTreeMap;

/// The end of a hint: the result of its fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
#[non_exhaustive]
pub enum HintEnd {
    /// The record was read and ingested.
    TakenIn,
    /// The ATS does not show the record. That proves nothing by itself.
    NotShown,
    /// It was deleted, which is reported (now or before).
    Gone,
    /// It continues under another id, which is reported (now or before).
    Moved {
        /// The id.
        to: String,
    },
    /// Reported as deleted or merged, but the ATS still shows it. The next sweep decides.
    StillThere,
    /// The connection does not read its kind: a raw one that was never pulled, or a sensitive one
    /// that its settings do not name.
    NotRead,
}

impl Ingest {
    /// Confirms a hint by a read.
    pub(crate) async fn hint(&self, hint: Hint) -> Result<HintEnd, Error> {
        let (Hint::Changed(of) | Hint::Deleted(of) | Hint::Merged((of, _)) | Hint::Erased(of)) =
            &hint;
        if !self.is_read(&of.kind).await? {
            return Ok(HintEnd::NotRead);
        }
        let fetched = Cause::Hinted { proof: Proof::Fetched };
        match hint {
            Hint::Changed(of) => {
                let shown = self.is_shown(&of, fetched).await?;
                Ok(if shown { HintEnd::TakenIn } else { HintEnd::NotShown })
            }
            Hint::Deleted(of) => self.hinted_deletion(of, fetched).await,
            Hint::Merged((loser, winner)) => self.hinted_merge(loser, winner, fetched).await,
            Hint::Erased(of) => self.hinted_erasure(&of, fetched).await,
        }
    }

    /// Whether the connection reads a kind.
    async fn is_read(&self, kind: &str) -> Result<bool, Error> {
        let Some(rule) = self.context.manifest().kind(kind) else { return Ok(true) };
        if !rule.is_opted_in(&self.context.settings) {
            return Ok(false);
        }
        Ok(!rule.raw || self.context.was_pulled(kind).await?)
    }

    fn ids_max(&self, kind: &str) -> Result<u32, Error> {
        let rule = self.context.manifest().kind(kind);
        rule.map(|rule| rule.ids_max).ok_or_else(|| {
            self.context.error(
                ErrorKind::Adapter,
                format!("a hint for a kind that the manifest does not name: {kind}"),
            )
        })
    }

    /// Fetches a record. Whether the ATS shows it.
    async fn is_shown(&self, of: &RemoteRef, cause: Cause) -> Result<bool, Error> {
        self.ids_max(&of.kind)?;
        let missing = self
            .fetch_as(
                &of.kind,
                std::slice::from_ref(&of.id),
                (cause, &BTreeMap::new()),
                Priority::Incremental,
            )
            .await?;
        Ok(missing.is_empty())
    }

    async fn hinted_deletion(&self, of: RemoteRef, fetched: Cause) -> Result<HintEnd, Error> {
        let proof = if self.ids_max(&of.kind)? == 0 {
            Proof::Hook
        } else if self.is_shown(&of, fetched).await? {
            return Ok(HintEnd::StillThere);
        } else {
            Proof::HookAndFetch
        };
        self.tombstone(
            &of.kind,
            vec![of.id.clone()],
            Cause::Hinted { proof },
            Priority::Incremental,
        )
        .await?;
        let alias = self.context.store.alias(&of).await?.filter(|alias| alias.told);
        Ok(alias.map_or(HintEnd::Gone, |alias| HintEnd::Moved { to: alias.to }))
    }

    async fn hinted_merge(
        &self,
        loser: RemoteRef,
        winner: RemoteRef,
        fetched: Cause,
    ) -> Result<HintEnd, Error> {
        if loser.kind != winner.kind || loser.id == winner.id {
            return Err(self
                .context
                .error(ErrorKind::Adapter, "a hint of a merge names one record, or two kinds"));
        }
        let winner_shown = self.is_shown(&winner, fetched.clone()).await?;
        if self.is_shown(&loser, fetched).await? || !winner_shown {
            return Ok(HintEnd::StillThere);
        }
        // Anybody may send a hook, so what the ATS itself shows of a merge has precedence over the
        // hook.
        let mut waves = Vec::new();
        if loser.kind == PERSON {
            self.refresh_applications(std::slice::from_ref(&loser.id), Priority::Incremental)
                .await?;
            waves = self.merges(vec![loser.id.clone()], Priority::Incremental).await?;
        }
        let cause = Cause::Hinted { proof: Proof::HookAndFetch };
        if !waves.iter().flatten().any(|moved| moved.from == loser.id) {
            let page = self.page(loser.kind, Vec::new(), &[], cause);
            let moved = vec![MovedTo { from: loser.id, to: winner.id.clone(), stays: false }];
            self.commit(PageCommit { moved, ..page }).await?;
            return Ok(HintEnd::Moved { to: winner.id });
        }
        let mut to = loser.id;
        for moved in waves.iter().flatten() {
            if moved.from == to {
                to = moved.to.clone();
            }
        }
        self.report_merges(waves, cause).await?;
        Ok(HintEnd::Moved { to })
    }

    /// Reads the record and marks it as anonymised, even when some of its fields were kept: nothing
    /// may be written back to it.
    async fn hinted_erasure(&self, of: &RemoteRef, fetched: Cause) -> Result<HintEnd, Error> {
        if self.ids_max(&of.kind)? == 0 {
            return Ok(HintEnd::NotShown);
        }
        let looked =
            self.fetch_by_id(&of.kind, std::slice::from_ref(&of.id), Priority::Incremental).await?;
        if looked.missing.contains(&of.id) {
            return Ok(HintEnd::NotShown);
        }
        let mut masks = looked.masks;
        for mask in &mut masks {
            if !mask.iter().any(|field| field == "privacy") {
                mask.push("privacy".to_owned());
            }
        }
        for (kind, mut records) in looked.records {
            for record in records.iter_mut().filter(|record| kind == of.kind && record.id == of.id)
            {
                record.body = merge_anonymized(&record.body)?;
            }
            self.commit(self.page(kind, records, &masks, fetched.clone())).await?;
        }
        Ok(HintEnd::TakenIn)
    }
}
