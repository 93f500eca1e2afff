//! Each loss that a connection would feel is named, and no other.

use super::{Abilities, Loss, Used, Writes, felt};
use std::collections::{BTreeMap, BTreeSet};

fn set<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn writes<const N: usize>(kind: &str, members: [&str; N]) -> Writes {
    Writes { kind: kind.to_owned(), members: set(members) }
}

fn whole() -> Abilities {
    Abilities {
        kinds: BTreeMap::from([
            ("candidates".to_owned(), set(["name", "emails", "company"])),
            ("jobs".to_owned(), set(["title"])),
            ("tags".to_owned(), set(["name"])),
        ]),
        operations: BTreeMap::from([
            ("candidates.create".to_owned(), writes("candidates", ["name", "emails", "company"])),
            ("candidates.update".to_owned(), writes("candidates", ["name", "company"])),
            ("applications.move".to_owned(), writes("applications", ["stage"])),
            ("applied_tags.create".to_owned(), writes("applied_tags", ["tag"])),
            ("notes.create".to_owned(), writes("notes", ["body"])),
        ]),
    }
}

fn used(bodies: &[&str]) -> Used {
    let mut used = Used::default();
    bodies.iter().for_each(|body| used.desired(body));
    used
}

fn said(losses: &[Loss]) -> Vec<String> {
    losses.iter().map(Loss::to_string).collect()
}

#[test]
fn a_version_that_can_more_loses_nothing() {
    let (before, mut now) = (whole(), whole());
    now.kinds.insert("offers".to_owned(), set(["state"]));
    now.kinds.get_mut("jobs").unwrap().insert("state".to_owned());
    assert!(before.lost_in(&now).is_empty());
}

#[test]
fn a_loss_counts_only_where_the_connection_uses_it() {
    let nothing = Abilities::default();
    let lost = whole().lost_in(&nothing);
    assert_eq!(lost.len(), 8);
    assert!(felt(&lost, &Used::default()).is_empty());
    let mut stored = Used::default();
    stored.kinds.insert("jobs".to_owned());
    assert_eq!(said(&felt(&lost, &stored)), ["it does not read the kind jobs"]);
    let candidate = used(&[r#"{"key":"a","emails":["a@b.c"]}"#]);
    assert_eq!(
        said(&felt(&lost, &candidate)),
        [
            "it does not read the kind candidates",
            "it has no operation candidates.create",
            "it has no operation candidates.update"
        ]
    );
}

#[test]
fn a_field_counts_where_a_desired_record_declares_it() {
    let mut now = whole();
    now.kinds.get_mut("candidates").unwrap().remove("company");
    now.operations.get_mut("candidates.update").unwrap().members.remove("company");
    let lost = whole().lost_in(&now);
    assert!(felt(&lost, &used(&[r#"{"key":"a","title":"x"}"#])).is_empty());
    assert!(felt(&lost, &used(&[r#"{"key":"a","company":null}"#])).is_empty());
    assert_eq!(
        said(&felt(&lost, &used(&["no json", r#"{"key":"a","company":"Acme"}"#]))),
        ["it does not read candidates.company", "it does not write company with candidates.update"]
    );
}

#[test]
fn records_below_a_candidate_use_their_own_operations() {
    let mut now = whole();
    for operation in ["applications.move", "applied_tags.create", "notes.create"] {
        now.operations.remove(operation);
    }
    now.kinds.remove("tags");
    let lost = whole().lost_in(&now);
    let without = used(&[r#"{"key":"a","applications":[{"key":"b","job":"Baker"}]}"#]);
    assert!(felt(&lost, &without).is_empty(), "no stage is declared");
    let with = used(&[r#"{"key":"a","tags":["x"],"notes":[{"key":"n","body":"b"}],
        "applications":[{"key":"b","stage":"Onsite"}]}"#]);
    assert_eq!(felt(&lost, &with), lost);
}

#[test]
fn an_open_write_uses_its_operation_and_the_members_of_its_input() {
    use crate::journal::{Intent, IntentState, Moment};
    use atsync_model::contract::Mark;
    let at = Moment::of_wall(1);
    let intent = Intent {
        id: 1,
        path: "r".to_owned(),
        operation: "candidates.update".to_owned(),
        target: None,
        input: r#"{"set":{"company":"Acme"}}"#.to_owned(),
        makes: BTreeMap::new(),
        applied: BTreeMap::new(),
        digest: String::new(),
        mark: Mark { text: String::new(), time_ms: 1 },
        generation: 1,
        attempt: 1,
        first_sent: at,
        last_sent: at,
        changed: at,
        tries: Vec::new(),
        planned_by: None,
        sent_by: None,
        state: IntentState::Sending,
    };
    let mut used = Used::default();
    used.intent(&intent);
    let mut now = whole();
    now.operations.get_mut("candidates.update").unwrap().members = BTreeSet::new();
    assert_eq!(
        said(&felt(&whole().lost_in(&now), &used)),
        ["it does not write company with candidates.update"]
    );
    now.operations.clear();
    let unknown = Abilities::used(&used).lost_in(&now);
    assert_eq!(said(&felt(&unknown, &used)), ["it has no operation candidates.update"]);
}
