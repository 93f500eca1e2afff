//! Lists: every kind to its end, in large pages and in small ones.

use super::fields::{Unfit, fields_of, is_open, shape};
use super::{Pass, Row, World, own_id, page};
use crate::drive::{End, Run};
use crate::report::Promise;
use crate::show;
use atsync::model::contract::{Outcome, RemoteRef, Since, Task};
use atsync::model::manifest::{KindRule, ScanRule};
use std::collections::{BTreeMap, BTreeSet};

/// Parents under which a kind is listed: the first ones. A sandbox has some hundred.
const PARENTS_MAX: usize = 400;

/// Identifies the tenant, twice, and keeps its catalogue for all later calls. Returns whether the
/// sandbox accepts the credential: with a wrong one every promise would fail by the same fault.
pub(super) async fn tenant(world: &mut World<'_>) -> bool {
    if !world.manifest.describes_tenant {
        return first_page(world).await;
    }
    let run = world.driver.run(Task::DescribeTenant, &world.given).await;
    if is_refused(world, Promise::Tenant, "describe-tenant", &run, &[401, 403]) {
        return false;
    }
    let again = world.driver.run(Task::DescribeTenant, &world.given).await;
    match (&run.end, &again.end) {
        (End::Outcome(Outcome::Tenant(one)), End::Outcome(Outcome::Tenant(other))) => {
            if one.fingerprint.trim().is_empty() || one.fingerprint != other.fingerprint {
                let what = "two tasks gave two fingerprints of one customer, or an empty one";
                world.broke(Promise::Tenant, "", what.to_owned(), &run);
            }
            world.given.tenant = Some(one.catalogue.clone());
            world.report.held(Promise::Tenant, "");
            world.samples.push(("describe-tenant".to_owned(), run));
        }
        _ if world.broke_by("describe-tenant", &run) => {}
        _ => {
            let what = "the tenant could not be described".to_owned();
            world.broke(Promise::Tenant, "", what, &run);
        }
    }
    true
}

/// Tries the credential by a page of the first list. A 403 may be for this list alone.
async fn first_page(world: &mut World<'_>) -> bool {
    let is_first = |rule: &&KindRule| {
        matches!(rule.scan, ScanRule::List {}) && world.unread(&rule.name).is_none()
    };
    let Some(rule) = world.manifest.kinds.iter().find(is_first).cloned() else { return true };
    let pass = world.pass(&rule.name, None, Since::Everything, rule.page_max, 1).await;
    let Some(run) = pass.runs.first() else { return true };
    !is_refused(world, Promise::Rows, &rule.name, run, &[401])
}

/// Reports a credential that the sandbox refuses, or that cannot be sent; returns whether it does.
fn is_refused(
    world: &mut World<'_>,
    promise: Promise,
    subject: &str,
    run: &Run,
    statuses: &[u16],
) -> bool {
    let reply = run.turns.last().and_then(|turn| turn.reply.as_ref());
    let status = reply.map(|reply| reply.status).filter(|one| statuses.contains(one));
    let how = match (&run.end, status) {
        // No credential came about: no token was given, or no scheme takes it.
        (End::Unanswered(why), _) => format!("the first request got no answer: {why}"),
        (End::Breach(_), _) | (_, None) => return false,
        (_, Some(status)) => format!("the sandbox refuses the credential ({status})"),
    };
    let what = format!(
        "{how}. Nothing else was tried. Compare `credential` of the sandbox with what it accepts \
         (`authorization` of a sandbox as data), and with how `auth` of the manifest sends it"
    );
    world.broke(promise, subject, what, run);
    true
}

