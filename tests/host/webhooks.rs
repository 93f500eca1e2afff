//! Webhooks: believed only if the connection's own secret signed them, once, and then only as
//! hints.

use atsync::internals::adapter::{Adapter, AdapterError};
use atsync::model::Manifest;
use atsync::model::contract::{
    Algorithm, Continuation, Encoding, Failure, Given, Hint, Hooked, Outcome, RemoteRef, Reply,
    Response, Step, Task, Verify,
};
use atsync::{Clock, Connection, ErrorKind, HintEnd, Received, Secret, Verdict};
use atsync_tests::{Meddle, World};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;

const SECRET: &str = "hook secret of acme";

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256 {hex}")
}

fn connect(world: &World, name: &str, secrets: &[&str]) -> Connection {
    let mut options = world.options();
    options.name = name.into();
    options.webhook_secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    world.run(world.engine().connect(options)).unwrap()
}

/// Delivers as Greenhouse does.
fn deliver(world: &World, to: &Connection, secret: &str, id: &str, body: &str) -> Received {
    let signature = signature(secret, body.as_bytes());
    let headers = [("Signature", signature.as_str()), ("Greenhouse-Event-ID", id)];
    world.run(to.receive(headers, body)).unwrap()
}

fn update_of(world: &World) -> (String, String) {
    let id = world.sandbox.rows("candidates")[0]["id"].to_string();
    let body = json!({"action": "update_candidate",
        "payload": {"candidate": {"id": id.parse::<u64>().unwrap()}}});
    (id, body.to_string())
}

#[test]
fn an_authentic_webhook_is_fetched_and_answered_200() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let (id, body) = update_of(&world);
    let received = deliver(&world, &acme, SECRET, "1", &body);
    let hint = Hint::Changed(RemoteRef::new("candidates", &id));
    assert_eq!(received.status, 200);
    assert_eq!(received.verdict, Verdict::Accepted(vec![(hint, HintEnd::TakenIn)]));
    assert!(world.run(acme.observed_one("candidates", &id)).unwrap().is_some());
    let ping = r#"{"action":"ping","payload":{"web_hook_id":1}}"#;
    assert_eq!(deliver(&world, &acme, SECRET, "2", ping).verdict, Verdict::Accepted(Vec::new()));
}

#[test]
fn a_webhook_that_no_secret_of_the_connection_signed_is_answered_401_and_nothing_is_read() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let zebra = connect(&world, "zebra", &["hook secret of zebra"]);
    let (_, body) = update_of(&world);
    let right = signature(SECRET, body.as_bytes());
    let flipped = right.replace(right.chars().last().unwrap(), "e");
    let trimmed = format!("{body} ");
    let forged = [
        (&acme, vec![("signature", flipped.as_str())], body.as_str()),
        (&acme, vec![("signature", &right)], &trimmed),
        (&acme, vec![("signature", &right[7..])], &body),
        (&acme, vec![("signature", "sha256 ")], &body),
        (&acme, vec![("x-signature", &right)], &body),
        (&acme, vec![], &body),
        // Another customer's webhook: valid for acme, not for zebra.
        (&zebra, vec![("signature", &right)], &body),
    ];
    for (to, headers, body) in forged {
        let received = world.run(to.receive(headers.clone(), body)).unwrap();
        if received.verdict == (Verdict::Accepted(Vec::new())) || received.status == 200 {
            panic!("{headers:?} counted as authentic");
        }
        assert_eq!((received.verdict, received.status), (Verdict::Forged, 401), "{headers:?}");
    }
    assert!(world.reads().is_empty(), "{:?}", world.reads());
}

/// As [`deliver`], but the fetch is left to the schedules.
fn accept(world: &World, to: &Connection, secret: &str, id: &str, body: &str) -> Received {
    let signature = signature(secret, body.as_bytes());
    let headers = [("Signature", signature.as_str()), ("Greenhouse-Event-ID", id)];
    world.run(to.accept(headers, body)).unwrap()
}

#[test]
fn an_accepted_webhook_reads_nothing_outlives_the_process_and_is_fetched_once() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let (id, body) = update_of(&world);
    for event in 0..200 {
        let received = accept(&world, &acme, SECRET, &event.to_string(), &body);
        assert_eq!((received.verdict, received.status), (Verdict::Stored, 200));
    }
    let again = accept(&world, &acme, SECRET, "0", &body);
    assert_eq!((again.verdict, again.status), (Verdict::Duplicate, 200));
    let forged = accept(&world, &acme, "another secret", "x", &body);
    assert_eq!((forged.verdict, forged.status), (Verdict::Forged, 401));
    assert!(world.reads().is_empty(), "{:?}", world.reads());
    drop(acme);
    let acme = connect(&world, "acme", &[SECRET]);
    let report = world.run(acme.handle_accepted(20)).unwrap();
    assert_eq!((report.handled, report.dropped, report.more), (1, 0, false));
    assert!(world.run(acme.observed_one("candidates", &id)).unwrap().is_some());
    assert_eq!(world.run(acme.handle_accepted(20)).unwrap().handled, 0);
}

