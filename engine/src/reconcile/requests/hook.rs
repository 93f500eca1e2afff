//! Verifies a webhook with the adapter: what was signed, whether the signature matches, what it
//! suggests.
//!
//! The adapter composes the message and names the signatures; it never sees a secret. Nothing is
//! sent. Hints count only after a check that matched, whatever the adapter says.

use super::drive::TaskError;
use super::{Requests, signature};
use crate::adapter::{AdapterError, TaskGuard};
use crate::error::Error;
use crate::secret::Secret;
use atsync_model::contract::{Hint, Hook, Outcome, Reply, Step, Task};

/// Steps of one webhook. One check is usual, a second one tries another reading.
const STEPS_MAX: usize = 8;

/// Whether a webhook is authentic.
#[derive(Debug)]
pub(crate) enum Hooking {
    /// Its signature does not match a secret.
    Forged,
    /// It is authentic.
    Authentic {
        /// What was signed.
        message: Vec<u8>,
        /// What it suggests.
        hints: Vec<Hint>,
        /// When it was signed, where the ATS says so.
        signed_at_ms: Option<u64>,
    },
}

impl Requests {
    /// Verifies a webhook and returns what it suggests.
    pub(crate) async fn hook(&self, hook: Hook, secrets: &[Secret]) -> Result<Hooking, Error> {
        self.hooked(hook, secrets).await.map_err(|error| self.task_error("a webhook", error))
    }

    async fn hooked(&self, hook: Hook, secrets: &[Secret]) -> Result<Hooking, TaskError> {
        let task = Task::Hook(hook);
        let mut guard = TaskGuard::new(&task);
        let given = self.given(None, None).await?;
        let mut signed = None;
        let mut step = self.start(task, given.clone()).await?.map_err(TaskError::Failed)?;
        for _ in 0..STEPS_MAX {
            guard.step(&step, None)?;
            let asked = match step {
                Step::Verify(asked) => asked,
                Step::Done(Outcome::Hooked(hooked)) => {
                    let taken = (200..300).contains(&hooked.answer.status);
                    return match (signed, taken) {
                        (Some(message), true) => {
                            let (hints, signed_at_ms) = (hooked.hints, hooked.signed_at_ms);
                            Ok(Hooking::Authentic { message, hints, signed_at_ms })
                        }
                        (None, true) => Err(contract(
                            "it vouches for a webhook whose signature was not verified",
                        )),
                        (_, false) => Ok(Hooking::Forged),
                    };
                }
                _ => {
                    return Err(contract(
                        "it asks for more than a signature's check for a webhook",
                    ));
                }
            };
            let verified = signature::matches(&asked, secrets);
            signed = verified.then_some(asked.message);
            step = self
                .resume(asked.state, given.clone(), Reply::Verified(verified))
                .await?
                .map_err(TaskError::Failed)?;
        }
        Err(contract("it takes too many steps for a webhook"))
    }
}

fn contract(what: &str) -> TaskError {
    TaskError::Adapter(AdapterError::Contract(what.to_owned()))
}