/// Reads every kind to its end in its largest pages, those that are listed below parents last.
pub(super) async fn whole(world: &mut World<'_>) -> Result<(), String> {
    let rules = world.manifest.kinds.clone();
    let mut inside: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let (listed, below): (Vec<&KindRule>, Vec<&KindRule>) =
        rules.iter().partition(|rule| matches!(rule.scan, ScanRule::List {}));
    for rule in listed {
        if let Some(why) = world.unread(&rule.name) {
            world.report.not_tried_for(Promise::Rows, &rule.name, why);
            continue;
        }
        let pass = world.pass(&rule.name, None, Since::Everything, rule.page_max, usize::MAX).await;
        take(world, rule, vec![pass], &mut inside);
    }
    for rule in below {
        if let ScanRule::ByParent { parent } = &rule.scan {
            let ids: Vec<String> = world
                .records
                .get(parent)
                .map_or_else(Vec::new, |all| all.keys().cloned().collect());
            let mut passes = Vec::new();
            for id in ids.into_iter().take(PARENTS_MAX) {
                let of = Some(RemoteRef::new(parent, id.clone()));
                let since = Since::Everything;
                let pass = world.pass(&rule.name, of, since, rule.page_max, usize::MAX).await;
                for row in &pass.rows {
                    let _ =
                        world.parents.insert((rule.name.clone(), row.item.id.clone()), id.clone());
                }
                passes.push(pass);
            }
            take(world, rule, passes, &mut inside);
        }
    }
    for (kind, rows) in inside {
        let of = world.records.entry(kind).or_default();
        for row in rows {
            let _ = of.entry(row.item.id.clone()).or_insert(row);
        }
    }
    for rule in &rules {
        if world.tries(&rule.name) && !matches!(rule.scan, ScanRule::None {}) {
            compare(world, rule).await?;
        }
    }
    Ok(())
}

/// Takes the passes of a kind: its records, and its first page as a sample.
fn take(
    world: &mut World<'_>,
    rule: &KindRule,
    passes: Vec<Pass>,
    inside: &mut BTreeMap<String, Vec<Row>>,
) {
    let kind = rule.name.as_str();
    let mut seen = BTreeSet::new();
    for pass in passes {
        for run in &pass.runs {
            if world.broke_by(kind, run) {
                return;
            }
        }
        if !pass.is_complete {
            if let Some(run) = pass.runs.last() {
                let what = "the list did not come to its end".to_owned();
                world.broke(Promise::Rows, kind, what, run);
            }
            return;
        }
        if let Some(problem) = pass.problems.first() {
            let what = format!(
                "{} rows of the sandbox cannot be read, {}: {}",
                pass.problems.len(),
                problem.id.as_deref().unwrap_or("the first without an id"),
                problem.message
            );
            world.report.broke(Promise::Rows, kind, what, Vec::new());
        }
        oversized(world, rule, &pass, rule.page_max);
        for row in pass.rows {
            if row.item.kind != rule.name {
                inside.entry(row.item.kind.clone()).or_default().push(row);
                continue;
            }
            if !seen.insert(row.item.id.clone()) {
                let what = format!("the record {} came twice in one pass", row.item.id);
                world.report.broke(Promise::Pages, kind, what, Vec::new());
            }
            shaped(world, rule, &row);
            let _ = world
                .records
                .entry(rule.name.clone())
                .or_default()
                .insert(row.item.id.clone(), row);
        }
    }
    filled(world, rule);
    world.report.held(Promise::Shape, kind);
}

/// Whether a page has more records of its kind than were asked for. The engine refuses one with
/// more than the manifest's maximum.
fn oversized(world: &mut World<'_>, rule: &KindRule, pass: &Pass, page_size: u32) {
    let kind = rule.name.as_str();
    if world.stage.script().kinds.get(kind).is_some_and(|script| script.unpaged.is_some()) {
        return;
    }
    for run in &pass.runs {
        let items = page(&run.end).map_or(&[][..], |(page, _)| &page.items);
        let ids: BTreeSet<&str> =
            items.iter().filter(|item| item.kind == kind).map(|item| item.id.as_str()).collect();
        if ids.len() > usize::try_from(page_size).unwrap_or(usize::MAX) {
            let what = format!(
                "a page of {page_size} was asked for, and {} records came. Compare the parameter \
                 of the size in the request with that of the sandbox (`size` under `paging` of a \
                 sandbox as data); if the ATS has no pages of this list, say why under `unpaged` \
                 of the kind in the script",
                ids.len()
            );
            world.broke(Promise::PageSize, kind, what, run);
            return;
        }
    }
    if !pass.runs.is_empty() {
        world.report.held(Promise::PageSize, kind);
    }
}

