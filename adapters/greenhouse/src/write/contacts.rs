//! Merges the contact lists of a candidate: adds and removes entries of a list that is sent as a
//! whole.
//!
//! A PATCH replaces a list as a whole and entries have no ids (pitfalls.md 4 and 6), so the list is
//! read again and merged by normal value: entries of other users stay, unchanged and in order. An
//! existing entry is not changed, whatever its type; to change a type, the input removes and adds
//! the same value, which replaces the entry in its place. An entry that was removed in the meantime
//! is not restored: it may have been erased. Greenhouse has no precondition header, so a lost
//! update is possible; the read right before the write keeps it unlikely.

use crate::write::input::{ContactEntry, ContactInput, ContactLists};
use crate::write::normal;
use crate::write::row;
use crate::write::words::ContactList;
use atsync_adapter::contract::Failure;
use serde_json::{Map, Value, json};

/// The unified type of a link that is stored with the social profiles.
const SOCIAL: &str = "social";

/// Builds the changed lists, complete, by attribute. Empty when none changes.
///
/// # Errors
/// [`Failure::Protocol`] when the row does not show a list that is to change: the entries of other
/// users would be lost.
pub(crate) fn merge(
    candidate: &Value,
    add: &ContactLists,
    remove: &ContactLists,
) -> Result<Map<String, Value>, Failure> {
    let shown = |list: ContactList, is_touched: bool| match row::shown_contacts(
        candidate,
        list.attribute(),
    ) {
        None if is_touched => Err(row::not_shown(list.attribute())),
        stored => Ok(stored.unwrap_or_default()),
    };
    let mut changed = Map::new();
    for (list, add, remove) in [
        (ContactList::Emails, &add.emails, &remove.emails),
        (ContactList::Phones, &add.phones, &remove.phones),
        (ContactList::Addresses, &add.addresses, &remove.addresses),
    ] {
        let stored = shown(list, !add.is_empty() || !remove.is_empty())?;
        let is_gone = |new: &&ContactEntry| {
            holds(remove, list, new.value()) && !stores(stored, list, new.value())
        };
        let add: Vec<ContactEntry> = add.iter().filter(|new| !is_gone(new)).cloned().collect();
        put(&mut changed, list, stored, merged(list, stored, &add, remove));
    }
    // One list in the unified model, two in Greenhouse: a link counts as present in either.
    let is_touched = !add.links.is_empty() || !remove.links.is_empty();
    let websites = shown(ContactList::Websites, is_touched)?;
    let social = shown(ContactList::Social, is_touched)?;
    let missing: Vec<&ContactEntry> = add
        .links
        .iter()
        .filter(|entry| {
            let is_replaced = holds(&remove.links, ContactList::Websites, entry.value());
            let is_there = stores(websites, ContactList::Websites, entry.value())
                || stores(social, ContactList::Social, entry.value());
            is_replaced == is_there
        })
        .collect();
    for (list, stored) in [(ContactList::Websites, websites), (ContactList::Social, social)] {
        let add: Vec<ContactEntry> = missing
            .iter()
            .filter(|entry| link_list(entry.kind()) == list)
            .map(|entry| (*entry).clone())
            .collect();
        put(&mut changed, list, stored, merged(list, stored, &add, &remove.links));
    }
    Ok(changed)
}

/// Selects the list for a link of this unified type.
pub(crate) fn link_list(kind: Option<&str>) -> ContactList {
    if kind == Some(SOCIAL) { ContactList::Social } else { ContactList::Websites }
}

