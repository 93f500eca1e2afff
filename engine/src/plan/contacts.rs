//! E-mails, phones and links: lists whose entries have no id, compared by normal form. Pure.
//!
//! The engine adds declared entries and removes only entries that it added. An entry that showed
//! once and is missing was removed by a recruiter; the policy of the list says whether it is added
//! again. Entries of others are never touched. The adapter keeps the order, since it merges into a
//! fresh read.
//!
//! Left out: types ([`super::contact_types`]) and forms of the ATS's own ([`super::forms`]).

use super::Record;
use super::ownership::{Decision, of_missing_entry};
use atsync_model::desired::{DesiredContact, Policy};
use atsync_model::manifest::{Coarser, Manifest};
use atsync_model::normal::{self, Contact};
use atsync_model::resource::PERSON;
use serde_json::{Map, Value, json};

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// E-mail addresses.
    Emails,
    /// Phone numbers.
    Phones,
    /// Web sites and social profiles.
    Links,
}

impl List {
    /// Returns the name of the field in unified and desired records.
    pub fn field(self) -> &'static str {
        match self {
            Self::Emails => "emails",
            Self::Phones => "phones",
            Self::Links => "links",
        }
    }

    /// Returns the type of a bare value.
    fn kind_default(self, value: &str) -> &'static str {
        match self {
            Self::Emails => "personal",
            Self::Phones => "mobile",
            Self::Links if is_social(value) => "social",
            Self::Links => "other",
        }
    }

    /// Returns the kind of its entries.
    fn contact(self) -> Contact {
        match self {
            Self::Emails => Contact::Email,
            Self::Phones => Contact::Phone,
            Self::Links => Contact::Link,
        }
    }

    /// Returns the form in which entries are compared, where the ATS has no coarser one.
    pub fn normal(self, value: &str) -> String {
        self.contact().form(value)
    }
}

fn is_social(value: &str) -> bool {
    const SITES: [&str; 8] = [
        "linkedin.com",
        "twitter.com",
        "x.com",
        "facebook.com",
        "github.com",
        "xing.com",
        "instagram.com",
        "mastodon.social",
    ];
    let normal = normal::link(value);
    let site = normal.split(['/', '?', '#']).next().unwrap_or_default();
    SITES.iter().any(|social| {
        site == *social || site.strip_suffix(social).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// How the entries of a list are compared: by the model's form or by a coarser one of the ATS.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Which list.
    pub list: List,
    /// The ATS's own form of it.
    pub coarser: Option<Coarser>,
}

impl Compared {
    /// Compares as the ATS compares the contacts of candidates.
    pub fn by(manifest: &Manifest, list: List) -> Self {
        Self { list, coarser: manifest.coarser(PERSON, list.field()) }
    }

    pub(super) fn normal(self, value: &str) -> String {
        self.list.contact().coarse(value, self.coarser)
    }

    /// Returns a recorded form in the present form: forms that were recorded before the ATS named a
    /// coarser one still count.
    fn present_form(self, kept: &str) -> String {
        normal::coarsened(kept.to_owned(), self.coarser)
    }
}

/// The plan of one list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPlan {
    /// Entries to add: `{"value", "type"}`.
    pub add: Vec<Value>,
    /// Entries to remove.
    pub remove: Vec<Value>,
    /// Values that a recruiter removed and that are not added again.
    pub drifted: Vec<String>,
    /// Values that vanished with all others of their group, and that no policy restores.
    pub erased: Vec<String>,
    /// The base to record: `{"added": [], "seen": []}` with normal forms, and under `erased` those
    /// that were erased.
    pub applied: Value,
}

impl ListPlan {
    /// Keeps the entries that were recorded as erased before, and no more.
    pub(super) fn keep_erased(&mut self, before: Option<&Value>) {
        let Some(applied) = self.applied.as_object_mut() else { return };
        match before.and_then(|before| before.get("erased")) {
            Some(erased) => drop(applied.insert("erased".to_owned(), erased.clone())),
            None => drop(applied.remove("erased")),
        }
    }

    /// Iterates over the missing values that are not added again.
    pub(super) fn not_restored(&self) -> impl Iterator<Item = &String> {
        self.drifted.iter().chain(&self.erased)
    }
}

/// Returns a declared entry with its type.
pub fn entry(list: List, contact: &DesiredContact) -> Value {
    let kind = contact.kind().unwrap_or_else(|| list.kind_default(contact.value()));
    json!({ "value": contact.value().trim(), "type": kind })
}

/// Returns the values of entries.
pub fn values(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry.get("value").and_then(Value::as_str)).collect()
}

