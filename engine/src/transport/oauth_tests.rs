//! Client credentials, through a session, against a scripted token endpoint in virtual time.

use super::*;
use crate::clock::Clock;
use crate::testing::{ManualClock, Scripted, SeededEntropy, answer, header, unreachable};
use crate::transport::AuthConfig;
use crate::transport::auth::basic;
use crate::transport::session::{Session, SessionOptions, Shared};
use crate::transport::{Delivery, Priority};
use atsync_model::contract::{Body, Effect, Path, Request, Target};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use url::Url;

const T0: u64 = 1_778_507_624_000;

fn options(secret: &str, one_origin: bool) -> SessionOptions {
    let token = if one_origin { "https://api.test" } else { "https://auth.test" };
    let origins = [("api", "https://api.test"), ("auth", token)]
        .map(|(name, url)| (name.to_owned(), Url::parse(url).unwrap()));
    let auth = AuthConfig::ClientCredentials {
        token_origin: if one_origin { "api" } else { "auth" }.into(),
        token_path: "/token".into(),
        client_id: "client".into(),
        client_secret: Secret::new(secret),
        form: vec![("sub".into(), "42".into())],
    };
    let credential_origins = ["api".to_owned()].into();
    SessionOptions {
        auth,
        credential_origins,
        ..SessionOptions::new("acme", BTreeMap::from(origins))
    }
}

fn make(
    options: SessionOptions,
    transport: &Arc<Scripted>,
    clock: &Arc<ManualClock>,
    shared: &Shared,
) -> Session {
    Session::new(options, transport.clone(), clock.clone(), SeededEntropy::new(0x0a07), shared)
        .unwrap()
}

async fn get(session: &Session) -> Delivery {
    let target = Target::Path(Path { path: "/a".into(), query: Vec::new() });
    let request = Request {
        origin: "api".into(),
        method: "GET".into(),
        target,
        headers: Vec::new(),
        body: Body::None,
    };
    session.execute(&request, Effect::Consuming, Priority::Interactive).await
}

fn status(delivery: &Delivery) -> Option<u16> {
    if let Delivery::Answered(response) = delivery { Some(response.status) } else { None }
}

/// Returns `t0`, `t1`, ... by the number of the request; the API accepts what `good` says.
fn service(
    clock: &Arc<ManualClock>,
    good: impl Fn(usize, &str) -> bool + Send + Sync + 'static,
) -> Arc<Scripted> {
    let given = AtomicU64::new(0);
    Scripted::new(clock, move |n, request| {
        if request.url.path() == "/token" {
            let number = given.fetch_add(1, Ordering::Relaxed);
            return (
                50,
                answer(
                    200,
                    &[],
                    &format!(
                        r#"{{"access_token":"t{number}","expires_in":3600,"scope":"x:list"}}"#
                    ),
                ),
            );
        }
        let token = header(request, "authorization").unwrap().trim_start_matches("Bearer ");
        (20, answer(if good(n, token) { 200 } else { 401 }, &[], ""))
    })
}

#[test]
fn concurrent_requests_fetch_one_token_that_all_sessions_of_the_credential_share() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock, |_, token| token == "t0");
    let shared = Shared::default();
    let sessions = [
        make(options("s", false), &transport, &clock, &shared),
        make(options("s", false), &transport, &clock, &shared),
    ];
    let done = clock.drive(join_all((0..20).map(|n| get(&sessions[n % 2]))));
    assert!(done.iter().all(|delivery| status(delivery) == Some(200)));
    assert_eq!(transport.count("/token"), 1);
    transport.seen(|seen| {
        assert_eq!(header(&seen[0], "authorization"), Some("Basic Y2xpZW50OnM="));
        assert_eq!(seen[0].body, b"grant_type=client_credentials&sub=42");
        assert_eq!(header(&seen[0], "content-type"), Some("application/x-www-form-urlencoded"));
    });
    let grant = clock.drive(sessions[0].grant()).unwrap().unwrap();
    assert_eq!(grant.scopes, Some(vec!["x:list".to_owned()]));
    assert_eq!(sessions[0].usage().token_requests, 1);
}

