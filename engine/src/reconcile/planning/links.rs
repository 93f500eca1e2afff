//! The links that a plan makes or ends without a request.

use super::Planner;
use crate::error::Error;
use crate::plan::RecordPlan;
use crate::reconcile::ingest::is_converted_prospect;
use crate::store::{Cause, LinkRow, MovedTo, PageCommit};
use atsync_model::resource;

impl Planner {
    /// Writes the links that a plan makes without a request, and ends those that it releases.
    pub(crate) async fn link_and_release(&self, planned: &RecordPlan) -> Result<(), Error> {
        if !planned.adoptions.is_empty() {
            let links = self.adopted(planned).await?;
            self.put_adopted(links).await?;
        }
        if !planned.releases.is_empty() {
            self.context.store.end_links(planned.releases.clone()).await?;
        }
        Ok(())
    }

    /// Writes the links that plans' adoptions make. A link that led to a converted prospect was
    /// found where that one continues: other links follow, and the move is reported. Any other
    /// adoption is of another record, such as a tag that a recruiter removed and added again.
    pub(super) async fn put_adopted(&self, links: Vec<LinkRow>) -> Result<(), Error> {
        for link in &links {
            if resource::of(&link.remote.kind).is_none_or(|of| !of.converts) {
                continue;
            }
            let Some(before) = self.context.store.link(&link.path).await? else { continue };
            // Another path is linked to that record from now on, so it was not moved.
            if links.iter().any(|other| other.remote == before.remote) {
                continue;
            }
            if before.remote.kind != link.remote.kind || before.remote.id == link.remote.id {
                continue;
            }
            let row = self.context.store.observed(&before.remote).await?;
            if !row.is_some_and(|row| is_converted_prospect(&row)) {
                continue;
            }
            let page = self.ingest.page(link.remote.kind.clone(), Vec::new(), &[], Cause::Observed);
            let moved =
                vec![MovedTo { from: before.remote.id, to: link.remote.id.clone(), stays: true }];
            self.ingest.commit(PageCommit { moved, ..page }).await?;
        }
        Ok(self.context.store.put_links(links).await?)
    }

    /// The links that a plan's adoptions make. A link that replaces one that the plan ends or moves
    /// keeps its age and its origin.
    pub(super) async fn adopted(&self, planned: &RecordPlan) -> Result<Vec<LinkRow>, Error> {
        let mut links = Vec::new();
        let mut former = Vec::new();
        for path in
            planned.releases.iter().chain(planned.adoptions.iter().map(|adoption| &adoption.path))
        {
            former.extend(self.context.store.link(path).await?);
        }
        for adoption in &planned.adoptions {
            let own = former.iter().find(|link| link.path == adoption.path);
            let same = |link: &&LinkRow| link.remote == adoption.remote;
            let known = own.filter(same).or_else(|| former.iter().find(same)).or(own).cloned();
            let how = match &known {
                Some(link) if link.remote == adoption.remote => link.how,
                _ => crate::store::LinkHow::Adopted,
            };
            links.push(LinkRow {
                path: adoption.path.clone(),
                remote: adoption.remote.clone(),
                how,
                applied: adoption.applied.clone(),
                since_ms: known.map_or_else(|| self.context.clock.now_ms(), |link| link.since_ms),
            });
        }
        Ok(links)
    }
}
