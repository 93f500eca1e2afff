//! The binary is killed with SIGKILL, over real HTTP, and started again: it reads no stored page
//! twice and creates no record twice.
//!
//! Method: the sandbox holds a chosen request for ever, before or after it processed it; when its
//! log shows that request, the test kills the process. The tests enumerate the moments: an
//! undisturbed run first counts the requests, then each request is one moment. Left out: kills
//! between two requests, which the engine's own tests cover by cancelling at each request of a
//! simulation; and power loss, which the store's tests cover
//! (`engine/tests/store_contract/crashing.rs`).

#![allow(clippy::disallowed_methods, reason = "tests use the disk, programs and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where something does not hold"
)]
mod cli_support;

use atsync_greenhouse_sandbox::{Fault, FaultKind, Logged};
use cli_support::{Ran, Site};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::process::Stdio;

/// Longer than any test runs: a process with a held request is killed.
const FOR_EVER_MS: u64 = 3_600_000;
/// Cases that run in parallel.
const AT_ONCE: usize = 3;
const EMAIL: &str = "ada@new.example.com";
const TAG: &str = "Tag Of No One Yet";
const APPLY: &[&str] = &["apply", "acme", "--desired", "r.jsonl", "--yes"];

/// Whether the company counts received or answered requests.
fn asked(site: &Site, is: impl Fn(&Logged) -> bool) -> Vec<Logged> {
    site.sandbox().requests().into_iter().filter(|logged| is(logged)).collect()
}

fn is_page_of_candidates(logged: &Logged) -> bool {
    logged.method == "GET" && logged.path == "/v3/candidates"
}

fn is_write(logged: &Logged) -> bool {
    logged.method != "GET" && logged.path != "/token"
}

/// Starts the binary and kills it as soon as the sandbox has seen so many requests of a kind.
/// Returns whether it reached that number.
async fn killed_at(
    site: &Site,
    arguments: &[&str],
    seen: usize,
    is: impl Fn(&Logged) -> bool + Copy,
) -> bool {
    let mut child =
        site.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Bounded by the process: it reaches the request or exits.
    while asked(site, is).len() < seen {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::task::yield_now().await;
    }
    child.start_kill().unwrap();
    child.wait().await.unwrap().code().is_none()
}

#[tokio::test]
async fn twenty_thousand_candidates_are_forty_calls_and_a_kill_costs_at_most_one_page_more() {
    let site = Site::sized(20_000).await;
    let pull = ["pull", "acme", "--kinds", "candidates"];
    let whole = site.run(&pull).await;
    assert_eq!(whole.code, 0, "{whole:?}");
    assert_eq!(asked(&site, is_page_of_candidates).len(), 40);
    assert_eq!(asked(&site, |_| true).len(), 42, "and one each for the token and for the customer");

    // Held at page 21: the store has page 20, since the binary asks for the next page only then.
    let (second, third) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut site = Site { directory: second, ..site };
    site.write("acme.toml", &site.config());
    site.sandbox().clear_logs();
    let held = FaultKind::Slow { delay_ms: FOR_EVER_MS };
    site.sandbox().faults().add(Fault::once("GET", "/v3/candidates", held).after(20));
    assert!(killed_at(&site, &pull, 21, is_page_of_candidates).await);
    site.sandbox().clear_logs();
    let rest = site.run(&pull).await;
    assert_eq!(rest.code, 0, "{rest:?}");
    assert_eq!(asked(&site, is_page_of_candidates).len(), 20);
    assert_eq!(kept(&site).await, site.sandbox().count("candidates"));

    // Killed while page 20 is on the wire or being stored.
    site.directory = third;
    site.write("acme.toml", &site.config());
    site.sandbox().clear_logs();
    assert!(killed_at(&site, &pull, 20, is_page_of_candidates).await);
    site.sandbox().clear_logs();
    let rest = site.run(&pull).await;
    assert_eq!(rest.code, 0, "{rest:?}");
    let pages = asked(&site, is_page_of_candidates).len();
    assert!((20..=21).contains(&pages), "{pages}");
    assert_eq!(kept(&site).await, site.sandbox().count("candidates"));
}

/// The number of observed candidates according to `status`.
async fn kept(site: &Site) -> usize {
    let status = site.run(&["status", "acme", "--json"]).await;
    assert_eq!(status.code, 0, "{status:?}");
    let line = status.json().remove(0);
    let count = line.pointer("/observed/candidates").and_then(Value::as_u64);
    usize::try_from(count.unwrap_or_else(|| unreachable!("{line}"))).unwrap()
}

/// A company, and a record with one of everything that can be written.
async fn with_a_referral() -> Site {
    let site = Site::sized(40).await;
    site.write("acme.toml", &(site.config() + "settle_window_ms = 20\n"));
    let jobs = site.jobs();
    let record = json!({
        "key": "ref-1", "name": { "first": "Ada", "last": "Obi" }, "emails": [EMAIL],
            "phones": ["+49 30 5550 1234"],
        "company": "Globex", "title": "Engineer", "tags": [TAG],
            "custom_fields": { "external_ref": "ref-1" },
        "notes": [{ "key": "n", "body": "We worked together." }],
        // The candidate's create carries the first application; the second is a request of its own.
        "applications": [
            { "key": "a", "job": jobs[0], "source": "Acme Referrals" },
            { "key": "b", "job": jobs[1], "source": "Acme Referrals" },
        ],
    });
    site.write("r.jsonl", &record.to_string());
    site
}