/// Builds a new list from a creation's entries, without repetitions, whose effect is unknown
/// (pitfalls.md 53).
pub(crate) fn fresh(list: ContactList, entries: &[&ContactInput]) -> Vec<Value> {
    let mut known: Vec<String> = Vec::new();
    let mut made = Vec::new();
    for entry in entries {
        let normal = normal::contact(list, &entry.value);
        if !known.contains(&normal) {
            known.push(normal);
            made.push(made_entry(list, &entry.value, entry.r#type.as_deref()));
        }
    }
    made
}

/// Builds an entry in its written form.
fn made_entry(list: ContactList, value: &str, kind: Option<&str>) -> Value {
    match list.entry_type(kind) {
        Some(kind) => json!({ "value": value.trim(), "type": kind }),
        None => json!({ "value": value.trim() }),
    }
}

/// Rewrites each entry in a form that a new one could have, for use after Greenhouse refused the
/// entries as read.
///
/// Types and members that a new entry cannot have are removed, and so are entries without a value.
pub(crate) fn renewed(list: ContactList, entries: &[Value]) -> Vec<Value> {
    let renew = |entry: &Value| {
        let value = match entry.get("value") {
            Some(Value::Number(number)) => number.to_string(),
            _ => row::text(entry, "value").trim().to_owned(),
        };
        let kind = Some(row::text(entry, "type")).filter(|kind| !kind.is_empty());
        (!value.is_empty()).then(|| made_entry(list, &value, Some(kind.unwrap_or("other"))))
    };
    entries.iter().filter_map(renew).collect()
}

fn merged(
    list: ContactList,
    stored: &[Value],
    add: &[ContactEntry],
    remove: &[ContactEntry],
) -> Vec<Value> {
    let same = |entry: &ContactEntry, value: &str| {
        normal::contact(list, entry.value()) == normal::contact(list, value)
    };
    let mut result: Vec<Value> = Vec::new();
    for entry in stored {
        let value = row::text(entry, "value");
        if !holds(remove, list, value) {
            // Unchanged: unknown members belong to other users.
            result.push(entry.clone());
        } else if let Some(new) = add.iter().find(|new| same(new, value)) {
            let new = made_entry(list, new.value(), new.kind());
            if !result.contains(&new) {
                result.push(new);
            }
        }
    }
    for new in add {
        if !stores(&result, list, new.value()) {
            result.push(made_entry(list, new.value(), new.kind()));
        }
    }
    result
}

fn put(changed: &mut Map<String, Value>, list: ContactList, stored: &[Value], merged: Vec<Value>) {
    if stored != merged {
        changed.insert(list.attribute().to_owned(), Value::Array(merged));
    }
}

fn holds(entries: &[ContactEntry], list: ContactList, value: &str) -> bool {
    entries.iter().any(|entry| normal::contact(list, entry.value()) == normal::contact(list, value))
}

fn stores(entries: &[Value], list: ContactList, value: &str) -> bool {
    entries.iter().any(|entry| {
        normal::contact(list, row::text(entry, "value")) == normal::contact(list, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(text: &str) -> ContactLists {
        serde_json::from_str(text).unwrap()
    }

    /// Each case: what is stored, added, removed, and the attributes that must be sent.
    #[test]
    fn a_merge_changes_only_what_was_asked_for() {
        let stored = json!({
            "email_addresses": [{"value": "Ada@x.com", "type": "work"},
                {"value": "b@x.com", "type": null, "verified": true}],
            "phone_numbers": [],
            "website_addresses": [{"value": "https://ada.dev/", "type": "blog"}],
            "social_media_addresses": [{"value": "linkedin.com/in/ada"}],
        });
        for (law, add, remove, sent) in [
            ("nothing asked, nothing sent", "{}", "{}", json!({})),
            (
                "present under another spelling and type",
                r#"{"emails":[{"value":" ada@X.com","type":"personal"}]}"#,
                "{}",
                json!({}),
            ),
            (
                "an addition goes to the end, all others stay as they are",
                r#"{"emails":["c@x.com"]}"#,
                "{}",
                json!({"email_addresses": [{"value": "Ada@x.com", "type": "work"},
                    {"value": "b@x.com", "type": null, "verified": true},
                    {"value": "c@x.com", "type": "personal"}]}),
            ),
            (
                "a removal by normal value",
                "{}",
                r#"{"emails":[{"value":"ADA@x.com"}]}"#,
                json!({"email_addresses": [{"value": "b@x.com", "type": null, "verified": true}]}),
            ),
            (
                "removed and added is replaced in its place",
                r#"{"emails":[{"value":"ada@x.com","type":"personal"}]}"#,
                r#"{"emails":["ada@x.com"]}"#,
                json!({"email_addresses": [{"value": "ada@x.com", "type": "personal"},
                    {"value": "b@x.com", "type": null, "verified": true}]}),
            ),
            (
                "a replaced entry that was removed meanwhile is not restored",
                r#"{"phones":[{"value":"123","type":"work"}],"links":[{"value":"b.dev","type":"blog"}]}"#,
                r#"{"phones":["123"],"links":["b.dev"]}"#,
                json!({}),
            ),
            ("removing an absent entry", "{}", r#"{"phones":["123"]}"#, json!({})),
            (
                "an empty list is filled",
                r#"{"phones":["123"]}"#,
                "{}",
                json!({"phone_numbers": [{"value": "123", "type": "mobile"}]}),
            ),
            (
                "the last one removed clears the list",
                "{}",
                r#"{"links":["ada.dev"]}"#,
                json!({"website_addresses": []}),
            ),
            (
                "a link counts as present in either list",
                r#"{"links":[{"value":"http://ada.dev","type":"social"},"https://LinkedIn.com/in/ada"]}"#,
                "{}",
                json!({}),
            ),
            (
                "a social link has no type",
                r#"{"links":[{"value":"x.com/ada","type":"social"}]}"#,
                "{}",
                json!({"social_media_addresses": [{"value": "linkedin.com/in/ada"},
                    {"value": "x.com/ada"}]}),
            ),
            (
                "a link moves between the lists by removal and addition",
                r#"{"links":[{"value":"ada.dev","type":"social"}]}"#,
                r#"{"links":["ada.dev"]}"#,
                json!({"website_addresses": [],
                    "social_media_addresses": [{"value": "linkedin.com/in/ada"},
                    {"value": "ada.dev"}]}),
            ),
        ] {
            assert_eq!(
                Value::Object(merge(&stored, &lists(add), &lists(remove)).unwrap()),
                sent,
                "{law}"
            );
        }
    }

    #[test]
    fn a_list_that_is_not_shown_is_never_replaced() {
        for unseen in
            [json!({}), json!({"email_addresses": null}), json!({"email_addresses": "a@x.com"})]
        {
            let add = lists(r#"{"emails":["c@x.com"]}"#);
            assert!(
                matches!(merge(&unseen, &add, &lists("{}")), Err(Failure::Protocol(_))),
                "{unseen}"
            );
            assert_eq!(
                merge(&unseen, &lists("{}"), &lists("{}")),
                Ok(Map::new()),
                "a list that does not change need not be shown"
            );
        }
        let half = json!({"website_addresses": [{"value": "ada.dev", "type": "blog"}]});
        assert!(
            merge(&half, &lists("{}"), &lists(r#"{"links":["ada.dev"]}"#)).is_err(),
            "both lists hold links"
        );
    }
}
