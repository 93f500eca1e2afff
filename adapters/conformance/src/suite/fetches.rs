//! Records by id: the same as in lists, and unknown ids as missing.

use super::{World, items_of, reply_of};
use crate::drive::{End, Run};
use crate::report::Promise;
use atsync::model::contract::{Fetch, Fetched, Outcome, Problem, Task};
use std::collections::BTreeSet;

/// Ids of one fetch, where the kind takes as many.
const IDS: usize = 3;

pub(super) async fn check(world: &mut World<'_>) {
    for rule in world.manifest.kinds.clone() {
        let kind = rule.name.as_str();
        let ids_max = usize::try_from(rule.ids_max).unwrap_or(usize::MAX);
        if ids_max == 0 || !world.tries(kind) {
            continue;
        }
        let Some(known) = world.records.get(kind).filter(|known| !known.is_empty()).cloned() else {
            world.report.not_tried_for(Promise::Fetch, kind, "there is no record");
            continue;
        };
        let ids: Vec<String> = known.keys().take(IDS.min(ids_max)).cloned().collect();
        let run = fetch(world, kind, &ids).await;
        if world.broke_by(kind, &run) {
            continue;
        }
        let Some((fetched, _)) = fetched(&run.end) else {
            let what = "records that the list shows could not be fetched".to_owned();
            world.broke(Promise::Fetch, kind, what, &run);
            continue;
        };
        let rows = items_of(&fetched.items, &fetched.masks, reply_of(&run));
        let came: BTreeSet<&str> = rows
            .iter()
            .filter(|row| row.item.kind == kind)
            .map(|row| row.item.id.as_str())
            .collect();
        if let Some(lost) = ids.iter().find(|id| !came.contains(id.as_str())) {
            let what = format!("the record {lost}, which the list shows, is missing");
            world.broke(Promise::Fetch, kind, what, &run);
        }
        for row in rows.iter().filter(|row| row.item.kind == kind) {
            let listed = known.get(&row.item.id);
            // A single record may show more than a list; what both show is the same.
            let differs = listed.and_then(|listed| {
                let both = row.fields.iter().filter(|field| listed.fields.contains(field));
                both.into_iter().find(|field| listed.body.get(field) != row.body.get(field))
            });
            if let Some(field) = differs {
                let what = format!("{field:?} of {} differs from the list", row.item.id);
                world.broke(Promise::Fetch, kind, what, &run);
            }
        }
        world.samples.push((format!("{kind}, by id"), run));
        missing(world, kind, &ids).await;
        world.report.held(Promise::Fetch, kind);
    }
}

/// Fetches ids that no record has: one of the usual form, and some of none.
async fn missing(world: &mut World<'_>, kind: &str, ids: &[String]) {
    let Some(unknown) = ids.first().map(|id| unlike(id)) else { return };
    let is_taken = world.records.get(kind).is_some_and(|known| known.contains_key(&unknown));
    if !is_taken {
        let run = fetch(world, kind, std::slice::from_ref(&unknown)).await;
        if !world.broke_by(kind, &run) {
            match fetched(&run.end) {
                Some((found, _)) if found.missing == [unknown.clone()] => {}
                Some(_) => {
                    let what = format!("the unknown id {unknown} is not among the missing ones");
                    world.broke(Promise::Fetch, kind, what, &run);
                }
                None => {
                    let what = format!("the unknown id {unknown} is a failure; it is missing");
                    world.broke(Promise::Fetch, kind, what, &run);
                }
            }
        }
    }
    for hostile in ["../../admin", "1/delete", "1?x=y", "%2e%2e", "ünknown", "1 2"] {
        let run = fetch(world, kind, &[hostile.to_owned()]).await;
        if world.broke_by(kind, &run) {
            continue;
        }
        if let (End::Unanswered(why), Some(_)) = (&run.end, run.turns.last()) {
            let what = format!("the id {hostile:?} made a request that cannot be sent: {why}");
            world.broke(Promise::Fetch, kind, what, &run);
        }
        if fetched(&run.end).is_some_and(|(found, _)| !found.items.is_empty()) {
            let what = format!("the id {hostile:?} found a record");
            world.broke(Promise::Fetch, kind, what, &run);
        }
    }
}

/// An id of the same form that no record is likely to have.
pub(super) fn unlike(id: &str) -> String {
    let other = |letter: char| match letter {
        '0'..='9' => '9',
        'a'..='f' => 'e',
        'A'..='F' => 'E',
        letter => letter,
    };
    id.chars().map(other).collect()
}

pub(super) async fn fetch(world: &World<'_>, kind: &str, ids: &[String]) -> Run {
    let task = Task::Fetch(Fetch { kind: kind.to_owned(), ids: ids.to_vec() });
    world.driver.run(task, &world.given).await
}

pub(super) fn fetched(end: &End) -> Option<(&Fetched, &[Problem])> {
    match end {
        End::Outcome(Outcome::Fetched(fetched)) => Some((fetched, &[])),
        End::Outcome(Outcome::FlawedFetched((fetched, problems))) => Some((fetched, problems)),
        _ => None,
    }
}
