//! A user: found by address or made. Pure.
//!
//! Making one can mail somebody and take a seat, so it waits for the connection's opt-in like
//! everything that can.
//!
//! What differs of one that exists is reported and never written.
//!
//! Left out: changing and deactivating users. What somebody may do in the ATS is not for a sync
//! engine to decide.

use super::field::is_same_text;
use super::found::Found;
use super::item::{Item, member_at, text};
use super::resource::{Kind, adopt_alone, plan as walk};
use super::users::find;
use super::{Draft, FindingKind, Record, Step};
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::Holds;
use atsync_model::desired::DesiredUser;
use atsync_model::manifest::OperationRule;
use serde_json::Value;
use std::sync::Arc;

/// A user who is declared.
struct User<'a> {
    item: Item<'a>,
}

/// Plans the user.
pub(super) fn plan(draft: &mut Draft<'_, DesiredUser>) {
    let Some(item) = draft.item() else { return };
    walk(draft, User { item });
}

impl<'a> Kind<'a> for User<'a> {
    type Of = DesiredUser;

    fn item(&self) -> &Item<'a> {
        &self.item
    }

    fn find(&mut self, draft: &mut Draft<'a, DesiredUser>) -> Option<Found<'a>> {
        let path = &self.item.path;
        let link = draft.input.links.get(path);
        let Some(id) = find(draft, path, &draft.input.desired.email, link)? else {
            return Some(Found::Missing);
        };
        let record = draft.observed(&RemoteRef::new(self.item.of.kind, &id))?;
        if record.is_none() {
            let message = format!(
                "{path}: users/{id}, which it is linked to, is not shown by the ATS: removed, or \
                 not visible yet; read users again (a pull of everything), or adopt another user"
            );
            draft.block(path, Reason::NotVisible, message);
        }
        record.map(Found::Existing)
    }

    fn keeps_in_step(
        &mut self,
        draft: &mut Draft<'a, DesiredUser>,
        record: &'a Arc<Record>,
    ) -> bool {
        let path = &self.item.path;
        let is_linked = draft.input.links.contains_key(path);
        if is_linked || adopt_alone(draft, path, record, "has the same e-mail address") {
            compare(draft, &self.item, record);
        }
        // It is only ever made.
        false
    }

    fn complete_creation(
        &mut self,
        draft: &mut Draft<'a, DesiredUser>,
        _rule: Option<&OperationRule>,
        _making: &mut super::fields::Creation,
    ) {
        let path = &self.item.path;
        draft.account(path, PREFERRED);
        if member_at(&self.item.members, PREFERRED).is_some() {
            let message = format!("{path}: a user has no `{PREFERRED}`; it is left out");
            draft.report(FindingKind::Note, path, Reason::NotSupported, message);
        }
    }

    fn creation_reason(&self, _draft: &Draft<'a, DesiredUser>, step: &mut Step) -> String {
        // An address can be a user's main one, or another of theirs: up to two looks.
        step.calls += 2;
        "no user of the ATS has the address".to_owned()
    }
}

/// The part of a name that users do not have.
const PREFERRED: &str = "name.preferred";

/// Says what of a user that exists is not as declared: it is only ever made.
fn compare(draft: &mut Draft<'_, DesiredUser>, item: &Item<'_>, record: &Record) {
    let path = &item.path;
    let base = draft.base(path);
    let mut different = Vec::new();
    for field in item.of.fields {
        draft.account(path, field.place);
        let Some(wanted) = text(&item.members, field.place).filter(|_| field.place != "email")
        else {
            continue;
        };
        // Where the ATS does not show it, what was written counts.
        let there = if record.knows(field.shown) {
            record.text(field.shown)
        } else {
            base.get(field.member).and_then(Value::as_str)
        };
        if !is_same_text(there.unwrap_or_default(), wanted) {
            different.push(format!(
                "`{}` ({} in the ATS)",
                field.place,
                there.unwrap_or("nothing")
            ));
        }
    }
    // Parts of the name that cannot be written in any way.
    if member_at(&item.members, PREFERRED).is_some() {
        different.push(format!("`{PREFERRED}` (users have none)"));
    }
    draft.account(path, PREFERRED);
    let flags = item.of.fields.iter().filter(|field| field.value == Holds::Flag);
    for field in flags {
        let is_set = |flag: Option<&Value>| flag.and_then(Value::as_bool) == Some(true);
        if is_set(member_at(&item.members, field.place)) && !is_set(base.get(field.member)) {
            let place = field.place;
            different.push(format!("`{place}` (nobody is invited who is there already)"));
        }
    }
    if !different.is_empty() {
        let message = format!(
            "{path}: {} is a user already and is only ever made, never changed from here; it \
             differs in {}",
            record.remote(),
            different.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::OnlyMade, message);
    }
}
