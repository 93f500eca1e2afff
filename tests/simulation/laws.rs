//! The laws, checked against the truth: the sandbox's model, which knows what really happened.
//!
//! The simulation checks [`at_any_time`] after every life, whatever its faults; [`at_the_end`] when
//! faults have stopped and the calm lives are over.
//!
//! The laws do not ask for what the engine cannot know, and each place says so. There are seven
//! such cases: a create that a fate undid while it was in doubt may happen again; a merge is known
//! only if the store had seen an application on the loser that still exists, so another one may be
//! reported as a deletion, or into the winner that a lying webhook names; an anonymisation in part
//! looks like an edit until a webhook names it, and is overwritten where a field is enforced;
//! writes before the store could know of an erasure are not judged; which of two applications to
//! one job is meant, when a merge brought the second, only a user can say, so that record waits;
//! whether an emptied field was erased, so that it stays empty, or stands as a recruiter wrote it
//! since, even if it is enforced; and whether the last private candidate was deleted or hidden from
//! the credential, so that writes to it wait.

use crate::background;
use crate::host::{CHANNEL_KEY, CHANNEL_NAME};
use crate::sight::out_of_sight;
use crate::sim::{PULLED, Sim};
use atsync::PlanOf;
use atsync::internals::journal::IntentState;
use atsync::internals::plan::RecordPlan;
use atsync::internals::store::{Cause, Change, ChangeWhat, LinkRow};
use atsync::model::contract::RemoteRef;
use atsync::model::kinds;
use atsync_greenhouse_sandbox::Sandbox;
use futures_util::TryStreamExt;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Requests that can mail a candidate.
const MAILING: &[&str] =
    &["/move", "/reject", "/unreject", "/hire", "/convert_to_candidate", "/v3/users"];

/// A candidate's lists of contacts.
const CONTACTS: [&str; 5] = [
    "phone_numbers",
    "email_addresses",
    "addresses",
    "website_addresses",
    "social_media_addresses",
];

/// The laws after any life.
pub(crate) fn at_any_time(sim: &mut Sim) {
    let mut broken = Vec::new();
    let truth = &sim.world.sandbox;
    let records: Vec<Value> = sim.host.wanted.values().cloned().collect();
    for record in &records {
        one_of_each(sim, record, &mut broken);
        background::one_of_each(sim, record, &mut broken);
        let email = record["emails"][0].as_str().unwrap();
        // A create that was undone before any probe looks like one that never happened.
        let makings = sim.office.makings.lock().unwrap();
        let made = makings.get(email).map_or(0, |made| made.difference(&sim.fates.undone).count());
        if made > usize::from(record.get("name").is_some()) {
            broken.push(format!("{}: {made} candidates were created for {email}", record["key"]));
        }
    }
    for (collection, what) in [
        ("candidate_tags", "tag"),
        ("custom_fields", "custom field"),
        ("custom_field_options", "choice"),
    ] {
        let rows = truth.rows(collection);
        // The company's own fields may share names across what they apply to.
        let ours = rows.iter().filter(|row| {
            collection == "candidate_tags"
                || row["id"].as_i64().is_some_and(|id| sim.made.contains(&(collection, id)))
        });
        for (name, times) in repeated(ours.filter_map(|row| row["name"].as_str())) {
            broken.push(format!("the {what} {name} exists {times} times"));
        }
    }
    for (collection, id) in &sim.deleted {
        // Tags are removed; a newer resume replaces the one before in the ATS itself.
        let may_go = ["applied_candidate_tags", "attachments"].contains(collection)
            || background::COLLECTIONS.contains(collection);
        if !may_go || !sim.made.contains(&(*collection, *id)) {
            broken.push(format!("{collection} {id} was deleted, and we had not made it"));
        }
    }
    for ended in sim.fates.applications.iter().chain(&sim.fates.transferred) {
        // After a merge, the other candidate's application to the same job is no duplicate of ours.
        if sim.fates.is_winner(ended.candidate) {
            continue;
        }
        let again = truth.applications_of(ended.candidate).into_iter().filter(|row| {
            let id = row["id"].as_i64().unwrap();
            let same = match ended.job {
                Some(job) => row["job_id"] == job && row["prospect"] != true,
                None => row["prospect"] == true,
            };
            same && id > ended.id && sim.made.contains(&("applications", id))
        });
        broken.extend(
            again.map(|row| format!("the ended {ended:?} was made again as {}", row["id"])),
        );
    }
    if !sim.options.lifecycle {
        let mailing = sim.requests.iter().filter(|request| request.method != "GET");
        let found = mailing.filter(|request| MAILING.iter().any(|end| request.path.ends_with(end)));
        broken.extend(
            found.map(|request| {
                format!("{} {} could mail a candidate", request.method, request.path)
            }),
        );
    }
    if sim.options.harmful {
        let notes = sim
            .requests
            .iter()
            .filter(|request| request.method == "POST" && request.path == "/v3/notes");
        // These say that the request was not executed.
        let sent = notes
            .filter(|request| ![401, 422, 429].contains(&request.status))
            .map(|request| request.body.as_str());
        broken.extend(
            repeated(sent)
                .into_iter()
                .map(|(_, times)| format!("an unsafe note was sent {times} times")),
        );
    }
    for law in broken {
        sim.broke(law);
    }
}

