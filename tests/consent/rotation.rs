//! Refresh tokens rotate: each is good for one refresh, and the new pair is stored first.

use crate::kit::{BACK, HOUR_MS, ID, Keeper, Mood, Place, SECRET};
use atsync::{
    AuthReason, Connection, ConnectionOptions, Credential, Error, ErrorKind, Secret, TokenKeeper,
};
use atsync_greenhouse_sandbox::{
    Fault, FaultKind, GrantErrorBody, GrantErrorStatus, PairState, PartnerClient,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use std::pin::pin;
use std::sync::{Arc, Mutex};

const ROTATED_ONCE: [PairState; 2] = [PairState::Rotated, PairState::Live];

/// Lets other tasks run until something holds.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

fn told(error: &Error) -> (ErrorKind, Option<AuthReason>) {
    (error.kind(), error.auth_reason())
}

const REVOKED: (ErrorKind, Option<AuthReason>) =
    (ErrorKind::Auth, Some(AuthReason::ConsentRevoked));

#[tokio::test]
async fn many_callers_of_two_connections_make_one_refresh() {
    let place = Place::consented().await;
    let connections = [place.connect("acme").await, place.connect("other").await];
    for connection in &connections {
        connection.pull("jobs").await.unwrap();
    }
    place.clock.pass(HOUR_MS);
    place.sandbox().clear_logs();
    let kinds = ["jobs", "users", "offices", "departments", "sources"];
    let pulls = kinds.iter().flat_map(|kind| connections.each_ref().map(|acme| acme.pull(kind)));
    for pulled in join_all(pulls).await {
        pulled.unwrap();
    }
    assert_eq!(place.token_requests(), 1);
    assert_eq!((place.pairs(), place.kept()), ((ROTATED_ONCE.into(), 0), PairState::Live));
}

#[tokio::test]
async fn a_new_access_token_is_used_only_after_the_keeper_has_stored_the_pair() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    place.clock.pass(HOUR_MS);
    place.keeper.mood(Mood::HangsBefore);
    place.sandbox().clear_logs();
    let pull = tokio::spawn({
        let acme = acme.clone();
        async move { acme.pull("jobs").await }
    });
    place.keeper.begun(2).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    // The new pair exists, and no request was made with it.
    let paths: Vec<String> =
        place.sandbox().requests().into_iter().map(|request| request.path).collect();
    assert_eq!((place.pairs().0, paths), (ROTATED_ONCE.into(), vec!["/token".to_owned()]));
    place.keeper.mood(Mood::Stores);
    pull.await.unwrap().unwrap();
    assert_eq!(place.kept(), PairState::Live);
}

/// Kills an engine in the middle of a refresh: once its request has arrived, or once the keeper was
/// called.
async fn killed(place: &mut Place, fault: Option<FaultKind>, mood: Mood) -> Result<(), Error> {
    let acme = place.connect("acme").await;
    acme.pull("jobs").await.unwrap();
    place.clock.pass(HOUR_MS);
    place.sandbox().clear_logs();
    place.keeper.mood(mood);
    if let Some(fault) = fault {
        place.sandbox().faults().add(Fault::once("POST", "/token", fault));
    }
    let process = tokio::runtime::Runtime::new().unwrap();
    // An engine whose tasks and sockets are those of the process.
    let (engine, options) = (place.other_engine(), place.options("acme"));
    let pull = process.spawn(async move {
        let acme = engine.connect(options).await.unwrap();
        drop(acme.pull("jobs").await);
    });
    match fault {
        Some(_) => until(|| place.token_requests() > 0).await,
        None => place.keeper.begun(2).await,
    }
    process.shutdown_background();
    drop(pull.await);
    until(|| place.keeper.is_idle()).await;
    place.keeper.mood(Mood::Stores);
    place.restart();
    place.connect("acme").await.pull("jobs").await.map(drop)
}

#[tokio::test]
async fn after_a_kill_at_any_point_the_pair_is_usable_or_the_consent_is_known_to_be_lost() {
    for (fault, mood, is_usable) in [
        (Some(FaultKind::HoldBefore { delay_ms: 600_000 }), Mood::Stores, true),
        (Some(FaultKind::Slow { delay_ms: 600_000 }), Mood::Stores, false),
        (None, Mood::HangsBefore, false),
        (None, Mood::HangsAfter, true),
    ] {
        let mut place = Place::consented().await;
        let ended = killed(&mut place, fault, mood).await;
        match is_usable {
            true => ended.unwrap(),
            false => assert_eq!(told(&ended.unwrap_err()), REVOKED, "{fault:?} {mood:?}"),
        }
        // A new consent goes on with the same connection and store.
        place.consent().await.unwrap();
        place.connect("acme").await.pull("jobs").await.unwrap();
        assert_eq!(place.kept(), PairState::Live, "{fault:?} {mood:?}");
    }
}

