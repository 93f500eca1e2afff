//! Single records read by id, and taken in.

use super::Reconciler;
use crate::error::{Error, ErrorKind};
use crate::journal::IntentId;
use crate::store::{Cause, ObservedWrite, PageCommit};
use crate::transport::Priority;
use atsync_model::contract::{Fetch, Item, Outcome, Response, Task};
use std::collections::BTreeMap;

impl Reconciler {
    /// Reads records by id and takes in what came. The ids that the ATS did not show come back; they are *not* made tombstones here, since
    /// a record just written may not show yet and a hidden one is not a deleted one. `applied_by` names the intents that made or changed some
    /// of them: their events say so.
    pub(super) async fn fetch(
        &self,
        kind: &str,
        ids: &[String],
        applied_by: &BTreeMap<String, IntentId>,
        priority: Priority,
    ) -> Result<Vec<String>, Error> {
        let Some(rule) = self.adapter.manifest().kind(kind) else {
            return Err(self.error(ErrorKind::Adapter, format!("the adapter does not know the kind {kind}")));
        };
        if rule.ids_max == 0 {
            return Ok(ids.to_vec());
        }
        let mut missing = Vec::new();
        let size = usize::try_from(rule.ids_max).unwrap_or(1).max(1);
        for chunk in ids.chunks(size) {
            let task = Task::Fetch(Fetch { kind: kind.to_owned(), ids: chunk.to_vec() });
            let finished = self
                .drive(task, None, priority)
                .await
                .map_err(|error| self.task_error(&format!("reading {kind} by id"), error))?;
            let Outcome::Fetched(fetched) = finished.outcome else {
                return Err(self.error(ErrorKind::Adapter, "the adapter answered a fetch with something else"));
            };
            missing.extend(fetched.missing);
            let asked = kind;
            for (kind, records) in by_kind(fetched.items, finished.reply.as_ref()) {
                let page = PageCommit {
                    kind: kind.clone(),
                    parent: None,
                    records,
                    masks: fetched.masks.clone(),
                    gone: Vec::new(),
                    scan: None,
                    cause: Cause::Observed,
                    applied_by: if kind == asked { applied_by.clone() } else { BTreeMap::new() },
                    now_ms: self.clock.now_ms(),
                };
                self.store.commit_page(&self.name, page).await?;
            }
        }
        Ok(missing)
    }
}

/// Items as the store takes them, by kind, each with its raw JSON cut out of the reply.
pub(super) fn by_kind(items: Vec<Item>, reply: Option<&Response>) -> BTreeMap<String, Vec<ObservedWrite>> {
    let mut kinds: BTreeMap<String, Vec<ObservedWrite>> = BTreeMap::new();
    for item in items {
        let raw = item.raw.zip(reply).and_then(|(span, reply)| {
            let start = usize::try_from(span.offset).ok()?;
            let end = start.checked_add(usize::try_from(span.length).ok()?)?;
            let bytes = reply.body.get(start..end)?;
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        });
        let mask = usize::try_from(item.mask).unwrap_or(usize::MAX);
        let write = ObservedWrite { id: item.id, version: item.version, body: item.body, raw, mask };
        kinds.entry(item.kind).or_default().push(write);
    }
    kinds
}
