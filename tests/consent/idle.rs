//! An unused connection refreshes before its refresh token ends.

use crate::kit::{HOUR_MS, Place};
use atsync::{AuthReason, Credential, Crons, ErrorKind, Round, Secret};
use atsync_greenhouse_sandbox::{Fault, FaultKind, PairState};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// A day is the life of a refresh token that is not used.
const DAY_MS: u64 = 24 * HOUR_MS;

#[tokio::test]
async fn a_run_without_anything_to_do_keeps_the_consent_alive_for_days() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let run = tokio::spawn({
        let acme = acme.clone();
        async move { acme.run(Crons::default(), async { drop(stopped.await) }, |_| {}).await }
    });
    for half_day in 1..=6 {
        place.clock.pass(DAY_MS / 2);
        place.keeper.begun(1 + half_day).await;
    }
    drop(stop);
    run.await.unwrap().unwrap();
    assert_eq!((place.pairs().0.len(), place.pairs().1), (7, 0));
    acme.pull("jobs").await.unwrap();
    // Nothing keeps it alive now.
    place.clock.pass(DAY_MS);
    let error = acme.pull("jobs").await.unwrap_err();
    assert_eq!(error.auth_reason(), Some(AuthReason::ConsentRevoked), "{error}");
}

#[tokio::test]
async fn a_host_without_a_run_is_told_when_to_call_again() {
    let mut place = Place::consented().await;
    let acme = place.connect("acme").await;
    place.sandbox().clear_logs();
    let again_ms = acme.keep_alive().await.unwrap().unwrap();
    assert!((DAY_MS / 2 - 60_000..=DAY_MS / 2).contains(&again_ms), "{again_ms}");
    assert_eq!(place.token_requests(), 0);
    place.clock.pass(again_ms);
    acme.keep_alive().await.unwrap();
    assert_eq!((place.token_requests(), place.kept()), (1, PairState::Live));
    // The age survives a restart.
    place.clock.pass(DAY_MS / 2 + HOUR_MS);
    place.restart();
    place.connect("acme").await.keep_alive().await.unwrap();
    assert_eq!((place.token_requests(), place.kept()), (2, PairState::Live));
    let mut custom = place.options("custom");
    custom.credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let custom = place.engine.connect(custom).await.unwrap();
    assert_eq!(custom.keep_alive().await.unwrap(), None);
}

#[tokio::test]
async fn a_keep_alive_that_fails_is_reported_and_tried_again_in_time() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    place.sandbox().faults().add(Fault::always("/token", FaultKind::NotApplied { status: 503 }));
    let told = Arc::new(watch::Sender::new(0));
    let (stop, stopped) = oneshot::channel::<()>();
    let run = tokio::spawn({
        let (acme, told) = (acme.clone(), Arc::clone(&told));
        let tell = move |round: &Round<'_>| {
            if let Round::KeepAliveFailed { error, wait_ms } = round {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert_eq!(error.auth_reason(), Some(AuthReason::ConsentUnclear));
                assert!(*wait_ms <= 16 * 60_000);
                told.send_modify(|times| *times += 1);
            }
        };
        async move { acme.run(Crons::default(), async { drop(stopped.await) }, tell).await }
    });
    place.clock.pass(DAY_MS / 2);
    for times in 1..=3 {
        told.subscribe().wait_for(|told| *told >= times).await.unwrap();
        place.clock.pass(16 * 60_000);
    }
    place.sandbox().faults().clear();
    place.clock.pass(16 * 60_000);
    place.keeper.begun(2).await;
    drop(stop);
    run.await.unwrap().unwrap();
    assert_eq!((place.pairs().1, place.kept()), (0, PairState::Live));
}
