//! Signed webhooks: they are verified, hint at records that exist, and are refused when something
//! of them was changed.
//!
//! They are those that the sandbox sent while the suite edited and wrote, or those of its script,
//! signed here. What is changed is found without knowledge of the ATS: the signature by its text,
//! the time by its number, the data by the members of the body.

use super::World;
use super::changes::rfc3339;
use super::fetches::{fetch, fetched};
use crate::drive::{End, Run};
use crate::report::Promise;
use crate::show;
use crate::stage::Delivery;
use atsync::model::contract::{Hint, Hook, Hooked, Outcome, RemoteRef, Task};
use atsync::{Clock, SystemClock};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Deliveries of which something is changed: one for each set of hints.
const CHANGED_MAX: usize = 20;
/// How far the time of a new delivery may be from now.
const NOW_WITHIN_MS: u64 = 600_000;
/// The age of a replayed delivery.
const OLD_MS: u64 = 2 * 86_400_000;

pub(super) async fn check(
    world: &mut World<'_>,
    sent: Result<Vec<Delivery>, String>,
) -> Result<(), String> {
    let script = world.stage.script().webhooks.clone();
    let now_ms = SystemClock.now_ms();
    let composed: Vec<Delivery> =
        script.bodies.iter().map(|body| script.sign(body, now_ms)).collect();
    let composed_count = composed.len();
    let sent = match sent {
        Ok(sent) if sent.is_empty() && composed.is_empty() => {
            let why = "the edits and writes of the suite fired no webhook";
            world.report.not_tried_for(Promise::Signed, "", why);
            return Ok(());
        }
        Ok(sent) => sent,
        Err(why) if composed.is_empty() => {
            let why = format!(
                "the sandbox sends no webhooks ({why}), and its script has no `bodies` under \
                 `webhooks`"
            );
            world.report.not_tried_for(Promise::Signed, "", why);
            return Ok(());
        }
        Err(_) => Vec::new(),
    };
    let mut truth = Truth::default();
    let mut shapes = BTreeSet::new();
    let mut hinted = 0usize;
    for (nth, delivery) in composed.into_iter().chain(sent).enumerate() {
        let run = arrive(world, &delivery).await;
        if world.broke_by("webhooks", &run) {
            if run.is_trap() {
                let why = "a signed webhook makes the adapter trap, see `no-trap`";
                world.report.not_tried_for(Promise::Signed, "", why);
                return Ok(());
            }
            continue;
        }
        let Some(hooked) = accepted(&run) else {
            let what = format!("a signed webhook is not accepted: {}", show::end(&run.end));
            world.broke(Promise::Signed, "", what, &run);
            continue;
        };
        let hints = hooked.hints.clone();
        if run.checks.is_empty() {
            let what = "it is accepted, and its signature was not to be checked".to_owned();
            world.broke(Promise::Signed, "", what, &run);
        }
        if hints.is_empty() && nth < composed_count {
            let what = "a body of the script gave no hint".to_owned();
            world.broke(Promise::Signed, "", what, &run);
        }
        hinted = hinted.saturating_add(hints.len());
        for hint in &hints {
            match truth.fault(world, hint).await? {
                Some(what) => world.broke(Promise::Signed, &of(hint).kind, what, &run),
                None => world.report.held(Promise::Signed, &of(hint).kind),
            }
        }
        if !hints.is_empty() && shapes.len() < CHANGED_MAX && shapes.insert(shape(&hints)) {
            changed(world, &delivery, &run, script.unsigned.is_some()).await;
            timed(world, &delivery, &run, now_ms).await;
        }
    }
    if let Some(why) = &script.unsigned {
        world.report.not_tried_for(Promise::Signed, "what is not signed", why.as_str());
    }
    if hinted == 0 {
        let what = "no webhook of the sandbox gave a hint".to_owned();
        world.report.broke(Promise::Signed, "", what, Vec::new());
    }
    if script.signature.time.is_some() {
        for body in &script.bodies {
            old(world, &script.sign(body, now_ms.saturating_sub(OLD_MS)), now_ms).await;
        }
    }
    world.report.held(Promise::Signed, "");
    Ok(())
}

async fn arrive(world: &World<'_>, delivery: &Delivery) -> Run {
    let Delivery { headers, body } = delivery.clone();
    world.driver.run(Task::Hook(Hook { headers, body }), &world.given).await
}

/// What came of a webhook that was accepted.
fn accepted(run: &Run) -> Option<&Hooked> {
    match &run.end {
        End::Outcome(Outcome::Hooked(hooked)) => {
            (200..300).contains(&hooked.answer.status).then_some(hooked)
        }
        _ => None,
    }
}

