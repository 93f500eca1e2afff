//! Parts of a record that are declared under another key than before: the path follows, and with it everything below
//! it. Pure.
//!
//! An application, a note and a file are known by the host's key. Where a declaration drops one key and brings another
//! one for the same thing, the new path would find the record held by the old one: an application would be adopted
//! without its files, a file or a note would be made again, found, and refused at every apply. So before a record is
//! planned, its links are moved:
//!
//! - An application follows where exactly one path that is no longer declared leads to the application that the new key
//!   means: the one that it is linked to already, or, without a link, the one that fits its job or pool. Files below it
//!   and notes about it follow.
//! - A note follows where body, visibility and application are the same, a file where its application, name and type
//!   are: that is all by which a look before a creation could tell it from another, and a record cannot declare two of
//!   them.
//!
//! The plan is made from the moved links, records them under their new paths and ends the old ones. A death in between
//! leaves both, which the next plan mends the same way. Tags and custom values are known by what they say and have no
//! key; a record whose own key changes is another record, and the plan says so where both mean one candidate.
//!
//! Bounds: what a record's links are. Left out: an application whose key changes together with its job; that is another
//! application.

use super::{Adoption, Draft, Facts, FindingKind, Input, Need, RecordPlan, application, note, once};
use crate::store::LinkRow;
use atsync_model::desired::DesiredCandidate;
use std::collections::{BTreeMap, BTreeSet};

/// The links of a record as its declaration names them now.
pub(super) struct Renamed {
    pub(super) links: BTreeMap<String, LinkRow>,
    /// Former path and new path.
    moves: Vec<(String, String)>,
    /// Paths whose link is kept under its path and records something else.
    amended: BTreeSet<String>,
}

/// Moves the links of what was renamed. None where nothing was.
///
/// # Errors
/// The facts that are missing.
pub(super) fn of(input: &Input<'_, DesiredCandidate>, facts: &Facts) -> Result<Option<Renamed>, Vec<Need>> {
    let mut renamed = Renamed { links: input.links.clone(), moves: Vec::new(), amended: BTreeSet::new() };
    renamed.applications(input, facts)?;
    renamed.notes(input.desired);
    renamed.files(input.desired);
    let is_any = !renamed.moves.is_empty() || !renamed.amended.is_empty();
    Ok(is_any.then_some(renamed))
}

impl Renamed {
    fn applications(&mut self, input: &Input<'_, DesiredCandidate>, facts: &Facts) -> Result<(), Vec<Need>> {
        let desired = input.desired;
        let prefix = format!("{}/applications/", desired.key);
        let is_declared = |key: &str| desired.applications.iter().any(|one| one.key == key);
        let mut former = self.undeclared(&prefix, is_declared);
        if former.is_empty() {
            return Ok(());
        }
        let mut draft = Draft::new(input, facts);
        let mut pairs = Vec::new();
        for wanted in &desired.applications {
            let host = format!("{prefix}{}", wanted.key);
            let fitting: Vec<LinkRow> = match self.links.get(&host) {
                Some(held) => former.iter().filter(|link| link.remote == held.remote).cloned().collect(),
                None => application::fitting(&mut draft, wanted, &host, &former),
            };
            if let [link] = fitting.as_slice() {
                former.retain(|other| other.host != link.host);
                pairs.push((link.host.clone(), host));
            }
        }
        if !draft.needs.is_empty() {
            return Err(draft.needs);
        }
        for (old, new) in pairs {
            self.move_tree(&old, &new);
            self.speak_of(&prefix, &old, &new, &desired.key);
        }
        Ok(())
    }

    fn notes(&mut self, desired: &DesiredCandidate) {
        let prefix = format!("{}/notes/", desired.key);
        let wanted = desired.notes.iter().map(|note| (note.key.as_str(), once::base(&note::members(note)))).collect();
        self.leaves(&prefix, wanted, &["body", "visibility", "application"]);
    }

