//! A session against a scripted transport, in virtual time.

use super::*;
use crate::secret::Secret;
use crate::testing::{ManualClock, Scripted, SeededEntropy, answer, header, unreachable};
use atsync_model::contract::{Body, Field, Part};
use atsync_model::manifest::BasicHalf;
use futures_util::future::join_all;

const T0: u64 = 1_778_507_624_000;

fn request(method: &str, path: &str) -> Request {
    Request {
        origin: "api".into(),
        method: method.into(),
        target: Target::Path(Path { path: path.into(), query: Vec::new() }),
        headers: Vec::new(),
        body: Body::None,
    }
}

fn options() -> SessionOptions {
    SessionOptions::new(
        "acme",
        BTreeMap::from([("api".to_owned(), Url::parse("https://api.test/base").unwrap())]),
    )
}

fn session(
    options: SessionOptions,
    transport: &Arc<Scripted>,
    clock: &Arc<ManualClock>,
) -> Session {
    Session::new(
        options,
        transport.clone(),
        clock.clone(),
        SeededEntropy::new(0x5e55),
        &Shared::default(),
    )
    .unwrap()
}

fn status(delivery: &Delivery) -> u16 {
    match delivery {
        Delivery::Answered(response) => response.status,
        other => panic!("no answer: {other:?}"),
    }
}

#[test]
fn a_request_leaves_with_proven_url_default_headers_and_credential() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (5, answer(200, &[], "[]")));
    let auth = AuthConfig::BasicKey {
        half: BasicHalf::Username,
        other: String::new(),
        key: Secret::new("key"),
    };
    let session = session(SessionOptions { auth, ..options() }, &transport, &clock);
    let mut post = request("POST", "/v3/notes");
    post.body = Body::Json("{\"a\":1}".into());
    assert_eq!(
        status(&clock.drive(session.execute(&post, Effect::Unsafe, Priority::Interactive))),
        200
    );
    transport.seen(|seen| {
        assert_eq!(seen[0].url.as_str(), "https://api.test/base/v3/notes");
        assert_eq!(header(&seen[0], "authorization"), Some("Basic a2V5Og=="));
        assert_eq!(header(&seen[0], "accept"), Some("application/json"));
        assert_eq!(header(&seen[0], "content-type"), Some("application/json"));
        assert_eq!(seen[0].body, b"{\"a\":1}");
        assert!(!seen[0].private_network);
    });
    assert_eq!(session.usage().requests["api"], 1);
    assert_eq!(session.usage().retries, 0);
    let shown = format!("{session:?}");
    assert!(!shown.contains("a2V5Og"), "{shown}");
}

#[test]
fn a_request_that_breaks_a_rule_never_reaches_the_transport() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (0, answer(200, &[], "")));
    let session = session(options(), &transport, &clock);
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = request("GET", "/a");
        change(&mut request);
        request
    };
    let part = Part {
        name: "a".into(),
        file_name: None,
        content_type: None,
        blob: None,
        bytes: Vec::new(),
    };
    for bad in [
        with(&|r| r.origin = "other".into()),
        with(&|r| r.method = "get".into()),
        with(&|r| r.method = "CONNECT".into()),
        with(&|r| r.target = Target::Link("https://evil.test/".into())),
        with(&|r| r.headers = vec![Field { name: "Authorization".into(), value: "x".into() }]),
        with(&|r| r.body = Body::Json("{".into())),
        with(&|r| r.body = Body::Multipart(vec![part.clone()])),
        with(&|r| r.body = Body::Bytes(("a\nb".into(), Vec::new()))),
        with(&|r| {
            r.body = Body::Bytes(("a/b".into(), vec![0; limits::REQUEST_BODY_BYTES_MAX + 1]))
        }),
    ] {
        let delivery = clock.drive(session.execute(&bad, Effect::Safe, Priority::Backfill));
        // The grant decides about two of them, the rules of a request about the others.
        let is_granted = bad.origin == "api" && !matches!(bad.target, Target::Link(_));
        assert!(
            match delivery {
                Delivery::NotSent(NotSent::Refused(_)) => !is_granted,
                Delivery::NotSent(NotSent::Malformed(_)) => is_granted,
                _ => false,
            },
            "{bad:?}"
        );
    }
    transport.seen(|seen| assert!(seen.is_empty()));
}

#[test]
fn an_unsafe_request_leaves_once_when_its_outcome_is_unclear() {
    for outcome in [0, 1, 2] {
        let clock = ManualClock::at(T0);
        let transport = Scripted::new(&clock, move |_, _| {
            (
                5,
                match outcome {
                    0 => answer(500, &[], ""),
                    1 => Delivery::Unclear("reset".into()),
                    _ => unreachable(),
                },
            )
        });
        for effect in [Effect::Unsafe, Effect::Consuming] {
            let before = transport.count("/base/a");
            clock.drive(session(options(), &transport, &clock).execute(
                &request("POST", "/a"),
                effect,
                Priority::Interactive,
            ));
            assert_eq!(transport.count("/base/a") - before, 1);
        }
    }
}

