//! Writes in doubt that the host resolves.
//!
//! # Guarantees
//! A record is adopted only when the ATS has just shown it. An intent is resolved only while it is
//! in doubt: a write on its way is not touched.

use super::Lifecycle;
use crate::error::{Error, ErrorKind};
use crate::journal::{GivenUpBy, Intent, IntentId, IntentState};
use crate::plan::unseen;
use crate::reconcile::execute::{EffectEnd, touched};
use crate::reconcile::order::{Order, Touched};
use crate::reconcile::underway::WORKED_ON;
use crate::store::LinkHow;
use atsync_model::contract::{Link, RemoteRef};

/// Intents of a path among which its last one is searched.
const INTENTS_MAX: usize = 200;

/// The host's decision on an intent in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// It happened. For a create: this is the record that it made.
    Adopt(Option<RemoteRef>),
    /// It did not happen: it is sent once more, on the host's word, whatever the operation's class
    /// and however often it left before. A refused intent can be sent once more so, too.
    Retry,
    /// The outcome stays unknown. It is not sent again until the desired record changes.
    Abandon(String),
}

impl Lifecycle {
    /// Resolves an intent in doubt.
    pub(crate) async fn resolve(
        &self,
        id: IntentId,
        resolution: Resolution,
    ) -> Result<Intent, Error> {
        let Some(intent) = self.context.store.intent(id).await? else {
            return Err(self.context.error(
                ErrorKind::Input,
                format!(
                    "there is no intent {id}; `explain` of a record lists its intents with \
                    their numbers"
                ),
            ));
        };
        let Some(_held) = self.context.underway.hold(&intent.path) else {
            return Err(self.context.error(ErrorKind::Input, format!("intent {id}: {WORKED_ON}")));
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
                return Err(self.context.error(ErrorKind::Input, message));
            }
            state => {
                let message = format!(
                    "intent {id} is {}; only what is in doubt can be resolved",
                    state.word()
                );
                return Err(self.context.error(ErrorKind::Input, message));
            }
        }
        match resolution {
            Resolution::Adopt(found) => self.adopt_intent(&intent, found).await?,
            Resolution::Retry => self.retry_intent(&intent).await?,
            Resolution::Abandon(reason) => {
                let to = IntentState::Abandoned { reason, by: GivenUpBy::Host };
                self.executor.advance(&intent, to, Vec::new(), false).await?;
            }
        }
        let resolved = self.context.store.intent(id).await?;
        resolved.ok_or_else(|| self.context.error(ErrorKind::Store, format!("intent {id} is gone")))
    }

    async fn adopt_intent(&self, intent: &Intent, found: Option<RemoteRef>) -> Result<(), Error> {
        let order = Order::of(intent);
        let kind =
            self.context.manifest().operation(&intent.operation).map(|rule| rule.kind.clone());
        let made = match (found, &intent.target) {
            (Some(found), None) => {
                if kind.as_ref().is_some_and(|kind| *kind != found.kind) {
                    let message = format!(
                        "{} makes {}, not {}",
                        intent.operation,
                        kind.unwrap_or_default(),
                        found.kind
                    );
                    return Err(self.context.error(ErrorKind::Input, message));
                }
                self.shown(&found, Some(intent.id)).await?;
                if let Some(path) = order.makes.get("subject") {
                    self.linked_elsewhere(path, &found).await?;
                }
                vec![Link { role: "subject".to_owned(), kind: found.kind, id: found.id }]
            }
            (None, Some(_)) => Vec::new(),
            (Some(found), Some(target)) if found == *target => Vec::new(),
            (Some(found), Some(target)) => {
                let message = format!("intent {} changes {target}, not {found}", intent.id);
                return Err(self.context.error(ErrorKind::Input, message));
            }
            (None, None) => {
                let message =
                    format!("intent {} makes a record; say which one it is, as KIND/ID", intent.id);
                return Err(self.context.error(ErrorKind::Input, message));
            }
        };
        let links = self.executor.links(&order, &made, LinkHow::Probed).await?;
        let remotes = touched(&order, &made);
        let to = IntentState::Applied { links: remotes.clone(), by_probe: true };
        self.executor.advance(intent, to, links, order.ends()).await?;
        self.ingest.read_back(Touched::by(&order, Some(intent.id), remotes)).await
    }

    async fn retry_intent(&self, intent: &Intent) -> Result<(), Error> {
        self.carry_out(intent, &Order::of(intent)).await
    }

    async fn carry_out(&self, intent: &Intent, order: &Order) -> Result<(), Error> {
        let Some(rule) = self.context.manifest().operation(&intent.operation).cloned() else {
            let message = format!(
                "intent {} is for {}, which the adapter no longer has",
                intent.id, intent.operation
            );
            return Err(self.context.error(ErrorKind::Adapter, message));
        };
        match self.executor.perform(order, &rule).await? {
            EffectEnd::Done { touched, .. } => self.ingest.read_back(touched).await,
            EffectEnd::NotSent(error) => {
                Err(self.requests.task_error(&format!("sending {} again", intent.operation), error))
            }
            EffectEnd::Busy(id) => Err(self.context.error(
                ErrorKind::Input,
                format!(
                    "intent {id} stands in the way; settle it by a sync, or decide it with \
                     `Connection::resolve`, first"
                ),
            )),
            EffectEnd::Stale(reason) => Err(self.context.error(ErrorKind::Input, reason)),
            // The journal says how it ended.
            EffectEnd::Refused(_) | EffectEnd::InDoubt(_) => Ok(()),
        }
    }

    /// Whether the ATS has not shown the effect of an intent since it was answered as done.
    async fn is_unseen(&self, intent: &Intent) -> Result<bool, Error> {
        let link = self.context.store.link(&intent.path).await?;
        let since = link.and_then(|link| unseen::since(&link.applied, &intent.operation));
        Ok(since.is_some_and(|since| intent.id >= since))
    }

    /// Sends an intent once more as a new one that was refused, or was answered as done and is not
    /// visible. Returns the new intent.
    async fn retry_anew(&self, refused: &Intent) -> Result<Intent, Error> {
        let id = refused.id;
        let intents = self.context.store.intents_of(&refused.path, INTENTS_MAX).await?;
        let same =
            |intent: &&Intent| intent.path == refused.path && intent.operation == refused.operation;
        if intents.iter().find(same).is_some_and(|newest| newest.id != id) {
            return Err(self.context.error(
                ErrorKind::Input,
                format!(
                    "intent {id} is not the last one of {}; `explain` lists them, newest first",
                    refused.path
                ),
            ));
        }
        let order = Order { again: None, ..Order::of(refused) };
        self.carry_out(refused, &order).await?;
        let intents = self.context.store.intents_of(&refused.path, INTENTS_MAX).await?;
        Ok(intents.into_iter().find(|intent| same(&intent)).unwrap_or_else(|| refused.clone()))
    }
}
