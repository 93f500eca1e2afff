//! Raw kinds, end to end: what is read by default and what is not, windows, hints, sweeps, rights
//! and erasures; and the announced end of what an adapter uses.

use atsync::model::manifest::{Manifest, Sunset};
use atsync::model::raw::RawRecord;
use atsync::{
    Clock, Connection, Cron, Crons, ErrorKind, HintEnd, Person, Round, Secret, SunsetReason,
    SweepOptions, Verdict,
};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{Altered, BEGIN_MS, Lines, World, native_greenhouse};
use futures_util::TryStreamExt;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;

const SECRET: &str = "hook secret of acme";
const DAY_MS: u64 = 86_400_000;

fn raw_kinds(acme: &Connection) -> Vec<String> {
    let raw = acme.manifest().kinds.iter().filter(|rule| rule.raw);
    raw.map(|rule| rule.name.clone()).collect()
}

fn collection(kind: &str) -> &str {
    kind.strip_prefix("raw_").unwrap()
}

fn sensitive(acme: &Connection) -> BTreeSet<String> {
    let rules = acme.manifest().kinds.iter().filter(|rule| rule.opt_in.is_some());
    rules.map(|rule| rule.name.clone()).collect()
}

/// Opens the connection with every sensitive kind named.
fn opted_in(world: &mut World) -> Connection {
    let kinds: Vec<String> = sensitive(&world.connect()).into_iter().collect();
    world.settings.insert("sensitive_kinds".into(), json!(kinds));
    world.restart();
    world.connect()
}

fn stored(world: &World, acme: &Connection, kind: &str) -> Vec<RawRecord<'static>> {
    let read = acme.observed_as::<RawRecord<'static>>(kind).unwrap();
    let rows: Vec<_> = world.run(read.try_collect()).unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