/// A second run ends in step, with exactly one of everything and nothing left to write.
async fn is_exactly_one(site: &Site, case: &str) {
    let again = site.run(APPLY).await;
    let said = |ran: &Ran| format!("{case}: {ran:?}\n{:#?}", asked(site, is_write));
    assert_eq!(again.code, 0, "{}", said(&again));
    let sandbox = site.sandbox();
    let candidates = sandbox.candidates_by_email(EMAIL);
    assert_eq!((candidates.len(), sandbox.creates("candidates")), (1, 1), "{}", said(&again));
    let id = candidates[0]["id"].as_i64().unwrap();
    assert_eq!(
        (sandbox.applications_of(id).len(), sandbox.creates("applications")),
        (2, 2),
        "{}",
        said(&again)
    );
    for (what, count) in [
        ("notes", sandbox.notes_of(id).len()),
        ("applied tags", sandbox.rows_of_candidate("applied_candidate_tags", id).len()),
        ("tags", sandbox.creates("candidate_tags")),
        ("phones", candidates[0]["phone_numbers"].as_array().unwrap().len()),
    ] {
        assert_eq!(count, 1, "{what}, {}", said(&again));
    }
    assert_eq!(candidates[0]["company"], "Globex", "{}", said(&again));
    sandbox.clear_logs();
    let plan = site.run(&["plan", "acme", "--all"]).await;
    assert_eq!((plan.code, asked(site, is_write).len()), (0, 0), "{}", said(&plan));
}

#[tokio::test]
async fn an_apply_killed_at_any_request_ends_with_exactly_one_of_everything() {
    let clean = with_a_referral().await;
    is_exactly_one(&clean, "not killed").await;
    let clean = with_a_referral().await;
    assert_eq!(clean.run(APPLY).await.code, 0);
    let requests = asked(&clean, |_| true).len();
    let writes = asked(&clean, is_write).len();
    // The candidate with tag and application, the other application, the note.
    assert!(writes >= 3, "{:#?}", asked(&clean, is_write));
    let moments = (0..requests).flat_map(|before| [(before, true), (before, false)]);
    let cases = moments.map(|(before, is_processed)| async move {
        let site = with_a_referral().await;
        let fault = if is_processed {
            FaultKind::Slow { delay_ms: FOR_EVER_MS }
        } else {
            FaultKind::HoldBefore { delay_ms: FOR_EVER_MS }
        };
        let mut held = Fault::always("/", fault).after(u32::try_from(before).unwrap());
        held.times = Some(1);
        site.sandbox().faults().add(held);
        // The log also shows a request that is held before it is processed.
        let case = format!("killed at request {}, processed: {is_processed}", before + 1);
        assert!(killed_at(&site, APPLY, before + 1, |_| true).await, "{case}: it ended by itself");
        site.sandbox().faults().clear();
        is_exactly_one(&site, &case).await;
    });
    let done = futures_util::stream::iter(cases).buffer_unordered(AT_ONCE).count().await;
    assert_eq!(done, 2 * requests);
}

#[tokio::test]
async fn an_answer_lost_after_any_write_ends_with_exactly_one_of_everything() {
    let clean = with_a_referral().await;
    assert_eq!(clean.run(APPLY).await.code, 0);
    let writes = asked(&clean, is_write);
    for logged in &writes {
        for kind in
            [FaultKind::DropAfter, FaultKind::AppliedThen { status: 502 }, FaultKind::DropBefore]
        {
            let site = with_a_referral().await;
            site.sandbox().faults().add(Fault::once(&logged.method, &logged.path, kind));
            let case = format!("{kind:?} at {} {}", logged.method, logged.path);
            // It settles the write in doubt; steps that depended on a tag in doubt may be left for
            // the next run, as the exit code says.
            site.run(APPLY).await;
            is_exactly_one(&site, &case).await;
        }
    }
}

#[tokio::test]
async fn a_run_with_nothing_to_change_makes_no_write_and_at_most_one_call_per_kind() {
    let site = with_a_referral().await;
    assert_eq!(site.run(APPLY).await.code, 0);
    for arguments in
        [&["plan", "acme", "--desired", "r.jsonl"][..], &["plan", "acme", "--all"], APPLY]
    {
        site.sandbox().clear_logs();
        let ran = site.run(arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        let requests = asked(&site, |_| true);
        assert!(requests.iter().all(|logged| !is_write(logged)), "{arguments:?}: {requests:#?}");
        let mut paths: Vec<&str> = requests.iter().map(|logged| logged.path.as_str()).collect();
        paths.sort_unstable();
        let calls = paths.len();
        paths.dedup();
        assert_eq!(calls, paths.len(), "{arguments:?}: {requests:#?}");
    }
}

#[tokio::test]
async fn a_killed_compact_leaves_the_store_whole_and_the_next_command_removes_its_copy() {
    let site = Site::sized(1_500).await;
    assert_eq!(site.run(&["pull", "acme", "--kinds", "candidates"]).await.code, 0);
    let copy = site.path("acme.redb.compacting");
    let mut midway = 0;
    // A compaction may end before the kill; the test fails only if no kill of all of them found a
    // copy.
    for _ in 0..20 {
        let mut child =
            site.command(&["compact"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !copy.exists() && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        midway += usize::from(copy.exists());
        assert_eq!(kept(&site).await, site.sandbox().count("candidates"), "the store is whole");
        assert!(!copy.exists(), "a copy as private as the store stays beside it");
    }
    assert!(midway > 0, "no compaction was killed midway");
    assert_eq!(site.run(&["compact"]).await.code, 0);
    assert_eq!(kept(&site).await, site.sandbox().count("candidates"));
}