    fn files(&mut self, desired: &DesiredCandidate) {
        for application in &desired.applications {
            let prefix = format!("{}/applications/{}/attachments/", desired.key, application.key);
            let files = application.attachments.iter();
            let wanted = files.map(|file| (file.key.as_str(), once::base(&application::members(file)))).collect();
            self.leaves(&prefix, wanted, &["filename", "type"]);
        }
    }

    /// Moves the links of what is made once from keys that are no longer declared to those that declare the same.
    fn leaves(&mut self, prefix: &str, wanted: Vec<(&str, serde_json::Map<String, serde_json::Value>)>, same: &[&str]) {
        let mut former = self.undeclared(prefix, |key| wanted.iter().any(|(wanted, _)| *wanted == key));
        for (key, says) in &wanted {
            let path = format!("{prefix}{key}");
            let is_same = |link: &LinkRow| {
                same.iter()
                    .all(|member| link.applied.get(*member).is_some() && link.applied.get(*member) == says.get(*member))
            };
            let Some(at) = former.iter().position(is_same).filter(|_| !self.links.contains_key(&path)) else {
                continue;
            };
            let link = former.swap_remove(at);
            self.move_tree(&link.host, &path);
        }
    }

    /// The links directly below a prefix whose keys are not declared.
    fn undeclared(&self, prefix: &str, is_declared: impl Fn(&str) -> bool) -> Vec<LinkRow> {
        let below = self.links.range(prefix.to_owned()..).take_while(|(path, _)| path.starts_with(prefix));
        below
            .filter(|(path, _)| path.get(prefix.len()..).is_some_and(|key| !key.contains('/') && !is_declared(key)))
            .map(|(_, link)| link.clone())
            .collect()
    }

    /// Moves the link of a path and those below it. What the new path is linked to already stays.
    fn move_tree(&mut self, old: &str, new: &str) {
        let below = format!("{old}/");
        let paths: Vec<String> =
            self.links.keys().filter(|path| *path == old || path.starts_with(&below)).cloned().collect();
        for path in paths {
            let Some(mut link) = self.links.remove(&path) else { continue };
            let moved = format!("{new}{}", path.get(old.len()..).unwrap_or_default());
            link.applied.remove(once::RELEASED);
            link.host.clone_from(&moved);
            self.links.entry(moved.clone()).or_insert(link);
            self.moves.push((path, moved));
        }
    }

    /// A note says by its application's key what it is about.
    fn speak_of(&mut self, prefix: &str, old: &str, new: &str, key: &str) {
        let named = |path: &str| once::digest(path.get(prefix.len()..).unwrap_or_default());
        let (before, after) = (named(old), named(new));
        let notes = format!("{key}/notes/");
        for (path, link) in self.links.range_mut(notes.clone()..).take_while(|(path, _)| path.starts_with(&notes)) {
            if link.applied.get("application") == Some(&before) {
                link.applied.insert("application".to_owned(), after.clone());
                self.amended.insert(path.clone());
            }
        }
    }

    /// Has the plan that was made from the moved links record them and end the former ones.
    pub(super) fn join(self, plan: &mut RecordPlan) {
        if plan.is_blocked() {
            return;
        }
        for (old, new) in &self.moves {
            plan.releases.push(old.clone());
            let message =
                format!("{new}: it was declared as {old} before; it is the same, and is known by its new key");
            let finding =
                super::Finding { kind: FindingKind::Note, host: new.clone(), reason: "Renamed".to_owned(), message };
            plan.findings.push(finding);
        }
        let moved = self.moves.into_iter().map(|(_, new)| new);
        for path in moved.chain(self.amended) {
            let Some(link) = self.links.get(&path) else { continue };
            if !plan.adoptions.iter().any(|adoption| adoption.host == path) {
                let reason = "it was declared under another key before".to_owned();
                let (remote, applied) = (link.remote.clone(), link.applied.clone());
                plan.adoptions.push(Adoption { host: path, remote, applied, reason });
            }
        }
    }
}
