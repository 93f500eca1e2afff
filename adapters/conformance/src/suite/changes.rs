//! Changes: an old record that is edited arrives with the next pass, by window or by token. A kind
//! that is listed below a parent is passed below the parent of that record.

use super::{Pass, Row, World, own_id};
use crate::report::Promise;
use atsync::model::contract::{RemoteRef, Since, Window};
use atsync::model::manifest::{ChangeRule, KindRule, ScanRule};
use atsync::{Clock, SystemClock};

/// How far a window begins before its check began: what was written when the sandbox was filled is
/// older, and clocks may differ by a little.
const BACK_MS: u64 = 2_000;
/// How far it ends after now.
const AHEAD_MS: u64 = 60_000;
/// A day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// A window of which nothing can be.
const LONG_AGO: (&str, &str) = ("1971-01-01T00:00:00Z", "1971-01-02T00:00:00Z");

pub(super) async fn check(world: &mut World<'_>) -> Result<(), String> {
    for rule in world.manifest.kinds.clone() {
        let kind = rule.name.as_str();
        let promise = match rule.scan {
            _ if !world.tries(kind) => continue,
            ScanRule::List {} => Promise::Changes,
            ScanRule::ByParent { .. } => Promise::Below,
            _ => continue,
        };
        let script = world.stage.script().kinds.get(kind).cloned().unwrap_or_default();
        if let Some(why) = script.fixed.or(script.empty) {
            world.report.not_tried_for(promise, kind, why);
            continue;
        }
        let is_whole = promise == Promise::Changes;
        let token = match rule.changes.contains(&ChangeRule::Token) && is_whole {
            true => {
                let pass =
                    world.pass(kind, None, Since::Everything, rule.page_max, usize::MAX).await;
                if pass.is_complete && pass.checkpoint.is_none() {
                    let what = "a whole pass ended without a checkpoint, and the manifest says \
                                that \
                                changes are asked for by `token`";
                    world.report.broke(Promise::Changes, kind, what, Vec::new());
                }
                pass.checkpoint
            }
            false => None,
        };
        let begun_ms = SystemClock.now_ms();
        let Some(id) = world.stage.edit(kind).await? else {
            world.report.not_tried_for(promise, kind, "the sandbox cannot edit a record");
            continue;
        };
        let is_it = |known: &&String| **known == id || own_id(known) == id;
        let known = world.records.get(kind).and_then(|all| all.keys().find(is_it)).cloned();
        let id = known.unwrap_or(id);
        let of = match &rule.scan {
            ScanRule::ByParent { parent } => {
                let known = world.parents.get(&(kind.to_owned(), id.clone())).cloned();
                let Some(known) = known else {
                    let why = "the record that was edited is below none of the parents that were \
                               read";
                    world.report.not_tried_for(promise, kind, why);
                    continue;
                };
                Some(RemoteRef::new(parent, known))
            }
            _ => None,
        };
        changed(world, &rule, of, &id, begun_ms, token).await;
        if rule.changes.contains(&ChangeRule::Window) && is_whole {
            quiet(world, &rule).await;
        }
    }
    Ok(())
}

/// Whether the edited record arrives, each way.
async fn changed(
    world: &mut World<'_>,
    rule: &KindRule,
    parent: Option<RemoteRef>,
    id: &str,
    begun_ms: u64,
    token: Option<Vec<u8>>,
) {
    let kind = rule.name.as_str();
    let promise = if parent.is_some() { Promise::Below } else { Promise::Changes };
    let mut ways = Vec::new();
    if rule.changes.contains(&ChangeRule::Window) {
        let from = rfc3339(begun_ms.saturating_sub(BACK_MS));
        let to = rfc3339(SystemClock.now_ms().saturating_add(AHEAD_MS));
        ways.push(("a window", Since::Window(Window { from, to })));
    }
    if let Some(token) = token {
        ways.push(("a token", Since::Token(token)));
    }
    if ways.is_empty() {
        ways.push(("a whole pass", Since::Everything));
    }
    let before = world.records.get(kind).and_then(|known| known.get(id)).cloned();
    for (name, since) in ways {
        let pass = world.pass(kind, parent.clone(), since, rule.page_max, usize::MAX).await;
        if pass.runs.iter().any(|run| world.broke_by(kind, run)) {
            return;
        }
        let Some(run) = pass.runs.last().cloned() else { continue };
        match (pass.is_complete, arrived(&pass, id)) {
            (false, _) => {
                let what = format!("{name} did not come to its end");
                world.broke(promise, kind, what, &run);
            }
            (true, None) => {
                let what = format!("the record {id} was edited, and {name} does not show it");
                world.broke(promise, kind, what, &run);
            }
            (true, Some(now)) => {
                let is_same = before.as_ref().is_some_and(|before| {
                    before.body == now.body && before.item.version == now.item.version
                });
                if is_same {
                    let what = format!(
                        "the record {id} was edited, and neither its body nor its version changed"
                    );
                    world.broke(promise, kind, what, &run);
                }
            }
        }
    }
    world.report.held(promise, kind);
}

fn arrived<'a>(pass: &'a Pass, id: &str) -> Option<&'a Row> {
    pass.rows.iter().find(|row| row.item.id == id)
}

/// A window of which nothing is shows nothing, and comes to its end. An ATS without a parameter for
/// the end of a window shows everything since 1971; of it, nothing is in a window that begins
/// tomorrow.
async fn quiet(world: &mut World<'_>, rule: &KindRule) {
    let kind = rule.name.as_str();
    let long_ago = (LONG_AGO.0.to_owned(), LONG_AGO.1.to_owned());
    let tomorrow_ms = SystemClock.now_ms().saturating_add(DAY_MS);
    let tomorrow = (rfc3339(tomorrow_ms), rfc3339(tomorrow_ms.saturating_add(DAY_MS)));
    let mut last = None;
    for (from, to) in [long_ago, tomorrow] {
        let since = Since::Window(Window { from, to });
        let pass = world.pass(kind, None, since, rule.page_max, usize::MAX).await;
        let Some(run) = pass.runs.last().cloned() else { return };
        if world.broke_by(kind, &run) || (pass.is_complete && pass.rows.is_empty()) {
            return;
        }
        last = Some((pass.rows.len(), pass.is_complete, run));
    }
    let Some((count, is_complete, run)) = last else { return };
    let what = format!(
        "a window that begins tomorrow shows {count} records, and one of the year 1971 shows some \
         too{}",
        if is_complete { "" } else { "; it does not come to its end" }
    );
    world.broke(Promise::Changes, kind, what, &run);
}

/// A time as text.
pub(crate) fn rfc3339(ms: u64) -> String {
    // Days since 1970 to a date, after Howard Hinnant's `civil_from_days`.
    let (seconds, millis) = (ms / 1000, ms % 1000);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_written_as_the_contract_says() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_514_400_123), "2026-11-24T10:00:00.123Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
    }
}
