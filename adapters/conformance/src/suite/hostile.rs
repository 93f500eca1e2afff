//! Every answer of every sampled task, replaced by answers that no documentation promises.
//!
//! The adapter is a pure function, so an answer is replaced by calling it again with the state that
//! it kept: nothing is sent. Where it goes on with a request that changes nothing, that is sent,
//! and the end counts.

use super::bodies::{Expect, Instead, WAIT_MS, instead_of};
use super::{World, page};
use crate::drive::{End, Run, Turn};
use crate::report::Promise;
use atsync::model::contract::{
    Effect, Failure, Outcome, Probed, Registering, Registration, Response, Scan, Step, Task,
    Written,
};
use atsync::model::manifest::EffectClass;

/// How often a page answers itself.
const CIRCLE: usize = 40;
/// Bytes by which a cursor may grow in a circle: the digits of a page's number.
const GROWTH_BYTES: usize = 8;

pub(super) async fn check(world: &mut World<'_>) {
    for (subject, run) in world.samples.clone() {
        for at in 0..run.turns.len() {
            let Some(turn) = run.turns.get(at).cloned() else { break };
            let Some(real) = &turn.reply else { break };
            for instead in instead_of(real) {
                replaced(world, &subject, &run, at, &turn, instead).await;
            }
            world.report.held(Promise::Hostile, &subject);
            world.report.held(Promise::Classes, &subject);
        }
        circle(world, &subject, &run);
    }
    world.report.held(Promise::NoTrap, "");
    world.report.held(Promise::Limits, "");
    world.report.held(Promise::Contract, "");
    world.report.held(Promise::OneChange, "");
}

/// One answer replaced.
async fn replaced(
    world: &mut World<'_>,
    subject: &str,
    run: &Run,
    at: usize,
    turn: &Turn,
    instead: Instead,
) {
    let answer = world.driver.read(&turn.state, &run.given, &instead.response);
    let mut turns: Vec<Turn> = run.turns.iter().take(at).cloned().collect();
    turns.push(Turn { reply: Some(instead.response.clone()), ..turn.clone() });
    // A further request is sent only where nothing can be changed.
    let goes_on = matches!(&answer, Ok(Ok(Step::Send(send))) if send.effect == Effect::Unsafe);
    let after = if goes_on {
        let what = format!("{}: the adapter goes on and changes the ATS", instead.name);
        let end = End::Unanswered("it was not sent".to_owned());
        world.broke(Promise::Hostile, subject, what, &Run { turns, end, ..run.clone() });
        return;
    } else {
        world.driver.follow(run.task.clone(), &run.given, answer, turns).await
    };
    // What it may not see, an adapter may do without: it requests something else, or leaves out
    // what a further request would have added.
    let is_less = matches!(instead.response.status, 403 | 404)
        && (at > 0 || after.turns.len() > at.saturating_add(1))
        && !matches!(after.end, End::Breach(_) | End::Failure(_));
    if is_less {
        return;
    }
    if let Some((promise, what)) = judged(&after, turn, &instead, world.is_keyed(run)) {
        world.broke(promise, subject, format!("{}: {what}", instead.name), &after);
    }
}

/// What is wrong with an end after an answer that was replaced.
fn judged(run: &Run, turn: &Turn, instead: &Instead, is_keyed: bool) -> Option<(Promise, String)> {
    let response = &instead.response;
    let hostile = |what: &str| Some((Promise::Hostile, what.to_owned()));
    match &run.end {
        End::Breach(breach) => Some((breach.promise, breach.what.clone())),
        End::Unanswered(_) => None,
        End::Failure(Failure::Bug(text)) => Some((
            Promise::Classes,
            format!("the ATS's fault is called a fault of the adapter: {text}; use `protocol`"),
        )),
        End::Failure(_) if turn.effect == Effect::Unsafe => hostile(
            "the answer to the request that changes the ATS ends in a failure, so that it stays \
             unknown whether it happened; use `unclear` or `refused`",
        ),
        End::Failure(failure) => classed(failure, response),
        End::Outcome(outcome) => match outcome {
            Outcome::Page(_) | Outcome::FlawedPage(_) => {
                let is_noted = matches!(outcome, Outcome::FlawedPage(_));
                let (is_complete, rows) = page(&run.end)
                    .map_or((false, 0), |(page, _)| (page.complete, page.items.len()));
                match instead.expect {
                    Expect::Failure if is_complete => {
                        hostile("the pass is said to be complete; every later record would be lost")
                    }
                    Expect::Failure => hostile("a page came of it"),
                    Expect::Honest if is_complete && rows == 0 && !is_noted => {
                        hostile("an empty list came of it, without a problem")
                    }
                    Expect::Honest => None,
                }
            }
            // A record that could not be read is a problem, and not missing.
            Outcome::FlawedFetched((fetched, _)) if fetched.missing.is_empty() => None,
            // An empty list is an answer to a search by ids.
            Outcome::Fetched(_) if response.body == b"[]" => None,
            Outcome::Fetched(_) | Outcome::FlawedFetched(_) => match instead.expect {
                Expect::Failure if !matches!(response.status, 404 | 410) => {
                    hostile("records are said to be missing, or came of it")
                }
                _ => None,
            },
            Outcome::Probed(Probed::Absent(_)) if !matches!(response.status, 404 | 410) => {
                let is_harmless = is_keyed && (400..500).contains(&response.status);
                if instead.expect == Expect::Honest || is_harmless {
                    return None;
                }
                hostile("the probe says `absent`, so that the write is sent a second time")
            }
            Outcome::Written(written) if turn.effect == Effect::Unsafe => {
                written_after(&run.task, written, response)
            }
            Outcome::Written(Written::Refused(Failure::Bug(text))) => Some((
                Promise::Classes,
                format!("the ATS's fault is called a fault of the adapter: {text}"),
            )),
            Outcome::Tenant(_) if instead.expect == Expect::Failure => {
                hostile("a tenant came of it")
            }
            Outcome::Registration(Registration::Listed(_))
                if instead.expect == Expect::Failure
                    && matches!(run.task, Task::Register(Registering::List)) =>
            {
                hostile("a list of webhooks came of it")
            }
            Outcome::Registration(Registration::Kept(_) | Registration::Removed)
                if turn.effect == Effect::Unsafe && !(200..300).contains(&response.status) =>
            {
                let is_removal = matches!(run.task, Task::Register(Registering::Remove(_)));
                // What is gone already is removed.
                let is_gone = is_removal && matches!(response.status, 404 | 410);
                let what = format!("status {} is called done", response.status);
                (!is_gone).then_some((Promise::Registering, what))
            }
            _ => None,
        },
    }
}

