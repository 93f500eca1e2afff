//! The life of a record beyond being kept in step: doubts that the host resolves, links made by
//! hand, effects taken back.
//!
//! # Guarantees
//! Whatever is linked or adopted was shown by the ATS just before. A doubt is resolved only while
//! it is one: what is on its way is not touched.
//!
//! Left out: imports ([`super::import`]); modes, abandoning and forgetting, which concern the store
//! alone; see [`crate::Connection`].

use super::Reconciler;
use super::effect::{EffectEnd, touched};
use super::gather::{Gathered, record};
use super::order::{Order, Touched};
use super::underway::WORKED_ON;
use crate::error::{Error, ErrorKind};
use crate::journal::{GivenUpBy, Intent, IntentId, IntentState};
use crate::path::{self, Path};
use crate::plan::unseen;
use crate::plan::{self, Plan, Record, withdraw};
use crate::store::{LinkHow, LinkRow};
use crate::transport::Priority;
use atsync_model::contract::{Link, RemoteRef};
use atsync_model::resource;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Intents of a path among which its last one is looked for.
const INTENTS_MAX: usize = 200;

/// What becomes of an intent in doubt, as the host decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// It happened. For a create: this is the record that it made.
    Adopt(Option<RemoteRef>),
    /// It did not happen: it is sent once more, on the host's word, whatever the operation's class
    /// and however often it left before. What was refused can be sent once more so, too.
    Retry,
    /// Nobody will know. It is not sent again until the desired record changes.
    Abandon(String),
}

impl Reconciler {
    /// Resolves a doubt.
    pub(crate) async fn resolve(
        &self,
        id: IntentId,
        resolution: Resolution,
    ) -> Result<Intent, Error> {
        let Some(intent) = self.store.intent(id).await? else {
            return Err(self.error(
                ErrorKind::Input,
                format!(
                    "there is no intent {id}; `explain` of a record lists its intents with \
                    their numbers"
                ),
            ));
        };
        let Some(_held) = self.underway.hold(&intent.host) else {
            return Err(self.error(ErrorKind::Input, format!("intent {id}: {WORKED_ON}")));
        };
        match &intent.state {
            IntentState::InDoubt { .. } => {}
            IntentState::Refused { .. } if resolution == Resolution::Retry => {
                return self.retry_anew(&intent).await;
            }
            IntentState::Applied { .. }
                if resolution == Resolution::Retry && self.is_unseen(&intent).await? =>
            {
                return self.retry_anew(&intent).await;
            }
            IntentState::Sending => {
                let message = format!(
                    "intent {id} is on its way, or was when the engine stopped; settle first, then \
                     resolve"
                );
                return Err(self.error(ErrorKind::Input, message));
            }
            state => {
                let message = format!(
                    "intent {id} is {}; only what is in doubt can be resolved",
                    state.word()
                );
                return Err(self.error(ErrorKind::Input, message));
            }
        }
        match resolution {
            Resolution::Adopt(found) => self.adopt_intent(&intent, found).await?,
            Resolution::Retry => self.retry_intent(&intent).await?,
            Resolution::Abandon(reason) => {
                let to = IntentState::Abandoned { reason, by: GivenUpBy::Host };
                self.advance(&intent, to, Vec::new(), false).await?;
            }
        }
        let resolved = self.store.intent(id).await?;
        resolved.ok_or_else(|| self.error(ErrorKind::Store, format!("intent {id} is gone")))
    }