/// At most one remote object per intent: a record with a name that only one desired object has
/// exists once at most.
fn one_of_each(sim: &Sim, record: &Value, broken: &mut Vec<String>) {
    let (truth, made): (&Sandbox, _) = (&sim.world.sandbox, &sim.made);
    let key = record["key"].as_str().unwrap();
    let email = record["emails"][0].as_str().unwrap();
    let candidates = truth.candidates_by_email(email);
    if candidates.len() > 1 {
        broken.push(format!("{key}: {} candidates have {email}", candidates.len()));
    }
    let Some(id) = candidates.first().and_then(|row| row["id"].as_i64()) else { return };
    let all = truth.notes_of(id);
    // The company's records may exist twice where two candidates were merged.
    let notes = all
        .iter()
        .filter_map(|row| row["body"].as_str())
        .filter(|body| body.starts_with("Note number"));
    broken.extend(
        repeated(notes)
            .into_iter()
            .map(|(note, times)| format!("{key}: the note {note:?} is there {times} times")),
    );
    let files = truth.rows_of_candidate("attachments", id);
    let files = files
        .iter()
        .filter_map(|row| row["filename"].as_str())
        .filter(|name| name.starts_with("cv-"));
    broken.extend(
        repeated(files)
            .into_iter()
            .map(|(file, times)| format!("{key}: {file} is there {times} times")),
    );
    if sim.fates.is_winner(id) {
        // A merge puts the applications and tags of two candidates on one.
        return;
    }
    let applications = truth.applications_of(id);
    for wanted in record["applications"].as_array().into_iter().flatten() {
        let Some(job) = wanted["job"]["id"].as_str() else { continue };
        let there = applications
            .iter()
            .filter(|row| row["job_id"].as_i64() == job.parse().ok() && row["prospect"] != true);
        if there.count() > 1 {
            broken.push(format!("{key}: more than one application to the job {job}"));
        }
    }
    let prospects = applications
        .iter()
        .filter(|row| row["prospect"] == true && row["status"] != "converted")
        .count();
    if record["custom_fields"]["external_ref"] == record["key"] && prospects > 1 {
        broken.push(format!("{key}: {prospects} prospects"));
    }
    let tags = truth.rows_of_candidate("applied_candidate_tags", id);
    // A recruiter may put on the same tag at the same time; of ours there is one.
    let ours = tags.iter().filter(|row| {
        row["id"].as_i64().is_some_and(|id| made.contains(&("applied_candidate_tags", id)))
    });
    let tags: Vec<String> = ours.map(|row| row["candidate_tag_id"].to_string()).collect();
    let tags = repeated(tags.iter().map(String::as_str));
    broken.extend(
        tags.into_iter().map(|(tag, times)| format!("{key}: the tag {tag} is on {times} times")),
    );
}

fn repeated<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    words.for_each(|word| *counts.entry(word).or_default() += 1);
    counts.into_iter().filter(|(_, times)| *times > 1).collect()
}

