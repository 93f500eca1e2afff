//! Items that are declared under another key than before: their links follow. Pure.
//!
//! The host's key identifies an application, a note and a file. Hosts number them, so a note
//! inserted in front shifts every key behind it. If links stayed, an application would be adopted
//! without its files, and a file would be created again, found, and refused at every apply. So
//! before a record is planned, the links are matched with the declaration and moved:
//!
//! 1. A path keeps its link where that leads to what is declared there: an application of its job
//!    or pool, or of the one declared when it was linked, wherever it was moved since; a note or
//!    file with the same content.
//! 2. Else it takes the one link, of those that no path keeps, that leads to what it declares: a
//!    matching application; a note of the same body, visibility and application; a file of the same
//!    application, name and type. A probe could tell no more apart, and a record cannot declare two
//!    of them. Files below an application and notes about it follow it.
//! 3. Else the item is new. It keeps the link of its path where that link was neither taken nor
//!    released: the host declares something else of what was created, and the plan says what can be
//!    changed.
//! 4. A link whose path was taken is kept under a path that no host declares (`~` and its id), so
//!    that declaring its item again finds it.
//!
//! The plan is made from the moved links, records them under their new paths and ends the old ones.
//! A crash in between leaves two paths with one record, which the next plan repairs the same way.
//! Tags and custom values have no key. A record whose own key changes is another record, and the
//! plan reports it where both name one candidate.
//!
//! Bounds: the links of one record. Left out: an application whose key and job change together;
//! that is another application.

use super::item::{distinguishing_places, key, listed, texts};
use super::{Adoption, Draft, Facts, FindingKind, Input, Need, RecordPlan, application, once};
use crate::link::LinkRow;
use crate::path;
use crate::reason::Reason;
use atsync_model::declarable::{self, Declarable, Holds};
use atsync_model::desired::DesiredCandidate;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The links of a record, moved to the paths of its present declaration.
pub(super) struct Renamed {
    pub(super) links: BTreeMap<String, LinkRow>,
    /// The former path of each link that was moved, by its new path.
    moved: BTreeMap<String, String>,
    /// Former paths that no link has any more.
    left: BTreeSet<String>,
    /// Paths that keep their link with another base.
    amended: BTreeSet<String>,
}

/// An old path and the new one.
type Move = (String, String);

/// Moves the links of renamed items. None where nothing was renamed.
///
/// # Errors
/// The facts that are missing.
pub(super) fn of(
    input: &Input<'_, DesiredCandidate>,
    facts: &Facts,
) -> Result<Option<Renamed>, Vec<Need>> {
    if input.links.is_empty() {
        return Ok(None);
    }
    let (moved, left, amended) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let mut renamed = Renamed { links: input.links.clone(), moved, left, amended };
    renamed.move_applications(input, facts)?;
    let Some(candidate) = Draft::new(input, facts).item() else { return Ok(None) };
    renamed.move_created_once(&candidate.members, candidate.of.kind, &candidate.path);
    for (of, below) in declarable::below(candidate.of.kind) {
        for one in listed(&candidate.members, below.list) {
            let path = path::below(&candidate.path, below.list, key(one));
            renamed.move_created_once(one, of.kind, &path);
        }
    }
    renamed.left =
        input.links.keys().filter(|path| !renamed.links.contains_key(*path)).cloned().collect();
    let is_any =
        !renamed.moved.is_empty() || !renamed.left.is_empty() || !renamed.amended.is_empty();
    Ok(is_any.then_some(renamed))
}

