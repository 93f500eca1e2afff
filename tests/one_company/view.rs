//! The records of one connection in a form that does not depend on the ATS: each under a natural
//! key, with references replaced by the natural key of what they name.

use atsync::model::normal;
use atsync::{Connection, ErrorKind};
use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Stands for the whole record in a [`Difference`].
pub(crate) const RECORD: &str = "(record)";

/// The kinds that are compared, in an order in which each refers to earlier ones.
const KINDS: &[&str] = &[
    "users",
    "referrers",
    "departments",
    "offices",
    "reject_reasons",
    "sources",
    "tags",
    "custom_fields",
    "jobs",
    "postings",
    "stages",
    "openings",
    "candidates",
    "applications",
    "application_stages",
    "rejections",
    "applied_tags",
    "notes",
];

/// Kinds whose records are named by others and are not compared: a referrer is a record of its own
/// in one ATS and a user in another; of a posting each ATS writes its own page.
const NAMED: &[&str] = &["referrers", "postings"];

/// One difference between two views.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) kind: String,
    pub(crate) field: String,
    /// The record's key.
    key: String,
    /// The value of the first, or an empty object for its record; none where it has none.
    pub(crate) one: Option<Value>,
    /// That of the second.
    pub(crate) two: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, field, key, one, two } = self;
        write!(f, "{kind}.{field} {key}: {one:?} and {two:?}")
    }
}

type Rows = BTreeMap<String, Map<String, Value>>;

/// Records by kind and natural key, and the fields that the manifest declares.
pub(crate) struct View {
    kinds: BTreeMap<String, Rows>,
    declared: BTreeMap<String, BTreeSet<String>>,
}

/// Pulls every kind that is compared, and returns the view.
pub(crate) async fn pulled(acme: &Connection) -> View {
    let mut view = View { kinds: BTreeMap::new(), declared: BTreeMap::new() };
    let mut names: BTreeMap<(String, String), String> = BTreeMap::new();
    for rule in &acme.manifest().kinds {
        if KINDS.contains(&rule.name.as_str()) {
            match acme.pull(&rule.name).await {
                Ok(report) => {
                    assert_eq!((report.unread, report.unread_fields), (0, 0), "{report:?}")
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Input, "{}: {error}", rule.name),
            }
            let fields = rule.fields.iter().cloned();
            view.declared.insert(rule.name.clone(), fields.collect());
        }
    }
    for kind in KINDS {
        if acme.manifest().kind(kind).is_none() {
            continue;
        }
        let rows: Vec<_> = acme.observed(kind).try_collect().await.unwrap();
        // A record may refer to a later one of its kind.
        for row in rows.iter().filter(|_| ["departments", "offices"].contains(kind)) {
            let body: Value = serde_json::from_str(&row.body).unwrap();
            let name = body["name"].as_str().unwrap_or_default().to_owned();
            names.insert(((*kind).to_owned(), row.id.clone()), name);
        }
        let mut made = Rows::new();
        for row in rows.into_iter().filter(|row| !row.gone) {
            let body: Map<String, Value> = serde_json::from_str(&row.body).unwrap();
            let known = row.known.iter().map(|field| {
                let value = body.get(field).cloned().unwrap_or(Value::Null);
                (field.clone(), common(kind, field, value, &names))
            });
            let known: Map<String, Value> = known.collect();
            let (key, called) = key(kind, &known, &made);
            names.insert(((*kind).to_owned(), row.id), called);
            made.insert(key, known);
        }
        view.kinds.insert((*kind).to_owned(), made);
    }
    view
}

impl View {
    /// Lists in what another view differs, one entry for each record and field. Counts the pairs of
    /// values that were compared.
    pub(crate) fn compare(
        &self,
        other: &Self,
        compared: &mut BTreeMap<(String, String), usize>,
    ) -> Vec<Difference> {
        let mut found = Vec::new();
        for (kind, ours) in self.kinds.iter().filter(|(kind, _)| !NAMED.contains(&kind.as_str())) {
            let Some(theirs) = other.kinds.get(kind) else { continue };
            let mut differ = |field: &str, key: &str, one: Option<Value>, two: Option<Value>| {
                let (kind, field, key) = (kind.clone(), field.to_owned(), key.to_owned());
                found.push(Difference { kind, field, key, one, two });
            };
            let record = || Some(Value::Object(Map::new()));
            for key in theirs.keys().filter(|key| !ours.contains_key(*key)) {
                differ(RECORD, key, None, record());
            }
            let fields: Vec<&String> =
                self.declared[kind].intersection(&other.declared[kind]).collect();
            for (key, our) in ours {
                let Some(their) = theirs.get(key) else {
                    differ(RECORD, key, record(), None);
                    continue;
                };
                for field in &fields {
                    let (Some(one), Some(two)) = (our.get(*field), their.get(*field)) else {
                        continue;
                    };
                    *compared.entry((kind.clone(), (*field).clone())).or_default() += 1;
                    if !agree(field, one, two) {
                        let some =
                            |value: &Value| Some(value).filter(|held| !held.is_null()).cloned();
                        differ(field, key, some(one), some(two));
                    }
                }
            }
        }
        found
    }
}

/// Whether two values say the same. Of what is known of someone's privacy, what both know.
fn agree(field: &str, one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Object(one), Value::Object(two)) if field == "privacy" => {
            one.iter().all(|(member, held)| two.get(member).is_none_or(|other| other == held))
        }
        _ => one == two,
    }
}