/// Whether the class of a failure fits its status.
fn classed(failure: &Failure, response: &Response) -> Option<(Promise, String)> {
    let named = response.header("retry-after").is_some();
    let fits = match response.status {
        401 => matches!(failure, Failure::Auth(_) | Failure::Denied(_)),
        403 => matches!(failure, Failure::Auth(_) | Failure::Denied(_)),
        404 | 410 => matches!(
            failure,
            Failure::NotFound(_)
                | Failure::Gone(_)
                | Failure::Protocol(_)
                | Failure::Denied(_)
                | Failure::Misconfigured(_)
        ),
        429 if named => {
            matches!(failure, Failure::Throttled(Some(wait)) if *wait == WAIT_MS)
                || matches!(failure, Failure::Throttled(Some(_)) if response.headers.len() > 1)
                || matches!(failure, Failure::Quota(_))
        }
        429 => matches!(failure, Failure::Throttled(_) | Failure::Quota(_)),
        500..=599 => matches!(
            failure,
            Failure::Unavailable(_) | Failure::Protocol(_) | Failure::Throttled(_)
        ),
        _ => true,
    };
    if fits {
        return None;
    }
    let name = format!("{failure:?}");
    let name = name.split('(').next().unwrap_or_default().to_lowercase();
    Some((
        Promise::Classes,
        format!("status {} is the failure `{name}`, which is another class", response.status),
    ))
}

/// What is wrong with the reading of an answer to the one request that changes the ATS.
fn written_after(task: &Task, written: &Written, response: &Response) -> Option<(Promise, String)> {
    let is_removal = matches!(task, Task::Write(write)
        if ["delete", "destroy"].iter().any(|verb| write.operation.name.ends_with(verb)));
    let is_success = (200..300).contains(&response.status);
    let what = match written {
        // A status of 400 to 499 that the manifest does not list is in doubt for the engine,
        // however the adapter reads it.
        Written::Refused(_) if !is_success && !(400..500).contains(&response.status) => {
            format!(
                "status {} is called refused, and does not prove that nothing changed",
                response.status
            )
        }
        // What is gone already is removed.
        Written::Applied(_) if is_removal && matches!(response.status, 404 | 410) => return None,
        Written::Applied(applied) if !is_success && !applied.deduplicated => {
            format!("status {} is called applied", response.status)
        }
        _ => return None,
    };
    Some((Promise::Refusals, what))
}

impl World<'_> {
    /// Whether a run is the probe of an operation that the ATS itself carries out only once.
    fn is_keyed(&self, run: &Run) -> bool {
        let Task::Probe(probe) = &run.task else { return false };
        let rule = self.manifest.operation(&probe.operation.name);
        rule.is_some_and(|rule| rule.class == EffectClass::Keyed)
    }
}

/// A list whose first page is the answer to each request.
fn circle(world: &mut World<'_>, subject: &str, run: &Run) {
    let Task::Scan(scan) = &run.task else { return };
    let Some((first, _)) = page(&run.end) else { return };
    let Some(mut cursor) = first.next.clone() else { return };
    let [Turn { reply: Some(reply), .. }] = run.turns.as_slice() else { return };
    let bytes = cursor.len();
    for _ in 0..CIRCLE {
        let task = Task::Scan(Scan { cursor: Some(cursor.clone()), ..scan.clone() });
        let Ok(Ok(Step::Send(send))) = world.driver.start(&task, &world.given) else { break };
        match world.driver.read(&send.state, &world.given, reply) {
            Ok(Ok(Step::Done(outcome))) => {
                let end = End::Outcome(outcome);
                let next = page(&end).and_then(|(page, _)| page.next.clone());
                let Some(next) = next else { break };
                cursor = next;
            }
            Ok(_) => break,
            Err(breach) => {
                world.broke(breach.promise, subject, breach.what, run);
                return;
            }
        }
    }
    if cursor.len() > bytes.saturating_add(GROWTH_BYTES) {
        let what = format!(
            "after {CIRCLE} times the same page the cursor has {} bytes; it had {bytes}",
            cursor.len()
        );
        world.broke(Promise::Circles, subject, what, run);
        return;
    }
    world.report.held(Promise::Circles, subject);
}
