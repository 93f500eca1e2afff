//! Faults of a scan: its requests, its steps, its pages and its records.

use super::*;
use atsync::internals::reconcile::SweepOptions;
use atsync::internals::store::{Change, ChangeWhat, ObservedRow};
use atsync::{HeldBy, RemoteRef};
use futures_util::TryStreamExt;
use serde_json::Value;

/// A pull of candidates under this attack ends with an error of this class, sends nothing that it
/// must not, and leaves the connection's other kinds and its neighbour working.
fn ends(attack: &str, expected: Class) {
    println!("== {attack}");
    let scene = Scene::new(attack);
    let error = scene.beside(scene.acme.pull("candidates")).unwrap_err();
    assert_eq!(class(&error), expected, "{attack}: {error}");
    assert!(!error.to_string().contains('\n'), "{attack}: {error}");
    scene.sent_nothing_else();
    scene.world.run(scene.acme.pull("jobs")).unwrap();
}

#[test]
fn a_call_that_never_ends_ends_by_its_limit() {
    ends("spin", Class::Limit);
    ends("recursion", Class::Limit);
}

#[test]
fn a_panic_is_a_crash_of_the_adapter() {
    ends("panic", Class::Crash);
}

#[test]
fn giant_texts_lists_and_states_are_refused() {
    ends("giant-text", Class::Limit);
    ends("giant-state", Class::Limit);
    ends("giant-list", Class::Limit);
}

#[test]
fn a_path_that_is_none_or_leads_elsewhere_is_not_sent() {
    ends("url-as-path", Class::Contract);
    ends("double-slash", Class::Malformed);
    ends("encoded-dots", Class::Malformed);
    ends("line-in-path", Class::Malformed);
}

#[test]
fn a_link_out_of_the_granted_origin_is_not_followed() {
    ends("foreign-link", Class::Outside);
    ends("user-in-link", Class::Malformed);
    ends("host-as-user", Class::Malformed);
    ends("scheme-relative-link", Class::Malformed);
}

#[test]
fn a_header_that_frames_routes_or_authenticates_is_not_sent() {
    ends("line-in-header", Class::Contract);
    for attack in ["header-host", "header-authorization", "header-method", "header-length"] {
        ends(attack, Class::Malformed);
    }
}

#[test]
fn a_body_that_no_reader_takes_is_not_sent() {
    ends("deep-json-body", Class::Contract);
}

#[test]
fn a_reading_task_changes_nothing() {
    for attack in
        ["unsafe-read", "scratch-read", "safe-post", "safe-delete", "consuming", "unknown-origin"]
    {
        ends(attack, Class::Contract);
    }
}

#[test]
fn steps_without_end_are_ended() {
    let scene = Scene::new("endless-steps");
    let error = scene.beside(scene.acme.pull("candidates")).unwrap_err();
    assert_eq!(class(&error), Class::Limit, "{error}");
    let asked = scene.world.sandbox.requests();
    let asked = asked.iter().filter(|request| request.path.starts_with("/v3/jobs")).count();
    assert!(asked <= 200, "{asked} requests");
    scene.world.run(scene.acme.pull("jobs")).unwrap();
}

#[test]
fn a_cursor_that_stays_or_goes_in_circles_ends_the_pass() {
    for attack in ["same-cursor", "new-cursors", "circle"] {
        let scene = Scene::new(attack);
        let error = scene.beside(scene.acme.pull("candidates")).unwrap_err();
        assert_eq!(class(&error), Class::Circle, "{attack}: {error}");
        scene.world.sandbox.clear_logs();
        drop(scene.world.run(scene.acme.pull("candidates")).unwrap_err());
        let pages = scene.world.reads().iter().filter(|path| *path == "/v3/candidates").count();
        assert!(pages <= 4, "{attack}: {pages} pages");
        scene.world.run(scene.acme.pull("jobs")).unwrap();
    }
}

#[test]
fn a_page_that_contradicts_itself_or_the_manifest_is_refused() {
    ends("complete-with-next", Class::Contract);
    ends("more-than-page-max", Class::Promise);
}

/// The rows of a connection's kind, by the store.
fn rows(scene: &Scene, connection: &Connection, kind: &str) -> Vec<ObservedRow> {
    scene.world.run(connection.observed(kind).try_collect()).unwrap()
}

