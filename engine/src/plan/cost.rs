//! The cost of a plan, in requests. Pure.
//!
//! The manifest gives the cost of an operation, a step adds its probe; this module adds the reads
//! at the end: each created or changed record is read back by its id, as many of a kind in one
//! request as the kind allows. Left out: retries and further pages ([`Plan::calls`]).

use super::{Plan, Step};
use atsync_model::manifest::Manifest;
use atsync_model::resource;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A record that a step touches: an existing one, or one that a path will be linked to.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Touched<'p> {
    /// By its id.
    There(&'p str),
    /// By the path that it will be linked to.
    Made(&'p str),
}

impl Plan {
    /// Counts the requests that the plan costs. [`Plan::calls`] has the number; count again after
    /// steps were removed.
    pub fn count_calls(&self, manifest: &Manifest) -> u32 {
        of(self, manifest)
    }
}

/// Counts the requests that a plan costs.
pub fn of(plan: &Plan, manifest: &Manifest) -> u32 {
    let own = plan.steps().map(|step| step.calls).fold(0, u32::saturating_add);
    own.saturating_add(read_back(plan.steps(), manifest))
}

fn read_back<'p>(steps: impl Iterator<Item = &'p Step>, manifest: &'p Manifest) -> u32 {
    let mut kinds: BTreeMap<&str, BTreeSet<Touched<'_>>> = BTreeMap::new();
    for step in steps {
        if let Some(target) = &step.target {
            kinds.entry(&target.kind).or_default().insert(Touched::There(&target.id));
        }
        if let (Some(path), Some(rule)) = (&step.target_path, manifest.operation(&step.operation)) {
            kinds.entry(&rule.kind).or_default().insert(Touched::Made(path));
        }
        if let Some((kind, id)) = shown_in(step, manifest) {
            let made = id.get(super::MADE).and_then(Value::as_str).map(Touched::Made);
            let there = id.as_str().map(Touched::There);
            kinds.entry(kind).or_default().extend(made.or(there));
        }
        for (role, path) in &step.makes {
            let made = manifest.operation(&step.operation).map(|rule| rule.kind.as_str());
            let kind = if role == "subject" { made } else { Some(role.as_str()) };
            if let Some(kind) = kind {
                kinds.entry(kind).or_default().insert(Touched::Made(path));
            }
        }
    }
    let reads = kinds.into_iter().map(|(kind, records)| {
        match manifest.kind(kind).map(|rule| rule.ids_max) {
            None | Some(0) => 0,
            Some(ids_max) => u32::try_from(records.len()).unwrap_or(u32::MAX).div_ceil(ids_max),
        }
    });
    reads.fold(0, u32::saturating_add)
}

/// Returns the record that shows what a step creates, as a candidate shows its tags: its kind, and
/// its id in the step's input.
fn shown_in<'p>(step: &'p Step, manifest: &Manifest) -> Option<(&'static str, &'p Value)> {
    let rule =
        manifest.operation(&step.operation).filter(|_| step.makes.contains_key("subject"))?;
    let kind = resource::of(&rule.kind)?.shown_in?;
    Some((kind, step.input.get(resource::of(kind)?.member)?))
}
