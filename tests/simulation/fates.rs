//! Fates: what a recruiter does to a record as a whole. They merge, delete, anonymise wholly or in
//! part, hide, convert, transfer, and replace an address.
//!
//! Every fate is remembered with what the engine's store knew when it struck ([`Known`]), since the
//! laws decide by both what may be missing and what must have been reported. A fate strikes
//! candidates of the company that the host does not know, linked records, and records whose create
//! is in doubt. Merges fall on merges. The laws do not ask for what the engine cannot know:
//! - A merge must be reported if the store had seen an application on the loser, since nothing else
//!   shows a merge.
//! - A create in doubt that was undone before any probe ([`Fates::undone`]) looks like one that
//!   never happened: it may happen again.
//!
//! Left out: a new name for a candidate in doubt, which makes a write in doubt that only a user can
//! resolve (see the regressions).

use crate::chance::Chance;
use crate::known::Known;
use crate::recruiter::Recruiter;
use atsync::model::contract::{Hint, RemoteRef};
use atsync::model::kinds;
use atsync_greenhouse_sandbox::{Recruiter as Deed, Sandbox, Transfer};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Groups of fields that are blanked together when not all are.
const PARTS: &[&[&str]] = &[
    &["full_name"],
    &["full_name", "email_addresses"],
    &["email_addresses", "phone_numbers"],
    &["custom_candidate_fields", "headline"],
    &["notes", "current_company"],
    &["tags", "attachments"],
];

/// An application that was deleted, or went to another job, while it was linked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deleted {
    pub(crate) id: i64,
    pub(crate) candidate: i64,
    pub(crate) job: Option<i64>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Fates {
    chance: Chance,
    serial: u64,
    /// Candidates that the company had.
    company: BTreeSet<i64>,
    /// Of those, the ones that the host does not know.
    free: BTreeSet<i64>,
    /// A job that the host knows nothing of.
    job: Option<i64>,
    /// Deleted candidates.
    pub(crate) deleted: BTreeSet<i64>,
    /// Applications that were deleted while they were linked.
    pub(crate) applications: Vec<Deleted>,
    /// Applications that went to another job while they were linked and kept their id.
    pub(crate) transferred: Vec<Deleted>,
    /// Loser and winner.
    pub(crate) merged: BTreeMap<i64, i64>,
    /// Losers and the applications that the store had seen on them.
    shown: BTreeMap<i64, Vec<i64>>,
    pub(crate) anonymised: BTreeSet<i64>,
    /// Candidates of whom groups of fields were blanked, and which.
    pub(crate) blanked: BTreeMap<i64, BTreeSet<&'static str>>,
    /// Of all those, the ones that the store holds as anonymised.
    pub(crate) known_as_blank: BTreeSet<i64>,
    /// Prospect and the application that it became.
    pub(crate) converted: BTreeMap<i64, i64>,
    /// Addresses that were replaced.
    pub(crate) replaced: BTreeSet<(i64, String)>,
    /// Candidates whose create was in doubt when a fate made them unrecognisable.
    pub(crate) undone: BTreeSet<i64>,
    /// Merges that webhooks reported and that never happened.
    pub(crate) lies: BTreeSet<(i64, i64)>,
    /// The pending webhooks of the ATS.
    hooks: Vec<Hint>,
}

fn candidate_ref(id: i64) -> RemoteRef {
    RemoteRef::new(kinds::CANDIDATES, id.to_string())
}

fn application(id: i64) -> RemoteRef {
    RemoteRef::new(kinds::APPLICATIONS, id.to_string())
}

fn set_private(id: i64, private: bool) -> Deed {
    let values = Map::from_iter([("private".to_owned(), json!(private))]);
    Deed::Set { collection: "candidates".into(), id, values }
}

/// The input of a choice.
struct Scene<'a> {
    sandbox: &'a Sandbox,
    known: &'a Known,
    alive: Vec<i64>,
    /// Created by the API and not linked.
    doubtful: Vec<i64>,
}

