//! Which terms an observed record can be found by. Pure.
//!
//! A plan asks by e-mail, by name, by parent; it must not walk everything to do so. The terms are
//! taken from the unified record alone, so every adapter gets them. A term is in the model's form
//! ([`form`]).

use atsync_model::{kinds, normal};
use serde::Deserialize;
use std::borrow::Cow;

/// Find by an e-mail address: `candidates`, `users`, `user_emails`.
pub const EMAIL: &str = "email";
/// Find by name: `jobs` (title), `sources`, `tags`, `stages`, `pools`, `pool_stages`,
/// `reject_reasons`, `close_reasons`, `custom_fields`, `custom_field_options`, `departments`,
/// `offices`.
pub const NAME: &str = "name";
/// Find by the candidate it belongs to: `applications`, `notes`, `applied_tags`.
pub const CANDIDATE: &str = "candidate";
/// Find by the record it is in: `stages` (job), `pool_stages` (pool), `custom_field_options`
/// (custom field), `attachments`, `rejections`, `pool_placements`, `application_stages`
/// (application), `openings`, `hiring_managers`, `job_owners` (job).
pub const PARENT: &str = "parent";
/// Find by the user: `referrers`, `user_emails`.
pub const USER: &str = "user";
/// Find by a key of the customer's: `custom_fields` (key), `jobs` (requisition id).
pub const KEY: &str = "key";
/// Find what some users are not shown by what it applies to: `custom_fields` marked private.
pub const PRIVATE: &str = "private";

/// A term as it is compared: by the form of an address where the index is one of addresses, else by
/// that of a name.
pub fn form(index: &str, text: &str) -> String {
    if index == EMAIL { normal::email(text) } else { normal::name(text) }
}

/// Which indexes the records of a kind are found by.
pub fn of(kind: &str) -> &'static [&'static str] {
    match kind {
        kinds::CANDIDATES | kinds::USERS => &[EMAIL],
        kinds::APPLICATIONS | kinds::NOTES | kinds::APPLIED_TAGS => &[CANDIDATE],
        kinds::JOBS => &[NAME, KEY],
        kinds::CUSTOM_FIELDS => &[NAME, KEY, PRIVATE],
        kinds::CUSTOM_FIELD_OPTIONS | kinds::STAGES | kinds::POOL_STAGES => &[NAME, PARENT],
        kinds::OPENINGS
        | kinds::ATTACHMENTS
        | kinds::REJECTIONS
        | kinds::POOL_PLACEMENTS
        | kinds::APPLICATION_STAGES => &[PARENT],
        kinds::REFERRERS => &[NAME, USER],
        kinds::USER_EMAILS => &[EMAIL, USER],
        _ => &[NAME],
    }
}

#[derive(Default, Deserialize)]
struct Id<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Address<'a> {
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Person<'a> {
    #[serde(borrow, default)]
    emails: Option<Vec<Address<'a>>>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow, default)]
    email: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    emails: Option<Vec<Cow<'a, str>>>,
}

#[derive(Deserialize)]
struct Small<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    requisition_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    email: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    candidate: Option<Id<'a>>,
    #[serde(borrow, default)]
    application: Option<Id<'a>>,
    #[serde(borrow, default)]
    parent: Option<Id<'a>>,
    #[serde(borrow, default)]
    custom_field: Option<Id<'a>>,
    #[serde(borrow, default)]
    job: Option<Id<'a>>,
    #[serde(borrow, default)]
    user: Option<Id<'a>>,
    #[serde(borrow, default)]
    applies_to: Option<Choice<'a>>,
    #[serde(default)]
    private: Option<bool>,
}

