//! The recruiter: a user who works in the ATS at the same time, on our candidates and on others.
//!
//! Their values in fields that the host does not own are remembered, since these must stand in the
//! end. [`crate::fates`] has what they do to records as a whole.

use crate::chance::Chance;
use atsync_greenhouse_sandbox::{Recruiter as Deed, Sandbox};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The recruiter and what they did.
#[derive(Debug)]
pub(crate) struct Recruiter {
    chance: Chance,
    serial: u64,
    /// Candidates that the company had.
    company: BTreeSet<i64>,
    /// Candidates that they touched in any way.
    pub(crate) touched: BTreeSet<i64>,
    /// Titles that they set.
    pub(crate) titles: BTreeMap<i64, String>,
    /// Tags that they put on.
    pub(crate) tags: BTreeSet<(i64, String)>,
    /// E-mail addresses that they added.
    pub(crate) emails: BTreeSet<(i64, String)>,
    /// Notes that they wrote.
    pub(crate) notes: BTreeSet<(i64, String)>,
}

impl Recruiter {
    pub(crate) fn new(seed: u64, company: BTreeSet<i64>) -> Self {
        Self {
            chance: Chance::of(seed, "recruiter"),
            serial: 0,
            company,
            touched: BTreeSet::new(),
            titles: BTreeMap::new(),
            tags: BTreeSet::new(),
            emails: BTreeSet::new(),
            notes: BTreeSet::new(),
        }
    }

    /// Does something; returns a description. `ours` are candidates that the engine knows to be
    /// linked.
    pub(crate) fn act(&mut self, sandbox: &Sandbox, ours: &BTreeSet<i64>) -> String {
        let ours: Vec<i64> = ours.iter().copied().collect();
        let others: Vec<i64> =
            sandbox.rows("candidates").iter().filter_map(|row| row["id"].as_i64()).collect();
        let mine = self.chance.below(4) > 0 && !ours.is_empty();
        let candidate_id = *self.chance.pick(if mine { &ours } else { &others });
        self.serial += 1;
        let number = self.serial;
        let (word, deed) = match self.chance.below(9) {
            0 => ("tags", Deed::AddTag { candidate_id, tag: format!("by hand {}", number % 3) }),
            1 => {
                let Some(tag) = self.tag_of(sandbox, candidate_id) else {
                    return "recruiter: does nothing".into();
                };
                ("untags", Deed::RemoveTag { candidate_id, tag })
            }
            2 => (
                "adds an e-mail",
                Deed::EditEmail {
                    candidate_id,
                    from: None,
                    to: format!("hand{number}@example.net"),
                },
            ),
            // The name shows whether a candidate in doubt is ours: with another name only a user
            // can decide.
            3 if !self.company.contains(&candidate_id) && !ours.contains(&candidate_id) => {
                return "recruiter: does nothing".into();
            }
            3 => (
                "renames",
                Deed::Rename {
                    candidate_id,
                    first_name: format!("Hand{number}"),
                    last_name: "Renamed".into(),
                },
            ),
            4 => (
                "writes a note",
                Deed::AddNote { candidate_id, body: format!("By hand, number {number}.") },
            ),
            5 => (
                "sets the title",
                Deed::Set {
                    collection: "candidates".into(),
                    id: candidate_id,
                    values: Map::from_iter([(
                        "title".to_owned(),
                        json!(format!("Hand title {number}")),
                    )]),
                },
            ),
            6 => (
                "sets external_ref",
                Deed::SetCustomField {
                    collection: "candidates".into(),
                    id: candidate_id,
                    name_key: "external_ref".into(),
                    value: json!(format!("by hand {number}")),
                },
            ),
            _ => {
                let Some(deed) = self.on_application(sandbox, candidate_id) else {
                    return "recruiter: does nothing".into();
                };
                ("works on an application", deed)
            }
        };
        match sandbox.recruiter(&deed) {
            Ok(_) => self.remember(candidate_id, &deed),
            Err(refused) => return format!("recruiter: {word} of {candidate_id}: {refused}"),
        }
        format!("recruiter: {word} of {candidate_id}")
    }

    /// Like [`Self::act`], between a read and the write that follows from it. An address added
    /// there is lost to a write of the whole list, since the ATS takes no condition; so the laws do
    /// not insist on it.
    pub(crate) fn act_meanwhile(&mut self, sandbox: &Sandbox, ours: &BTreeSet<i64>) -> String {
        let before = self.emails.clone();
        let deed = self.act(sandbox, ours);
        self.emails = before;
        deed
    }