/// The laws when faults have stopped.
pub(crate) fn at_the_end(sim: &mut Sim) {
    sim.be_born();
    let mut broken = Vec::new();
    nothing_left(sim, &mut broken);
    nothing_acknowledged_is_lost(sim, &mut broken);
    the_feed(sim, &mut broken);
    store_and_truth_agree(sim, &mut broken);
    desired_is_there(sim, &mut broken);
    unowned_stands(sim, &mut broken);
    if !broken.is_empty() {
        // Start here to find the reason.
        for key in sim.host.wanted.keys() {
            let row = sim.world.run(sim.world.connect().desired(key)).unwrap();
            sim.say(format!(
                "{key}: {:?}, linked to {:?}",
                row.map(|row| row.status.conditions),
                links(sim, key)
            ));
        }
        if let Ok(plan) = sim.world.run(sim.world.connect().plan(PlanOf::All)) {
            sim.say(atsync::internals::plan::words::plan(&plan));
        }
    }
    for law in broken {
        sim.broke(law);
    }
}

fn nothing_left(sim: &Sim, broken: &mut Vec<String>) {
    let acme = sim.world.connect();
    let out_of_sight = out_of_sight(sim);
    let key = |host: &str| host.split('/').next().unwrap_or(host).to_owned();
    let waits_for_sight = |host: &str| {
        let link = links(sim, &key(host)).remove(&key(host));
        link.is_some_and(|remote| out_of_sight.contains(&remote.id))
    };
    for intent in sim.world.run(acme.open_intents()).unwrap() {
        let blocked = matches!(intent.state, IntentState::InDoubt { blocked: true, .. });
        let harmful = blocked && sim.options.harmful && intent.operation == "notes.create";
        if !harmful && (blocked || !waits_for_sight(&intent.path)) {
            broken.push(format!(
                "an intent is left open: {} of {}, {:?}",
                intent.operation, intent.path, intent.state
            ));
        }
    }
    sim.world.sandbox.clear_logs();
    match sim.world.run(acme.plan(PlanOf::All)) {
        Ok(plan) => {
            let fated = fated(sim);
            let is_left =
                |record: &RecordPlan| !record.steps.is_empty() && !waits_for_sight(&record.key);
            if !plan.shared.is_empty()
                || plan.records.iter().any(is_left)
                || plan.blocked().any(|finding| !fated.contains(&key(&finding.path)))
            {
                broken.push(format!(
                    "something is left to do: {}",
                    atsync::internals::plan::words::plan(&plan)
                ));
            }
        }
        Err(error) => broken.push(format!("planning everything: {error}")),
    }
    if let Err(error) = sim.world.run(acme.sync()) {
        broken.push(format!("the last sync: {error}"));
    }
    if !sim.world.written().is_empty() {
        broken.push(format!("writes with nothing to do: {:?}", sim.world.written()));
    }
}

fn nothing_acknowledged_is_lost(sim: &Sim, broken: &mut Vec<String>) {
    let acme = sim.world.connect();
    for (key, record) in &sim.host.acknowledged {
        let row = sim.world.run(acme.desired(key)).unwrap();
        let expected = atsync_tests::desired(&record.to_string()).remove(0);
        let found = row.map(|row| atsync_tests::desired(&row.body).remove(0));
        if found.as_ref() != Some(&expected) {
            broken.push(format!("{key} was acknowledged and is lost: {found:?}"));
        }
    }
    let offset = sim.world.run(acme.offset("crm")).unwrap();
    if offset < sim.acknowledged_serial {
        broken.push(format!(
            "the consumer had come to {}, the store says {offset}",
            sim.acknowledged_serial
        ));
    }
}

