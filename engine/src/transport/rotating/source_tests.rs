//! Rotating tokens through a session, against a scripted endpoint in virtual time and without a
//! runtime.

use super::*;
use crate::clock::Clock;
use crate::testing::{ManualClock, Scripted, SeededEntropy, answer, header};
use crate::transport::session::{Session, SessionOptions, Shared};
use crate::transport::{AuthConfig, Delivery, Priority};
use atsync_model::contract::{Body, Effect, Path, Request, Target};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::pin::pin;

const T0: u64 = 1_778_507_624_000;

/// Holds a text, and takes a while to store another one.
#[derive(Debug)]
struct Slow {
    clock: Arc<ManualClock>,
    text: Mutex<Secret>,
}

impl TokenKeeper for Slow {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, String>> {
        let text = self.text.lock().unwrap().clone();
        Box::pin(async move { Ok(Some(text)) })
    }

    fn store<'a>(&'a self, text: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            self.clock.sleep(1_000).await;
            *self.text.lock().unwrap() = text.clone();
            Ok(())
        })
    }
}

/// An endpoint that gives `access-n` and `refresh-n` for `refresh-(n-1)`, and an API that repeats
/// what it was sent and every token there is.
fn service(clock: &Arc<ManualClock>) -> Arc<Scripted> {
    let last = Mutex::new(0);
    Scripted::new(clock, move |_, request| {
        let mut last = last.lock().unwrap();
        if request.url.path() != "/token" {
            let bearer = header(request, "authorization").unwrap();
            return (10, answer(200, &[("x-seen", bearer)], "refresh-number-1 access-number-1"));
        }
        let form = String::from_utf8(request.body.clone()).unwrap();
        if form != format!("grant_type=refresh_token&refresh_token=refresh-number-{last}") {
            return (10, answer(400, &[], r#"{"error": "invalid_grant"}"#));
        }
        *last += 1;
        let body = format!(
            r#"{{"access_token": "access-number-{last}", "refresh_token": "refresh-number-{last}",
                "expires_in": 3600}}"#
        );
        (10, answer(200, &[], &body))
    })
}

fn session(clock: &Arc<ManualClock>, transport: &Arc<Scripted>) -> Session {
    let text = Mutex::new(Secret::new(r#"{"refresh_token": "refresh-number-0"}"#));
    let origins = [("api", "https://api.test"), ("auth", "https://auth.test")]
        .map(|(name, url)| (name.to_owned(), url.parse().unwrap()));
    let mut options = SessionOptions::new("acme", BTreeMap::from(origins));
    options.credential_origins = ["api".to_owned()].into();
    options.auth = AuthConfig::AuthorizationCode {
        token_origin: "auth".into(),
        token_path: "/token".into(),
        client_id: "client".into(),
        client_secret: Secret::new("secret-of-the-client"),
        keeper: Arc::new(Slow { clock: Arc::clone(clock), text }),
        keep_alive_ms: 3_600_000,
    };
    let (transport, entropy) = (Arc::clone(transport), SeededEntropy::new(0xc0de));
    Session::new(options, transport, Arc::clone(clock) as _, entropy, &Shared::default()).unwrap()
}

async fn get(session: &Session) -> Delivery {
    let target = Target::Path(Path { path: "/a".into(), query: Vec::new() });
    let (origin, method) = ("api".into(), "GET".into());
    let request = Request { origin, method, target, headers: Vec::new(), body: Body::None };
    session.execute(&request, Effect::Safe, Priority::Interactive).await
}

#[test]
fn an_adapter_sees_neither_token_in_a_reply() {
    let clock = ManualClock::at(T0);
    let session = session(&clock, &service(&clock));
    let Delivery::Answered(response) = clock.drive(get(&session)) else { panic!("no answer") };
    assert_eq!(response.body, b"[redacted] [redacted]");
    assert_eq!(response.headers[0].value, "Bearer [redacted]");
    assert!(!format!("{session:?}").contains("-number-"));
}

#[test]
fn without_a_runtime_the_next_caller_continues_the_refresh_of_a_dropped_one() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock);
    let session = session(&clock, &transport);
    clock.drive(async {
        {
            let mut dropped = pin!(get(&session));
            // Until the keeper stores the pair that the request has given.
            while transport.count("/token") == 0 {
                assert!(dropped.as_mut().now_or_never().is_none());
            }
            clock.sleep(100).await;
            assert!(dropped.as_mut().now_or_never().is_none());
        }
        assert!(matches!(get(&session).await, Delivery::Answered(_)));
    });
    assert_eq!(transport.count("/token"), 1);
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_an_idle_pair_from_being_refreshed() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock);
    let session = session(&clock, &transport);
    // A pair without a date is refreshed at once.
    assert_eq!(clock.drive(session.keep_alive()), Ok(Some(3_600_000 - 1_010)));
    clock.jump(-1_000_000_000);
    clock.set(clock.now_ms() + 3_600_000);
    clock.drive(session.keep_alive()).unwrap();
    assert_eq!(transport.count("/token"), 2);
}