#[tokio::test]
async fn a_restart_costs_no_refresh() {
    let mut place = Place::consented().await;
    place.sandbox().clear_logs();
    for _ in 0..3 {
        place.restart();
        place.connect("acme").await.pull("jobs").await.unwrap();
    }
    assert_eq!((place.token_requests(), place.pairs()), (0, (vec![PairState::Live], 0)));
}

#[tokio::test]
async fn a_pair_that_the_keeper_refuses_is_not_used_and_not_lost() {
    for mood in [Mood::Refuses, Mood::Panics] {
        let place = Place::consented().await;
        let acme = place.connect("acme").await;
        place.clock.pass(HOUR_MS);
        place.keeper.mood(mood);
        place.sandbox().clear_logs();
        let unstored = (ErrorKind::Unavailable, Some(AuthReason::PairNotKept));
        assert_eq!(told(&acme.pull("jobs").await.unwrap_err()), unstored);
        let requests = place.sandbox().requests().len();
        assert_eq!((requests, place.token_requests()), (1, 1), "no request but the refresh");
        place.clock.pass(60_000);
        assert_eq!(told(&acme.pull("jobs").await.unwrap_err()), unstored);
        place.keeper.mood(Mood::Stores);
        place.clock.pass(60_000);
        acme.pull("jobs").await.unwrap();
        // The refresh token that was used up was not used again.
        assert_eq!(place.token_requests(), 1, "{mood:?}");
        assert_eq!((place.pairs(), place.kept()), ((ROTATED_ONCE.into(), 0), PairState::Live));
    }
}

#[tokio::test]
async fn a_refresh_ends_although_its_caller_is_dropped_and_a_close_waits_for_it() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    place.clock.pass(HOUR_MS);
    place.keeper.mood(Mood::HangsBefore);
    let pull = tokio::spawn({
        let acme = acme.clone();
        async move { acme.pull("jobs").await }
    });
    place.keeper.begun(2).await;
    pull.abort();
    assert!(pull.await.unwrap_err().is_cancelled());
    let mut close = pin!(acme.close());
    for _ in 0..100 {
        assert!(close.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    place.keeper.mood(Mood::Stores);
    close.await;
    assert_eq!((place.pairs(), place.kept()), ((ROTATED_ONCE.into(), 0), PairState::Live));
    place.connect("acme").await.pull("jobs").await.unwrap();
    assert_eq!(place.pairs().0, ROTATED_ONCE);
}

#[tokio::test]
async fn a_revoked_consent_and_a_wrong_secret_are_told_apart_whatever_the_refusal_looks_like() {
    let statuses = [GrantErrorStatus::BadRequest, GrantErrorStatus::Unauthorized];
    let bodies = [GrantErrorBody::Error, GrantErrorBody::Described, GrantErrorBody::Message];
    for (status, body) in statuses.into_iter().flat_map(|status| bodies.map(|body| (status, body)))
    {
        for is_revoked in [true, false] {
            let place = Place::consented().await;
            place.sandbox().set_quirks(|quirks| {
                (quirks.grant_error_status, quirks.grant_error_body) = (status, body);
            });
            let acme = place.connect("acme").await;
            acme.pull("jobs").await.unwrap();
            let expected = if is_revoked {
                assert!(place.sandbox().revoke_consent(place.sandbox().consents()[0].id));
                AuthReason::ConsentRevoked
            } else {
                place.sandbox().set_partner(PartnerClient::new(ID, "another secret", BACK));
                place.clock.pass(HOUR_MS);
                AuthReason::CredentialRefused
            };
            place.sandbox().clear_logs();
            for _ in 0..3 {
                let error = acme.pull("jobs").await.unwrap_err();
                let expected = (ErrorKind::Auth, Some(expected));
                assert_eq!(told(&error), expected, "{status:?} {body:?}: {error}");
            }
            assert!(place.token_requests() <= 2, "the endpoint is not flooded");
        }
    }
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_sent_once_more_and_then_the_consent_is_lost() {
    let lost = [
        FaultKind::DropAfter,
        FaultKind::AppliedThen { status: 502 },
        FaultKind::Html,
        FaultKind::InvalidJson,
        FaultKind::Truncate { bytes: 9 },
    ];
    for fault in lost {
        let place = Place::consented().await;
        let acme = place.connect("acme").await;
        place.clock.pass(HOUR_MS);
        place.sandbox().clear_logs();
        place.sandbox().faults().add(Fault::once("POST", "/token", fault));
        assert_eq!(told(&acme.pull("jobs").await.unwrap_err()), REVOKED, "{fault:?}");
        assert_eq!((place.token_requests(), place.pairs().1), (2, 1), "{fault:?}");
    }
    // It was not carried out: the second one succeeds.
    for fault in [FaultKind::DropBefore, FaultKind::NotApplied { status: 503 }] {
        let place = Place::consented().await;
        let acme = place.connect("acme").await;
        place.clock.pass(HOUR_MS);
        place.sandbox().clear_logs();
        place.sandbox().faults().add(Fault::once("POST", "/token", fault));
        acme.pull("jobs").await.unwrap();
        assert_eq!((place.token_requests(), place.pairs()), (2, (ROTATED_ONCE.into(), 0)));
    }
}

#[tokio::test]
async fn a_failing_token_endpoint_is_unclear_and_no_revocation() {
    for fault in [FaultKind::DropBefore, FaultKind::NotApplied { status: 503 }] {
        let place = Place::consented().await;
        let acme = place.connect("acme").await;
        acme.pull("jobs").await.unwrap();
        place.sandbox().faults().add(Fault::always("/token", fault));
        // Its last minutes: a refresh that fails does no harm yet.
        place.clock.pass(56 * 60_000);
        acme.pull("jobs").await.unwrap();
        place.clock.pass(HOUR_MS);
        place.sandbox().clear_logs();
        let unclear = (ErrorKind::Unavailable, Some(AuthReason::ConsentUnclear));
        for _ in 0..3 {
            assert_eq!(told(&acme.pull("jobs").await.unwrap_err()), unclear, "{fault:?}");
        }
        assert_eq!(place.token_requests(), 1, "the one that is sent again was sent before");
        place.sandbox().faults().clear();
        place.clock.pass(60_000);
        acme.pull("jobs").await.unwrap();
        assert_eq!(place.pairs(), (ROTATED_ONCE.into(), 0));
    }
}

/// Returns an older text once: another process stored its own just after it was read.
#[derive(Debug)]
struct Behind {
    inner: Arc<Keeper>,
    old: Mutex<Option<Secret>>,
}

impl TokenKeeper for Behind {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        match self.old.lock().unwrap().take() {
            Some(old) => async move { Ok(Some(old)) }.boxed(),
            None => self.inner.load(),
        }
    }

    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        self.inner.store(text)
    }
}