fn the_feed(sim: &Sim, broken: &mut Vec<String>) {
    let acme = sim.world.connect();
    let changes: Vec<Change> = sim.world.run(acme.changes(0).try_collect()).unwrap();
    if let Some((change, serial)) =
        changes.iter().zip(1..).find(|(change, serial)| change.serial != *serial)
    {
        broken.push(format!("the feed has {} where {serial} belongs", change.serial));
    }
    // The events of the feed, put together, give the contents of the store.
    let mut told: BTreeMap<(&str, &str), BTreeMap<&str, &Value>> = BTreeMap::new();
    let mut ended: BTreeMap<(&str, i64, bool), usize> = BTreeMap::new();
    for change in &changes {
        match change.what {
            ChangeWhat::Created | ChangeWhat::Updated | ChangeWhat::Anonymized => {
                let fields = change.after.iter().map(|(name, value)| (name.as_str(), value));
                told.entry((&change.kind, &change.id)).or_default().extend(fields);
            }
            ChangeWhat::Deleted => {
                told.remove(&(change.kind.as_str(), change.id.as_str()));
                let id: i64 = change.id.parse().unwrap();
                if sim.world.sandbox.row(collection(&change.kind), id).is_some() {
                    broken.push(format!("{} {id} is reported as deleted and exists", change.kind));
                }
                if change.kind == kinds::CANDIDATES
                    && sim.fates.gives_itself_away(&sim.world.sandbox, id)
                {
                    broken.push(format!("the merged candidate {id} is reported as deleted"));
                }
                *ended.entry((&change.kind, id, change.what == ChangeWhat::Moved)).or_default() +=
                    1;
            }
            ChangeWhat::Moved => {
                let id: i64 = change.id.parse().unwrap();
                let to = change.after["id"].as_str().and_then(|to| to.parse::<i64>().ok());
                // Of merges on merges each may be reported, or all as one.
                let became = if change.kind == kinds::CANDIDATES {
                    sim.fates.chain(id)
                } else {
                    sim.fates.converted.get(&id).copied().into_iter().collect()
                };
                // If the host declares an application, the engine converts itself.
                let by_us = matches!(change.cause, Cause::Applied { .. })
                    && to.is_some_and(|to| sim.made.contains(&("applications", to)));
                // The engine detects a lie only while the candidate exists, or the merge shows.
                let lie = to.is_some_and(|to| sim.fates.lies.contains(&(id, to)))
                    && change.kind == kinds::CANDIDATES
                    && sim.world.sandbox.row("candidates", id).is_none()
                    && !sim.fates.gives_itself_away(&sim.world.sandbox, id);
                if !by_us && !lie && !to.is_some_and(|to| became.contains(&to)) {
                    broken.push(format!("{} {id} is reported as moved to {to:?}", change.kind));
                }
                *ended.entry((&change.kind, id, change.what == ChangeWhat::Moved)).or_default() +=
                    1;
            }
            ChangeWhat::Unread => {
                broken.push(format!("{} {} is reported as unread", change.kind, change.id));
            }
            ChangeWhat::Erased => {
                broken.push(format!("{} {} is reported as erased", change.kind, change.id))
            }
            other => broken.push(format!("no law covers {other:?}")),
        }
    }
    // A converted prospect stays, and may be deleted later. A merge that nothing shows is a
    // deletion until a webhook corrects it.
    for ((kind, id, moved), times) in ended.iter().filter(|(_, times)| **times > 1) {
        broken.push(format!(
            "the {} of {kind} {id} is reported {times} times",
            if *moved { "move" } else { "end" }
        ));
    }
    let is_told = |loser: &i64| ended.contains_key(&(kinds::CANDIDATES, *loser, true));
    let untold = sim.fates.merged.keys().filter(|loser| !is_told(loser));
    for loser in untold.filter(|loser| sim.fates.gives_itself_away(&sim.world.sandbox, **loser)) {
        broken.push(format!("the merge of {loser} is not reported"));
    }
    for kind in PULLED {
        let rows: Vec<_> = sim.world.run(acme.observed(kind).try_collect()).unwrap();
        for row in rows.into_iter().filter(|row| !row.gone) {
            let body: BTreeMap<String, Value> = serde_json::from_str(&row.body).unwrap();
            let told = told.get(&(*kind, row.id.as_str()));
            let agrees = told.is_some_and(|told| {
                body.iter().all(|(name, value)| told.get(name.as_str()) == Some(&value))
            });
            if !agrees {
                broken.push(format!("the feed lacks contents of {kind} {}", row.id));
            }
        }
    }
}

fn collection(kind: &str) -> &str {
    match kind {
        kinds::APPLIED_TAGS => "applied_candidate_tags",
        kinds::TAGS => "candidate_tags",
        other => other,
    }
}

