//! Faults of a write: before its one request, over its answer, and of its probe.

use super::*;
use atsync::internals::reconcile::{ApplyReport, StepEnd};
use atsync::{Intent, IntentState};

const ADA: &str = "ada@example.com";

/// A scene in which one candidate is declared and due.
fn declared(attack: &str) -> Scene {
    println!("== {attack}");
    let scene = Scene::new(attack);
    scene.world.run(scene.acme.pull("candidates")).unwrap();
    let ada = json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    scene.world.run(scene.acme.declare(&desired(&ada.to_string()))).unwrap();
    scene.world.sandbox.clear_logs();
    scene
}

fn sync(scene: &Scene) -> ApplyReport {
    scene.beside(scene.acme.sync()).unwrap().1
}

fn creates(scene: &Scene) -> usize {
    // The neighbour's rounds create one each.
    let posts = scene.world.written().iter().filter(|sent| *sent == "POST /v3/candidates").count();
    posts - scene.rounds.get() as usize
}

fn adas(scene: &Scene) -> usize {
    scene.world.sandbox.candidates_by_email(ADA).len()
}

fn open(scene: &Scene) -> Vec<Intent> {
    scene.world.run(scene.acme.open_intents()).unwrap()
}

/// Every intent of the hostile connection.
fn intents(scene: &Scene) -> Vec<Intent> {
    let one = |number| scene.world.run(scene.acme.intent(number)).unwrap();
    (0..100).filter_map(one).collect()
}

/// The one step of a report ended like this.
#[track_caller]
fn the_step(report: &ApplyReport) -> &StepEnd {
    let [step] = report.steps.as_slice() else { panic!("{report:#?}") };
    assert_eq!(step.operation, "candidates.create");
    &step.end
}

#[test]
fn a_fault_over_the_answer_to_a_write_leaves_it_in_doubt_and_never_failed() {
    for attack in ["panic-after-write", "spin-after-write", "endless-after-write", "second-unsafe"]
    {
        let scene = declared(attack);
        let report = sync(&scene);
        assert_eq!(the_step(&report), &StepEnd::InDoubt, "{attack}: {report:#?}");
        assert_eq!((creates(&scene), adas(&scene)), (1, 1), "{attack}");
        // The probe is honest, and settles it without another send, in the same run or later.
        let intents = intents(&scene);
        let [intent] = &intents[..] else { panic!("{attack}: {intents:?}") };
        assert!(
            matches!(
                intent.state,
                IntentState::InDoubt { .. } | IntentState::Applied { by_probe: true, .. }
            ),
            "{attack}: {intent:?}"
        );
        let scene = scene.turn_to("none");
        scene.pass(600_000);
        let (plan, report) = scene.world.run(scene.acme.sync()).unwrap();
        let plan = atsync::internals::plan::words::plan(&plan);
        assert!(report.is_complete(), "{attack}: {plan}\n{intents:#?}\n{report:#?}");
        assert_eq!((open(&scene).len(), creates(&scene), adas(&scene)), (0, 1, 1), "{attack}");
    }
}

#[test]
fn an_answer_that_breaks_a_promise_of_the_manifest_waits_for_a_person() {
    let scene = declared("no-link");
    let report = sync(&scene);
    assert_eq!(the_step(&report), &StepEnd::InDoubt, "{report:#?}");
    for _ in 0..20 {
        scene.pass(600_000);
        drop(scene.world.run(scene.acme.sync()));
    }
    let [intent] = &open(&scene)[..] else { panic!("one intent waits") };
    assert!(matches!(intent.state, IntentState::InDoubt { blocked: true, .. }), "{intent:?}");
    assert_eq!((creates(&scene), adas(&scene)), (1, 1));
}

#[test]
fn a_second_request_that_changes_something_is_not_sent() {
    let scene = declared("second-unsafe");
    sync(&scene);
    assert!(scene.world.sandbox.candidates_by_email(STRANGER).is_empty());
    assert_eq!(creates(&scene), 1);
}

#[test]
fn a_write_whose_request_breaks_a_rule_is_not_sent_and_not_in_doubt() {
    for attack in [
        "write-double-slash",
        "write-encoded-dots",
        "write-url-as-path",
        "write-foreign-link",
        "write-user-in-link",
        "write-line-in-path",
        "write-line-in-header",
        "write-header-host",
        "write-header-authorization",
        "write-header-method",
        "write-unknown-origin",
    ] {
        let scene = declared(attack);
        let report = sync(&scene);
        assert!(matches!(the_step(&report), StepEnd::NotSent { .. }), "{attack}: {report:#?}");
        assert_eq!((open(&scene).len(), creates(&scene), adas(&scene)), (0, 0, 0), "{attack}");
        scene.sent_nothing_else();
    }
}

#[test]
fn a_write_that_is_called_done_without_a_request_is_not_believed() {
    let scene = declared("applied-unsent");
    let report = sync(&scene);
    assert!(matches!(the_step(&report), StepEnd::NotSent { .. }), "{report:#?}");
    assert_eq!((open(&scene).len(), creates(&scene), adas(&scene)), (0, 0, 0));
    assert!(scene.world.run(scene.acme.links("ada")).unwrap().is_empty());
}

#[test]
fn a_write_that_is_called_refused_although_it_happened_is_sent_five_times_at_most() {
    let scene = declared("refused-after-write");
    let report = sync(&scene);
    println!("{report:#?}");
    for _ in 0..60 {
        scene.pass(1_200_000);
        drop(scene.world.run(scene.acme.sync()));
    }
    let sent = creates(&scene);
    println!("sent {sent} times, {} of her", adas(&scene));
    assert!((1..=5).contains(&sent), "{sent}");
}

/// The guest names record 1 of the ATS as what it created, or what its probe found.
#[test]
fn an_adapter_that_links_a_record_of_others_changes_no_record_of_another_connection() {
    for attack in ["record-of-others", "found-of-others"] {
        let scene = declared(attack);
        let report = sync(&scene);
        println!("{report:#?}");
        for _ in 0..10 {
            scene.pass(600_000);
            drop(scene.beside(scene.acme.sync()));
        }
        assert!(adas(&scene) <= 1 && creates(&scene) <= 5, "{attack}: {}", creates(&scene));
        let links = scene.world.run(scene.guild.links("ada")).unwrap();
        assert!(links.is_empty(), "a link is its connection's");
    }
}