impl Renamed {
    fn move_applications(
        &mut self,
        input: &Input<'_, DesiredCandidate>,
        facts: &Facts,
    ) -> Result<(), Vec<Need>> {
        let desired = input.desired;
        let Some((of, list)) = application::list() else { return Ok(()) };
        let prefix = path::all_below(&desired.key, list);
        let links = self.directly_below(&prefix);
        let paths: Vec<String> =
            desired.applications.iter().map(|one| format!("{prefix}{}", one.key)).collect();
        let is_alone =
            matches!((links.as_slice(), paths.as_slice()), ([link], [path]) if link.path == *path);
        if links.is_empty() || is_alone {
            return Ok(());
        }
        let mut draft = Draft::new(input, facts);
        let mut kept = Vec::new();
        for (wanted, path) in desired.applications.iter().zip(&paths) {
            let own = links.iter().find(|link| link.path == *path);
            kept.push(own.is_some_and(|link| application::keeps(&mut draft, wanted, path, link)));
        }
        let moves = pair(&prefix, &paths, &kept, links, |at, free| {
            let (wanted, path) = desired.applications.get(at).zip(paths.get(at))?;
            match application::matching(&mut draft, wanted, path, free).as_slice() {
                [link] => Some(link.path.clone()),
                _ => None,
            }
        });
        if !draft.needs.is_empty() {
            return Err(draft.needs);
        }
        self.move_all(&moves);
        self.update_references(&prefix, &moves, &desired.key, of);
        Ok(())
    }

    /// Moves the links of items that are created once and declared below another one.
    fn move_created_once(&mut self, members: &Map<String, Value>, kind: &str, path: &str) {
        for (of, below) in once::created_once_below(kind) {
            let prefix = path::all_below(path, below.list);
            let wanted =
                listed(members, below.list).map(|one| (key(one), once::base(&texts(of, one))));
            let same: Vec<&str> = distinguishing_places(of).collect();
            self.move_list(&prefix, wanted.collect(), &same);
        }
    }

    /// Moves the links of one list to the keys that declare the same.
    fn move_list(&mut self, prefix: &str, wanted: Vec<(&str, Map<String, Value>)>, same: &[&str]) {
        let links = self.directly_below(prefix);
        let paths: Vec<String> = wanted.iter().map(|(key, _)| format!("{prefix}{key}")).collect();
        let is_same = |at: usize, link: &LinkRow| {
            let Some((_, base)) = wanted.get(at) else { return false };
            same.iter().all(|member| {
                link.applied.get(*member).is_some()
                    && link.applied.get(*member) == base.get(*member)
            })
        };
        let own = |path: &String| links.iter().find(|link| link.path == *path);
        let kept: Vec<bool> = paths
            .iter()
            .enumerate()
            .map(|(at, path)| own(path).is_some_and(|link| is_same(at, link)))
            .collect();
        let moves = pair(prefix, &paths, &kept, links, |at, free| {
            free.iter().find(|link| is_same(at, link)).map(|link| link.path.clone())
        });
        self.move_all(&moves);
    }

    /// Returns the links directly below a prefix.
    fn directly_below(&self, prefix: &str) -> Vec<LinkRow> {
        let below = self
            .links
            .range(prefix.to_owned()..)
            .map_while(|(path, link)| Some((path.strip_prefix(prefix)?, link)));
        below.filter(|(key, _)| !key.contains('/')).map(|(_, link)| link.clone()).collect()
    }

    /// Moves the links of these paths and of those below them, all at once. Where two meet at one
    /// path, the one that was there stays.
    fn move_all(&mut self, moves: &[Move]) {
        let mut moving = Vec::new();
        for (old, new) in moves {
            let of_it = |path: &&String| path::is_within(path, old);
            let paths: Vec<String> = self.links.keys().filter(of_it).cloned().collect();
            for path in paths {
                let Some(link) = self.links.remove(&path) else { continue };
                let origin = self.moved.remove(&path).unwrap_or_else(|| path.clone());
                moving.push((
                    origin,
                    format!("{new}{}", path.get(old.len()..).unwrap_or_default()),
                    link,
                ));
            }
        }
        for (origin, path, mut link) in moving {
            if self.links.contains_key(&path) {
                continue;
            }
            link.applied.remove(once::RELEASED);
            link.path.clone_from(&path);
            self.links.insert(path.clone(), link);
            if origin != path {
                self.moved.insert(path, origin);
            }
        }
    }