    /// Moves, rejects or unrejects an application of one of these candidates. Returns the fault's
    /// name and a description.
    pub(crate) fn work_in_doubt(
        &mut self,
        sandbox: &Sandbox,
        candidates: &[i64],
    ) -> Option<(&'static str, String)> {
        let candidates: Vec<i64> = candidates
            .iter()
            .copied()
            .filter(|id| !sandbox.applications_of(*id).is_empty())
            .collect();
        if candidates.is_empty() {
            return None;
        }
        let candidate = *self.chance.pick(&candidates);
        let deed = self.on_application(sandbox, candidate)?;
        let word = match &deed {
            Deed::Reject { .. } => "recruiter rejects while a write is in doubt",
            Deed::Unreject { .. } => "recruiter takes a rejection back while a write is in doubt",
            _ => "recruiter moves while a write is in doubt",
        };
        sandbox.recruiter(&deed).ok()?;
        self.touched.insert(candidate);
        Some((word, format!("in doubt, recruiter: {deed:?}")))
    }

    /// Drops what was written into groups of fields that were blanked.
    pub(crate) fn blank(&mut self, candidate: i64, groups: &BTreeSet<&'static str>) {
        self.touched.insert(candidate);
        if groups.contains("headline") {
            self.titles.remove(&candidate);
        }
        for (group, set) in [
            ("tags", &mut self.tags),
            ("email_addresses", &mut self.emails),
            ("notes", &mut self.notes),
        ] {
            if groups.contains(group) {
                set.retain(|(id, _)| *id != candidate);
            }
        }
    }

    fn remember(&mut self, candidate: i64, deed: &Deed) {
        self.touched.insert(candidate);
        match deed {
            Deed::AddTag { tag, .. } => drop(self.tags.insert((candidate, tag.clone()))),
            Deed::RemoveTag { tag, .. } => drop(self.tags.remove(&(candidate, tag.clone()))),
            Deed::EditEmail { to, .. } => drop(self.emails.insert((candidate, to.clone()))),
            Deed::AddNote { body, .. } => drop(self.notes.insert((candidate, body.clone()))),
            Deed::Set { values, .. } => {
                drop(
                    self.titles
                        .insert(candidate, values["title"].as_str().unwrap_or_default().to_owned()),
                );
            }
            _ => {}
        }
    }

    /// The values on a candidate who was merged into another, or deleted.
    pub(crate) fn lives_on(&mut self, from: i64, to: Option<i64>) {
        self.touched.insert(from);
        self.titles.remove(&from);
        for set in [&mut self.tags, &mut self.emails, &mut self.notes] {
            let (gone, mut kept): (BTreeSet<_>, BTreeSet<_>) =
                std::mem::take(set).into_iter().partition(|(id, _)| *id == from);
            kept.extend(gone.into_iter().filter_map(|(_, text)| Some((to?, text))));
            *set = kept;
        }
    }

    fn tag_of(&mut self, sandbox: &Sandbox, candidate: i64) -> Option<String> {
        let rows = sandbox.rows_of_candidate("applied_candidate_tags", candidate);
        let ids: Vec<i64> =
            rows.iter().filter_map(|row| row["candidate_tag_id"].as_i64()).collect();
        if ids.is_empty() {
            return None;
        }
        let tag = sandbox.row("candidate_tags", *self.chance.pick(&ids))?;
        tag["name"].as_str().map(str::to_owned)
    }

    fn on_application(&mut self, sandbox: &Sandbox, candidate: i64) -> Option<Deed> {
        let rows = sandbox.applications_of(candidate);
        let plain: Vec<&Value> = rows.iter().filter(|row| row["prospect"] != true).collect();
        if plain.is_empty() {
            return None;
        }
        let row = *self.chance.pick(&plain);
        let application_id = row["id"].as_i64()?;
        match row["status"].as_str() {
            Some("rejected") => Some(Deed::Unreject { application_id }),
            _ if self.chance.one_in(2) => {
                Some(Deed::Reject { application_id, rejection_reason_id: None })
            }
            _ => {
                let stages =
                    sandbox.rows_where("job_interview_stages", "job_id", row["job_id"].as_i64()?);
                let names: Vec<&str> =
                    stages.iter().filter_map(|stage| stage["name"].as_str()).collect();
                if names.is_empty() {
                    return None;
                }
                Some(Deed::Move {
                    application_id,
                    stage_name: (*self.chance.pick(&names)).to_owned(),
                })
            }
        }
    }
}
