//! The log says of what it speaks: a line of a write names connection and intent, a line of a pass
//! names connection and kind. In text and in JSON, as `atsync` sets them.
//!
//! The only test of its file: it captures the log of this thread, and other threads that log would
//! disturb that.

#![allow(clippy::unwrap_used, reason = "a test stops when something does not hold")]

use atsync::{Clock, Cron, Crons};
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::{Lines, World, desired};
use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

const ADA: &str =
    r#"{"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": ["ada@example.com"]}"#;

/// A day in which the answer to a write is lost, and the first pull fails once.
fn day() {
    let world = World::new(1, 12);
    let lost = Fault::always("/v3/candidates", FaultKind::DropAfter);
    world.sandbox.faults().add(Fault { method: Some("POST".to_owned()), times: Some(1), ..lost });
    let acme = world.connect();
    world.run(acme.declare(&desired(ADA))).unwrap();
    let crons = Crons::of_pulls([("candidates".to_owned(), Cron::parse("*/10 * * * *").unwrap())]);
    world.run(acme.run(crons, world.clock.sleep(3_600_000), |_| {})).unwrap();
}

fn logged(level: LevelFilter, is_json: bool) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    let registry = tracing_subscriber::registry();
    if is_json {
        let layer = layer.json().flatten_event(true).with_current_span(false);
        tracing::subscriber::with_default(registry.with(layer.with_filter(level)), day);
    } else {
        tracing::subscriber::with_default(registry.with(layer.with_filter(level)), day);
    }
    lines.text()
}

#[test]
fn each_line_of_a_write_names_connection_and_intent_and_of_a_pass_connection_and_kind() {
    let text = logged(LevelFilter::DEBUG, false);
    let writes: Vec<&str> = text.lines().filter(|line| line.contains("POST")).collect();
    let writes = writes.into_iter().filter(|line| line.contains("path=\"/v3/candidates\""));
    let mut count = 0;
    for line in writes {
        count += 1;
        let spans = "run{connection=\"acme\"}:intent{connection=\"acme\" intent=1 ";
        assert!(line.contains(spans), "{line}");
    }
    assert!(count > 0, "{text}");
    let pages = text.lines().filter(|line| line.contains("path=\"/v3/candidates\""));
    let pages: Vec<&str> = pages.filter(|line| line.contains("method=\"GET\"")).collect();
    let pass = "run{connection=\"acme\"}:pass{connection=\"acme\" kind=candidates}";
    assert!(pages.iter().any(|line| line.contains(pass)), "{text}");

    // What an operator sees: the write in doubt, with its intent, and no data of the candidate.
    for is_json in [false, true] {
        let warned = logged(LevelFilter::INFO, is_json);
        assert!(!warned.contains("ada") && !warned.contains("Byron"), "{warned}");
        let doubt = warned.lines().find(|line| line.contains("in doubt")).unwrap();
        if is_json {
            let line: Value = serde_json::from_str(doubt).unwrap();
            let spans = line["spans"].as_array().unwrap();
            let names: Vec<&str> = spans.iter().filter_map(|span| span["name"].as_str()).collect();
            assert_eq!(names, ["run", "intent"], "{line}");
            assert_eq!((&spans[1]["connection"], &spans[1]["intent"]), (&"acme".into(), &1.into()));
        } else {
            assert!(doubt.contains("intent{connection=\"acme\" intent=1 "), "{doubt}");
        }
    }
}