impl Fates {
    pub(crate) fn new(
        seed: u64,
        company: BTreeSet<i64>,
        free: BTreeSet<i64>,
        job: Option<i64>,
    ) -> Self {
        Self {
            chance: Chance::of(seed, "fates"),
            serial: 0,
            company,
            free,
            job,
            deleted: BTreeSet::new(),
            applications: Vec::new(),
            transferred: Vec::new(),
            merged: BTreeMap::new(),
            shown: BTreeMap::new(),
            anonymised: BTreeSet::new(),
            blanked: BTreeMap::new(),
            known_as_blank: BTreeSet::new(),
            converted: BTreeMap::new(),
            replaced: BTreeSet::new(),
            undone: BTreeSet::new(),
            lies: BTreeSet::new(),
            hooks: Vec::new(),
        }
    }

    /// The winners of a candidate's merges, in order, the last one being the current one.
    pub(crate) fn chain(&self, id: i64) -> Vec<i64> {
        std::iter::successors(self.merged.get(&id).copied(), |at| self.merged.get(at).copied())
            .collect()
    }

    /// The current id of a candidate; none if they were deleted.
    pub(crate) fn lives_on(&self, id: i64) -> Option<i64> {
        let last = self.chain(id).last().copied().unwrap_or(id);
        (!self.deleted.contains(&last)).then_some(last)
    }

    /// Whether others were merged into the candidate.
    pub(crate) fn is_winner(&self, id: i64) -> bool {
        self.merged.values().any(|winner| *winner == id)
    }

    /// Whether the engine can know the merge of a loser: an application that the store had seen on
    /// them belongs to their winner.
    pub(crate) fn gives_itself_away(&self, sandbox: &Sandbox, loser: i64) -> bool {
        let Some(now) = self.lives_on(loser) else { return false };
        let there = sandbox.applications_of(now);
        self.shown
            .get(&loser)
            .into_iter()
            .flatten()
            .any(|id| there.iter().any(|row| row["id"] == *id))
    }

    /// Does something. Returns the names of its faults, and a description. `within` a life of the
    /// engine, or between two.
    pub(crate) fn act(
        &mut self,
        sandbox: &Sandbox,
        known: &Known,
        memory: &mut Recruiter,
        within: bool,
    ) -> Option<(Vec<&'static str>, String)> {
        let rows = sandbox.rows("candidates");
        let ids = rows.iter().filter_map(|row| row["id"].as_i64());
        let doubtful: Vec<i64> = ids
            .filter(|id| {
                !self.company.contains(id)
                    && !known.candidates.contains(id)
                    && !self.undone.contains(id)
            })
            .collect();
        let here = |id: &i64| sandbox.row("candidates", *id).is_some();
        let mut alive: BTreeSet<i64> =
            known.candidates.union(&self.free).copied().filter(here).collect();
        alive.extend(&doubtful);
        let scene = Scene { sandbox, known, alive: alive.into_iter().collect(), doubtful };
        if scene.alive.len() < 2 {
            return None;
        }
        let (mut words, deed) = if !scene.doubtful.is_empty() && !self.chance.one_in(3) {
            self.in_doubt(&scene)?
        } else {
            self.choose(&scene)?
        };
        let before = match &deed {
            Deed::DeleteApplication { application_id }
            | Deed::Convert { application_id, .. }
            | Deed::Transfer { application_id, .. } => sandbox.row("applications", *application_id),
            _ => None,
        };
        let made = sandbox.recruiter(&deed).ok()?;
        let fresh = scene.doubtful.iter().any(|id| deed_is_on(&deed, *id));
        self.remember(
            &deed,
            made["id"].as_i64()?,
            before.unwrap_or_default(),
            &scene,
            memory,
            within,
        );
        if fresh && matches!(deed, Deed::Merge { .. }) {
            words.push("recruiter merges a candidate in doubt");
        }
        Some((words, format!("recruiter: {deed:?}")))
    }