/// Checks that records fill what the manifest says: a misspelt name in a mapping shows as a field
/// that no record knows.
fn filled(world: &mut World<'_>, rule: &KindRule) {
    let kind = rule.name.as_str();
    let Some(rows) = world.records.get(kind) else { return };
    let without = |field: &String| rows.values().find(|row| !row.fields.contains(field));
    let left_out: Vec<(String, String)> = rule
        .expected
        .iter()
        .filter_map(|field| Some((field.clone(), without(field)?.item.body.clone())))
        .collect();
    let fills = |field: &&String| rows.values().any(|row| row.fields.contains(*field));
    let never: Vec<&str> = rule
        .fields
        .iter()
        .filter(|field| !rule.expected.contains(field) && !fills(field))
        .map(String::as_str)
        .collect();
    let why = format!("no record of the sandbox fills {}", never.join(", "));
    let is_untried = !never.is_empty();
    for (field, body) in left_out {
        let what = format!(
            "a record leaves out {field:?}, which the kind's `expected` names: its source is not \
             in the row, or has another name there"
        );
        world.report.broke(Promise::Shape, kind, what, vec![show::cut(&body, 600)]);
    }
    if is_untried {
        world.report.not_tried_for(Promise::Shape, kind, why);
    }
}

/// Checks the shape of a record.
fn shaped(world: &mut World<'_>, rule: &KindRule, row: &Row) {
    let kind = rule.name.as_str();
    for field in row.fields.iter().filter(|field| !rule.fields.contains(field)) {
        let what = format!("a mask names {field:?}, which the kind's `fields` does not");
        world.report.broke(Promise::Shape, kind, what, Vec::new());
    }
    if let Some(known) = fields_of(kind).filter(|_| !is_open(kind)) {
        for field in row.fields.iter().filter(|field| !known.contains(&field.as_str())) {
            let what = format!("a mask names {field:?}, which no unified record of the kind has");
            world.report.broke(Promise::Shape, kind, what, Vec::new());
        }
    }
    let Some(shape) = shape(kind) else { return };
    if let Err(why) = (shape.read)(&row.body) {
        // A member that this source does not fill may be missing.
        if matches!(why, Unfit::Missing(name) if !row.fields.iter().any(|field| field == name)) {
            return;
        }
        let what = format!("the record {} is no unified record: {why}", row.item.id);
        let shown = vec![show::cut(&row.item.body, 600)];
        world.report.broke(Promise::Shape, kind, what, shown);
    }
}

