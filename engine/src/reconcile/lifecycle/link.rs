//! Links made by hand. A record is linked only when the ATS has just shown it.

use super::Lifecycle;
use crate::error::{Error, ErrorKind};
use crate::journal::IntentId;
use crate::path::{self, Path};
use crate::plan::{self, Record};
use crate::reconcile::rows::record;
use crate::store::{LinkHow, LinkRow};
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lifecycle {
    /// Fetches a record and confirms that the ATS shows it.
    pub(super) async fn shown(
        &self,
        found: &RemoteRef,
        intent: Option<IntentId>,
    ) -> Result<Arc<Record>, Error> {
        let applied_by: BTreeMap<String, IntentId> =
            intent.into_iter().map(|intent| (found.id.clone(), intent)).collect();
        let ids = [found.id.clone()];
        let missing =
            self.ingest.fetch(&found.kind, &ids, &applied_by, Priority::Interactive).await?;
        let cannot_be_asked_for =
            self.context.manifest().kind(&found.kind).is_some_and(|rule| rule.ids_max == 0);
        if missing.is_empty() || cannot_be_asked_for {
            let row = self.context.store.observed(found).await?;
            if let Some(row) = row.filter(|row| !row.gone) {
                return Ok(record(&row));
            }
        }
        Err(self.context.error(
            ErrorKind::Input,
            format!(
                "the ATS does not show {found}: it is not there, hidden, or erased here; \
                check the id and what the credential may see, and allow an erased candidate again \
                with `Connection::undo_erasure`"
            ),
        ))
    }

    /// Refuses a record that another path is linked to.
    pub(super) async fn linked_elsewhere(
        &self,
        path: &str,
        found: &RemoteRef,
    ) -> Result<(), Error> {
        let links = self.context.store.links_to(found).await?;
        match links.into_iter().find(|link| link.path != path) {
            Some(link) => Err(self.context.error(
                ErrorKind::Input,
                format!("{found} is linked to {} already; abandon that first", link.path),
            )),
            None => Ok(()),
        }
    }

    /// Links a path to a remote record on the host's word.
    pub(crate) async fn link_by_hand(
        &self,
        path: &str,
        found: &RemoteRef,
    ) -> Result<LinkRow, Error> {
        let expected = Path::of(path).kind();
        if expected != Some(found.kind.as_str()) {
            let message =
                format!("{path} is linked to {}, not to {found}", expected.unwrap_or("nothing"));
            return Err(self.context.error(ErrorKind::Input, message));
        }
        let known = self.context.store.link(path).await?;
        if let Some(known) = known.filter(|known| known.remote != *found)
            && self.shown(&known.remote, None).await.is_ok()
        {
            let message = format!(
                "{path} is linked to {}, which the ATS shows; abandon the record first",
                known.remote
            );
            return Err(self.context.error(ErrorKind::Input, message));
        }
        self.shown(found, None).await?;
        self.linked_elsewhere(path, found).await?;
        let key = path::key(path).to_owned();
        // The engine wrote nothing of it; the next plan compares. A record that cannot be changed
        // keeps what is declared now: by the next plan the host may mean something else by the
        // path.
        let desired = self.context.store.desired(&key).await?;
        let desired = desired.map(|row| self.context.parse_desired(&row)).transpose()?;
        let link = LinkRow {
            path: path.to_owned(),
            remote: found.clone(),
            how: LinkHow::Adopted,
            applied: desired
                .and_then(|desired| plan::declared_once(&desired, path))
                .unwrap_or_default(),
            since_ms: self.context.clock.now_ms(),
        };
        self.context.store.put_links(vec![link.clone()]).await?;
        self.context.store.mark_dirty(vec![key]).await?;
        Ok(link)
    }
}