#[test]
fn every_raw_kind_is_pulled_whole_then_by_window_with_each_record_as_the_ats_has_it() {
    let mut world = World::new(5, 60);
    let acme = opted_in(&mut world);
    let manifest = acme.manifest().clone();
    let mut read = 0;
    for kind in raw_kinds(&acme) {
        if kind == "raw_webhooks" {
            // Partners alone may list them.
            let error = world.run(acme.pull(&kind)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            continue;
        }
        let pulled = world.run(acme.pull(&kind)).unwrap();
        let rows = world.sandbox.rows(collection(&kind));
        assert_eq!(pulled.records, rows.len() as u64, "{kind}");
        assert_eq!((pulled.unread, pulled.unread_fields), (0, 0), "{kind}: {pulled:?}");
        assert!(!rows.is_empty() || kind == "raw_bulk_requests", "{kind}");
        let mut contents: Vec<Value> =
            stored(&world, &acme, &kind).into_iter().map(|record| record.content).collect();
        contents.sort_by_key(|row| row["id"].as_i64());
        let mut wanted = rows;
        wanted.sort_by_key(|row| row["id"].as_i64());
        assert_eq!(contents, wanted, "{kind}");
        let named = stored(&world, &acme, &kind).into_iter().flat_map(|record| record.references);
        for reference in named {
            assert!(manifest.kind(&reference.kind).is_some(), "{kind}: {reference:?}");
        }
        world.clock.set(world.clock.now_ms() + 60_000);
        let again = world.run(acme.pull(&kind)).unwrap();
        let is_windowed = !manifest.kind(&kind).unwrap().changes.is_empty();
        assert_eq!((again.full, again.created, again.updated), (!is_windowed, 0, 0), "{kind}");
        read += 1;
    }
    assert_eq!(read, 41);
}

#[test]
fn sensitive_kinds_are_not_read_until_the_settings_name_them() {
    let mut world = World::new(5, 20);
    let acme = world.connect();
    assert_eq!(sensitive(&acme).len(), 5);
    world.sandbox.clear_logs();
    for kind in sensitive(&acme) {
        for error in [
            world.run(acme.pull(&kind)).unwrap_err(),
            world.run(acme.pull_full(&kind)).unwrap_err(),
            world.run(acme.sweep(&kind, Default::default())).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Input, "{error}");
            assert!(error.to_string().contains("`sensitive_kinds`"), "{error}");
        }
        let crons = Crons::of_pulls([(kind.clone(), Cron::parse("0 * * * *").unwrap())]);
        let ran = world.run(acme.run(crons, std::future::pending(), |_: &Round<'_>| {}));
        assert_eq!(ran.unwrap_err().kind(), ErrorKind::Input);
    }
    assert_eq!(world.reads(), Vec::<String>::new(), "nothing is asked for");
    let acme = opted_in(&mut world);
    for kind in sensitive(&acme) {
        assert!(world.run(acme.pull(&kind)).unwrap().records > 0, "{kind}");
    }
    world.settings.insert("sensitive_kinds".into(), json!(["raw_eoc"]));
    let error = world.run(world.engine().connect(world.options())).unwrap_err();
    assert!(error.to_string().contains("\"raw_eoc\"; it is one of"), "{error}");
}

fn deliver(world: &World, to: &Connection, id: &str, action: &str, payload: Value) -> Verdict {
    let body = json!({"action": action, "payload": payload}).to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256 {hex}");
    let headers = [("Signature", signature.as_str()), ("Greenhouse-Event-ID", id)];
    let received = world.run(to.receive(headers, &body)).unwrap();
    assert_eq!(received.status, 200);
    received.verdict
}

fn ends(verdict: Verdict) -> Vec<HintEnd> {
    let Verdict::Accepted(all) = verdict else { panic!("{verdict:?}") };
    all.into_iter().map(|(_, end)| end).collect()
}

#[test]
fn a_webhook_of_a_raw_kind_is_followed_once_the_connection_reads_the_kind() {
    let world = World::new(5, 60);
    let mut options = world.options();
    options.webhook_secrets = vec![Secret::new(SECRET)];
    let acme = world.run(world.engine().connect(options)).unwrap();
    let offer = world.sandbox.rows("offers")[0]["id"].clone();
    world.sandbox.clear_logs();
    let reported = deliver(&world, &acme, "1", "offer_updated", json!({"id": offer}));
    assert_eq!(ends(reported), [HintEnd::NotRead]);
    assert_eq!(world.reads(), Vec::<String>::new(), "it costs no request");
    for kind in ["raw_offers", "raw_scorecards"] {
        world.run(acme.pull(kind)).unwrap();
    }
    let reported = deliver(&world, &acme, "2", "offer_updated", json!({"id": offer}));
    assert_eq!(ends(reported), [HintEnd::TakenIn]);
    let reported = deliver(&world, &acme, "3", "offer_deleted", json!({"offer": {"id": offer}}));
    assert_eq!(ends(reported), [HintEnd::StillThere]);
    let scorecard = world.sandbox.rows("scorecards")[0].clone();
    let candidate = world
        .sandbox
        .row("applications", scorecard["application_id"].as_i64().unwrap())
        .unwrap()["candidate_id"]
        .as_i64()
        .unwrap();
    world.sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id: candidate }).unwrap();
    let payload = json!({"scorecard": {"id": scorecard["id"]}});
    let reported = deliver(&world, &acme, "4", "scorecard_deleted", payload);
    assert_eq!(ends(reported), [HintEnd::Gone]);
}

#[test]
fn a_sweep_of_a_raw_kind_finds_what_was_deleted() {
    let world = World::new(5, 60);
    let acme = world.connect();
    world.run(acme.pull("raw_offers")).unwrap();
    let offer = world.sandbox.rows("offers")[0].clone();
    let candidate = offer["candidate_id"].as_i64().unwrap();
    world.sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id: candidate }).unwrap();
    world.clock.set(world.clock.now_ms() + 3_600_000);
    let swept = world.run(acme.sweep("raw_offers", Default::default())).unwrap();
    assert!(swept.complete && swept.confirmed >= 1, "{swept:?}");
    let id = offer["id"].to_string();
    let row = world.run(acme.observed_one("raw_offers", &id)).unwrap();
    assert!(row.is_none_or(|row| row.gone), "it is reported as deleted");
}

/// A record that its candidate hides is not deleted, though the list does not show it any more.
#[test]
fn a_sweep_takes_no_raw_record_of_a_hidden_candidate_for_deleted() {
    let world = World::new(5, 120);
    let acme = world.connect();
    let offers = world.sandbox.rows("offers");
    for offer in &offers {
        set(&world, "candidates", &offer["candidate_id"], json!({"private": true}));
    }
    for kind in ["candidates", "applications", "raw_offers"] {
        world.run(acme.pull(kind)).unwrap();
    }
    let before = stored(&world, &acme, "raw_offers").len();
    assert_eq!(before, offers.len());
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    world.clock.set(world.clock.now_ms() + 3_600_000);
    let swept = world.run(acme.sweep("raw_offers", SweepOptions::default().force(true))).unwrap();
    assert_eq!((swept.confirmed, swept.hidden), (0, before as u64), "{swept:?}");
    assert_eq!(stored(&world, &acme, "raw_offers").len(), before);
}