fn store_and_truth_agree(sim: &Sim, broken: &mut Vec<String>) {
    let acme = sim.world.connect();
    let out_of_sight = out_of_sight(sim);
    for kind in PULLED {
        let collection = collection(kind);
        let truth: BTreeMap<String, Value> = sim
            .world
            .sandbox
            .rows(collection)
            .into_iter()
            .map(|row| (row["id"].to_string(), row))
            .collect();
        let mut rows: Vec<_> = sim.world.run(acme.observed(kind).try_collect()).unwrap();
        for row in rows.iter().filter(|row| row.gone && truth.contains_key(&row.id)) {
            broken.push(format!("{kind} {} has a tombstone and is in the ATS", row.id));
        }
        rows.retain(|row| !row.gone);
        let seen: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        for id in truth.keys().filter(|id| !seen.contains(id.as_str())) {
            broken.push(format!("{kind} {id} is in the ATS and not in the store"));
        }
        for row in &rows {
            let raw: Value = row
                .raw
                .as_deref()
                .and_then(|raw| serde_json::from_str(raw).ok())
                .unwrap_or_default();
            let Some(truth) = truth.get(&row.id) else {
                // Nor does the absence of what depends on a hidden candidate.
                let body: Value = serde_json::from_str(&row.body).unwrap();
                let sight_may_be_lost = match *kind {
                    kinds::CANDIDATES => out_of_sight.contains(&row.id),
                    _ => {
                        body["candidate"]["id"].as_str().is_some_and(|id| out_of_sight.contains(id))
                    }
                };
                if !sight_may_be_lost {
                    broken.push(format!("{kind} {} is in the store and not in the ATS", row.id));
                }
                continue;
            };
            if *kind == kinds::ATTACHMENTS {
                // Its address opens the file for anyone, so the adapter keeps no raw record.
                if row.raw.is_some() {
                    broken.push(format!("{kind} {} keeps a raw record", row.id));
                }
                continue;
            }
            let differs = |name: &&String| raw.get(name.as_str()) != truth.get(name.as_str());
            let names: Vec<&String> = truth.as_object().unwrap().keys().filter(differs).collect();
            if !names.is_empty() {
                broken.push(format!("{kind} {}: store and ATS differ in {names:?}", row.id));
            }
        }
    }
}

fn links(sim: &Sim, key: &str) -> BTreeMap<String, RemoteRef> {
    let links: Vec<LinkRow> = sim.world.run(sim.world.connect().links(key)).unwrap();
    links.into_iter().map(|link| (link.path, link.remote)).collect()
}

/// Whether a merge brought two applications that a declared, unlinked application may mean: only a
/// user can say which.
fn is_ambiguous(sim: &Sim, key: &str, links: &BTreeMap<String, RemoteRef>, candidate: i64) -> bool {
    let there = sim.world.sandbox.applications_of(candidate);
    let wanted = sim.host.wanted[key]["applications"].as_array().cloned().unwrap_or_default();
    let free = wanted.iter().filter(|wanted| {
        let path = format!("{key}/applications/{}", wanted["key"].as_str().unwrap());
        !links.contains_key(&path)
    });
    let fitting = |wanted: &Value| {
        let fits = |row: &&Value| match wanted["job"]["id"].as_str() {
            Some(job) => row["job_id"].as_i64() == job.parse().ok(),
            None => row["prospect"] == true && row["status"] != "converted",
        };
        there.iter().filter(fits).count()
    };
    sim.fates.is_winner(candidate) && free.into_iter().any(|wanted| fitting(wanted) > 1)
}