#[test]
fn a_safe_request_is_repeated_with_growing_pauses_and_then_returned() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |n, _| {
        (5, if n == 0 { unreachable() } else { answer(503, &[], "") })
    });
    let session = session(options(), &transport, &clock);
    assert_eq!(
        status(&clock.drive(session.execute(
            &request("GET", "/a"),
            Effect::Safe,
            Priority::Backfill
        ))),
        503
    );
    assert_eq!(transport.count("/base/a"), 4);
    assert_eq!((session.usage().retries, session.usage().requests["api"]), (3, 3));
    let took_ms = clock.now_ms() - T0;
    assert!((250 + 500 + 1_000..=500 + 1_000 + 2_000 + 40).contains(&took_ms), "{took_ms}");
}

#[test]
fn a_429_is_waited_out_even_for_a_write_and_returned_if_it_does_not_end() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |n, _| {
        (5, if n < 2 { answer(429, &[("retry-after", "3")], "") } else { answer(201, &[], "") })
    });
    let write = session(options(), &transport, &clock);
    assert_eq!(
        status(&clock.drive(write.execute(
            &request("POST", "/a"),
            Effect::Unsafe,
            Priority::Interactive
        ))),
        201
    );
    assert!(clock.now_ms() - T0 >= 6_000);
    assert_eq!(write.usage().throttled, 2);
    assert!(write.usage().waited_ms >= 6_000);
    let stubborn = Scripted::new(&clock, |_, _| (5, answer(429, &[("retry-after", "0")], "")));
    let session = session(options(), &stubborn, &clock);
    let before_ms = clock.now_ms();
    assert_eq!(
        status(&clock.drive(session.execute(
            &request("GET", "/a"),
            Effect::Safe,
            Priority::Backfill
        ))),
        429
    );
    assert_eq!(stubborn.count("/base/a"), 5);
    assert!(clock.now_ms() - before_ms >= 4_000, "never less than a second between two");
}

#[test]
fn a_throttled_path_delays_no_other_and_only_if_all_are_throttled_the_connection_pauses() {
    for alone in [true, false] {
        let clock = ManualClock::at(T0);
        let transport = Scripted::new(&clock, move |_, wire| {
            let refused = !alone || wire.url.path().ends_with("/a");
            (5, if refused { answer(429, &[], "") } else { answer(200, &[], "") })
        });
        let session = session(options(), &transport, &clock);
        let ask = |path: &str| {
            clock.drive(session.execute(&request("GET", path), Effect::Safe, Priority::Interactive))
        };
        assert_eq!(status(&ask("/a")), 429);
        let refused = transport.count("/base/a");
        assert!((2..=5).contains(&refused), "{refused}");
        let before_ms = clock.now_ms();
        let other = ask("/b");
        if alone {
            assert_eq!(status(&other), 200);
            assert!(clock.now_ms() - before_ms < 2_000, "another path waits for nothing");
        } else {
            // The second of them paused the connection for longer than a call waits.
            assert_eq!(status(&other), 429);
            assert_eq!(transport.count("/base/b"), 1);
            assert!(matches!(ask("/c"), Delivery::NotSent(NotSent::Throttled { .. })));
            assert_eq!(transport.count("/base/c"), 0);
        }
    }
}

#[test]
fn a_pause_longer_than_the_caller_waits_is_reported_at_once() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (5, answer(429, &[("retry-after", "900")], "")));
    let session = session(options(), &transport, &clock);
    let ask =
        || clock.drive(session.execute(&request("GET", "/a"), Effect::Safe, Priority::Backfill));
    assert_eq!(status(&ask()), 429);
    let delivery = ask();
    let Delivery::NotSent(NotSent::Throttled { until_ms }) = delivery else {
        panic!("{delivery:?}")
    };
    assert!(until_ms >= T0 + 900_000 && clock.now_ms() < T0 + 1_000);
}

#[test]
fn a_401_with_a_fixed_key_stands() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (5, answer(401, &[], "")));
    let session = session(
        SessionOptions { auth: AuthConfig::Bearer { key: Secret::new("k") }, ..options() },
        &transport,
        &clock,
    );
    assert_eq!(
        status(&clock.drive(session.execute(
            &request("GET", "/a"),
            Effect::Safe,
            Priority::Backfill
        ))),
        401
    );
    assert_eq!(transport.count("/base/a"), 1);
    assert_eq!(clock.drive(session.grant()), Ok(None));
}

#[test]
fn two_sessions_of_one_credential_keep_within_one_budget() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (5, answer(200, &[], "")));
    let rule = RateRule::new("r", ["api"], 4, 10_000);
    let options = SessionOptions {
        auth: AuthConfig::Bearer { key: Secret::new("k") },
        rules: vec![rule],
        ..options()
    };
    let shared = Shared::default();
    let make = || {
        Session::new(
            options.clone(),
            transport.clone(),
            clock.clone(),
            SeededEntropy::new(1),
            &shared,
        )
        .unwrap()
    };
    let (one, two, get) = (make(), make(), request("GET", "/a"));
    clock.drive(join_all((0..8).map(|n| {
        if n % 2 == 0 { &one } else { &two }.execute(&get, Effect::Safe, Priority::Interactive)
    })));
    assert!(clock.now_ms() - T0 >= 10_000);
    assert_eq!(transport.count("/base/a"), 8);
}

