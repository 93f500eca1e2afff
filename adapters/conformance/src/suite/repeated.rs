//! The first calls once more, after all the others.

use super::World;
use crate::report::Promise;
use atsync::model::contract::Step;

/// Calls that began a task or read an answer give the same answer as they did before.
pub(super) fn check(world: &mut World<'_>) {
    for (subject, run) in world.samples.clone() {
        let mut answer = world.driver.start(&run.task, &run.given);
        for (at, turn) in run.turns.iter().enumerate() {
            let same = matches!(&answer, Ok(Ok(Step::Send(send)))
                if send.request == turn.request && send.state == turn.state);
            if !same {
                let what = format!(
                    "step {at} of the same task has another request or state than when it ran \
                     before: the adapter remembers something between calls"
                );
                world.broke(Promise::Determinism, &subject, what, &run);
                break;
            }
            let Some(reply) = &turn.reply else { break };
            answer = world.driver.read(&turn.state, &run.given, reply);
        }
    }
    world.report.held(Promise::Determinism, "");
}
