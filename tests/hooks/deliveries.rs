//! Repeated, late, out of order, or forged: nothing changes that the ATS does not confirm.

use crate::host::{Behaviour, Host, ends};
use atsync::{HintEnd, Verdict};
use atsync_greenhouse_sandbox::{HookCopies, HookOrder, HookState, Recruiter};
use serde_json::Value;

const MINUTE_MS: i64 = 60_000;

fn first_candidate(host: &Host) -> i64 {
    host.sandbox().rows("candidates")[0]["id"].as_i64().unwrap()
}

fn rename(candidate_id: i64, first_name: &str) -> Recruiter {
    Recruiter::Rename { candidate_id, first_name: first_name.into(), last_name: "Byron".into() }
}

/// Carries out changes without waiting for their deliveries.
fn busy_day(host: &Host) {
    let candidate_id = first_candidate(host);
    let candidates = host.sandbox().rows("candidates");
    let candidate = |at: usize| candidates[at]["id"].as_i64().unwrap();
    let (winner, loser, deleted) = (candidate(4), candidate(5), candidate(9));
    let applications = host.sandbox().rows("applications");
    let on_a_job = |status: &str| {
        let applies = |row: &&Value| row["status"] == status && row["prospect"] == false;
        let stays =
            |row: &&Value| ![loser, deleted].map(Value::from).contains(&row["candidate_id"]);
        let rows = applications.iter().filter(applies).filter(stays);
        rows.map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let (active, rejected) = (on_a_job("in_process"), on_a_job("rejected"));
    for deed in [
        rename(candidate_id, "One"),
        rename(candidate_id, "Two"),
        Recruiter::Reject { application_id: active[0], rejection_reason_id: None },
        Recruiter::Unreject { application_id: active[0] },
        Recruiter::Unreject { application_id: rejected[0] },
        Recruiter::Reject { application_id: active[1], rejection_reason_id: None },
        Recruiter::DeleteApplication { application_id: active[2] },
        Recruiter::DeleteCandidate { candidate_id: deleted },
        Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser },
        rename(winner, "Winner"),
        rename(candidate_id, "Three"),
    ] {
        host.sandbox().recruiter(&deed).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_arrives_late_backwards_and_twice_ends_as_the_day_did() {
    for copies in [HookCopies::One, HookCopies::SameId, HookCopies::AnotherId] {
        let host = Host::hearing(&[]).await;
        host.sandbox().set_quirks(|quirks| {
            quirks.webhooks.copies = copies;
            quirks.webhooks.order = HookOrder::Reversed;
            quirks.webhooks.delay_ms = 10 * MINUTE_MS;
        });
        busy_day(&host);
        host.settled().await;
        assert!(!host.differences().await.is_empty(), "nothing is due yet");
        host.sandbox().advance_ms(10 * MINUTE_MS);
        host.settled().await;
        host.agrees(&format!("{copies:?}")).await;
        host.all_delivered();
        host.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_again_changes_nothing() {
    let host = Host::hearing(&[]).await;
    busy_day(&host);
    host.settled().await;
    host.agrees("a day").await;
    let (serial, requests) = (host.serial().await, host.sandbox().requests().len());
    for arrival in host.arrivals() {
        let again = host.deliver(&arrival.headers, &arrival.body).await;
        assert_eq!((again.verdict, again.status), (Verdict::Duplicate, 200));
    }
    assert_eq!(host.sandbox().requests().len(), requests, "a known delivery costs no read");
    // Under new ids, as after hours and from another webhook: the reads show the present state.
    for (number, arrival) in host.arrivals().into_iter().enumerate() {
        let mut headers = arrival.headers.clone();
        headers.retain(|(name, _)| name != "greenhouse-event-id");
        headers.push(("greenhouse-event-id".to_owned(), format!("again-{number}")));
        assert_eq!(host.deliver(&headers, &arrival.body).await.status, 200);
    }
    assert_eq!(host.serial().await, serial, "no change event");
    host.agrees("the same day again").await;
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_brings_what_was_missed_while_the_host_was_down() {
    let host = Host::hearing(&[]).await;
    host.behave(Behaviour::Down);
    busy_day(&host);
    let mut waits_min = [1, 15, 60, 120, 240, 480].into_iter();
    for wait_min in waits_min.by_ref().take(3) {
        host.settled().await;
        host.sandbox().advance_ms(wait_min * MINUTE_MS);
    }
    host.settled().await;
    assert!(!host.differences().await.is_empty());
    host.behave(Behaviour::Works);
    host.sandbox().advance_ms(120 * MINUTE_MS);
    host.settled().await;
    host.agrees("hours without the host").await;
    host.all_delivered();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_whose_answer_was_lost_comes_again_and_costs_no_read() {
    let host = Host::hearing(&["update_candidate"]).await;
    host.behave(Behaviour::AnswersLost);
    host.done(&rename(first_candidate(&host), "Ada")).await;
    host.agrees("a change").await;
    host.behave(Behaviour::Works);
    let reads = host.sandbox().requests().len();
    host.sandbox().advance_ms(MINUTE_MS);
    host.settled().await;
    let last = host.arrivals().pop().unwrap();
    assert_eq!(last.received.verdict, Verdict::Duplicate);
    assert_eq!(host.sandbox().requests().len(), reads);
    host.all_delivered();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_anywhere_is_a_forgery_and_leads_to_no_read() {
    let host = Host::hearing(&["update_candidate"]).await;
    let (_, arrivals) = host.done(&rename(first_candidate(&host), "Ada")).await;
    let arrival = &arrivals[0];
    assert_eq!(ends(arrival)[0].1, HintEnd::TakenIn);
    host.sandbox().clear_logs();
    let serial = host.serial().await;
    for bit in 0..arrival.body.len() * 8 {
        let mut body = arrival.body.clone();
        body[bit / 8] ^= 1 << (bit % 8);
        let received = host.deliver(&arrival.headers, &body).await;
        assert_eq!((received.verdict, received.status), (Verdict::Forged, 401), "bit {bit}");
    }
    let at = arrival.headers.iter().position(|(name, _)| name == "signature").unwrap();
    for position in "sha256 ".len()..arrival.headers[at].1.len() {
        let mut headers = arrival.headers.clone();
        let digit = headers[at].1.as_bytes()[position];
        let other = if digit == b'0' { "1" } else { "0" };
        headers[at].1.replace_range(position..=position, other);
        let received = host.deliver(&headers, &arrival.body).await;
        assert_eq!(received.verdict, Verdict::Forged, "digit {position}");
    }
    assert!(host.sandbox().requests().is_empty());
    assert_eq!(host.serial().await, serial);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_false_event_with_a_valid_signature_deletes_and_merges_nothing_in_the_store() {
    let host = Host::hearing(&[]).await;
    let (one, two) = (first_candidate(&host), host.sandbox().rows("candidates")[1]["id"].clone());
    let application = host.sandbox().rows("applications")[0]["id"].clone();
    let job = host.sandbox().rows("jobs")[0]["id"].clone();
    let department = host.sandbox().rows("departments")[0]["id"].clone();
    for (event, payload) in [
        (
            "delete_candidate",
            serde_json::json!({"person": {"id": one,
            "deleted_application_ids": [application]}}),
        ),
        ("merge_candidate", serde_json::json!({"person": {"id": one, "new_candidate_id": two}})),
        ("delete_application", serde_json::json!({"application": {"id": application}})),
        ("job_deleted", serde_json::json!({"job": {"id": job}})),
        ("department_deleted", serde_json::json!({"department": {"id": department}})),
    ] {
        host.sandbox().fire_webhook(event, payload).unwrap();
        host.settled().await;
        let arrival = host.arrivals().pop().unwrap();
        assert!(ends(&arrival).iter().all(|(_, end)| *end == HintEnd::StillThere), "{event}");
    }
    host.agrees("five false events").await;
    let all = host.sandbox().hook_deliveries();
    assert!(all.iter().all(|delivery| delivery.state == HookState::Delivered));
    host.end().await;
}