#[test]
fn origins_and_credentials_that_cannot_be_used_are_refused_when_the_session_is_made() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (0, answer(200, &[], "")));
    let make = |options| {
        Session::new(
            options,
            transport.clone(),
            clock.clone(),
            SeededEntropy::new(1),
            &Shared::default(),
        )
    };
    let http = BTreeMap::from([("api".to_owned(), Url::parse("http://api.test").unwrap())]);
    assert!(make(SessionOptions::new("a", http.clone())).is_err());
    make(SessionOptions { private_network: true, ..SessionOptions::new("a", http) }).unwrap();
    for auth in [
        AuthConfig::Bearer { key: Secret::new("a\nb") },
        AuthConfig::Header { name: "Host".into(), prefix: String::new(), key: Secret::new("k") },
        AuthConfig::ClientCredentials {
            token_origin: "none".into(),
            token_path: "/t".into(),
            client_id: "i".into(),
            client_secret: Secret::new("s3cret"),
            form: vec![],
        },
    ] {
        let error = make(SessionOptions { auth, ..options() }).unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }
}

/// Lets so many requests through.
struct Allows(AtomicU64);

impl Gate for Allows {
    fn ask(&self, _: u64) -> BoxFuture<'_, Result<(), NotSent>> {
        let left =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        std::future::ready(left.map(drop).map_err(|_| NotSent::Moot("gone".to_owned()))).boxed()
    }
}

#[test]
fn a_request_that_is_moot_when_its_turn_comes_does_not_leave() {
    for allowed in [0, 1, 2] {
        let clock = ManualClock::at(T0);
        // Each answer says that nothing was done and asks for a pause; after it the session asks
        // the gate again.
        let transport = Scripted::new(&clock, |_, _| (5, answer(429, &[("retry-after", "3")], "")));
        let session = session(options(), &transport, &clock);
        let (gate, post) = (Allows(AtomicU64::new(allowed)), request("POST", "/a"));
        let delivery = clock.drive(session.execute_through(
            &gate,
            &post,
            Effect::Unsafe,
            Priority::Interactive,
        ));
        assert!(
            matches!(&delivery, Delivery::NotSent(NotSent::Moot(why)) if why == "gone"),
            "{delivery:?}"
        );
        assert_eq!(transport.count("/base/a"), usize::try_from(allowed).unwrap());
    }
}

#[test]
fn the_credential_is_sent_only_to_the_origins_named_for_it() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (5, answer(401, &[], "")));
    let origins = [("api", "https://api.test"), ("files", "https://files.test")]
        .map(|(name, url)| (name.to_owned(), Url::parse(url).unwrap()));
    let auth = AuthConfig::ClientCredentials {
        token_origin: "api".into(),
        token_path: "/token".into(),
        client_id: "client".into(),
        client_secret: Secret::new("s3cret"),
        form: Vec::new(),
    };
    let session = session(
        SessionOptions {
            auth,
            credential_origins: ["api".into()].into(),
            ..SessionOptions::new("acme", origins.into())
        },
        &transport,
        &clock,
    );
    let other = Request { origin: "files".into(), ..request("GET", "/a") };
    assert_eq!(
        status(&clock.drive(session.execute(&other, Effect::Safe, Priority::Backfill))),
        401
    );
    // Its refusal renews no token: one request, and none for a token.
    transport.seen(|sent| {
        assert_eq!(sent.len(), 1);
        assert_eq!(header(&sent[0], "authorization"), None);
    });
}

#[test]
fn a_delete_called_safe_and_an_overridden_method_are_not_sent() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, _| (5, answer(500, &[], "")));
    let session = session(options(), &transport, &clock);
    let overriding = Request {
        target: Target::Link("/base/candidates/1?_method=DELETE".into()),
        ..request("POST", "/candidates/1")
    };
    let headed = Request {
        headers: vec![Field { name: "X-HTTP-Method-Override".into(), value: "DELETE".into() }],
        ..request("GET", "/candidates/1")
    };
    for bad in [
        request("DELETE", "/candidates/1"),
        request("PUT", "/a"),
        request("PATCH", "/a"),
        overriding,
        headed,
    ] {
        for effect in [Effect::Safe, Effect::Scratch] {
            let delivery = clock.drive(session.execute(&bad, effect, Priority::Interactive));
            assert!(
                matches!(delivery, Delivery::NotSent(NotSent::Malformed(_))),
                "{bad:?}: {delivery:?}"
            );
        }
    }
    transport.seen(|sent| assert_eq!(sent.len(), 0));
}
