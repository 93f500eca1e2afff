//! The last question before a request that changes something leaves: may it still?
//!
//! A plan is made once, and its writes leave one by one: behind reads, behind probes that wait for
//! minutes, behind the rate budget. Meanwhile a webhook or a read may report that the candidate was
//! erased or deleted, the program may be asked to stop, or the connection's lease may end. So the
//! session asks here at the last moment, after every wait, for each write of an apply, each repeat
//! by settling and each one that a person requests.
//!
//! A request that reads or writes records must leave with a credential whose customer is known to
//! be the store's: one that was replaced while the request waited, or while it was under way and
//! was refused, may be another customer's.
//!
//! The answer comes from the store. Left out: what the ATS knows and the engine has not read; the
//! adapter's own reads before a write see that.

use super::Executor;
use crate::error::Error;
use crate::path;
use crate::reconcile::order::Order;
use crate::reconcile::rows::{named, record};
use crate::transport::{Gate, NotSent};
use atsync_model::contract::RemoteRef;
use atsync_model::resource::{PERSON, PERSON_MEMBER};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::BTreeSet;

/// The question about one order.
pub(super) struct OrderGate<'a> {
    pub(super) executor: &'a Executor,
    pub(super) order: &'a Order,
}

impl Gate for OrderGate<'_> {
    fn ask(&self, credential: u64) -> BoxFuture<'_, Result<(), NotSent>> {
        async move {
            if let Some(reason) = self.executor.context.sends_nothing() {
                return Err(NotSent::Moot(reason.to_owned()));
            }
            let left = self.executor.why_moot(self.order).await;
            // Last, since the credential may be replaced while the store is asked.
            match left {
                Ok(None) if self.executor.requests.is_proven(credential) => Ok(()),
                Ok(None) => Err(NotSent::Replaced),
                Ok(Some(reason)) => Err(NotSent::Moot(reason)),
                Err(error) => Err(NotSent::Moot(error.to_string())),
            }
        }
        .boxed()
    }
}

impl Executor {
    /// Why an order may not be carried out any more: a record that it changes or names was deleted,
    /// or the data of its candidate were erased. Its candidates are the one that its key is linked
    /// to, any that it names, and the one that its target belongs to by now: a merge moves an
    /// application before the engine learns of the merge.
    pub(crate) async fn why_moot(&self, order: &Order) -> Result<Option<String>, Error> {
        let mut concerned: BTreeSet<RemoteRef> = order.operation.target.iter().cloned().collect();
        if let Ok(Value::Object(input)) = serde_json::from_str(&order.operation.input) {
            concerned.extend(named(self.context.manifest(), &input));
        }
        let key = path::key(&order.path);
        concerned.extend(self.context.store.link(key).await?.map(|link| link.remote));
        if let Some(target) = &order.operation.target
            && let Some(row) = self.context.store.observed(target).await?
        {
            concerned.extend(
                record(&row)
                    .text(&format!("{PERSON_MEMBER}.id"))
                    .map(|id| RemoteRef::new(PERSON, id)),
            );
        }
        for remote in concerned {
            let Some(row) = self.context.store.observed(&remote).await? else { continue };
            if row.gone {
                return Ok(Some(format!("{remote} is gone")));
            }
            let erased =
                || record(&row).value("privacy.anonymized").and_then(Value::as_bool) == Some(true);
            if remote.kind == PERSON && erased() {
                return Ok(Some(format!("{remote} was anonymised")));
            }
        }
        Ok(None)
    }
}