/// The record that a hint is at; of a merge the one that stays.
fn of(hint: &Hint) -> &RemoteRef {
    let (Hint::Changed(of) | Hint::Deleted(of) | Hint::Erased(of) | Hint::Merged((_, of))) = hint;
    of
}

/// What hints are about, without their ids.
fn shape(hints: &[Hint]) -> Vec<(u8, String)> {
    let one = |hint: &Hint| {
        let what = match hint {
            Hint::Changed(_) => 0,
            Hint::Deleted(_) => 1,
            Hint::Merged(_) => 2,
            Hint::Erased(_) => 3,
        };
        (what, of(hint).kind.clone())
    };
    hints.iter().map(one).collect()
}

/// The ids of the records that the sandbox has, by kind, as far as they were asked for.
#[derive(Default)]
struct Truth(BTreeMap<String, Vec<String>>);

impl Truth {
    /// What is wrong with a hint.
    async fn fault(&mut self, world: &World<'_>, hint: &Hint) -> Result<Option<String>, String> {
        let of = of(hint);
        if world.manifest.kind(&of.kind).is_none() {
            return Ok(Some(format!("a hint is at {of}, and the manifest has no such kind")));
        }
        let may_be_gone = matches!(hint, Hint::Deleted(_) | Hint::Erased(_));
        if may_be_gone || self.has(world, of).await? {
            return Ok(None);
        }
        Ok(Some(format!("a hint is at {of}, and there is no such record")))
    }

    /// Whether a record exists, by what was read, by the sandbox, or by the adapter; true where
    /// that cannot be found out.
    async fn has(&mut self, world: &World<'_>, of: &RemoteRef) -> Result<bool, String> {
        if world.records.get(&of.kind).is_some_and(|known| known.contains_key(&of.id)) {
            return Ok(true);
        }
        if !self.0.contains_key(&of.kind) {
            let ids = world.stage.ids(&of.kind).await?.unwrap_or_default();
            let _ = self.0.insert(of.kind.clone(), ids);
        }
        let ids = self.0.get(&of.kind).map_or(&[][..], Vec::as_slice);
        if ids.contains(&of.id) {
            return Ok(true);
        }
        let can_fetch = world.manifest.kind(&of.kind).is_some_and(|rule| rule.ids_max > 0);
        if can_fetch && world.unread(&of.kind).is_none() {
            let run = fetch(world, &of.kind, std::slice::from_ref(&of.id)).await;
            return Ok(fetched(&run.end).is_none_or(|(found, _)| found.missing.is_empty()));
        }
        Ok(ids.is_empty())
    }
}

/// A text of which one sign is another one.
fn other_sign(text: &str, at: usize) -> String {
    let other = |sign: char| match sign {
        '0' => '1',
        'a' => 'b',
        'A' => 'B',
        sign if sign.is_ascii_digit() => '0',
        sign if sign.is_ascii_lowercase() => 'a',
        sign if sign.is_ascii_uppercase() => 'A',
        sign => sign,
    };
    text.chars().enumerate().map(|(nth, sign)| if nth == at { other(sign) } else { sign }).collect()
}

/// A delivery with one text in place of another, in its headers and its body.
fn replaced(delivery: &Delivery, from: &str, to: &str) -> Option<Delivery> {
    let mut other = delivery.clone();
    for header in &mut other.headers {
        header.value = header.value.replace(from, to);
    }
    if let Ok(body) = std::str::from_utf8(&delivery.body) {
        other.body = body.replace(from, to).into_bytes();
    }
    (other != *delivery).then_some(other)
}