#[test]
fn token_endpoint_and_api_may_be_one_origin() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock, |_, _| true);
    let session = make(options("s", true), &transport, &clock, &Shared::default());
    let done = clock.drive(join_all((0..40).map(|_| get(&session))));
    assert!(done.iter().all(|delivery| status(delivery) == Some(200)));
    assert!(clock.now_ms() < T0 + 1_000);
}

#[test]
fn one_request_renews_a_token_before_it_expires_while_the_others_use_it() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock, |_, _| true);
    let session = make(options("s", false), &transport, &clock, &Shared::default());
    for minute in 0..49 {
        clock.set(T0 + minute * 60_000);
        clock.drive(get(&session));
    }
    assert_eq!(transport.count("/token"), 1, "not renewed long before it ends");
    clock.set(T0 + 56 * 60_000);
    clock.drive(join_all((0..10).map(|_| get(&session))));
    assert_eq!(transport.count("/token"), 2);
    clock.set(T0 + 59 * 60_000);
    clock.drive(get(&session));
    transport
        .seen(|seen| assert_eq!(header(seen.last().unwrap(), "authorization"), Some("Bearer t1")));
}

#[test]
fn a_revoked_token_is_renewed_once_for_many_401s_and_each_request_is_repeated() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock, |_, token| token != "t0");
    let session = make(options("s", false), &transport, &clock, &Shared::default());
    let done = clock.drive(join_all((0..10).map(|_| get(&session))));
    assert!(done.iter().all(|delivery| status(delivery) == Some(200)));
    assert_eq!((transport.count("/token"), transport.count("/a")), (2, 20));
}

#[test]
fn a_401_that_a_new_token_does_not_cure_is_returned_without_endless_token_requests() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock, |_, _| false);
    let session = make(options("s", false), &transport, &clock, &Shared::default());
    for _ in 0..10 {
        assert_eq!(status(&clock.drive(get(&session))), Some(401));
    }
    assert_eq!(transport.count("/token"), 2);
}

