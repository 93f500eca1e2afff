//! The steps that end a write: the changing request, and the outcome.

use crate::answer;
use crate::request;
use crate::write::sent::{Sent, Success};
use atsync_adapter::contract::{CONTINUATION_BYTES_MAX, Failure, Outcome, Request, Step, Written};

/// Sends the changing request.
pub(crate) fn send(request: Request, sent: &Sent) -> Result<Step, Failure> {
    request::changing(request, sent)
}

/// Refuses a step whose continuation is larger than the engine keeps.
pub(crate) fn fits(step: Step) -> Result<Step, Failure> {
    match &step {
        Step::Send(send) if send.state.len() > CONTINUATION_BYTES_MAX => Err(answer::invalid(
            "",
            format!(
                "the input is too large to be compared: more than {CONTINUATION_BYTES_MAX} bytes"
            ),
        )),
        _ => Ok(step),
    }
}

/// Ends a write with this outcome.
pub(crate) fn outcome(written: Written) -> Step {
    Step::Done(Outcome::Written(written))
}

/// Expects a new record whose id is in the answer or in this member of it.
pub(crate) fn made(kind: &str, member: &str) -> Success {
    Success::Made { kind: kind.into(), member: member.into() }
}