/// A delivery of which something was changed is refused.
async fn changed(world: &mut World<'_>, delivery: &Delivery, run: &Run, is_partly: bool) {
    let mut cases = Vec::new();
    for candidate in run.checks.iter().flat_map(|check| &check.candidates) {
        let wrong = other_sign(candidate, candidate.chars().count() / 2);
        let short: String = candidate.chars().skip(1).collect();
        cases.extend(replaced(delivery, candidate, &wrong).map(|it| ("another signature", it)));
        cases.extend(replaced(delivery, candidate, &short).map(|it| ("a shorter signature", it)));
    }
    let none = Delivery { headers: Vec::new(), body: delivery.body.clone() };
    if none.headers.len() != delivery.headers.len() && in_headers(delivery, run) {
        cases.push(("no header", none));
    }
    let mut data = Vec::new();
    if let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(&delivery.body) {
        for name in members.keys() {
            let mut other = members.clone();
            drop(other.insert(name.clone(), json!({"changed": {"id": 1}})));
            let body = Value::Object(other).to_string().into_bytes();
            data.push((name.clone(), Delivery { body, ..delivery.clone() }));
        }
    }
    let mut longer = delivery.clone();
    longer.body.push(b' ');
    data.push(("a blank at its end".to_owned(), longer));
    for (case, other) in cases {
        let after = arrive(world, &other).await;
        refused(world, case, &after);
    }
    let mut passed = Vec::new();
    let count = data.len();
    for (case, other) in data {
        let after = arrive(world, &other).await;
        if !world.broke_by("", &after) && takes(&after) {
            passed.push((case, after));
        }
    }
    let Some((_, first)) = passed.first() else { return };
    if passed.len() < count && is_partly {
        return;
    }
    let names: Vec<&str> = passed.iter().map(|(case, _)| case.as_str()).collect();
    let what = format!(
        "its body was changed ({}), and it is accepted. If the ATS does not sign that, say so \
         under `webhooks.unsigned` of the script; something of it must be signed",
        names.join(", ")
    );
    world.broke(Promise::Signed, "", what, &first.clone());
}

/// Whether the signature stands in a header.
fn in_headers(delivery: &Delivery, run: &Run) -> bool {
    let stands = |candidate: &String| {
        delivery.headers.iter().any(|header| header.value.contains(candidate.as_str()))
    };
    run.checks.iter().flat_map(|check| &check.candidates).any(stands)
}

/// Whether a webhook is accepted, or gave hints.
fn takes(run: &Run) -> bool {
    match &run.end {
        End::Outcome(Outcome::Hooked(hooked)) => {
            accepted(run).is_some() || !hooked.hints.is_empty()
        }
        _ => false,
    }
}

fn refused(world: &mut World<'_>, case: &str, run: &Run) {
    if !world.broke_by("", run) && takes(run) {
        let what = format!("a signed webhook is accepted after a change: it came with {case}");
        world.broke(Promise::Signed, "", what, run);
    }
}

/// The time of signing is now, and cannot be changed.
async fn timed(world: &mut World<'_>, delivery: &Delivery, run: &Run, now_ms: u64) {
    let Some(at_ms) = accepted(run).and_then(|hooked| hooked.signed_at_ms) else { return };
    if at_ms.abs_diff(now_ms) > NOW_WITHIN_MS {
        let what = format!("it was signed now, and is said to be signed at {}", rfc3339(at_ms));
        world.broke(Promise::Replays, "", what, run);
    }
    let old_ms = at_ms.saturating_sub(OLD_MS);
    let seconds = |ms: u64| (ms / 1000).to_string();
    // The forms in which a time may stand there.
    let forms = [
        (at_ms.to_string(), old_ms.to_string()),
        (seconds(at_ms), seconds(old_ms)),
        (rfc3339(at_ms), rfc3339(old_ms)),
        (whole(at_ms), whole(old_ms)),
    ];
    let other = forms.iter().find_map(|(from, to)| replaced(delivery, from, to));
    let Some(other) = other else {
        let why = "the time of signing was not found in the webhook";
        world.report.not_tried_for(Promise::Replays, "", why);
        return;
    };
    let after = arrive(world, &other).await;
    if world.broke_by("", &after) {
        return;
    }
    if accepted(&after).is_some() {
        let what = "its time was changed, and it is accepted: the time is not signed, or is not \
                    part of the message that the adapter composes"
            .to_owned();
        world.broke(Promise::Replays, "", what, &after);
        return;
    }
    world.report.held(Promise::Replays, "");
}

/// A time without milliseconds.
fn whole(ms: u64) -> String {
    rfc3339(ms).replace(".000Z", "Z")
}

/// A delivery that was signed long ago shows it.
async fn old(world: &mut World<'_>, delivery: &Delivery, now_ms: u64) {
    let run = arrive(world, delivery).await;
    if world.broke_by("", &run) {
        return;
    }
    let Some(hooked) = accepted(&run) else { return };
    let shows = hooked
        .signed_at_ms
        .is_some_and(|at_ms| at_ms.abs_diff(now_ms.saturating_sub(OLD_MS)) <= NOW_WITHIN_MS);
    if !shows {
        let said = hooked.signed_at_ms.map_or_else(|| "no time".to_owned(), rfc3339);
        let what = format!(
            "it was signed two days ago, and the adapter says {said}: the engine cannot refuse it"
        );
        world.broke(Promise::Replays, "", what, &run);
    } else {
        world.report.held(Promise::Replays, "");
    }
}
