//! Fates: what a recruiter does to a record as a whole. They merge, delete, anonymise, convert, and replace an address.
//!
//! Every fate is remembered, since the laws tell by it what may be missing and what must have been told. A fate befalls only what the engine has
//! linked, or what the company had and the host does not know: nobody can say of a record whose creation is in doubt whether it was made
//! and deleted, or never made. A merge takes only a loser whose application the store has seen on them, since nothing else gives a merge away.
//! Fates fall between the lives, not within: the ATS takes no condition, so a write in flight cannot know of them.

use crate::chance::Chance;
use crate::recruiter::Recruiter;
use atsync::model::contract::{Hint, RemoteRef};
use atsync::model::kinds;
use atsync_greenhouse_sandbox::{Recruiter as Deed, Sandbox};
use std::collections::{BTreeMap, BTreeSet};

/// What the engine's store knows when a life begins.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Linked candidates.
    pub(crate) people: BTreeSet<i64>,
    /// Linked applications.
    pub(crate) applications: BTreeSet<i64>,
    /// Applications as observed, each with its candidate.
    pub(crate) hangs_on: BTreeMap<i64, i64>,
}

/// An application that was deleted while it was linked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deleted {
    pub(crate) id: i64,
    pub(crate) candidate: i64,
    pub(crate) job: Option<i64>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Fates {
    chance: Chance,
    serial: u64,
    /// Candidates that the company had, without those that the host knows.
    free: BTreeSet<i64>,
    /// A job that the host knows nothing of.
    job: Option<i64>,
    /// Deleted candidates.
    pub(crate) deleted: BTreeSet<i64>,
    /// Applications that were deleted while they were linked.
    pub(crate) applications: Vec<Deleted>,
    /// Loser and winner.
    pub(crate) merged: BTreeMap<i64, i64>,
    pub(crate) anonymised: BTreeSet<i64>,
    /// Prospect and the application that it became.
    pub(crate) converted: BTreeMap<i64, i64>,
    /// Addresses that were replaced.
    pub(crate) replaced: BTreeSet<(i64, String)>,
    /// What the ATS's webhooks have to say of all that.
    pub(crate) hooks: Vec<Hint>,
}

fn person(id: i64) -> RemoteRef {
    RemoteRef::new(kinds::CANDIDATES, id.to_string())
}

fn application(id: i64) -> RemoteRef {
    RemoteRef::new(kinds::APPLICATIONS, id.to_string())
}

impl Fates {
    pub(crate) fn new(seed: u64, free: BTreeSet<i64>, job: Option<i64>) -> Self {
        Self {
            chance: Chance::of(seed, "fates"),
            serial: 0,
            free,
            job,
            deleted: BTreeSet::new(),
            applications: Vec::new(),
            merged: BTreeMap::new(),
            anonymised: BTreeSet::new(),
            converted: BTreeMap::new(),
            replaced: BTreeSet::new(),
            hooks: Vec::new(),
        }
    }

    /// Whether the candidate is no longer, or not only, who they were.
    pub(crate) fn befell(&self, id: i64) -> bool {
        self.deleted.contains(&id)
            || self.anonymised.contains(&id)
            || self.merged.iter().any(|(loser, winner)| *loser == id || *winner == id)
    }