/// The terms of a record: index and normalised term. Empty for kinds that are not looked up, and
/// for a body that does not have the unified shape.
pub fn terms(kind: &str, body: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if reads(kind, body) {
        collect(kind, body, &mut found);
    } else if let Some(sound) = sound_part(kind, body) {
        collect(kind, &sound, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Whether the members that terms are taken from have the unified shape.
fn reads(kind: &str, body: &str) -> bool {
    match kind {
        kinds::CANDIDATES => serde_json::from_str::<Person<'_>>(body).is_ok(),
        kinds::USERS => serde_json::from_str::<User<'_>>(body).is_ok(),
        _ => serde_json::from_str::<Small<'_>>(body).is_ok(),
    }
}

/// The body without the members that have another shape: they cost themselves, not the record's
/// other terms.
fn sound_part(kind: &str, body: &str) -> Option<String> {
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(body).ok()?;
    members.retain(|member, value| {
        let alone = serde_json::Map::from_iter([(member.clone(), value.clone())]);
        reads(kind, &serde_json::Value::Object(alone).to_string())
    });
    Some(serde_json::Value::Object(members).to_string())
}

fn collect(kind: &str, body: &str, found: &mut Vec<(&'static str, String)>) {
    let mut push = |index: &'static str, text: Option<Cow<'_, str>>| {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            found.push((index, form(index, &text)));
        }
    };
    let id = |reference: Option<Id<'_>>| {
        reference.and_then(|reference| reference.id.map(|id| Cow::Owned(id.into_owned())))
    };
    match kind {
        kinds::CANDIDATES => {
            if let Ok(person) = serde_json::from_str::<Person<'_>>(body) {
                person.emails.into_iter().flatten().for_each(|address| push(EMAIL, address.value));
            }
        }
        kinds::USERS => {
            if let Ok(user) = serde_json::from_str::<User<'_>>(body) {
                push(EMAIL, user.email);
                user.emails.into_iter().flatten().for_each(|email| push(EMAIL, Some(email)));
            }
        }
        _ => {
            let Ok(small) = serde_json::from_str::<Small<'_>>(body) else { return };
            match kind {
                kinds::APPLICATIONS | kinds::NOTES | kinds::APPLIED_TAGS => {
                    push(CANDIDATE, id(small.candidate))
                }
                kinds::JOBS => {
                    push(NAME, small.title);
                    push(KEY, small.requisition_id);
                }
                kinds::CUSTOM_FIELDS => {
                    push(NAME, small.name);
                    push(KEY, small.key);
                    if small.private == Some(true) {
                        push(PRIVATE, small.applies_to.and_then(|applies_to| applies_to.value));
                    }
                }
                kinds::CUSTOM_FIELD_OPTIONS => {
                    push(NAME, small.name);
                    push(PARENT, id(small.custom_field));
                }
                kinds::STAGES | kinds::POOL_STAGES => {
                    push(NAME, small.name);
                    push(PARENT, id(small.parent));
                }
                kinds::OPENINGS | kinds::HIRING_MANAGERS | kinds::JOB_OWNERS => {
                    push(PARENT, id(small.job))
                }
                kinds::ATTACHMENTS
                | kinds::REJECTIONS
                | kinds::POOL_PLACEMENTS
                | kinds::APPLICATION_STAGES => {
                    push(PARENT, id(small.application));
                }
                kinds::REFERRERS => {
                    push(NAME, small.name);
                    push(USER, id(small.user));
                }
                kinds::USER_EMAILS => {
                    push(EMAIL, small.email);
                    push(USER, id(small.user));
                }
                _ => push(NAME, small.name),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CANDIDATE, EMAIL, KEY, NAME, terms};

    #[test]
    fn a_member_of_another_shape_costs_its_own_terms_alone() {
        let odd = r#"{"email":"ada@example.com","emails":null}"#;
        assert_eq!(terms("users", odd), vec![(EMAIL, "ada@example.com".to_owned())]);
        let odd = r#"{"email":"ada@example.com","emails":[7]}"#;
        assert_eq!(terms("users", odd), vec![(EMAIL, "ada@example.com".to_owned())]);
        let odd = r#"{"name":"Channel","key":"channel","private":"yes"}"#;
        assert_eq!(
            terms("custom_fields", odd),
            vec![(KEY, "channel".to_owned()), (NAME, "channel".to_owned())]
        );
    }

    #[test]
    fn every_kind_says_what_it_is_found_by() {
        let everything = r#"{"name":"a","title":"a","key":"k","requisition_id":"k","email":"a@b.c","emails":[],
            "candidate":{"id":"1"},"application":{"id":"1"},"parent":{"id":"1"},"custom_field":{"id":"1"},
            "job":{"id":"1"},"user":{"id":"1"},"applies_to":{"value":"job"},"private":true}"#;
        let person = r#"{"emails":[{"value":"a@b.c"}]}"#;
        for kind in atsync_model::kinds::ALL {
            let body = if *kind == "candidates" { person } else { everything };
            let mut found: Vec<&str> =
                terms(kind, body).into_iter().map(|(index, _)| index).collect();
            let mut said = super::of(kind).to_vec();
            found.sort_unstable();
            said.sort_unstable();
            assert_eq!(found, said, "{kind}");
        }
    }

    #[test]
    fn a_record_is_found_by_what_plans_ask_for() {
        let person =
            r#"{"name":{},"emails":[{"value":" Ada@Example.com "},{"value":"ada@example.com"}]}"#;
        assert_eq!(terms("candidates", person), vec![(EMAIL, "ada@example.com".to_owned())]);
        assert_eq!(
            terms("applications", r#"{"candidate":{"id":"7"},"job":{"id":"9"}}"#),
            vec![(CANDIDATE, "7".to_owned())]
        );
        assert_eq!(
            terms("jobs", r#"{"title":"Engineer","requisition_id":"76"}"#),
            vec![(KEY, "76".to_owned()), (NAME, "engineer".to_owned())]
        );
        assert_eq!(terms("sources", "not json"), vec![]);
    }
}
