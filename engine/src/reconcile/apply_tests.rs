//! Why a step that depends on another is not taken.

use super::{StepEnd, StepReport, what_failed, with_member};
use crate::reason::Reason;
use atsync_model::contract::{Failure, Misread};

#[test]
fn the_other_reading_is_the_engines_to_read_and_no_person_sees_it() {
    let misread =
        Misread { message: "not accepted: stale".into(), reading: "application-stage".into() };
    assert_eq!(Failure::Misread(misread).to_string(), "not accepted: stale");
    assert_eq!(with_member("{\"a\":1}", "reading", "x"), "{\"a\":1,\"reading\":\"x\"}");
}

#[test]
fn a_step_that_depends_on_a_failed_one_says_why_that_one_failed() {
    let step = |host: &str, operation: &str, end: StepEnd| StepReport {
        host: host.to_owned(),
        operation: operation.to_owned(),
        end,
        warnings: Vec::new(),
    };
    let waits = |on: &str| StepEnd::Skipped { waits_for: on.to_owned() };
    let steps = [
        step(
            "~tags/nt",
            "tags.create",
            StepEnd::Refused { reason: "not permitted: 403".to_owned() },
        ),
        step("ref-1/a", "applied_tags.create", waits("~tags/nt")),
        step("ref-1/b", "notes.create", waits("ref-1/a")),
    ];
    let (_, reason, message) = what_failed(&steps[2], &steps);
    assert_eq!(reason, Reason::Waits);
    assert!(
        message.contains("tags.create: not permitted: 403") && !message.contains('~'),
        "{message}"
    );
    assert!(what_failed(&steps[1], &steps).2.contains("the tag \"nt\""));
    // Steps that wait for each other end.
    let ring = [step("a", "x", waits("b")), step("b", "y", waits("a"))];
    assert!(what_failed(&ring[0], &ring).2.contains("depends on"));
}
