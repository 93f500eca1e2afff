//! Educations and employments: the host declares some, removes some again, and the ATS must hold
//! each once.
//!
//! The engine removes only what it added. Left out: entries that recruiters write; see
//! `tests/backgrounds.rs`.

use crate::chance::Chance;
use crate::sim::Sim;
use serde_json::{Map, Value, json};

/// The collections of the sandbox, each with the list that declares its rows and the part of a
/// candidate that an anonymisation blanks.
const LISTS: [(&str, &str, &str); 2] = [
    ("candidate_educations", "educations", "education"),
    ("candidate_employments", "employments", "employment"),
];
pub(crate) const COLLECTIONS: [&str; 2] = ["candidate_educations", "candidate_employments"];
/// Employers, and the only education: the ATS takes a school by its option.
const EMPLOYERS: [&str; 3] = ["Difference Ltd", "Engine & Sons", "Mill Works"];

/// An entry that the host may declare.
fn entry(list: &str, chance: &mut Chance) -> Value {
    match list {
        "educations" => json!({"school": "ETH Zürich", "degree": "Master's",
            "discipline": "Mathematics", "started_on": "2016", "ended_on": "2018"}),
        _ => json!({"company": chance.pick(&EMPLOYERS), "title": "Engineer",
            "started_on": "2018-07-01"}),
    }
}

/// Declares an entry, or removes it if it is declared. Returns a description.
pub(crate) fn change(record: &mut Value, chance: &mut Chance) -> Option<String> {
    if !chance.one_in(2) {
        return None;
    }
    let (_, list, _) = *chance.pick(&LISTS);
    let wanted = entry(list, chance);
    let members: &mut Map<String, Value> = record.as_object_mut().unwrap();
    let entries = members.entry(list.to_owned()).or_insert_with(|| json!([]));
    let entries = entries.as_array_mut().unwrap();
    match entries.iter().position(|known| *known == wanted) {
        Some(at) => {
            entries.remove(at);
            Some(format!(", out of {list}"))
        }
        None => {
            entries.push(wanted);
            Some(format!(", into {list}"))
        }
    }
}

/// The employer of a row; none for an education.
fn employer(row: &Value) -> Option<&str> {
    row["company_name"].as_str()
}

/// The rows of a collection that we created with an entry's content.
fn ours(sim: &Sim, collection: &'static str, candidate: i64) -> Vec<Value> {
    let mut rows = sim.world.sandbox.rows_of_candidate(collection, candidate);
    rows.retain(|row| row["id"].as_i64().is_some_and(|id| sim.made.contains(&(collection, id))));
    rows
}

/// The law at any time: no entry was created twice.
pub(crate) fn one_of_each(sim: &Sim, record: &Value, broken: &mut Vec<String>) {
    let email = record["emails"][0].as_str().unwrap();
    let candidates = sim.world.sandbox.candidates_by_email(email);
    let Some(id) = candidates.first().and_then(|row| row["id"].as_i64()) else { return };
    // A merge gives the winner the entries of both.
    if sim.fates.is_winner(id) {
        return;
    }
    for collection in COLLECTIONS {
        let rows = ours(sim, collection, id);
        for (at, row) in rows.iter().enumerate() {
            if rows.iter().take(at).any(|other| employer(other) == employer(row)) {
                broken.push(format!("{}: {collection} has {row} twice", record["key"]));
            }
        }
    }
}

/// The law in the end: every declared entry is there, and no other entry of ours.
pub(crate) fn as_declared(sim: &Sim, record: &Value, candidate: i64, broken: &mut Vec<String>) {
    for (collection, list, part) in LISTS {
        let is_blank = sim.fates.blanked.get(&candidate).is_some_and(|parts| parts.contains(part));
        let Some(wanted) = record[list].as_array() else { continue };
        if is_blank || sim.fates.is_winner(candidate) {
            continue;
        }
        let collection = COLLECTIONS.into_iter().find(|known| *known == collection).unwrap();
        let all = sim.world.sandbox.rows_of_candidate(collection, candidate);
        let says = |entry: &Value, row: &Value| match employer(row) {
            Some(employer) => entry["company"] == employer,
            None => true,
        };
        for entry in wanted {
            if !all.iter().any(|row| says(entry, row)) {
                broken.push(format!("{}: {list} lacks {entry}", record["key"]));
            }
        }
        for row in ours(sim, collection, candidate) {
            if !wanted.iter().any(|entry| says(entry, &row)) {
                broken.push(format!("{}: {row} is no longer declared", record["key"]));
            }
        }
    }
}