#[tokio::test]
async fn a_pair_that_another_process_refreshed_is_used_instead_of_a_revocation() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    let behind = Arc::new(Behind { inner: Arc::clone(&place.keeper), old: Mutex::default() });
    let mut options: ConnectionOptions = place.options("other");
    options.credential = Credential::AuthorizationCode {
        client_id: ID.into(),
        client_secret: Secret::new(SECRET),
        keeper: Arc::clone(&behind) as _,
    };
    let other: Connection = place.other_engine().connect(options).await.unwrap();
    other.pull("jobs").await.unwrap();
    let old = place.keeper.text();
    place.clock.pass(HOUR_MS);
    place.sandbox().clear_logs();
    acme.pull("jobs").await.unwrap();
    other.pull("jobs").await.unwrap();
    assert_eq!(place.token_requests(), 1, "the keeper is read first");
    place.clock.pass(HOUR_MS);
    let newer = place.keeper.text();
    assert_ne!(old, newer);
    acme.pull("jobs").await.unwrap();
    *behind.old.lock().unwrap() = newer;
    other.pull("jobs").await.unwrap();
    assert_eq!((place.token_requests(), place.kept()), (3, PairState::Live));
}

#[tokio::test]
async fn a_removed_scope_acts_at_once_and_a_refreshed_token_has_the_rest() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    acme.pull("notes").await.unwrap();
    assert!(place.sandbox().remove_partner_scope(ID, "harvest:notes:list"));
    for _ in 0..2 {
        assert_eq!(acme.pull("notes").await.unwrap_err().kind(), ErrorKind::Denied);
        acme.pull("jobs").await.unwrap();
        place.clock.pass(HOUR_MS);
    }
    assert_eq!(place.pairs(), (ROTATED_ONCE.into(), 0));
}

#[tokio::test]
async fn records_are_read_with_another_consent_only_after_the_ats_said_whose_it_is() {
    let place = Place::consented().await;
    let acme = place.connect("acme").await;
    let reads = async || {
        place.sandbox().clear_logs();
        acme.pull("jobs").await.unwrap();
        let requests = place.sandbox().requests();
        requests.into_iter().filter(|request| request.method == "GET").count()
    };
    let first = reads().await;
    let usual = reads().await;
    assert!(usual < first, "the customer is asked for once");
    place.clock.pass(HOUR_MS);
    assert_eq!(reads().await, usual, "a refresh changes no customer");
    // The open connection gets the new tokens by itself, and asks again.
    place.consent().await.unwrap();
    assert_eq!((reads().await, reads().await), (first, usual));
}
