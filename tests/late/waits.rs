//! What a connection reports while a create waits, because an earlier one may show late.

use super::{ada, late, sync};
use atsync::{Clock, Connection, Person, Progress};
use atsync_greenhouse_sandbox::{Fault, FaultKind};
use atsync_tests::World;
use serde_json::json;
use std::sync::{Arc, Mutex};

/// The waits before creates that a connection reports: path, reason and end.
type Waits = Arc<Mutex<Vec<(String, String, u64)>>>;

fn connect_watched(world: &World) -> (Connection, Waits) {
    let waits = Waits::default();
    let mut options = world.options();
    let told = Arc::clone(&waits);
    options.progress = Arc::new(move |progress| {
        if let Progress::Looking { path, why, until_ms, .. } = progress {
            told.lock().unwrap().push((path.clone(), (*why).to_owned(), *until_ms));
        }
    });
    (world.run(world.engine().connect(options)).unwrap(), waits)
}

/// A wait is reported with the record, the reason, and the moment at which it ends at the latest.
#[test]
fn a_create_that_waits_reports_the_record_the_reason_and_the_end() {
    let bo = json!({"key": "bo", "name": {"first": "Bo", "last": "Li"},
        "emails": ["bo@example.com"]});
    for (erases, reason) in [(false, "was refused"), (true, "was erased")] {
        let world = late();
        let (acme, waits) = connect_watched(&world);
        if erases {
            sync(&world, &acme, &[ada(&json!({}))]);
            world.run(acme.erase(&Person::Key("ada".into()))).unwrap();
        } else {
            let refused =
                Fault::once("POST", "/v3/candidates", FaultKind::NotApplied { status: 403 });
            world.sandbox.faults().add(refused);
            sync(&world, &acme, std::slice::from_ref(&bo));
        }
        waits.lock().unwrap().clear();
        let mut again = bo.clone();
        again["title"] = json!("Engineer");
        let (_, report) = sync(&world, &acme, &[again]);
        assert_eq!(report.count("applied"), 1, "{report:?}");
        let waits = waits.lock().unwrap();
        assert!(!waits.is_empty());
        for (path, why, until_ms) in waits.iter() {
            assert_eq!(path, "bo");
            assert!(why.contains(reason), "{why}");
            let end_ms = waits[0].2;
            assert!(
                until_ms.abs_diff(end_ms) <= 1 && *until_ms <= world.clock.now_ms(),
                "{waits:?}"
            );
        }
    }
}