fn set(world: &World, collection: &str, id: &Value, values: Value) {
    let deed = Recruiter::Set {
        collection: collection.to_owned(),
        id: id.as_i64().unwrap(),
        values: values.as_object().unwrap().clone(),
    };
    world.sandbox.recruiter(&deed).unwrap();
}

/// The row that was made first is the last one of a list, and the furthest from its window.
#[test]
fn an_edit_of_the_oldest_record_of_each_raw_kind_arrives_as_one_change() {
    let mut world = World::new(5, 60);
    let acme = opted_in(&mut world);
    for kind in raw_kinds(&acme) {
        let rows = world.sandbox.rows(collection(&kind));
        let Some(oldest) = rows.iter().min_by_key(|row| row["id"].as_i64()) else { continue };
        world.run(acme.pull(&kind)).unwrap();
        world.clock.set(world.clock.now_ms() + 3_600_000);
        // A member that has nothing to do with references and times.
        let plain = |(name, value): &(&String, &Value)| {
            (value.is_boolean() || value.is_string())
                && !name.ends_with("_at")
                && !name.ends_with("type")
        };
        let found = oldest.as_object().unwrap().iter().find(plain);
        let values = match found {
            Some((name, Value::Bool(flag))) => json!({name: !flag}),
            Some((name, _)) => json!({name: "another text"}),
            // A tie has no member but references: it is only stamped anew.
            None => json!({}),
        };
        set(&world, collection(&kind), &oldest["id"], values);
        let now = world.sandbox.row(collection(&kind), oldest["id"].as_i64().unwrap()).unwrap();
        let pulled = world.run(acme.pull(&kind)).unwrap();
        assert_eq!((pulled.created, pulled.updated), (0, 1), "{kind}: {pulled:?}");
        let id = oldest["id"].to_string();
        let row = world.run(acme.observed_one(&kind, &id)).unwrap().unwrap();
        let record: RawRecord<'static> = serde_json::from_str(&row.body).unwrap();
        assert_eq!(record.content, now, "{kind}");
    }
}

#[test]
fn the_scope_of_a_raw_kind_is_checked_only_where_the_connection_reads_it() {
    let world = World::new(5, 20);
    let acme = world.connect();
    world.sandbox.set_access(|access| {
        access.scopes.remove("harvest:offers:list");
    });
    let checked = |results: &[atsync::CheckResult]| {
        let of = |one: &&atsync::CheckResult| one.permission == "harvest:offers:list";
        results.iter().find(of).map(|one| one.verdict)
    };
    let usual = world.run(acme.check()).unwrap();
    assert_eq!(checked(&usual), None);
    let named = world.run(acme.check_for(&["raw_offers", "jobs"])).unwrap();
    assert!(matches!(checked(&named), Some("missing" | "refused")), "{named:?}");
    assert_eq!(named.len(), usual.len() + 1);
    let error = world.run(acme.pull("raw_offers")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("harvest:offers:list"), "{error}");
    world.run(acme.pull("raw_interviews")).unwrap();
    let after = world.run(acme.check()).unwrap();
    assert_eq!(after.len(), usual.len() + 1, "the scope of interviews");
}