/// Desired records that a fate ended: their candidate is deleted, anonymised (or said to be) or
/// another record's, or an application of theirs was deleted or is ambiguous.
fn fated(sim: &Sim) -> BTreeSet<String> {
    let all: Vec<(String, BTreeMap<String, RemoteRef>)> =
        sim.host.wanted.keys().map(|key| (key.clone(), links(sim, key))).collect();
    let candidate = |key: &str, links: &BTreeMap<String, RemoteRef>| {
        links.get(key).and_then(|remote| remote.id.parse::<i64>().ok())
    };
    let mut holders: BTreeMap<i64, usize> = BTreeMap::new();
    for id in all.iter().filter_map(|(key, links)| candidate(key, links)) {
        *holders.entry(id).or_default() += 1;
    }
    // A candidate in doubt was merged into one whom another record holds, or whose data were
    // erased.
    let is_anothers = |key: &str| {
        let email = sim.host.wanted[key]["emails"][0].as_str().unwrap();
        let there = sim.world.sandbox.candidates_by_email(email);
        there.iter().filter_map(|row| row["id"].as_i64()).any(|id| {
            sim.fates.is_winner(id)
                && (holders.contains_key(&id) || sim.fates.known_as_blank.contains(&id))
        })
    };
    let ended = |(key, links): &&(String, BTreeMap<String, RemoteRef>)| {
        let deleted = sim.fates.applications.iter().any(|deleted| {
            links
                .values()
                .any(|to| to.kind == kinds::APPLICATIONS && to.id == deleted.id.to_string())
        });
        deleted
            || match candidate(key, links) {
                Some(id) => {
                    sim.fates.lives_on(id).is_none()
                        || sim.fates.anonymised.contains(&id)
                        || sim.fates.known_as_blank.contains(&id)
                        || holders[&id] > 1
                        || is_ambiguous(sim, key, links, id)
                        || (sim.fates.merged.contains_key(&id)
                            && !sim.fates.gives_itself_away(&sim.world.sandbox, id))
                }
                None => is_anothers(key),
            }
    };
    all.iter().filter(ended).map(|(key, _)| key.clone()).collect()
}

/// The desired records for which a plan gives one of these reasons.
fn said_of(sim: &Sim, reasons: &[&str]) -> BTreeSet<String> {
    let plan = sim.world.run(sim.world.connect().plan(PlanOf::All)).unwrap();
    let findings = plan.records.iter().flat_map(|record| &record.findings);
    findings
        .filter(|finding| reasons.contains(&finding.reason.as_str()))
        .map(|finding| finding.path.clone())
        .collect()
}

fn has_no_contact(row: &Value) -> bool {
    CONTACTS.iter().all(|list| row[*list].as_array().is_none_or(Vec::is_empty))
}

