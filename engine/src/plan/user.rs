//! A user: found by address or created, never changed. Pure.
//!
//! A creation can mail the user and take a paid seat, so it needs the connection's opt-in.
//! Differences of a user that exists are reported.
//!
//! Left out: changing and deactivating users. The rights of users in the ATS are not the engine's
//! to decide.

use super::field::is_same_text;
use super::fields::Creation;
use super::found::Found;
use super::item::{Item, member_at, text};
use super::resource::{Kind, adopt_alone, plan as walk};
use super::users::find;
use super::{FindingKind, Record, Step};
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::Holds;
use atsync_model::desired::DesiredUser;
use atsync_model::manifest::OperationRule;
use serde_json::Value;
use std::sync::Arc;

/// The draft of a user.
type Draft<'a> = super::Draft<'a, DesiredUser>;

/// A declared user.
struct User<'a> {
    item: Item<'a>,
}

/// Plans the user.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let Some(item) = draft.item() else { return };
    walk(draft, User { item });
}

impl<'a> Kind<'a> for User<'a> {
    type Of = DesiredUser;

    fn item(&self) -> &Item<'a> {
        &self.item
    }

    fn find(&mut self, draft: &mut Draft<'a>) -> Option<Found<'a>> {
        let path = &self.item.path;
        let link = draft.input.links.get(path);
        let Some(id) = find(draft, path, &draft.input.desired.email, link)? else {
            return Some(Found::Missing);
        };
        let record = draft.observed(&RemoteRef::new(self.item.of.kind, &id))?;
        if record.is_none() {
            let message = format!(
                "{path}: users/{id}, which it is linked to, is not shown by the ATS: removed, or \
                 not visible yet; read all users again (a full pull), or adopt another user"
            );
            draft.block(path, Reason::NotVisible, message);
        }
        record.map(Found::Existing)
    }

    fn keeps_in_step(&mut self, draft: &mut Draft<'a>, record: &'a Arc<Record>) -> bool {
        let path = &self.item.path;
        let is_linked = draft.input.links.contains_key(path);
        if is_linked || adopt_alone(draft, path, record, "has the same e-mail address") {
            compare(draft, &self.item, record);
        }
        // A user is only created.
        false
    }

    fn complete_creation(
        &mut self,
        draft: &mut Draft<'a>,
        _rule: Option<&OperationRule>,
        _making: &mut Creation,
    ) {
        let path = &self.item.path;
        draft.account(path, PREFERRED);
        if member_at(&self.item.members, PREFERRED).is_some() {
            let message = format!("{path}: a user has no `{PREFERRED}`; it is not written");
            draft.report(FindingKind::Note, path, Reason::NotSupported, message);
        }
    }

    fn creation_reason(&self, _draft: &Draft<'a>, step: &mut Step) -> String {
        // An address is a user's main one or a further one: up to two probes.
        step.calls += 2;
        "no user of the ATS has the address".to_owned()
    }
}

/// The part of a name that users do not have.
const PREFERRED: &str = "name.preferred";

/// Reports how a user that exists differs from the declaration.
fn compare(draft: &mut Draft<'_>, item: &Item<'_>, record: &Record) {
    let path = &item.path;
    let base = draft.base(path);
    let mut different = Vec::new();
    for field in item.of.fields {
        draft.account(path, field.place);
        let Some(wanted) = text(&item.members, field.place).filter(|_| field.place != "email")
        else {
            continue;
        };
        // The base counts where the ATS does not show the field.
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
    // No ATS takes this part of a name.
    if member_at(&item.members, PREFERRED).is_some() {
        different.push(format!("`{PREFERRED}` (users have none)"));
    }
    draft.account(path, PREFERRED);
    let flags = item.of.fields.iter().filter(|field| field.value == Holds::Flag);
    for field in flags {
        let is_set = |flag: Option<&Value>| flag.and_then(Value::as_bool) == Some(true);
        if is_set(member_at(&item.members, field.place)) && !is_set(base.get(field.member)) {
            let place = field.place;
            different.push(format!("`{place}` (a user that exists is not invited)"));
        }
    }
    if !different.is_empty() {
        let message = format!(
            "{path}: {} exists and users are never changed from here; it differs from the \
             declaration in {}",
            record.remote(),
            different.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::OnlyMade, message);
    }
}
