//! Section E: rate limits and retries.

use super::{ADA, ada, bring, pass, the_candidate, world, world_of};
use atsync::{Clock as _, ErrorKind};
use atsync_greenhouse_sandbox::{Fault, FaultKind, RetryAfter};
use atsync_tests::World;
use serde_json::json;

/// The times of the requests with this status.
fn times(world: &World, path: &str) -> Vec<i64> {
    let requests = world.sandbox.requests();
    requests.iter().filter(|request| request.path == path).map(|request| request.at_ms).collect()
}

fn refused(world: &World) -> usize {
    world.sandbox.requests().iter().filter(|request| request.status == 429).count()
}

/// Entries 46, 47 and 50: twenty pages under an unknown limit, smaller or larger than assumed. No
/// avoidable 429, and the windows turn when they turn: waiting for the misleading reset header
/// would take twice as long.
#[test]
fn twenty_pages_under_an_unknown_limit_meet_no_429_and_use_the_windows_as_they_turn() {
    // The limit, and the allowed time: the window turns ten seconds after the beginning, and a
    // backfill leaves a part of each to others.
    for (limit, took_ms_max) in [(4, 105_000), (10, 30_000), (150, 2_000)] {
        println!("limit {limit}");
        let world = world_of(|options| {
            options.company.candidates = 9_600;
            options.rate_limit = limit;
        });
        let acme = world.connect();
        // In the window before.
        world.run(acme.verify_tenant()).unwrap();
        pass(&world, 50_000);
        let began_ms = world.clock.now_ms();
        let report = world.run(acme.pull("candidates")).unwrap();
        assert_eq!(report.pages, 20);
        assert_eq!(refused(&world), 0);
        assert_eq!(times(&world, "/v3/candidates").len(), 20);
        let took_ms = world.clock.now_ms() - began_ms;
        println!("took {took_ms} ms");
        assert!(took_ms <= took_ms_max, "took {took_ms} ms");
    }
}

/// Entries 45 and 47: others use the same bucket and a 429 has no `Retry-After`. The engine waits,
/// at least a second each time, and loses no page.
#[test]
fn a_limit_that_others_used_up_is_waited_out_with_or_without_retry_after() {
    for retry_after in [RetryAfter::Sent, RetryAfter::Missing] {
        println!("{retry_after:?}");
        let world = world_of(|options| {
            options.company.candidates = 1_100;
            options.rate_limit = 10;
            options.quirks.retry_after = retry_after;
        });
        let acme = world.connect();
        world.run(acme.pull("jobs")).unwrap();
        for _ in 0..10 {
            let other = atsync_greenhouse_sandbox::Request {
                method: "GET",
                path_and_query: "/v3/jobs",
                headers: &[],
                body: &[],
            };
            let _ = world.sandbox.handle(&other);
        }
        world.sandbox.clear_logs();
        let report = world.run(acme.pull("candidates")).unwrap();
        assert_eq!((report.pages, report.records), (3, 1_100));
        let times = times(&world, "/v3/candidates");
        assert!(refused(&world) >= 1, "the law was put to the test");
        assert!(refused(&world) <= 6, "{} refusals", refused(&world));
        let requests = world.sandbox.requests();
        for (at, request) in
            requests.iter().enumerate().filter(|(_, request)| request.status == 429)
        {
            let next = requests.get(at + 1).unwrap();
            assert!(
                next.at_ms - request.at_ms >= 1_000,
                "came back after {} ms: {times:?}",
                next.at_ms - request.at_ms
            );
        }
    }
}

/// Entry 45: 429 for ever. A pass makes a bounded number of attempts with growing pauses, then
/// fails as temporarily unavailable.
#[test]
fn an_endless_429_fails_after_few_attempts_with_growing_pauses() {
    let world = world(|_| {});
    let acme = world.connect();
    world.sandbox.faults().add(Fault::always("/v3/candidates", FaultKind::TooManyRequests));
    let error = world.run(acme.pull("candidates")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let times = times(&world, "/v3/candidates");
    assert!((2..=6).contains(&times.len()), "{times:?}");
    let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause >= 1_000), "{pauses:?}");
    assert!(pauses.last() > pauses.first(), "{pauses:?}");
    // It resumes by itself later.
    world.sandbox.faults().clear();
    pass(&world, 300_000);
    world.run(acme.pull("candidates")).unwrap();
}

/// Entry 45: reads that meet a failing server are repeated a few times, never in a storm.
#[test]
fn an_endless_5xx_fails_after_few_attempts_with_pauses() {
    for status in [500, 502, 503, 504] {
        let world = world(|_| {});
        let acme = world.connect();
        world
            .sandbox
            .faults()
            .add(Fault::always("/v3/candidates", FaultKind::NotApplied { status }));
        let error = world.run(acme.pull("candidates")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let times = times(&world, "/v3/candidates");
        assert!((2..=5).contains(&times.len()), "{times:?}");
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 250), "{times:?}");
    }
}

/// Entry 48: the token endpoint has its own limit, which many actors of one client share. The
/// engine spreads them, and none is refused.
#[test]
fn many_tokens_at_once_stay_within_the_limit_of_the_token_endpoint() {
    let mut world = world_of(|options| options.token_rate_limit = 3);
    let users = world.sandbox.rows("users");
    let admins: Vec<i64> = users
        .iter()
        .filter(|user| {
            user["site_admin"] == true
                && user["deactivated"] == false
                && user["emails"] != json!([])
        })
        .filter_map(|user| user["id"].as_i64())
        .collect();
    let mut connections = vec![world.connect()];
    for admin in &admins {
        world.settings.insert("act_as".into(), json!(admin.to_string()));
        connections.push(world.connect());
    }
    assert!(connections.len() > 3, "{} actors", connections.len());
    for acme in &connections {
        world.run(acme.pull_full("offices")).unwrap();
    }
    assert_eq!(refused(&world), 0);
    assert_eq!(times(&world, "/token").len(), connections.len());
}

/// Entry 49: 429 says that nothing was done. A create that meets it is repeated, and never once too
/// often.
#[test]
fn a_create_that_meets_a_429_is_made_once() {
    let world = world(|_| {});
    let acme = world.connect();
    world.sandbox.faults().add(Fault {
        times: Some(2),
        ..Fault::once("POST", "/v3/candidates", FaultKind::TooManyRequests)
    });
    let report = bring(&world, &acme, &ada(&json!({})));
    assert_eq!(report.count("applied"), 1);
    the_candidate(&world, ADA);
}