/// Values that only the host writes are as the host declares them.
fn desired_is_there(sim: &Sim, broken: &mut Vec<String>) {
    let truth = &sim.world.sandbox;
    let fated = fated(sim);
    let said_erased = said_of(sim, &["ContactsGone", "Erased"]);
    let named = |collection: &str, name: &str| {
        truth
            .rows(collection)
            .iter()
            .filter(|row| row["name"] == name && row["active"] == true)
            .count()
    };
    if !sim.host.channels.is_empty() && named("custom_fields", CHANNEL_NAME) != 1 {
        broken.push(format!(
            "the custom field {CHANNEL_NAME} is there {} times",
            named("custom_fields", CHANNEL_NAME)
        ));
    }
    for channel in &sim.host.channels {
        if named("custom_field_options", channel) != 1 {
            broken.push(format!(
                "the choice {channel} is there {} times",
                named("custom_field_options", channel)
            ));
        }
    }
    for (key, record) in &sim.host.wanted {
        let links = links(sim, key);
        if fated.contains(key) {
            continue;
        }
        let dead = links
            .get(key)
            .and_then(|to| to.id.parse().ok())
            .and_then(|id: i64| sim.fates.merged.get(&id));
        if let Some(winner) = dead {
            broken.push(format!("{key} is linked to a candidate who was merged into {winner}"));
        }
        let Some(id) = links.get(key).and_then(|remote| remote.id.parse::<i64>().ok()) else {
            broken.push(format!("{key} has no candidate"));
            continue;
        };
        let Some(row) = truth.row("candidates", id) else {
            broken.push(format!("{key}: there is no candidate {id}"));
            continue;
        };
        // Fields blanked in part stay blank unless a write followed, and no longer have the
        // engine's old value.
        let blanked =
            |group: &str| sim.fates.blanked.get(&id).is_some_and(|groups| groups.contains(group));
        let field = &row["custom_fields"]["external_ref"]["value"];
        // A field that was emptied, alone or with all contacts, may have been erased, so no policy
        // restores it (seed 753): it stays empty, or a recruiter's later value stands. The engine
        // must report it, it must be so, and a new declaration of the host is still written.
        let is_blank = blanked("custom_candidate_fields");
        // Contacts that the host declared since do not undo that (lying seed 80).
        let contacts_went = has_no_contact(&row) || CONTACTS.iter().any(|group| blanked(group));
        let may_be_erased = said_erased.contains(key) && (is_blank || contacts_went);
        let is_left = |value: &Value| {
            let by_hand = value.as_str().is_some_and(|text| text.starts_with("by hand "));
            // Merged after the erasure, a candidate shows the winner's own (late seed 19262).
            let of_winner = is_blank && sim.fates.is_winner(id);
            may_be_erased && (by_hand || of_winner || (value.is_null() && is_blank))
        };
        if *field != record["custom_fields"]["external_ref"] && !is_left(field) {
            broken.push(format!(
                "{key}: external_ref is {field}, wanted {}",
                record["custom_fields"]["external_ref"]
            ));
        }
        let channel = &row["custom_fields"][CHANNEL_KEY]["value"];
        let wanted = record["custom_fields"].get("channel");
        if wanted.is_some_and(|wanted| wanted != channel) && !is_left(channel) {
            broken.push(format!("{key}: the channel is {channel}, wanted {wanted:?}"));
        }
        let has = |list: &str, value: &Value| {
            row[list].as_array().into_iter().flatten().any(|entry| entry["value"] == *value)
        };
        for email in record["emails"].as_array().into_iter().flatten() {
            let replaced = sim.fates.replaced.iter().any(|(of, from)| *of == id && email == from);
            if !replaced && !blanked("email_addresses") && !has("email_addresses", email) {
                broken.push(format!("{key}: the address {email} is missing"));
            }
        }
        for phone in record["phones"].as_array().into_iter().flatten() {
            if !blanked("phone_numbers") && !has("phone_numbers", phone) {
                broken.push(format!("{key}: the number {phone} is missing"));
            }
        }
        background::as_declared(sim, record, id, broken);
        let notes = truth.notes_of(id);
        for note in record["notes"].as_array().into_iter().flatten() {
            let there = notes.iter().filter(|row| row["body"] == note["body"]).count();
            if there != 1 && !((sim.options.harmful || blanked("notes")) && there == 0) {
                broken.push(format!("{key}: the note {note} is there {there} times"));
            }
        }
        let applications = truth.applications_of(id);
        for wanted in record["applications"].as_array().into_iter().flatten() {
            let fits = |row: &&Value| match wanted["job"]["id"].as_str() {
                Some(job) => row["job_id"].as_i64() == job.parse().ok() && row["prospect"] != true,
                None => row["prospect"] == true,
            };
            let to = links.get(&format!("{key}/applications/{}", wanted["key"].as_str().unwrap()));
            let to = to.and_then(|to| to.id.parse::<i64>().ok());
            let elsewhere = to.filter(|to| {
                sim.fates.converted.values().any(|new| new == to)
                    || sim.fates.transferred.iter().any(|transferred| transferred.id == *to)
            });
            // If a merge brought a prospect of the same job, that one is it, and is converted only
            // if that is allowed.
            let is_prospect = to.and_then(|to| truth.row("applications", to)).is_some_and(|row| {
                row["prospect"] == true
                    && row["job_id"].as_i64()
                        == wanted["job"]["id"].as_str().and_then(|id| id.parse().ok())
            });
            if wanted["job"]["id"].is_string() && is_prospect && sim.fates.is_winner(id) {
                continue;
            }
            let there = match elsewhere {
                Some(new) => usize::from(truth.row("applications", new).is_some()),
                None => applications.iter().filter(fits).count(),
            };
            if there != 1 && !(sim.fates.is_winner(id) && there > 1) {
                broken.push(format!(
                    "{key}: the application {} is there {there} times among {}",
                    wanted["key"],
                    Value::Array(applications.clone())
                ));
            }
            for file in wanted["attachments"].as_array().into_iter().flatten() {
                let files = truth.rows_of_candidate("attachments", id);
                let there = files.iter().filter(|row| row["filename"] == file["filename"]).count();
                // The ATS keeps one resume of an application: a newer one takes its place.
                let is_replaced = there == 0
                    && file["type"] == "resume"
                    && wanted["attachments"].as_array().into_iter().flatten().any(|other| {
                        other["type"] == "resume"
                            && other["filename"] != file["filename"]
                            && files
                                .iter()
                                .filter(|row| row["filename"] == other["filename"])
                                .count()
                                == 1
                    });
                if there != 1 && !is_replaced && !(blanked("attachments") && there == 0) {
                    broken.push(format!("{key}: the file {} is not there once", file["filename"]));
                }
            }
        }
    }
}