    async fn adopt_intent(&self, intent: &Intent, found: Option<RemoteRef>) -> Result<(), Error> {
        let order = Order::of(intent);
        let kind =
            self.adapter.manifest().operation(&intent.operation).map(|rule| rule.kind.clone());
        let made = match (found, &intent.target) {
            (Some(found), None) => {
                if kind.as_ref().is_some_and(|kind| *kind != found.kind) {
                    let message = format!(
                        "{} makes {}, not {}",
                        intent.operation,
                        kind.unwrap_or_default(),
                        found.kind
                    );
                    return Err(self.error(ErrorKind::Input, message));
                }
                self.shown(&found, Some(intent.id)).await?;
                if let Some(host) = order.makes.get("subject") {
                    self.linked_elsewhere(host, &found).await?;
                }
                vec![Link { role: "subject".to_owned(), kind: found.kind, id: found.id }]
            }
            (None, Some(_)) => Vec::new(),
            (Some(found), Some(target)) if found == *target => Vec::new(),
            (Some(found), Some(target)) => {
                let message = format!("intent {} changes {target}, not {found}", intent.id);
                return Err(self.error(ErrorKind::Input, message));
            }
            (None, None) => {
                let message =
                    format!("intent {} makes a record; say which one it is, as KIND/ID", intent.id);
                return Err(self.error(ErrorKind::Input, message));
            }
        };
        let links = self.links(&order, &made, LinkHow::Probed).await?;
        let remotes = touched(&order, &made);
        let to = IntentState::Applied { links: remotes.clone(), by_probe: true };
        self.advance(intent, to, links, order.ends()).await?;
        self.read_back(Touched::by(&order, Some(intent.id), remotes)).await
    }

    async fn retry_intent(&self, intent: &Intent) -> Result<(), Error> {
        self.carry_out(intent, &Order::of(intent)).await
    }

    async fn carry_out(&self, intent: &Intent, order: &Order) -> Result<(), Error> {
        let Some(rule) = self.adapter.manifest().operation(&intent.operation).cloned() else {
            let message = format!(
                "intent {} is for {}, which the adapter no longer has",
                intent.id, intent.operation
            );
            return Err(self.error(ErrorKind::Adapter, message));
        };
        match self.perform(order, &rule).await? {
            EffectEnd::Done { touched, .. } => self.read_back(touched).await,
            EffectEnd::NotSent(error) => {
                Err(self.task_error(&format!("sending {} again", intent.operation), error))
            }
            EffectEnd::Busy(id) => Err(self.error(
                ErrorKind::Input,
                format!(
                    "intent {id} stands in the way; settle it by a sync, or decide it with \
                     `Connection::resolve`, first"
                ),
            )),
            EffectEnd::Stale(reason) => Err(self.error(ErrorKind::Input, reason)),
            // The journal says how it ended.
            EffectEnd::Refused(_) | EffectEnd::InDoubt(_) => Ok(()),
        }
    }

    /// Whether the ATS has not shown the effect of an intent since it was answered as done.
    async fn is_unseen(&self, intent: &Intent) -> Result<bool, Error> {
        let link = self.store.link(&intent.host).await?;
        let since = link.and_then(|link| unseen::since(&link.applied, &intent.operation));
        Ok(since.is_some_and(|since| intent.id >= since))
    }

    /// Sends what was refused, or was answered as done and does not show, once more, as a new
    /// intent. It tells how that one ended.
    async fn retry_anew(&self, refused: &Intent) -> Result<Intent, Error> {
        let id = refused.id;
        let intents = self.store.intents_of(&refused.host, INTENTS_MAX).await?;
        let same =
            |intent: &&Intent| intent.host == refused.host && intent.operation == refused.operation;
        if intents.iter().find(same).is_some_and(|newest| newest.id != id) {
            return Err(self.error(
                ErrorKind::Input,
                format!(
                    "intent {id} is not the last one of {}; `explain` lists them, newest first",
                    refused.host
                ),
            ));
        }
        let order = Order { again: None, ..Order::of(refused) };
        self.carry_out(refused, &order).await?;
        let intents = self.store.intents_of(&refused.host, INTENTS_MAX).await?;
        Ok(intents.into_iter().find(|intent| same(&intent)).unwrap_or_else(|| refused.clone()))
    }