    /// A fate strikes a candidate whose create is in doubt.
    fn in_doubt(&mut self, scene: &Scene<'_>) -> Option<(Vec<&'static str>, Deed)> {
        let id = *self.chance.pick(&scene.doubtful);
        Some(match self.chance.below(8) {
            0 | 1 => {
                let others: Vec<i64> =
                    scene.alive.iter().copied().filter(|other| *other != id).collect();
                let other = *self.chance.pick(&others);
                let (winner, loser) = if self.chance.one_in(4) { (id, other) } else { (other, id) };
                (
                    self.merge_words(scene, loser),
                    Deed::Merge { candidate_id: winner, secondary_candidate_id: loser },
                )
            }
            2 | 3 => (
                vec!["recruiter deletes a candidate in doubt"],
                Deed::DeleteCandidate { candidate_id: id },
            ),
            4 => {
                let fields = Vec::new();
                (
                    vec!["recruiter anonymises a candidate in doubt"],
                    Deed::Anonymise { candidate_id: id, fields },
                )
            }
            5 => {
                // Without its name alone, it would be a candidate that cannot be identified.
                let parts = self.chance.pick(&PARTS[1..]);
                let fields = parts.iter().map(|part| (*part).to_owned()).collect();
                let words = vec![
                    "recruiter anonymises in part",
                    "recruiter anonymises a candidate in doubt",
                ];
                (words, Deed::Anonymise { candidate_id: id, fields })
            }
            _ => (vec!["recruiter makes a candidate in doubt private"], set_private(id, true)),
        })
    }

    fn choose(&mut self, scene: &Scene<'_>) -> Option<(Vec<&'static str>, Deed)> {
        let ours: Vec<i64> =
            scene.alive.iter().copied().filter(|id| scene.known.candidates.contains(id)).collect();
        let id = *self.chance.pick(if ours.is_empty() || self.chance.clone().one_in(3) {
            &scene.alive
        } else {
            &ours
        });
        let row = scene.sandbox.row("candidates", id)?;
        let private = row["private"] == true;
        Some(match self.chance.below(18) {
            0..4 => {
                let loser = self.loser(scene, id)?;
                (
                    self.merge_words(scene, loser),
                    Deed::Merge { candidate_id: id, secondary_candidate_id: loser },
                )
            }
            4 | 5 => {
                let word = if private {
                    "recruiter deletes a private candidate"
                } else {
                    "recruiter deletes a candidate"
                };
                (vec![word], Deed::DeleteCandidate { candidate_id: id })
            }
            6 | 7 => {
                let application_id = self.application_of(scene, id, |_| true)?;
                (
                    vec!["recruiter deletes an application"],
                    Deed::DeleteApplication { application_id },
                )
            }
            8 => (
                vec!["recruiter anonymises"],
                Deed::Anonymise { candidate_id: id, fields: Vec::new() },
            ),
            9 => {
                let fields =
                    self.chance.pick(PARTS).iter().map(|part| (*part).to_owned()).collect();
                (vec!["recruiter anonymises in part"], Deed::Anonymise { candidate_id: id, fields })
            }
            10..12 => {
                let (application_id, job_id) = (self.prospect(scene)?, self.job?);
                (vec!["recruiter converts a prospect"], Deed::Convert { application_id, job_id })
            }
            12 => {
                self.serial += 1;
                let from = row["email_addresses"][0]["value"].as_str()?.to_owned();
                let to = format!("instead{}@example.net", self.serial);
                let deed = Deed::EditEmail { candidate_id: id, from: Some(from), to };
                (vec!["recruiter replaces an address"], deed)
            }
            13 | 14 if private => (vec!["recruiter makes public"], set_private(id, false)),
            13 | 14 => (vec!["recruiter makes private"], set_private(id, true)),
            _ => {
                let job_id = self.job?;
                let application_id =
                    self.application_of(scene, id, |row| row["prospect"] != true)?;
                let word = match scene.sandbox.quirks().transfer {
                    Transfer::KeepsId => "recruiter transfers an application",
                    Transfer::NewId => "recruiter transfers an application, and it has a new id",
                };
                (vec![word], Deed::Transfer { application_id, job_id })
            }
        })
    }