/// Values of others in fields that the host does not own stand.
fn unowned_stands(sim: &Sim, broken: &mut Vec<String>) {
    let truth = &sim.world.sandbox;
    let recruiter = sim.office.recruiter.lock().unwrap();
    let keys: Vec<&String> = sim.host.wanted.keys().collect();
    let ours: BTreeMap<i64, &String> = keys
        .iter()
        .filter_map(|key| Some((links(sim, key).get(*key)?.id.parse().ok()?, *key)))
        .collect();
    for (id, row) in &sim.initial {
        if recruiter.touched.contains(id) || ours.contains_key(id) {
            continue;
        }
        if truth.row("candidates", *id).as_ref() != Some(row) {
            broken.push(format!("candidate {id} is not declared and was changed"));
        }
    }
    for (collection, id) in &sim.updated {
        // The tags that a create carries are rows of their own, added by the same request: no write
        // to an existing candidate.
        let names = |text: &str| text.contains(&id.to_string());
        let is_addressed = || {
            let mut writes = sim.requests.iter().filter(|request| request.method != "GET");
            writes.any(|request| names(&request.path) || names(&request.body))
        };
        if *collection == "candidates" && sim.made.contains(&("candidates", *id)) && !is_addressed()
        {
            continue;
        }
        if *collection == "candidates"
            && !ours.contains_key(id)
            && !sim.fates.merged.contains_key(id)
        {
            broken.push(format!("candidate {id} is not linked and was written to"));
        }
    }
    for (id, key) in &ours {
        let Some(row) = truth.row("candidates", *id) else { continue };
        if sim.fates.anonymised.contains(id) {
            continue;
        }
        let blanked =
            |group: &str| sim.fates.blanked.get(id).is_some_and(|groups| groups.contains(group));
        // If a merge left several records with one candidate, each of them may have written before
        // it.
        let holders = keys
            .iter()
            .filter(|key| links(sim, key).get(**key).is_some_and(|to| to.id == id.to_string()));
        let holders: Vec<&&String> = holders.collect();
        let owns = |field: &'static str| {
            holders.iter().any(|key| sim.host.owned.contains(&((**key).clone(), field)))
        };
        let title = recruiter.titles.get(id).map(String::as_str);
        if let Some(title) = title.filter(|_| !owns("title"))
            && row["title"] != title
        {
            broken.push(format!("{key}: the recruiter's title {title} became {}", row["title"]));
        }
        for list in CONTACTS {
            let before = sim
                .initial
                .get(id)
                .and_then(|row| row[list].as_array().cloned())
                .unwrap_or_default();
            let after = row[list].as_array().cloned().unwrap_or_default();
            if blanked(list) {
                continue;
            }
            let replaced = |entry: &Value| {
                sim.fates.replaced.iter().any(|(of, from)| of == id && entry["value"] == **from)
            };
            for entry in before.iter().filter(|entry| !after.contains(entry) && !replaced(entry)) {
                broken.push(format!("{key}: {entry} is lost from {list}"));
            }
        }
    }
    for (id, email) in &recruiter.emails {
        let row = truth.row("candidates", *id).unwrap_or_default();
        if !row["email_addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|entry| entry["value"] == **email)
        {
            broken.push(format!("candidate {id}: the recruiter's address {email} is lost"));
        }
    }
    for (id, note) in &recruiter.notes {
        if truth.notes_of(*id).iter().filter(|row| row["body"] == **note).count() != 1 {
            broken.push(format!("candidate {id}: the recruiter's note is lost"));
        }
    }
    for (id, tag) in recruiter.tags.iter().filter(|(_, tag)| tag.starts_with("by hand")) {
        let rows = truth.rows_of_candidate("applied_candidate_tags", *id);
        let names = rows
            .iter()
            .filter_map(|row| truth.row("candidate_tags", row["candidate_tag_id"].as_i64()?));
        if !names.into_iter().any(|row| row["name"] == **tag) {
            broken.push(format!("candidate {id}: the recruiter's tag {tag} is lost"));
        }
    }
}