/// The raw records that belong to a candidate, directly and through others.
#[test]
fn an_erasure_takes_the_raw_records_of_a_candidate_and_keeps_them_away() {
    let mut world = World::new(5, 60);
    let acme = opted_in(&mut world);
    let kinds: Vec<String> =
        raw_kinds(&acme).into_iter().filter(|kind| kind != "raw_webhooks").collect();
    for kind in ["candidates", "applications"].map(str::to_owned).iter().chain(&kinds) {
        world.run(acme.pull(kind)).unwrap();
    }
    let card = world.sandbox.rows("scorecards")[0].clone();
    let application = card["application_id"].as_i64().unwrap();
    let candidate =
        world.sandbox.row("applications", application).unwrap()["candidate_id"].as_i64().unwrap();
    // What the company knows of it, by walking the rows by hand.
    let mut theirs: BTreeSet<(String, String)> = BTreeSet::new();
    let applications: Vec<Value> = world
        .sandbox
        .rows("applications")
        .into_iter()
        .filter(|row| row["candidate_id"] == candidate)
        .map(|row| row["id"].clone())
        .collect();
    loop {
        let before = theirs.len();
        for kind in &kinds {
            let rule = atsync_greenhouse::kinds::named(kind).unwrap();
            for row in world.sandbox.rows(collection(kind)) {
                let is_theirs = rule.references.iter().any(|(member, of)| match *of {
                    "candidates" => row[*member] == candidate,
                    "applications" => applications.contains(&row[*member]),
                    other => theirs.contains(&(other.to_owned(), row[*member].to_string())),
                });
                if is_theirs {
                    theirs.insert((kind.clone(), row["id"].to_string()));
                }
            }
        }
        if theirs.len() == before {
            break;
        }
    }
    let reached: BTreeSet<&str> = theirs.iter().map(|(kind, _)| kind.as_str()).collect();
    for kind in ["raw_scorecards", "raw_interviewers", "raw_scorecard_question_answer_options"] {
        assert!(reached.contains(kind), "{reached:?}");
    }
    let held = |kind: &str, id: &str| {
        world.run(acme.observed_one(kind, id)).unwrap().is_some_and(|row| !row.gone)
    };
    assert!(theirs.iter().all(|(kind, id)| held(kind, id)));
    let others: usize = kinds.iter().map(|kind| stored(&world, &acme, kind).len()).sum();
    world.run(acme.erase(&Person::Candidate(candidate.to_string()))).unwrap();
    for (kind, id) in &theirs {
        assert!(!held(kind, id), "{kind}/{id} is still there");
    }
    let left: usize = kinds.iter().map(|kind| stored(&world, &acme, kind).len()).sum();
    assert_eq!(left, others - theirs.len(), "and nothing of others was erased");
    for kind in &kinds {
        world.run(acme.pull_full(kind)).unwrap();
    }
    for (kind, id) in &theirs {
        assert!(!held(kind, id), "{kind}/{id} came back");
    }
}

/// A world whose adapter ends after this many days.
fn ending_in(days: i64) -> World {
    let mut world = World::new(5, 12);
    let last = i64::try_from(BEGIN_MS / DAY_MS).unwrap() + days;
    let day = jiff_day(last);
    world.adapter = Altered::wrap(native_greenhouse(), |manifest: &mut Manifest| {
        let mut sunset =
            Sunset::new(day, "https://ats.example/news", "Install the adapter for v4.");
        sunset.api = Some("v3".into());
        manifest.sunsets = vec![sunset];
    });
    world
}

/// The day of this number since 1970.
fn jiff_day(number: i64) -> String {
    let at = number.unsigned_abs() * DAY_MS;
    let text =
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(at));
    let parts: Vec<&str> = text.split(' ').collect();
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == parts[2]).unwrap() + 1;
    format!("{}-{month:02}-{}", parts[3], parts[1])
}

#[test]
fn the_status_warns_of_an_announced_end_from_180_days_before() {
    for (days, reason) in [
        (181, None),
        (180, Some(SunsetReason::EndsSoon)),
        (0, Some(SunsetReason::EndsSoon)),
        (-1, Some(SunsetReason::Ended)),
    ] {
        let world = ending_in(days);
        let status = world.run(world.connect().status()).unwrap();
        let found: Vec<SunsetReason> = status.sunsets.iter().map(|one| one.reason).collect();
        assert_eq!(found, Vec::from_iter(reason), "{days}");
        let shown = serde_json::to_value(&status).unwrap();
        let word = shown["sunsets"][0]["reason"].as_str().map(str::to_owned);
        assert_eq!(word, reason.map(|reason| format!("{reason:?}")), "{days}");
    }
}

#[test]
fn an_announced_end_is_logged_once_a_day_however_often_the_process_starts() {
    let mut world = ending_in(100);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let count = || lines.text().matches("ats.example/news").count();
    tracing::subscriber::with_default(subscriber.finish(), || {
        for day in 1..=3 {
            for _ in 0..3 {
                let acme = world.connect();
                let clock = world.clock.clone();
                let stop = async move { clock.sleep(3 * 60_000).await };
                let crons =
                    Crons::of_pulls([("jobs".to_owned(), Cron::parse("0 0 * * * *").unwrap())]);
                world.run(acme.run(crons, stop, |_: &Round<'_>| {})).unwrap();
                world.restart();
            }
            assert_eq!(count(), day, "{}", lines.text());
            world.clock.set(world.clock.now_ms() + DAY_MS);
        }
    });
    assert!(lines.text().contains("EndsSoon"), "{}", lines.text());
    let plain = World::new(5, 12);
    let status = plain.run(plain.connect().status()).unwrap();
    assert!(status.sunsets.is_empty(), "no end of Harvest v3 is announced");
}
