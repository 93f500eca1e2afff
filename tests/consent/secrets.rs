//! No secret of a consent is in a log, a `Debug` text or an error.
//!
//! The only test of its file: it captures the log of this thread, and other threads that log would
//! disturb that.

#[path = "kit.rs"]
#[allow(dead_code, reason = "the kit serves another target, too")]
mod kit;

use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::Lines;
use kit::{HOUR_MS, Mood, Place, SECRET};
use tracing::Level;

#[tokio::test]
async fn no_log_no_debug_text_and_no_error_shows_a_secret_of_a_consent() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let mut shown = String::new();
    let mut secrets = vec![SECRET.to_owned()];
    let place = Place::new().await;
    let start = place.begin("acme").await;
    let query = place.allow(&start).await;
    secrets.extend(query.split('&').map(|pair| pair.split_once('=').unwrap().1.to_owned()));
    assert_eq!(secrets.len(), 3, "code and state");
    let options = place.options("acme");
    shown += &format!("{start:?} {options:?} {:?}", options.credential);
    // It quotes the whole text in its error.
    place.keeper.mood(Mood::Refuses);
    let error = place.engine.finish_consent(&options, &start.remember, &query).await.unwrap_err();
    assert!(error.to_string().contains("disk full"), "{error}");
    shown += &format!("{error} {error:?}");
    place.keeper.mood(Mood::Stores);
    let acme = place.connect("acme").await;
    for _ in 0..2 {
        acme.pull("jobs").await.unwrap();
        secrets.extend(["access_token", "refresh_token"].map(|name| place.keeper.token(name)));
        place.clock.pass(HOUR_MS);
    }
    place.sandbox().faults().add(Fault::once("POST", "/token", FaultKind::DropAfter));
    let error = acme.pull("jobs").await.unwrap_err();
    shown += &format!("{error} {error:?} {acme:?} {:?} {:?}", place.engine, place.keeper.text());
    drop(logging);
    let log = lines.text();
    assert!(log.contains("/v3/jobs"), "the log was captured");
    assert_eq!(secrets.len(), 7);
    for secret in secrets {
        assert!(secret.len() >= 20, "{secret}");
        assert!(!log.contains(&secret) && !shown.contains(&secret), "{secret}\n{shown}\n{log}");
    }
}
