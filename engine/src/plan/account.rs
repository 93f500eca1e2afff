//! Every leaf of a desired record is accounted for: whatever was declared is, after the plan, a
//! step, in step, a finding, or blocked with a sentence. Never silently nothing. Pure.
//!
//! The planner says of each leaf that it looked at that it did ([`Draft::account`]); telling a
//! field's story says so too, and so do the fields of a step. What is left when a plan is finished
//! is a member that no part of the planner knows, and the plan reports it (`NotPlanned`): such a
//! record is not in step. The leaves come from the record's own JSON, so a member added to the
//! model is covered before any code mentions it.
//!
//! A leaf is named by the path of the thing that it belongs to and its place in that: `ref-1` and
//! `name.first`, `emails[ada@x.com].type`, `tags[vip]`; `ref-1/applications/a1` and `job`. What
//! says how rather than what (`policy`), and what names (`key`, a record's own `kind`), is no leaf.
//!
//! Left out: plans that are blocked, which say so, and leaves that are gone, whose value is
//! released.

use super::item::content_name;
use super::{Draft, FindingKind, Owned, Step};
use crate::path::{self, Path};
use crate::reason::Reason;
use atsync_model::declarable::{self, Declarable, KnownBy, VALUES_MEMBER};
use serde_json::{Map, Value};

/// Members of a record, or of a part of it that has a key, that are not wishes.
const NAMES: [&str; 3] = ["key", "id", "policy"];

/// The leaf of an entry's member in a list.
pub(super) fn entry(list: &str, value: &str, member: &str) -> String {
    format!("{list}[{value}].{member}")
}

/// The leaf of an entry that is a text.
pub(super) fn item(list: &str, text: &str) -> String {
    format!("{list}[{text}]")
}

/// The leaves of a desired record: path and place.
fn leaves(path: &str, record: &Map<String, Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (member, value) in record {
        // The kind of a whole record says which record it is; an application's is a wish.
        if !NAMES.contains(&member.as_str()) && member != "kind" {
            below(path, member, value, &mut found);
        }
    }
    found
}

fn below(path: &str, place: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if place == VALUES_MEMBER => {
            found.extend(members.keys().map(|key| (path.to_owned(), format!("{place}.{key}"))));
        }
        Value::Object(members) => {
            members.iter().for_each(|(member, value)| {
                below(path, &format!("{place}.{member}"), value, found)
            });
        }
        Value::Array(list) => match declared_in(path, place) {
            // An entry that is known by what it says has its content for a name.
            Some(of) if of.known_by == KnownBy::Content => {
                for each in list.iter().filter_map(Value::as_object) {
                    let path = path::below(path, place, &content_name(of, each));
                    each.iter().for_each(|(member, value)| below(&path, member, value, found));
                }
            }
            _ => list.iter().for_each(|each| in_list(path, place, each, found)),
        },
        _ => found.push((path.to_owned(), place.to_owned())),
    }
}

/// What is declared in a list below what a path names.
fn declared_in(path: &str, list: &str) -> Option<&'static Declarable> {
    let Path::Declared { kind, .. } = Path::of(path) else { return None };
    declarable::below(kind).find(|(_, below)| below.list == list).map(|(of, _)| of)
}

fn in_list(path: &str, list: &str, each: &Value, found: &mut Vec<(String, String)>) {
    let member = |name: &str| each.get(name).and_then(Value::as_str);
    match each {
        Value::String(text) => found.push((path.to_owned(), item(list, text))),
        Value::Object(members) => match (member("key"), member("value")) {
            (Some(key), _) => {
                let path = format!("{path}/{list}/{key}");
                let wishes = members.iter().filter(|(member, _)| !NAMES.contains(&member.as_str()));
                wishes.for_each(|(member, value)| below(&path, member, value, found));
            }
            (None, value) => {
                let label = value.unwrap_or_default();
                members
                    .keys()
                    .for_each(|member| found.push((path.to_owned(), entry(list, label, member))));
            }
        },
        _ => found.push((path.to_owned(), list.to_owned())),
    }
}

impl<D: Owned> Draft<'_, D> {
    /// Says that the plan has something to say of this leaf.
    pub(super) fn account(&mut self, path: &str, place: &str) {
        self.accounts.leaves.insert((path.to_owned(), place.to_owned()));
    }

    /// Says that one sentence of the plan speaks for everything that was declared under this path
    /// itself.
    pub(super) fn account_whole(&mut self, path: &str) {
        self.accounts.wholes.insert(path.to_owned());
    }

    fn account_step(&mut self, step: &Step) {
        for field in &step.fields {
            self.account(&step.host, &field.field);
            // What a creation carries along is another path's.
            if let Some((carried, field)) = field.field.split_once('.')
                && let Some(path) = step.makes.iter().find_map(|(role, path)| {
                    (role.strip_suffix('s') == Some(carried)).then(|| path.clone())
                })
            {
                self.account(&path, field);
            }
        }
    }

    /// Reports the leaves that nothing accounts for.
    pub(super) fn settle_accounts(&mut self, record: &Map<String, Value>) {
        if !self.needs.is_empty() || self.plan.is_blocked() {
            return;
        }
        for step in self.plan.steps.clone() {
            self.account_step(&step);
        }
        let path = self.plan.key.clone();
        for (path, place) in leaves(&path, record) {
            if !self.accounts.covers(&path, &place) {
                let message = format!(
                    "{path}: `{place}` is declared, and nothing here can bring it about or compare \
                     it; take it out of the record"
                );
                self.report(FindingKind::Note, &path, Reason::NotPlanned, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::Accounts;
    use super::leaves;
    use serde_json::json;

    #[test]
    fn every_leaf_has_a_path_and_a_place() {
        let record = json!({
            "key": "r", "kind": "candidates", "policy": {"tags": "seed"}, "name": {"first": "Ada"},
            "emails": ["a@x.com", {"value": "b@x.com", "type": "work"}], "tags": ["vip"],
                "private": true,
            "custom_fields": {"pay": {"amount": 1, "currency": "EUR"}, "gone": null},
            "applications": [{"key": "a", "kind": "prospect", "job": {"id": "1"},
                "attachments": [{"key": "f", "url": "u"}]}],
        });
        let found: Vec<String> = leaves("r", record.as_object().unwrap())
            .into_iter()
            .map(|(path, place)| format!("{path} {place}"))
            .collect();
        let mut expected = [
            "r name.first",
            "r emails[a@x.com]",
            "r emails[b@x.com].value",
            "r emails[b@x.com].type",
            "r tags[vip]",
            "r private",
            "r custom_fields.pay",
            "r custom_fields.gone",
            "r/applications/a kind",
            "r/applications/a job.id",
            "r/applications/a/attachments/f url",
        ];
        expected.sort_unstable();
        let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_reference_is_one_leaf_and_an_entrys_type_is_its_own() {
        let mut accounts = Accounts::default();
        for place in ["job", "emails", "emails[b].value"] {
            accounts.leaves.insert(("r".to_owned(), place.to_owned()));
        }
        assert!(accounts.covers("r", "job.id") && accounts.covers("r", "emails[b].value"));
        assert!(!accounts.covers("r", "emails[b].type") && !accounts.covers("r", "emails[b]"));
        assert!(!accounts.covers("q", "job"));
    }
}