#[test]
fn what_one_connection_accepts_another_of_its_name_fetches_each_time() {
    let world = World::new(1, 20);
    let (acceptor, runner) =
        (connect(&world, "acme", &[SECRET]), connect(&world, "acme", &[SECRET]));
    let (id, body) = update_of(&world);
    for event in ["1", "2", "3"] {
        let received = accept(&world, &acceptor, SECRET, event, &body);
        assert_eq!(received.verdict, Verdict::Stored);
        assert_eq!(world.run(runner.handle_accepted(20)).unwrap().handled, 1, "event {event}");
    }
    assert!(world.run(acceptor.observed_one("candidates", &id)).unwrap().is_some());
}

#[test]
fn what_a_webhook_names_waits_while_the_ats_is_down() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let (id, body) = update_of(&world);
    accept(&world, &acme, SECRET, "1", &body);
    world.wire.meddle(|_| Some(Meddle::Unreachable));
    assert!(world.run(acme.handle_accepted(20)).is_err());
    world.wire.spare();
    // The token endpoint is not asked again at once.
    world.run(world.clock.sleep(600_000));
    assert_eq!(world.run(acme.handle_accepted(20)).unwrap().handled, 1);
    assert!(world.run(acme.observed_one("candidates", &id)).unwrap().is_some());
}

#[test]
fn a_replay_is_answered_200_and_costs_nothing() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let (_, body) = update_of(&world);
    deliver(&world, &acme, SECRET, "1", &body);
    let reads = world.reads().len();
    for _ in 0..3 {
        let received = deliver(&world, &acme, SECRET, "1", &body);
        assert_eq!((received.verdict, received.status), (Verdict::Duplicate, 200));
    }
    assert_eq!(world.reads().len(), reads);
    // The same bytes under another id may be another event: the engine fetches the record, which
    // changes nothing.
    assert!(matches!(deliver(&world, &acme, SECRET, "2", &body).verdict, Verdict::Accepted(_)));
}

#[test]
fn a_false_webhook_with_a_valid_signature_deletes_no_record() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    world.run(acme.pull("candidates")).unwrap();
    let (id, _) = update_of(&world);
    for action in ["delete_candidate", "merge_candidate"] {
        let candidate = json!({"id": id.parse::<u64>().unwrap(), "new_candidate_id": 1});
        let body = json!({"action": action, "payload": {"person": candidate}}).to_string();
        let received = deliver(&world, &acme, SECRET, action, &body);
        let Verdict::Accepted(ends) = received.verdict else { panic!("{received:?}") };
        assert!(ends.iter().all(|(_, end)| *end == HintEnd::StillThere), "{ends:?}");
    }
    assert!(!world.run(acme.observed_one("candidates", &id)).unwrap().unwrap().gone);
}

#[test]
fn a_webhook_that_is_too_large_is_answered_413() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let body = " ".repeat(atsync::internals::webhook::limits::BODY_BYTES_MAX + 1);
    let received = deliver(&world, &acme, SECRET, "1", &body);
    assert_eq!((received.verdict, received.status), (Verdict::TooLarge, 413));
    let many = (0..=atsync::internals::webhook::limits::HEADERS_MAX)
        .map(|number| (format!("x-{number}"), "1"));
    let received = world.run(acme.receive(many, "{}")).unwrap();
    assert_eq!(received.status, 413);
}

#[test]
fn both_secrets_are_good_while_one_is_being_replaced() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &["new", "old"]);
    let (_, body) = update_of(&world);
    for (id, secret) in [("1", "old"), ("2", "new")] {
        assert_eq!(deliver(&world, &acme, secret, id, &body).status, 200);
    }
    assert_eq!(deliver(&world, &acme, "older", "3", &body).status, 401);
}

