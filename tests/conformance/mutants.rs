//! Adapters that break one promise each: the suite names it.
//!
//! Each is the smallest whole adapter with one answer changed, so that a report which names another
//! promise too shows where two checks overlap.

use crate::{http, plainlist};
use atsync::model::contract::{
    Continuation, Effect, Failure, Given, Hint, Hooked, Outcome, Page, Probed, RemoteRef, Reply,
    Response, Step, Target, Task, Verdict, Written,
};
use atsync::model::manifest::Manifest;
use atsync::{Adapter, AdapterError};
use atsync_conformance::{Described, Options, Promise, test};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Answer = Result<Step, Failure>;

/// The call whose answer is changed.
enum Call<'a> {
    Start(&'a Task),
    Resume(&'a Reply),
}

/// An adapter with its answers changed.
struct Mutant {
    inner: Arc<dyn Adapter>,
    change: fn(&Call<'_>, &mut Answer),
}

impl std::fmt::Debug for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mutant")
    }
}

impl Adapter for Mutant {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, task: Task, given: Given) -> Result<Answer, AdapterError> {
        let mut answer = self.inner.start(task.clone(), given)?;
        (self.change)(&Call::Start(&task), &mut answer);
        Ok(answer)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Answer, AdapterError> {
        let mut answer = self.inner.resume(state, given, reply.clone())?;
        (self.change)(&Call::Resume(&reply), &mut answer);
        Ok(answer)
    }
}

fn page(answer: &mut Answer) -> Option<&mut Page> {
    match answer {
        Ok(Step::Done(Outcome::Page(page))) => Some(page),
        _ => None,
    }
}

fn status(call: &Call<'_>) -> u16 {
    match call {
        Call::Resume(Reply::Response(response)) => response.status,
        _ => 0,
    }
}

/// The promises that the suite finds broken.
async fn broken(change: fn(&Call<'_>, &mut Answer)) -> BTreeSet<Promise> {
    let text = include_str!("../../examples/adapter-minimal/sandbox.yaml");
    broken_of(Arc::new(Mutant { inner: plainlist(), change }), text).await
}

/// The promises of an adapter that the suite finds broken, against a described sandbox.
pub(crate) async fn broken_of(adapter: Arc<dyn Adapter>, sandbox: &str) -> BTreeSet<Promise> {
    let stage = Described::open(sandbox).await.unwrap();
    let report = test(adapter, &stage, http(), &Options::default()).await.unwrap();
    assert!(!report.is_clean(), "{report}");
    // What is said is not empty, and a promise that concerns an exchange shows it.
    for finding in report.broken() {
        assert!(!finding.promise.sentence().is_empty());
    }
    report.broken().map(|finding| finding.promise).collect()
}

#[tokio::test]
async fn a_record_that_is_lost_at_the_end_of_a_page_is_noticed() {
    let found = broken(|_, answer| {
        if let Some(page) = page(answer)
            && page.items.len() > 1
        {
            drop(page.items.pop());
        }
    })
    .await;
    assert!(found.contains(&Promise::Rows) && found.contains(&Promise::Pages), "{found:?}");
}

#[tokio::test]
async fn an_outage_that_ends_a_pass_is_noticed() {
    let found = broken(|call, answer| {
        if status(call) == 503 {
            let page = Page {
                items: Vec::new(),
                masks: Vec::new(),
                next: None,
                checkpoint: None,
                complete: true,
            };
            *answer = Ok(Step::Done(Outcome::Page(page)));
        }
    })
    .await;
    assert!(found.contains(&Promise::Hostile), "{found:?}");
}

#[tokio::test]
async fn an_answer_that_depends_on_earlier_calls_is_noticed() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let found = broken(|_, answer| {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed);
        if let Some(item) = page(answer).and_then(|page| page.items.first_mut()) {
            item.version = Some(calls.to_string());
        }
    })
    .await;
    assert!(found.contains(&Promise::Determinism), "{found:?}");
}

#[tokio::test]
async fn a_read_that_changes_the_ats_is_noticed_before_it_is_sent() {
    let found = broken(|call, answer| {
        if let (Call::Start(Task::Check(_)), Ok(Step::Send(send))) = (call, answer) {
            send.effect = Effect::Unsafe;
        }
    })
    .await;
    assert_eq!(found, [Promise::OneChange].into());
}

#[tokio::test]
async fn a_probe_that_is_blind_to_what_happened_is_noticed() {
    let found = broken(|_, answer| {
        if let Ok(Step::Done(Outcome::Probed(probed))) = answer {
            *probed = Probed::Absent(0);
        }
    })
    .await;
    assert_eq!(found, [Promise::Probes].into());
}

