//! The truth of a sandbox in a form that can be compared between two runs: without times, and
//! without the ids that the run assigned.
//!
//! A fault may delay a record and so give it another id; that is no difference. Each new id is
//! replaced by the contents of its row, refined a few times, so that a row which names a new row
//! names *that* one. Nothing else is left out; a hidden or internal row counts too.

use atsync_greenhouse_sandbox::Sandbox;
use serde_json::Value;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

/// Rows depend on each other three deep at most: application stage, application, candidate.
const REFINEMENTS: usize = 3;

/// Everything in the ATS, by collection, sorted.
pub(crate) type Truth = BTreeMap<&'static str, Vec<String>>;

/// The existing ids.
pub(crate) fn ids(sandbox: &Sandbox) -> BTreeSet<i64> {
    let counts = sandbox.counts();
    counts
        .iter()
        .flat_map(|(name, _)| sandbox.rows(name))
        .filter_map(|row| row["id"].as_i64())
        .collect()
}

/// The truth; `old` are the ids that existed before the run.
pub(crate) fn truth(sandbox: &Sandbox, old: &BTreeSet<i64>) -> Truth {
    let mut rows: Vec<(&'static str, Option<i64>, Value)> = Vec::new();
    for (name, _) in sandbox.counts() {
        for mut row in sandbox.rows(name) {
            without_times(&mut row);
            // A fault may swap which of several was created first, as it may swap ids.
            let order = match name {
                "custom_fields" => "sort_order",
                "candidate_educations" | "candidate_employments" => "latest",
                _ => "",
            };
            if let Some(members) = row.as_object_mut() {
                members.remove(order);
            }
            let id = row["id"].as_i64().filter(|id| !old.contains(id));
            rows.push((name, id, row));
        }
    }
    let mut labels: BTreeMap<i64, String> =
        rows.iter().filter_map(|(_, id, _)| Some(((*id)?, "new".into()))).collect();
    for _ in 0..REFINEMENTS {
        let refined = rows.iter().filter_map(|(name, id, row)| {
            let id = (*id)?;
            let mut hasher = DefaultHasher::new();
            (name, labelled(row, &labels).to_string()).hash(&mut hasher);
            Some((id, format!("new {:x}", hasher.finish())))
        });
        labels = refined.collect();
    }
    let mut truth = Truth::new();
    for (name, _, row) in &rows {
        truth.entry(name).or_default().push(labelled(row, &labels).to_string());
    }
    truth.values_mut().for_each(|rows| rows.sort());
    truth
}

/// The differences of two truths, as text.
pub(crate) fn difference(expected: &Truth, found: &Truth) -> Option<String> {
    let nothing = Vec::new();
    let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    names.into_iter().find_map(|name| {
        let (expected, found) =
            (expected.get(name).unwrap_or(&nothing), found.get(name).unwrap_or(&nothing));
        let odd = |rows: &[String], others: &[String]| -> Vec<String> {
            rows.iter().filter(|row| !others.contains(row)).cloned().collect()
        };
        (expected != found).then(|| {
            let (missing, odd) = (odd(expected, found), odd(found, expected));
            format!(
                "{name}: {} rows, expected {}; missing {missing:?}, odd {odd:?}",
                found.len(),
                expected.len()
            )
        })
    })
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.ends_with("_at") && !name.ends_with("_on"));
            // Listed in the order of the tags' ids, which a fault may swap.
            if let Some(Value::Array(tags)) = members.get_mut("tags") {
                tags.sort_by_key(Value::to_string);
            }
            members.values_mut().for_each(without_times);
        }
        Value::Array(rows) => rows.iter_mut().for_each(without_times),
        _ => {}
    }
}

fn labelled(value: &Value, labels: &BTreeMap<i64, String>) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), labelled(value, labels))).collect()
        }
        Value::Array(rows) => rows.iter().map(|row| labelled(row, labels)).collect(),
        Value::Number(number) => match number.as_i64().and_then(|id| labels.get(&id)) {
            Some(label) => Value::String(label.clone()),
            None => value.clone(),
        },
        _ => value.clone(),
    }
}
