//! The records that an answer or a probe names, and the links that follow from them.

use super::Executor;
use crate::adapter::promise::{self, Asked, BrokenPromise};
use crate::error::Error;
use crate::plan::RELEASED;
use crate::reconcile::order::Order;
use crate::reconcile::rows::remote;
use crate::store::{LinkHow, LinkRow};
use atsync_model::contract::{Link, RemoteRef};
use atsync_model::declarable;

impl Executor {
    /// Whether an answer names what the manifest promises of the operation.
    pub(crate) fn kept(&self, order: &Order, links: &[Link]) -> Result<(), Box<BrokenPromise>> {
        let asked = Asked {
            operation: &order.operation.name,
            target: order.operation.target.as_ref(),
            makes: order.makes.contains_key(promise::SUBJECT),
        };
        promise::kept(self.context.manifest(), asked, links)
    }

    /// The links that follow once an order is done.
    pub(crate) async fn links(
        &self,
        order: &Order,
        made: &[Link],
        how: LinkHow,
    ) -> Result<Vec<LinkRow>, Error> {
        let since_ms = self.context.clock.now_ms();
        let mut links = Vec::new();
        for (role, path) in &order.makes {
            let Some(link) = made.iter().find(|link| link.role == *role) else { continue };
            let applied = order.applied.get(path).cloned().unwrap_or_default();
            let remote = remote(&link.kind, &link.id);
            // A record that was linked before keeps its origin: the engine's own, if the engine
            // made it.
            let known = self.context.store.link(path).await?.filter(|known| known.remote == remote);
            let (how, since_ms) =
                known.map_or((how, since_ms), |known| (known.how, known.since_ms));
            links.push(LinkRow { path: path.clone(), remote, how, applied, since_ms });
        }
        for (path, applied) in &order.applied {
            if links.iter().any(|link| link.path == *path)
                || order.makes.values().any(|made| made == path)
            {
                continue;
            }
            let known = self.context.store.link(path).await?;
            let (remote, how, since_ms) = match (known, &order.operation.target) {
                (Some(link), _) => (link.remote, link.how, link.since_ms),
                (None, Some(target)) => (target.clone(), LinkHow::Adopted, since_ms),
                (None, None) => continue,
            };
            links.push(LinkRow {
                path: path.clone(),
                remote,
                how,
                applied: applied.clone(),
                since_ms,
            });
        }
        Ok(links)
    }
}

/// The records that an order made or changed.
pub(crate) fn touched(order: &Order, made: &[Link]) -> Vec<RemoteRef> {
    let mut touched: Vec<RemoteRef> =
        made.iter().map(|link| remote(&link.kind, &link.id)).collect();
    if let Some(target) = &order.operation.target
        && !touched.contains(target)
    {
        touched.push(target.clone());
    }
    touched
}

/// Names the records of an ambiguous probe. It may name one, which may as well be another's, or
/// none.
pub(crate) fn several(refs: &[RemoteRef]) -> String {
    match refs {
        [] => "several records in the ATS may be it, and the adapter does not say which".to_owned(),
        [one] => format!("{one} in the ATS may be it, and may as well be another one"),
        several => {
            let names: Vec<String> = several.iter().map(RemoteRef::to_string).collect();
            format!(
                "several records in the ATS may be it ({}), and nothing tells which",
                names.join(", ")
            )
        }
    }
}

impl Executor {
    /// Whether each of these records is linked to another path.
    pub(crate) async fn are_others(
        &self,
        order: &Order,
        refs: &[RemoteRef],
    ) -> Result<bool, Error> {
        for found in refs {
            let links = self.context.store.links_to(found).await?;
            // A path that is no longer declared does not count.
            let holds = |link: &&LinkRow| !link.applied.contains_key(RELEASED);
            if !links
                .iter()
                .filter(holds)
                .any(|link| !order.makes.values().any(|path| *path == link.path))
            {
                return Ok(false);
            }
        }
        Ok(!refs.is_empty())
    }

    /// Whether each of these records is linked to another path and does not stand in the way of
    /// what an order creates: entries that are known by their content, of which a candidate may
    /// have several that are the same as far as their dates go.
    pub(crate) async fn are_doubles(
        &self,
        order: &Order,
        refs: &[RemoteRef],
    ) -> Result<bool, Error> {
        let kind = order.operation.name.split('.').next().unwrap_or_default();
        Ok(declarable::is_known_by_content(kind) && self.are_others(order, refs).await?)
    }
}

pub(crate) fn refs(links: &[Link]) -> Vec<RemoteRef> {
    links.iter().map(|link| RemoteRef::new(link.kind.as_str(), link.id.as_str())).collect()
}
