//! An ATS that signs the time of its webhooks: the smallest whole adapter, with a time in a header
//! before what is signed.

use crate::mutants::broken_of;
use crate::{http, plainlist};
use atsync::model::contract::{Continuation, Failure, Given, Outcome, Reply, Step, Task, Verify};
use atsync::model::manifest::Manifest;
use atsync::{Adapter, AdapterError};
use atsync_conformance::{Described, Options, Promise, test};
use std::sync::Arc;

/// The header with the time.
const TIME: &str = "x-plainlist-time";

/// How an adapter reads the time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stamp {
    /// As a part of what is signed.
    Signed,
    /// Although it is not signed.
    Believed,
    /// Not at all.
    Ignored,
}

#[derive(Debug)]
struct Stamped {
    inner: Arc<dyn Adapter>,
    stamp: Stamp,
}

impl Adapter for Stamped {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let time = match &task {
            Task::Hook(hook) => hook.headers.iter().find(|header| header.name == TIME).cloned(),
            _ => None,
        };
        let text = time.map(|header| header.value).unwrap_or_default();
        let answer = self.inner.start(task, given)?;
        Ok(answer.map(|step| match step {
            Step::Verify(verify) => {
                let at_ms: u64 = text.parse().unwrap_or_default();
                let signed = match self.stamp {
                    Stamp::Believed => verify.message.clone(),
                    _ => [text.as_bytes(), b".", &verify.message].concat(),
                };
                let state = [&at_ms.to_le_bytes()[..], &verify.state].concat();
                Step::Verify(Verify { message: signed, state, ..verify })
            }
            other => other,
        }))
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let Reply::Verified(_) = reply else { return self.inner.resume(state, given, reply) };
        let (at_ms, rest) = state.split_first_chunk::<8>().unwrap();
        let mut answer = self.inner.resume(rest.to_vec(), given, reply)?;
        if let Ok(Step::Done(Outcome::Hooked(hooked))) = &mut answer {
            let known = self.stamp != Stamp::Ignored && hooked.answer.status == 200;
            hooked.signed_at_ms = known.then_some(u64::from_le_bytes(*at_ms));
        }
        Ok(answer)
    }
}

fn sandbox(over: &str) -> String {
    let text = include_str!("../../examples/adapter-minimal/sandbox.yaml");
    let plain = "prefix: \"sha256=\"";
    assert!(text.contains(plain));
    let time = format!("time: {{at: {{header: {TIME}}}}}");
    text.replace(plain, &format!("{plain}, over: [{over}], {time}"))
}

/// What is signed.
const BOTH: &str = "{header: x-plainlist-time}, {text: \".\"}, body";

fn stamped(stamp: Stamp) -> Arc<dyn Adapter> {
    Arc::new(Stamped { inner: plainlist(), stamp })
}

#[tokio::test]
async fn a_time_that_is_signed_and_reported_is_fine() {
    let stage = Described::open(&sandbox(BOTH)).await.unwrap();
    let report = test(stamped(Stamp::Signed), &stage, http(), &Options::default()).await.unwrap();
    assert!(report.is_clean(), "{report}");
    let held = report.findings.iter().any(|one| one.promise == Promise::Replays);
    assert!(held && report.not_tried().next().is_none(), "{report}");
}

#[tokio::test]
async fn a_time_that_is_not_reported_is_noticed() {
    let found = broken_of(stamped(Stamp::Ignored), &sandbox(BOTH)).await;
    assert_eq!(found, [Promise::Replays].into());
}

#[tokio::test]
async fn a_time_that_is_not_signed_is_noticed() {
    let found = broken_of(stamped(Stamp::Believed), &sandbox("body")).await;
    assert_eq!(found, [Promise::Replays].into());
}