    /// Updates the bases that name moved items by key, as a note names its application.
    fn update_references(&mut self, prefix: &str, moves: &[Move], key: &str, moved: &Declarable) {
        let named = |path: &str| once::digest(path.get(prefix.len()..).unwrap_or_default());
        let moves: Vec<(Value, Value)> =
            moves.iter().map(|(old, new)| (named(old), named(new))).collect();
        let Some(above) = moved.below.as_ref() else { return };
        for (of, below) in once::created_once_below(above.kind) {
            let names = of.fields.iter().filter(|field| field.value == Holds::Beside(moved.kind));
            let prefix = path::all_below(key, below.list);
            let is_one = |(path, _): &(&String, &mut LinkRow)| path.starts_with(&prefix);
            let places: Vec<&str> = names.map(|field| field.place).collect();
            for (path, link) in self.links.range_mut(prefix.clone()..).take_while(is_one) {
                for place in &places {
                    let about = link.applied.get(*place);
                    let found = moves.iter().find(|(before, _)| about == Some(before));
                    if let Some((_, after)) = found {
                        link.applied.insert((*place).to_owned(), after.clone());
                        self.amended.insert(path.clone());
                    }
                }
            }
        }
    }

    /// Makes the plan record the moved links and end the former ones.
    pub(super) fn join(self, plan: &mut RecordPlan) {
        if plan.is_blocked() {
            return;
        }
        for (new, old) in self.moved.iter().filter(|(new, _)| !is_set_aside(new)) {
            let message = format!(
                "{new}: it was declared as {old} before; it is the same record, now under its new \
                 key"
            );
            let finding = super::Finding {
                kind: FindingKind::Note,
                path: new.clone(),
                reason: Reason::Renamed,
                message,
            };
            plan.findings.push(finding);
        }
        plan.releases.extend(self.left);
        for path in self.moved.into_keys().chain(self.amended) {
            let Some(link) = self.links.get(&path) else { continue };
            if !plan.adoptions.iter().any(|adoption| adoption.path == path) {
                let reason = "it was declared under another key before".to_owned();
                let (remote, applied) = (link.remote.clone(), link.applied.clone());
                plan.adoptions.push(Adoption { path, remote, applied, reason: Some(reason) });
            }
        }
    }
}

/// Returns the path below a prefix that keeps the link of a record which no declared path has any
/// more.
fn set_aside(prefix: &str, link: &LinkRow) -> String {
    format!("{prefix}{}{}", path::SHARED, link.remote.id)
}

/// Whether a path is such a one, or below one. No key of a host begins so.
fn is_set_aside(path: &str) -> bool {
    path::above(path).chain([path]).any(|path| path.rsplit('/').next().is_some_and(path::is_shared))
}

/// Matches declared paths with links below one prefix. `kept`: whether a path keeps its link;
/// `matches`: which of the free links, by its path, leads to what is declared.
fn pair(
    prefix: &str,
    paths: &[String],
    kept: &[bool],
    links: Vec<LinkRow>,
    mut matches: impl FnMut(usize, &[LinkRow]) -> Option<String>,
) -> Vec<Move> {
    let is_kept =
        |link: &LinkRow| paths.iter().zip(kept).any(|(path, kept)| *kept && *path == link.path);
    let (held, mut free): (Vec<LinkRow>, Vec<LinkRow>) = links.into_iter().partition(is_kept);
    let mut held: Vec<(LinkRow, String)> =
        held.into_iter().map(|link| (link.clone(), link.path)).collect();
    for (at, path) in paths.iter().enumerate().filter(|(at, _)| kept.get(*at) != Some(&true)) {
        let Some(at) =
            matches(at, &free).and_then(|path| free.iter().position(|link| link.path == path))
        else {
            continue;
        };
        held.push((free.remove(at), path.clone()));
    }
    let mut moves: Vec<Move> = Vec::new();
    for link in free {
        // Left by a crash between two steps of an earlier move.
        let twin = held.iter().find(|(other, _)| other.remote == link.remote);
        let is_taken = held.iter().any(|(_, path)| *path == link.path);
        let is_released = link.applied.contains_key(once::RELEASED) && paths.contains(&link.path);
        match twin {
            Some((_, path)) => moves.push((link.path.clone(), path.clone())),
            None if is_taken || is_released => {
                moves.push((link.path.clone(), set_aside(prefix, &link)))
            }
            None => {}
        }
    }
    let followed =
        held.into_iter().map(|(link, path)| (link.path, path)).filter(|(old, new)| old != new);
    followed.chain(moves).collect()
}