/// Returns the normal forms in one part of a base.
pub(super) fn base(compared: Compared, applied: Option<&Value>, part: &str) -> Vec<String> {
    let list = applied.and_then(|applied| applied.get(part)).and_then(Value::as_array);
    list.map(|list| {
        list.iter().filter_map(Value::as_str).map(|kept| compared.present_form(kept)).collect()
    })
    .unwrap_or_default()
}

/// Whether a candidate that had contacts shows none any more, of the engine or of others: e-mails,
/// phones, addresses and links are known to be empty.
///
/// An ATS that erases a part of a candidate's data keeps the name and does not report it. A
/// recruiter who removes every contact looks the same; of the two mistakes, restoring erased data
/// is the worse.
pub fn are_gone(observed: &Record, applied: &Map<String, Value>) -> bool {
    let had = |list: List| {
        ["added", "seen"].iter().any(|part| {
            let entries = applied
                .get(list.field())
                .and_then(|applied| applied.get(*part))
                .and_then(Value::as_array);
            entries.is_some_and(|entries| !entries.is_empty())
        })
    };
    let is_empty = |field: &str| observed.knows(field) && observed.list(field).is_empty();
    ["emails", "phones", "addresses", "links"].into_iter().all(is_empty)
        && [List::Emails, List::Phones, List::Links].into_iter().any(had)
}

/// Plans a list against an observed record. `is_of_another`: the base was taken on another record,
/// which this one replaced.
pub fn plan(
    compared: Compared,
    desired: &[DesiredContact],
    observed: &Record,
    applied: Option<&Value>,
    is_of_another: bool,
    policy: Policy,
) -> ListPlan {
    let list = compared.list;
    let present: Vec<String> = observed
        .list(list.field())
        .iter()
        .filter_map(|entry| entry.get("value").and_then(Value::as_str))
        .map(|value| compared.normal(value))
        .collect();
    let (added, seen) = (base(compared, applied, "added"), base(compared, applied, "seen"));
    let marked = base(compared, applied, "erased");
    let emptied =
        Emptied::of(compared, desired, observed, &[added.as_slice(), seen.as_slice()].concat());
    let (mut now_added, mut now_seen, mut now_erased) = (Vec::new(), Vec::new(), Vec::new());
    let mut plan = ListPlan::default();
    let mut wanted = Vec::new();
    for contact in desired {
        let normal = compared.normal(contact.value());
        if normal.is_empty() || wanted.contains(&normal) {
            continue;
        }
        wanted.push(normal.clone());
        let was_there = added.contains(&normal) || seen.contains(&normal);
        if present.contains(&normal) {
            if added.contains(&normal) {
                now_added.push(normal)
            } else {
                now_seen.push(normal)
            }
            continue;
        }
        let is_erased = was_there
            && (marked.contains(&normal) || (!is_of_another && emptied.holds(list, contact)));
        if is_erased {
            now_erased.push(normal.clone());
        }
        match of_missing_entry(policy, was_there, is_erased, present.is_empty()) {
            Decision::Erased => {
                plan.erased.push(contact.value().to_owned());
                now_seen.push(normal);
            }
            Decision::Write => {
                plan.add.push(entry(list, contact));
                now_added.push(normal);
            }
            Decision::Drifted => {
                plan.drifted.push(contact.value().to_owned());
                // A recruiter removed it. If it shows again, it is theirs, and the engine never
                // removes it.
                now_seen.push(normal);
            }
            // A removed entry is recorded, or an emptied list would be filled with it again.
            _ if was_there => now_seen.push(normal),
            _ => {}
        }
    }
    for normal in added {
        if wanted.contains(&normal) || !present.contains(&normal) {
            continue;
        }
        match policy {
            Policy::Enforce | Policy::Yield => plan.remove.push(json!({ "value": normal })),
            // These policies write once; removing would be another write.
            Policy::Seed | Policy::Fill => now_added.push(normal),
        }
    }
    plan.applied = json!({ "added": now_added, "seen": now_seen });
    if let (Some(base), false) = (plan.applied.as_object_mut(), now_erased.is_empty()) {
        base.insert("erased".to_owned(), json!(now_erased));
    }
    plan
}