    /// Reads the record and proves that the ATS shows it.
    pub(super) async fn shown(
        &self,
        found: &RemoteRef,
        intent: Option<IntentId>,
    ) -> Result<Arc<Record>, Error> {
        let applied_by: BTreeMap<String, IntentId> =
            intent.into_iter().map(|intent| (found.id.clone(), intent)).collect();
        let ids = [found.id.clone()];
        let missing = self.fetch(&found.kind, &ids, &applied_by, Priority::Interactive).await?;
        let cannot_be_asked_for =
            self.adapter.manifest().kind(&found.kind).is_some_and(|rule| rule.ids_max == 0);
        if missing.is_empty() || cannot_be_asked_for {
            let row = self.store.observed(found).await?;
            if let Some(row) = row.filter(|row| !row.gone) {
                return Ok(record(&row));
            }
        }
        Err(self.error(
            ErrorKind::Input,
            format!(
                "the ATS does not show {found}: it is not there, hidden, or forgotten here; \
                check the id and what the credential may see, and let a forgotten person back with \
                `Connection::unforget`"
            ),
        ))
    }

    /// One remote record is managed by one path.
    async fn linked_elsewhere(&self, host: &str, found: &RemoteRef) -> Result<(), Error> {
        let links = self.store.links_to(found).await?;
        match links.into_iter().find(|link| link.host != host) {
            Some(link) => Err(self.error(
                ErrorKind::Input,
                format!("{found} is linked to {} already; abandon that first", link.host),
            )),
            None => Ok(()),
        }
    }

    /// Links a host path to a remote record on the host's word.
    pub(crate) async fn link_by_hand(
        &self,
        host: &str,
        found: &RemoteRef,
    ) -> Result<LinkRow, Error> {
        let expected = Path::of(host).kind();
        if expected != Some(found.kind.as_str()) {
            let message =
                format!("{host} is linked to {}, not to {found}", expected.unwrap_or("nothing"));
            return Err(self.error(ErrorKind::Input, message));
        }
        let known = self.store.link(host).await?;
        if let Some(known) = known.filter(|known| known.remote != *found)
            && self.shown(&known.remote, None).await.is_ok()
        {
            let message = format!(
                "{host} is linked to {}, which the ATS shows; abandon the record first",
                known.remote
            );
            return Err(self.error(ErrorKind::Input, message));
        }
        self.shown(found, None).await?;
        self.linked_elsewhere(host, found).await?;
        let key = path::key(host).to_owned();
        // Nothing of it was written by the engine; the next plan compares. What cannot be changed
        // is what is declared now: by the next plan the host may mean something else by the path.
        let desired = self.store.desired(&key).await?;
        let desired = desired.map(|row| self.parse_desired(&row)).transpose()?;
        let link = LinkRow {
            host: host.to_owned(),
            remote: found.clone(),
            how: LinkHow::Adopted,
            applied: desired
                .and_then(|desired| plan::declared_once(&desired, host))
                .unwrap_or_default(),
            since_ms: self.clock.now_ms(),
        };
        self.store.put_links(vec![link.clone()]).await?;
        self.store.mark_dirty(vec![key]).await?;
        Ok(link)
    }

    /// The plan that takes back what can be taken back.
    pub(crate) async fn plan_withdrawal(
        &self,
        key: &str,
        options: withdraw::WithdrawOptions,
    ) -> Result<Plan, Error> {
        let Some(row) = self.store.desired(key).await? else {
            return Err(self.no_record(key));
        };
        let desired = self.parse_desired(&row)?;
        let links = self.links_by_host(key).await?;
        let mut gathered = Gathered::default();
        for kind in resource::withdrawn().map(|of| of.kind) {
            self.refresh_about(&mut gathered, kind, links.get(key).map(|link| &link.remote))
                .await?;
        }
        let input = plan::Input {
            manifest: self.adapter.manifest(),
            settings: &self.settings,
            desired: &desired,
            generation: row.generation,
            links: &links,
        };
        let mut planned =
            self.ask(&mut gathered, key, |facts| withdraw::record(&input, facts, options)).await?;
        let open = self.store.open_intents().await?;
        self.keep_back(&mut planned, &open).await?;
        Ok(withdraw::plan(self.adapter.manifest(), &self.name, planned))
    }
}