/// The natural key of a record, and what a reference to it becomes. Two records of one natural key
/// are numbered.
fn key(kind: &str, row: &Map<String, Value>, made: &Rows) -> (String, String) {
    let text = |field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (key, called) = match kind {
        "users" => (text("email"), text("email")),
        "jobs" => (text("requisition_id"), text("requisition_id")),
        "custom_fields" => {
            let key = format!("{}/{}", text("applies_to"), text("name"));
            (key.clone(), key)
        }
        "referrers" => {
            let key = Some(text("user")).filter(|key| !key.is_empty()).unwrap_or(text("name"));
            (key.clone(), key)
        }
        "stages" => (format!("{}/{}", text("parent"), text("name")), text("name")),
        "postings" => (format!("{}/{}", text("job"), text("title")), text("job")),
        "openings" => (text("external_id"), text("external_id")),
        "candidates" => {
            let all = ["emails", "phones"].map(|field| row.get(field).cloned().unwrap_or_default());
            let key = all.map(|contacts| contacts.to_string()).concat();
            (key.clone(), key)
        }
        "applications" => {
            // Prospects of one person differ in their source.
            let about = Some(text("job")).filter(|job| !job.is_empty()).unwrap_or(text("source"));
            let key = format!("{}/{about}", text("candidate"));
            (key.clone(), key)
        }
        "application_stages" => {
            (format!("{}/{}", text("application"), text("entered_at")), String::new())
        }
        "rejections" => (text("application"), text("application")),
        "applied_tags" => (format!("{}/{}", text("candidate"), text("tag")), String::new()),
        "notes" => {
            // Where a note names an application alone, the key of that begins with the candidate's.
            let application = text("application");
            let person = application.split('/').next().unwrap_or_default().to_owned();
            let person = Some(text("candidate")).filter(|key| !key.is_empty()).unwrap_or(person);
            (format!("{person}/{}", text("body")), String::new())
        }
        _ => (text("name"), text("name")),
    };
    let mut numbered = key.clone();
    for number in 2.. {
        if !made.contains_key(&numbered) {
            break;
        }
        numbered = format!("{key} ({number})");
    }
    let called = if called == key { numbered.clone() } else { called };
    (numbered, called)
}

/// The kind that a field refers to.
fn target(field: &str) -> Option<&'static str> {
    Some(match field {
        "candidate" => "candidates",
        "application" => "applications",
        "job" => "jobs",
        "stage" => "stages",
        "source" => "sources",
        "tag" | "tags" => "tags",
        "department" | "departments" => "departments",
        "office" | "offices" => "offices",
        "posting" => "postings",
        "referrer" => "referrers",
        "reject_reason" => "reject_reasons",
        "author" | "recruiter" | "coordinator" | "user" | "rejected_by" => "users",
        _ => return None,
    })
}

/// A value of a field in a form that does not depend on the ATS.
fn common(
    kind: &str,
    field: &str,
    value: Value,
    names: &BTreeMap<(String, String), String>,
) -> Value {
    let referred = |held: &Value| {
        let of = |member: &str| held.get(member).and_then(Value::as_str);
        let target = match (field, kind) {
            ("parent", "stages") => Some("jobs"),
            ("parent", kind) => Some(kind),
            _ => target(field),
        };
        let known = target
            .zip(of("id"))
            .and_then(|(target, id)| names.get(&(target.to_owned(), id.to_owned())).cloned());
        Value::from(known.or_else(|| of("name").or(of("id")).map(str::to_owned)))
    };
    if let Some(contact) = normal::Contact::of(field) {
        let held = value.as_array().into_iter().flatten();
        // A postal address of one line has commas where another has ends of lines.
        let plain =
            |text: &str| if field == "addresses" { text.replace(',', "") } else { text.into() };
        let form = |one: &Value| {
            one.get("value").unwrap_or(one).as_str().map(|text| contact.form(&plain(text)))
        };
        let all: BTreeSet<String> = held.filter_map(form).collect();
        return Value::from_iter(all);
    }
    match &value {
        Value::Object(held) if field == "custom_fields" => {
            // Of an option the label, of several their labels in order, of a number its text.
            let label = |one: &Value| one.get("label").unwrap_or(one).clone();
            let of = |held: &Value| match held.get("value").unwrap_or(&Value::Null) {
                Value::Array(all) => {
                    let mut all: Vec<String> =
                        all.iter().map(|one| label(one).to_string()).collect();
                    all.sort();
                    Value::from(all)
                }
                Value::Object(parts) if parts.contains_key("amount") => {
                    let part = |part: &str| match parts.get(part) {
                        Some(Value::String(text)) => text.clone(),
                        other => other.map(Value::to_string).unwrap_or_default(),
                    };
                    Value::from(format!("{} {}", part("amount"), part("currency")))
                }
                Value::Number(number) => Value::from(number.to_string()),
                one => label(one),
            };
            let called = |key: &str, held: &Value| {
                let label = held.get("name").and_then(Value::as_str);
                label.unwrap_or(key).to_owned()
            };
            held.iter()
                .map(|(key, held)| (called(key, held), of(held)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Object(held) if field == "name" => {
            let part = |part: &str| held.get(part).and_then(Value::as_str).map(str::to_owned);
            let parts = [part("first"), part("last")].into_iter().flatten();
            let joined = parts.collect::<Vec<_>>().join(" ");
            let name = part("full").unwrap_or(joined);
            if name.is_empty() { Value::Null } else { name.into() }
        }
        Value::Object(_) if target(field).is_some() || field == "parent" => referred(&value),
        Value::Object(held) => held.get("value").cloned().unwrap_or(value),
        Value::Array(all) if target(field).is_some() => {
            let mut all: Vec<String> =
                all.iter().filter_map(|one| referred(one).as_str().map(str::to_owned)).collect();
            all.sort();
            Value::from(all)
        }
        Value::String(text) if field.ends_with("_at") => {
            Value::from(normal::date_time(text).unwrap_or_else(|| text.clone()))
        }
        Value::String(text) => Value::from(normal::text(text)),
        _ => value,
    }
}
