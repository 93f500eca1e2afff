//! The decision what a page changes, made from rows held in a map.

use super::{Decision, NewRow, Outcome, Rows, Stored, decide};
use crate::store::merge::{Held, Known};
use crate::store::{Cause, MovedTo, ObservedWrite, PageCommit, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// The stored rows for a decision: bodies of records, `None` for a tombstone.
#[derive(Default)]
struct Fixed {
    bodies: BTreeMap<&'static str, Option<&'static str>>,
    told: BTreeSet<(&'static str, &'static str)>,
    linked: bool,
}

impl Rows for Fixed {
    /// The body, and the serial that the row keeps.
    type Row = (String, u64);

    fn stored<T>(
        &self,
        id: &str,
        then: impl FnOnce(Option<Stored<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let stored = self.bodies.get(id).map(|body| {
            let held = Held {
                version: None,
                known: "a\ncandidate",
                body: body.unwrap_or("{}"),
                raw: None,
            };
            Stored { gone: body.is_none(), changed_ms: 1, told: 9, moved_in: false, held }
        });
        then(stored)
    }

    fn is_told(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        Ok(self.told.contains(&(from, to)))
    }

    fn is_linked(&self) -> bool {
        self.linked
    }

    fn row(&self, _: &str, _: Option<Stored<'_>>, new: NewRow<'_>) -> Self::Row {
        (new.body.to_owned(), new.told)
    }
}

fn page(records: &[(&str, &str)], gone: &[&str], moved: &[(&str, &str, bool)]) -> PageCommit {
    let record = |(id, body): &(&str, &str)| ObservedWrite {
        id: (*id).to_owned(),
        version: None,
        body: (*body).to_owned(),
        raw: None,
        mask: 0,
    };
    let move_of = |(from, to, stays): &(&str, &str, bool)| MovedTo {
        from: (*from).to_owned(),
        to: (*to).to_owned(),
        stays: *stays,
    };
    PageCommit {
        kind: "applications".to_owned(),
        parent: None,
        records: records.iter().map(record).collect(),
        masks: Vec::new(),
        gone: gone.iter().map(|id| (*id).to_owned()).collect(),
        moved: moved.iter().map(move_of).collect(),
        scan: None,
        sweep: None,
        cause: Cause::Observed,
        applied_by: BTreeMap::new(),
        now_ms: 50,
    }
}

fn decided<'p>(rows: &Fixed, page: &'p PageCommit) -> Decision<'p, (String, u64)> {
    let mask = Known::of(&["a".to_owned(), "candidate".to_owned()]).unwrap();
    decide(rows, page, &[mask], |id| id == "kept-away", 100).unwrap()
}

/// Id and serial of every event, in the order in which they are written.
fn events(decision: &Decision<'_, (String, u64)>) -> Vec<(String, u64)> {
    let effects =
        decision.effects.iter().filter_map(|e| Some((e.id.to_owned(), e.event.as_ref()?.0)));
    let moves =
        decision.moves.iter().filter_map(|m| Some((m.moved.from.clone(), m.event.as_ref()?.0)));
    effects.chain(moves).collect()
}

fn at(places: &[(&str, u64)]) -> Vec<(String, u64)> {
    places.iter().map(|(id, serial)| ((*id).to_owned(), *serial)).collect()
}

