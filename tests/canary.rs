//! The message of an adapter's panic may quote a candidate's data: no log above debug and no
//! user-visible output shows it.
//!
//! The only test of its file: it captures the log of this thread, and other threads that log would
//! disturb that.

#![allow(clippy::unwrap_used, reason = "a test stops when something does not hold")]

use atsync::{Clock, PlanOf};
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::{CANARY, Lines, World, desired, panicking_greenhouse};
use serde_json::Value;
use tracing::Level;

const ADA: &str =
    r#"{"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": ["ada@example.com"]}"#;

/// The form of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

/// The engine's log at this level and above while `act` runs.
fn logged(level: Level, form: Form, act: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    match form {
        Form::Text => tracing::subscriber::with_default(subscriber.finish(), act),
        Form::Json => {
            tracing::subscriber::with_default(subscriber.json().flatten_event(true).finish(), act);
        }
    }
    lines.text()
}

#[test]
fn the_message_of_an_adapters_panic_is_in_no_log_above_debug_and_in_no_status() {
    for (level, form, says) in [
        (Level::INFO, Form::Text, false),
        (Level::DEBUG, Form::Text, true),
        (Level::INFO, Form::Json, false),
        (Level::DEBUG, Form::Json, true),
    ] {
        let mut world = World::new(1, 12);
        world.adapter = panicking_greenhouse();
        // The ATS answers that it created the candidate, and does nothing.
        let rule = Fault::always("/v3/candidates", FaultKind::NotApplied { status: 201 });
        world.sandbox.faults().add(Fault { method: Some("POST".to_owned()), ..rule });
        let acme = world.connect();
        world.run(acme.declare(&desired(ADA))).unwrap();
        let log = logged(level, form, || {
            for _ in 0..30 {
                drop(world.run(acme.sync()));
                world.clock.set(world.clock.now_ms() + 60_000);
            }
        });
        assert_eq!(log.contains(CANARY), says, "{log}");
        // The log says that the write is in doubt, and why, and names no candidate.
        let intent = world.run(acme.open_intents()).unwrap().remove(0);
        let doubt = log.lines().find(|line| line.contains("in doubt")).unwrap();
        let number = match form {
            Form::Text => format!("intent={}", intent.id),
            Form::Json => format!("\"intent\":{}", intent.id),
        };
        for word in ["WARN", "acme", "candidates.create", "adapter_crashed", &number] {
            assert!(doubt.contains(word), "{word}: {doubt}");
        }
        if form == Form::Json {
            let doubt: Value = serde_json::from_str(doubt).unwrap();
            // It was logged while the intent was sent, so it stands in the intent's span.
            let span = doubt["spans"].as_array().unwrap().last().unwrap();
            assert_eq!((&span["name"], &span["intent"]), (&"intent".into(), &intent.id.into()));
            assert_eq!(span["connection"], "acme");
            for line in log.lines() {
                assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
            }
        }
        assert!(
            log.lines().any(|line| line.contains("WARN") && line.contains("it panicked")),
            "{log}"
        );
        let personal = ["Byron", "ada@example.com", "Ada"];
        let loud = log.lines().filter(|line| !line.contains("DEBUG"));
        assert!(!loud.clone().any(|line| personal.iter().any(|text| line.contains(text))), "{log}");
        let told = format!(
            "{:?} {} {} {:?}",
            world.run(acme.desired("ada")).unwrap().unwrap().status,
            world.run(acme.explain("ada")).unwrap().words(),
            atsync::internals::plan::words::plan(&world.run(acme.plan(PlanOf::All)).unwrap()),
            world.run(acme.status()).unwrap(),
        );
        assert!(told.contains("the adapter crashed") && !told.contains(CANARY), "{told}");
    }
}