#[test]
fn without_a_secret_no_webhook_is_believed_and_the_host_gets_an_error() {
    let world = World::new(1, 20);
    for secrets in [&[][..], &[""][..]] {
        let acme = connect(&world, "acme", secrets);
        let body = "{}";
        let headers = [("signature", signature("", body.as_bytes()))];
        let error = world.run(acme.receive(headers, body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains("webhook_secrets"), "{error}");
    }
}

#[test]
fn a_redelivered_webhook_is_fetched_if_its_first_fetch_failed() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let (id, body) = update_of(&world);
    world
        .run(acme.replace_credential(atsync::Credential::ClientCredentials {
            client_id: "sandbox".into(),
            client_secret: Secret::new("wrong"),
        }))
        .unwrap();
    let headers = || {
        [("signature", signature(SECRET, body.as_bytes())), ("greenhouse-event-id", "1".to_owned())]
    };
    let error = world.run(acme.receive(headers(), &body)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    world.run(acme.replace_credential(world.options().credential)).unwrap();
    let received = world.run(acme.receive(headers(), &body)).unwrap();
    assert!(matches!(received.verdict, Verdict::Accepted(_)), "{received:?}");
    assert!(world.run(acme.observed_one("candidates", &id)).unwrap().is_some());
}

#[test]
fn a_flood_of_webhooks_about_one_record_costs_two_reads_and_no_secret_is_printed() {
    let world = World::new(1, 20);
    let acme = connect(&world, "acme", &[SECRET]);
    let (_, body) = update_of(&world);
    let signed = signature(SECRET, body.as_bytes());
    let flood = (0..1_000).map(|number| {
        acme.receive(
            [("signature", signed.clone()), ("greenhouse-event-id", number.to_string())],
            &body,
        )
    });
    let received = world.run(join_all(flood));
    assert!(received.iter().all(|received| received.as_ref().unwrap().status == 200));
    let reads = world.reads().iter().filter(|path| path.ends_with("/candidates")).count();
    assert!(reads <= 2, "{reads} reads");
    assert!(!format!("{acme:?}").contains(SECRET));
    assert!(world.clock.now_ms() > 0);
}

/// A Greenhouse whose hook task takes these steps for any delivery.
#[derive(Debug)]
struct Scripted {
    inner: Arc<dyn Adapter>,
    steps: Vec<Step>,
}

impl Adapter for Scripted {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        if matches!(task, Task::Hook(_)) {
            Ok(Ok(self.steps[0].clone()))
        } else {
            self.inner.start(task, given)
        }
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        match (&reply, state.as_slice()) {
            (Reply::Verified(_), [next]) => Ok(Ok(self.steps[usize::from(*next)].clone())),
            _ => self.inner.resume(state, given, reply),
        }
    }
}

/// A check of a signature that `secret` made, followed by the step of this number.
fn check_of(secret: &str, next: u8) -> Step {
    let signed = signature(secret, b"payload");
    Step::Verify(Verify {
        secret_name: "webhook".into(),
        algorithm: Algorithm::HmacSha256,
        message: b"payload".to_vec(),
        candidates: vec![signed["sha256 ".len()..].to_owned()],
        encoding: Encoding::Hex,
        state: vec![next],
    })
}

/// The adapter accepts the delivery and returns these hints.
fn taken(hints: Vec<Hint>, signed_at_ms: Option<u64>) -> Step {
    let answer = Response { status: 200, headers: Vec::new(), body: Vec::new() };
    Step::Done(Outcome::Hooked(Hooked { answer, hints, signed_at_ms }))
}

/// Delivers to an adapter that takes these steps.
fn scripted(steps: Vec<Step>) -> (World, Result<Received, atsync::Error>) {
    let mut world = World::new(1, 20);
    world.adapter = Arc::new(Scripted { inner: Arc::clone(&world.adapter), steps });
    let acme = connect(&world, "acme", &[SECRET]);
    let none: [(&str, &str); 0] = [];
    let received = world.run(acme.receive(none, "payload"));
    (world, received)
}

fn first_candidate() -> Hint {
    let (id, _) = update_of(&World::new(1, 20));
    Hint::Changed(RemoteRef::new("candidates", id))
}

#[test]
fn an_adapter_that_takes_a_webhook_without_a_check_that_matched_is_at_fault_and_nothing_is_read() {
    let taken = || taken(vec![first_candidate()], None);
    for steps in [
        vec![taken()],
        vec![check_of("another secret", 1), taken()],
        vec![check_of(SECRET, 1), check_of("another secret", 2), taken()],
    ] {
        let (world, received) = scripted(steps.clone());
        let error = received.map(|received| received.verdict).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Adapter, "{steps:?}");
        assert!(world.reads().is_empty(), "{steps:?}: {:?}", world.reads());
    }
    let (_, received) = scripted(vec![check_of("another secret", 1), check_of(SECRET, 2), taken()]);
    assert_eq!(received.unwrap().status, 200, "a second reading that matches is enough");
}

#[test]
fn a_webhook_that_was_signed_too_long_ago_is_answered_401_and_nothing_is_read() {
    let now_ms = World::new(1, 20).clock.now_ms();
    let signed =
        |at_ms| scripted(vec![check_of(SECRET, 1), taken(vec![first_candidate()], Some(at_ms))]);
    let (world, received) =
        signed(now_ms - atsync::internals::webhook::limits::REMEMBERED_MS - 1_000);
    assert_eq!(
        received.map(|received| (received.verdict, received.status)).unwrap(),
        (Verdict::Stale, 401)
    );
    assert!(world.reads().is_empty(), "{:?}", world.reads());
    assert_eq!(signed(now_ms - 60_000).1.unwrap().status, 200);
}

#[test]
fn a_hint_whose_fetch_fails_blocks_no_other_hint_of_its_delivery() {
    let unknown = Hint::Changed(RemoteRef::new("spaceships", "1"));
    let steps = vec![check_of(SECRET, 1), taken(vec![unknown, first_candidate()], None)];
    let (world, received) = scripted(steps);
    assert!(received.is_err(), "the sender delivers it again");
    assert!(world.reads().iter().any(|path| path.ends_with("/candidates")), "{:?}", world.reads());
}