#[test]
fn records_that_cannot_be_kept_cost_themselves_alone_and_the_rest_can_be_read() {
    let sound = Scene::new("none");
    sound.world.run(sound.acme.pull("candidates")).unwrap();
    let all = rows(&sound, &sound.acme, "candidates").len();
    // Some lose the spoilt member, some the whole record.
    for (attack, kept) in [
        ("deep-json", all),
        ("number-bomb", all),
        ("half-a-character", all),
        ("outside-span", all),
        ("giant-body", all - 1),
        ("unknown-kind", 0),
        ("ids-with-lines", 0),
    ] {
        println!("== {attack}");
        let scene = Scene::new(attack);
        let report = scene.beside(scene.acme.pull("candidates")).unwrap();
        // The neighbour created one before or after the page was read.
        let found = rows(&scene, &scene.acme, "candidates").len();
        if kept == all {
            assert!(report.unread_fields > 0 && found >= kept, "{attack}: {report:?}");
        } else {
            assert!(
                report.unread > 0 && (kept..=kept + 1).contains(&found),
                "{attack}: {report:?}"
            );
        }
        // What was stored can be read by everything that reads.
        scene.world.run(scene.acme.plan(atsync::PlanOf::All)).unwrap();
        let changes: Vec<Change> = scene.world.run(scene.acme.changes(0).try_collect()).unwrap();
        assert!(changes.iter().all(|change| change.what != ChangeWhat::Deleted));
        scene.sent_nothing_else();
    }
}

#[test]
fn a_number_of_half_a_million_digits_is_no_work_for_later_readers() {
    let scene = Scene::new("long-number");
    let report = scene.beside(scene.acme.pull("candidates")).unwrap();
    println!("{report:?}");
    for row in rows(&scene, &scene.acme, "candidates") {
        let body: Value = serde_json::from_str(&row.body).unwrap();
        assert!(body.to_string().len() < 100_000, "it is not kept");
    }
}

#[test]
fn complete_on_an_empty_first_page_meets_the_brake() {
    let scene = Scene::new("none");
    scene.world.run(scene.acme.pull("candidates")).unwrap();
    let before = rows(&scene, &scene.acme, "candidates").len();
    let scene = scene.turn_to("empty-and-complete");
    scene.pass(600_000);
    let sweep = scene.acme.sweep("candidates", SweepOptions::default());
    let report = scene.beside(sweep).unwrap();
    assert_eq!(report.held_by, Some(HeldBy::Brake), "{report:?}");
    assert_eq!(report.confirmed, 0);
    let pulled = scene.world.run(scene.acme.pull_full("candidates")).unwrap();
    println!("{pulled:?}");
    let alive = rows(&scene, &scene.acme, "candidates");
    assert_eq!(alive.iter().filter(|row| !row.gone).count(), before);
    let changes: Vec<Change> = scene.world.run(scene.acme.changes(0).try_collect()).unwrap();
    assert!(changes.iter().all(|change| change.what != ChangeWhat::Deleted));
}

#[test]
fn records_with_the_ids_of_another_connection_change_none_of_its_records() {
    let scene = Scene::new("false-bodies");
    scene.world.run(scene.guild.pull("candidates")).unwrap();
    let before = rows(&scene, &scene.guild, "candidates");
    scene.world.run(scene.acme.pull("candidates")).unwrap();
    assert!(rows(&scene, &scene.acme, "candidates").iter().any(|row| row.body.contains("Nobody")));
    assert_eq!(rows(&scene, &scene.guild, "candidates"), before);
    // And to erase one of them is a matter of the connection that says so.
    let id = RemoteRef::new("candidates", before[0].id.as_str());
    let erased = atsync::model::contract::Hint::Erased(id);
    drop(scene.beside(scene.acme.hint(erased)));
    let known: Vec<String> =
        rows(&scene, &scene.guild, "candidates").into_iter().map(|row| row.id).collect();
    assert!(before.iter().all(|row| known.contains(&row.id)));
    let changes: Vec<Change> = scene.world.run(scene.guild.changes(0).try_collect()).unwrap();
    assert!(changes.iter().all(|change| change.what != ChangeWhat::Deleted));
}