/// The groups of a list that had entries and are empty now. An ATS that erases by groups separates
/// web sites from social profiles; the other lists are one group.
struct Emptied {
    social: bool,
    others: bool,
}

impl Emptied {
    fn of(
        compared: Compared,
        desired: &[DesiredContact],
        observed: &Record,
        base: &[String],
    ) -> Self {
        let list = compared.list;
        let kept = |normal: &String| {
            let contact =
                desired.iter().find(|contact| compared.normal(contact.value()) == *normal);
            contact.map_or_else(
                || list == List::Links && is_social(normal),
                |contact| is_profile(list, contact),
            )
        };
        let shown = |entry: &Value| {
            let word = entry
                .get("type")
                .map(|kind| kind.get("value").unwrap_or(kind))
                .and_then(Value::as_str);
            let value = entry.get("value").and_then(Value::as_str).unwrap_or_default();
            list == List::Links && word.map_or_else(|| is_social(value), |word| word == "social")
        };
        let is_emptied = |social: bool| {
            base.iter().any(|normal| kept(normal) == social)
                && !observed.list(list.field()).iter().any(|entry| shown(entry) == social)
        };
        Self { social: is_emptied(true), others: is_emptied(false) }
    }

    fn holds(&self, list: List, contact: &DesiredContact) -> bool {
        if is_profile(list, contact) { self.social } else { self.others }
    }
}

/// Whether an entry is a social profile.
fn is_profile(list: List, contact: &DesiredContact) -> bool {
    list == List::Links
        && contact.kind().unwrap_or_else(|| list.kind_default(contact.value())) == "social"
}

/// Returns the entries of a new record, and the base to record.
pub fn create(compared: Compared, desired: &[DesiredContact]) -> (Vec<Value>, Value) {
    let mut entries = Vec::new();
    let mut normals: Vec<String> = Vec::new();
    for contact in desired {
        let normal = compared.normal(contact.value());
        if !normal.is_empty() && !normals.contains(&normal) {
            normals.push(normal);
            entries.push(entry(compared.list, contact));
        }
    }
    let applied = json!({ "added": normals, "seen": [] });
    (entries, applied)
}

