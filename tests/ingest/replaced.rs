//! A credential of another customer that replaces the right one at any moment.

use super::*;
use atsync::{Credential, Secret};
use atsync_greenhouse_sandbox::{Client, FaultKind};
use atsync_tests::{Meddle, desired};
use futures_util::future::join;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// `other:other-secret-16b`.
const BASIC_OF_THE_OTHER: &str = "Basic b3RoZXI6b3RoZXItc2VjcmV0LTE2Yg==";

fn credential(id: &str, secret: &str) -> Credential {
    Credential::ClientCredentials { client_id: id.to_owned(), client_secret: Secret::new(secret) }
}

/// Another customer's sandbox, which their credential belongs to. `is_refused`: whether ours is
/// refused by now.
fn beside(world: &World, is_refused: &Arc<AtomicBool>) -> Sandbox {
    let mut options = SandboxOptions::sized(99, 20);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&world.clock);
    options.clock = Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    options.client = Client { id: "other".into(), secret: "other-secret-16b".into() };
    let other = Sandbox::new(options);

    let (own, theirs, wire) = (world.sandbox.clone(), other.clone(), Arc::clone(&world.wire));
    let tokens: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let is_theirs = Arc::new(AtomicBool::new(false));
    let (known, asked) = (Arc::clone(&tokens), Arc::clone(&is_theirs));
    world.wire.edit(move |request, response| {
        if request.url.path() == "/token" && asked.load(Ordering::SeqCst) {
            let body: Value = serde_json::from_slice(&response.body).unwrap();
            let token = body["access_token"].as_str().unwrap();
            known.lock().unwrap().insert(format!("Bearer {token}"));
        }
    });
    let refused = Arc::clone(is_refused);
    world.wire.meddle(move |request| {
        let mut headers = request.headers.iter();
        let sent = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization")).unwrap();
        let theirs_now = sent.1 == BASIC_OF_THE_OTHER || tokens.lock().unwrap().contains(&sent.1);
        is_theirs.store(theirs_now, Ordering::SeqCst);
        wire.lead_to(if theirs_now { &theirs } else { &own });
        let fault = Meddle::Fault(FaultKind::Unauthorized);
        (!theirs_now && refused.load(Ordering::SeqCst)).then_some(fault)
    });
    other
}

/// Requests to a sandbox that are neither for a token nor the check of the tenant.
fn about_records(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let other = requests.iter().filter(|request| {
        request.path != "/token"
            && !(request.path == "/v3/users" && request.query.contains("id,created_at"))
    });
    other.map(|request| format!("{} {}?{}", request.method, request.path, request.query)).collect()
}

#[test]
fn no_record_of_another_customer_is_read_or_written_whenever_their_credential_takes_over() {
    let records = desired(concat!(
        r#"{"key":"a","emails":["a@example.test"],"name":{"first":"A","last":"L"},"#,
        r#""tags":["New"],"notes":[{"key":"n","body":"Met."}]}"#,
        "\n",
        r#"{"key":"b","emails":["b@example.test"],"name":{"first":"B","last":"L"},"#,
        r#""notes":[{"key":"n","body":"Met."}]}"#
    ));
    let mut took_over = 0;
    for (is_revoked, reads) in [(false, false), (true, false), (false, true), (true, true)] {
        for at in 1..40 {
            let mut world = World::new(71, 20);
            let acme = world.connect();
            // The store's customer was learned before.
            world.run(acme.verify_tenant()).unwrap();
            world.restart();
            let acme = world.connect();
            world.run(acme.declare(&records)).unwrap();
            let begin = world.wire.exchanges.load(Ordering::SeqCst);
            let refused = Arc::new(AtomicBool::new(false));
            let other = beside(&world, &refused);
            let ended = AtomicBool::new(false);
            let work = async {
                let mut worked = Ok(());
                for kind in ["candidates", "jobs"].into_iter().filter(|_| reads) {
                    worked = worked.and(acme.pull_full(kind).await.map(drop));
                }
                let worked = worked.and(acme.sync().await.map(drop));
                ended.store(true, Ordering::SeqCst);
                worked
            };
            let take_over = async {
                while world.wire.exchanges.load(Ordering::SeqCst) < begin + at {
                    if ended.load(Ordering::SeqCst) {
                        return false;
                    }
                    world.clock.sleep(3).await;
                }
                let theirs = credential("other", "other-secret-16b");
                acme.replace_credential(theirs).await.unwrap();
                refused.store(is_revoked, Ordering::SeqCst);
                true
            };
            let (_, has_taken_over) = world.run(join(work, take_over));
            let place = format!("at {at}, revoked: {is_revoked}, reads: {reads}");
            let _ = world.run(acme.sync());
            assert_eq!(about_records(&other), Vec::<String>::new(), "{place}");
            if !has_taken_over {
                break;
            }
            took_over += 1;
            // The right credential again: the store gets every record once.
            refused.store(false, Ordering::SeqCst);
            world.run(acme.replace_credential(credential("sandbox", "sandbox-secret"))).unwrap();
            let mut is_complete = false;
            for _ in 0..4 {
                world.clock.set(world.clock.now_ms() + 600_000);
                is_complete = world.run(acme.sync()).unwrap().1.is_complete();
            }
            assert!(is_complete, "{place}");
            for email in ["a@example.test", "b@example.test"] {
                let found = world.sandbox.candidates_by_email(email);
                assert_eq!(found.len(), 1, "{email} {place}");
                let notes = world.sandbox.notes_of(found[0]["id"].as_i64().unwrap());
                assert_eq!(notes.len(), 1, "{email} {place}");
            }
        }
    }
    assert!(took_over > 60, "{took_over}");
}

/// If it is another credential of the same customer, the call under way continues with it.
#[test]
fn another_credential_of_the_same_customer_takes_over_without_interruption() {
    for at in 1..30 {
        let world = World::new(71, 20);
        let acme = world.connect();
        let ended = AtomicBool::new(false);
        let pulled = async {
            let pulled = acme.pull_full("candidates").await;
            ended.store(true, Ordering::SeqCst);
            pulled
        };
        let take_over = async {
            while world.wire.exchanges.load(Ordering::SeqCst) < at {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                world.clock.sleep(3).await;
            }
            let same = credential("sandbox", "sandbox-secret");
            acme.replace_credential(same).await.unwrap();
        };
        let (pulled, ()) = world.run(join(pulled, take_over));
        pulled.unwrap();
    }
}