    /// The candidate to merge into `winner`: often one who won before, or on whom an application
    /// was seen.
    fn loser(&mut self, scene: &Scene<'_>, winner: i64) -> Option<i64> {
        let others = |fits: &dyn Fn(i64) -> bool| -> Vec<i64> {
            scene.alive.iter().copied().filter(|id| *id != winner && fits(*id)).collect()
        };
        let winners = others(&|id| self.is_winner(id));
        let shown = others(&|id| scene.known.belongs_to.values().any(|of| *of == id));
        let all = others(&|_| true);
        let from = match self.chance.below(6) {
            0 | 1 if !winners.is_empty() => winners,
            5 => all,
            _ => shown,
        };
        (!from.is_empty()).then(|| *self.chance.pick(&from))
    }

    fn merge_words(&self, scene: &Scene<'_>, loser: i64) -> Vec<&'static str> {
        let mut words = vec!["recruiter merges"];
        if self.is_winner(loser) {
            words.push("a merge on a merge");
            if self
                .merged
                .iter()
                .any(|(first, into)| *into == loser && scene.known.seen.contains(first))
            {
                words.push("a merge on a merge that was not seen yet");
            }
        }
        words
    }

    fn application_of(
        &mut self,
        scene: &Scene<'_>,
        id: i64,
        fits: impl Fn(&Value) -> bool,
    ) -> Option<i64> {
        let free = |row: &i64| scene.known.applications.contains(row) || self.free.contains(&id);
        let rows = scene.sandbox.applications_of(id);
        let rows: Vec<i64> = rows
            .iter()
            .filter(|row| fits(row))
            .filter_map(|row| row["id"].as_i64())
            .filter(free)
            .collect();
        (!rows.is_empty()).then(|| *self.chance.pick(&rows))
    }

    fn prospect(&mut self, scene: &Scene<'_>) -> Option<i64> {
        let job_id = self.job?;
        let fits = |row: &&Value| {
            let bound = row["prospective_job_ids"].as_array().is_some_and(|jobs| !jobs.is_empty());
            let of = row["candidate_id"].as_i64().unwrap_or_default();
            let linked =
                row["id"].as_i64().is_some_and(|id| scene.known.applications.contains(&id));
            row["prospect"] == true
                && row["status"] == "in_process"
                && !bound
                && (linked || self.free.contains(&of))
                && !self.is_winner(of)
                && scene.sandbox.applications_of(of).iter().all(|other| other["job_id"] != job_id)
        };
        let rows = scene.sandbox.rows("applications");
        let rows: Vec<i64> =
            rows.iter().filter(fits).filter_map(|row| row["id"].as_i64()).collect();
        (!rows.is_empty()).then(|| *self.chance.pick(&rows))
    }

    fn remember(
        &mut self,
        deed: &Deed,
        made: i64,
        before: Value,
        scene: &Scene<'_>,
        memory: &mut Recruiter,
        within: bool,
    ) {
        let candidate = before["candidate_id"].as_i64();
        let job = before["job_id"].as_i64();
        let linked = |id: &i64| scene.known.applications.contains(id);
        match deed {
            Deed::Merge { candidate_id: winner, secondary_candidate_id: loser } => {
                let moved = scene.sandbox.applications_of(*winner);
                let moved = moved.iter().filter_map(|row| row["id"].as_i64());
                let shown: Vec<i64> =
                    moved.filter(|id| scene.known.belongs_to.get(id) == Some(loser)).collect();
                if scene.known.seen.contains(loser) {
                    self.shown.insert(*loser, shown);
                }
                self.merged.insert(*loser, *winner);
                self.undo(*loser, scene);
                self.hooks.push(Hint::Merged((candidate_ref(*loser), candidate_ref(*winner))));
                let moved: Vec<_> =
                    self.replaced.iter().filter(|(id, _)| id == loser).cloned().collect();
                self.replaced.extend(moved.into_iter().map(|(_, from)| (*winner, from)));
                // Groups that were blanked on one of them are missing in the winner.
                let all: BTreeSet<&'static str> =
                    PARTS.iter().flat_map(|part| part.iter().copied()).collect();
                let mut blank = self.blanked.get(loser).cloned().unwrap_or_default();
                if self.anonymised.contains(loser) {
                    blank = all;
                }
                if !blank.is_empty() {
                    self.blanked.entry(*winner).or_default().extend(blank);
                }
                if within {
                    // A list on its way was read before and replaces the merged one.
                    memory.emails.retain(|(id, _)| id != loser && id != winner);
                }
                memory.lives_on(*loser, Some(*winner));
                memory.touched.insert(*winner);
                memory.titles.remove(loser);
            }
            Deed::DeleteCandidate { candidate_id } => {
                self.deleted.insert(*candidate_id);
                self.undo(*candidate_id, scene);
                self.hooks.push(Hint::Deleted(candidate_ref(*candidate_id)));
                memory.lives_on(*candidate_id, None);
            }
            Deed::DeleteApplication { application_id: id } => {
                memory.touched.extend(candidate);
                self.hooks.push(Hint::Deleted(application(*id)));
                let deleted = candidate.map(|candidate| Deleted { id: *id, candidate, job });
                self.applications.extend(deleted.filter(|_| linked(id)));
            }
            Deed::Transfer { application_id: id, .. } => {
                memory.touched.extend(candidate);
                self.hooks.push(Hint::Changed(application(*id)));
                let deleted = candidate
                    .map(|candidate| Deleted { id: *id, candidate, job })
                    .filter(|_| linked(id));
                if made == *id { &mut self.transferred } else { &mut self.applications }
                    .extend(deleted);
            }
            Deed::Anonymise { candidate_id, fields } => {
                self.hooks.push(Hint::Erased(candidate_ref(*candidate_id)));
                let groups = PARTS
                    .iter()
                    .flat_map(|part| part.iter())
                    .filter(|group| fields.iter().any(|field| field == *group));
                let groups: BTreeSet<&'static str> = groups.copied().collect();
                if fields.is_empty() {
                    self.anonymised.insert(*candidate_id);
                    memory.lives_on(*candidate_id, None);
                } else {
                    memory.blank(*candidate_id, &groups);
                    self.blanked.entry(*candidate_id).or_default().extend(&groups);
                }
                if fields.is_empty() || groups.contains("email_addresses") {
                    self.undo(*candidate_id, scene);
                }
            }
            Deed::Convert { application_id, .. } => {
                self.converted.insert(*application_id, made);
                memory.touched.extend(candidate);
                self.hooks.push(Hint::Changed(application(*application_id)));
            }
            Deed::EditEmail { candidate_id, from: Some(from), to } => {
                memory.touched.insert(*candidate_id);
                memory.emails.remove(&(*candidate_id, from.clone()));
                if !within {
                    memory.emails.insert((*candidate_id, to.clone()));
                }
                self.replaced.insert((*candidate_id, from.clone()));
                self.undo(*candidate_id, scene);
                self.hooks.push(Hint::Changed(candidate_ref(*candidate_id)));
            }
            Deed::Set { id, .. } => {
                memory.touched.insert(*id);
                self.hooks.push(Hint::Changed(candidate_ref(*id)));
            }
            _ => {}
        }
    }

    fn undo(&mut self, id: i64, scene: &Scene<'_>) {
        if scene.doubtful.contains(&id) {
            self.undone.insert(id);
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
                self.lies.extend(merged.then_some((*one, *other)));
                let lie = if merged {
                    Hint::Merged((candidate_ref(*one), candidate_ref(*other)))
                } else {
                    Hint::Deleted(candidate_ref(*one))
                };
                hints.push((false, lie));
            }
        }
        hints
    }
}

fn deed_is_on(deed: &Deed, id: i64) -> bool {
    match deed {
        Deed::Merge { candidate_id, secondary_candidate_id } => {
            *candidate_id == id || *secondary_candidate_id == id
        }
        _ => false,
    }
}