/// Records the base of a list in a link's base.
pub fn record_applied(applied: &mut Map<String, Value>, list: List, value: Value) {
    applied.insert(list.field().to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::{Compared, List, ListPlan, are_gone, create, plan};
    use crate::plan::Record;
    use atsync_model::desired::{DesiredContact, Policy};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    const EMAILS: Compared = plain(List::Emails);

    const fn plain(list: List) -> Compared {
        Compared { list, coarser: None }
    }

    fn candidate(emails: &[&str]) -> Record {
        let list: Vec<Value> = emails.iter().map(|email| json!({ "value": email })).collect();
        let body = json!({ "emails": list }).as_object().unwrap().clone();
        Record {
            kind: "candidates".into(),
            id: "1".into(),
            body,
            known: vec!["emails".into()],
            moved_in: false,
        }
    }

    fn wanted(emails: &[&str]) -> Vec<DesiredContact> {
        emails.iter().map(|email| DesiredContact::Bare((*email).to_owned())).collect()
    }

    #[test]
    fn an_entry_is_the_same_whatever_its_spelling() {
        assert_eq!(List::Emails.normal(" Ada@Example.com"), "ada@example.com");
        assert_eq!(List::Phones.normal("+49 (30) 12-34"), "+493012 34".replace(' ', ""));
        assert_eq!(List::Links.normal("https://WWW.LinkedIn.com/in/Ada/"), "linkedin.com/in/Ada");
        assert_eq!(List::Links.normal("linkedin.com/in/Ada"), "linkedin.com/in/Ada");
    }

    #[test]
    fn a_missing_entry_is_added_and_a_present_one_is_not() {
        let made = plan(
            EMAILS,
            &wanted(&["a@x.com", "b@x.com"]),
            &candidate(&["A@x.com", "c@x.com"]),
            None,
            false,
            Policy::Yield,
        );
        assert_eq!(made.add, vec![json!({ "value": "b@x.com", "type": "personal" })]);
        assert!(made.remove.is_empty());
        assert_eq!(made.applied, json!({ "added": ["b@x.com"], "seen": ["a@x.com"] }));
    }

    #[test]
    fn an_entry_that_a_recruiter_removed_stays_away_unless_enforced() {
        let applied = json!({ "added": ["a@x.com"], "seen": [] });
        let yielded = plan(
            EMAILS,
            &wanted(&["a@x.com"]),
            &candidate(&[]),
            Some(&applied),
            false,
            Policy::Yield,
        );
        assert!(yielded.add.is_empty());
        assert_eq!(yielded.drifted, vec!["a@x.com".to_owned()]);
        let others = candidate(&["b@x.com"]);
        let enforced =
            plan(EMAILS, &wanted(&["a@x.com"]), &others, Some(&applied), false, Policy::Enforce);
        assert_eq!(enforced.add.len(), 1);
    }

    #[test]
    fn contacts_are_missing_only_where_some_existed_and_all_lists_are_known_to_be_empty() {
        let applied = |value: Value| value.as_object().cloned().unwrap();
        let had = applied(json!({ "emails": { "added": ["a@x.com"], "seen": [] } }));
        let mut blank = candidate(&[]);
        blank.known = ["emails", "phones", "addresses", "links"].map(str::to_owned).to_vec();
        assert!(are_gone(&blank, &had));
        assert!(
            !are_gone(&blank, &applied(json!({ "emails": { "added": [], "seen": [] } }))),
            "there was none"
        );
        blank.known.pop();
        assert!(!are_gone(&blank, &had), "links are unknown");
        assert!(!are_gone(&candidate(&["b@x.com"]), &had));
    }

    #[test]
    fn only_entries_that_the_engine_added_are_taken_back() {
        let applied = json!({ "added": ["a@x.com"], "seen": ["b@x.com"] });
        let made = plan(
            EMAILS,
            &wanted(&[]),
            &candidate(&["a@x.com", "b@x.com", "c@x.com"]),
            Some(&applied),
            false,
            Policy::Yield,
        );
        assert_eq!(made.remove, vec![json!({ "value": "a@x.com" })]);
    }

    #[test]
    fn an_entry_that_a_recruiter_restored_is_never_removed() {
        let applied = json!({ "added": ["a@x.com"], "seen": [] });
        let drifted = plan(
            EMAILS,
            &wanted(&["a@x.com"]),
            &candidate(&[]),
            Some(&applied),
            false,
            Policy::Yield,
        );
        let back = plan(
            EMAILS,
            &wanted(&[]),
            &candidate(&["a@x.com"]),
            Some(&drifted.applied),
            false,
            Policy::Yield,
        );
        assert!(back.remove.is_empty(), "{back:?}");
    }

    /// Generates the addresses of a list from a small set.
    fn addresses() -> impl Strategy<Value = Vec<String>> {
        prop::collection::btree_set("[abcd]", 0..4)
            .prop_map(|names| names.iter().map(|name| format!("{name}@x")).collect())
    }

    fn policy() -> impl Strategy<Value = Policy> {
        prop_oneof![
            Just(Policy::Enforce),
            Just(Policy::Yield),
            Just(Policy::Seed),
            Just(Policy::Fill)
        ]
    }

    fn bare(desired: &[String]) -> Vec<DesiredContact> {
        desired.iter().cloned().map(DesiredContact::Bare).collect()
    }

    fn planned(
        desired: &[String],
        there: &[String],
        applied: Option<&Value>,
        policy: Policy,
    ) -> ListPlan {
        let desired = bare(desired);
        let there: Vec<&str> = there.iter().map(String::as_str).collect();
        plan(EMAILS, &desired, &candidate(&there), applied, false, policy)
    }

    fn of(entries: &[Value]) -> BTreeSet<String> {
        entries.iter().map(|entry| entry["value"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns what the ATS holds after the plan was carried out.
    fn carried_out(there: &[String], plan: &ListPlan) -> Vec<String> {
        let mut after: BTreeSet<String> = there.iter().cloned().collect();
        after.retain(|entry| !of(&plan.remove).contains(entry));
        after.extend(of(&plan.add));
        after.into_iter().collect()
    }

    proptest! {
        #[test]
        fn only_entries_of_the_engine_are_removed_under_any_policy(
            one in addresses(), two in addresses(), there in addresses(), policy in policy()
        ) {
            // A declaration, an edit, another declaration.
            let first = planned(&one, &there, None, policy);
            let held = carried_out(&there, &first);
            let second = planned(&two, &held, Some(&first.applied), policy);
            for removed in of(&second.remove) {
                prop_assert!(!there.contains(&removed), "{removed} was there before the engine \
                    came");
                prop_assert!(!two.contains(&removed), "{removed} is desired");
            }
            for added in of(&second.add) {
                prop_assert!(two.contains(&added) && !held.contains(&added));
            }
        }

        #[test]
        fn a_list_that_was_carried_out_needs_nothing_more(
            desired in addresses(), there in addresses(), added in addresses(), seen in addresses(),
                policy in policy()
        ) {
            let base = json!({ "added": added, "seen": seen });
            let first = planned(&desired, &there, Some(&base), policy);
            let held = carried_out(&there, &first);
            let again = planned(&desired, &held, Some(&first.applied), policy);
            prop_assert!(again.add.is_empty() && again.remove.is_empty(), "{again:?}");
            prop_assert_eq!(&again.applied,
                &planned(&desired, &held, Some(&again.applied), policy).applied);
        }

        #[test]
        fn a_removed_entry_is_added_again_only_under_enforce(
            desired in addresses(), there in addresses(), removed in addresses(), policy in policy()
        ) {
            let first = planned(&desired, &there, None, policy);
            let mut held = carried_out(&there, &first);
            let owned = held.iter().filter(|entry| desired.contains(entry));
            let owned: BTreeSet<String> = owned.cloned().collect();
            held.retain(|entry| !removed.contains(entry));
            let again = planned(&desired, &held, Some(&first.applied), policy);
            for added in of(&again.add) {
                prop_assert!(policy == Policy::Enforce || !owned.contains(&added), "{added} came \
                    back under {policy:?}");
            }
        }

        #[test]
        fn entries_that_vanished_with_all_others_are_never_restored(
            desired in addresses(), there in addresses(), later in addresses(), policy in policy(),
                other in policy()
        ) {
            let first = planned(&desired, &there, None, policy);
            let held = carried_out(&there, &first);
            let owned = held.iter().filter(|entry| desired.contains(entry));
            let owned: BTreeSet<String> = owned.cloned().collect();
            let emptied = planned(&desired, &[], Some(&first.applied), policy);
            prop_assert!(of(&emptied.add).is_disjoint(&owned), "{policy:?}: {emptied:?}");
            // Nor when others fill the list, nor under another policy.
            let mut base = emptied.applied.clone();
            for policy in [other, Policy::Enforce] {
                let again = planned(&desired, &later, Some(&base), policy);
                prop_assert!(of(&again.add).is_disjoint(&owned), "{policy:?}: {again:?}");
                base = again.applied;
            }
            // Unless the base was taken on another record.
            let moved = plan(EMAILS, &bare(&desired), &candidate(&[]), Some(&first.applied), true,
                Policy::Enforce);
            prop_assert!(of(&moved.add).is_superset(&owned), "{moved:?}");
        }

        #[test]
        fn seed_never_touches_a_list_that_exists(desired in addresses(), there in addresses(),
            added in addresses()) {
            let base = json!({ "added": added, "seen": [] });
            let plan = planned(&desired, &there, Some(&base), Policy::Seed);
            prop_assert!(plan.add.is_empty() && plan.remove.is_empty());
        }
    }

    #[test]
    fn a_new_record_starts_with_each_entry_once() {
        let (entries, _) = create(
            plain(List::Links),
            &wanted(&["https://linkedin.com/in/ada", "linkedin.com/in/ada/", "ada.example"]),
        );
        assert_eq!(
            entries,
            vec![
                json!({ "value": "https://linkedin.com/in/ada", "type": "social" }),
                json!({ "value": "ada.example", "type": "other" })
            ]
        );
    }
}