/// Compares the records of a kind with the sandbox's own.
async fn compare(world: &mut World<'_>, rule: &KindRule) -> Result<(), String> {
    let kind = rule.name.as_str();
    let count = world.records.get(kind).map_or(0, BTreeMap::len);
    let script = world.stage.script().kinds.get(kind).cloned().unwrap_or_default();
    let truth = world.stage.ids(kind).await?;
    if let Some(truth) = truth.as_ref().filter(|truth| count == 0 || !truth.is_empty()) {
        let known: BTreeSet<&str> = truth.iter().map(String::as_str).collect();
        let read = world.records.get(kind);
        let is_known = |id: &str| known.contains(id) || known.contains(own_id(id));
        let other = read.and_then(|read| read.keys().find(|id| !is_known(id.as_str())));
        if let Some(id) = other.cloned() {
            let what = format!(
                "the record {id} was read, and the sandbox does not have it; if its rows are in \
                 another collection, name that under `kinds` of the script"
            );
            world.report.broke(Promise::Rows, kind, what, Vec::new());
        }
        let read: BTreeSet<&str> = world
            .records
            .get(kind)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .flat_map(|id| [id.as_str(), own_id(id)])
            .collect();
        let unread: Vec<&String> = truth.iter().filter(|id| !read.contains(id.as_str())).collect();
        let is_whole = match &rule.scan {
            ScanRule::ByParent { parent } => {
                world.records.get(parent).is_none_or(|parents| parents.len() <= PARENTS_MAX)
            }
            _ => true,
        };
        let is_whole = is_whole && script.hidden.is_none();
        if let Some(first) = unread.first().filter(|_| is_whole) {
            let what = format!(
                "{} of the {} records that the sandbox has were not read; the first is {first}. If \
                 they are none that the adapter can show, say why under `hidden` of the kind in \
                 the script",
                unread.len(),
                truth.len()
            );
            world.report.broke(Promise::Rows, kind, what, Vec::new());
        }
    }
    match (count, script.empty) {
        (0, None) => {
            let what = match truth {
                Some(_) => {
                    "the sandbox has no record of the kind, so that nothing is known of it; \
                            add one, or say under `kinds` why it is `empty`"
                }
                None => {
                    "no record was read; add one to the sandbox, or say under `kinds` why the \
                         kind is `empty`"
                }
            };
            world.report.broke(Promise::Rows, kind, what, Vec::new());
        }
        (0, Some(why)) => world.report.not_tried_for(Promise::Rows, kind, why),
        _ if truth.as_ref().is_some_and(Vec::is_empty) => {
            let why = "the sandbox has no rows under this name to compare the records with; name \
                       their `collection` under `kinds` of the script";
            world.report.not_tried_for(Promise::Rows, kind, why);
        }
        _ => world.report.held(Promise::Rows, kind),
    }
    Ok(())
}

/// Reads every list again in pages so small that there are at least three.
pub(super) async fn small(world: &mut World<'_>) {
    for rule in world.manifest.kinds.clone() {
        let kind = rule.name.as_str();
        if !world.tries(kind) || !matches!(rule.scan, ScanRule::List {}) {
            continue;
        }
        let Some(known) = world.records.get(kind).cloned() else { continue };
        if known.len() < 3 {
            let why = "fewer than three records, so that there are no three pages";
            world.report.not_tried_for(Promise::Pages, kind, why);
            continue;
        }
        // At least four pages, unless the rows are few.
        let rows = u32::try_from(known.len().div_ceil(4)).unwrap_or(u32::MAX);
        let rows = if known.len() == 3 { 1 } else { rows };
        let page_size = rows.min(rule.page_max).max(1);
        let pass = world.pass(kind, None, Since::Everything, page_size, usize::MAX).await;
        if pass.runs.iter().any(|run| world.broke_by(kind, run)) {
            continue;
        }
        let last = pass.runs.last().cloned();
        oversized(world, &rule, &pass, page_size);
        let mut fault = None;
        if !pass.is_complete {
            fault = Some("small pages did not lead to the end".to_owned());
        }
        let mut seen = BTreeSet::new();
        for row in pass.rows.iter().filter(|row| row.item.kind == kind) {
            if !seen.insert(row.item.id.as_str()) {
                fault =
                    Some(format!("the record {} came twice in pages of {page_size}", row.item.id));
            }
            let before = known.get(&row.item.id);
            if before.is_none_or(|before| before.body != row.body || before.fields != row.fields) {
                fault = Some(format!(
                    "the record {} of a page of {page_size} is another one than in a page of {}",
                    row.item.id, rule.page_max
                ));
            }
        }
        if let Some(lost) = known.keys().find(|id| !seen.contains(id.as_str())) {
            fault = fault.or(Some(format!("the record {lost} is missing in pages of {page_size}")));
        }
        match (fault, last) {
            (Some(what), Some(run)) => world.broke(Promise::Pages, kind, what, &run),
            _ => world.report.held(Promise::Pages, kind),
        }
    }
}
