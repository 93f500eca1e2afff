//! One bad row in a real page: it costs itself, and is named.
//!
//! The rows of an answer are its first list of objects, wherever that is. One row is replaced by
//! something that is none; then each of its members by a value of another shape. The other records
//! must come as they were, and what changed or is missing must have a problem.

use super::{Row, World, page, reply_of, rows_of};
use crate::drive::{Run, Turn};
use crate::report::Promise;
use atsync::model::contract::{Problem, Response, Since};
use atsync::model::manifest::{KindRule, ScanRule};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of the page.
const ROWS: u32 = 5;
/// The row that is bad.
const BAD: usize = 1;
/// Levels to the list of rows.
const LEVELS: usize = 3;

pub(super) async fn check(world: &mut World<'_>) {
    for rule in world.manifest.kinds.clone() {
        let kind = rule.name.as_str();
        if !world.tries(kind) || !matches!(rule.scan, ScanRule::List {}) {
            continue;
        }
        let size = ROWS.min(rule.page_max);
        let pass = world.pass(kind, None, Since::Everything, size, 1).await;
        let Some(run) = pass.runs.first().cloned() else { continue };
        if page(&run.end).is_none() {
            continue;
        }
        world.samples.push((kind.to_owned(), run.clone()));
        bad_rows(world, kind, &run).await;
    }
}

/// Where the rows are: the first turn whose answer has a list of objects.
fn rows_at(run: &Run) -> Option<(usize, Value, Vec<String>)> {
    run.turns.iter().enumerate().find_map(|(at, turn)| {
        let document: Value = serde_json::from_slice(&turn.reply.as_ref()?.body).ok()?;
        let path = list(&document, LEVELS)?;
        Some((at, document, path))
    })
}

/// The way to the first list of two or more objects.
fn list(value: &Value, levels: usize) -> Option<Vec<String>> {
    match value {
        Value::Array(rows) => {
            (rows.len() > BAD && rows.iter().all(Value::is_object)).then(Vec::new)
        }
        Value::Object(members) if levels > 0 => members.iter().find_map(|(name, value)| {
            let mut path = list(value, levels - 1)?;
            path.insert(0, name.clone());
            Some(path)
        }),
        _ => None,
    }
}

fn rows_mut<'a>(document: &'a mut Value, path: &[String]) -> Option<&'a mut Vec<Value>> {
    let mut at = document;
    for name in path {
        at = at.get_mut(name)?;
    }
    at.as_array_mut()
}

async fn bad_rows(world: &mut World<'_>, kind: &str, run: &Run) {
    let Some((at, document, path)) = rows_at(run) else {
        let why = "its answer has no list of two or more objects";
        world.report.not_tried_for(Promise::BadRow, kind, why);
        return;
    };
    let Some(rule) = world.manifest.kind(kind).cloned() else { return };
    let mut document = document;
    let Some(row) = rows_mut(&mut document, &path).and_then(|rows| rows.get(BAD).cloned()) else {
        return;
    };
    let Some(usual) = with(world, run, at, &document).await else { return };
    let mut cases: Vec<(String, Value)> = vec![
        ("null in place of a row".to_owned(), Value::Null),
        ("a text in place of a row".to_owned(), json!("row")),
        ("a list in place of a row".to_owned(), json!([])),
        ("an empty object in place of a row".to_owned(), json!({})),
    ];
    for (name, value) in row.as_object().into_iter().flatten() {
        let odd = match value {
            // Its usual shape is not known.
            Value::Null => continue,
            Value::Object(_) | Value::Array(_) => json!(7),
            _ => json!({ "unexpected": [1] }),
        };
        let mut bad = row.clone();
        if let Some(member) = bad.get_mut(name) {
            *member = odd;
        }
        cases.push((format!("a row whose member {name:?} has another shape"), bad));
    }
    for (case, bad) in cases {
        let mut document = document.clone();
        if let Some(place) = rows_mut(&mut document, &path).and_then(|rows| rows.get_mut(BAD)) {
            *place = bad;
        }
        let run = after(world, run, at, &document).await;
        if let Some(what) = fault(&rule, &usual, &run) {
            world.broke(Promise::BadRow, kind, format!("{case}: {what}"), &run);
        }
    }
    world.report.held(Promise::BadRow, kind);
}

/// The records by kind and id, and the problems.
type Read = (BTreeMap<(String, String), Row>, Vec<Problem>);

async fn with(world: &World<'_>, run: &Run, at: usize, document: &Value) -> Option<Read> {
    read(&after(world, run, at, document).await)
}

fn read(run: &Run) -> Option<Read> {
    let (page, problems) = page(&run.end)?;
    let rows = rows_of(page, reply_of(run))
        .into_iter()
        .map(|row| ((row.item.kind.clone(), row.item.id.clone()), row))
        .collect();
    Some((rows, problems.to_vec()))
}

/// The run with another document in place of one answer.
async fn after(world: &World<'_>, run: &Run, at: usize, document: &Value) -> Run {
    let mut turns: Vec<Turn> = run.turns.iter().take(at).cloned().collect();
    let Some(turn) = run.turns.get(at) else { return run.clone() };
    let Some(real) = &turn.reply else { return run.clone() };
    let reply = Response { body: document.to_string().into_bytes(), ..real.clone() };
    turns.push(Turn { reply: Some(reply.clone()), ..turn.clone() });
    let answer = world.driver.read(&turn.state, &run.given, &reply);
    world.driver.follow(run.task.clone(), &run.given, answer, turns).await
}

/// What a bad row cost beside itself.
fn fault(rule: &KindRule, (usual, before): &Read, run: &Run) -> Option<String> {
    let Some((rows, problems)) = read(run) else {
        return Some("the page as a whole failed".to_owned());
    };
    let new: Vec<&Problem> = problems.iter().filter(|one| !before.contains(one)).collect();
    let mut lost = Vec::new();
    for (key, row) in usual {
        match rows.get(key) {
            Some(now) if now.body == row.body && now.fields == row.fields => {}
            Some(now) => lost.push((key, Some(now))),
            None => lost.push((key, None)),
        }
    }
    let mains = lost.iter().filter(|((of, _), _)| *of == rule.name).count();
    if mains > 1 {
        return Some(format!("{mains} records are missing or differ, and one row was bad"));
    }
    for ((of, id), now) in lost {
        // A raw record is its row, whatever shapes that has.
        if rule.raw && *of == rule.name && now.is_some() {
            continue;
        }
        let is_named = new.iter().any(|problem| {
            problem.id.as_ref().is_none_or(|named| named == id) || problem.kind != *of
        });
        if !is_named {
            return Some(match now {
                None => format!("the record {of}/{id} is missing, and no problem names it"),
                Some(now) => format!(
                    "the record {of}/{id} differs, and no problem names it: {}",
                    difference(usual.get(&(of.clone(), id.clone())), now)
                ),
            });
        }
    }
    None
}

/// The first field in which two records differ.
fn difference(before: Option<&Row>, now: &Row) -> String {
    let Some(before) = before else { return "it is new".to_owned() };
    let mut names: Vec<&String> = before.fields.iter().chain(&now.fields).collect();
    names.sort();
    let differs = names.into_iter().find(|name| {
        before.body.get(name) != now.body.get(name)
            || before.fields.contains(name) != now.fields.contains(name)
    });
    match differs {
        Some(name) if !now.fields.contains(name) => format!("{name:?} is unknown"),
        Some(name) if now.body.get(name).is_none() => format!("{name:?} is said to be empty"),
        Some(name) => format!("{name:?} has another value"),
        None => "nothing of its mask".to_owned(),
    }
}
