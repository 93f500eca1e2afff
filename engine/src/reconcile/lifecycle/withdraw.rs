//! The plan that takes back what the engine wrote for a record.

use super::Lifecycle;
use crate::error::Error;
use crate::plan::{self, Plan, withdraw};
use crate::reconcile::gather::Gathered;
use atsync_model::declarable;
use atsync_model::resource;

impl Lifecycle {
    /// Plans the withdrawal of what can be taken back.
    pub(crate) async fn plan_withdrawal(
        &self,
        key: &str,
        options: withdraw::WithdrawOptions,
    ) -> Result<Plan, Error> {
        let Some(row) = self.context.store.desired(key).await? else {
            return Err(self.context.no_record(key));
        };
        let desired = self.context.parse_desired(&row)?;
        let links = self.gatherer.links_by_path(key).await?;
        let mut gathered = Gathered::default();
        // Entries are removed by their links, so without one there is nothing to read.
        let is_removed = |kind: &&str| {
            !declarable::is_known_by_content(kind)
                || links.values().any(|link| link.remote.kind == **kind)
        };
        for kind in resource::withdrawn().map(|of| of.kind).filter(is_removed) {
            self.gatherer
                .refresh_about(&mut gathered, kind, links.get(key).map(|link| &link.remote))
                .await?;
        }
        let input = plan::Input {
            manifest: self.context.manifest(),
            settings: &self.context.settings,
            desired: &desired,
            generation: row.generation,
            links: &links,
        };
        let mut planned = self
            .gatherer
            .ask(&mut gathered, key, |facts| withdraw::record(&input, facts, options))
            .await?;
        let open = self.context.store.open_intents().await?;
        self.planner.withhold(&mut planned, &open).await?;
        let (manifest, name) = (self.context.manifest(), &self.context.name);
        Ok(withdraw::plan(manifest, self.context.component(), name, planned))
    }
}
