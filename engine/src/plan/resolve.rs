//! References: the host's names for records of the ATS, each resolved to exactly one id. Pure.
//!
//! A reference that matches no record, or several, blocks the desired record with a message that
//! says what was looked for, what was found and what to do. The engine never guesses; of several
//! matches it prefers the exact spelling, an open job and a job that is no template.

use super::facts::ids;
use super::{Draft, Owned, Record, defined};
use crate::index;
use crate::reason::Reason;
use atsync_model::desired::{DesiredUser, FullReference, Reference};
use atsync_model::manifest::ScanRule;
use atsync_model::normal;
use atsync_model::resource::{self, singular};
use serde_json::Value;
use std::sync::Arc;

/// Most edits between two words for one to be suggested for the other.
const EDITS_MAX: usize = 3;

/// A reference with the meaning of its bare form decided.
enum Wanted<'r> {
    Id(&'r str),
    Name(&'r str),
    Email(&'r str),
    RequisitionId(&'r str),
}

fn wanted(reference: &Reference) -> Wanted<'_> {
    match reference {
        Reference::Bare(text) if text.contains('@') => Wanted::Email(text),
        Reference::Bare(text) => Wanted::Name(text),
        Reference::Full(FullReference::Id(id)) => Wanted::Id(id),
        Reference::Full(FullReference::Name(name)) => Wanted::Name(name),
        Reference::Full(FullReference::Email(email)) => Wanted::Email(email),
        Reference::Full(FullReference::RequisitionId(id)) => Wanted::RequisitionId(id),
    }
}

/// Counts the single-letter edits between two words, or returns `EDITS_MAX + 1` when there are
/// more. Words are cut at 64 letters.
fn edits(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) =
        (one.chars().take(64).collect(), other.chars().take(64).collect());
    if one.len().abs_diff(other.len()) > EDITS_MAX {
        return EDITS_MAX + 1;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let swap = row.get(j).copied().unwrap_or(0) + usize::from(a != b);
            let insert = next.get(j).copied().unwrap_or(0) + 1;
            let delete = row.get(j + 1).copied().unwrap_or(0) + 1;
            next.push(swap.min(insert).min(delete));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Returns a hint about the name nearest to one that did not match, given in its normal form.
fn hint<'n>(names: impl Iterator<Item = &'n str>, wanted: &str, noun: &str) -> String {
    let mut best: Option<(usize, &str)> = None;
    for candidate in names {
        let edits = edits(&normal::name(candidate), wanted);
        if edits == 0 {
            return format!(
                " (the ATS has a {noun} {candidate:?}, but it is archived or inactive, or belongs \
                 to something else)"
            );
        }
        if edits <= EDITS_MAX && best.is_none_or(|best| (edits, candidate) < best) {
            best = Some((edits, candidate));
        }
    }
    best.map_or_else(String::new, |(_, candidate)| format!(" (did you mean {candidate:?}?)"))
}

impl<'a, D: Owned> Draft<'a, D> {
    /// Returns a hint such as ` (did you mean …?)`, or nothing. For a name that the ATS has and
    /// that did not match, the hint says why.
    pub(super) fn suggestion(&mut self, kind: &str, name: &str) -> String {
        let Some(names) = self.ask(self.facts.names(kind)) else { return String::new() };
        hint(names.iter().map(String::as_str), &normal::name(name), &singular(kind))
    }

    /// Resolves a reference to a record of `kind`, perhaps within a parent. None while facts are
    /// missing or after it blocked the record.
    pub(super) fn resolve(
        &mut self,
        path: &str,
        kind: &str,
        parent: Option<&str>,
        reference: &Reference,
    ) -> Option<&'a Arc<Record>> {
        match wanted(reference) {
            Wanted::Id(id) => {
                let remote = atsync_model::contract::RemoteRef::new(kind, id);
                let Some(found) = self.observed(&remote)? else {
                    let message = format!(
                        "{path}: there is no {} with the id {id}; correct the id, or name it \
                             otherwise",
                        singular(kind)
                    );
                    self.block(path, Reason::UnknownReference, message);
                    return None;
                };
                self.is_below(path, kind, parent, found).then_some(found)
            }
            Wanted::Name(name) => self.resolve_name(path, kind, parent, name),
            // A kind that is known by its user.
            Wanted::Email(email) if resource::named_by(kind, index::USER).is_some() => {
                self.by_user(path, kind, email)
            }
            Wanted::Email(email) => self.resolve_name(path, kind, parent, email),
            Wanted::RequisitionId(id) => {
                let found = self.lookup(kind, index::KEY, id)?;
                let matching = defined::with_label(found.iter(), "requisition_id", id);
                self.one(path, kind, "requisition id", id, matching)
            }
        }
    }

    /// Whether a record that was named by id belongs to this parent. Reports one of another parent,
    /// which the ATS would refuse.
    fn is_below(&mut self, path: &str, kind: &str, parent: Option<&str>, found: &Record) -> bool {
        let (Some(parent), Some(own)) = (parent, found.text("parent.id")) else { return true };
        if own == parent {
            return true;
        }
        let what = singular(kind);
        let whole = singular(resource::named_by(kind, index::PARENT).unwrap_or("parents"));
        let name = found.label();
        let message = format!(
            "{path}: the {what} {name:?} (id {}) is one of {whole} {own}, and {whole} {parent} is \
             declared; name a {what} of {whole} {parent}",
            found.id
        );
        self.block(path, Reason::UnknownReference, message);
        false
    }

    fn resolve_name(
        &mut self,
        path: &str,
        kind: &str,
        parent: Option<&str>,
        name: &str,
    ) -> Option<&'a Arc<Record>> {
        let is_named = |record: &&Arc<Record>| {
            let own = record.text("name").or(record.text("title"));
            own.is_some_and(|own| normal::name(own) == normal::name(name))
        };
        let below = self
            .input
            .manifest
            .kind(kind)
            .is_some_and(|rule| matches!(rule.scan, ScanRule::ByParent { .. }));
        let found: Vec<&Arc<Record>> = match parent.filter(|_| below) {
            // The records of one parent are one list; by name the engine would search those of
            // every parent.
            Some(parent) => {
                self.lookup(kind, index::PARENT, parent)?.iter().filter(is_named).collect()
            }
            None => self.lookup(kind, index::NAME, name)?.iter().collect(),
        };
        let (mut matching, archived): (Vec<&Arc<Record>>, Vec<&Arc<Record>>) = found
            .into_iter()
            .filter(|record| parent.is_none_or(|parent| record.text("parent.id") == Some(parent)))
            .partition(|record| record.is_active());
        if let (true, Some(record)) = (matching.is_empty(), archived.first()) {
            let message = format!(
                "{path}: the {} {name:?} (id {}) is archived in the ATS; restore it there, or name \
                 another",
                singular(kind),
                record.id
            );
            self.block(path, Reason::UnknownReference, message);
            return None;
        }
        let own = |record: &Record| record.text("name").or(record.text("title")).map(str::to_owned);
        prefer(&mut matching, |record| {
            own(record).is_some_and(|own| normal::is_option(&own, name))
        });
        prefer(&mut matching, |record| own(record).as_deref() == Some(name.trim()));
        prefer(&mut matching, |record| record.text("state.value") == Some("open"));
        prefer(&mut matching, |record| {
            record.value("template").and_then(Value::as_bool) != Some(true)
        });
        self.one(path, kind, "name", name, matching)
    }

    /// Returns the ids of the users with an address: their own, or one of those listed separately.
    pub(super) fn users(&mut self, email: &str) -> Option<Vec<String>> {
        let mut users: Vec<String> = self
            .lookup(DesiredUser::KIND, index::EMAIL, email)?
            .iter()
            .map(|user| user.id.clone())
            .collect();
        let listed = resource::addresses_of(DesiredUser::KIND)
            .filter(|kind| users.is_empty() && self.input.manifest.kind(kind).is_some());
        if let Some(kind) = listed {
            let addresses = self.lookup(kind, index::EMAIL, email)?;
            users = addresses
                .iter()
                .filter_map(|address| address.text("user.id"))
                .map(str::to_owned)
                .collect();
            users.sort();
            users.dedup();
        }
        Some(users)
    }

    /// Blocks the record since several users have an address.
    pub(super) fn several_users(&mut self, path: &str, email: &str, users: &[String]) {
        let message = format!(
            "{path}: {} users of the ATS have the address {email} (ids {}); name one by its id, or \
             correct the address",
            users.len(),
            users.join(", ")
        );
        self.block(path, Reason::AmbiguousReference, message);
    }

    /// Resolves a referrer by e-mail: address, user, referrer. A user's id is never used for a
    /// referrer's.
    fn by_user(&mut self, path: &str, kind: &str, email: &str) -> Option<&'a Arc<Record>> {
        let users = self.users(email)?;
        let user = match users.as_slice() {
            [user] => user.clone(),
            [] => {
                let message = format!(
                    "{path}: no user of the ATS has the address {email}, so the referral cannot be \
                     credited; invite the user, correct the address, or name the referrer by id"
                );
                self.block(path, Reason::UnknownReference, message);
                return None;
            }
            several => {
                self.several_users(path, email, several);
                return None;
            }
        };
        let referrers: Vec<&Arc<Record>> = self.lookup(kind, index::USER, &user)?.iter().collect();
        match referrers.as_slice() {
            [referrer] => Some(referrer),
            [] => {
                let message = format!(
                    "{path}: {email} is user {user}, but is not among the referrers, and the API \
                     cannot add one; credit the user once in the ATS, or remove `referrer`"
                );
                self.block(path, Reason::UnknownReference, message);
                None
            }
            _ => {
                let message = format!(
                    "{path}: {email} has {} entries among the referrers (ids {}); name one by id",
                    referrers.len(),
                    ids(&referrers)
                );
                self.block(path, Reason::AmbiguousReference, message);
                None
            }
        }
    }

    fn one(
        &mut self,
        path: &str,
        kind: &str,
        by: &str,
        text: &str,
        matching: Vec<&'a Arc<Record>>,
    ) -> Option<&'a Arc<Record>> {
        match matching.as_slice() {
            [record] => Some(record),
            [] => {
                let suggestion = self.suggestion(kind, text);
                let message = format!(
                    "{path}: there is no {} with the {by} {text:?}{suggestion}; create it in the \
                     ATS, or correct the record",
                    singular(kind)
                );
                self.block(path, Reason::UnknownReference, message);
                None
            }
            several => {
                let message = format!(
                    "{path}: {} {kind} have the {by} {text:?} (ids {}); name one by its id: \
                     {{\"id\": \"{}\"}}",
                    several.len(),
                    ids(several),
                    several.first().map(|record| record.id.as_str()).unwrap_or_default()
                );
                self.block(path, Reason::AmbiguousReference, message);
                None
            }
        }
    }
}

/// Retains the records that the test accepts, unless it accepts none.
fn prefer(records: &mut Vec<&Arc<Record>>, accept: impl Fn(&Record) -> bool) {
    if records.len() > 1 && records.iter().any(|record| accept(record)) {
        records.retain(|record| accept(record));
    }
}

#[cfg(test)]
mod tests {
    use super::{edits, hint};

    #[test]
    fn a_name_is_never_suggested_for_itself() {
        let names = ["Sales", "Sale", "Sails"];
        let message = hint(names.into_iter(), "sales", "department");
        assert!(
            message.contains("has a department \"Sales\", but it is archived or inactive"),
            "{message}"
        );
        assert!(!message.contains("did you mean"));
        assert_eq!(
            hint(["Sale", "Sails"].into_iter(), "sales", "department"),
            " (did you mean \"Sale\"?)"
        );
        assert_eq!(hint(["Engineering"].into_iter(), "sales", "department"), "");
    }

    #[test]
    fn a_typing_error_is_near_and_another_word_is_far() {
        assert_eq!(edits("enginer", "engineer"), 1);
        assert_eq!(edits("sales", "sales"), 0);
        assert!(edits("accountant", "engineer") > 3);
    }
}
