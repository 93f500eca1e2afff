//! A fault that would break every promise is one message, and a sandbox is read as an author writes
//! it.

use crate::{http, plainlist};
use atsync::internals::adapter::native::Functions;
use atsync::model::PureAdapter;
use atsync::model::contract::{Failure, Given, Step, Task};
use atsync::{Adapter, NativeAdapter};
use atsync_adapter_minimal::Plainlist;
use atsync_conformance::{Described, Options, Promise, Report, test};
use std::sync::Arc;

const SANDBOX: &str = include_str!("../../examples/adapter-minimal/sandbox.yaml");

async fn report(adapter: Arc<dyn Adapter>, sandbox: &str) -> Report {
    let stage = Described::open(sandbox).await.unwrap_or_else(|error| panic!("{error}"));
    test(adapter, &stage, http(), &Options::default()).await.unwrap()
}

fn with(from: &str, to: &str) -> String {
    assert!(SANDBOX.contains(from), "{from}");
    SANDBOX.replace(from, to)
}

#[tokio::test]
async fn a_credential_that_the_sandbox_refuses_is_one_message_that_says_what_to_do() {
    for (from, to, says) in [
        ("key: plainlist-key", "key: another-key", "refuses the credential (401)"),
        ("{key: plainlist-key}", "{client: {id: a, secret: b}}", "got no answer: "),
    ] {
        let report = report(plainlist(), &with(from, to)).await;
        let broken: Vec<_> = report.broken().collect();
        assert_eq!(broken.len(), 1, "{report}");
        assert_eq!(broken[0].promise, Promise::Tenant);
        let text = report.to_string();
        assert!(text.contains(says) && text.contains("Compare `credential`"), "{text}");
        assert!(report.requests <= 2, "{text}");
    }
}

/// The smallest whole adapter, which panics at webhooks that begin like this.
fn panics_at(hook: &Task, begins: &[u8]) {
    if let Task::Hook(hook) = hook {
        assert!(!hook.body.starts_with(begins), "an author's mistake");
    }
}

fn at_any(task: Task, given: &Given) -> Result<Step, Failure> {
    panics_at(&task, b"");
    Plainlist::start(task, given)
}

/// Only at those that the suite signs.
fn at_signed(task: Task, given: &Given) -> Result<Step, Failure> {
    panics_at(&task, b"{\"event\":\"person");
    Plainlist::start(task, given)
}

#[tokio::test]
async fn webhooks_that_trap_are_one_message_and_are_not_tried_signed() {
    for start in [at_any, at_signed] {
        let functions =
            Functions { describe: Plainlist::describe, start, resume: Plainlist::resume };
        let adapter = Arc::new(NativeAdapter::new(functions).unwrap());
        let report = report(adapter, SANDBOX).await;
        let broken: Vec<Promise> = report.broken().map(|one| one.promise).collect();
        assert_eq!(broken, [Promise::NoTrap], "{report}");
        let untried = report.not_tried().filter(|one| one.promise == Promise::Signed);
        assert_eq!(untried.count(), 1, "{report}");
    }
}

#[tokio::test]
async fn a_report_counts_the_promises_that_it_checked() {
    let report = report(plainlist(), SANDBOX).await;
    let (held, broken) = report.checked();
    assert!(held > 15 && held <= Promise::ALL.len() && broken == 0, "{held}");
    let line = format!("of {} promises {held} were checked, {held} held", Promise::ALL.len());
    assert!(report.to_string().contains(&line), "{report}");
}

#[tokio::test]
async fn headers_have_any_case_and_the_parameter_of_the_size_either_name() {
    let sandbox = with("{header: x-plainlist-signature}", "{header: X-Plainlist-Signature}")
        .replace("authorization: [authorization,", "authorization: [Authorization,")
        .replace("page: page, size: per_page", "page: page, limit: per_page")
        .replace("limit: per_page, next_at", "size: per_page, next_at");
    assert!(sandbox.contains("page, limit: per_page") && sandbox.contains("size: per_page, next"));
    let report = report(plainlist(), &sandbox).await;
    assert!(report.is_clean() && report.not_tried().next().is_none(), "{report}");
}