    /// Does something. The act's name in the list of faults, and what it was.
    pub(crate) fn act(
        &mut self,
        sandbox: &Sandbox,
        known: &Known,
        memory: &mut Recruiter,
    ) -> Option<(&'static str, String)> {
        let here = |id: &i64| sandbox.row("candidates", *id).is_some_and(|row| row["private"] != true);
        let alive: Vec<i64> = known.people.union(&self.free).copied().filter(here).collect();
        let alive: Vec<i64> = alive.into_iter().filter(|id| !self.befell(*id)).collect();
        let ours: Vec<i64> = alive.iter().copied().filter(|id| known.people.contains(id)).collect();
        if alive.len() < 2 {
            return None;
        }
        let id = *self.chance.pick(if ours.is_empty() || self.chance.clone().one_in(3) { &alive } else { &ours });
        let (word, deed) = match self.chance.below(12) {
            0..3 => {
                let shown = |id: &i64| {
                    let truth = sandbox.applications_of(*id);
                    truth.iter().any(|row| row["id"].as_i64().is_some_and(|row| known.hangs_on.get(&row) == Some(id)))
                };
                let losers: Vec<i64> = alive.iter().copied().filter(|loser| *loser != id && shown(loser)).collect();
                if losers.is_empty() {
                    return None;
                }
                let loser = *self.chance.pick(&losers);
                ("recruiter merges", Deed::Merge { candidate_id: id, secondary_candidate_id: loser })
            }
            3 => ("recruiter deletes a candidate", Deed::DeleteCandidate { candidate_id: id }),
            4 | 5 => {
                let free = |row: &i64| known.applications.contains(row) || self.free.contains(&id);
                let rows = sandbox.applications_of(id);
                let rows: Vec<i64> = rows.iter().filter_map(|row| row["id"].as_i64()).filter(free).collect();
                if rows.is_empty() {
                    return None;
                }
                let application_id = *self.chance.pick(&rows);
                ("recruiter deletes an application", Deed::DeleteApplication { application_id })
            }
            6 => ("recruiter anonymises", Deed::Anonymise { candidate_id: id, fields: Vec::new() }),
            7..10 => {
                let job_id = self.job?;
                let fits = |row: &&serde_json::Value| {
                    let bound = row["prospective_job_ids"].as_array().is_some_and(|jobs| !jobs.is_empty());
                    let of = row["candidate_id"].as_i64().unwrap_or_default();
                    let linked = row["id"].as_i64().is_some_and(|id| known.applications.contains(&id));
                    row["prospect"] == true
                        && row["status"] == "in_process"
                        && !bound
                        && (linked || self.free.contains(&of))
                        && !self.befell(of)
                        && sandbox.applications_of(of).iter().all(|other| other["job_id"] != job_id)
                };
                let rows = sandbox.rows("applications");
                let rows: Vec<i64> = rows.iter().filter(fits).filter_map(|row| row["id"].as_i64()).collect();
                if rows.is_empty() {
                    return None;
                }
                let application_id = *self.chance.pick(&rows);
                ("recruiter converts a prospect", Deed::Convert { application_id, job_id })
            }
            _ => {
                self.serial += 1;
                let row = sandbox.row("candidates", id)?;
                let from = row["email_addresses"][0]["value"].as_str()?.to_owned();
                let to = format!("instead{}@example.net", self.serial);
                let deed = Deed::EditEmail { candidate_id: id, from: Some(from), to };
                ("recruiter replaces an address", deed)
            }
        };
        let before = match &deed {
            Deed::DeleteApplication { application_id } | Deed::Convert { application_id, .. } => {
                sandbox.row("applications", *application_id)
            }
            _ => None,
        };
        match sandbox.recruiter(&deed) {
            Ok(made) => self.remember(&deed, made["id"].as_i64()?, before, known, memory),
            Err(_) => return None,
        }
        Some((word, format!("recruiter: {deed:?}")))
    }

    fn remember(
        &mut self,
        deed: &Deed,
        made: i64,
        before: Option<serde_json::Value>,
        known: &Known,
        memory: &mut Recruiter,
    ) {
        let before = before.unwrap_or_default();
        let candidate = before["candidate_id"].as_i64();
        match deed {
            Deed::Merge { candidate_id: winner, secondary_candidate_id: loser } => {
                self.merged.insert(*loser, *winner);
                self.hooks.push(Hint::Merged((person(*loser), person(*winner))));
                let moved: Vec<_> = self.replaced.iter().filter(|(id, _)| id == loser).cloned().collect();
                self.replaced.extend(moved.into_iter().map(|(_, from)| (*winner, from)));
                memory.lives_on(*loser, Some(*winner));
                memory.touched.insert(*winner);
                memory.titles.remove(loser);
            }
            Deed::DeleteCandidate { candidate_id } => {
                self.deleted.insert(*candidate_id);
                self.hooks.push(Hint::Deleted(person(*candidate_id)));
                memory.lives_on(*candidate_id, None);
            }
            Deed::DeleteApplication { application_id } => {
                memory.touched.extend(candidate);
                self.hooks.push(Hint::Deleted(application(*application_id)));
                if let Some(candidate) = candidate.filter(|_| known.applications.contains(application_id)) {
                    let job = before["job_id"].as_i64();
                    self.applications.push(Deleted { id: *application_id, candidate, job });
                }
            }
            Deed::Anonymise { candidate_id, .. } => {
                self.anonymised.insert(*candidate_id);
                self.hooks.push(Hint::Erased(person(*candidate_id)));
                memory.lives_on(*candidate_id, None);
            }
            Deed::Convert { application_id, .. } => {
                self.converted.insert(*application_id, made);
                memory.touched.extend(candidate);
                self.hooks.push(Hint::Changed(application(*application_id)));
            }
            Deed::EditEmail { candidate_id, from: Some(from), to } => {
                memory.touched.insert(*candidate_id);
                memory.emails.remove(&(*candidate_id, from.clone()));
                memory.emails.insert((*candidate_id, to.clone()));
                self.replaced.insert((*candidate_id, from.clone()));
                self.hooks.push(Hint::Changed(person(*candidate_id)));
            }
            _ => {}
        }
    }

    /// Hints for a life: some that are due, late or twice, and lies.
    pub(crate) fn hints(&mut self, sandbox: &Sandbox) -> Vec<(bool, Hint)> {
        let mut hints = Vec::new();
        for _ in 0..self.chance.below(3) {
            if !self.hooks.is_empty() {
                hints.push((true, self.chance.pick(&self.hooks).clone()));
            }
        }
        if self.chance.one_in(6) {
            let mut alive: Vec<i64> = self.free.iter().copied().collect();
            alive.retain(|id| sandbox.row("candidates", *id).is_some());
            if let [one, .., other] = alive.as_slice() {
                let merged = self.chance.one_in(2);
                let lie =
                    if merged { Hint::Merged((person(*one), person(*other))) } else { Hint::Deleted(person(*one)) };
                hints.push((false, lie));
            }
        }
        hints
    }
}
