//! Webhooks: what is not signed gives no hint, and no body makes the adapter trap.

use super::World;
use crate::drive::End;
use crate::report::Promise;
use crate::show;
use atsync::model::contract::{Field, Hook, Outcome, Task};

/// Bodies of webhooks without a signature.
const BODIES: &[&[u8]] = &[
    b"",
    b"{}",
    b"[]",
    b"null",
    b"not json",
    b"\xff\xfe\x00",
    b"{\"action\":\"candidate_updated\",\"event\":\"x\",\"payload\":{\"candidate\":{\"id\":1}}}",
];

/// What the adapter does with webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// It reads none.
    None,
    /// It reads them.
    Some,
    /// A body made it trap: one finding says so, and nothing else of webhooks can be tried.
    Traps,
}

/// Finds out whether the adapter reads webhooks, and what it does with unsigned ones.
pub(super) async fn check(world: &mut World<'_>) -> Reads {
    let mut reads_webhooks = false;
    for body in BODIES {
        let headers = [
            Vec::new(),
            vec![Field::new("signature", "sha256 00"), Field::new("x-signature", "00")],
        ];
        for headers in headers {
            let task = Task::Hook(Hook { headers, body: body.to_vec() });
            let run = world.driver.run(task, &world.given).await;
            if world.broke_by("webhooks", &run) {
                if run.is_trap() {
                    let why = "a webhook makes the adapter trap, see `no-trap`";
                    for promise in [Promise::Hooks, Promise::Signed, Promise::Replays] {
                        world.report.not_tried_for(promise, "", why);
                    }
                    return Reads::Traps;
                }
                continue;
            }
            reads_webhooks |= matches!(run.end, End::Outcome(_));
            let hints = match &run.end {
                End::Outcome(Outcome::Hooked(hooked)) => hooked.hints.len(),
                _ => 0,
            };
            if hints > 0 {
                let what = format!(
                    "a body without a valid signature gave {hints} hints: {}",
                    show::bytes(body, 100)
                );
                world.broke(Promise::Hooks, "", what, &run);
            }
        }
    }
    world.report.held(Promise::Hooks, "");
    if reads_webhooks { Reads::Some } else { Reads::None }
}