#[test]
fn a_refused_client_needs_a_user_and_is_not_retried_at_once() {
    for (code, word) in
        [(401, "invalid_client"), (400, "invalid_grant"), (400, "unauthorized_client")]
    {
        let clock = ManualClock::at(T0);
        let transport = Scripted::new(&clock, move |_, _| {
            (5, answer(code, &[], &format!(r#"{{"error":"{word}"}}"#)))
        });
        let session = make(options("s3cret", false), &transport, &clock, &Shared::default());
        for _ in 0..5 {
            let delivery = clock.drive(get(&session));
            let Delivery::NotSent(NotSent::Auth(why)) = delivery else { panic!("{delivery:?}") };
            assert!(why.contains(word) && !why.contains("s3cret"), "{why}");
        }
        assert_eq!((transport.count("/token"), transport.count("/a")), (1, 0));
        clock.set(T0 + 61_000);
        clock.drive(get(&session));
        assert_eq!(transport.count("/token"), 2);
    }
}

#[test]
fn a_credential_given_again_is_tried_at_once_even_if_it_is_the_same() {
    let clock = ManualClock::at(T0);
    let refused = Arc::new(AtomicBool::new(true));
    let refuses = Arc::clone(&refused);
    let transport = Scripted::new(&clock, move |_, request| {
        let token = answer(200, &[], r#"{"access_token":"t","expires_in":3600}"#);
        let answer = match request.url.path() {
            "/token" if refuses.load(Ordering::Relaxed) => {
                answer(401, &[], r#"{"error":"invalid_client"}"#)
            }
            "/token" => token,
            _ => answer(200, &[], ""),
        };
        (5, answer)
    });
    let session = make(options("s3cret", false), &transport, &clock, &Shared::default());
    let get = || clock.drive(get(&session));
    assert!(matches!(get(), Delivery::NotSent(NotSent::Auth(_))));
    refused.store(false, Ordering::Relaxed);
    assert!(matches!(get(), Delivery::NotSent(NotSent::Auth(_))), "the refusal stands for a while");
    clock.drive(session.replace_credential(&options("s3cret", false).auth)).unwrap();
    assert_eq!(status(&get()), Some(200));
}

#[test]
fn a_credential_is_replaced_under_a_request_that_the_old_one_made() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, move |_, request| {
        let right = header(request, "authorization") == Some(basic("client", "new").expose());
        let answer = match request.url.path() {
            "/token" if right => answer(200, &[], r#"{"access_token":"new","expires_in":3600}"#),
            "/token" => answer(200, &[], r#"{"access_token":"old","expires_in":3600}"#),
            _ if header(request, "authorization") == Some("Bearer new") => answer(200, &[], ""),
            _ => answer(401, &[], ""),
        };
        (50, answer)
    });
    let session = make(options("old", false), &transport, &clock, &Shared::default());
    let replace = async {
        clock.sleep(75).await;
        session.replace_credential(&options("new", false).auth).await.unwrap();
    };
    let (delivery, ()) = clock.drive(futures_util::future::join(get(&session), replace));
    assert_eq!(status(&delivery), Some(200));
    let refused = AuthConfig::ClientCredentials {
        token_origin: "nowhere".into(),
        token_path: "/token".into(),
        client_id: "client".into(),
        client_secret: Secret::new("newer"),
        form: Vec::new(),
    };
    assert!(clock.drive(session.replace_credential(&refused)).is_err());
    assert_eq!(status(&clock.drive(get(&session))), Some(200), "the old one stays in use");
}

#[test]
fn a_refusal_of_the_token_endpoint_is_permanent_and_quotes_the_answer() {
    const HTML: &[(&str, &str)] = &[("content-type", "text/html")];
    const AWAY: &[(&str, &str)] = &[("location", "https://login.example/x?state=1")];
    type Headers = &'static [(&'static str, &'static str)];
    let cases: [(u16, Headers, &str, &str); 6] = [
        (401, &[], "", "answered 401: an empty body without an OAuth2 error code"),
        (401, HTML, "<html>proxy</html>", "answered 401: a body of type text/html without"),
        (400, &[], r#"{"error":"invalid_scope"}"#, "answered 400: invalid_scope"),
        (403, &[], r#"{"secret":"s3"}"#, "answered 403: a body of no stated type"),
        (404, HTML, "<html>", "answered 404: a body of type text/html"),
        (
            302,
            AWAY,
            "",
            "answered 302: a redirect to https://login.example/x, which is not followed",
        ),
    ];
    for (status, headers, body, words) in cases {
        let clock = ManualClock::at(T0);
        let transport = Scripted::new(&clock, move |_, _| (5, answer(status, headers, body)));
        let session = make(options("s", false), &transport, &clock, &Shared::default());
        let Delivery::NotSent(reason @ NotSent::Auth(_)) = clock.drive(get(&session)) else {
            panic!("{status}: not called permanent");
        };
        assert!(
            reason.to_string().contains(words) && !reason.to_string().contains("s3"),
            "{reason}"
        );
    }
}

#[test]
fn an_answer_without_a_token_is_no_network_error_and_needs_a_user() {
    let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(3_000_000));
    for body in [
        "[]",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":"t","token_type":"mac"}"#,
        r#"{"access_token":"a\nb"}"#,
        &long,
    ] {
        let clock = ManualClock::at(T0);
        let body = body.to_owned();
        let shown = body.chars().take(60).collect::<String>();
        let transport = Scripted::new(&clock, move |_, _| (5, answer(200, &[], &body)));
        let session = make(options("s", false), &transport, &clock, &Shared::default());
        let delivery = clock.drive(get(&session));
        let Delivery::NotSent(NotSent::Auth(_)) = &delivery else {
            panic!("{shown}: {delivery:?}")
        };
    }
}

#[test]
fn a_failing_token_endpoint_is_not_a_revocation() {
    for n in 0..6 {
        let clock = ManualClock::at(T0);
        let transport = Scripted::new(&clock, move |_, _| {
            (
                5,
                match n {
                    0 => answer(429, &[("retry-after", "9")], r#"{"error":"invalid_client"}"#),
                    1 => answer(500, &[], r#"{"error":"invalid_client"}"#),
                    2 => answer(503, &[("content-type", "text/html")], "<html>proxy</html>"),
                    3 => answer(200, &[], "<html>"),
                    4 => Delivery::Unclear("reset".into()),
                    _ => unreachable(),
                },
            )
        });
        let session = make(options("s", false), &transport, &clock, &Shared::default());
        let delivery = clock.drive(get(&session));
        assert!(
            matches!(
                delivery,
                Delivery::NotSent(NotSent::Unreachable(_) | NotSent::Throttled { .. })
            ),
            "{n}: {delivery:?}"
        );
    }
}

#[test]
fn a_token_without_a_lifetime_is_not_fetched_for_each_request() {
    let clock = ManualClock::at(T0);
    let transport = Scripted::new(&clock, |_, request| {
        (
            5,
            answer(
                200,
                &[],
                if request.url.path() == "/token" { r#"{"access_token":"t"}"# } else { "" },
            ),
        )
    });
    let session = make(options("s", false), &transport, &clock, &Shared::default());
    for _ in 0..50 {
        clock.drive(get(&session));
    }
    assert_eq!(transport.count("/token"), 1);
}

#[test]
fn a_secret_with_reserved_characters_is_tried_encoded_then_raw_and_the_working_form_is_kept() {
    let (encoded, raw) = (basic("client", "a%2Fb%2B"), basic("client", "a/b+"));
    for (accepted, first_round) in [(encoded.clone(), 1), (raw.clone(), 2)] {
        let clock = ManualClock::at(T0);
        let transport = Scripted::new(&clock, move |_, request| {
            let body = match (
                request.url.path(),
                header(request, "authorization") == Some(accepted.expose()),
            ) {
                ("/token", true) => r#"{"access_token":"t","expires_in":60}"#,
                ("/token", false) => return (5, answer(401, &[], r#"{"error":"invalid_client"}"#)),
                _ => "",
            };
            (5, answer(200, &[], body))
        });
        let session = make(options("a/b+", false), &transport, &clock, &Shared::default());
        assert_eq!(status(&clock.drive(get(&session))), Some(200));
        assert_eq!(transport.count("/token"), first_round);
        clock.set(T0 + 70_000);
        clock.drive(get(&session));
        assert_eq!(transport.count("/token"), first_round + 1);
    }
}

#[test]
fn sessions_that_act_for_another_user_share_no_token() {
    let clock = ManualClock::at(T0);
    let transport = service(&clock, |_, _| true);
    let shared = Shared::default();
    let acting_for = |user: &str| {
        let mut options = options("s", false);
        if let AuthConfig::ClientCredentials { form, .. } = &mut options.auth {
            *form = vec![("sub".into(), user.into())];
        }
        make(options, &transport, &clock, &shared)
    };
    for session in [acting_for("42"), acting_for("43"), acting_for("42")] {
        assert_eq!(status(&clock.drive(get(&session))), Some(200));
    }
    assert_eq!(transport.count("/token"), 2, "one for each user");
    let used = transport.seen(|seen| {
        let calls = seen.iter().filter(|request| request.url.path() == "/a");
        calls
            .map(|request| header(request, "authorization").unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    assert_eq!(used, ["Bearer t0", "Bearer t1", "Bearer t0"]);
}