#[test]
fn serials_have_no_gap_and_follow_records_then_deletions_then_moves() {
    let rows = Fixed {
        bodies: [("1", Some(r#"{"a":1}"#)), ("2", Some(r#"{"a":1}"#)), ("3", Some("{}"))].into(),
        ..Fixed::default()
    };
    let page = page(
        &[("new", r#"{"a":1}"#), ("1", r#"{"a":1}"#), ("2", r#"{"a":2}"#), ("kept-away", "{}")],
        &["3", "3", "unknown"],
        &[("4", "5", false)],
    );
    let decision = decided(&rows, &page);
    assert_eq!(events(&decision), at(&[("new", 101), ("2", 102), ("3", 103), ("4", 104)]));
    let report = decision.report;
    assert_eq!((report.created, report.updated, report.unchanged), (1, 1, 1));
    assert_eq!((report.deleted, report.moved), (1, 1));
    assert_eq!((decision.last_serial, decision.tombstoned), (104, 1));
}

#[test]
fn a_new_row_keeps_the_serial_of_its_event_and_a_changed_one_keeps_none() {
    let rows = Fixed { bodies: [("2", Some(r#"{"a":1}"#))].into(), ..Fixed::default() };
    let page = page(&[("1", r#"{"a":1}"#), ("2", r#"{"a":2}"#)], &[], &[]);
    let told: Vec<u64> = decided(&rows, &page).effects.iter().map(|effect| effect.row.1).collect();
    assert_eq!(told, [101, 0]);
}

#[test]
fn a_record_that_comes_back_is_new_but_not_for_the_first_time() {
    let rows = Fixed { bodies: [("1", None)].into(), ..Fixed::default() };
    let page = page(&[("1", r#"{"a":1}"#), ("2", r#"{"a":1}"#)], &[], &[]);
    let outcomes: Vec<Outcome> = decided(&rows, &page)
        .effects
        .into_iter()
        .filter_map(|effect| Some(effect.event?.1))
        .collect();
    assert_eq!(outcomes, [Outcome::Created { first: false }, Outcome::Created { first: true }]);
}

#[test]
fn a_move_is_reported_once_unless_the_page_shows_the_old_record_as_new() {
    let rows = Fixed { told: [("1", "9"), ("2", "9")].into(), ..Fixed::default() };
    let moves = [("1", "9", true), ("2", "9", true)];
    let page = page(&[("2", r#"{"a":1}"#)], &[], &moves);
    assert_eq!(events(&decided(&rows, &page)), at(&[("2", 101), ("2", 102)]));
}

#[test]
fn a_moved_record_becomes_a_tombstone_unless_it_stays() {
    let rows = Fixed {
        bodies: [("1", Some(r#"{"a":1}"#)), ("2", Some(r#"{"a":1}"#)), ("3", None)].into(),
        ..Fixed::default()
    };
    let page = page(&[], &[], &[("1", "9", false), ("2", "9", true), ("3", "9", false)]);
    let decision = decided(&rows, &page);
    let tombstoned: Vec<bool> =
        decision.moves.iter().map(|next| next.tombstone.is_some()).collect();
    assert_eq!(tombstoned, [true, false, false]);
    assert_eq!(decision.tombstoned, 1);
    let before: Vec<bool> = decision
        .moves
        .iter()
        .map(|next| {
            matches!(&next.event, Some((_, Outcome::Moved { before, .. })) if before.is_empty())
        })
        .collect();
    assert_eq!(before, [false, true, true], "the event names the old values under the old id");
}

#[test]
fn an_application_under_another_candidate_leaves_a_lead_and_marks_both() {
    let (old, new) = (r#"{"a":1,"candidate":{"id":"7"}}"#, r#"{"a":1,"candidate":{"id":"8"}}"#);
    for linked in [true, false] {
        let rows = Fixed { bodies: [("1", Some(old))].into(), linked, ..Fixed::default() };
        let page = page(&[("1", new)], &[], &[]);
        let decision = decided(&rows, &page);
        let effect = decision.effects.first().unwrap();
        assert_eq!(effect.lead, Some(("7".to_owned(), "8".to_owned())));
        let named: &[&str] = if linked { &["7", "8"] } else { &[] };
        assert_eq!(effect.candidates, named, "without links nothing can become dirty");
    }
}

#[test]
fn a_body_that_is_no_object_refuses_the_page() {
    let page = page(&[("1", r#"{"a":1}"#), ("2", "[]")], &[], &[]);
    let mask = Known::of(&["a".to_owned()]).unwrap();
    let refused = decide(&Fixed::default(), &page, &[mask], |_| false, 0);
    assert!(matches!(refused, Err(StoreError::Invalid(_))));
}
