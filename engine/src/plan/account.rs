//! Accounts for every leaf of a desired record. Pure.
//!
//! After the plan each declared leaf is a step, in step, a finding, or blocked with a message; none
//! is silently dropped. The planner notes each leaf that it handled ([`Draft::account`]); a
//! recorded decision and the fields of a step count too. A leaf that is left when a plan is
//! finished is a member that no part of the planner knows: the plan reports it (`NotPlanned`), and
//! the record is not in step. The leaves come from the record's own JSON, so a member added to the
//! model is covered before any code names it.
//!
//! A leaf is named by the path of its item and its place there: `ref-1` and `name.first`,
//! `emails[ada@x.com].type`, `tags[vip]`; `ref-1/applications/a1` and `job`. Members that identify
//! an item (`key`, a record's own `kind`) or set a policy are no leaves.
//!
//! Left out: blocked plans, whose findings say why, and leaves that are no longer declared, which
//! are released.

use super::item::content_name;
use super::{Draft, FindingKind, Owned, Step};
use crate::path::{self, Path};
use crate::reason::Reason;
use atsync_model::declarable::{self, Declarable, KnownBy, VALUES_MEMBER};
use serde_json::{Map, Value};

/// Members that are no leaves.
const NAMES: [&str; 3] = ["key", "id", "policy"];

/// Names the leaf of an entry's member in a list.
pub(super) fn entry(list: &str, value: &str, member: &str) -> String {
    format!("{list}[{value}].{member}")
}

/// Names the leaf of an entry that is a text.
pub(super) fn item(list: &str, text: &str) -> String {
    format!("{list}[{text}]")
}

/// Lists the leaves of a desired record: path and place.
fn leaves(path: &str, record: &Map<String, Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (member, value) in record {
        // The kind of a whole record identifies it; the kind of an application is a leaf.
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
            // The content of an entry that is known by it is its name.
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

/// Returns the kind that is declared in a list below a path.
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
                let leaves = members.iter().filter(|(member, _)| !NAMES.contains(&member.as_str()));
                leaves.for_each(|(member, value)| below(&path, member, value, found));
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
    /// Notes that the plan handles this leaf.
    pub(super) fn account(&mut self, path: &str, place: &str) {
        self.accounts.leaves.insert((path.to_owned(), place.to_owned()));
    }

    /// Notes that one finding covers everything declared under this path itself.
    pub(super) fn account_whole(&mut self, path: &str) {
        self.accounts.wholes.insert(path.to_owned());
    }

    fn account_step(&mut self, step: &Step) {
        for field in &step.fields {
            self.account(&step.path, &field.field);
            // A field of an application that a creation sends along belongs to its own path.
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
                    "{path}: `{place}` is declared, but this version can neither write nor compare \
                     it; remove it from the record"
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
