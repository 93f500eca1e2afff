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

/// Returns whether the adapter reads webhooks at all.
pub(super) async fn check(world: &mut World<'_>) -> bool {
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
    reads_webhooks
}