#[tokio::test]
async fn a_write_without_a_subject_is_noticed() {
    let found = broken(|_, answer| {
        if let Ok(Step::Done(Outcome::Written(Written::Applied(applied)))) = answer {
            applied.links.clear();
        }
    })
    .await;
    assert_eq!(found, [Promise::Writes].into());
}

#[tokio::test]
async fn a_refusal_that_is_called_applied_is_noticed() {
    let found = broken(|call, answer| {
        if status(call) == 422 && matches!(answer, Ok(Step::Done(Outcome::Written(_)))) {
            *answer = Err(Failure::Unavailable("later".into()));
        }
    })
    .await;
    assert!(found.contains(&Promise::Hostile), "{found:?}");
}

#[tokio::test]
async fn a_check_that_always_grants_is_noticed() {
    let found = broken(|_, answer| {
        if let Ok(Step::Done(Outcome::Checked(checked))) = answer {
            checked.verdict = Verdict::Granted;
        }
    })
    .await;
    assert!(found.contains(&Promise::Permissions), "{found:?}");
}

#[tokio::test]
async fn a_wrong_class_of_a_failure_is_noticed() {
    let found = broken(|call, answer| {
        if status(call) == 429 && answer.is_err() {
            *answer = Err(Failure::Unavailable("busy".into()));
        }
    })
    .await;
    assert!(found.contains(&Promise::Classes) && found.contains(&Promise::Throttling), "{found:?}");
}

#[tokio::test]
async fn a_hint_of_an_unsigned_webhook_is_noticed() {
    let found = broken(|call, answer| {
        if let Call::Start(Task::Hook(_)) = call {
            let answered = Response { status: 200, headers: Vec::new(), body: Vec::new() };
            let hints = vec![Hint::Changed(RemoteRef::new("candidates", "11"))];
            let hooked = Hooked { answer: answered, hints, signed_at_ms: None };
            *answer = Ok(Step::Done(Outcome::Hooked(hooked)));
        }
    })
    .await;
    assert_eq!(found, [Promise::Hooks].into());
}

#[tokio::test]
async fn a_field_that_is_silently_emptied_is_noticed() {
    let found = broken(|_, answer| {
        // A row whose employer cannot be read loses its company, and the mask still names it.
        if let Ok(Step::Done(Outcome::FlawedPage((page, _)))) = answer {
            *answer = Ok(Step::Done(Outcome::Page(page.clone())));
        }
    })
    .await;
    assert!(found.contains(&Promise::BadRow), "{found:?}");
}

#[tokio::test]
async fn a_field_that_no_record_fills_although_all_should_is_noticed() {
    let found = broken(|_, answer| {
        if let Some(page) = page(answer) {
            page.masks.iter_mut().for_each(|mask| mask.retain(|field| field != "title"));
        }
    })
    .await;
    assert!(found.contains(&Promise::Shape), "{found:?}");
}

#[tokio::test]
async fn pages_that_are_larger_than_asked_are_noticed() {
    let found = broken(|call, answer| {
        if let (Call::Start(Task::Scan(scan)), Ok(Step::Send(send))) = (call, answer)
            && scan.kind == "candidates"
            && let Target::Path(path) = &mut send.request.target
        {
            let size = path.query.iter_mut().find(|field| field.name == "per_page");
            size.unwrap().value = (scan.page_size * 2).to_string();
        }
    })
    .await;
    assert_eq!(found, [Promise::PageSize].into());
}

#[tokio::test]
async fn an_edit_below_an_old_parent_that_does_not_arrive_is_noticed() {
    let found = broken(|_, answer| {
        if let Some(page) = page(answer) {
            page.items.retain(|item| {
                item.kind != "notes" || !item.body.contains("Edited by conformance")
            });
        }
    })
    .await;
    assert_eq!(found, [Promise::Below].into());
}

#[tokio::test]
async fn a_hint_at_another_record_than_the_one_that_changed_is_noticed() {
    let found = broken(|_, answer| {
        if let Ok(Step::Done(Outcome::Hooked(hooked))) = answer {
            for hint in &mut hooked.hints {
                if let Hint::Changed(of) = hint {
                    of.id.insert(0, '9');
                }
            }
        }
    })
    .await;
    assert_eq!(found, [Promise::Signed].into());
}

#[tokio::test]
async fn a_signature_over_less_than_the_body_is_noticed() {
    let found = broken(|call, answer| {
        if let (Call::Start(Task::Hook(hook)), Ok(Step::Verify(verify))) = (call, answer) {
            // As if blanks did not count.
            let body: serde_json::Value = serde_json::from_slice(&hook.body).unwrap_or_default();
            verify.message = body.to_string().into_bytes();
        }
    })
    .await;
    assert_eq!(found, [Promise::Signed].into());
}
